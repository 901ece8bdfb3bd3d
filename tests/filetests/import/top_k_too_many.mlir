// test import
func.func @main(%x: tensor<4xf32>) -> (tensor<5xf32>, tensor<5xi32>) {
  %0:2 = chlo.top_k(%x, k = 5) : tensor<4xf32> -> (tensor<5xf32>, tensor<5xi32>)
  return %0#0, %0#1 : tensor<5xf32>, tensor<5xi32>
}
// ----
// input:3:10: error: there are no 5 largest elements of f32[4]
//     %0:2 = chlo.top_k(%x, k = 5) : tensor<4xf32> -> (tensor<5xf32>, tensor<5xi32>)
//            ^^^^^^^^^^
