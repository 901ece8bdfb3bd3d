// test asm
// A full bundle: as many ops as the slots hold, printed in slot order.
program every_slot
dma 0: vmem -> hbm 1 granules x 128 (stride 8 -> 1) x 4 (stride -1024 -> 128)
  dma_start 0, s0, s1, s2 ; v0 = eup_pop ; v1 = mxu_pop 3 ; mxu_matmul_latch 3, v2 ; mxu_push_xpose 0, v3 ; xlu_rot 1, v4, s3 ; eup_tanh v5 ; vst_masked s4, -8, m0, v6 ; v7 = vld_strided s5, 0, 16 ; v8 = vld_bcast s5, 300 ; m1 = vcmp_lt_f32 v9, v10 ; v11 = vsel m2, v12, v13 ; halt ; s6 = score ; s7 = sld s8, 70000
// ----
// program every_slot
// arguments 0
// vmem 0
// dma 0: vmem -> hbm 1 granules x 128 (stride 8 -> 1) x 4 (stride -1024 -> 128)
//   s6 = score ; s7 = sld s8, 70000 ; halt ; m1 = vcmp_lt_f32 v9, v10 ; v11 = vsel m2, v12, v13 ; v7 = vld_strided s5, 0, 16 ; v8 = vld_bcast s5, 300 ; vst_masked s4, -8, m0, v6 ; eup_tanh v5 ; xlu_rot 1, v4, s3 ; mxu_push_xpose 0, v3 ; mxu_matmul_latch 3, v2 ; v0 = eup_pop ; v1 = mxu_pop 3 ; dma_start 0, s0, s1, s2
// 0: 0f 14 06 15 07 08 e0 c5 08 1a 4b 01 09 0a 58 0b 02 0c 0d 5a 07 05 00 20 5b 08 05 d8 04 5d 04 0f 00 06 63 05 65 01 04 03 6d 00 03 6f 03 02 64 00 70 01 03 71 00 00 01 02
