// test fault arguments=7
// The only word of SMEM that is defined is the argument.
program uninitialized_smem
arguments 1
  s0 = smov_imm 0
  s1 = sld s0, 0
  s2 = sld s0, 1
  halt
// ----
// UninitializedRead at core 0 bundle 2 `s2 = sld s0, 1`: smem word 1 is read but was never written
