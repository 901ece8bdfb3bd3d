// test fault
program uninitialized_register
  v0 = vconst 0x0
  v2 = vadd_f32 v0, v1
  halt
// ----
// UninitializedRead at core 0 bundle 1: v1 is read but was never written
