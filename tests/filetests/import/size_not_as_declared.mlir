// test import
func.func @main(%x: tensor<4xf32>) -> tensor<2x2xf32> {
  %n = stablehlo.constant dense<[4, 1]> : tensor<2xi32>
  %0 = stablehlo.dynamic_reshape %x, %n : (tensor<4xf32>, tensor<2xi32>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}
// ----
// input:4:8: error: stablehlo.dynamic_reshape to [4, 1] is declared to give sizes [2, 2]
//     %0 = stablehlo.dynamic_reshape %x, %n : (tensor<4xf32>, tensor<2xi32>) -> tensor<2x2xf32>
//          ^^^^^^^^^^^^^^^^^^^^^^^^^
