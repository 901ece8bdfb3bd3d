// test import
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %n = stablehlo.constant dense<3> : tensor<i32>
  %0 = stablehlo.set_dimension_size %x, %n, dim = 0 : (tensor<4xf32>, tensor<i32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
// ----
// input:4:8: error: unsupported stablehlo.set_dimension_size to [3]: the dimension has 4 elements, and shapes do not change
//     %0 = stablehlo.set_dimension_size %x, %n, dim = 0 : (tensor<4xf32>, tensor<i32>) -> tensor<4xf32>
//          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
