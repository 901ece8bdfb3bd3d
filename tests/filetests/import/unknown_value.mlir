// test import
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.add %x, %y : tensor<4xf32>
  return %0 : tensor<4xf32>
}
// ----
// input:3:26: error: '%y' is not defined
//     %0 = stablehlo.add %x, %y : tensor<4xf32>
//                            ^^
