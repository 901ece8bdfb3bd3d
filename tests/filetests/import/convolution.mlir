// test import
// Each part of a convolution, in the short and in the generic form.
func.func @main(%x: tensor<2x9x9x4xbf16>, %k: tensor<3x2x2x8xbf16>) -> (tensor<2x7x4x8xf32>, tensor<2x7x4x8xbf16>) {
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 1, 0, f], window = {stride = [2, 1], pad = [[0, 1], [-1, 0]], lhs_dilate = [1, 1], rhs_dilate = [1, 1], reverse = [true, false]} {batch_group_count = 1 : i64, feature_group_count = 2 : i64, precision_config = [#stablehlo<precision HIGH>, #stablehlo<precision DEFAULT>]} : (tensor<2x9x9x4xbf16>, tensor<3x2x2x8xbf16>) -> tensor<2x7x4x8xf32>
  %1 = "stablehlo.convolution"(%x, %k) <{batch_group_count = 1 : i64, dimension_numbers = #stablehlo.conv<[b, 0, 1, f]x[0, 1, i, o]->[b, 1, 0, f]>, feature_group_count = 2 : i64, padding = dense<[[0, 1], [-1, 0]]> : tensor<2x2xi64>, window_strides = array<i64: 2, 1>}> : (tensor<2x9x9x4xbf16>, tensor<3x2x2x8xbf16>) -> tensor<2x7x4x8xbf16>
  return %0, %1 : tensor<2x7x4x8xf32>, tensor<2x7x4x8xbf16>
}
// ----
// HloModule main
//
// ENTRY %main (x: bf16[2,9,9,4], k: bf16[3,2,2,8]) -> (f32[2,7,4,8], bf16[2,7,4,8]) {
//   %x = bf16[2,9,9,4] parameter(0)
//   %k = bf16[3,2,2,8] parameter(1)
//   %convolution = f32[2,7,4,8] convolution(%x, %k), window={size=3x2 stride=2x1 pad=0_1x-1_0 rhs_reversal=1x0}, dim_labels=b01f_01io->b10f, feature_group_count=2, operand_precision={high,default}
//   %convolution.1 = bf16[2,7,4,8] convolution(%x, %k), window={size=3x2 stride=2x1 pad=0_1x-1_0}, dim_labels=b01f_01io->b10f, feature_group_count=2
//   ROOT %tuple = (f32[2,7,4,8], bf16[2,7,4,8]) tuple(%convolution, %convolution.1)
// }
