//! What is no MLIR, with the whole message.

use super::import;
use expect_test::{Expect, expect};
use palmetto_compiler::frontend::{parse_program, split_programs};

#[track_caller]
pub(super) fn check(text: &str, message: Expect) {
    match import(text) {
        Ok(module) => panic!("this was imported:\n{module}"),
        Err(error) => message.assert_eq(&error.to_string()),
    }
}

/// One operation in a function of `%x: tensor<4xf32>` and `%i: tensor<i32>`.
#[track_caller]
pub(super) fn check_op(operation: &str, message: Expect) {
    check(
        &format!(
            "func.func @main(%x: tensor<4xf32>, %i: tensor<i32>) {{\n  {operation}\n  return\n}}"
        ),
        message,
    );
}

#[test]
fn tokens() {
    check(
        "func.func @main() { ` }",
        expect![[r#"
        test.mlir:1:21: error: unexpected character '`'
          func.func @main() { ` }
                              ^"#]],
    );
    check(
        "module { \"abc",
        expect![[r#"
        test.mlir:1:10: error: this string has no closing '"' on its line
          module { "abc
                   ^"#]],
    );
    check(
        "#a = \"\\z\"",
        expect![[r#"
        test.mlir:1:6: error: unknown escape in this string; allowed are \n, \t, \\, \" and two hexadecimal digits
          #a = "\z"
               ^^^^"#]],
    );
}

#[test]
fn syntax_of_functions() {
    check(
        "// nothing",
        expect![[r#"
        test.mlir:1:1: error: there is no function @main; found none
          // nothing
          ^"#]],
    );
    check(
        "func.func",
        expect![[r#"
        test.mlir:1:10: error: found the end of the text, expected a symbol name such as @main
          func.func
                   ^"#]],
    );
    check(
        "hello",
        expect![[r#"
        test.mlir:1:1: error: found 'hello', expected an operation such as stablehlo.add
          hello
          ^^^^^"#]],
    );
    check(
        "func.func @main() {",
        expect![[r#"
        test.mlir:1:20: error: found the end of the text, expected an operation or '}'
          func.func @main() {
                             ^"#]],
    );
    check(
        "func.func @main(tensor<f32>) { return }",
        expect![[r#"
        test.mlir:1:16: error: this function has a body, so its arguments need names
          func.func @main(tensor<f32>) { return }
                         ^^^^^^^^^^^^^"#]],
    );
    check(
        "func.func @main(%x: tensor<4f32>) { return }",
        expect![[r#"
        test.mlir:1:28: error: expected 'x' after this dimension
          func.func @main(%x: tensor<4f32>) { return }
                                     ^"#]],
    );
    check(
        "func.func @main(%x: tensor<99999999999999999999xf32>) { return }",
        expect![[r#"
        test.mlir:1:28: error: this dimension is too large
          func.func @main(%x: tensor<99999999999999999999xf32>) { return }
                                     ^^^^^^^^^^^^^^^^^^^^"#]],
    );
    check(
        "func.func @main(%x: float) { return }",
        expect![[r#"
        test.mlir:1:21: error: found 'float', expected a type
          func.func @main(%x: float) { return }
                              ^^^^^"#]],
    );
}

#[test]
fn syntax_of_operations() {
    check_op(
        "%0 = stablehlo.add %x, %x tensor<4xf32>",
        expect![[r#"
        test.mlir:2:29: error: found 'tensor', expected ':'
            %0 = stablehlo.add %x, %x tensor<4xf32>
                                      ^^^^^^"#]],
    );
    check_op(
        "%0 = stablehlo.slice %x [0:2:] : (tensor<4xf32>) -> tensor<2xf32>",
        expect![[r#"
        test.mlir:2:32: error: found ']', expected a stride
            %0 = stablehlo.slice %x [0:2:] : (tensor<4xf32>) -> tensor<2xf32>
                                         ^"#]],
    );
    check_op(
        "%0 = stablehlo.iota dim = -1x : tensor<4xi32>",
        expect![[r#"
        test.mlir:2:31: error: found 'x', expected ':'
            %0 = stablehlo.iota dim = -1x : tensor<4xi32>
                                        ^"#]],
    );
    check_op(
        "%0 = stablehlo.transpose %x, perm = [0] : (tensor<4xf32>) -> tensor<4xf32>",
        expect![[r#"
            test.mlir:2:32: error: found 'perm', expected a value such as %0, or 'dims ='
                %0 = stablehlo.transpose %x, perm = [0] : (tensor<4xf32>) -> tensor<4xf32>
                                             ^^^^"#]],
    );
    check_op(
        "%0 = stablehlo.frobnicate %x : tensor<4xf32>",
        expect![[r#"
        test.mlir:2:8: error: unknown operation stablehlo.frobnicate, or one that has no short form; the generic form is "stablehlo.frobnicate"(…) {…} : (…) -> …
            %0 = stablehlo.frobnicate %x : tensor<4xf32>
                 ^^^^^^^^^^^^^^^^^^^^"#]],
    );
}

#[test]
fn syntax_of_attributes() {
    check_op(
        "%0 = stablehlo.abs %x {a = 1, a = 2} : tensor<4xf32>",
        expect![[r#"
        test.mlir:2:37: error: the attribute 'a' is given twice
            %0 = stablehlo.abs %x {a = 1, a = 2} : tensor<4xf32>
                                              ^"#]],
    );
    check_op(
        "%0 = stablehlo.abs %x {a = #b} : tensor<4xf32>",
        expect![[r#"
        test.mlir:2:30: error: the attribute alias '#b' is not defined
            %0 = stablehlo.abs %x {a = #b} : tensor<4xf32>
                                       ^^"#]],
    );
    check_op(
        "%0 = stablehlo.abs %x {a = #b.c<[}>} : tensor<4xf32>",
        expect![[r#"
        test.mlir:2:36: error: unbalanced '}'
            %0 = stablehlo.abs %x {a = #b.c<[}>} : tensor<4xf32>
                                             ^"#]],
    );
    check_op(
        "\"stablehlo.abs\"(%x)[^bb1] : (tensor<4xf32>) -> ()",
        expect![[r#"
        test.mlir:2:22: error: branches between blocks are not supported
            "stablehlo.abs"(%x)[^bb1] : (tensor<4xf32>) -> ()
                               ^"#]],
    );
}

#[test]
fn values() {
    check_op(
        "%0 = stablehlo.abs %z : tensor<4xf32>",
        expect![[r#"
        test.mlir:2:22: error: '%z' is not defined
            %0 = stablehlo.abs %z : tensor<4xf32>
                               ^^"#]],
    );
    check_op(
        "%0 = stablehlo.abs %x : tensor<5xf32>",
        expect![[r#"
        test.mlir:2:22: error: this value has the type tensor<4xf32>, but is used with the type tensor<5xf32>
            %0 = stablehlo.abs %x : tensor<5xf32>
                               ^^"#]],
    );
    check_op(
        "%x = stablehlo.abs %x : tensor<4xf32>",
        expect![[r#"
        test.mlir:2:3: error: '%x' is defined twice
            %x = stablehlo.abs %x : tensor<4xf32>
            ^^"#]],
    );
    check_op(
        "%0:2 = stablehlo.abs %x : tensor<4xf32>",
        expect![[r#"
            test.mlir:2:3: error: stablehlo.abs has 1 result, named are 2
                %0:2 = stablehlo.abs %x : tensor<4xf32>
                ^^"#]],
    );
    check_op(
        "%0 = stablehlo.abs %x#1 : tensor<4xf32>",
        expect![[r#"
            test.mlir:2:22: error: '%x' has 1 value, there is no number 1
                %0 = stablehlo.abs %x#1 : tensor<4xf32>
                                   ^^^^"#]],
    );
    check_op(
        "%0 = stablehlo.add %x, %x : (tensor<4xf32>) -> tensor<4xf32>",
        expect![[r#"
            test.mlir:2:8: error: stablehlo.add has 2 operands, but 1 operand type
                %0 = stablehlo.add %x, %x : (tensor<4xf32>) -> tensor<4xf32>
                     ^^^^^^^^^^^^^"#]],
    );
    check(
        "func.func @main() {\n  return\n}\nfunc.func @g(%a: tensor<f32>) {\n  return\n}\n\
         func.func @h() {\n  %0 = stablehlo.abs %a : tensor<f32>\n  return\n}",
        expect![[r#"
            test.mlir:8:22: error: '%a' is not defined
                %0 = stablehlo.abs %a : tensor<f32>
                                   ^^"#]],
    );
}

/// A constant, from what follows `dense<`.
#[track_caller]
fn constant(text: &str, message: Expect) {
    check_op(&format!("%0 = stablehlo.constant dense<{text}"), message);
}

#[test]
fn shapes_of_literals() {
    constant(
        "[1, 2]> : tensor<3xi32>",
        expect![[r#"
        test.mlir:2:38: error: this list has 2 of the 3 entries that tensor<3xi32> needs here
            %0 = stablehlo.constant dense<[1, 2]> : tensor<3xi32>
                                               ^"#]],
    );
    constant(
        "[1, 2, 3]> : tensor<2xi32>",
        expect![[r#"
        test.mlir:2:41: error: this dense literal has more elements than tensor<2xi32>
            %0 = stablehlo.constant dense<[1, 2, 3]> : tensor<2xi32>
                                                  ^"#]],
    );
    constant(
        "[[1], [2]]> : tensor<2xi32>",
        expect![[r#"
        test.mlir:2:34: error: this dense literal is nested deeper than the rank of tensor<2xi32>
            %0 = stablehlo.constant dense<[[1], [2]]> : tensor<2xi32>
                                           ^"#]],
    );
    constant(
        "[1, 2]> : tensor<2x1xi32>",
        expect![[r#"
        test.mlir:2:34: error: this dense literal is not nested as deep as the rank of tensor<2x1xi32>
            %0 = stablehlo.constant dense<[1, 2]> : tensor<2x1xi32>
                                           ^"#]],
    );
}

#[test]
fn elements_of_literals() {
    constant(
        "256> : tensor<i8>",
        expect![[r#"
        test.mlir:2:33: error: found '256', expected an integer of type i8
            %0 = stablehlo.constant dense<256> : tensor<i8>
                                          ^^^"#]],
    );
    constant(
        "-1> : tensor<ui8>",
        expect![[r#"
        test.mlir:2:33: error: found '-1', expected an integer of type ui8
            %0 = stablehlo.constant dense<-1> : tensor<ui8>
                                          ^^"#]],
    );
    constant(
        "1> : tensor<f32>",
        expect![[r#"
        test.mlir:2:33: error: found '1', expected an f32 such as 1.5
            %0 = stablehlo.constant dense<1> : tensor<f32>
                                          ^"#]],
    );
    constant(
        "1.0> : tensor<i32>",
        expect![[r#"
        test.mlir:2:33: error: found '1.0', expected an integer of type i32
            %0 = stablehlo.constant dense<1.0> : tensor<i32>
                                          ^^^"#]],
    );
    constant(
        "yes> : tensor<i1>",
        expect![[r#"
        test.mlir:2:33: error: found 'yes', expected true or false
            %0 = stablehlo.constant dense<yes> : tensor<i1>
                                          ^^^"#]],
    );
}

#[test]
fn ends_of_literals() {
    constant(
        "\"0x0102\"> : tensor<3xi8>",
        expect![[r#"
        test.mlir:2:33: error: this literal has 2 bytes of data, but tensor<3xi8> needs 3
            %0 = stablehlo.constant dense<"0x0102"> : tensor<3xi8>
                                          ^^^^^^^^"#]],
    );
    constant(
        "\"0x1\"> : tensor<1xi8>",
        expect![[r#"
        test.mlir:2:33: error: expected raw data: "0x" and an even number of hexadecimal digits
            %0 = stablehlo.constant dense<"0x1"> : tensor<1xi8>
                                          ^^^^^"#]],
    );
    constant(
        "> : tensor<i32>",
        expect![[r#"
            test.mlir:2:33: error: this literal is empty, but tensor<i32> has 1 element
                %0 = stablehlo.constant dense<> : tensor<i32>
                                              ^"#]],
    );
    constant(
        "1> : tensor<?xi32>",
        expect![[r#"
        test.mlir:2:33: error: a literal cannot have the type tensor<?xi32>
            %0 = stablehlo.constant dense<1> : tensor<?xi32>
                                          ^"#]],
    );
    constant(
        "1] > : tensor<i32>",
        expect![[r#"
        test.mlir:2:34: error: expected the end of the dense literal here
            %0 = stablehlo.constant dense<1] > : tensor<i32>
                                           ^^"#]],
    );
    constant(
        "1 : tensor<i32>",
        expect![[r#"
            test.mlir:2:32: error: no '>' closes this dense literal
                %0 = stablehlo.constant dense<1 : tensor<i32>
                                             ^"#]],
    );
}

#[test]
fn nesting() {
    let deep = "[".repeat(100_000);
    let message = import(&format!("#a = {deep}")).unwrap_err().message().to_owned();
    assert_eq!(message, "nested deeper than 256 levels");
    let deep = "\"a.b\"() ({ ".repeat(100_000);
    let message = import(&format!("module {{ {deep}")).unwrap_err().message().to_owned();
    assert_eq!(message, "nested deeper than 256 levels");
    let deep = "tuple<".repeat(100_000);
    let message = import(&format!("!a = {deep}")).unwrap_err().message().to_owned();
    assert_eq!(message, "nested deeper than 256 levels");
    let deep = "\"a\"(".repeat(100_000);
    let message = import(&format!("#a = loc({deep}")).unwrap_err().message().to_owned();
    assert_eq!(message, "nested deeper than 256 levels");
}

#[test]
fn a_later_program_of_a_file_has_the_lines_of_the_file() {
    let text = "// first\nfunc.func @f() { return }\n// -----\n\nfunc.func @g() { oops }\n";
    let chunks = split_programs("many.mlir", text);
    let error = parse_program(chunks[1].clone()).unwrap_err();
    expect![[r#"
        many.mlir:5:18: error: found 'oops', expected an operation such as stablehlo.add
          func.func @g() { oops }
                           ^^^^"#]]
    .assert_eq(&error.to_string());
}
