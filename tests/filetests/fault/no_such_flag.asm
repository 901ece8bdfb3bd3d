// test fault hbm=8
program no_such_flag
vmem 8
dma 0: hbm -> vmem 8 granules
  s0 = smov_imm 0 ; s1 = smov_imm 64
  dma_start 0, s0, s0, s1
  halt
// ----
// OutOfBounds at core 0 bundle 1 `dma_start 0, s0, s0, s1`: sync flag 64 does not exist: the core has 64
