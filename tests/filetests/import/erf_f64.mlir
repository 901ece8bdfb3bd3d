// test import
func.func @main(%x: tensor<4xf64>) -> tensor<4xf64> {
  %0 = chlo.erf %x : tensor<4xf64> -> tensor<4xf64>
  return %0 : tensor<4xf64>
}
// ----
// input:3:8: error: chlo.erf is supported for elements of type bf16, f16, f32; found f64
//     %0 = chlo.erf %x : tensor<4xf64> -> tensor<4xf64>
//          ^^^^^^^^
