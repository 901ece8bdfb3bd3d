// test import second
func.func @first(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
// ----
// input:1:1: error: there is no function @second; found @first
//   // test import second
//   ^
