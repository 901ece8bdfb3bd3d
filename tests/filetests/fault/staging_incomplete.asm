// test fault
// Weights are 128 rows; 112 were pushed.
program staging_incomplete
  v0 = vconst 0x0 ; s0 = smov_imm 7
again:
  mxu_push 2, v0 ; s0 = sadd_imm s0, -1
  br_nz s0, again
  mxu_matmul_latch 2, v0
  halt
// ----
// Staging at core 0 bundle 3 `mxu_matmul_latch 2, v0`: 7 of 8 registers are staged when they are latched
