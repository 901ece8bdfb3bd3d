// test import
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.not %x : tensor<4xf32> loc(#loc2)
  return %0 : tensor<4xf32>
}
#loc1 = loc("model.py":12:8)
#loc2 = loc("jit(step)/not"(#loc1))
