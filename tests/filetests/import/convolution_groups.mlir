// test import
func.func @main(%x: tensor<2x9x4xf32>, %k: tensor<3x4x8xf32>) -> tensor<2x7x8xf32> {
  %0 = stablehlo.convolution(%x, %k) dim_numbers = [b, 0, f]x[0, i, o]->[b, 0, f], window = {} {batch_group_count = 1 : i64, feature_group_count = 3 : i64} : (tensor<2x9x4xf32>, tensor<3x4x8xf32>) -> tensor<2x7x8xf32>
  return %0 : tensor<2x7x8xf32>
}
// ----
// input:3:8: error: stablehlo.convolution: 4 (features of the operand) cannot be divided into 3 groups [convolution (C11)]
//     %0 = stablehlo.convolution(%x, %k) dim_numbers = [b, 0, f]x[0, i, o]->[b, 0, f], window = {} {batc
//          ^^^^^^^^^^^^^^^^^^^^^
