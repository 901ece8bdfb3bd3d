// test fault
program results_left_behind
  v0 = vconst 0x0
  eup_tanh v0
  halt
// ----
// Fifo at core 0 bundle 2: the transcendental unit holds 1 results when the core halts
