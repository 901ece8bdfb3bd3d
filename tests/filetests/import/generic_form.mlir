// test import
"func.func"() <{function_type = (tensor<4xf32>) -> tensor<4xf32>, sym_name = "main"}> ({
^bb0(%arg0: tensor<4xf32>):
  %0 = "stablehlo.negate"(%arg0) : (tensor<4xf32>) -> tensor<4xf32>
  "func.return"(%0) : (tensor<4xf32>) -> ()
}) : () -> ()
// ----
// HloModule main
//
// ENTRY %main (Arg_0: f32[4]) -> f32[4] {
//   %Arg_0 = f32[4] parameter(0)
//   ROOT %negate = f32[4] negate(%Arg_0)
// }
