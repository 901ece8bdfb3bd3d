// test asm
program runs_off
  s0 = smov_imm 1
  br_nz s0, 0
// ----
// program runs_off
// arguments 0
// vmem 0
// L0:
//   s0 = smov_imm 1
//   br_nz s0, L0
// error: bundle 1: execution runs past the end; the last bundle needs `halt` or `br`
// error: no `halt` can be reached from bundle 0
// 0: 01 00 00 02
// 1: 01 18 00 00
