// test asm
program unknown_op
  v0 = vconst 0x0
  v1 = vadd v0, v0
  halt
// ----
// error: line 4 column 8: found `vadd`, expected the name of an op
