// test fault
program overwritten_too_early
  s0 = smov_imm 3
  s1 = smul s0, s0
  s1 = smov_imm 0
  halt
// ----
// NotReady at core 0 bundle 2: s1 is written 1 bundles before it is ready
