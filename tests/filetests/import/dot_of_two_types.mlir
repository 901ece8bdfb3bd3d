// test import
// JAX gives TPUs dots of floats with integers: the integers become floats.
func.func @main(%x: tensor<2x3xf32>, %n: tensor<3x4xi32>) -> (tensor<2x4xf32>, tensor<3x2xf32>) {
  %0 = "stablehlo.dot_general"(%x, %n) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<2x3xf32>, tensor<3x4xi32>) -> tensor<2x4xf32>
  %1 = "stablehlo.slice"(%n) <{start_indices = array<i64: 0, 0>, limit_indices = array<i64: 2, 3>, strides = array<i64: 1, 1>}> : (tensor<3x4xi32>) -> tensor<2x3xi32>
  %2 = "stablehlo.dot_general"(%1, %x) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0], rhs_contracting_dimensions = [0]>}> : (tensor<2x3xi32>, tensor<2x3xf32>) -> tensor<3x3xf32>
  %3 = "stablehlo.slice"(%2) <{start_indices = array<i64: 0, 0>, limit_indices = array<i64: 3, 2>, strides = array<i64: 1, 1>}> : (tensor<3x3xf32>) -> tensor<3x2xf32>
  func.return %0, %3 : tensor<2x4xf32>, tensor<3x2xf32>
}
// ----
// HloModule main
//
// ENTRY %main (x: f32[2,3], n: s32[3,4]) -> (f32[2,4], f32[3,2]) {
//   %x = f32[2,3] parameter(0)
//   %n = s32[3,4] parameter(1)
//   %convert = f32[3,4] convert(%n)
//   %dot = f32[2,4] dot(%x, %convert), lhs_contracting_dims={1}, rhs_contracting_dims={0}
//   %slice = s32[2,3] slice(%n), slice={[0:2], [0:3]}
//   %convert.1 = f32[2,3] convert(%slice)
//   %dot.1 = f32[3,3] dot(%convert.1, %x), lhs_contracting_dims={0}, rhs_contracting_dims={0}
//   %slice.1 = f32[3,2] slice(%dot.1), slice={[0:3], [0:2]}
//   ROOT %tuple = (f32[2,4], f32[3,2]) tuple(%dot, %slice.1)
// }
