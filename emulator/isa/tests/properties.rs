//! Text and binary forms hold every program, and survive what is no program.

use palmetto_isa::{
    Bundle, DmaDescriptor, DmaDimension, MemorySpace, Op, Program, TPU_V4,
    asm::{parse_program, print_program},
    decode::decode,
    encode::encode,
    row::{Field, FieldSource, ROWS},
    verify::verify_program,
};
use proptest::{prelude::*, test_runner::RngSeed};
use std::convert::Infallible;

/// Takes the fields of an op from given words.
struct Words(std::vec::IntoIter<u32>);

impl FieldSource for Words {
    type Error = Infallible;

    fn byte(&mut self, field: &Field) -> Result<u8, Infallible> {
        self.word(field).map(|word| word.to_le_bytes()[0])
    }

    fn word(&mut self, _: &Field) -> Result<u32, Infallible> {
        Ok(self.0.next().expect("no row has more than 8 fields"))
    }
}

/// Small numbers often, all numbers sometimes.
fn word() -> impl Strategy<Value = u32> + Clone {
    prop_oneof![3 => 0_u32..16, 1 => any::<u32>()]
}

fn op() -> impl Strategy<Value = Op> {
    (0..ROWS.len(), prop::collection::vec(word(), 8)).prop_map(|(opcode, words)| {
        let Ok(op) = Op::build(opcode, &mut Words(words.into_iter()));
        op.expect("the opcode is in the table")
    })
}

/// Up to six ops; those that find their slot full are left out.
fn bundle() -> impl Strategy<Value = Bundle> {
    let ops = prop_oneof![Just(0..1), Just(1..7)].prop_flat_map(|n| prop::collection::vec(op(), n));
    ops.prop_map(|ops| {
        let mut bundle = Bundle::default();
        for op in ops {
            let full = bundle.count(op.slot()) == op.slot().capacity();
            assert_eq!(bundle.push(op).is_err(), full);
        }
        bundle
    })
}

fn descriptor() -> impl Strategy<Value = DmaDescriptor> {
    let space = || prop::sample::select(MemorySpace::ALL.to_vec());
    let dimension = (word(), any::<i32>(), -8_i32..8).prop_map(|(count, a, b)| DmaDimension {
        count,
        source_stride: a,
        target_stride: b,
    });
    (space(), space(), word(), prop::collection::vec(dimension, 0..5)).prop_map(
        |(source, target, granules, dimensions)| DmaDescriptor {
            source,
            target,
            granules,
            dimensions,
        },
    )
}

fn program() -> impl Strategy<Value = Program> {
    let name = prop_oneof!["[a-z_][a-z0-9_.]{0,8}", ".{0,8}"];
    let parts = (
        name,
        prop::collection::vec(bundle(), 0..12),
        prop::collection::vec(descriptor(), 0..3),
        word(),
        word(),
    );
    parts.prop_map(|(name, bundles, descriptors, vmem_granules, n_arguments)| Program {
        name,
        bundles,
        descriptors,
        vmem_granules,
        n_arguments,
    })
}

/// Puts `patch` over `bytes` at a place that `position` picks, and cuts off `cut` bytes.
fn mutate(bytes: &mut Vec<u8>, position: prop::sample::Index, patch: &[u8], cut: usize) {
    let start = position.index(bytes.len());
    let end = (start + patch.len()).min(bytes.len());
    bytes.splice(start..end, patch.iter().copied());
    bytes.truncate(bytes.len().saturating_sub(cut));
}

fn config() -> ProptestConfig {
    ProptestConfig {
        rng_seed: RngSeed::Fixed(4),
        failure_persistence: None,
        ..ProptestConfig::with_cases(500)
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn parsing_inverts_printing(program in program()) {
        let text = print_program(&program);
        prop_assert_eq!(parse_program(&text), Ok(program), "{}", text);
    }

    #[test]
    fn decoding_inverts_encoding(program in program()) {
        prop_assert_eq!(decode(&encode(&program)), Ok(program));
    }

    #[test]
    fn broken_bytes_are_an_error_or_a_program(
        program in program(),
        position: prop::sample::Index,
        patch: Vec<u8>,
        cut in 0_usize..4,
    ) {
        let mut bytes = encode(&program);
        mutate(&mut bytes, position, &patch, cut);
        if let Ok(program) = decode(&bytes) {
            prop_assert_eq!(decode(&encode(&program)), Ok(program));
        }
    }

    #[test]
    fn broken_text_is_an_error_or_a_program(
        program in program(),
        position: prop::sample::Index,
        patch in "[-=,;:()>x0-9a-z\"\\\\ \n]{0,6}",
        cut in 0_usize..4,
    ) {
        let mut bytes = print_program(&program).into_bytes();
        mutate(&mut bytes, position, patch.as_bytes(), cut);
        let text = String::from_utf8_lossy(&bytes);
        match parse_program(&text) {
            Ok(program) => prop_assert_eq!(parse_program(&print_program(&program)), Ok(program)),
            Err(error) => prop_assert!(error.line <= text.lines().count().max(1), "{}", error),
        }
    }

    #[test]
    fn verifying_never_panics(program in program()) {
        if let Err(violations) = verify_program(&program, &TPU_V4) {
            prop_assert!(!violations.to_string().is_empty());
        }
    }
}
