// test fault
program too_much_vmem
vmem 32769
  halt
// ----
// IllegalProgram: `too_much_vmem` is refused: the program has 32769 granules of VMEM, at most 32768 are allowed
