// test import
func.func @main(%x: tensor<4xf32>) -> (tensor<3xcomplex<f32>>, tensor<2xcomplex<f64>>) {
  %0 = stablehlo.constant dense<[(1.0, -2.5), (0.0, 0x7FC00000), (-0.0, 3.0e10)]> : tensor<3xcomplex<f32>>
  %1 = stablehlo.constant dense<(0.1, 1.0)> : tensor<2xcomplex<f64>>
  %2 = stablehlo.constant dense<"0x0000803F000000400000803F00000040"> : tensor<2xcomplex<f32>>
  %3 = stablehlo.fft %x, type = RFFT, length = [4] : (tensor<4xf32>) -> tensor<3xcomplex<f32>>
  %4 = stablehlo.add %3, %0 : tensor<3xcomplex<f32>>
  return %4, %1 : tensor<3xcomplex<f32>>, tensor<2xcomplex<f64>>
}
// ----
// HloModule main
//
// ENTRY %main (x: f32[4]) -> (c64[3], c128[2]) {
//   %x = f32[4] parameter(0)
//   %constant = c64[3] constant({(1, -2.5), (0, nan), (-0, 30000000000)})
//   %constant.1 = c128[] constant((0.1, 1))
//   %broadcast = c128[2] broadcast(%constant.1), dimensions={}
//   %constant.2 = c64[2] constant({(1, 2), (1, 2)})
//   %fft = c64[3] fft(%x), fft_type=RFFT, fft_length={4}
//   %add = c64[3] add(%fft, %constant)
//   ROOT %tuple = (c64[3], c128[2]) tuple(%add, %broadcast)
// }
