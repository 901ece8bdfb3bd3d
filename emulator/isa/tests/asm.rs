//! Assembly by example: what is accepted, and what is said of the rest.

use expect_test::{Expect, expect};
use palmetto_isa::asm::{parse_program, print_program};

fn check(text: &str, printed: Expect) {
    printed.assert_eq(&match parse_program(text) {
        Ok(program) => print_program(&program),
        // Two lines, so that the expectations fit into theirs.
        Err(error) => error.to_string().replace(", expected", "\nexpected"),
    });
}

fn check_op(op: &str, printed: Expect) {
    check(&format!("program p\n{op}"), printed);
}

#[test]
fn printing_brings_text_into_its_form() {
    check(
        "program \"two words\" // a comment\nvmem 0x10\n\
         dma 0: hbm->vmem 8 granules x 4 (stride 8->-16)\n\
         start: again: halt ; s0=smov_imm -1 // ops in any order\nnop\nnop 2\n\nbr_z s1,start\n\
         br 0 ; v1 = vconst 0x1\nend: nop\nbr end\nbr behind\nbr 99\nbehind:",
        expect![[r#"
            program "two words"
            arguments 0
            vmem 16
            dma 0: hbm -> vmem 8 granules x 4 (stride 8 -> -16)
            L0:
              s0 = smov_imm -1 ; halt
              nop 3
              br_z s1, L0
              br L0 ; v1 = vconst 0x00000001
            L6:
              nop
              br L6
              br L10
              br 99
            L10:
        "#]],
    );
}

#[test]
fn headers_are_checked() {
    check(
        "",
        expect![[r#"
        line 1 column 1: found the end of the line
        expected `program` and a name"#]],
    );
    check(
        "halt",
        expect![[r#"
        line 1 column 1: found `halt`
        expected `program` and a name"#]],
    );
    check(
        "arguments 1",
        expect![[r#"
        line 1 column 1: found `arguments`
        expected `program`"#]],
    );
    check(
        "program",
        expect![[r#"
        line 1 column 8: found the end of the line
        expected a name"#]],
    );
    check(
        "program a b",
        expect![[r#"
        line 1 column 11: found `b`
        expected the end of the line"#]],
    );
    check(
        "program \"a",
        expect![[r#"
        line 1 column 11: found the end of the line
        expected a closing `"`"#]],
    );
    check(
        "program \"\\n\"",
        expect![[r#"
        line 1 column 10: found `\`
        expected one of the escapes \", \\ and \u{hex}"#]],
    );
}

#[test]
fn header_lines_are_checked() {
    check(
        "program a\nprogram b",
        expect![[r#"
        line 2 column 1: found `program`
        expected one line of each kind in the header"#]],
    );
    check(
        "program a\nvmem -1",
        expect![[r#"
        line 2 column 6: found `-1`
        expected a number of granules in 32 bits"#]],
    );
    check(
        "program a\nvmem 4294967296",
        expect![[r#"
        line 2 column 6: found `4294967296`
        expected a number of granules in 32 bits"#]],
    );
    check(
        "program a\ndma 1: hbm -> vmem 8 granules",
        expect![[r#"
        line 2 column 5: found `1`
        expected descriptor number 0"#]],
    );
    check(
        "program a\ndma 0: hbm -> vmen 8 granules",
        expect![[r#"
        line 2 column 15: found `vmen`
        expected one of `hbm`, `cmem`, `vmem`, `smem`"#]],
    );
    check(
        "program a\ndma 0: hbm -> vmem 8 granules x 4 (stride 1)",
        expect![[r#"
        line 2 column 44: found `)`
        expected `->`"#]],
    );
    check(
        "program a\nhalt\nvmem 8",
        expect![[r#"
        line 3 column 1: found `vmem`
        expected the name of an op"#]],
    );
}

#[test]
fn ops_are_checked() {
    check_op(
        "v1 = vadd v2, v3",
        expect![[r#"
        line 2 column 6: found `vadd`
        expected the name of an op"#]],
    );
    check_op(
        "vmov v1 = v2",
        expect![[r#"
        line 2 column 11: found `v2`
        expected the name of an op"#]],
    );
    check_op(
        "vmov v1, v2",
        expect![[r#"
        line 2 column 1: found `vmov`
        expected the result of `vmov` and ` = ` in front of it"#]],
    );
    check_op(
        "v1 = halt",
        expect![[r#"
        line 2 column 1: found `v1`
        expected `halt` without a result in front of it"#]],
    );
    check_op(
        "v1 = vmov",
        expect![[r#"
        line 2 column 10: found the end of the line
        expected a vector register like `v0`"#]],
    );
    check_op(
        "v1 = vmov s2",
        expect![[r#"
        line 2 column 11: found `s2`
        expected a vector register like `v0`"#]],
    );
    check_op(
        "s1 = vmov v2",
        expect![[r#"
        line 2 column 1: found `s1`
        expected a vector register like `v0`"#]],
    );
}

#[test]
fn operands_are_checked() {
    check_op(
        "v1 = vmov v256",
        expect![[r#"
        line 2 column 11: found `v256`
        expected a vector register like `v0`"#]],
    );
    check_op(
        "v1 = vmov v01",
        expect![[r#"
        line 2 column 11: found `v01`
        expected a vector register like `v0`"#]],
    );
    check_op(
        "v1 = vmov v2, v3",
        expect![[r#"
        line 2 column 13: found `,`
        expected `;` or the end of the line"#]],
    );
    check_op(
        "v1, v2 = vmov v3",
        expect![[r#"
        line 2 column 3: found `,`
        expected `=`"#]],
    );
    check_op(
        "v1 = vld s0",
        expect![[r#"
        line 2 column 12: found the end of the line
        expected `,`"#]],
    );
    check_op(
        "v1 = vld s0, -2147483649",
        expect![[r#"
        line 2 column 14: found `-2147483649`
        expected offset in 32 bits"#]],
    );
    check_op(
        "v1 = vunpack_s8 v0, 256",
        expect![[r#"
        line 2 column 21: found `256`
        expected part in 8 bits"#]],
    );
}

#[test]
fn bundles_are_checked() {
    check_op(
        "vst s0, 0, v0 ; vst s0, 8, v0",
        expect![[r#"
        line 2 column 17: found one more op in slot vst, `vst`
        expected at most 1 in a bundle"#]],
    );
    check_op(
        "halt ;",
        expect![[r#"
        line 2 column 7: found the end of the line
        expected the name of an op"#]],
    );
    check_op(
        "halt halt",
        expect![[r#"
        line 2 column 6: found `halt`
        expected `;` or the end of the line"#]],
    );
    check_op(
        "halt ; nop",
        expect![[r#"
        line 2 column 8: found `nop`
        expected the name of an op"#]],
    );
    check_op(
        "halt # no comment",
        expect![[r#"
        line 2 column 6: found '#'
        expected a word, a number, a quoted text or one of `, ; = : ( ) ->`"#]],
    );
}

#[test]
fn labels_and_empty_bundles_are_checked() {
    check_op(
        "br nowhere",
        expect![[r#"
        line 2 column 4: found `nowhere`
        expected a label of this program or a bundle number"#]],
    );
    check_op(
        "a: nop\na: nop",
        expect![[r#"
        line 3 column 1: found `a`
        expected a label other than `a` of line 2"#]],
    );
    check_op(
        "nop 0",
        expect![[r#"
        line 2 column 5: found `0`
        expected a number of bundles from 1 to 1048576"#]],
    );
    check_op(
        "nop 1048577",
        expect![[r#"
        line 2 column 5: found `1048577`
        expected a number of bundles from 1 to 1048576"#]],
    );
    check_op(
        "nop 1048576\nnop",
        expect![[r#"
        line 3 column 1: found `nop`
        expected at most 1048576 bundles"#]],
    );
}
