// test fault hbm=16
program overlapping_transfers
vmem 16
dma 0: hbm -> vmem 8 granules
  s0 = smov_imm 0 ; s1 = smov_imm 4
  dma_start 0, s0, s0, s0
  dma_start 0, s0, s1, s0
  halt
// ----
// Race at core 0 bundle 2 `dma_start 0, s0, s1, s0`: vmem granule 4 is written, and a transfer that was not waited for writes it
