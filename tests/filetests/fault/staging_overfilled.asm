// test fault
program staging_overfilled
  v0 = vconst 0x0
again:
  mxu_push 0, v0
  br again
  halt
// ----
// IllegalProgram: `staging_overfilled` is refused: no `halt` can be reached from bundle 0
