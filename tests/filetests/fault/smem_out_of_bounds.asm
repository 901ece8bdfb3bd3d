// test fault
program smem_out_of_bounds
  s0 = smov_imm 262144
  sst s0, 0, s0
  halt
// ----
// OutOfBounds at core 0 bundle 1 `sst s0, 0, s0`: word 262144 of smem, which has 0..262144
