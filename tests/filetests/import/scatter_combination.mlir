// test import
func.func @main(%x: tensor<5x3xf32>, %i: tensor<4x1xi32>, %u: tensor<4x3xf32>) -> tensor<5x3xf32> {
  %0 = "stablehlo.scatter"(%x, %i, %u) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %1 = stablehlo.power %a, %b : tensor<f32>
    stablehlo.return %1 : tensor<f32>
  }) : (tensor<5x3xf32>, tensor<4x1xi32>, tensor<4x3xf32>) -> tensor<5x3xf32>
  return %0 : tensor<5x3xf32>
}
// ----
// HloModule main
//
// %reducer (Arg: f32[], Arg.1: f32[]) -> f32[] {
//   %Arg = f32[] parameter(0)
//   %Arg.1 = f32[] parameter(1)
//   ROOT %power = f32[] power(%Arg, %Arg.1)
// }
//
// ENTRY %main (x: f32[5,3], i: s32[4,1], u: f32[4,3]) -> f32[5,3] {
//   %x = f32[5,3] parameter(0)
//   %i = s32[4,1] parameter(1)
//   %u = f32[4,3] parameter(2)
//   ROOT %scatter = f32[5,3] scatter(%x, %i, %u), update_window_dims={1}, inserted_window_dims={0}, scatter_dims_to_operand_dims={0}, index_vector_dim=1, to_apply=%reducer
// }
