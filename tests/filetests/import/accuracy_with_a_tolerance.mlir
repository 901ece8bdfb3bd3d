// test import
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.exponential %x {result_accuracy = #stablehlo.result_accuracy<ulps = 10, mode = #stablehlo.result_accuracy_mode<TOLERANCE>>} : tensor<4xf32>
  func.return %0 : tensor<4xf32>
}
// ----
// input:3:8: error: stablehlo.exponential: a result_accuracy with a tolerance is not supported, only default and highest
//     %0 = stablehlo.exponential %x {result_accuracy = #stablehlo.result_accuracy<ulps = 10, mode = #sta
//          ^^^^^^^^^^^^^^^^^^^^^
