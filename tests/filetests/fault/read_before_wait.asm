// test fault hbm=8
program read_before_wait
vmem 8
dma 0: hbm -> vmem 8 granules
  s0 = smov_imm 0
  dma_start 0, s0, s0, s0
  v0 = vld s0, 0
  halt
// ----
// Race at core 0 bundle 2 `v0 = vld s0, 0`: vmem granule 0 is read, and a transfer that was not waited for writes it
