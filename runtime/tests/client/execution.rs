//! Executions: order, errors, several devices.

use crate::support::{client, execute, floats, get, keep, load, module, put, twice_plus};
use palmetto_compiler::diagnostic::SourceText;
use palmetto_compiler::hlo::parse_module;
use palmetto_runtime::{
    Argument, Client, ClientOptions, Clock, CompileOptions, DeviceAssignment, DeviceId, Error,
    ExecuteOptions, LoadedExecutable, MemoryKind, Topology,
};
use std::collections::BTreeSet;
use std::sync::Barrier;

#[test]
fn results_are_arguments_of_the_next_program_without_leaving_the_device() {
    let client = client("1x1x1");
    let loaded = load(&client, &twice_plus(300));
    let mut x = put(&client, &[1.0; 300]);
    let y = put(&client, &[1.0; 300]);
    for _ in 0..10 {
        x = execute(&loaded, vec![keep(&x), keep(&y)]).unwrap().remove(0);
    }
    assert_eq!(get(&x), [2047.0; 300]);
    assert_eq!(get(&y), [1.0; 300]);
    let report = client.devices()[0].last_report().unwrap();
    assert_eq!(report.program, "test");
    assert!(report.total.cycles > 0);
}

/// A loop that runs as often as its argument says.
const COUNT: &str = "cond {\n  s = (s32[], s32[]) parameter(0)\n  i = s32[] get-tuple-element(s), index=0\n  \
     n = s32[] get-tuple-element(s), index=1\n  ROOT c = pred[] compare(i, n), direction=LT\n}\n\n\
     body {\n  s = (s32[], s32[]) parameter(0)\n  i = s32[] get-tuple-element(s), index=0\n  \
     n = s32[] get-tuple-element(s), index=1\n  one = s32[] constant(1)\n  j = s32[] add(i, one)\n  \
     ROOT t = (s32[], s32[]) tuple(j, n)\n}\n\n\
     ENTRY e {\n  n = s32[] parameter(0)\n  zero = s32[] constant(0)\n  \
     t = (s32[], s32[]) tuple(zero, n)\n  w = (s32[], s32[]) while(t), condition=cond, body=body\n  \
     ROOT r = s32[] get-tuple-element(w), index=0\n}\n";

fn number(client: &Client, n: i32) -> Argument {
    let literal = palmetto_runtime::ArrayLiteral::from_slice(&[], &[n]).unwrap();
    let device = &client.devices()[0];
    keep(&client.buffer_from_literal(literal, device, MemoryKind::Device).unwrap())
}

#[test]
fn a_program_that_fails_tells_its_results_and_leaves_the_client_usable() {
    let client = client("1x1x1");
    let count = load(&client, &module("", COUNT));
    let endless = execute(&count, vec![number(&client, i32::MAX)]).unwrap();
    // What depends on it fails with the same error, what does not does not.
    let after = execute(&count, vec![keep(&endless[0])]).unwrap();
    let good = execute(&count, vec![number(&client, 7)]).unwrap();
    assert_eq!(good[0].to_literal().unwrap().as_slice::<i32>().unwrap(), [7]);
    for failed in [&endless[0], &after[0]] {
        let error = failed.ready().wait().unwrap_err();
        assert!(matches!(*error, Error::TooManyTrips { limit: 10_000, .. }), "{error}");
        assert!(failed.to_literal().is_err() && !failed.is_deleted());
        let copy = failed.copy_to(failed.device(), MemoryKind::PinnedHost).unwrap();
        assert!(copy.ready().wait().is_err());
    }
}

#[test]
fn arguments_that_do_not_fit_are_refused_before_anything_runs() {
    let client = client("2x1x1");
    let loaded = load(&client, &twice_plus(8));
    let (good, short) = (put(&client, &[0.0; 8]), put(&client, &[0.0; 7]));
    let elsewhere = good.copy_to(&client.devices()[1], MemoryKind::Device).unwrap();
    let host = good.copy_to(&client.devices()[0], MemoryKind::PinnedHost).unwrap();
    let gone = good.copy_to(&client.devices()[0], MemoryKind::Device).unwrap();
    gone.delete();
    let refused = |second| execute(&loaded, vec![keep(&good), keep(second)]).unwrap_err();
    assert!(matches!(refused(&short), Error::ArgumentShape { number: 1, .. }));
    assert!(matches!(refused(&elsewhere), Error::ArgumentMemory { number: 1, .. }));
    assert!(matches!(refused(&host), Error::ArgumentMemory { given: "pinned_host", .. }));
    assert!(matches!(refused(&gone), Error::Deleted { .. }));
    let none = execute(&loaded, Vec::new()).unwrap_err();
    assert!(matches!(none, Error::ArgumentCount { given: 0, expected: 2 }));
    loaded.delete();
    assert!(loaded.is_deleted());
    let deleted = execute(&loaded, vec![keep(&good), keep(&good)]).unwrap_err();
    assert!(matches!(deleted, Error::ExecutableDeleted(_)));
}

/// What a few executions on four devices give, on so many threads.
fn on_four_devices(n_threads: usize) -> Vec<(Vec<f32>, Option<u64>, u64)> {
    let mut options = ClientOptions::new("2x2x1".parse::<Topology>().unwrap());
    options.n_threads = Some(n_threads);
    let client = Client::new(options).unwrap();
    let ids = [2, 0, 3, 1].map(DeviceId);
    let assignment = DeviceAssignment::new(1, 4, ids.to_vec()).unwrap();
    let loaded = client.compile(&twice_plus(2000), &CompileOptions::v4(), assignment).unwrap();
    let mut arguments: Vec<Vec<Argument>> = Vec::new();
    for (n, device) in (0_u8..).zip(loaded.devices()) {
        let put = |value: f32| {
            let literal = floats(&[value; 2000]);
            keep(&client.buffer_from_literal(literal, device, MemoryKind::Device).unwrap())
        };
        arguments.push(vec![put(f32::from(n)), put(1.0)]);
    }
    for _ in 0..5 {
        let launches = loaded.execute(&arguments, &ExecuteOptions::default()).unwrap();
        for (arguments, launch) in arguments.iter_mut().zip(launches) {
            arguments[0] = keep(&launch.outputs[0]);
        }
    }
    let ended = arguments.iter().zip(loaded.devices()).map(|(arguments, device)| {
        assert_eq!(arguments[0].buffer.device(), device);
        let values = get(&arguments[0].buffer);
        let cycles = device.last_report().unwrap().total.cycles;
        (values, arguments[0].buffer.address(), cycles)
    });
    ended.collect()
}

#[test]
fn threads_change_nothing() {
    let one = on_four_devices(1);
    for (n, (values, ..)) in (0_u8..).zip(&one) {
        assert_eq!(values, &[f32::from(n) * 32.0 + 31.0; 2000]);
    }
    assert!(one == on_four_devices(4));
}

#[test]
fn clock_and_strictness_can_change_between_executions() {
    let client = client("1x1x1");
    let loaded = load(&client, &twice_plus(5000));
    let (x, y) = (put(&client, &[1.5; 5000]), put(&client, &[0.5; 5000]));
    let mut cycles = Vec::new();
    for (strict, clock) in [
        (true, Clock::Chip),
        (false, Clock::Ideal),
        (false, Clock::Chip),
        (true, Clock::Chaos(3)),
        (true, Clock::Chip),
    ] {
        client.set_strict(strict);
        client.set_clock(clock);
        let z = execute(&loaded, vec![keep(&x), keep(&y)]).unwrap().remove(0);
        assert_eq!(get(&z), [3.5; 5000]);
        assert_eq!(z.device().is_strict(), strict);
        cycles.push(client.devices()[0].last_report().unwrap().total.cycles);
    }
    assert!(cycles[0] == cycles[2] && cycles[2] == cycles[4], "{cycles:?}");
    assert!(cycles[1] < cycles[0] && cycles[3] != cycles[0], "{cycles:?}");
}

#[test]
fn assignments_have_to_fit() {
    let client = client("2x1x1");
    assert!(DeviceAssignment::new(1, 2, vec![DeviceId(0)]).is_err());
    assert!(DeviceAssignment::new(0, 2, Vec::new()).is_err());
    assert!(DeviceAssignment::new(2, 1, vec![DeviceId(1); 2]).is_err());
    let load = |ids: &[u32]| {
        let ids: Vec<DeviceId> = ids.iter().copied().map(DeviceId).collect();
        let assignment = DeviceAssignment::new(1, ids.len(), ids).unwrap();
        client.compile(&twice_plus(8), &CompileOptions::v4(), assignment)
    };
    assert!(load(&[1, 0]).is_ok());
    assert!(matches!(load(&[2]), Err(Error::ForeignDevice { device: DeviceId(2) })));
    let other = Client::new(ClientOptions::new("1x1x1".parse::<Topology>().unwrap())).unwrap();
    let foreign =
        client.buffer_from_literal(floats(&[1.0]), &other.devices()[0], MemoryKind::Device);
    assert!(matches!(foreign, Err(Error::ForeignDevice { .. })));
}

#[test]
fn events_are_ready_in_the_order_of_the_dispatches() {
    let client = client("1x1x1");
    let loaded = load(&client, &twice_plus(2000));
    let (x, y) = (put(&client, &[1.0; 2000]), put(&client, &[1.0; 2000]));
    let (sender, order) = std::sync::mpsc::channel();
    for n in 0..20 {
        let sender = sender.clone();
        let outputs = execute(&loaded, vec![keep(&x), keep(&y)]).unwrap();
        outputs[0].ready().on_ready(move |outcome| sender.send((n, outcome.is_ok())).unwrap());
    }
    drop(sender);
    client.devices()[0].done().wait().unwrap();
    let expected: Vec<(i32, bool)> = (0..20).map(|n| (n, true)).collect();
    assert_eq!(order.iter().collect::<Vec<_>>(), expected);
}

#[test]
fn the_short_way_runs_again_and_again() {
    let loaded = LoadedExecutable::compile(&twice_plus(8), &CompileOptions::v4()).unwrap();
    let inputs = [floats(&[1.0; 8]).into(), floats(&[2.0; 8]).into()];
    for strict in [true, false, true] {
        let mut options = loaded.client().run_options();
        options.strict = strict;
        let execution = loaded.run(&inputs, &options).unwrap();
        assert_eq!(execution.outputs, [floats(&[4.0; 8]).into()]);
    }
    assert_eq!(loaded.devices()[0].memory_stats().num_live_allocs, 0);
}

#[test]
fn arrays_of_the_host_are_carried_to_the_program_and_back() {
    let client = client("2x1x1");
    let [device, other] = client.devices() else { panic!("two devices") };
    let attributes = ", frontend_attributes={result.0.mhlo.memory_kind=\"unpinned_host\"}";
    let body = "ENTRY e {\n  x = f32[300] parameter(0), \
                frontend_attributes={mhlo.memory_kind=\"pinned_host\"}\n  \
                n = f32[300] negate(x)\n  m = f32[300] multiply(x, x)\n  \
                ROOT r = (f32[300], f32[300]) tuple(n, m)\n}\n";
    let loaded = load(&client, &module(attributes, body));
    let kinds = loaded.executable().results().iter().map(|spec| spec.memory_kind);
    assert_eq!(kinds.collect::<Vec<_>>(), [MemoryKind::UnpinnedHost, MemoryKind::Device]);
    // The argument comes from another device's memory: the program has to wait for it.
    let there = client.buffer_from_literal(floats(&[3.0; 300]), other, MemoryKind::Device).unwrap();
    let argument = there.copy_to(device, MemoryKind::PinnedHost).unwrap();
    let outputs = execute(&loaded, vec![keep(&argument)]).unwrap();
    assert_eq!(outputs[0].memory_kind(), MemoryKind::UnpinnedHost);
    assert_eq!((get(&outputs[0]), get(&outputs[1])), (vec![-3.0; 300], vec![9.0; 300]));
    assert_eq!(device.memory_stats().bytes_in_use, outputs[1].size_bytes());
    let error = execute(&loaded, vec![keep(&there)]).unwrap_err();
    assert!(matches!(error, Error::ArgumentMemory { expected: "pinned_host", .. }), "{error}");
    let nowhere = body.replace("pinned_host", "moon");
    let options = CompileOptions::v4();
    let assignment = DeviceAssignment::one(DeviceId(0));
    let unknown = client.compile(&module("", &nowhere), &options, assignment);
    assert!(matches!(unknown, Err(Error::UnknownMemory(_))));
}

/// Programs that meet in collectives would wait for each other if two devices got them in different
/// orders.
#[test]
fn all_devices_get_executions_in_the_same_order() {
    let client = client("2x2x2");
    let ids: Vec<DeviceId> = (0..8).map(DeviceId).collect();
    let loaded = ["first", "second"].map(|name| {
        let text = format!("HloModule {name}\n\nENTRY e {{\n  ROOT x = f32[] parameter(0)\n}}\n");
        let module = parse_module(SourceText::new("test.hlo", &text)).unwrap();
        let assignment = DeviceAssignment::new(1, 8, ids.clone()).unwrap();
        client.compile(&module, &CompileOptions::v4().checked(), assignment).unwrap()
    });
    let scalar = palmetto_runtime::ArrayLiteral::from_slice(&[], &[1.0_f32]).unwrap();
    let arguments: Vec<Vec<Argument>> = client
        .devices()
        .iter()
        .map(|device| {
            let buffer = client.buffer_from_literal(scalar.clone(), device, MemoryKind::Device);
            vec![keep(&buffer.unwrap())]
        })
        .collect();
    for round in 0..300 {
        let barrier = Barrier::new(2);
        std::thread::scope(|scope| {
            for program in &loaded {
                scope.spawn(|| {
                    barrier.wait();
                    let launches = program.execute(&arguments, &ExecuteOptions::default()).unwrap();
                    launches.iter().for_each(|launch| launch.outputs[0].ready().wait().unwrap());
                });
            }
        });
        let last = client.devices().iter().map(|device| device.last_report().unwrap().program);
        let last: BTreeSet<String> = last.collect();
        assert_eq!(last.len(), 1, "round {round}: the last programs are {last:?}");
    }
}
