// test import
// What jax.nn.dot_product_attention asks for, and three passes.
func.func @main(%x: tensor<2x3xbf16>, %y: tensor<3x4xbf16>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  %0 = stablehlo.dot_general %x, %y, contracting_dims = [1] x [0], precision = [DEFAULT, DEFAULT], algorithm = <lhs_precision_type = bf16, rhs_precision_type = bf16, accumulation_type = f32, lhs_component_count = 1, rhs_component_count = 1, num_primitive_operations = 1, allow_imprecise_accumulation = false> : (tensor<2x3xbf16>, tensor<3x4xbf16>) -> tensor<2x4xf32>
  %1 = stablehlo.dot_general %x, %y, contracting_dims = [1] x [0], algorithm = <lhs_precision_type = bf16, rhs_precision_type = bf16, accumulation_type = f32, lhs_component_count = 1, rhs_component_count = 1, num_primitive_operations = 3, allow_imprecise_accumulation = false> : (tensor<2x3xbf16>, tensor<3x4xbf16>) -> tensor<2x4xf32>
  return %0, %1 : tensor<2x4xf32>, tensor<2x4xf32>
}
// ----
// HloModule main
//
// ENTRY %main (x: bf16[2,3], y: bf16[3,4]) -> (f32[2,4], f32[2,4]) {
//   %x = bf16[2,3] parameter(0)
//   %y = bf16[3,4] parameter(1)
//   %dot = f32[2,4] dot(%x, %y), lhs_contracting_dims={1}, rhs_contracting_dims={0}
//   %dot.1 = f32[2,4] dot(%x, %y), lhs_contracting_dims={1}, rhs_contracting_dims={0}, operand_precision={high,high}
//   ROOT %tuple = (f32[2,4], f32[2,4]) tuple(%dot, %dot.1)
// }
