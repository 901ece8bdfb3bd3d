// test import
// The formula of this name is for real numbers; what complex ones mean is the decomposition.
func.func @main(%x: tensor<4xcomplex<f32>>) -> tensor<4xcomplex<f32>> {
  %0 = stablehlo.composite "chlo.sinh" %x {decomposition = @sinh, version = 1 : i32} : (tensor<4xcomplex<f32>>) -> tensor<4xcomplex<f32>>
  return %0 : tensor<4xcomplex<f32>>
}
func.func private @sinh(%x: tensor<4xcomplex<f32>>) -> tensor<4xcomplex<f32>> {
  %0 = stablehlo.exponential %x : tensor<4xcomplex<f32>>
  return %0 : tensor<4xcomplex<f32>>
}
// ----
// HloModule main
//
// %sinh (x: c64[4]) -> c64[4] {
//   %x = c64[4] parameter(0)
//   ROOT %exponential = c64[4] exponential(%x)
// }
//
// ENTRY %main (x.1: c64[4]) -> c64[4] {
//   %x.1 = c64[4] parameter(0)
//   ROOT %call = c64[4] call(%x.1), to_apply=%sinh
// }
