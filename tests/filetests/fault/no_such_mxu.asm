// test fault
program no_such_mxu
  v0 = vconst 0x0
  mxu_push 4, v0
  halt
// ----
// IllegalProgram at bundle 1 `mxu_push 4, v0`: MXU 4 does not exist: there are 4
