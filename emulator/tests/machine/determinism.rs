//! The same bits and the same work under every clock, in both modes.

use crate::support::{chip, program};
use palmetto_emulator::{Chaos, ChipTiming, CoreReport, Ideal, LoadedProgram, Timing};
use palmetto_isa::{Cycles, Program, TPU_V4};

/// Where results are in HBM, and how many granules.
const RESULTS: u32 = 8192;
const N_RESULTS: usize = 512;

/// What must not depend on the clock.
#[derive(Debug, PartialEq)]
struct Outcome {
    bytes: Vec<u8>,
    work: Vec<CoreReport>,
}

fn run(program: &LoadedProgram, strict: bool, timing: &mut dyn Timing) -> Outcome {
    let mut chip = chip(strict);
    // Pairs of bf16 near 1, so that results stay finite.
    let words =
        (0..1024 * 128_u32).map(|i| i.wrapping_mul(2_654_435_761) & 0x807f_807f | 0x3f00_3f00);
    let words: Vec<u32> = words.collect();
    chip.write_hbm(0, bytemuck::cast_slice(&words)).unwrap();
    let report = chip.launch_loaded(program, &[], timing).unwrap_or_else(|fault| panic!("{fault}"));
    let bytes = chip.read_hbm(RESULTS, N_RESULTS * 512).unwrap().to_vec();
    let work = report.cores.into_iter().map(without_time).collect();
    Outcome { bytes, work }
}

/// Counters of work only.
fn without_time(core: CoreReport) -> CoreReport {
    CoreReport { cycles: Cycles(0), stalls: Default::default(), dma_busy: Cycles(0), ..core }
}

fn check(program: &Program) {
    let program = LoadedProgram::new(program, &TPU_V4).unwrap();
    let expected = run(&program, true, &mut ChipTiming::new(&TPU_V4));
    assert!(expected.bytes.iter().any(|byte| *byte != 0));
    assert_eq!(run(&program, true, &mut Ideal), expected);
    assert_eq!(run(&program, false, &mut ChipTiming::new(&TPU_V4)), expected);
    for seed in 0..24 {
        let strict = seed % 2 == 0;
        assert_eq!(run(&program, strict, &mut Chaos::new(seed)), expected, "seed {seed}");
    }
}

/// Each core streams 16 windows of 16 granules through two buffers: prefetch the next, double this
/// one, write it back. Flags 0 and 1 are for loads, 2 and 3 for stores.
#[test]
fn a_double_buffered_stream() {
    check(&program(
        "vmem 64\n\
         dma 0: hbm -> vmem 4 granules x 4 (stride 8 -> 4)\n\
         dma 1: vmem -> hbm 16 granules\n\
         s0 = score ; s9 = smov_imm 8192\n\
         s1 = smul_imm s0, 512 ; s2 = smov_imm 0       // window in HBM, number of the window\n\
         s10 = smul_imm s0, 256 ; s8 = smov_imm 16     // result in HBM, windows\n\
         s3 = smov_imm 1 ; s4 = smov_imm 0\n\
         s10 = sadd s10, s9 ; s11 = smov_imm 2\n\
         dma_start 0, s1, s4, s4\n\
         LOOP: s5 = sand s2, s3 ; s12 = sadd_imm s2, 1 // buffer\n\
         s6 = sxor s5, s3 ; s13 = scmp_lt s12, s8\n\
         br_z s13, LAST ; s1 = sadd_imm s1, 32 ; s7 = smul_imm s6, 16\n\
         nop\n\
         dma_start 0, s1, s7, s6\n\
         LAST: s14 = smul_imm s5, 16 ; s15 = smov_imm 8192\n\
         s16 = sadd s5, s11 ; s17 = scmp_lt s2, s11\n\
         dma_wait s5, s15\n\
         br_nz s17, FRESH                              // nothing was stored from this buffer yet\n\
         dma_wait s16, s15\n\
         FRESH: v0 = vld s14, 0 ; v1 = vld s14, 8\n\
         nop 3\n\
         v2 = vadd_f32 v0, v0 ; v3 = vadd_f32 v1, v1\n\
         nop\n\
         vst s14, 32, v2\n\
         vst s14, 40, v3 ; s18 = sadd_imm s14, 32\n\
         dma_start 1, s18, s10, s16 ; s10 = sadd_imm s10, 16\n\
         s2 = sadd_imm s2, 1 ; s19 = scmp_lt s12, s8\n\
         br_nz s19, LOOP\n\
         s5 = smov_imm 2 ; s6 = smov_imm 3\n\
         dma_wait s5, s15\n\
         dma_wait s6, s15\n\
         halt",
    ));
}

/// Each core multiplies 128 rows by two weight tiles on two MXUs and adds the products.
#[test]
fn a_matmul_on_two_mxus() {
    let mut text = String::from(
        "vmem 512\ndma 0: hbm -> vmem 192 granules\ndma 1: vmem -> hbm 128 granules\n\
         dma 2: vmem -> hbm 128 granules\n\
         s0 = smov_imm 0 ; s1 = score\ns2 = smul_imm s1, 192 ; s3 = smov_imm 98304\nnop\n\
         dma_start 0, s2, s0, s0\ndma_wait s0, s3\n\
         s4 = smul_imm s1, 256 ; s5 = smov_imm 8192\nnop\n\
         s4 = sadd s4, s5\n",
    );
    for part in 0..8 {
        let (first, second) = (8 * part, 64 + 8 * part);
        text += &format!(
            "v0 = vld s0, {first} ; v1 = vld s0, {second}\nnop 3\nmxu_push 0, v0\nmxu_push_xpose 1, v1\n"
        );
    }
    for row in 0..8 {
        let op = if row == 0 { "mxu_matmul_latch" } else { "mxu_matmul" };
        text += &format!("v0 = vld s0, {}\nnop 3\n{op} 0, v0\n{op} 1, v0\n", 128 + 8 * row);
    }
    for row in 0..16 {
        let at = 256 + 8 * row;
        text += &format!(
            "v0 = mxu_pop 0 ; v1 = mxu_pop 1\nv2 = vadd_f32 v0, v1 ; v3 = vsub_f32 v0, v1\nnop\n\
             vst s0, {at}, v2\nvst s0, {}, v3\n",
            at + 128
        );
    }
    text += "s6 = smov_imm 256 ; s7 = smov_imm 384\ns8 = sadd_imm s4, 128 ; s9 = smov_imm 131072\n\
             s3 = smov_imm 65536\ndma_start 1, s6, s4, s0\ndma_start 2, s7, s8, s0\n\
             dma_wait s0, s9\nhalt";
    check(&program(&text));
}

/// Each core computes the softmax of the rows of 32 registers.
#[test]
fn a_softmax_on_all_the_small_units() {
    check(&program(
        "vmem 256\ndma 0: hbm -> vmem 256 granules\ndma 1: vmem -> hbm 256 granules\n\
         s0 = smov_imm 0 ; s1 = score\ns2 = smul_imm s1, 256 ; s3 = smov_imm 131072\n\
         s4 = smov_imm 0 ; s5 = smov_imm 256\n\
         dma_start 0, s2, s0, s0\ndma_wait s0, s3\nv9 = vconst 0x3fb8aa3b\n\
         LOOP: v0 = vld s4, 0\nnop 3\nxlu_max_f32 0, v0\nv1 = xlu_pop 0\n\
         v2 = vsub_f32 v0, v1\nnop\nv2 = vmul_f32 v2, v9\nnop\n\
         eup_exp2 v2\nv3 = eup_pop\nxlu_sum_f32 1, v3\nv4 = xlu_pop 1\neup_rcp v4\nv5 = eup_pop\n\
         v6 = vmul_f32 v3, v5 ; s6 = sadd_imm s4, 8\ns7 = scmp_lt s6, s5\n\
         vst s4, 0, v6 ; s4 = smov s6\nbr_nz s7, LOOP\n\
         s6 = smov_imm 8192\ns2 = sadd s2, s6\ndma_start 1, s0, s2, s0\ndma_wait s0, s3\nhalt",
    ));
}
