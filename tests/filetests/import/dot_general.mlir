// test import
func.func @main(%x: tensor<8x16xbf16>, %y: tensor<16x32xbf16>) -> tensor<8x32xf32> {
  %0 = stablehlo.dot_general %x, %y, contracting_dims = [1] x [0], precision = [DEFAULT, HIGHEST] : (tensor<8x16xbf16>, tensor<16x32xbf16>) -> tensor<8x32xf32>
  return %0 : tensor<8x32xf32>
}
// ----
// HloModule main
//
// ENTRY %main (x: bf16[8,16], y: bf16[16,32]) -> f32[8,32] {
//   %x = bf16[8,16] parameter(0)
//   %y = bf16[16,32] parameter(1)
//   ROOT %dot = f32[8,32] dot(%x, %y), lhs_contracting_dims={1}, rhs_contracting_dims={0}, operand_precision={default,highest}
// }
