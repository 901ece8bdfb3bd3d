//! StableHLO and the HLO that it becomes.

use super::{import, parse};
use expect_test::{Expect, expect};
use palmetto_compiler::evaluator::{EvaluatorOptions, evaluate};
use palmetto_compiler::frontend::{EntryPoint, FunctionSummary, import_module, list_functions};

#[track_caller]
pub(super) fn check(text: &str, hlo: Expect) {
    let module = import(text).unwrap_or_else(|error| panic!("{error}"));
    hlo.assert_eq(&module.to_string());
}

#[test]
fn results_of_the_entry() {
    check(
        "func.func @main(%x: tensor<f32>) -> tensor<f32> { return %x : tensor<f32> }",
        expect![[r#"
            HloModule main

            ENTRY %main (x: f32[]) -> f32[] {
              ROOT %x = f32[] parameter(0)
            }
        "#]],
    );
    check(
        "func.func @main() { return }",
        expect![[r#"
        HloModule main

        ENTRY %main () -> () {
          ROOT %tuple = () tuple()
        }
    "#]],
    );
    check(
        "module @m { func.func @main(%x: tensor<i1>, %y: tensor<2xui8>) -> (tensor<2xui8>, tensor<i1>) {
           return %y, %x : tensor<2xui8>, tensor<i1>
         } }",
        expect![[r#"
            HloModule m

            ENTRY %main (x: pred[], y: u8[2]) -> (u8[2], pred[]) {
              %x = pred[] parameter(0)
              %y = u8[2] parameter(1)
              ROOT %tuple = (u8[2], pred[]) tuple(%y, %x)
            }
        "#]],
    );
}

#[test]
fn constants() {
    check(
        r#"func.func @main() -> (tensor<2xf32>, tensor<4x4xbf16>, tensor<i1>, tensor<2xi32>, tensor<0x3xf32>) {
             %0 = stablehlo.constant dense<[1.5, -0.0]> : tensor<2xf32>
             %1 = stablehlo.constant dense<2.0> : tensor<4x4xbf16>
             %2 = stablehlo.constant dense<true> : tensor<i1>
             %3 = stablehlo.constant dense_resource<w> : tensor<2xi32>
             %4 = stablehlo.constant dense<1.0> : tensor<0x3xf32>
             return %0, %1, %2, %3, %4 : tensor<2xf32>, tensor<4x4xbf16>, tensor<i1>, tensor<2xi32>, tensor<0x3xf32>
           }
           {-# dialect_resources: { builtin: { w: "0x0400000001000000FEFFFFFF" } } #-}"#,
        expect![[r#"
            HloModule main

            ENTRY %main () -> (f32[2], bf16[4,4], pred[], s32[2], f32[0,3]) {
              %constant = f32[2] constant({1.5, -0})
              %constant.1 = bf16[] constant(2)
              %broadcast = bf16[4,4] broadcast(%constant.1), dimensions={}
              %constant.2 = pred[] constant(true)
              %constant.3 = s32[2] constant({1, -2})
              %constant.4 = f32[] constant(1)
              %broadcast.1 = f32[0,3] broadcast(%constant.4), dimensions={}
              ROOT %tuple = (f32[2], bf16[4,4], pred[], s32[2], f32[0,3]) tuple(%constant, %broadcast, %constant.2, %constant.3, %broadcast.1)
            }
        "#]],
    );
}

#[test]
fn size_one_dimensions_are_stretched() {
    check(
        "func.func @main(%x: tensor<1x3x1xf32>) -> (tensor<3x5x2xf32>, tensor<1x3x1xf32>) {
           %0 = stablehlo.broadcast_in_dim %x, dims = [1, 0, 2] : (tensor<1x3x1xf32>) -> tensor<3x5x2xf32>
           %1 = stablehlo.broadcast_in_dim %x, dims = [0, 1, 2] : (tensor<1x3x1xf32>) -> tensor<1x3x1xf32>
           return %0, %1 : tensor<3x5x2xf32>, tensor<1x3x1xf32>
         }",
        expect![[r#"
            HloModule main

            ENTRY %main (x: f32[1,3,1]) -> (f32[3,5,2], f32[1,3,1]) {
              %x = f32[1,3,1] parameter(0)
              %reshape = f32[3] reshape(%x)
              %broadcast = f32[3,5,2] broadcast(%reshape), dimensions={0}
              %broadcast.1 = f32[1,3,1] broadcast(%x), dimensions={0,1,2}
              ROOT %tuple = (f32[3,5,2], f32[1,3,1]) tuple(%broadcast, %broadcast.1)
            }
        "#]],
    );
}

#[test]
fn scalars_of_clamp_and_select_are_repeated() {
    check(
        "func.func @main(%p: tensor<i1>, %lo: tensor<f32>, %x: tensor<3xf32>) -> tensor<3xf32> {
           %0 = stablehlo.clamp %lo, %x, %x : (tensor<f32>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
           %1 = stablehlo.select %p, %0, %x : tensor<i1>, tensor<3xf32>
           return %1 : tensor<3xf32>
         }",
        expect![[r#"
            HloModule main

            ENTRY %main (p: pred[], lo: f32[], x: f32[3]) -> f32[3] {
              %p = pred[] parameter(0)
              %lo = f32[] parameter(1)
              %x = f32[3] parameter(2)
              %broadcast = f32[3] broadcast(%lo), dimensions={}
              %clamp = f32[3] clamp(%broadcast, %x, %x)
              %broadcast.1 = pred[3] broadcast(%p), dimensions={}
              ROOT %select = f32[3] select(%broadcast.1, %clamp, %x)
            }
        "#]],
    );
}

#[test]
fn elementwise_and_data_movement() {
    check(
        "func.func @main(%x: tensor<2x3xf32>, %i: tensor<i32>, %v: tensor<f32>) -> tensor<2x6xbf16> {
           %0 = stablehlo.transpose %x, dims = [1, 0] : (tensor<2x3xf32>) -> tensor<3x2xf32>
           %1 = stablehlo.reshape %0 : (tensor<3x2xf32>) -> tensor<2x3xf32>
           %2 = stablehlo.pad %1, %v, low = [0, 1], high = [-1, 0], interior = [0, 1] : (tensor<2x3xf32>, tensor<f32>) -> tensor<1x6xf32>
           %3 = stablehlo.slice %2 [0:1, 0:6:2] : (tensor<1x6xf32>) -> tensor<1x3xf32>
           %4 = stablehlo.dynamic_update_slice %x, %3, %i, %i : (tensor<2x3xf32>, tensor<1x3xf32>, tensor<i32>, tensor<i32>) -> tensor<2x3xf32>
           %5 = stablehlo.concatenate %4, %x, dim = 1 : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x6xf32>
           %6 = stablehlo.reverse %5, dims = [1] : tensor<2x6xf32>
           %7 = stablehlo.convert %6 : (tensor<2x6xf32>) -> tensor<2x6xbf16>
           %8 = stablehlo.iota dim = 1 : tensor<2x6xbf16>
           %9 = stablehlo.compare LE, %7, %8 : (tensor<2x6xbf16>, tensor<2x6xbf16>) -> tensor<2x6xi1>
           %10 = chlo.square %7 : tensor<2x6xbf16> -> tensor<2x6xbf16>
           %11 = stablehlo.select %9, %10, %8 : tensor<2x6xi1>, tensor<2x6xbf16>
           return %11 : tensor<2x6xbf16>
         }",
        expect![[r#"
            HloModule main

            ENTRY %main (x: f32[2,3], i: s32[], v: f32[]) -> bf16[2,6] {
              %x = f32[2,3] parameter(0)
              %i = s32[] parameter(1)
              %v = f32[] parameter(2)
              %transpose = f32[3,2] transpose(%x), dimensions={1,0}
              %reshape = f32[2,3] reshape(%transpose)
              %pad = f32[1,6] pad(%reshape, %v), padding=0_-1x1_0_1
              %slice = f32[1,3] slice(%pad), slice={[0:1], [0:6:2]}
              %dynamic-update-slice = f32[2,3] dynamic-update-slice(%x, %slice, %i, %i)
              %concatenate = f32[2,6] concatenate(%dynamic-update-slice, %x), dimensions={1}
              %reverse = f32[2,6] reverse(%concatenate), dimensions={1}
              %convert = bf16[2,6] convert(%reverse)
              %iota = bf16[2,6] iota(), iota_dimension=1
              %compare = pred[2,6] compare(%convert, %iota), direction=LE, type=FLOAT
              %multiply = bf16[2,6] multiply(%convert, %convert)
              ROOT %select = bf16[2,6] select(%compare, %multiply, %iota)
            }
        "#]],
    );
}

#[test]
fn dots_keep_precision_and_element_type() {
    check(
        "func.func @main(%x: tensor<5x2x3xbf16>, %y: tensor<5x3x4xbf16>, %v: tensor<3xf32>) -> (tensor<5x2x4xf32>, tensor<f32>) {
           %0 = stablehlo.dot_general %x, %y, batching_dims = [0] x [0], contracting_dims = [2] x [1], precision = [HIGHEST, HIGH] : (tensor<5x2x3xbf16>, tensor<5x3x4xbf16>) -> tensor<5x2x4xf32>
           %1 = \"mhlo.dot\"(%v, %v) : (tensor<3xf32>, tensor<3xf32>) -> tensor<f32>
           return %0, %1 : tensor<5x2x4xf32>, tensor<f32>
         }",
        expect![[r#"
            HloModule main

            ENTRY %main (x: bf16[5,2,3], y: bf16[5,3,4], v: f32[3]) -> (f32[5,2,4], f32[]) {
              %x = bf16[5,2,3] parameter(0)
              %y = bf16[5,3,4] parameter(1)
              %v = f32[3] parameter(2)
              %dot = f32[5,2,4] dot(%x, %y), lhs_batch_dims={0}, lhs_contracting_dims={2}, rhs_batch_dims={0}, rhs_contracting_dims={1}, operand_precision={highest,high}
              %dot.1 = f32[] dot(%v, %v), lhs_contracting_dims={0}, rhs_contracting_dims={0}
              ROOT %tuple = (f32[5,2,4], f32[]) tuple(%dot, %dot.1)
            }
        "#]],
    );
}

#[test]
fn gather_keeps_all_attributes() {
    check(
        r#"func.func @main(%x: tensor<7x10x4xf32>, %i: tensor<7x3x1xi32>) -> tensor<7x3x4xf32> {
             %0 = "stablehlo.gather"(%x, %i) <{dimension_numbers = #stablehlo.gather<offset_dims = [2], collapsed_slice_dims = [1], operand_batching_dims = [0], start_indices_batching_dims = [0], start_index_map = [1], index_vector_dim = 2>, indices_are_sorted = true, slice_sizes = array<i64: 1, 1, 4>}> : (tensor<7x10x4xf32>, tensor<7x3x1xi32>) -> tensor<7x3x4xf32>
             return %0 : tensor<7x3x4xf32>
           }"#,
        expect![[r#"
            HloModule main

            ENTRY %main (x: f32[7,10,4], i: s32[7,3,1]) -> f32[7,3,4] {
              %x = f32[7,10,4] parameter(0)
              %i = s32[7,3,1] parameter(1)
              ROOT %gather = f32[7,3,4] gather(%x, %i), offset_dims={2}, collapsed_slice_dims={1}, start_index_map={1}, operand_batching_dims={0}, start_indices_batching_dims={0}, index_vector_dim=2, slice_sizes={1,1,4}, indices_are_sorted=true
            }
        "#]],
    );
}

#[test]
fn checks_have_their_own_defaults() {
    check(
        r#"func.func @main(%x: tensor<2xf32>, %y: tensor<2xf32>) -> tensor<i1> {
             check.expect_eq %x, %y : tensor<2xf32>
             check.expect_eq_const %x, dense<[1.0, 2.0]> : tensor<2xf32>
             check.expect_almost_eq %x, %y : tensor<2xf32>
             check.expect_almost_eq_const %x, dense<1.0>, tolerance = 0.25 : tensor<2xf32>
             check.expect_close %x, %y, max_ulp_difference = 2, min_ulp_difference = 1 : tensor<2xf32>, tensor<2xf32>
             stablehlo.custom_call @check.expect_eq(%x, %y) {has_side_effect = true} : (tensor<2xf32>, tensor<2xf32>) -> ()
             stablehlo.custom_call @check.expect_almost_eq(%x, %y) : (tensor<2xf32>, tensor<2xf32>) -> ()
             stablehlo.custom_call @check.expect_close(%x, %y) : (tensor<2xf32>, tensor<2xf32>) -> ()
             stablehlo.custom_call @check.expect_close(%x, %y) {backend_config = {max_ulp_difference = 9 : i64}} : (tensor<2xf32>, tensor<2xf32>) -> ()
             %0 = stablehlo.custom_call @check.eq(%x, %y) : (tensor<2xf32>, tensor<2xf32>) -> tensor<i1>
             return %0 : tensor<i1>
           }"#,
        expect![[r#"
            HloModule main

            ENTRY %main (x: f32[2], y: f32[2]) -> pred[] {
              %x = f32[2] parameter(0)
              %y = f32[2] parameter(1)
              %custom-call = () custom-call(%x, %y), custom_call_target="check.expect_eq", custom_call_has_side_effect=true
              %constant = f32[2] constant({1, 2})
              %custom-call.1 = () custom-call(%x, %constant), custom_call_target="check.expect_eq_const", custom_call_has_side_effect=true
              %custom-call.2 = () custom-call(%x, %y), custom_call_target="check.expect_almost_eq", tolerance=0.0001, custom_call_has_side_effect=true
              %constant.1 = f32[] constant(1)
              %broadcast = f32[2] broadcast(%constant.1), dimensions={}
              %custom-call.3 = () custom-call(%x, %broadcast), custom_call_target="check.expect_almost_eq_const", tolerance=0.25, custom_call_has_side_effect=true
              %custom-call.4 = () custom-call(%x, %y), custom_call_target="check.expect_close", max_ulp_difference=2, min_ulp_difference=1, custom_call_has_side_effect=true
              %custom-call.5 = () custom-call(%x, %y), custom_call_target="check.expect_eq", custom_call_has_side_effect=true
              %custom-call.6 = () custom-call(%x, %y), custom_call_target="check.expect_almost_eq", tolerance=0.001, custom_call_has_side_effect=true
              %custom-call.7 = () custom-call(%x, %y), custom_call_target="check.expect_close", max_ulp_difference=3, min_ulp_difference=0, custom_call_has_side_effect=true
              %custom-call.8 = () custom-call(%x, %y), custom_call_target="check.expect_close", max_ulp_difference=9, min_ulp_difference=0, custom_call_has_side_effect=true
              ROOT %custom-call.9 = pred[] custom-call(%x, %y), custom_call_target="check.eq", custom_call_has_side_effect=true
            }
        "#]],
    );
}

#[test]
fn shardings_and_donation_are_kept() {
    check(
        r#"module @m attributes {mhlo.num_partitions = 8 : i32} {
             sdy.mesh @mesh = <["x"=2, "y"=4]>
             func.func @main(%x: tensor<8xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}]>, jax.buffer_donor = true}, %y: tensor<8xf32> {mhlo.sharding = "{devices=[8]<=[8]}", tf.aliasing_output = 0 : i32}) -> (tensor<8xf32> {jax.result_info = "r"}) {
               %0 = sdy.sharding_constraint %x <@mesh, [{}]> : tensor<8xf32>
               %1 = stablehlo.add %0, %y {mhlo.frontend_attributes = {k = "v"}, sdy.sharding = #sdy.sharding_per_value<[<@mesh, [{"y"}]>]>} : tensor<8xf32>
               %2 = stablehlo.custom_call @Sharding(%1) {mhlo.sharding = "{replicated}"} : (tensor<8xf32>) -> tensor<8xf32>
               return %2 : tensor<8xf32>
             }
           }"#,
        expect![[r##"
            HloModule m, frontend_attributes={mhlo.num_partitions="8",result.0.jax.result_info="r",xla.sdy.meshes="{mesh = #sdy.mesh<[\"x\"=2, \"y\"=4]>}"}, input_output_alias={ {}: (1, {}, may-alias) }, buffer_donor={ (0, {}) }

            ENTRY %main (x: f32[8], y: f32[8]) -> f32[8] {
              %x = f32[8] parameter(0), frontend_attributes={jax.buffer_donor="true",xla.sdy.sharding="#sdy.sharding<@mesh, [{\"x\"}]>"}
              %y = f32[8] parameter(1), sharding={devices=[8]<=[8]}, frontend_attributes={tf.aliasing_output="0"}
              %copy = f32[8] copy(%x), frontend_attributes={xla.sdy.sharding="#sdy.sharding<@mesh, [{}]>"}
              %add = f32[8] add(%copy, %y), frontend_attributes={k="v",xla.sdy.sharding="#sdy.sharding_per_value<[<@mesh, [{\"y\"}]>]>"}
              ROOT %copy.1 = f32[8] copy(%add), sharding={replicated}
            }
        "##]],
    );
}

#[test]
fn checks_run() {
    let text = "func.func @main() {
        %0 = stablehlo.constant dense<[1.0, 2.0]> : tensor<2xf32>
        check.expect_almost_eq_const %0, dense<[1.00005, 2.0]> : tensor<2xf32>
        check.expect_almost_eq_const %0, dense<[1.0005, 2.0]> : tensor<2xf32>
        stablehlo.custom_call @check.expect_eq(%0, %0) : (tensor<2xf32>, tensor<2xf32>) -> ()
        return
      }";
    let evaluation = evaluate(&import(text).unwrap(), &[], &EvaluatorOptions::default()).unwrap();
    let passed: Vec<bool> = evaluation.checks.iter().map(|check| check.passed()).collect();
    assert_eq!(passed, [true, false, true]);
}

#[test]
fn functions_are_listed_and_any_can_be_the_entry() {
    let program = parse(
        "func.func @a() { return }
         func.func private @b(%x: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
           return %x, %x : tensor<f32>, tensor<f32>
         }
         func.func private @declared(tensor<f32>)",
    );
    let program = program.unwrap();
    let summary = |name: &str, n_arguments, n_results, is_public| FunctionSummary {
        name: name.to_owned(),
        n_arguments,
        n_results,
        is_public,
    };
    let expected = [summary("a", 0, 0, true), summary("b", 1, 2, false)];
    assert_eq!(list_functions(&program), expected);
    let module = import_module(&program, &EntryPoint::Function("b".to_owned())).unwrap();
    assert_eq!(module.entry_computation().parameters().len(), 1);
}
