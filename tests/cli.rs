//! The tool as its users meet it: what it prints, and how it ends.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use palmetto_compiler::hlo::ArrayLiteral;
use palmetto_runtime::numpy;

mod cli {
    mod bytecode;
}

/// A folder that is this test's own.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).expect("the target folder can be written");
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("the test's folder can be written");
        path.display().to_string()
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

fn palmetto(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_palmetto"));
    command.args(arguments).output().expect("the tool starts")
}

/// Exit code, standard output and standard error.
fn outcome(arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = palmetto(arguments);
    let text = |bytes| String::from_utf8(bytes).expect("the tool prints text");
    (status.code().expect("the tool was not killed"), text(stdout), text(stderr))
}

const ADD: &str = "\
func.func @main(%x: tensor<2x3xf32>, %y: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = stablehlo.add %x, %y : tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}
";

const CHECKS: &str = r#"
func.func @sum() {
  %a = stablehlo.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %b = stablehlo.add %a, %a : tensor<3xf32>
  check.expect_eq_const %b, dense<[2.0, 4.0, 6.0]> : tensor<3xf32>
  return
}
func.func @close() {
  %a = stablehlo.constant dense<[1.0, 0x7FC00000]> : tensor<2xf32>
  %b = stablehlo.constant dense<[1.00000024, 0x7FC00000]> : tensor<2xf32>
  stablehlo.custom_call @check.expect_close(%a, %b) {has_side_effect = true} : (tensor<2xf32>, tensor<2xf32>) -> ()
  return
}
// -----
func.func @main() -> tensor<i1> {
  %a = stablehlo.constant dense<[1, 2]> : tensor<2xi32>
  %b = stablehlo.constant dense<[1, LAST]> : tensor<2xi32>
  %c = stablehlo.custom_call @check.eq(%a, %b) : (tensor<2xi32>, tensor<2xi32>) -> tensor<i1>
  return %c : tensor<i1>
}
"#;

#[test]
fn checks_that_hold_end_well_on_both_engines() {
    let folder = Folder::new("checks_hold");
    let file = folder.file("good.mlir", &CHECKS.replace("LAST", "2"));
    for engine in ["evaluator", "emulator"] {
        let (code, out, err) = outcome(&["test", "--engine", engine, &file]);
        let lines: Vec<&str> = out.lines().collect();
        let expected = [
            "check.expect_eq_const: pass (3 elements)",
            "check.expect_close: pass (2 elements)",
            "check.eq: pass (2 elements)",
            &format!("{file}: ok, 3 checks"),
            "1 passed, 0 failed",
        ];
        assert_eq!((code, lines.as_slice(), err.as_str()), (0, &expected[..], ""), "{engine}");
    }
}

#[test]
fn programs_of_constants_run_on_the_chip_too() {
    let folder = Folder::new("checks_of_constants");
    let program = |ulps: u32| {
        format!(
            "func.func @exponential() {{
  %x = stablehlo.constant dense<[0.1, 0.2, 0.3, 1.7]> : tensor<4xf32>
  %r = stablehlo.exponential %x : tensor<4xf32>
  %y = stablehlo.convert %x : (tensor<4xf32>) -> tensor<4xf64>
  %s = stablehlo.exponential %y : tensor<4xf64>
  %e = stablehlo.convert %s : (tensor<4xf64>) -> tensor<4xf32>
  check.expect_close %r, %e, max_ulp_difference = {ulps} : tensor<4xf32>, tensor<4xf32>
  return
}}
"
        )
    };
    let exact = folder.file("exact.mlir", &program(0));
    let close = folder.file("close.mlir", &program(3));
    let code = |engine, file: &str| outcome(&["test", "--engine", engine, file]).0;
    assert_eq!(code("evaluator", &exact), 0, "the evaluator rounds once");
    assert_eq!(code("emulator", &exact), 1, "the chip's exponential is a unit off at 0.3");
    assert_eq!(code("emulator", &close), 0);
}

#[test]
fn a_check_that_fails_says_where_and_by_how_much() {
    let folder = Folder::new("check_fails");
    let file = folder.file("bad.mlir", &CHECKS.replace("LAST", "5"));
    for engine in ["evaluator", "emulator"] {
        let (code, out, err) = outcome(&["test", "--engine", engine, &file]);
        assert_eq!((code, err.as_str()), (1, ""), "{out}");
        let failed = out.lines().nth(2).expect("a line per check");
        assert!(
            failed.starts_with("check.eq: fail at [1]: actual 5, expected 2, distance 3"),
            "{failed}"
        );
        assert!(
            out.ends_with(&format!("{file}: FAILED, 1 of 3 checks failed\n0 passed, 1 failed\n")),
            "{out}"
        );
    }
}

#[test]
fn checks_are_shown_by_every_command_that_runs_programs() {
    let folder = Folder::new("checks_shown");
    let (first, _) = CHECKS.split_once("// -----").expect("several programs");
    let text = first.replace("@sum", "@main").replace("6.0", "7.0");
    let program = folder.file("checks.mlir", &text);
    for command in ["run", "interpret"] {
        let (code, out, err) = outcome(&[command, &program]);
        let expected = "check.expect_eq_const: fail at [2]: actual 6, expected 7";
        assert!(code == 1 && out.starts_with(expected), "{command}: {out}{err}");
    }
}

#[test]
fn an_error_without_a_place_says_which_program_it_is_about() {
    let folder = Folder::new("no_place");
    let program = folder.file("open.mlir", "func.func @main(%x: tensor<i32>) {\n  return\n}\n");
    for engine in ["emulator", "evaluator"] {
        let (code, _, err) = outcome(&["test", "--engine", engine, &program]);
        assert!(code == 2 && err.ends_with(&format!("\nnote: in @main of {program}\n")), "{err}");
    }
}

#[test]
fn what_cannot_run_is_an_error_and_the_rest_runs() {
    let folder = Folder::new("cannot_run");
    let broken = folder.file("broken.mlir", "func.func @main() {\n  %0 = nonsense\n  return\n}\n");
    let good = folder.file("good.mlir", &CHECKS.replace("LAST", "2"));
    let missing = folder.path("missing.mlir");
    let arguments = ["test", "--engine", "evaluator", &broken, &missing, &good];
    let (code, out, err) = outcome(&arguments);
    assert_eq!(code, 2);
    assert!(out.ends_with("1 passed, 2 failed\n"), "{out}");
    assert!(out.contains(&format!("{broken}: ERROR, 1 program did not run")), "{out}");
    assert!(err.contains(&format!("{broken}:2:8: error: ")) && err.contains("^"), "{err}");
    assert!(err.contains(&format!("cannot read {missing}")), "{err}");
}

#[test]
fn arrays_go_in_and_come_out() {
    let folder = Folder::new("arrays");
    let program = folder.file("add.mlir", ADD);
    let array = |start: f32| {
        let data: Vec<f32> = (0..6_u8).map(|n| start + f32::from(n)).collect();
        ArrayLiteral::from_slice(&[2, 3], &data).expect("six numbers")
    };
    let (x, both) = (folder.path("x.npy"), folder.path("both.npz"));
    numpy::write_npy(Path::new(&x), &array(0.0)).expect("written");
    let pair = [("arr_0".to_owned(), array(0.0)), ("arr_1".to_owned(), array(10.0))];
    numpy::write_npz(Path::new(&both), &pair).expect("written");

    for command in ["interpret", "run"] {
        let (code, out, err) = outcome(&[command, &program, "--input", &both]);
        let expected = "result 0: f32[2,3] {{10, 12, 14}, {16, 18, 20}}\n";
        assert_eq!((code, out.as_str(), err.as_str()), (0, expected, ""), "{command}");
    }
    let result = folder.path("result.npz");
    let (code, out, _) = outcome(&["run", &program, "-i", &x, "-i", &x, "--output", &result]);
    assert_eq!((code, out.as_str()), (0, ""));
    let read = numpy::read_file(Path::new(&result)).expect("an archive");
    let doubled = read[0].1.to_own_literal().expect("f32");
    assert_eq!(doubled.as_slice::<f32>().expect("f32"), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
}

#[test]
fn inputs_that_do_not_fit_are_named() {
    let folder = Folder::new("inputs");
    let program = folder.file("add.mlir", ADD);
    let save = |name: &str, literal: &ArrayLiteral| {
        let path = folder.path(name);
        numpy::write_npy(Path::new(&path), literal).expect("written");
        path
    };
    let short = save("short.npy", &ArrayLiteral::from_slice(&[2], &[0_f32; 2]).expect("two"));
    let whole = save("whole.npy", &ArrayLiteral::from_slice(&[2, 3], &[1_i32; 6]).expect("six"));
    let fits = save("fits.npy", &ArrayLiteral::from_slice(&[2, 3], &[1_f32; 6]).expect("six"));
    let error = |arguments: &[&str]| {
        let (code, out, err) = outcome(&[&["interpret", &program], arguments].concat());
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        err
    };
    let err = error(&["-i", &short]);
    assert!(err.contains("is f32[2,3], the array has dimensions [2]"), "{err}");
    let err = error(&["-i", &whole]);
    let expected = "the array for parameter x: elements are s32 (NumPy <i4), f32 was expected";
    assert!(err.contains(expected) && err.contains("`--cast` converts them"), "{err}");
    let err = error(&["-i", &fits]);
    assert!(err.contains("no array was given for 1 of 2 parameters"), "{err}");
    let err = error(&["-i", &fits, "-i", &fits, "-i", &fits]);
    assert!(err.contains("more than there are parameters left"), "{err}");
    let err = error(&["-i", &program]);
    assert!(err.contains("not a readable .npy array"), "{err}");

    let (code, out, _) = outcome(&["interpret", &program, "-i", &whole, "--cast", "-i", &fits]);
    assert_eq!((code, out.as_str()), (0, "result 0: f32[2,3] {{2, 2, 2}, {2, 2, 2}}\n"));
    let (code, _, _) = outcome(&["interpret", &program, "-i", &fits, "--seed", "1"]);
    assert_eq!(code, 0);
}

#[test]
fn parameters_larger_than_any_memory_are_an_error() {
    let folder = Folder::new("absurd");
    let text = "func.func @main(%x: tensor<6x99999999999xf32>, %y: tensor<3xi1>) {\n  return\n}\n";
    let program = folder.file("absurd.mlir", text);
    for (command, limit) in
        [("run", "the chip's HBM has 34359738368"), ("interpret", "the evaluator has 17179869184")]
    {
        let (code, _, err) = outcome(&[command, &program]);
        let expected = format!("error: the parameters take 2399999999979 bytes, {limit}\n");
        assert_eq!((code, err), (2, expected), "{command}");
    }
}

#[test]
fn arrays_of_an_archive_go_to_the_arguments_of_their_names() {
    let folder = Folder::new("names");
    let text = "func.func @main(%x: tensor<2xf32>, %w: tensor<3xf32>) -> tensor<3xf32> {
  return %w : tensor<3xf32>
}
";
    let program = folder.file("second.mlir", text);
    let archive = |first: &str, second: &str| {
        let path = folder.path(&format!("{first}_{second}.npz"));
        let w = ArrayLiteral::from_slice(&[3], &[4_f32, 5.0, 6.0]).expect("three");
        let x = ArrayLiteral::from_slice(&[2], &[1_f32, 2.0]).expect("two");
        numpy::write_npz(Path::new(&path), &[(first.to_owned(), w), (second.to_owned(), x)])
            .expect("written");
        path
    };
    let (code, out, _) = outcome(&["interpret", &program, "-i", &archive("w", "x")]);
    assert_eq!((code, out.as_str()), (0, "result 0: f32[3] {4, 5, 6}\n"));
    let (code, _, err) = outcome(&["interpret", &program, "-i", &archive("weights", "x")]);
    assert_eq!(code, 2);
    let expected = "parameter x is f32[2], the array weights has dimensions [3]; arrays go to the \
                    parameters in order where not every name is a parameter's";
    assert!(err.contains(expected), "{err}");
}

#[test]
fn no_clock_and_no_strictness_changes_a_result() {
    let folder = Folder::new("clocks");
    let program = folder.file("add.mlir", ADD);
    let run = |more: &[&str]| {
        outcome(&[&["run", &program, "--seed", "3", "--print-full"], more].concat())
    };
    let (code, expected, err) = run(&[]);
    assert_eq!((code, err.as_str()), (0, ""));
    let variants: [&[&str]; 4] = [
        &["--timing", "ideal"],
        &["--timing", "chaos=5"],
        &["--strict"],
        &["--strict", "--timing", "chaos"],
    ];
    for more in variants {
        assert_eq!(run(more), (0, expected.clone(), String::new()), "{more:?}");
    }
}

#[test]
fn the_report_is_a_table_or_json() {
    let folder = Folder::new("report");
    let program = folder.file("add.mlir", ADD);
    let (code, out, _) = outcome(&["run", &program, "--report"]);
    assert_eq!(code, 0);
    assert!(out.contains("utilisation") && out.contains("Largest losses"), "{out}");
    let (code, out, _) = outcome(&["run", &program, "--json"]);
    assert_eq!(code, 0);
    let report: serde_json::Value = serde_json::from_str(&out).expect("nothing but JSON");
    let cycles = |value: &serde_json::Value| value["cycles"].as_u64().expect("a count");
    let rows = report["instructions"].as_array().expect("rows");
    assert_eq!(rows.iter().map(cycles).sum::<u64>(), cycles(&report["total"]));
    assert!(cycles(&report["total"]) > 0);
}

#[test]
fn every_stage_can_be_printed() {
    let folder = Folder::new("stages");
    let program = folder.file("add.mlir", ADD);
    let stages = [
        ("hlo", "HloModule"),
        ("optimized-hlo", "HloModule"),
        ("llo", "function "),
        ("bundles", "program "),
        ("asm", "program "),
    ];
    for (stage, start) in stages {
        let (code, out, err) = outcome(&["compile", &program, "--emit", stage]);
        assert_eq!((code, err.as_str()), (0, ""), "{stage}");
        assert!(out.starts_with(start), "{stage}: {out}");
    }
    // HLO that was printed is a program again.
    let (_, hlo, _) = outcome(&["compile", &program, "--emit", "hlo"]);
    let hlo = folder.file("add.hlo", &hlo);
    let of = |file: &str| outcome(&["interpret", file, "--seed", "5"]);
    assert_eq!(of(&hlo), of(&program));
    let (code, listed, _) = outcome(&["opt", "--list"]);
    let first = listed.lines().next().expect("there are passes");
    let (done, out, _) = outcome(&["opt", "--passes", first, &hlo]);
    assert_eq!((code, done), (0, 0));
    assert!(out.starts_with("HloModule"), "{out}");
    let (done, dumped, _) = outcome(&["opt", "--dump", &program]);
    let dumps: Vec<&str> = dumped.lines().filter(|line| line.starts_with("// after ")).collect();
    assert!(done == 0 && dumps.contains(&"// after layout_assignment"), "{dumped}");
    let (_, optimized, _) = outcome(&["compile", &program, "--emit", "optimized-hlo"]);
    let last = dumped.rsplit_once("// after ").map(|(_, last)| last);
    assert!(last.is_some_and(|last| last.contains(optimized.trim())), "{dumped} {optimized}");
    let (code, _, err) = outcome(&["opt", "--passes", "no_such_pass", &hlo]);
    assert!(code == 2 && err.contains("no pass \"no_such_pass\""), "{err}");
}

#[test]
fn help_and_usage_errors_are_for_people() {
    let (code, out, _) = outcome(&["--help"]);
    assert_eq!(code, 0);
    assert!(out.contains("Examples:") && out.contains("Exit codes:"), "{out}");
    let (code, _, err) = outcome(&["run", "x.mlir", "--timing", "v5"]);
    assert!(code == 2 && err.contains("allowed are v4, ideal, chaos"), "{err}");
    let (code, _, err) = outcome(&["frobnicate"]);
    assert!(code == 2 && err.contains("frobnicate"), "{err}");
    let (code, out, _) = outcome(&["manual"]);
    assert!(code == 0 && out.starts_with('#'), "{out}");
}

#[test]
fn output_that_nobody_takes_is_no_panic() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_palmetto"));
    let (reader, writer) = std::io::pipe().expect("there are pipes");
    drop(reader);
    let output = command.arg("manual").stdout(writer).output().expect("the tool ends");
    assert_eq!(output.status.code(), Some(141));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_full_disk_and_a_missing_folder_are_errors() {
    let folder = Folder::new("unwritable");
    let program = folder.file("add.mlir", ADD);
    let nowhere = folder.path("no/such/folder/y.npz");
    let (code, _, err) = outcome(&["interpret", &program, "--output", &nowhere]);
    assert!(code == 2 && err.contains(&format!("cannot write {nowhere}")), "{err}");
    if Path::new("/dev/full").exists() {
        let (code, _, err) = outcome(&["interpret", &program, "--output", "/dev/full"]);
        assert!(code == 2 && err.contains("cannot write /dev/full"), "{err}");
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("it opens");
        for argument in ["manual", "--help", "--version"] {
            let full = full.try_clone().expect("it opens again");
            let mut command = Command::new(env!("CARGO_BIN_EXE_palmetto"));
            let output = command.arg(argument).stdout(full).output().expect("the tool starts");
            let err = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.code() == Some(2) && err.contains("standard output"), "{err}");
        }
    }
}
