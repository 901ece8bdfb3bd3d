// test fault
program staging_overfilled
  v0 = vconst 0x0
again:
  mxu_push 0, v0
  br again
  halt
// ----
// Staging at core 0 bundle 1 `mxu_push 0, v0`: 8 registers are staged already, and no latch took them
