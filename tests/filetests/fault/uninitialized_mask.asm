// test fault
program uninitialized_mask
  v0 = vconst 0x0
  v1 = vsel m3, v0, v0
  halt
// ----
// UninitializedRead at core 0 bundle 1: m3 is read but was never written
