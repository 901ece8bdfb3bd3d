// test fault arguments=1
program missing_arguments
arguments 2
  halt
// ----
// IllegalLaunch: `missing_arguments` takes 2 arguments, given 1
