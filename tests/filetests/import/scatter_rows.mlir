// test import
// The gradient of a look-up: every update meets every row.
func.func @main(%x: tensor<5x3xf32>, %i: tensor<4x1xi32>, %u: tensor<4x3xf32>) -> tensor<5x3xf32> {
  %0 = "stablehlo.scatter"(%x, %i, %u) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %1 = stablehlo.add %a, %b : tensor<f32>
    stablehlo.return %1 : tensor<f32>
  }) : (tensor<5x3xf32>, tensor<4x1xi32>, tensor<4x3xf32>) -> tensor<5x3xf32>
  return %0 : tensor<5x3xf32>
}
// ----
// HloModule main
//
// ENTRY %main (Arg_0: f32[5,3], Arg_1: s32[4,1], Arg_2: f32[4,3]) -> f32[5,3] {
//   %Arg_0 = f32[5,3] parameter(0)
//   %Arg_1 = s32[4,1] parameter(1)
//   %Arg_2 = f32[4,3] parameter(2)
//   %reshape = s32[4] reshape(%Arg_1)
//   %broadcast = s32[4,5] broadcast(%reshape), dimensions={0}
//   %iota = s32[4,5] iota(), iota_dimension=1
//   %compare = pred[4,5] compare(%broadcast, %iota), direction=EQ, type=SIGNED
//   %is-finite = pred[4,3] is-finite(%Arg_2)
//   %constant = f32[] constant(0)
//   %broadcast.1 = f32[4,3] broadcast(%constant), dimensions={}
//   %select = f32[4,3] select(%is-finite, %Arg_2, %broadcast.1)
//   %convert = f32[4,5] convert(%compare)
//   %dot = f32[5,3] dot(%convert, %select), lhs_contracting_dims={0}, rhs_contracting_dims={0}, operand_precision={highest,highest}
//   %constant.1 = f32[] constant(inf)
//   %broadcast.2 = f32[4,3] broadcast(%constant.1), dimensions={}
//   %compare.1 = pred[4,3] compare(%Arg_2, %broadcast.2), direction=LT, type=FLOAT
//   %not = pred[4,3] not(%compare.1)
//   %convert.1 = f32[4,3] convert(%not)
//   %convert.2 = f32[4,5] convert(%compare)
//   %dot.1 = f32[5,3] dot(%convert.2, %convert.1), lhs_contracting_dims={0}, rhs_contracting_dims={0}
//   %constant.2 = f32[] constant(0)
//   %broadcast.3 = f32[5,3] broadcast(%constant.2), dimensions={}
//   %compare.2 = pred[5,3] compare(%dot.1, %broadcast.3), direction=GT, type=FLOAT
//   %constant.3 = f32[] constant(-inf)
//   %broadcast.4 = f32[4,3] broadcast(%constant.3), dimensions={}
//   %compare.3 = pred[4,3] compare(%Arg_2, %broadcast.4), direction=GT, type=FLOAT
//   %not.1 = pred[4,3] not(%compare.3)
//   %convert.3 = f32[4,3] convert(%not.1)
//   %convert.4 = f32[4,5] convert(%compare)
//   %dot.2 = f32[5,3] dot(%convert.4, %convert.3), lhs_contracting_dims={0}, rhs_contracting_dims={0}
//   %constant.4 = f32[] constant(0)
//   %broadcast.5 = f32[5,3] broadcast(%constant.4), dimensions={}
//   %compare.4 = pred[5,3] compare(%dot.2, %broadcast.5), direction=GT, type=FLOAT
//   %constant.5 = f32[] constant(nan)
//   %broadcast.6 = f32[5,3] broadcast(%constant.5), dimensions={}
//   %constant.6 = f32[] constant(inf)
//   %broadcast.7 = f32[5,3] broadcast(%constant.6), dimensions={}
//   %constant.7 = f32[] constant(-inf)
//   %broadcast.8 = f32[5,3] broadcast(%constant.7), dimensions={}
//   %select.1 = f32[5,3] select(%compare.4, %broadcast.6, %broadcast.7)
//   %select.2 = f32[5,3] select(%compare.4, %broadcast.8, %dot)
//   %select.3 = f32[5,3] select(%compare.2, %select.1, %select.2)
//   ROOT %add = f32[5,3] add(%Arg_0, %select.3)
// }
