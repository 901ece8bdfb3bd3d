//! How long the compiler takes: the main job's program, one large matmul, a long chain of additions
//! that is fused, and the start of the tool.
//!
//! `cargo bench --bench compiler`. The last lines give the time per HLO instruction of compiling
//! and of parsing the same text, and their ratio: parsing is measured in the same run, so the ratio
//! does not depend on how fast or how busy the host is.

#![expect(
    missing_docs,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::unwrap_used,
    reason = "a bench measures and prints"
)]

use criterion::{Criterion, criterion_group, criterion_main};
use palmetto_compiler::{
    compile,
    diagnostic::SourceText,
    hlo::{Module, parse_module},
    options::CompileOptions,
};
use std::{
    fmt::Write as _,
    hint::black_box,
    process::{Command, Stdio},
    time::Instant,
};

/// Additions of the shorter and of the longer chain.
const CHAINS: [usize; 2] = [300, 3000];

fn matmul() -> String {
    let n = 4096;
    format!(
        "HloModule matmul\nENTRY main {{\n x = bf16[{n},{n}] parameter(0)\n y = bf16[{n},{n}] \
         parameter(1)\n ROOT d = bf16[{n},{n}] dot(x, y), lhs_contracting_dims={{1}}, \
         rhs_contracting_dims={{0}}\n}}\n"
    )
}

fn chain(n: usize) -> String {
    let mut text = String::from(
        "HloModule chain\nENTRY main {\n y = f32[1024,1024] parameter(0)\n v0 = f32[1024,1024] \
         parameter(1)\n",
    );
    for i in 0..n {
        writeln!(text, " v{} = f32[1024,1024] add(v{i}, y)", i + 1).unwrap();
    }
    text + "}\n"
}

fn parse(text: &str) -> Module {
    parse_module(SourceText::new("bench.hlo", text)).unwrap()
}

/// The programs by name, as HLO text.
fn programs() -> Vec<(String, String)> {
    let block = palmetto_runtime::showcase::block().unwrap();
    let chains = CHAINS.map(|n| (format!("chain of {n}"), chain(n)));
    let fixed = [("main job".to_owned(), block.to_string()), ("matmul 4096".to_owned(), matmul())];
    fixed.into_iter().chain(chains).collect()
}

fn start_tool() {
    let tool = Command::new(env!("CARGO_BIN_EXE_palmetto"))
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(tool.success());
}

fn benches(criterion: &mut Criterion) {
    let options = CompileOptions::v4();
    let mut group = criterion.benchmark_group("compile");
    group.sample_size(10);
    for (name, text) in programs() {
        let module = parse(&text);
        group.bench_function(name, |bench| {
            bench.iter(|| compile(black_box(&module), &options).unwrap());
        });
    }
    group.finish();
    criterion.bench_function("palmetto --version", |bench| bench.iter(start_tool));
    ratios(&options);
}

/// Seconds of the best of several runs.
fn best(runs: usize, mut run: impl FnMut()) -> f64 {
    let times = (0..runs).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    });
    times.fold(f64::INFINITY, f64::min)
}

fn ratios(options: &CompileOptions) {
    for (name, text) in programs() {
        let module = parse(&text);
        let computations = module.computations();
        let n: usize =
            computations.map(|(_, computation)| computation.instructions().count()).sum();
        let parsing = best(10, || drop(black_box(parse(&text))));
        let compiling = best(3, || drop(black_box(compile(&module, options).unwrap())));
        let per = |seconds: f64| seconds / n as f64 * 1e9;
        println!(
            "{name:14} {n:5} instructions: compile {:9.0} ns each, parse {:6.0} ns each, {:7.1} x",
            per(compiling),
            per(parsing),
            compiling / parsing
        );
    }
}

criterion_group!(compiler, benches);
criterion_main!(compiler);
