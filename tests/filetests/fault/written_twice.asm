// test fault
program written_twice
  v0 = vconst 0x0 ; v0 = vconst 0x1
  halt
// ----
// IllegalProgram at bundle 0 `vconst v0, 1`: V(VReg(0)) is written by another op of the same bundle
