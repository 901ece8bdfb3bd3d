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
// %double (Arg_0: s32[4]) -> s32[4] {
//   %Arg_0 = s32[4] parameter(0)
//   ROOT %add = s32[4] add(%Arg_0, %Arg_0)
// }
//
// ENTRY %main (Arg_0.1: s32[4]) -> (s32[4], s32[4]) {
//   %Arg_0.1 = s32[4] parameter(0)
//   %call = s32[4] call(%Arg_0.1), to_apply=%double
//   ROOT %tuple = (s32[4], s32[4]) tuple(%call, %Arg_0.1)
// }
