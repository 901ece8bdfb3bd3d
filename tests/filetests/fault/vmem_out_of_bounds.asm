// test fault
program vmem_out_of_bounds
vmem 64
  s0 = smov_imm 60 ; v0 = vconst 0x0
  vst s0, 0, v0
  halt
// ----
// OutOfBounds at core 0 bundle 1 `vst s0, 0, v0`: granules 60..68 of vmem, which has 0..64
