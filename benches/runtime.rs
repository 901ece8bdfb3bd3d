//! Host time of the runtime: dispatches back to back, and arrays there and back.
//!
//! `cargo bench --bench runtime`. One execution of the small program is two launches at most, so
//! what is measured is what the runtime adds; 200 us per dispatch is the goal.

#![expect(missing_docs, clippy::unwrap_used, reason = "a bench measures")]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use palmetto_compiler::{diagnostic::SourceText, hlo::parse_module};
use palmetto_runtime::{
    Argument, ArrayLiteral, Buffer, Client, ClientOptions, CompileOptions, DeviceAssignment,
    DeviceId, ExecuteOptions, LoadedExecutable, MemoryKind, Topology,
};

const DISPATCHES: u64 = 1000;

const INCREMENT: &str = "HloModule increment, input_output_alias={ {}: (0, {}, may-alias) }\n\n\
     ENTRY e {\n  x = f32[256] parameter(0)\n  one = f32[] constant(1)\n  \
     b = f32[256] broadcast(one), dimensions={}\n  ROOT r = f32[256] add(x, b)\n}\n";

fn client() -> Client {
    Client::new(ClientOptions::new(Topology::new([1, 1, 1]).unwrap())).unwrap()
}

fn increment(client: &Client) -> LoadedExecutable {
    let module = parse_module(SourceText::new("increment.hlo", INCREMENT)).unwrap();
    let assignment = DeviceAssignment::one(DeviceId(0));
    client.compile(&module, &CompileOptions::v4(), assignment).unwrap()
}

fn put(client: &Client, n: usize) -> Buffer {
    let literal = ArrayLiteral::from_slice(&[n], &vec![1.0_f32; n]).unwrap();
    client.buffer_from_literal(literal, &client.devices()[0], MemoryKind::Device).unwrap()
}

fn dispatch(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("dispatch");
    group.sample_size(20).throughput(Throughput::Elements(DISPATCHES));
    let client = client();
    let loaded = increment(&client);
    for donate in [true, false] {
        let name = if donate { "1000 donated" } else { "1000 kept" };
        group.bench_function(name, |bencher| {
            let run = |mut x: Buffer| {
                for _ in 0..DISPATCHES {
                    let arguments = vec![Argument { buffer: x, donate }];
                    let launches = loaded.execute(&[arguments], &ExecuteOptions::default());
                    x = launches.unwrap().remove(0).outputs.remove(0);
                }
                x.ready().wait().unwrap();
            };
            bencher.iter_batched(|| put(&client, 256), run, BatchSize::PerIteration);
        });
    }
    group.finish();
}

fn transfer(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("transfer");
    let client = client();
    for n in [1, 1 << 20] {
        group.throughput(Throughput::Bytes(n as u64 * 4));
        group.bench_function(format!("{n} floats there and back"), |bencher| {
            bencher.iter(|| put(&client, n).to_literal().unwrap());
        });
    }
    let matrix = ArrayLiteral::from_slice(&[1024, 1024], &vec![1.0_f32; 1 << 20]).unwrap();
    group.throughput(Throughput::Bytes(4 << 20));
    group.bench_function("1024 x 1024 floats there and back", |bencher| {
        bencher.iter(|| {
            let (device, kind) = (&client.devices()[0], MemoryKind::Device);
            let buffer = client.buffer_from_literal(matrix.clone(), device, kind).unwrap();
            buffer.to_literal().unwrap()
        });
    });
    group.finish();
}

criterion_group!(benches, dispatch, transfer);
criterion_main!(benches);
