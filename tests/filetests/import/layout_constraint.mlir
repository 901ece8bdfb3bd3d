// test import
// Layouts and tilings inside of a program are the compiler's choice, so a constraint on them is a copy.
func.func @main(%x: tensor<16x256xbf16>) -> tensor<16x256xbf16> {
  %0 = stablehlo.custom_call @LayoutConstraint(%x) {operand_layouts = [dense<[0, 1]> : tensor<2xindex>], result_layouts = [dense<[1, 0]> : tensor<2xindex>], result_tilings = [[dense<[8, 128]> : tensor<2xindex>, dense<[2, 1]> : tensor<2xindex>]]} : (tensor<16x256xbf16>) -> tensor<16x256xbf16>
  func.return %0 : tensor<16x256xbf16>
}
// ----
// HloModule main
//
// ENTRY %main (x: bf16[16,256]) -> bf16[16,256] {
//   %x = bf16[16,256] parameter(0)
//   ROOT %copy = bf16[16,256] copy(%x)
// }
