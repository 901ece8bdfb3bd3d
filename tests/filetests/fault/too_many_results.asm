// test fault
// The FIFO of a cross-lane unit holds 32 results.
program too_many_results
  v0 = vconst 0x0 ; s0 = smov_imm 33
again:
  xlu_sum_f32 0, v0 ; s0 = sadd_imm s0, -1
  br_nz s0, again
  halt
// ----
// Fifo at core 0 bundle 1 `xlu_sum_f32 0, v0`: 1 results do not fit: the FIFO holds 32 of at most 32, and in-order issue cannot pop while it waits
