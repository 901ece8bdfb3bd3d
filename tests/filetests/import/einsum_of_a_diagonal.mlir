// test import
func.func @main(%x: tensor<4x4xf32>) -> tensor<4xf32> {
  %0 = "stablehlo.unary_einsum"(%x) <{einsum_config = "aa->a"}> : (tensor<4x4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
// ----
// input:3:55: error: unsupported einsum_config; it has to name the dimensions of one operand, such as "ab->a", each once
//    = "stablehlo.unary_einsum"(%x) <{einsum_config = "aa->a"}> : (tensor<4x4xf32>) -> tensor<4xf32>
//                                                     ^^^^^^^
