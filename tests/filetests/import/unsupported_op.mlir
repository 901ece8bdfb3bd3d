// test import
func.func @main(%x: tensor<4xf32>) -> tensor<4xcomplex<f32>> {
  %0 = stablehlo.fft %x, type = RFFT, length = [4] : (tensor<4xf32>) -> tensor<4xcomplex<f32>>
  return %0 : tensor<4xcomplex<f32>>
}
// ----
// input:3:8: error: unsupported op stablehlo.fft
//     %0 = stablehlo.fft %x, type = RFFT, length = [4] : (tensor<4xf32>) -> tensor<4xcomplex<f32>>
//          ^^^^^^^^^^^^^
