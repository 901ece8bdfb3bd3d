// test import
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "stablehlo.einsum"(%x, %x) <{einsum_config = "i,i->i"}> : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
// ----
// input:3:8: error: unsupported op stablehlo.einsum
//     %0 = "stablehlo.einsum"(%x, %x) <{einsum_config = "i,i->i"}> : (tensor<4xf32>, tensor<4xf32>) -> t
//          ^^^^^^^^^^^^^^^^^^
