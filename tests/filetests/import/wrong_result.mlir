// test import
func.func @main(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = stablehlo.transpose %x, dims = [1, 0] : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}
// ----
// input:3:8: error: stablehlo.transpose is declared to give tensor<4x8xf32>, but gives tensor<8x4xf32>
//     %0 = stablehlo.transpose %x, dims = [1, 0] : (tensor<4x8xf32>) -> tensor<4x8xf32>
//          ^^^^^^^^^^^^^^^^^^^
