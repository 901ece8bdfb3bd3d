// test import
module @softmax {
  func.func public @main(%x: tensor<8x128xf32>) -> tensor<8x128xf32> {
    %low = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %m = stablehlo.reduce(%x init: %low) applies stablehlo.maximum across dimensions = [1] : (tensor<8x128xf32>, tensor<f32>) -> tensor<8xf32>
    %b = stablehlo.broadcast_in_dim %m, dims = [0] : (tensor<8xf32>) -> tensor<8x128xf32>
    %s = stablehlo.subtract %x, %b : tensor<8x128xf32>
    %e = stablehlo.exponential %s : tensor<8x128xf32>
    return %e : tensor<8x128xf32>
  }
}
// ----
// HloModule softmax
//
// %reducer (Arg: f32[], Arg.1: f32[]) -> f32[] {
//   %Arg = f32[] parameter(0)
//   %Arg.1 = f32[] parameter(1)
//   ROOT %maximum = f32[] maximum(%Arg, %Arg.1)
// }
//
// ENTRY %main (x: f32[8,128]) -> f32[8,128] {
//   %x = f32[8,128] parameter(0)
//   %constant = f32[] constant(-inf)
//   %reduce = f32[8] reduce(%x, %constant), dimensions={1}, to_apply=%reducer
//   %broadcast = f32[8,128] broadcast(%reduce), dimensions={0}
//   %subtract = f32[8,128] subtract(%x, %broadcast)
//   ROOT %exponential = f32[8,128] exponential(%subtract)
// }
