// test fault
program written_twice
  v0 = vconst 0x0 ; v0 = vconst 0x1
  halt
// ----
// IllegalProgram: `written_twice` is refused: bundle 0: v0 is written twice, the second time by `vconst`
