// test import
func.func @main() -> tensor<2xcomplex<f32>> {
  %0 = stablehlo.constant dense<[(1.0, 2.0), 3.0]> : tensor<2xcomplex<f32>>
  return %0 : tensor<2xcomplex<f32>>
}
// ----
// input:3:46: error: expected '(' here: an element of tensor<2xcomplex<f32>> is written as (1.0, 2.0)
//     %0 = stablehlo.constant dense<[(1.0, 2.0), 3.0]> : tensor<2xcomplex<f32>>
//                                                ^
