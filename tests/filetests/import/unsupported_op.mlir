// test import
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "stablehlo.async_start"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
// ----
// input:3:8: error: unsupported op stablehlo.async_start
//     %0 = "stablehlo.async_start"(%x) : (tensor<4xf32>) -> tensor<4xf32>
//          ^^^^^^^^^^^^^^^^^^^^^^^
