// test asm
// Both cores copy a tile from HBM to VMEM, and wait for it.
program copy
arguments 1
vmem 8
dma 0: hbm -> vmem 8 granules
  s0 = smov_imm 0 ; s2 = smov_imm 4096
  s1 = sld s0, 0
  nop 3
  dma_start 0, s1, s0, s0
  dma_wait s0, s2
  v0 = vld s0, 0 // after the wait
  halt
// ----
// program copy
// arguments 1
// vmem 8
// dma 0: hbm -> vmem 8 granules
//   s0 = smov_imm 0 ; s2 = smov_imm 4096
//   s1 = sld s0, 0
//   nop 3
//   dma_start 0, s1, s0, s0
//   dma_wait s0, s2
//   v0 = vld s0, 0
//   halt
// 0: 02 00 00 00 00 02 80 40
// 1: 01 15 01 00 00
// 5: 01 71 00 01 00 00
// 6: 01 72 00 02
// 7: 01 59 00 00 00
// 8: 01 1a
