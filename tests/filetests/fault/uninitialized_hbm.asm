// test fault hbm=4
program uninitialized_hbm
vmem 8
dma 0: hbm -> vmem 8 granules
  s0 = smov_imm 0
  dma_start 0, s0, s0, s0
  halt
// ----
// UninitializedRead at core 0 bundle 1 `dma_start 0, s0, s0, s0`: hbm granule 4 is read but was never written
