// test fault
program no_such_mxu
  v0 = vconst 0x0
  mxu_push 4, v0
  halt
// ----
// IllegalProgram: `no_such_mxu` is refused: bundle 1: `mxu_push` has mxu 4, it has to be below 4
