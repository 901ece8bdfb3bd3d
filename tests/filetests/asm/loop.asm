// test asm
// Labels are renamed to the bundle they stand before; runs of empty bundles end at labels.
program loop
vmem 128
  s0 = smov_imm 16 ; s1 = smov_imm 0
  v0 = vconst 0x3f800000 // 1.0
start:
  vst s1, 0, v0 ; s0 = sadd_imm s0, -1 ; s1 = sadd_imm s1, 8
  br_nz s0, start
  br_z s0, done
  nop
  nop
done: nop 2
  halt
// ----
// program loop
// arguments 0
// vmem 128
//   s0 = smov_imm 16 ; s1 = smov_imm 0
//   v0 = vconst 0x3f800000
// L2:
//   s0 = sadd_imm s0, -1 ; s1 = sadd_imm s1, 8 ; vst s1, 0, v0
//   br_nz s0, L2
//   br_z s0, L7
//   nop 2
// L7:
//   nop 2
//   halt
// 0: 02 00 00 20 00 01 00
// 1: 01 1b 00 80 80 80 fc 03
// 2: 03 03 00 00 01 03 01 01 10 5c 01 00 00
// 3: 01 18 00 02
// 4: 01 19 00 07
// 9: 01 1a
