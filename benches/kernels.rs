//! How fast kernels are on the emulated chip, and how long their emulation takes.
//!
//! `cargo bench --bench kernels`. The first lines give the cycles of each program and their ratio
//! to the ideal, which no noise of the host can change; then follow host times of whole runs.

#![expect(
    missing_docs,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::unwrap_used,
    reason = "a bench measures and prints"
)]

use criterion::{Criterion, criterion_group, criterion_main};
use palmetto_testkit::yardsticks::yardsticks;
use std::hint::black_box;

fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("run");
    group.sample_size(10);
    for yardstick in yardsticks() {
        let ready = yardstick.ready().unwrap();
        let cycles = ready.cycles().unwrap();
        let times = cycles as f64 / yardstick.ideal as f64;
        println!("{}: {cycles} cycles, {times:.2} x ideal {}", yardstick.name, yardstick.ideal);
        group.bench_function(yardstick.name, |bench| {
            bench.iter(|| black_box(ready.cycles().unwrap()));
        });
    }
    group.finish();
}

criterion_group!(kernels, benches);
criterion_main!(kernels);
