// test fault
program runs_off_the_end
  s0 = smov_imm 1
  br_nz s0, skip
  halt
skip: nop
// ----
// IllegalProgram at core 0 bundle 4: the program ends without `halt`
