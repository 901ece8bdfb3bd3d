// test import
func.func private @double(%x: tensor<4xi32>) -> tensor<4xi32> {
  %0 = stablehlo.add %x, %x : tensor<4xi32>
  return %0 : tensor<4xi32>
}
func.func public @main(%x: tensor<4xi32>) -> (tensor<4xi32>, tensor<4xi32>) {
  %0 = func.call @double(%x) : (tensor<4xi32>) -> tensor<4xi32>
  return %0, %x : tensor<4xi32>, tensor<4xi32>
}
// ----
// HloModule main
//
// %double (x: s32[4]) -> s32[4] {
//   %x = s32[4] parameter(0)
//   ROOT %add = s32[4] add(%x, %x)
// }
//
// ENTRY %main (x.1: s32[4]) -> (s32[4], s32[4]) {
//   %x.1 = s32[4] parameter(0)
//   %call = s32[4] call(%x.1), to_apply=%double
//   ROOT %tuple = (s32[4], s32[4]) tuple(%call, %x.1)
// }
