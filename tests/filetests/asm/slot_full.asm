// test asm
program slot_full
  s0 = smov_imm 0 ; s1 = smov_imm 1 ; s2 = smov_imm 2
  halt
// ----
// error: line 3 column 39: found one more op in slot scalar, `smov_imm`, expected at most 2 in a bundle
