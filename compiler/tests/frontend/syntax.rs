//! Every pretty form, next to the generic form that it stands for.

use super::parse;
use expect_test::{Expect, expect};

/// Parses operations in a function with these arguments and prints them in generic form, after
/// checking that this form parses back to itself.
#[track_caller]
fn check(arguments: &str, operations: &str, generic: Expect) {
    let text = format!("func.func @f({arguments}) {{\n{operations}\nreturn\n}}");
    let printed = parse(&text).unwrap_or_else(|error| panic!("{error}")).to_string();
    let again = parse(&printed).unwrap_or_else(|error| panic!("{error}")).to_string();
    assert_eq!(printed, again, "the generic form is not a fixed point");
    let lines: Vec<&str> = printed.lines().collect();
    let first = 2 + usize::from(lines[2].trim_start().starts_with("^bb0"));
    let operations = lines[first..].iter().take_while(|line| !line.contains("\"func.return\""));
    let operations: Vec<&str> =
        operations.map(|line| line.strip_prefix("    ").unwrap_or(line)).collect();
    generic.assert_eq(&operations.join("\n"));
}

const F: &str = "%x: tensor<4xf32>, %y: tensor<4xf32>";

#[test]
fn elementwise() {
    check(
        F,
        "%0 = stablehlo.add %x, %y : tensor<4xf32>
         %1 = stablehlo.convert %0 : (tensor<4xf32>) -> tensor<4xbf16>
         %2 = mhlo.negate %1 {a.b = 1 : i32, c} : tensor<4xbf16>
         %3 = stablehlo.clamp %x, %0, %y : tensor<4xf32>",
        expect![[r#"
            %2 = "stablehlo.add"(%0, %1) : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>)
            %3 = "stablehlo.convert"(%2) : (tensor<4xf32>) -> (tensor<4xbf16>)
            %4 = "stablehlo.negate"(%3) {"a.b" = 1 : i32, "c"} : (tensor<4xbf16>) -> (tensor<4xbf16>)
            %5 = "stablehlo.clamp"(%0, %2, %1) : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>)"#]],
    );
}

#[test]
fn compare_and_select() {
    check(
        "%x: tensor<4xi32>, %p: tensor<i1>",
        "%0 = stablehlo.compare GT, %x, %x, SIGNED : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi1>
         %1 = stablehlo.select %0, %x, %x : tensor<4xi1>, tensor<4xi32>
         %2 = stablehlo.select %p, %x, %1 : (tensor<i1>, tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
         %3 = stablehlo.compare NE, %x, %x : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi1>",
        expect![[r#"
            %2 = "stablehlo.compare"(%0, %0) {"compare_type" = #stablehlo<comparison_type SIGNED>, "comparison_direction" = #stablehlo<comparison_direction GT>} : (tensor<4xi32>, tensor<4xi32>) -> (tensor<4xi1>)
            %3 = "stablehlo.select"(%2, %0, %0) : (tensor<4xi1>, tensor<4xi32>, tensor<4xi32>) -> (tensor<4xi32>)
            %4 = "stablehlo.select"(%1, %0, %3) : (tensor<i1>, tensor<4xi32>, tensor<4xi32>) -> (tensor<4xi32>)
            %5 = "stablehlo.compare"(%0, %0) {"comparison_direction" = #stablehlo<comparison_direction NE>} : (tensor<4xi32>, tensor<4xi32>) -> (tensor<4xi1>)"#]],
    );
}

#[test]
fn constants() {
    check(
        "",
        r#"%0 = stablehlo.constant dense<[[1, -2], [0x7f, 255]]> : tensor<2x2xi8>
           %1 = stablehlo.constant {a} dense<1.5> : tensor<1000x1000xbf16>
           %2 = stablehlo.constant dense<[true, false]> : tensor<2xi1>
           %3 = stablehlo.constant dense<0xFF800000> : tensor<f32>
           %4 = stablehlo.constant dense<> : tensor<0x3xf64>
           %5 = stablehlo.constant dense<[[], []]> : tensor<2x0xi32>
           %6 = stablehlo.constant dense<"0x0100000002000000"> : tensor<2xui32>
           %7 = stablehlo.constant dense<"0xFF"> : tensor<9xi1>
           %8 = stablehlo.constant dense<"0x0302"> : tensor<10xi1>
           %9 = stablehlo.constant dense<[1.0, // first
             -0.0, 1e-3]> : tensor<3xf16>
           %10 = stablehlo.constant dense_resource<weights> : tensor<2xf32>
           %11 = stablehlo.constant dense<(1.0, 2.0)> : tensor<complex<f32>>
           %12 = stablehlo.constant dense<18446744073709551615> : tensor<ui64>"#,
        expect![[r#"
            %0 = "stablehlo.constant"() {"value" = dense<"0x01FE7FFF"> : tensor<2x2xi8>} : () -> (tensor<2x2xi8>)
            %1 = "stablehlo.constant"() {"a", "value" = dense<"0xC03F"> : tensor<1000x1000xbf16>} : () -> (tensor<1000x1000xbf16>)
            %2 = "stablehlo.constant"() {"value" = dense<"0x0100"> : tensor<2xi1>} : () -> (tensor<2xi1>)
            %3 = "stablehlo.constant"() {"value" = dense<"0x000080FF"> : tensor<f32>} : () -> (tensor<f32>)
            %4 = "stablehlo.constant"() {"value" = dense<> : tensor<0x3xf64>} : () -> (tensor<0x3xf64>)
            %5 = "stablehlo.constant"() {"value" = dense<> : tensor<2x0xi32>} : () -> (tensor<2x0xi32>)
            %6 = "stablehlo.constant"() {"value" = dense<"0x0100000002000000"> : tensor<2xui32>} : () -> (tensor<2xui32>)
            %7 = "stablehlo.constant"() {"value" = dense<"0x01"> : tensor<9xi1>} : () -> (tensor<9xi1>)
            %8 = "stablehlo.constant"() {"value" = dense<"0x01010000000000000001"> : tensor<10xi1>} : () -> (tensor<10xi1>)
            %9 = "stablehlo.constant"() {"value" = dense<"0x003C00801914"> : tensor<3xf16>} : () -> (tensor<3xf16>)
            %10 = "stablehlo.constant"() {"value" = dense_resource<"weights"> : tensor<2xf32>} : () -> (tensor<2xf32>)
            %11 = "stablehlo.constant"() {"value" = dense<"0x0000803F00000040"> : tensor<complex<f32>>} : () -> (tensor<complex<f32>>)
            %12 = "stablehlo.constant"() {"value" = dense<"0xFFFFFFFFFFFFFFFF"> : tensor<ui64>} : () -> (tensor<ui64>)"#]],
    );
}

#[test]
fn iota_and_shapes() {
    check(
        "%x: tensor<2x3xf32>, %i: tensor<i32>",
        "%0 = stablehlo.iota dim = 1 : tensor<2x3xi32>
         %1 = stablehlo.broadcast_in_dim %x, dims = [1, 0] : (tensor<2x3xf32>) -> tensor<3x2xf32>
         %2 = stablehlo.transpose %x, dims = [1, 0] : (tensor<2x3xf32>) -> tensor<3x2xf32>
         %3 = stablehlo.reverse %x, dims = [0] : tensor<2x3xf32>
         %4 = stablehlo.reshape %x : (tensor<2x3xf32>) -> tensor<6xf32>
         %5 = stablehlo.concatenate %x, %x, dim = 0 : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
         %6 = stablehlo.slice %x [0:2, 0:3:2] : (tensor<2x3xf32>) -> tensor<2x2xf32>
         %7 = stablehlo.dynamic_slice %x, %i, %i, sizes = [1, 1] : (tensor<2x3xf32>, tensor<i32>, tensor<i32>) -> tensor<1x1xf32>
         %8 = stablehlo.dynamic_update_slice %x, %7, %i, %i : (tensor<2x3xf32>, tensor<1x1xf32>, tensor<i32>, tensor<i32>) -> tensor<2x3xf32>
         %9 = \"stablehlo.broadcast_in_dim\"(%x) {broadcast_dimensions = dense<[1, 0]> : tensor<2xi64>} : (tensor<2x3xf32>) -> tensor<3x2xf32>",
        expect![[r#"
            %2 = "stablehlo.iota"() {"iota_dimension" = 1 : i64} : () -> (tensor<2x3xi32>)
            %3 = "stablehlo.broadcast_in_dim"(%0) {"broadcast_dimensions" = array<i64: 1, 0>} : (tensor<2x3xf32>) -> (tensor<3x2xf32>)
            %4 = "stablehlo.transpose"(%0) {"permutation" = array<i64: 1, 0>} : (tensor<2x3xf32>) -> (tensor<3x2xf32>)
            %5 = "stablehlo.reverse"(%0) {"dimensions" = array<i64: 0>} : (tensor<2x3xf32>) -> (tensor<2x3xf32>)
            %6 = "stablehlo.reshape"(%0) : (tensor<2x3xf32>) -> (tensor<6xf32>)
            %7 = "stablehlo.concatenate"(%0, %0) {"dimension" = 0 : i64} : (tensor<2x3xf32>, tensor<2x3xf32>) -> (tensor<4x3xf32>)
            %8 = "stablehlo.slice"(%0) {"limit_indices" = array<i64: 2, 3>, "start_indices" = array<i64: 0, 0>, "strides" = array<i64: 1, 2>} : (tensor<2x3xf32>) -> (tensor<2x2xf32>)
            %9 = "stablehlo.dynamic_slice"(%0, %1, %1) {"slice_sizes" = array<i64: 1, 1>} : (tensor<2x3xf32>, tensor<i32>, tensor<i32>) -> (tensor<1x1xf32>)
            %10 = "stablehlo.dynamic_update_slice"(%0, %9, %1, %1) : (tensor<2x3xf32>, tensor<1x1xf32>, tensor<i32>, tensor<i32>) -> (tensor<2x3xf32>)
            %11 = "stablehlo.broadcast_in_dim"(%0) {"broadcast_dimensions" = dense<"0x01000000000000000000000000000000"> : tensor<2xi64>} : (tensor<2x3xf32>) -> (tensor<3x2xf32>)"#]],
    );
}

#[test]
fn pad() {
    check(
        "%x: tensor<2xf32>, %v: tensor<f32>",
        "%0 = stablehlo.pad %x, %v, low = [1], high = [-1], interior = [2] : (tensor<2xf32>, tensor<f32>) -> tensor<4xf32>",
        expect![[
            r#"%2 = "stablehlo.pad"(%0, %1) {"edge_padding_high" = array<i64: -1>, "edge_padding_low" = array<i64: 1>, "interior_padding" = array<i64: 2>} : (tensor<2xf32>, tensor<f32>) -> (tensor<4xf32>)"#
        ]],
    );
}

#[test]
fn dots() {
    check(
        "%x: tensor<2x3xf32>, %y: tensor<3x2xf32>, %b: tensor<5x2x3xf32>",
        "%0 = stablehlo.dot_general %x, %y, contracting_dims = [1] x [0], precision = [HIGH, DEFAULT] : (tensor<2x3xf32>, tensor<3x2xf32>) -> tensor<2x2xf32>
         %1 = stablehlo.dot_general %b, %b, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<5x2x3xf32>, tensor<5x2x3xf32>) -> tensor<5x2x2xf32>
         %2 = stablehlo.dot_general %x, %x, contracting_dims = [] x [], algorithm = <lhs_precision_type = tf32, rhs_precision_type = tf32, accumulation_type = f32, lhs_component_count = 1, rhs_component_count = 1, num_primitive_operations = 1, allow_imprecise_accumulation = false> : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3x2x3xf32>
         %3 = stablehlo.dot %x, %y, precision = [HIGHEST, HIGHEST] : (tensor<2x3xf32>, tensor<3x2xf32>) -> tensor<2x2xf32>",
        expect![[r#"
            %3 = "stablehlo.dot_general"(%0, %1) {"dot_dimension_numbers" = #stablehlo.dot<lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 0>>, "precision_config" = [#stablehlo<precision HIGH>, #stablehlo<precision DEFAULT>]} : (tensor<2x3xf32>, tensor<3x2xf32>) -> (tensor<2x2xf32>)
            %4 = "stablehlo.dot_general"(%2, %2) {"dot_dimension_numbers" = #stablehlo.dot<lhs_batching_dimensions = array<i64: 0>, rhs_batching_dimensions = array<i64: 0>, lhs_contracting_dimensions = array<i64: 2>, rhs_contracting_dimensions = array<i64: 2>>} : (tensor<5x2x3xf32>, tensor<5x2x3xf32>) -> (tensor<5x2x2xf32>)
            %5 = "stablehlo.dot_general"(%0, %0) {"algorithm" = #stablehlo.dot_algorithm<lhs_precision_type = tf32, rhs_precision_type = tf32, accumulation_type = f32, lhs_component_count = 1 : i64, rhs_component_count = 1 : i64, num_primitive_operations = 1 : i64, allow_imprecise_accumulation = false>, "dot_dimension_numbers" = #stablehlo.dot<>} : (tensor<2x3xf32>, tensor<2x3xf32>) -> (tensor<2x3x2x3xf32>)
            %6 = "stablehlo.dot"(%0, %1) {"precision_config" = [#stablehlo<precision HIGHEST>, #stablehlo<precision HIGHEST>]} : (tensor<2x3xf32>, tensor<3x2xf32>) -> (tensor<2x2xf32>)"#]],
    );
}

#[test]
fn convolution() {
    check(
        "%x: tensor<1x8x8x3xf32>, %k: tensor<3x3x3x4xf32>",
        "%0 = stablehlo.convolution(%x, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[0, 1], [2, 3]], reverse = [false, true]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x8x8x3xf32>, tensor<3x3x3x4xf32>) -> tensor<1x7x11x4xf32>",
        expect![[
            r#"%2 = "stablehlo.convolution"(%0, %1) {"batch_group_count" = 1 : i64, "dimension_numbers" = #stablehlo.conv<[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]>, "feature_group_count" = 1 : i64, "padding" = dense<"0x0000000000000000010000000000000002000000000000000300000000000000"> : tensor<2x2xi64>, "window_reversal" = array<i1: false, true>, "window_strides" = array<i64: 1, 1>} : (tensor<1x8x8x3xf32>, tensor<3x3x3x4xf32>) -> (tensor<1x7x11x4xf32>)"#
        ]],
    );
}

#[test]
fn reduce_short() {
    check(
        "%x: tensor<2x3xf32>, %i: tensor<f32>",
        "%0 = stablehlo.reduce(%x init: %i) applies stablehlo.maximum across dimensions = [0, 1] : (tensor<2x3xf32>, tensor<f32>) -> tensor<f32>",
        expect![[r#"
            %5 = "stablehlo.reduce"(%0, %1) ({
            ^bb0(%2: tensor<f32>, %3: tensor<f32>):
              %4 = "stablehlo.maximum"(%2, %3) : (tensor<f32>, tensor<f32>) -> (tensor<f32>)
              "stablehlo.return"(%4) : (tensor<f32>) -> ()
            }) {"dimensions" = array<i64: 0, 1>} : (tensor<2x3xf32>, tensor<f32>) -> (tensor<f32>)"#]],
    );
}

#[test]
fn reduce_long() {
    check(
        "%x: tensor<2xf32>, %i: tensor<f32>, %y: tensor<2xi32>, %j: tensor<i32>",
        "%0:2 = stablehlo.reduce(%x init: %i), (%y init: %j) across dimensions = [0] : (tensor<2xf32>, tensor<2xi32>, tensor<f32>, tensor<i32>) -> (tensor<f32>, tensor<i32>)
           reducer(%a: tensor<f32> loc(\"a\"), %c: tensor<f32>) (%b: tensor<i32>, %d: tensor<i32>) {
             stablehlo.return %c, %b : tensor<f32>, tensor<i32>
           }
         %1 = stablehlo.negate %0#1 : tensor<i32>",
        expect![[r#"
            %8, %9 = "stablehlo.reduce"(%0, %2, %1, %3) ({
            ^bb0(%4: tensor<f32> loc("a"), %5: tensor<i32>, %6: tensor<f32>, %7: tensor<i32>):
              "stablehlo.return"(%6, %5) : (tensor<f32>, tensor<i32>) -> ()
            }) {"dimensions" = array<i64: 0>} : (tensor<2xf32>, tensor<2xi32>, tensor<f32>, tensor<i32>) -> (tensor<f32>, tensor<i32>)
            %10 = "stablehlo.negate"(%9) : (tensor<i32>) -> (tensor<i32>)"#]],
    );
}

#[test]
fn while_loops() {
    check(
        "%n: tensor<i32>, %x: tensor<f32>",
        "%r:2 = stablehlo.while(%iterArg = %n, %iterArg_0 = %x) : tensor<i32>, tensor<f32> attributes {a = 1 : i64}
           cond {
             %0 = stablehlo.compare LT, %iterArg, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
             stablehlo.return %0 : tensor<i1>
           } do {
             %0 = stablehlo.add %iterArg_0, %x : tensor<f32>
             stablehlo.return %iterArg, %0 : tensor<i32>, tensor<f32>
           }",
        expect![[r#"
            %8, %9 = "stablehlo.while"(%0, %1) ({
            ^bb0(%2: tensor<i32>, %3: tensor<f32>):
              %4 = "stablehlo.compare"(%2, %0) {"comparison_direction" = #stablehlo<comparison_direction LT>} : (tensor<i32>, tensor<i32>) -> (tensor<i1>)
              "stablehlo.return"(%4) : (tensor<i1>) -> ()
            }, {
            ^bb0(%5: tensor<i32>, %6: tensor<f32>):
              %7 = "stablehlo.add"(%6, %1) : (tensor<f32>, tensor<f32>) -> (tensor<f32>)
              "stablehlo.return"(%5, %7) : (tensor<i32>, tensor<f32>) -> ()
            }) {"a" = 1 : i64} : (tensor<i32>, tensor<f32>) -> (tensor<i32>, tensor<f32>)"#]],
    );
}

#[test]
fn generic_regions() {
    check(
        "%p: tensor<i1>, %x: tensor<f32>",
        r#"%0 = "stablehlo.if"(%p) ({
             stablehlo.return %x : tensor<f32>
           }, {
             %1 = stablehlo.negate %x : tensor<f32>
             stablehlo.return %1 : tensor<f32>
           }) : (tensor<i1>) -> tensor<f32>
           %1 = "stablehlo.map"(%x) <{dimensions = array<i64>}> ({
           ^bb0(%a: tensor<f32> loc(unknown)):
             "stablehlo.return"(%a) : (tensor<f32>) -> ()
           }) : (tensor<f32>) -> tensor<f32>"#,
        expect![[r#"
            %3 = "stablehlo.if"(%0) ({
              "stablehlo.return"(%1) : (tensor<f32>) -> ()
            }, {
              %2 = "stablehlo.negate"(%1) : (tensor<f32>) -> (tensor<f32>)
              "stablehlo.return"(%2) : (tensor<f32>) -> ()
            }) : (tensor<i1>) -> (tensor<f32>)
            %5 = "stablehlo.map"(%1) ({
            ^bb0(%4: tensor<f32>):
              "stablehlo.return"(%4) : (tensor<f32>) -> ()
            }) {"dimensions" = array<i64>} : (tensor<f32>) -> (tensor<f32>)"#]],
    );
}

#[test]
fn gather() {
    check(
        "%x: tensor<10x4xf32>, %i: tensor<3x1xi32>",
        r#"%0 = "stablehlo.gather"(%x, %i) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 4>}> : (tensor<10x4xf32>, tensor<3x1xi32>) -> tensor<3x4xf32>
           %1 = "mhlo.gather"(%x, %i) {dimension_numbers = #mhlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes = dense<[1, 4]> : tensor<2xi64>} : (tensor<10x4xf32>, tensor<3x1xi32>) -> tensor<3x4xf32>"#,
        expect![[r#"
            %2 = "stablehlo.gather"(%0, %1) {"dimension_numbers" = #stablehlo.gather<offset_dims = array<i64: 1>, collapsed_slice_dims = array<i64: 0>, start_index_map = array<i64: 0>, index_vector_dim = 1 : i64>, "indices_are_sorted" = false, "slice_sizes" = array<i64: 1, 4>} : (tensor<10x4xf32>, tensor<3x1xi32>) -> (tensor<3x4xf32>)
            %3 = "stablehlo.gather"(%0, %1) {"dimension_numbers" = #stablehlo.gather<offset_dims = array<i64: 1>, collapsed_slice_dims = array<i64: 0>, start_index_map = array<i64: 0>, index_vector_dim = 1 : i64>, "slice_sizes" = dense<"0x01000000000000000400000000000000"> : tensor<2xi64>} : (tensor<10x4xf32>, tensor<3x1xi32>) -> (tensor<3x4xf32>)"#]],
    );
}

#[test]
fn calls() {
    check(
        F,
        r#"%0:2 = call @g(%x, %y) : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
           func.call @"odd name"(%0#1) {no_inline} : (tensor<4xf32>) -> ()
           %1 = stablehlo.custom_call @target(%x) {api_version = 2 : i32, backend_config = "a\22b", operand_layouts = [dense<0> : tensor<1xindex>]} : (tensor<4xf32>) -> tensor<4xf32>
           %2 = stablehlo.composite "some.op" %x, %y {decomposition = @impl, version = 1 : i32} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>"#,
        expect![[r#"
            %2, %3 = "func.call"(%0, %1) {"callee" = @"g"} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
            "func.call"(%3) {"callee" = @"odd name", "no_inline"} : (tensor<4xf32>) -> ()
            %4 = "stablehlo.custom_call"(%0) {"api_version" = 2 : i32, "backend_config" = "a\22b", "call_target_name" = "target", "operand_layouts" = [dense<"0x0000000000000000"> : tensor<1xindex>]} : (tensor<4xf32>) -> (tensor<4xf32>)
            %5 = "stablehlo.composite"(%0, %1) {"decomposition" = @"impl", "name" = "some.op", "version" = 1 : i32} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>)"#]],
    );
}

#[test]
fn tuples_and_barriers() {
    check(
        F,
        "%0 = stablehlo.tuple %x, %y : tuple<tensor<4xf32>, tensor<4xf32>>
         %1 = stablehlo.get_tuple_element %0[1] : (tuple<tensor<4xf32>, tensor<4xf32>>) -> tensor<4xf32>
         %2, %3 = stablehlo.optimization_barrier %x, %1 : tensor<4xf32>, tensor<4xf32>
         %4 = stablehlo.add %2, %3 : tensor<4xf32>",
        expect![[r#"
            %2 = "stablehlo.tuple"(%0, %1) : (tensor<4xf32>, tensor<4xf32>) -> (tuple<tensor<4xf32>, tensor<4xf32>>)
            %3 = "stablehlo.get_tuple_element"(%2) {"index" = 1 : i64} : (tuple<tensor<4xf32>, tensor<4xf32>>) -> (tensor<4xf32>)
            %4, %5 = "stablehlo.optimization_barrier"(%0, %3) : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
            %6 = "stablehlo.add"(%4, %5) : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>)"#]],
    );
}

#[test]
fn checks() {
    check(
        F,
        "check.expect_eq %x, %y : tensor<4xf32>
         check.expect_eq_const %x, dense<1.0> : tensor<4xf32>
         check.expect_almost_eq %x, %y, tolerance = 0.01 : tensor<4xf32>
         check.expect_almost_eq_const %x, dense<1.0>, tolerance = 1 : tensor<4xf32>
         check.expect_almost_eq_const %x, dense<1.0> {tolerance = 0.5 : f32} : tensor<4xf32>
         check.expect_close %x, %y, max_ulp_difference = 3 : tensor<4xf32>, tensor<4xf32>
         check.expect_close %x, %y, max_ulp_difference = 3, min_ulp_difference = 1 : tensor<4xf32>",
        expect![[r#"
            "check.expect_eq"(%0, %1) : (tensor<4xf32>, tensor<4xf32>) -> ()
            "check.expect_eq_const"(%0) {"value" = dense<"0x0000803F"> : tensor<4xf32>} : (tensor<4xf32>) -> ()
            "check.expect_almost_eq"(%0, %1) {"tolerance" = 0.01 : f64} : (tensor<4xf32>, tensor<4xf32>) -> ()
            "check.expect_almost_eq_const"(%0) {"tolerance" = 1.0 : f64, "value" = dense<"0x0000803F"> : tensor<4xf32>} : (tensor<4xf32>) -> ()
            "check.expect_almost_eq_const"(%0) {"tolerance" = 0.5 : f32, "value" = dense<"0x0000803F"> : tensor<4xf32>} : (tensor<4xf32>) -> ()
            "check.expect_close"(%0, %1) {"max_ulp_difference" = 3 : i64} : (tensor<4xf32>, tensor<4xf32>) -> ()
            "check.expect_close"(%0, %1) {"max_ulp_difference" = 3 : i64, "min_ulp_difference" = 1 : i64} : (tensor<4xf32>, tensor<4xf32>) -> ()"#]],
    );
}

#[test]
fn other_operations() {
    check(
        "%x: tensor<4xf32>, %n: tensor<1xi64>, %i: tensor<i32>, %s: tensor<2xui64>",
        "%0 = stablehlo.complex %x, %x : tensor<4xcomplex<f32>>
         %1 = stablehlo.real %0 : (tensor<4xcomplex<f32>>) -> tensor<4xf32>
         %2 = stablehlo.reduce_precision %x, format = e5m10 : tensor<4xf32>
         %3 = stablehlo.fft %x, type = RFFT, length = [4] : (tensor<4xf32>) -> tensor<3xcomplex<f32>>
         %4 = stablehlo.get_dimension_size %x, dim = 0 : (tensor<4xf32>) -> tensor<i32>
         %5 = stablehlo.set_dimension_size %x, %i, dim = 0 : (tensor<4xf32>, tensor<i32>) -> tensor<?xf32, #stablehlo.bounds<4>>
         %6:2 = stablehlo.rng_bit_generator %s, algorithm = THREE_FRY : (tensor<2xui64>) -> (tensor<2xui64>, tensor<4xui32>)
         %7 = stablehlo.create_token : !stablehlo.token
         %8 = stablehlo.after_all %7, %7 : !stablehlo.token
         %9 = stablehlo.partition_id : tensor<ui32>
         %10 = stablehlo.dynamic_broadcast_in_dim %x, %n, dims = [0] : (tensor<4xf32>, tensor<1xi64>) -> tensor<?xf32>
         %11 = chlo.erf_inv %x : tensor<4xf32> -> tensor<4xf32>
         %12:2 = chlo.top_k(%x, k = 2) : tensor<4xf32> -> (tensor<2xf32>, tensor<2xi32>)
         %13 = stablehlo.exponential %x {result_accuracy = #stablehlo.result_accuracy<ulps = 10, mode = #stablehlo.result_accuracy_mode<TOLERANCE>>} : tensor<4xf32>",
        expect![[r#"
            %4 = "stablehlo.complex"(%0, %0) : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xcomplex<f32>>)
            %5 = "stablehlo.real"(%4) : (tensor<4xcomplex<f32>>) -> (tensor<4xf32>)
            %6 = "stablehlo.reduce_precision"(%0) {"exponent_bits" = 5 : i32, "mantissa_bits" = 10 : i32} : (tensor<4xf32>) -> (tensor<4xf32>)
            %7 = "stablehlo.fft"(%0) {"fft_length" = array<i64: 4>, "fft_type" = #stablehlo<fft_type RFFT>} : (tensor<4xf32>) -> (tensor<3xcomplex<f32>>)
            %8 = "stablehlo.get_dimension_size"(%0) {"dimension" = 0 : i64} : (tensor<4xf32>) -> (tensor<i32>)
            %9 = "stablehlo.set_dimension_size"(%0, %2) {"dimension" = 0 : i64} : (tensor<4xf32>, tensor<i32>) -> (tensor<?xf32, #stablehlo.bounds<4>>)
            %10, %11 = "stablehlo.rng_bit_generator"(%3) {"rng_algorithm" = #stablehlo<rng_algorithm THREE_FRY>} : (tensor<2xui64>) -> (tensor<2xui64>, tensor<4xui32>)
            %12 = "stablehlo.create_token"() : () -> (!stablehlo.token)
            %13 = "stablehlo.after_all"(%12, %12) : (!stablehlo.token, !stablehlo.token) -> (!stablehlo.token)
            %14 = "stablehlo.partition_id"() : () -> (tensor<ui32>)
            %15 = "stablehlo.dynamic_broadcast_in_dim"(%0, %1) {"broadcast_dimensions" = array<i64: 0>} : (tensor<4xf32>, tensor<1xi64>) -> (tensor<?xf32>)
            %16 = "chlo.erf_inv"(%0) : (tensor<4xf32>) -> (tensor<4xf32>)
            %17, %18 = "chlo.top_k"(%0) {"k" = 2 : i64} : (tensor<4xf32>) -> (tensor<2xf32>, tensor<2xi32>)
            %19 = "stablehlo.exponential"(%0) {"result_accuracy" = #stablehlo.result_accuracy<ulps = 10 : i64, mode = #stablehlo<result_accuracy_mode TOLERANCE>>} : (tensor<4xf32>) -> (tensor<4xf32>)"#]],
    );
}

#[test]
fn shardy() {
    let text = r#"
        sdy.mesh @mesh = <["x"=2, "y"=4]>
        func.func @main(%x: tensor<8x8xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x", ?}, {"y":(1)2}p0], replicated={"y":(2)2}>, jax.buffer_donor = true}) -> (tensor<8x8xf32> {jax.result_info = "r"}) {
          %0 = sdy.sharding_constraint %x <@mesh, [{"x"}, {}]> : tensor<8x8xf32>
          %1 = sdy.manual_computation(%0) in_shardings=[<@mesh, [{"x"}, {}]>] out_shardings=[<@mesh, [{"x"}, {}]>] manual_axes={"x", "y"} (%a: tensor<4x8xf32>) {
            sdy.return %a : tensor<4x8xf32>
          } : (tensor<8x8xf32>) -> tensor<8x8xf32>
          return %1 : tensor<8x8xf32>
        }"#;
    expect![[r#"
        "builtin.module"() ({
          "sdy.mesh"() {"mesh" = #sdy.mesh<["x"=2, "y"=4]>, "sym_name" = "mesh"} : () -> ()
          "func.func"() ({
          ^bb0(%0: tensor<8x8xf32>):
            %1 = "sdy.sharding_constraint"(%0) {"sharding" = #sdy.sharding<@mesh, [{"x"}, {}]>} : (tensor<8x8xf32>) -> (tensor<8x8xf32>)
            %3 = "sdy.manual_computation"(%1) ({
            ^bb0(%2: tensor<4x8xf32>):
              "sdy.return"(%2) : (tensor<4x8xf32>) -> ()
            }) {"in_shardings" = [<@mesh, [{"x"}, {}]>], "manual_axes" = {"x", "y"}, "out_shardings" = [<@mesh, [{"x"}, {}]>]} : (tensor<8x8xf32>) -> (tensor<8x8xf32>)
            "func.return"(%3) : (tensor<8x8xf32>) -> ()
          }) {"arg_attrs" = [{"jax.buffer_donor" = true, "sdy.sharding" = #sdy.sharding<@mesh, [{"x", ?}, {"y":(1)2}p0], replicated={"y":(2)2}>}], "function_type" = (tensor<8x8xf32>) -> tensor<8x8xf32>, "res_attrs" = [{"jax.result_info" = "r"}], "sym_name" = "main"} : () -> ()
        }) : () -> ()
    "#]].assert_eq(&parse(text).unwrap().to_string());
}

#[test]
fn modules_functions_and_resources() {
    let text = r#"
        !t = tensor<2xf32>
        #alias = array<i64: 0>
        module @m attributes {mhlo.num_partitions = 1 : i32, a.map = affine_map<(d0) -> (d0)>} {
          func.func private @declared(!t, tensor<i32> {a.b}) -> !t attributes {c = "d"}
          func.func public @"main one"(%x: !t loc("x")) -> !t {
            %0 = stablehlo.constant dense_resource<w> : !t
            %1 = stablehlo.transpose %x, dims = [0] {e = #alias, f = [1.5, "g", @h::@i, i32]} : (!t) -> !t loc(fused<"m">[#l2, #l1])
            return %0 : !t loc(callsite("in"(#l1) at unknown))
          }
        }
        #l1 = loc("file.py":3:4 to :9)
        #l2 = loc("mul:"("jit(f)/mul"(callsite("g"(#l1) at #l1))))
        {-#
          dialect_resources: { builtin: { w: "0x040000000000803F00000040" } },
          external_resources: { other: { x: true } }
        #-}"#;
    let printed = parse(text).unwrap().to_string();
    expect![[r#"
        "builtin.module"() ({
          "func.func"() ({
          }) {"arg_attrs" = [{}, {"a.b"}], "c" = "d", "function_type" = (tensor<2xf32>, tensor<i32>) -> tensor<2xf32>, "sym_name" = "declared", "sym_visibility" = "private"} : () -> ()
          "func.func"() ({
          ^bb0(%0: tensor<2xf32> loc("x")):
            %1 = "stablehlo.constant"() {"value" = dense_resource<"w"> : tensor<2xf32>} : () -> (tensor<2xf32>)
            %2 = "stablehlo.transpose"(%0) {"e" = array<i64: 0>, "f" = [1.5 : f64, "g", @"h"::@"i", i32], "permutation" = array<i64: 0>} : (tensor<2xf32>) -> (tensor<2xf32>) loc("jit(f)/mul"("file.py":3:4))
            "func.return"(%1) : (tensor<2xf32>) -> () loc("in"("file.py":3:4))
          }) {"function_type" = (tensor<2xf32>) -> tensor<2xf32>, "sym_name" = "main one", "sym_visibility" = "public"} : () -> ()
        }) {"a.map" = affine_map<(d0) -> (d0)>, "mhlo.num_partitions" = 1 : i32, "sym_name" = "m"} : () -> ()
        {-#
          dialect_resources: {
            builtin: {
              "w": "0x000000000000803F00000040"
            }
          }
        #-}
    "#]].assert_eq(&printed);
    assert_eq!(parse(&printed).unwrap().to_string(), printed);
}
