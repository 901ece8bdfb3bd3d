//! What is refused, with the whole message.

use super::import;
use expect_test::{Expect, expect};
use palmetto_compiler::frontend::{
    EntryPoint, SourceChunk, import_module, parse_program, split_programs,
};

#[track_caller]
fn check(text: &str, message: Expect) {
    match import(text) {
        Ok(module) => panic!("this was imported:\n{module}"),
        Err(error) => message.assert_eq(&error.to_string()),
    }
}

/// One operation in a function of `%x: tensor<4xf32>` and `%i: tensor<i32>`.
#[track_caller]
fn check_op(operation: &str, message: Expect) {
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
fn syntax() {
    check(
        "",
        expect![[r#"
            test.mlir:1:1: error: there is no function @main; found none
  
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
        test.mlir:1:20: error: found the end of the text, expected an operation
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

#[test]
fn dense_literals() {
    let constant = |text: &str, message: Expect| {
        check_op(&format!("%0 = stablehlo.constant dense<{text}"), message);
    };
    constant(
        "[1, 2]> : tensor<3xi32>",
        expect![[r#"
        test.mlir:2:38: error: this dense literal does not have the sizes of tensor<3xi32>
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
fn unsupported() {
    check_op(
        "%0 = \"stablehlo.sort\"(%x) <{dimension = 0 : i64}> ({ \
         ^bb0(%a: tensor<f32>, %b: tensor<f32>): \"stablehlo.return\"(%a) : (tensor<f32>) -> () \
         }) : (tensor<4xf32>) -> tensor<4xf32>",
        expect![[r#"
            test.mlir:2:8: error: unsupported op stablehlo.sort
                %0 = "stablehlo.sort"(%x) <{dimension = 0 : i64}> ({ ^bb0(%a: tensor<f32>, %b: tensor<f32>): "stab
                     ^^^^^^^^^^^^^^^^"#]],
    );
    check_op(
        "%0 = stablehlo.constant dense<(1.0, 2.0)> : tensor<complex<f32>>",
        expect![[r#"
        test.mlir:2:27: error: unsupported type tensor<complex<f32>>: no elements of type complex<f32>
            %0 = stablehlo.constant dense<(1.0, 2.0)> : tensor<complex<f32>>
                                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"#]],
    );
    check(
        "func.func @main(%x: tensor<4xf8E4M3FN>) { return }",
        expect![[r#"
            test.mlir:1:17: error: unsupported type tensor<4xf8E4M3FN>: no elements of type f8E4M3FN
              func.func @main(%x: tensor<4xf8E4M3FN>) { return }
                              ^^"#]],
    );
    check(
        "func.func @main(%x: tensor<?xf32>) { return }",
        expect![[r#"
            test.mlir:1:17: error: unsupported type tensor<?xf32>: its dimensions have to be known
              func.func @main(%x: tensor<?xf32>) { return }
                              ^^"#]],
    );
    check(
        "func.func @main(%x: !stablehlo.token) { return }",
        expect![[r#"
            test.mlir:1:17: error: unsupported type !stablehlo.token
              func.func @main(%x: !stablehlo.token) { return }
                              ^^"#]],
    );
    check_op(
        "%0 = stablehlo.custom_call @foo(%x) : (tensor<4xf32>) -> tensor<4xf32>",
        expect![[r#"
        test.mlir:2:8: error: unsupported custom call @foo
            %0 = stablehlo.custom_call @foo(%x) : (tensor<4xf32>) -> tensor<4xf32>
                 ^^^^^^^^^^^^^^^^^^^^^"#]],
    );
    check_op(
        "%0 = stablehlo.dot_general %x, %x, contracting_dims = [0] x [0], algorithm = \
         <lhs_precision_type = tf32> : (tensor<4xf32>, tensor<4xf32>) -> tensor<f32>",
        expect![[r#"
            test.mlir:2:68: error: unsupported attribute 'algorithm' of stablehlo.dot_general
              dot_general %x, %x, contracting_dims = [0] x [0], algorithm = <lhs_precision_type = tf32> : (tensor<
                                                                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"#]],
    );
    check(
        "module { module { } func.func @main() { return } }",
        expect![[r#"
        test.mlir:1:10: error: unsupported op builtin.module in a module
          module { module { } func.func @main() { return } }
                   ^^^^^^"#]],
    );
}

#[test]
fn types_that_do_not_fit() {
    check_op(
        "%0 = stablehlo.abs %x : (tensor<4xf32>) -> tensor<5xf32>",
        expect![[r#"
        test.mlir:2:8: error: stablehlo.abs is declared to give tensor<5xf32>, but gives tensor<4xf32>
            %0 = stablehlo.abs %x : (tensor<4xf32>) -> tensor<5xf32>
                 ^^^^^^^^^^^^^"#]],
    );
    check_op(
        "%0 = stablehlo.add %x, %i : (tensor<4xf32>, tensor<i32>) -> tensor<4xf32>",
        expect![[r#"
            test.mlir:2:8: error: stablehlo.add: operands f32[4] and s32[] need the same type [(C1)]
                %0 = stablehlo.add %x, %i : (tensor<4xf32>, tensor<i32>) -> tensor<4xf32>
                     ^^^^^^^^^^^^^"#]],
    );
    check_op(
        "%0 = stablehlo.add %x : tensor<4xf32>",
        expect![[r#"
        test.mlir:2:8: error: stablehlo.add takes 2 operands, found 1
            %0 = stablehlo.add %x : tensor<4xf32>
                 ^^^^^^^^^^^^^"#]],
    );
    check_op(
        "%0 = stablehlo.reshape %x : (tensor<4xf32>) -> tensor<5xf32>",
        expect![[r#"
        test.mlir:2:8: error: stablehlo.reshape: operand f32[4] has 4 elements, the result f32[5] has 5 [reshape (C2)]
            %0 = stablehlo.reshape %x : (tensor<4xf32>) -> tensor<5xf32>
                 ^^^^^^^^^^^^^^^^^"#]],
    );
    check_op(
        "%0 = stablehlo.broadcast_in_dim %x, dims = [1] : (tensor<4xf32>) -> tensor<2x3xf32>",
        expect![[r#"
            test.mlir:2:8: error: stablehlo.broadcast_in_dim: dimension 0 of operand f32[4] becomes dimension 1 of f32[2,3]; the sizes 4 and 3 have to be equal [broadcast_in_dim (C5)]
                %0 = stablehlo.broadcast_in_dim %x, dims = [1] : (tensor<4xf32>) -> tensor<2x3xf32>
                     ^^^^^^^^^^^^^^^^^^^^^^^^^^"#]],
    );
    check_op(
        "%0 = stablehlo.broadcast_in_dim %x, dims = [-1] : (tensor<4xf32>) -> tensor<4xf32>",
        expect![[r#"
            test.mlir:2:46: error: the attribute 'broadcast_dimensions' has to be a list of integers that are not negative
                %0 = stablehlo.broadcast_in_dim %x, dims = [-1] : (tensor<4xf32>) -> tensor<4xf32>
                                                           ^^^^"#]],
    );
    check_op(
        "%0 = stablehlo.slice %x [2:1] : (tensor<4xf32>) -> tensor<1xf32>",
        expect![[r#"
        test.mlir:2:8: error: stablehlo.slice: [2:1] of 4 elements; 0 <= start <= limit <= size is needed [slice (C3)]
            %0 = stablehlo.slice %x [2:1] : (tensor<4xf32>) -> tensor<1xf32>
                 ^^^^^^^^^^^^^^^"#]],
    );
    check_op(
        "%0 = stablehlo.compare XX, %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>",
        expect![[r#"
            test.mlir:2:26: error: found 'XX', expected EQ, NE, GE, GT, LE or LT
                %0 = stablehlo.compare XX, %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
                                       ^^"#]],
    );
    check_op(
        "%0 = \"stablehlo.iota\"() : () -> tensor<4xi32>",
        expect![[r#"
        test.mlir:2:8: error: stablehlo.iota needs the attribute 'iota_dimension'
            %0 = "stablehlo.iota"() : () -> tensor<4xi32>
                 ^^^^^^^^^^^^^^^^"#]],
    );
    check_op(
        "check.expect_eq %x, %i : tensor<4xf32>, tensor<i32>",
        expect![[r#"
            test.mlir:2:3: error: check.expect_eq compares f32[4] with s32[]; they need the same type [check]
                check.expect_eq %x, %i : tensor<4xf32>, tensor<i32>
                ^^^^^^^^^^^^^^^"#]],
    );
    check(
        "func.func @main(%x: tensor<f32>) -> tensor<i32> { return %x : tensor<f32> }",
        expect![[r#"
            test.mlir:1:51: error: @main has to give (tensor<i32>), but gives (tensor<f32>)
              func.func @main(%x: tensor<f32>) -> tensor<i32> { return %x : tensor<f32> }
                                                                ^^^^^^"#]],
    );
    check(
        "func.func @main() -> tensor<i32> { return }",
        expect![[r#"
            test.mlir:1:36: error: @main has to give (tensor<i32>), but gives ()
              func.func @main() -> tensor<i32> { return }
                                                 ^^^^^^"#]],
    );
}

#[test]
fn control_flow() {
    check_op(
        "%0 = stablehlo.while(%a = %i) : tensor<i32> cond { stablehlo.return %a : tensor<i32> } \
         do { stablehlo.return %a : tensor<i32> }",
        expect![[r#"
            test.mlir:2:54: error: the condition has to give (tensor<i1>), but gives (tensor<i32>)
              0 = stablehlo.while(%a = %i) : tensor<i32> cond { stablehlo.return %a : tensor<i32> } do { stablehlo
                                                                ^^^^^^^^^^^^^^^^"#]],
    );
    check_op(
        "%0 = stablehlo.while(%a = %i) : tensor<i32> cond { \
         %c = stablehlo.compare LT, %a, %a : (tensor<i32>, tensor<i32>) -> tensor<i1> \
         stablehlo.return %c : tensor<i1> } do { stablehlo.return %x : tensor<4xf32> }",
        expect![[r#"
            test.mlir:2:171: error: the body has to give (tensor<i32>), but gives (tensor<4xf32>)
              ensor<i1> stablehlo.return %c : tensor<i1> } do { stablehlo.return %x : tensor<4xf32> }
                                                                ^^^^^^^^^^^^^^^^"#]],
    );
    check_op(
        "%s = stablehlo.constant dense<0> : tensor<i32> \
         %v = stablehlo.constant dense<0> : tensor<4xi32> \
         %0 = stablehlo.reduce(%v init: %s) across dimensions = [0] : \
         (tensor<4xi32>, tensor<i32>) -> tensor<i32>\n  \
         reducer(%a: tensor<i32>, %b: tensor<i32>) {\n    \
         %c = stablehlo.add %a, %i : tensor<i32>\n    stablehlo.return %c : tensor<i32> }",
        expect![[r#"
            test.mlir:4:28: error: stablehlo.reduce: its region may use only constants from outside, not this
                  %c = stablehlo.add %a, %i : tensor<i32>
                                         ^^"#]],
    );
    check_op(
        "%0 = \"stablehlo.case\"(%i) ({ stablehlo.return %i : tensor<i32> }, \
         { stablehlo.return %x : tensor<4xf32> }) : (tensor<i32>) -> tensor<i32>",
        expect![[r#"
            test.mlir:2:71: error: this branch has to give (tensor<i32>), but gives (tensor<4xf32>)
              se"(%i) ({ stablehlo.return %i : tensor<i32> }, { stablehlo.return %x : tensor<4xf32> }) : (tensor<i
                                                                ^^^^^^^^^^^^^^^^"#]],
    );
    check_op(
        "%0 = \"stablehlo.case\"(%i) ({ }) : (tensor<i32>) -> tensor<i32>",
        expect![[r#"
        test.mlir:2:8: error: this block of stablehlo.case has no stablehlo.return
            %0 = "stablehlo.case"(%i) ({ }) : (tensor<i32>) -> tensor<i32>
                 ^^^^^^^^^^^^^^^^"#]],
    );
}

#[test]
fn functions() {
    check(
        "func.func @f() { call @f() : () -> () return }",
        expect![[r#"
        test.mlir:1:18: error: @f calls itself; recursion is unsupported
          func.func @f() { call @f() : () -> () return }
                           ^^^^"#]],
    );
    check(
        "func.func @f() { call @g() : () -> () return }",
        expect![[r#"
        test.mlir:1:18: error: there is no function @g
          func.func @f() { call @g() : () -> () return }
                           ^^^^"#]],
    );
    check(
        "func.func @main() { call @g() : () -> () return } func.func private @g()",
        expect![[r#"
        test.mlir:1:51: error: @g has 0 blocks; one is needed
          func.func @main() { call @g() : () -> () return } func.func private @g()
                                                            ^^^^^^^^^"#]],
    );
    check(
        "func.func @f() { return } func.func @f() { return }",
        expect![[r#"
        test.mlir:1:27: error: the function @f is defined twice
          func.func @f() { return } func.func @f() { return }
                                    ^^^^^^^^^"#]],
    );
    check(
        "func.func @f() { stablehlo.return }",
        expect![[r#"
        test.mlir:1:18: error: found stablehlo.return, expected func.return at the end
          func.func @f() { stablehlo.return }
                           ^^^^^^^^^^^^^^^^"#]],
    );
    let program = parse_program(SourceChunk::whole("a", "func.func @f() { return }")).unwrap();
    expect![[r#"
        a:1:1: error: there is no function @main; found @f
          func.func @f() { return }
          ^"#]]
    .assert_eq(&import_module(&program, &EntryPoint::Main).unwrap_err().to_string());
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
