// test fault hbm=8
// Both cores write the same granules.
program cores_meet_in_hbm
vmem 8
dma 0: vmem -> hbm 8 granules
  s0 = smov_imm 0 ; s1 = smov_imm 4096 ; v0 = vconst 0x0
  vst s0, 0, v0
  nop
  dma_start 0, s0, s0, s0
  dma_wait s0, s1
  halt
// ----
// Race at core 1 bundle 3 `dma_start 0, s0, s0, s0`: core 1 writes hbm granule 0, which core 0 has written in the same launch
