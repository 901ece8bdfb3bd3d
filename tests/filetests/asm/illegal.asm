// test asm
// Well-formed, and still no program of the machine: everything is said at once.
program "illegal program"
vmem 40000
dma 0: hbm -> hbm 1 granules x 0 (stride 1 -> 1)
  v40 = vmov v1
  v3 = vmov v1 ; v3 = vld s0, 0
  v0 = vunpack_s8 v1, 4 ; mxu_push 4, v2
  dma_start 1, s0, s0, s0 ; br 9
// ----
// program "illegal program"
// arguments 0
// vmem 40000
// dma 0: hbm -> hbm 1 granules x 0 (stride 1 -> 1)
//   v40 = vmov v1
//   v3 = vmov v1 ; v3 = vld s0, 0
//   v0 = vunpack_s8 v1, 4 ; mxu_push 4, v2
//   br 9 ; dma_start 1, s0, s0, s0
// error: the program has 40000 granules of VMEM, at most 32768 are allowed
// error: descriptor 0 moves nothing
// error: bundle 0: `vmov` uses v40, there are 32 such registers
// error: bundle 1: v3 is written twice, the second time by `vld`
// error: bundle 2: `vunpack_s8` has part 4, it has to be below 4
// error: bundle 2: `mxu_push` has mxu 4, it has to be below 4
// error: bundle 3: `br` has target 9, it has to be below 4
// error: bundle 3: `dma_start` has descriptor 1, it has to be below 1
// error: no `halt` can be reached from bundle 0
// 0: 01 1d 28 01
// 1: 02 1d 03 01 59 03 00 00
// 2: 02 43 00 01 04 6c 04 02
// 3: 02 17 09 71 01 00 00 00
