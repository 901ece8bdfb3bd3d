//! HBM as users see it: who has it, and what happens when there is none left.

use crate::support::{client, execute, floats, get, keep, load, put, twice_plus};
use expect_test::expect;
use palmetto_isa::TPU_V4;
use palmetto_runtime::{Client, ClientOptions, Error, MemoryKind, Topology};

const GRANULE: u64 = 512;

/// A client whose chip has 64 KiB of HBM.
fn small() -> Client {
    let chip = palmetto_isa::ChipSpec { hbm_bytes: 64 << 10, ..TPU_V4 };
    let mut options = ClientOptions::new(Topology::new([1, 1, 1]).unwrap());
    options.run.strict = true;
    Client::new(ClientOptions { chip, ..options }).unwrap()
}

#[test]
fn buffers_and_constants_are_counted_and_given_back() {
    let client = client("1x1x1");
    let device = &client.devices()[0];
    assert_eq!(device.memory_stats().bytes_limit, 32 << 30);
    let start = device.memory_stats();
    assert_eq!((start.bytes_in_use, start.num_live_allocs), (0, 0));
    let x = put(&client, &[0.0; 1024]);
    assert_eq!(device.memory_stats().bytes_in_use, x.size_bytes());
    assert_eq!(x.size_bytes(), 8 * GRANULE);
    let loaded = load(&client, &twice_plus(1024));
    let y = execute(&loaded, vec![keep(&x), keep(&x)]).unwrap();
    let busy = device.memory_stats();
    assert!(busy.bytes_in_use >= 16 * GRANULE && busy.peak_bytes_in_use >= busy.bytes_in_use);
    drop((x, y, loaded));
    let end = device.memory_stats();
    assert_eq!((end.bytes_in_use, end.num_live_allocs), (0, 0));
    assert_eq!(end.largest_free_block_bytes, 32 << 30);
    assert_eq!(end.peak_bytes_in_use, busy.peak_bytes_in_use);
    device.reset_peak();
    assert_eq!(device.memory_stats().peak_bytes_in_use, 0);
}

#[test]
fn too_much_is_refused_by_name_and_nothing_else_breaks() {
    let client = small();
    let device = &client.devices()[0];
    let live = put(&client, &[1.0; 8 * 1024]);
    let more: Vec<_> = (0..3).map(|_| put(&client, &[2.0; 2048])).collect();
    let used = device.memory_stats().bytes_in_use;
    let refused = client.buffer_from_literal(floats(&[0.0; 4096]), device, MemoryKind::Device);
    let error = refused.unwrap_err();
    assert!(matches!(error, Error::DeviceOutOfMemory { .. }));
    expect![[
        r#"device 0 is out of memory: 16384 B are needed for f32[4096]; 57344 B of 65536 B are in use, the largest free block has 8192 B; the largest buffers are f32[8192] (32768 B), 3 x f32[2048] (8192 B each)"#
    ]]
    .assert_eq(&error.to_string());
    assert_eq!(device.memory_stats().bytes_in_use, used);
    drop(more);
    let fits = put(&client, &[3.0; 4096]);
    assert_eq!((get(&live)[0], get(&fits)[4095]), (1.0, 3.0));
}

#[test]
fn an_execution_that_does_not_fit_changes_nothing() {
    let client = small();
    let options = palmetto_runtime::CompileOptions {
        chip: *client.chip(),
        ..palmetto_runtime::CompileOptions::v4()
    };
    let assignment = palmetto_runtime::DeviceAssignment::one(palmetto_runtime::DeviceId(0));
    let loaded = client.compile(&twice_plus(3072), &options, assignment).unwrap();
    let (x, y) = (put(&client, &[1.0; 3072]), put(&client, &[1.0; 3072]));
    let rest = put(&client, &[1.0; 8192]);
    let used = client.devices()[0].memory_stats();
    let error = execute(&loaded, vec![keep(&x), keep(&y)]).unwrap_err();
    assert!(matches!(error, Error::DeviceOutOfMemory { .. }), "{error}");
    assert!(error.to_string().contains("result"), "{error}");
    assert_eq!(client.devices()[0].memory_stats().bytes_in_use, used.bytes_in_use);
    drop(rest);
    assert_eq!(get(&execute(&loaded, vec![keep(&x), keep(&y)]).unwrap()[0]), [3.0; 3072]);
}

#[test]
fn the_largest_slice_is_cheap_to_have() {
    let client = client("8x8x8");
    assert_eq!(client.devices().len(), 512);
    client.set_strict(false);
    client.set_strict(true);
    let last = &client.devices()[511];
    assert_eq!(last.description().coords, [7, 7, 7]);
    for device in client.devices() {
        assert_eq!(device.memory_stats().bytes_in_use, 0);
    }
    let buffer = client.buffer_from_literal(floats(&[5.0]), last, MemoryKind::Device).unwrap();
    assert_eq!(get(&buffer), [5.0]);
}
