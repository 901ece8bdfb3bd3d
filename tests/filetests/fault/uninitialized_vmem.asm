// test fault
program uninitialized_vmem
vmem 16
  s0 = smov_imm 4 ; v0 = vconst 0x0
  vst s0, 0, v0
  v1 = vld s0, 4 // half of it was written
  halt
// ----
// UninitializedRead at core 0 bundle 2 `v1 = vld s0, 4`: vmem granule 12 is read but was never written
