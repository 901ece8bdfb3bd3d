// test fault
program runs_off_the_end
  s0 = smov_imm 1
  br_nz s0, skip
  halt
skip: nop
// ----
// IllegalProgram: `runs_off_the_end` is refused: bundle 3: execution runs past the end; the last bundle needs `halt` or `br`
