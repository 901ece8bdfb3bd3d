//! Host speed of the emulator: the MXU's arithmetic in FLOP/s, vector chains in elements/s.
//!
//! `cargo bench --bench emulator`. Each datapath is measured on every set of kernels that the host
//! has; the last lines give each one's ratio to the plain portable loop, measured in the same run.

#![expect(
    missing_docs,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::unwrap_used,
    reason = "a bench measures and prints"
)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use palmetto_emulator::{
    Chip, EmulatorOptions, Ideal, LoadedProgram,
    host::{Host, MXU_ROWS, MXU_SIZE, Rows, Weights, Words},
};
use palmetto_isa::{Op, TPU_V4, VReg, asm::parse_program};
use std::{hint::black_box, time::Instant};

/// Multiply-adds count as two.
const FLOPS: u64 = 2 * (MXU_ROWS * MXU_SIZE * MXU_SIZE) as u64;
/// Words of a register.
const ELEMENTS: u64 = 1024;

struct MxuOperands {
    rows: Box<Rows>,
    weights: Box<Weights>,
    low: Box<Words>,
    high: Box<Words>,
}

fn mxu_operands() -> MxuOperands {
    let mut weights = Weights::boxed();
    weights.0.iter_mut().enumerate().for_each(|(i, weight)| *weight = (i % 7) as f32 - 3.0);
    let mut rows = Box::new(Rows([0.0; MXU_ROWS * MXU_SIZE]));
    rows.0.iter_mut().enumerate().for_each(|(i, value)| *value = (i % 5) as f32 - 2.0);
    MxuOperands { rows, weights, low: Words::boxed(), high: Words::boxed() }
}

fn mxu(operands: &mut MxuOperands, host: Host) {
    let MxuOperands { rows, weights, low, high } = operands;
    host.mxu_matmul(black_box(rows), black_box(weights), low, high);
}

/// The vector ops that are measured, and a transcendental.
fn vector_ops() -> [Op; 4] {
    let (dst, lhs, rhs, src) = (VReg(0), VReg(0), VReg(1), VReg(0));
    [
        Op::VaddF32 { dst, lhs, rhs },
        Op::VmaxF32 { dst, lhs, rhs },
        Op::VpackBf16 { dst, low: lhs, high: rhs },
        Op::EupExp2 { src },
    ]
}

struct VectorOperands {
    x: Box<Words>,
    out: Box<Words>,
}

fn vector_operands() -> VectorOperands {
    let mut x = Words::boxed();
    x.0.iter_mut().enumerate().for_each(|(i, word)| *word = (i as f32 / 97.0).to_bits());
    VectorOperands { x, out: Words::boxed() }
}

fn vector(operands: &mut VectorOperands, host: Host, op: &Op) {
    let VectorOperands { x, out } = operands;
    let x: &Words = black_box(x);
    assert!(host.vector(op, out, [x; 3]) || host.eup(op, out, x));
}

/// 64 latched weight tiles of 16 streamed registers each, in turn on the four MXUs.
fn mxu_program() -> LoadedProgram {
    let mut text = String::from("program mxu\nv0 = vconst 0x3f803f80\n");
    let mut in_flight = 0;
    for tile in 0..64 {
        let mxu = tile % 4;
        for _ in 0..8 {
            text += &format!("mxu_push {mxu}, v0\n");
        }
        for row in 0..16 {
            let op = if row == 0 { "mxu_matmul_latch" } else { "mxu_matmul" };
            text += &format!("{op} {mxu}, v0\n");
        }
        in_flight += 16;
        while in_flight > 0 {
            text += &format!("v1 = mxu_pop {mxu} ; v2 = mxu_pop {mxu}\n");
            in_flight -= 1;
        }
    }
    text += "halt\n";
    LoadedProgram::new(&parse_program(&text).unwrap(), &TPU_V4).unwrap()
}

/// Streamed registers of [`mxu_program`] on both cores.
const PROGRAM_MATMULS: u64 = 2 * 64 * 16;

/// A loop of loads, a chain of two vector ops per bundle, and stores.
fn vector_program() -> LoadedProgram {
    let mut text = String::from(
        "program vector\nvmem 64\ns0 = smov_imm 0 ; s1 = smov_imm 500\nv0 = vconst 0x3f800000\n\
         vst s0, 0, v0\nvst s0, 8, v0\nLOOP: v0 = vld s0, 0 ; v1 = vld s0, 8\n\
         s1 = sadd_imm s1, -1\n\
         nop 2\n",
    );
    for _ in 0..16 {
        text += "v2 = vadd_f32 v0, v1 ; v3 = vmul_f32 v0, v1\nnop\n";
        text += "v4 = vmax_f32 v2, v3 ; v5 = vsub_f32 v3, v2\nnop\n";
    }
    text += "vst s0, 16, v4\nvst s0, 24, v5\nbr_nz s1, LOOP\nhalt\n";
    LoadedProgram::new(&parse_program(&text).unwrap(), &TPU_V4).unwrap()
}

/// Vector ALU ops of the loop of [`vector_program`] on both cores.
const PROGRAM_VECTOR_OPS: u64 = 2 * 500 * 64;

fn chip(strict: bool) -> Chip {
    let options = EmulatorOptions { strict, hbm_bytes: 1 << 20, ..EmulatorOptions::default() };
    Chip::new(TPU_V4, &options)
}

fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mxu_matmul");
    group.throughput(Throughput::Elements(FLOPS));
    for host in Host::available() {
        let mut operands = mxu_operands();
        group.bench_function(host.name(), |bench| bench.iter(|| mxu(&mut operands, host)));
    }
    group.finish();
    for op in vector_ops() {
        let mut group = criterion.benchmark_group(op.name());
        group.throughput(Throughput::Elements(ELEMENTS));
        for host in Host::available() {
            let mut operands = vector_operands();
            group.bench_function(host.name(), |bench| {
                bench.iter(|| vector(&mut operands, host, &op));
            });
        }
        group.finish();
    }
    let halt = LoadedProgram::new(&parse_program("program halt\nhalt").unwrap(), &TPU_V4).unwrap();
    let mut chip_that_halts = chip(true);
    criterion.bench_function("launch", |bench| {
        bench.iter(|| chip_that_halts.launch_loaded(&halt, &[], &mut Ideal).unwrap());
    });
    let programs = [
        ("mxu_program", mxu_program(), PROGRAM_MATMULS * FLOPS),
        ("vector_program", vector_program(), PROGRAM_VECTOR_OPS * ELEMENTS),
    ];
    for (name, program, work) in programs {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(work)).sample_size(20);
        for (mode, strict) in [("strict", true), ("not strict", false)] {
            let mut chip = chip(strict);
            group.bench_function(mode, |bench| {
                bench.iter(|| chip.launch_loaded(&program, &[], &mut Ideal).unwrap());
            });
        }
        group.finish();
    }
    ratios();
}

/// The best of several runs: what the host can do when nothing else runs.
fn rate(work: u64, mut run: impl FnMut()) -> f64 {
    let best = (0..40).map(|_| {
        let start = Instant::now();
        (0..200).for_each(|_| run());
        start.elapsed().as_secs_f64()
    });
    200.0 * work as f64 / best.fold(f64::INFINITY, f64::min)
}

fn ratios() {
    let (mut mxu_operands, mut operands) = (mxu_operands(), vector_operands());
    let rates = |of: &mut dyn FnMut(Host) -> f64| -> Vec<(Host, f64)> {
        Host::available().into_iter().map(|host| (host, of(host))).collect()
    };
    let mut all =
        vec![("mxu_matmul", rates(&mut |host| rate(FLOPS, || mxu(&mut mxu_operands, host))))];
    for op in vector_ops() {
        let measured = rates(&mut |host| rate(ELEMENTS, || vector(&mut operands, host, &op)));
        all.push((op.name(), measured));
    }
    for (name, rates) in all {
        let portable = rates[0].1;
        for (host, rate) in rates {
            let (host, ratio, giga) = (host.name(), rate / portable, rate / 1e9);
            println!("{name:12} {host:9} {giga:8.2} G/s {ratio:6.2} x portable");
        }
    }
}

criterion_group!(emulator, benches);
criterion_main!(emulator);
