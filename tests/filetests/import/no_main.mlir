// test import
func.func @other(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
// ----
// input:1:1: error: there is no function @main; found @other
//   // test import
//   ^
