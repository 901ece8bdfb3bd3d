// test import
func.func @main(%x: tensor<4xf32>) -> tensor<8xf32> {
  %0 = stablehlo.negate %x : tensor<8xf32>
  return %0 : tensor<8xf32>
}
// ----
// input:3:25: error: this value has the type tensor<4xf32>, but is used with the type tensor<8xf32>
//     %0 = stablehlo.negate %x : tensor<8xf32>
//                           ^^
