// test fault
program weights_never_latched
  v0 = vconst 0x0
  mxu_matmul 1, v0
  halt
// ----
// UninitializedRead at core 0 bundle 1 `mxu_matmul 1, v0`: the MXU has no weights: none were latched
