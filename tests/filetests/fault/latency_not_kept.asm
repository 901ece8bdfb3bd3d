// test fault
// `vmul_s32` takes 4 bundles.
program latency_not_kept
  v0 = vconst 0x3
  v1 = vmul_s32 v0, v0
  nop 2
  v2 = vadd_s32 v1, v0
  halt
// ----
// NotReady at core 0 bundle 4: v1 is read 1 bundles before it is ready
