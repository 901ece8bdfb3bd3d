// test import
func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}
// ----
// input:2:17: error: unsupported type tensor<?xf32>: its dimensions have to be known
//   func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> {
//                   ^^
