// test run
// A cumulative sum, pooling of 2 x 3 elements in steps of 2, and every other element of a window.
func.func @main() {
  %c = stablehlo.constant dense<[[1.0, 2.0, 3.0, 4.0, 5.0], [6.0, -7.0, 8.0, 9.0, -1.0], [0.5, 1.5, 2.5, 3.5, 4.5]]> : tensor<3x5xf32>
  %x = stablehlo.optimization_barrier %c : tensor<3x5xf32>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %low = stablehlo.constant dense<0xFF800000> : tensor<f32>
  %sums = "stablehlo.reduce_window"(%x, %zero) <{padding = dense<[[0, 0], [4, 0]]> : tensor<2x2xi64>, window_dimensions = array<i64: 1, 5>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %s = stablehlo.add %a, %b : tensor<f32>
    stablehlo.return %s : tensor<f32>
  }) : (tensor<3x5xf32>, tensor<f32>) -> tensor<3x5xf32>
  check.expect_eq_const %sums, dense<[[1.0, 3.0, 6.0, 10.0, 15.0], [6.0, -1.0, 7.0, 16.0, 15.0], [0.5, 2.0, 4.5, 8.0, 12.5]]> : tensor<3x5xf32>
  %most = "stablehlo.reduce_window"(%x, %low) <{window_dimensions = array<i64: 2, 3>, window_strides = array<i64: 1, 2>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %s = stablehlo.maximum %a, %b : tensor<f32>
    stablehlo.return %s : tensor<f32>
  }) : (tensor<3x5xf32>, tensor<f32>) -> tensor<2x2xf32>
  check.expect_eq_const %most, dense<[[8.0, 9.0], [8.0, 9.0]]> : tensor<2x2xf32>
  %apart = "stablehlo.reduce_window"(%x, %zero) <{base_dilations = array<i64: 2, 1>, padding = dense<[[1, 0], [0, -1]]> : tensor<2x2xi64>, window_dilations = array<i64: 2, 3>, window_dimensions = array<i64: 3, 2>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %s = stablehlo.add %a, %b : tensor<f32>
    stablehlo.return %s : tensor<f32>
  }) : (tensor<3x5xf32>, tensor<f32>) -> tensor<2x1xf32>
  check.expect_eq_const %apart, dense<[[0.0], [24.0]]> : tensor<2x1xf32>
  return
}
// ----
// evaluator: the same bits
// check.expect_eq: pass (15 elements)
// check.expect_eq: pass (4 elements)
// check.expect_eq: pass (2 elements)
