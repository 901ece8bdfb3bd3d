// test run
// A reduction of two arrays in the middle of a program: what computes its operands, what uses it.
func.func @main(%x: tensor<4x10xf32>) -> (tensor<4x10xf32>, tensor<4xf32>) {
  %y = stablehlo.add %x, %x : tensor<4x10xf32>
  %i = stablehlo.iota dim = 1 : tensor<4x10xi32>
  %low = stablehlo.constant dense<0xFF800000> : tensor<f32>
  %zero = stablehlo.constant dense<0> : tensor<i32>
  %m:2 = stablehlo.reduce(%y init: %low), (%i init: %zero) across dimensions = [1] : (tensor<4x10xf32>, tensor<4x10xi32>, tensor<f32>, tensor<i32>) -> (tensor<4xf32>, tensor<4xi32>)
   reducer(%a: tensor<f32>, %b: tensor<f32>) (%k: tensor<i32>, %l: tensor<i32>)  {
    %gt = stablehlo.compare GT, %a, %b, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
    %v = stablehlo.select %gt, %a, %b : tensor<i1>, tensor<f32>
    %at = stablehlo.select %gt, %k, %l : tensor<i1>, tensor<i32>
    stablehlo.return %v, %at : tensor<f32>, tensor<i32>
  }
  %at = stablehlo.broadcast_in_dim %m#1, dims = [0] : (tensor<4xi32>) -> tensor<4x10xi32>
  %hot = stablehlo.compare EQ, %at, %i : (tensor<4x10xi32>, tensor<4x10xi32>) -> tensor<4x10xi1>
  %f = stablehlo.convert %hot : (tensor<4x10xi1>) -> tensor<4x10xf32>
  %z = stablehlo.multiply %f, %y : tensor<4x10xf32>
  return %z, %m#0 : tensor<4x10xf32>, tensor<4xf32>
}
// ----
// f32[4,10] { {0, 0, 0, -0, 0, -0, 0, 0, 1.2915962, 0}, {0, -0, 0, -0, 0, -0, 1.9214816, -0, 0, 0}, {0, -0, 0, -0, 1.4939828, -0, 0, 0, -0, -0}, {1.9911683, 0, -0, -0, -0, -0, 0, -0, 0, -0} }
// f32[4] {1.2915962, 1.9214816, 1.4939828, 1.9911683}
// evaluator: the same bits
