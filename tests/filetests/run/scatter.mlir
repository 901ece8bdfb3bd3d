// test run
// Indices 1, 5 (outside) and 1 again: with `set` the last one counts, with a sum both do.
func.func @main() {
  %c = stablehlo.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %x = stablehlo.optimization_barrier %c : tensor<3x2xf32>
  %i = stablehlo.constant dense<[[1], [5], [0], [2], [1]]> : tensor<5x1xi32>
  %u = stablehlo.constant dense<[[10.0, 11.0], [12.0, 13.0], [14.0, 15.0], [-16.0, 17.0], [18.0, 19.0]]> : tensor<5x2xf32>
  %set = "stablehlo.scatter"(%x, %i, %u) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    stablehlo.return %b : tensor<f32>
  }) : (tensor<3x2xf32>, tensor<5x1xi32>, tensor<5x2xf32>) -> tensor<3x2xf32>
  check.expect_eq_const %set, dense<[[14.0, 15.0], [18.0, 19.0], [-16.0, 17.0]]> : tensor<3x2xf32>
  %sum = "stablehlo.scatter"(%x, %i, %u) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %s = stablehlo.add %a, %b : tensor<f32>
    stablehlo.return %s : tensor<f32>
  }) : (tensor<3x2xf32>, tensor<5x1xi32>, tensor<5x2xf32>) -> tensor<3x2xf32>
  check.expect_eq_const %sum, dense<[[15.0, 17.0], [31.0, 34.0], [-11.0, 23.0]]> : tensor<3x2xf32>
  return
}
// ----
// evaluator: the same bits
// check.expect_eq: pass (6 elements)
// check.expect_eq: pass (6 elements)
