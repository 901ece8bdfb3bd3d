// test fault
program negative_address
vmem 64
  s0 = smov_imm 0
  v0 = vld s0, -1
  halt
// ----
// OutOfBounds at core 0 bundle 1 `v0 = vld s0, -1`: granules -1..7 of vmem, which has 0..64
