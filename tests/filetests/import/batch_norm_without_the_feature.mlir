// test import
func.func @main(%x: tensor<4x2xf32>, %f: tensor<2xf32>) -> tensor<4x2xf32> {
  %0 = "stablehlo.batch_norm_inference"(%x, %f, %f, %f, %f) <{epsilon = 0.001 : f32, feature_index = 2 : i64}> : (tensor<4x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<4x2xf32>
  return %0 : tensor<4x2xf32>
}
// ----
// input:3:102: error: feature_index is 2, of 2 dimensions
//    %f, %f) <{epsilon = 0.001 : f32, feature_index = 2 : i64}> : (tensor<4x2xf32>, tensor<2xf32>, tenso
//                                                     ^^^^^^^
