// test import
func.func @main(%x: tensor<99999999999x99999999xf32>) {
  return
}
// ----
// input:2:17: error: dimensions [99999999999, 99999999] have more than 2^46 elements
//   func.func @main(%x: tensor<99999999999x99999999xf32>) {
//                   ^^
