// test import
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "stablehlo.map"(%x) <{dimensions = array<i64: 0>}> ({
  ^bb0(%a: tensor<f32>):
    %b = stablehlo.reshape %a : (tensor<f32>) -> tensor<1xf32>
    %c = stablehlo.reshape %b : (tensor<1xf32>) -> tensor<f32>
    stablehlo.return %c : tensor<f32>
  }) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
// ----
// input:3:8: error: unsupported reshape in stablehlo.map: its operations have to be elementwise
//     %0 = "stablehlo.map"(%x) <{dimensions = array<i64: 0>}> ({
//          ^^^^^^^^^^^^^^^
