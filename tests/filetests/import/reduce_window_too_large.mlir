// test import
func.func @main(%x: tensor<4xf32>, %zero: tensor<f32>) -> tensor<1xf32> {
  %0 = "stablehlo.reduce_window"(%x, %zero) <{window_dimensions = array<i64: 5>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %s = stablehlo.add %a, %b : tensor<f32>
    stablehlo.return %s : tensor<f32>
  }) : (tensor<4xf32>, tensor<f32>) -> tensor<1xf32>
  return %0 : tensor<1xf32>
}
// ----
// input:3:8: error: stablehlo.reduce_window is declared to give tensor<1xf32>, but gives tensor<0xf32>
//     %0 = "stablehlo.reduce_window"(%x, %zero) <{window_dimensions = array<i64: 5>}> ({
//          ^^^^^^^^^^^^^^^^^^^^^^^^^
