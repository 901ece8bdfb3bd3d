// test asm
program unknown_label
again:
  br agian
// ----
// error: line 4 column 6: found `agian`, expected a label of this program or a bundle number
