// test fault hbm=8
program hbm_out_of_bounds
vmem 8
dma 0: vmem -> hbm 8 granules
  s0 = smov_imm 0 ; s1 = smov_imm 2047 ; v0 = vconst 0x0
  vst s0, 0, v0
  dma_start 0, s0, s1, s0
  halt
// ----
// OutOfBounds at core 0 bundle 2 `dma_start 0, s0, s1, s0`: granules 2047..2055 of hbm, which has 0..2048
