// test fault max_bundles=1000
program endless_loop
again: br again
  halt
// ----
// IllegalProgram: `endless_loop` is refused: no `halt` can be reached from bundle 0
