// test import
// JAX gives TPUs dots of two kinds of floats of 8 bits: bf16 has the values of both.
func.func @main(%x: tensor<2x3xf8E4M3FN>, %y: tensor<3x4xf8E5M2>) -> tensor<2x4xf32> {
  %0 = stablehlo.dot_general %x, %y, contracting_dims = [1] x [0] : (tensor<2x3xf8E4M3FN>, tensor<3x4xf8E5M2>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}
// ----
// HloModule main
//
// ENTRY %main (x: f8e4m3fn[2,3], y: f8e5m2[3,4]) -> f32[2,4] {
//   %x = f8e4m3fn[2,3] parameter(0)
//   %y = f8e5m2[3,4] parameter(1)
//   %convert = bf16[2,3] convert(%x)
//   %convert.1 = bf16[3,4] convert(%y)
//   ROOT %dot = f32[2,4] dot(%convert, %convert.1), lhs_contracting_dims={1}, rhs_contracting_dims={0}
// }
