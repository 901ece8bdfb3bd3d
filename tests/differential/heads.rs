//! Heads that are split into matrices and merged again: one launch, and every bit as it was.

use palmetto_compiler::{compile, options::CompileOptions};

use super::{check_with, inputs_of, module_of};

/// Checks a program of one launch, besides that which copies the parameter: it is a result too, so
/// that layouts cannot make the transpose free.
fn check_pair(x: &str, body: &str, result: &str) {
    let module = module_of(&format!(
        "HloModule m\nENTRY main {{\n x = {x} parameter(0)\n{body} ROOT t = ({x}, {result}) tuple(x, r)\n}}\n"
    ));
    let options = CompileOptions::v4().checked();
    let executable = compile(&module, &options).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(executable.programs.len(), 2, "{body}");
    check_with(&module, &inputs_of(&module));
}

#[test]
fn heads_are_split_and_merged_in_one_launch() {
    for (element, majors, rows, heads, lanes, all) in [
        ("f32", "2,", 256, 8, 64, "2,256"),
        ("f32", "2,", 24, 16, 64, "48"),
        ("bf16", "3,", 48, 4, 32, "3,48"),
        ("bf16", "", 4112, 2, 64, "4112"),
        ("s32", "", 13, 3, 128, "13"),
        ("f32", "5,", 1000, 2, 256, "5,1000"),
        ("bf16", "2,", 32, 3, 384, "64"),
        ("s8", "2,", 64, 32, 8, "2,64"),
        ("u16", "1,1,", 16, 64, 2, "16"),
        ("f16", "7,", 16, 12, 64, "112"),
        ("pred", "", 96, 4, 64, "96"),
    ] {
        let joined = format!("{element}[{all},{}]", heads * lanes);
        let between = format!("{element}[{majors}{rows},{heads},{lanes}]");
        let matrices = format!("{element}[{majors}{heads},{rows},{lanes}]");
        let n = majors.matches(',').count();
        let order: Vec<usize> = (0..n).chain([n + 1, n, n + 2]).collect();
        let order = order.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let split = format!(
            " s = {between} reshape(x)\n r = {matrices} transpose(s), dimensions={{{order}}}\n"
        );
        check_pair(&joined, &split, &matrices);
        let merge = format!(
            " s = {between} transpose(x), dimensions={{{order}}}\n r = {joined} reshape(s)\n"
        );
        check_pair(&matrices, &merge, &joined);
    }
}

/// Heads that do not fill columns, more users of what is between, and dimensions that do not change
/// places go other ways.
#[test]
fn what_has_no_kernel_is_right_too() {
    for (x, steps, result) in [
        ("f32[2,24,240]", "f32[2,24,3,80] reshape(x)", "f32[2,3,24,80]"),
        ("f32[24,192]", "f32[24,3,64] reshape(x)", "f32[3,24,64]"),
        ("bf16[2,8,128]", "bf16[2,8,2,64] reshape(x)", "bf16[2,2,8,64]"),
    ] {
        let order = if result.matches(',').count() == 3 { "0,2,1,3" } else { "1,0,2" };
        let module = module_of(&format!(
            "HloModule m\nENTRY main {{\n x = {x} parameter(0)\n s = {steps}\n r = {result} transpose(s), dimensions={{{order}}}\n ROOT t = ({x}, {result}) tuple(x, r)\n}}\n"
        ));
        check_with(&module, &inputs_of(&module));
    }
}
