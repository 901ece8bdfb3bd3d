// test asm
program missing_result
  vadd_f32 v0, v1
  halt
// ----
// error: line 3 column 3: found `vadd_f32`, expected the result of `vadd_f32` and ` = ` in front of it
