// test run
// The gradient of take_along_axis, and the same with `subtract`, which has to be done in order.
func.func @main() {
  %c = stablehlo.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  %x = stablehlo.optimization_barrier %c : tensor<2x3xf32>
  %i = stablehlo.constant dense<[[[2], [2]], [[0], [-1]]]> : tensor<2x2x1xi32>
  %u = stablehlo.constant dense<[[10.0, 20.0], [30.0, 40.0]]> : tensor<2x2xf32>
  %sum = "stablehlo.scatter"(%x, %i, %u) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [1], input_batching_dims = [0], scatter_indices_batching_dims = [0], scatter_dims_to_operand_dims = [1], index_vector_dim = 2>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %s = stablehlo.add %b, %a : tensor<f32>
    stablehlo.return %s : tensor<f32>
  }) : (tensor<2x3xf32>, tensor<2x2x1xi32>, tensor<2x2xf32>) -> tensor<2x3xf32>
  check.expect_eq_const %sum, dense<[[1.0, 2.0, 33.0], [34.0, 5.0, 6.0]]> : tensor<2x3xf32>
  %less = "stablehlo.scatter"(%x, %i, %u) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [1], input_batching_dims = [0], scatter_indices_batching_dims = [0], scatter_dims_to_operand_dims = [1], index_vector_dim = 2>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %s = stablehlo.subtract %b, %a : tensor<f32>
    stablehlo.return %s : tensor<f32>
  }) : (tensor<2x3xf32>, tensor<2x2x1xi32>, tensor<2x2xf32>) -> tensor<2x3xf32>
  check.expect_eq_const %less, dense<[[1.0, 2.0, 13.0], [26.0, 5.0, 6.0]]> : tensor<2x3xf32>
  return
}
// ----
// evaluator: the same bits
// check.expect_eq: pass (6 elements)
// check.expect_eq: pass (6 elements)
