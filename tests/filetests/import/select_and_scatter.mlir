// test import
func.func @main(%x: tensor<6x4xf32>, %y: tensor<3x4xf32>, %z: tensor<f32>) -> (tensor<6x4xf32>, tensor<2x5xf32>) {
  %0 = "stablehlo.select_and_scatter"(%x, %y, %z) <{window_dimensions = array<i64: 2, 1>, window_strides = array<i64: 2, 1>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %p = stablehlo.compare GE, %a, %b : (tensor<f32>, tensor<f32>) -> tensor<i1>
    stablehlo.return %p : tensor<i1>
  }, {
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %s = stablehlo.add %a, %b : tensor<f32>
    stablehlo.return %s : tensor<f32>
  }) : (tensor<6x4xf32>, tensor<3x4xf32>, tensor<f32>) -> tensor<6x4xf32>
  %1 = "stablehlo.reduce_window"(%x, %z) <{base_dilations = array<i64: 1, 2>, padding = dense<[[0, -1], [1, 2]]> : tensor<2x2xi64>, window_dilations = array<i64: 2, 1>, window_dimensions = array<i64: 2, 2>, window_strides = array<i64: 2, 2>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %s = stablehlo.subtract %a, %b : tensor<f32>
    %t = stablehlo.negate %s : tensor<f32>
    stablehlo.return %t : tensor<f32>
  }) : (tensor<6x4xf32>, tensor<f32>) -> tensor<2x5xf32>
  return %0, %1 : tensor<6x4xf32>, tensor<2x5xf32>
}
// ----
// HloModule main
//
// %select (Arg: f32[], Arg.1: f32[]) -> pred[] {
//   %Arg = f32[] parameter(0)
//   %Arg.1 = f32[] parameter(1)
//   ROOT %compare = pred[] compare(%Arg, %Arg.1), direction=GE, type=FLOAT
// }
//
// %scatter (Arg.2: f32[], Arg.3: f32[]) -> f32[] {
//   %Arg.2 = f32[] parameter(0)
//   %Arg.3 = f32[] parameter(1)
//   ROOT %add = f32[] add(%Arg.2, %Arg.3)
// }
//
// %reducer (Arg.4: f32[], Arg.5: f32[]) -> f32[] {
//   %Arg.4 = f32[] parameter(0)
//   %Arg.5 = f32[] parameter(1)
//   %subtract = f32[] subtract(%Arg.4, %Arg.5)
//   ROOT %negate = f32[] negate(%subtract)
// }
//
// ENTRY %main (x: f32[6,4], y: f32[3,4], z: f32[]) -> (f32[6,4], f32[2,5]) {
//   %x = f32[6,4] parameter(0)
//   %y = f32[3,4] parameter(1)
//   %z = f32[] parameter(2)
//   %select-and-scatter = f32[6,4] select-and-scatter(%x, %y, %z), window={size=2x1 stride=2x1}, select=%select, scatter=%scatter
//   %reduce-window = f32[2,5] reduce-window(%x, %z), window={size=2x2 stride=2x2 pad=0_-1x1_2 lhs_dilate=1x2 rhs_dilate=2x1}, to_apply=%reducer
//   ROOT %tuple = (f32[6,4], f32[2,5]) tuple(%select-and-scatter, %reduce-window)
// }
