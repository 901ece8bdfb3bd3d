// test fault max_bundles=1000
program endless_loop
again: br again
  halt
// ----
// Timeout at core 0 bundle 0: the core has issued 1000 bundles, the limit
