// test import
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.not %x : tensor<4xf32> loc(#loc2)
  return %0 : tensor<4xf32>
}
#loc1 = loc("model.py":12:8)
#loc2 = loc("jit(step)/not"(#loc1))
// ----
// input:3:8: error: stablehlo.not: the operand is f32[4]; pred or an integer type is needed [(I1)] (from jit(step)/not at model.py:12:8)
//     %0 = stablehlo.not %x : tensor<4xf32> loc(#loc2)
//          ^^^^^^^^^^^^^
