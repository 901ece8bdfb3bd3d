//! Arrays there and back again.

use crate::support::{client, floats, get, put};
use palmetto_compiler::hlo::{ArrayShape, ElementType};
use palmetto_runtime::{ArrayLiteral, Error, HostArray, MemoryKind, seeded};
use std::sync::mpsc;

#[test]
fn every_type_and_odd_shapes_come_back_as_they_went() {
    let client = client("1x1x1");
    let device = &client.devices()[0];
    let shapes: [&[usize]; 8] =
        [&[], &[1], &[0], &[3, 0, 5], &[7], &[1025], &[3, 13, 200], &[2, 1, 9, 129]];
    for &element_type in ElementType::ALL {
        let is_token = element_type == ElementType::Token;
        for dimensions in shapes.into_iter().filter(|sizes| !is_token || sizes.is_empty()) {
            let shape = ArrayShape::new(element_type, dimensions.to_vec()).unwrap();
            let literal = seeded::literal(5, 1, &shape, seeded::UNIT);
            for kind in MemoryKind::ALL {
                let buffer = client.buffer_from_literal(literal.clone(), device, kind).unwrap();
                assert_eq!(buffer.to_literal().unwrap(), literal, "{shape} in {}", kind.name());
                assert_eq!((buffer.memory_kind(), buffer.dimensions()), (kind, dimensions));
            }
        }
    }
}

#[test]
fn strides_of_the_host_are_followed() {
    let client = client("1x1x1");
    let device = &client.devices()[0];
    let bytes: Vec<u8> = (0..6_u16).flat_map(u16::to_le_bytes).collect();
    let array = HostArray {
        element_type: ElementType::U16,
        dimensions: &[3, 2],
        bytes: &bytes,
        first: 10,
        byte_strides: Some(&[-2, -6]),
    };
    let buffer = client.buffer_from_host(&array, device, MemoryKind::Device).unwrap();
    let elements = buffer.to_literal().unwrap();
    assert_eq!(elements.as_slice::<u16>().unwrap(), [5, 2, 4, 1, 3, 0]);
}

#[test]
fn reading_gives_dense_bytes_in_the_order_that_is_asked_for() {
    let client = client("1x1x1");
    let literal = ArrayLiteral::from_slice(&[2, 3], &[0_u8, 1, 2, 3, 4, 5]).unwrap();
    for kind in [MemoryKind::Device, MemoryKind::PinnedHost] {
        let buffer =
            client.buffer_from_literal(literal.clone(), &client.devices()[0], kind).unwrap();
        let read = |order: Option<&[usize]>| {
            let (sender, receiver) = mpsc::channel();
            buffer.read(order, move |bytes| sender.send(bytes).unwrap()).unwrap();
            receiver.recv().unwrap().unwrap()
        };
        assert_eq!(read(None), [0, 1, 2, 3, 4, 5]);
        assert_eq!(read(Some(&[1, 0])), [0, 1, 2, 3, 4, 5]);
        assert_eq!(read(Some(&[0, 1])), [0, 3, 1, 4, 2, 5]);
        assert!(buffer.read(Some(&[0, 0]), |_| ()).is_err());
    }
}

#[test]
fn copies_reach_every_memory_of_every_device() {
    let client = client("2x1x1");
    let [a, b] = client.devices() else { panic!("two devices") };
    let values: Vec<f32> = (0..300_u16).map(f32::from).collect();
    let first = client.buffer_from_literal(floats(&values), a, MemoryKind::Device).unwrap();
    let mut buffer = first.clone();
    for (device, kind) in [
        (a, MemoryKind::Device),
        (a, MemoryKind::PinnedHost),
        (b, MemoryKind::UnpinnedHost),
        (b, MemoryKind::Device),
        (a, MemoryKind::Device),
    ] {
        buffer = buffer.copy_to(device, kind).unwrap();
        assert_eq!((buffer.device(), buffer.memory_kind()), (device, kind));
    }
    first.delete();
    assert_eq!(get(&buffer), values);
    assert!(matches!(first.copy_to(b, MemoryKind::Device), Err(Error::Deleted { .. })));
}

#[test]
fn what_was_deleted_is_gone_and_what_was_asked_for_before_is_not() {
    let client = client("1x1x1");
    let buffer = put(&client, &[1.0, 2.0]);
    let clone = buffer.clone();
    let (sender, receiver) = mpsc::channel();
    buffer.read(None, move |bytes| sender.send(bytes).unwrap()).unwrap();
    let copy = buffer.copy_to(buffer.device(), MemoryKind::Device).unwrap();
    buffer.delete();
    buffer.delete();
    // Takes the memory that was given back.
    let other = put(&client, &[3.0, 4.0]);
    assert!(clone.is_deleted() && clone.address().is_none());
    assert!(matches!(clone.to_literal(), Err(Error::Deleted { .. })));
    assert_eq!(receiver.recv().unwrap().unwrap().len(), 8);
    assert_eq!((get(&copy), get(&other)), (vec![1.0, 2.0], vec![3.0, 4.0]));
}
