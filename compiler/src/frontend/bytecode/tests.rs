//! Files that no tool writes: put together piece by piece, to be refused.

use std::sync::Arc;

use super::*;
use crate::frontend::source::SourceError;

/// A number as the format has it.
fn number(value: u64) -> Vec<u8> {
    let mut bytes = vec![0];
    bytes.extend(value.to_le_bytes());
    bytes
}

fn numbers(values: &[u64]) -> Vec<u8> {
    values.iter().flat_map(|&value| number(value)).collect()
}

fn flagged(value: u64, flag: bool) -> u64 {
    value << 1 | u64::from(flag)
}

fn count(items: usize) -> Vec<u8> {
    number(u64::try_from(items).unwrap())
}

/// The parts of a file. String 0 is `builtin`, 1 is `vhlo`.
#[derive(Default)]
struct File {
    producer: Option<&'static str>,
    strings: Vec<&'static str>,
    /// Operations: dialect and string.
    names: Vec<(u64, u64)>,
    /// Attributes and types: dialect and data.
    attributes: Vec<(u64, Vec<u8>)>,
    types: Vec<(u64, Vec<u8>)>,
    properties: Vec<Vec<u8>>,
    operations: Vec<u8>,
    /// Resources of the dialect 0: string, size that is claimed, data.
    resources: Vec<(u64, u64, Vec<u8>)>,
}

/// The attribute 0 of each file here: an unknown location.
const UNKNOWN: u8 = 15;

impl File {
    fn new() -> Self {
        Self {
            strings: vec![
                "builtin",
                "vhlo",
                "module",
                "func_v1",
                "return_v1",
                "constant_v1",
                "add_v1",
            ],
            names: (2..7).map(|name| (u64::from(name > 2), name)).collect(),
            attributes: vec![(0, number(u64::from(UNKNOWN)))],
            ..Self::default()
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(number(6));
        bytes.extend(self.producer.unwrap_or("StableHLO_v1.17.0").bytes());
        bytes.push(0);
        for (id, data) in [
            (0, self.string_section()),
            (1, self.dialect_section()),
            (2, self.entries().flat_map(|(_, data)| data.clone()).collect()),
            (3, self.offset_section()),
            (4, self.operations.clone()),
            (5, self.resources.iter().flat_map(|(.., data)| data.clone()).collect()),
            (6, self.resource_offset_section()),
            (8, self.property_section()),
        ] {
            bytes.push(id);
            bytes.extend(count(data.len()));
            bytes.extend(data);
        }
        bytes
    }

    fn entries(&self) -> impl Iterator<Item = &(u64, Vec<u8>)> {
        self.attributes.iter().chain(&self.types)
    }

    fn string_section(&self) -> Vec<u8> {
        let mut data = count(self.strings.len());
        data.extend(self.strings.iter().rev().flat_map(|text| count(text.len() + 1)));
        data.extend(self.strings.iter().flat_map(|text| [text.as_bytes(), &[0]].concat()));
        data
    }

    fn dialect_section(&self) -> Vec<u8> {
        let mut data = numbers(&[2, flagged(0, false), flagged(1, false)]);
        data.extend(count(self.names.len()));
        for &(dialect, name) in &self.names {
            data.extend(numbers(&[dialect, 1, flagged(name, true)]));
        }
        data
    }

    fn offset_section(&self) -> Vec<u8> {
        let mut data = count(self.attributes.len());
        data.extend(count(self.types.len()));
        for (dialect, entry) in self.entries() {
            let size = u64::try_from(entry.len()).unwrap();
            data.extend(numbers(&[*dialect, 1, flagged(size, true)]));
        }
        data
    }

    fn resource_offset_section(&self) -> Vec<u8> {
        let mut data = numbers(&[0, 0]);
        data.extend(count(self.resources.len()));
        for &(key, size, _) in &self.resources {
            data.extend(numbers(&[key, size]));
            data.push(0);
        }
        data
    }

    fn property_section(&self) -> Vec<u8> {
        let mut data = count(self.properties.len());
        data.extend(
            self.properties.iter().flat_map(|each| [count(each.len()), each.clone()].concat()),
        );
        data
    }

    /// Makes the operations a module with these operations in one block that defines `n_values`.
    fn module(mut self, n_values: u64, operations: &[Vec<u8>]) -> Self {
        let mut region = numbers(&[1, n_values]);
        region.extend(number(flagged(operations.len().try_into().unwrap(), false)));
        region.extend(operations.concat());
        let mut section = vec![4];
        section.extend(count(region.len()));
        section.extend(region);
        self.operations = number(flagged(1, false));
        self.operations.extend(number(0));
        self.operations.extend([0x10]);
        self.operations.extend(numbers(&[0, flagged(1, true)]));
        self.operations.extend(section);
        self
    }

    fn read(&self) -> Result<Program, SourceError> {
        parse("test", &Arc::from(self.bytes()))
    }

    #[track_caller]
    fn refused(&self, expected: &str) {
        let error = self.read().unwrap_err();
        assert!(error.message.contains(expected), "{}", error.message);
    }
}

/// An operation with an attribute dictionary, results and operands.
fn operation(name: u64, dictionary: Option<u64>, results: &[u64], operands: &[u64]) -> Vec<u8> {
    let mut data = number(name);
    let has = |flag: bool, bit: u8| if flag { bit } else { 0 };
    data.push(
        has(dictionary.is_some(), 1) | has(!results.is_empty(), 2) | has(!operands.is_empty(), 4),
    );
    data.extend(number(0));
    data.extend(dictionary.map(number).unwrap_or_default());
    for list in [results, operands] {
        if !list.is_empty() {
            data.extend(count(list.len()));
            data.extend(numbers(list));
        }
    }
    data
}

/// The f32 of the portable format.
fn f32_type() -> (u64, Vec<u8>) {
    (1, number(4))
}

#[test]
fn a_file_put_together_is_read() {
    let mut file = File::new();
    file.types.push(f32_type());
    // Text stands for a constant, which only the importer minds.
    let file = file.module(2, &[operation(3, None, &[0], &[]), operation(4, None, &[0], &[0, 0])]);
    let text = file.read().unwrap().to_string();
    assert!(text.contains(r#"%1 = "stablehlo.add"(%0, %0) : (f32, f32) -> (f32)"#), "{text}");
}

#[test]
fn values_are_defined_before_they_are_used() {
    let mut file = File::new();
    file.types.push(f32_type());
    let add = |operand| operation(4, None, &[0], &[operand]);
    file.module(1, &[add(0)]).refused("value 0 is not defined here");
    let mut file = File::new();
    file.types.push(f32_type());
    file.module(3, &[operation(3, None, &[0], &[]), add(9)]).refused("value 9 is not defined here");
}

#[test]
fn a_region_defines_what_it_says() {
    let mut file = File::new();
    file.types.push(f32_type());
    let file = file.module(2, &[operation(3, None, &[0], &[])]);
    file.refused("a region has 2 values, but defines 1");
    let mut file = File::new();
    file.types.push(f32_type());
    file.module(0, &[operation(3, None, &[0], &[])]).refused("more than the 0 values");
    File::new().module(u64::MAX, &[]).refused("values cannot be in the");
}

/// A file whose only operation has attribute 1 as its dictionary.
fn with_attribute(attributes: Vec<(u64, Vec<u8>)>) -> File {
    let mut file = File::new();
    file.attributes.extend(attributes);
    file.module(0, &[operation(2, Some(1), &[], &[])])
}

#[test]
fn attributes_do_not_contain_themselves() {
    let array = |items: &[u64]| {
        let mut data = numbers(&[0, items.len().try_into().unwrap()]);
        data.extend(numbers(items));
        (0, data)
    };
    with_attribute(vec![array(&[1])]).refused("attribute 1 contains itself");
    with_attribute(vec![array(&[2]), array(&[3]), array(&[2])]).refused("contains itself");
    let mut file = File::new();
    file.types.push((1, numbers(&[1, 0])));
    file.module(1, &[operation(3, None, &[0], &[])]).refused("type 0 contains itself");
}

#[test]
fn attributes_are_not_nested_without_end() {
    let deep = (2..500).map(|next| (0, numbers(&[0, 1, next]))).collect();
    with_attribute(deep).refused("nested deeper than 64 levels");
    // Also not if those inside were decoded before: every operation goes one deeper.
    let mut file = File::new();
    file.attributes.extend((0..200).map(|previous| (0, numbers(&[0, 1, previous]))));
    file.attributes[1] = (0, number(7));
    let operations: Vec<Vec<u8>> =
        (1..200).map(|index| operation(2, Some(300 + index), &[], &[])).collect();
    let start = file.attributes.len();
    file.strings.push("name");
    file.attributes.extend((start..301).map(|_| (0, numbers(&[2, 7]))));
    // A dictionary with the array.
    file.attributes.extend((1..200).map(|index| (0, numbers(&[1, 1, 300, index]))));
    file.module(0, &operations).refused("nested deeper than 64 levels");
}

#[test]
fn a_small_file_is_no_large_tree() {
    // Each array has the next one twice: 2^60 elements.
    let doubled = (2..62).map(|next| (0, numbers(&[0, 2, next, next]))).chain([(0, number(7))]);
    with_attribute(doubled.collect()).refused("times as large as its file");
    // The same with types.
    let mut file = File::new();
    file.types.extend((1..60).map(|next| (1, numbers(&[23, 2, next, next]))));
    file.types.push(f32_type());
    file.module(1, &[operation(3, None, &[0], &[])]).refused("times as large as its file");
}

#[test]
fn locations_may_be_as_deep_as_they_like_but_end() {
    let chain = |last: u64| {
        let mut file = File::new();
        // Call sites, each in the next one.
        file.attributes = (1..50_000).map(|next| (0, numbers(&[10, next, next]))).collect();
        file.attributes.push((0, numbers(&[10, last, last])));
        file.attributes.push((0, number(u64::from(UNKNOWN))));
        file.module(0, &[operation(2, None, &[], &[])])
    };
    assert!(chain(50_000).read().is_ok());
    chain(7).refused("contains itself");
}

#[test]
fn what_is_not_known_is_named() {
    let mut file = File::new();
    file.strings[6] = "frobnicate_v3";
    let operations = [operation(4, None, &[], &[])];
    let file = file.module(0, &operations);
    assert_eq!(file.read().unwrap_err().message, "unsupported op vhlo.frobnicate_v3");
    let mut file = File { producer: Some("StableHLO_v2.0.0"), ..file };
    assert_eq!(
        file.read().unwrap_err().message,
        "unsupported op vhlo.frobnicate_v3; the program has version 2.0.0 of the portable format, \
         known is 1.22.0"
    );
    file.strings[6] = "cosine_v1";
    file.refused(
        "vhlo.cosine_v1 is of the versions 0.9.0 to 1.9.0, but the program has version 2.0.0",
    );
    file.strings[6] = "add_v1";
    assert!(file.read().is_ok(), "newer files may have nothing new");
    file.strings[6] = "custom_call_v2";
    file.producer = Some("StableHLO_v1.17.0");
    file.refused(
        "vhlo.custom_call_v2 is of version 1.18.0 and newer ones, but the program has version \
         1.17.0",
    );
    file.producer = Some("MLIR23.0.0git");
    file.refused("written by \"MLIR23.0.0git\"");
    with_attribute(vec![(1, number(99))]).refused("unknown vhlo attribute with the code 99");
    let mut file = File::new();
    file.types.push((1, number(77)));
    let file = file.module(1, &[operation(3, None, &[0], &[])]);
    file.refused("unknown vhlo type with the code 77");
}

/// A file with a resource of four bytes, for which these numbers are claimed.
fn with_resource(section_bytes: u64, alignment: u64, bytes: u64) -> File {
    let mut data = numbers(&[alignment, bytes]);
    data.extend([1, 2, 3, 4]);
    let mut file = File::new();
    file.strings.push("weights");
    file.resources.push((7, section_bytes, data));
    file.module(0, &[])
}

#[test]
fn resources_have_the_bytes_that_they_claim() {
    let program = with_resource(22, 1, 4).read().unwrap();
    assert_eq!(program.resources["weights"], [1, 2, 3, 4]);
    with_resource(22, 1, 5).refused("5 bytes cannot be in the 4 bytes left");
    with_resource(22, 1, 1 << 40).refused("1099511627776 bytes cannot be in the 4 bytes left");
    with_resource(22, 1, u64::MAX).refused("18446744073709551615 bytes cannot be in the 4 ");
    with_resource(23, 1, 4).refused("23 bytes cannot be in the 22 bytes left");
    with_resource(u64::MAX, 1, 4).refused("18446744073709551615 bytes cannot be in the 22 ");
    with_resource(22, 3, 4).refused("an alignment has to be a power of two");
    with_resource(22, 1 << 40, 4).refused(" needed here, 4 left");
}

/// A vector of so many things would be refused by the allocator, with an abort.
#[test]
fn no_count_is_believed() {
    let mut file = with_resource(22, 1, 4);
    file.types.push(f32_type());
    file.properties.push(number(0));
    let bytes = file.module(2, &[operation(3, None, &[0], &[])]).bytes();
    let mut n_refused = 0;
    for at in 5..bytes.len() - 9 {
        for huge in [1 << 32, 1 << 40, u64::MAX >> 1, u64::MAX] {
            let mut damaged = bytes.clone();
            damaged.splice(at..at + 9, number(huge));
            n_refused += usize::from(parse("huge", &damaged.into()).is_err());
        }
    }
    assert!(n_refused > 1000, "{n_refused}");
}

#[test]
fn every_cut_is_an_error() {
    let mut file = File::new();
    file.types.push(f32_type());
    let bytes = file.module(1, &[operation(3, None, &[0], &[])]).bytes();
    for length in 0..bytes.len() {
        let cut: Arc<[u8]> = bytes[..length].into();
        assert!(parse("cut", &cut).is_err(), "{length}");
    }
}
