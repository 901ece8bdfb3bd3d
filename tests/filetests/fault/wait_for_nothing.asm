// test fault
program wait_for_nothing
  s0 = smov_imm 0 ; s1 = smov_imm 512
  dma_wait s0, s1
  halt
// ----
// Deadlock at core 0 bundle 1 `dma_wait s0, s1`: waits for 512 bytes on sync flag 0, which is at 0 with 0 bytes in flight to it
