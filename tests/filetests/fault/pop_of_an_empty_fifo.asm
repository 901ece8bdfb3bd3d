// test fault
program pop_of_an_empty_fifo
  v0 = vconst 0x0
  eup_rcp v0
  v1 = eup_pop
  v1 = eup_pop
  halt
// ----
// Fifo at core 0 bundle 3 `v1 = eup_pop`: the FIFO is empty and nothing is in flight to it: the pop would wait for ever
