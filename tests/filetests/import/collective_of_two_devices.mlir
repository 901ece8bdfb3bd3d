// test import
func.func @main(%x: tensor<4xf32>) -> tensor<8xf32> {
  %0 = "stablehlo.all_gather"(%x) <{all_gather_dim = 0 : i64, replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>}> : (tensor<4xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}
// ----
// input:3:80: error: unsupported stablehlo.all_gather of several devices; replica_groups has to be [[0]]
//   (%x) <{all_gather_dim = 0 : i64, replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>}> : (tensor<4xf3
//                                                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
