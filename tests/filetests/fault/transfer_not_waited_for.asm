// test fault hbm=8
program transfer_not_waited_for
vmem 8
dma 0: hbm -> vmem 8 granules
  s0 = smov_imm 0 ; s1 = smov_imm 512
  dma_start 0, s0, s0, s0
  dma_wait s0, s1 // 512 of 4096 bytes
  halt
// ----
// Sync at core 0 bundle 3: sync flag 0 is at 3584 bytes when the core halts
