//! Programs that are MLIR, but cannot be imported, with the whole message.

use super::errors::{check, check_op};
use expect_test::expect;
use palmetto_compiler::frontend::{EntryPoint, SourceChunk, import_module, parse_program};

#[test]
fn unsupported() {
    check_op(
        "%0 = stablehlo.uniform_quantize %x : (tensor<4xf32>) -> tensor<4xf32>",
        expect![[r#"
            test.mlir:2:8: error: unsupported op stablehlo.uniform_quantize
                %0 = stablehlo.uniform_quantize %x : (tensor<4xf32>) -> tensor<4xf32>
                     ^^^^^^^^^^^^^^^^^^^^^^^^^^"#]],
    );
    check_op(
        "%0 = stablehlo.constant dense<(1.0, 2.0)> : tensor<complex<bf16>>",
        expect![[r#"
            test.mlir:2:27: error: unsupported type tensor<complex<bf16>>: elements are i1, integers of 2 to 64 bits, floats of 4 to 64 bits, complex<f32> and complex<f64>, not complex<bf16>
                %0 = stablehlo.constant dense<(1.0, 2.0)> : tensor<complex<bf16>>
                                        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"#]],
    );
    check(
        "func.func @main(%x: tensor<4xtf32>) { return }",
        expect![[r#"
            test.mlir:1:17: error: unsupported type tensor<4xtf32>: elements are i1, integers of 2 to 64 bits, floats of 4 to 64 bits, complex<f32> and complex<f64>, not tf32
              func.func @main(%x: tensor<4xtf32>) { return }
                              ^^"#]],
    );
    check(
        "func.func @main(%x: tensor<?xf32>) { return }",
        expect![[r#"
            test.mlir:1:17: error: unsupported type tensor<?xf32>: its dimensions have to be known
              func.func @main(%x: tensor<?xf32>) { return }
                              ^^"#]],
    );
    check_op(
        "%0 = stablehlo.constant dense<1.0> : tensor<!stablehlo.token>",
        expect![[r#"
        test.mlir:2:27: error: unsupported type tensor<!stablehlo.token>: elements are i1, integers of 2 to 64 bits, floats of 4 to 64 bits, complex<f32> and complex<f64>, not !stablehlo.token
            %0 = stablehlo.constant dense<1.0> : tensor<!stablehlo.token>
                                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"#]],
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
            test.mlir:2:68: error: unsupported dot_algorithm tf32 x nothing with sums in nothing and nothing products; supported are bf16 x bf16 (1, 3, 6 or 9 products), tf32 x tf32 (1 or 3), f16 x f16 (1) and f32 x f32 (1), all with sums in f32
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
}

#[test]
fn function_types_that_do_not_fit() {
    check(
        "func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf33>) { return }",
        expect![[r#"
            test.mlir:1:36: error: unsupported type tensor<4xf33>: elements are i1, integers of 2 to 64 bits, floats of 4 to 64 bits, complex<f32> and complex<f64>, not f33
              func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf33>) { return }
                                                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"#]],
    );
    check(
        r#""func.func"() <{function_type = (tensor<5xf32>) -> (), sym_name = "main"}> ({
^bb0(%x: tensor<4xf32>, %y: tensor<i1>):
  "func.return"() : () -> ()
}) : () -> ()"#,
        expect![[r#"
            test.mlir:1:33: error: @main takes (tensor<5xf32>), but its block has the arguments (tensor<4xf32>, tensor<i1>)
              "func.func"() <{function_type = (tensor<5xf32>) -> (), sym_name = "main"}> ({
                                              ^^^^^^^^^^^^^^^^^^^^^"#]],
    );
}

#[test]
fn attributes_that_do_not_fit() {
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
}

#[test]
fn results_that_do_not_fit() {
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
