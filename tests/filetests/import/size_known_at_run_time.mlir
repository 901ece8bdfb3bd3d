// test import
func.func @main(%x: tensor<4xf32>, %n: tensor<2xi32>) -> tensor<2x2xf32> {
  %0 = stablehlo.dynamic_reshape %x, %n : (tensor<4xf32>, tensor<2xi32>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}
// ----
// input:3:38: error: unsupported stablehlo.dynamic_reshape with sizes that are known at run time only; this has to be a constant or computed from constants
//     %0 = stablehlo.dynamic_reshape %x, %n : (tensor<4xf32>, tensor<2xi32>) -> tensor<2x2xf32>
//                                        ^^
