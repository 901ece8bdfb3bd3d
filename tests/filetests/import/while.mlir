// test import
func.func @main(%n: tensor<i32>) -> tensor<i32> {
  %zero = stablehlo.constant dense<0> : tensor<i32>
  %one = stablehlo.constant dense<1> : tensor<i32>
  %r = stablehlo.while(%i = %zero) : tensor<i32>
   cond {
    %c = stablehlo.compare LT, %i, %n, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %c : tensor<i1>
  } do {
    %j = stablehlo.add %i, %one : tensor<i32>
    stablehlo.return %j : tensor<i32>
  }
  return %r : tensor<i32>
}
// ----
// HloModule main
//
// %condition (Arg: (s32[], s32[])) -> pred[] {
//   %Arg = (s32[], s32[]) parameter(0)
//   %get-tuple-element = s32[] get-tuple-element(%Arg), index=0
//   %get-tuple-element.1 = s32[] get-tuple-element(%Arg), index=1
//   ROOT %compare = pred[] compare(%get-tuple-element, %get-tuple-element.1), direction=LT, type=SIGNED
// }
//
// %body (Arg.1: (s32[], s32[])) -> (s32[], s32[]) {
//   %Arg.1 = (s32[], s32[]) parameter(0)
//   %get-tuple-element.2 = s32[] get-tuple-element(%Arg.1), index=0
//   %get-tuple-element.3 = s32[] get-tuple-element(%Arg.1), index=1
//   %constant.2 = s32[] constant(1)
//   %add = s32[] add(%get-tuple-element.2, %constant.2)
//   ROOT %tuple = (s32[], s32[]) tuple(%add, %get-tuple-element.3)
// }
//
// ENTRY %main (n: s32[]) -> s32[] {
//   %n = s32[] parameter(0)
//   %constant = s32[] constant(0)
//   %constant.1 = s32[] constant(1)
//   %tuple.1 = (s32[], s32[]) tuple(%constant, %n)
//   %while = (s32[], s32[]) while(%tuple.1), condition=%condition, body=%body
//   ROOT %get-tuple-element.4 = s32[] get-tuple-element(%while), index=0
// }
