//! Damaged programs: an error or a program, never a panic and never an endless loop.

use palmetto_compiler::frontend::{
    EntryPoint, SourceChunk, import_module, list_functions, parse_program, split_programs,
};
use std::fs;
use std::path::Path;

/// Parses and imports whatever there is.
fn digest(text: &str) -> usize {
    let mut imported = 0;
    for chunk in split_programs("damaged.mlir", text) {
        let Ok(program) = parse_program(chunk) else { continue };
        let printed = program.to_string();
        let again = parse_program(SourceChunk::whole("printed.mlir", printed.clone()));
        if let Ok(again) = again {
            assert_eq!(again.to_string(), printed);
        }
        for function in list_functions(&program) {
            let module = import_module(&program, &EntryPoint::Function(function.name));
            imported += usize::from(module.is_ok());
        }
    }
    imported
}

/// Every program of the data folder and of the other tests.
fn corpus() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut files: Vec<_> = fs::read_dir(folder.join("data/jax"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "mlir"))
        .collect();
    files.sort();
    let mut texts: Vec<String> =
        files.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    texts.push(EVERYTHING.to_owned());
    texts
}

/// Forms that JAX's programs do not have.
const EVERYTHING: &str = r#"
#alias = array<i64: 0>
!t = tensor<2xf32>
module @m attributes {a.b = affine_map<(d0) -> (d0)>} {
  sdy.mesh @mesh = <["x"=2]>
  func.func private @declared(!t) -> !t
  func.func @g(%x: !t {sdy.sharding = #sdy.sharding<@mesh, [{"x"}]>}) -> !t {
    %0 = stablehlo.constant dense_resource<w> : !t
    %1 = stablehlo.constant dense<[1.5, 0x7FC00000]> : !t
    %2 = stablehlo.constant dense<"0x0302"> : tensor<10xi1>
    %3 = sdy.sharding_constraint %x <@mesh, [{}]> : !t
    %4 = stablehlo.add %3, %1 {mhlo.sharding = "{replicated}"} : !t loc(fused["a", "b"("c":1:2)])
    %5 = "stablehlo.slice"(%4) {start_indices = dense<0> : tensor<1xi64>, limit_indices = #alias, strides = array<i64: 1>} : (!t) -> tensor<0xf32>
    %6 = stablehlo.tuple %0, %4 : tuple<!t, !t>
    %7 = stablehlo.get_tuple_element %6[1] : (tuple<!t, !t>) -> !t
    check.expect_almost_eq_const %7, dense<1.0>, tolerance = 0.1 : !t
    stablehlo.custom_call @check.expect_close(%7, %7) {backend_config = {max_ulp_difference = 3 : i64}} : (!t, !t) -> ()
    return %7 : !t loc(callsite("f":1:2 at unknown))
  }
}
{-# dialect_resources: { builtin: { w: "0x040000000000803F00000040" } } #-}
"#;

#[test]
fn the_corpus_itself_is_sound() {
    for text in corpus() {
        assert!(digest(&text) > 0, "{text}");
    }
}

#[test]
fn truncated_programs() {
    for text in corpus() {
        // About 60 cuts per program, at every kind of place.
        let step = (text.len() / 60).max(1);
        for cut in (0..text.len()).step_by(step) {
            digest(&text[..text.floor_char_boundary(cut)]);
        }
    }
}

/// xorshift, so that a failure is a seed.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }
}

/// A binary file with a few bytes changed, dropped, repeated or replaced by lengths that lie.
pub(crate) fn damaged(bytes: &[u8], seed: u64) -> Vec<u8> {
    const NUMBERS: [&[u8]; 6] = [
        &[0xff],
        &[0x00],
        &[0x01],
        &[0; 9],
        &[0, 255, 255, 255, 255, 255, 255, 255, 127],
        &[0xfe, 0xff],
    ];
    let mut random = Random::new(seed);
    let mut damaged = bytes.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(damaged.len());
        let end = (at + 1 + random.below(9)).min(damaged.len());
        match random.below(6) {
            0 => damaged[at] ^= 1 << random.below(8),
            1 => damaged[at] = u8::try_from(random.below(256)).unwrap(),
            2 => drop(damaged.drain(at..end)),
            3 => {
                let piece = damaged[at..end].to_vec();
                damaged.splice(at..at, piece);
            }
            4 => {
                let number = NUMBERS[random.below(NUMBERS.len())];
                damaged.splice(
                    at..(at + number.len()).min(bytes.len().min(damaged.len())).max(at),
                    number.iter().copied(),
                );
            }
            _ => {
                let from = random.below(damaged.len());
                damaged[at] = damaged[from];
            }
        }
        if damaged.is_empty() {
            damaged.push(0);
        }
    }
    damaged
}

#[test]
fn damage_depends_on_the_seed_alone() {
    let bytes: Vec<u8> = (0..=255).collect();
    let all = |seeds: std::ops::Range<u64>| -> Vec<Vec<u8>> {
        seeds.map(|seed| damaged(&bytes, seed)).collect()
    };
    let (first, second) = (all(1..200), all(1..200));
    assert_eq!(first, second);
    let changed = first.iter().filter(|each| **each != bytes).count();
    assert!(changed > 190, "{changed}");
    // The same damage on every host: a sum over all of it.
    let sum = first.concat().iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, &byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    assert_eq!(sum, 0xd14f_c15a_526f_ef75);
}

/// What fuzzing came to (`docs/testing.md`): branches that no program takes, and what was wrong.
#[test]
fn inputs_that_fuzzing_made() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus/fuzzed");
    let files = |kind: &str| -> Vec<Vec<u8>> {
        let entries = fs::read_dir(folder.join(kind)).unwrap();
        entries.map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect()
    };
    let (binary, texts) = (files("bytecode"), files("text"));
    assert!(binary.len() > 50 && texts.len() > 50, "the corpora are there");
    binary.iter().for_each(|bytes| super::bytecode::digest(bytes));
    for text in texts.iter().filter_map(|text| str::from_utf8(text).ok()) {
        digest(text);
    }
}

#[test]
fn mutated_programs() {
    const PIECES: [&str; 24] = [
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        "<",
        ">",
        ",",
        ":",
        "=",
        "-",
        "->",
        "\"",
        "%0",
        "@main",
        "tensor<2xf32>",
        "-1",
        "99999999999999999999",
        "dense<",
        "0x",
        "^bb0",
        "loc(",
        "\\",
    ];
    for (number, text) in corpus().into_iter().enumerate() {
        for round in 0..60 {
            let seed = (u64::try_from(number).unwrap() + 1) * 1_000_003 + round;
            let mut random = Random::new(seed);
            let mut damaged = text.clone();
            for _ in 0..=random.below(3) {
                let at = damaged.floor_char_boundary(random.below(damaged.len()));
                let end = damaged.floor_char_boundary((at + random.below(12)).min(damaged.len()));
                match random.below(3) {
                    0 => damaged.insert_str(at, PIECES[random.below(PIECES.len())]),
                    1 => damaged.replace_range(at..end, ""),
                    _ => damaged.replace_range(at..end, PIECES[random.below(PIECES.len())]),
                }
            }
            digest(&damaged);
        }
    }
}

#[test]
fn swapped_tokens() {
    for (number, text) in corpus().into_iter().enumerate() {
        let words: Vec<&str> = text.split_inclusive([' ', '\n']).collect();
        for round in 0..40 {
            let seed = (u64::try_from(number).unwrap() + 7) * 7_368_787 + round;
            let mut random = Random::new(seed);
            let mut damaged = words.clone();
            for _ in 0..4 {
                let (a, b) = (random.below(damaged.len()), random.below(damaged.len()));
                damaged.swap(a, b);
            }
            digest(&damaged.concat());
        }
    }
}
