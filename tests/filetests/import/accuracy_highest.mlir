// test import
// Every function is computed in one way only, which is the highest accuracy there is.
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.exponential %x {result_accuracy = #stablehlo.result_accuracy<mode = #stablehlo.result_accuracy_mode<HIGHEST>>} : tensor<4xf32>
  func.return %0 : tensor<4xf32>
}
// ----
// HloModule main
//
// ENTRY %main (x: f32[4]) -> f32[4] {
//   %x = f32[4] parameter(0)
//   ROOT %exponential = f32[4] exponential(%x)
// }
