// test import
func.func @main(%x: tensor<4xf32>, %n: tensor<2xi32>) -> tensor<2x2xf32> {
  %0 = stablehlo.dynamic_reshape %x, %n : (tensor<4xf32>, tensor<2xi32>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}
