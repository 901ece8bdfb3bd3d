//! `rng-bit-generator`: bits from a counter, the same ones as XLA's on other back ends.
//!
//! The state is a key of 64 bits and a counter of 64 or, for Philox with `u64[3]`, 128 bits. With
//! `u64[2]`, the upper half of Philox's counter is the key. The result's counter is the next one
//! that was not used.
//!
//! * Threefry gives two words per counter. 64-bit elements are one pair each, the low word first.
//!   Of other types, the two elements of a pair are neighbours along the first dimension of even
//!   size, or, if all are odd, along the first of the largest ones (whose last pair is cut then).
//! * Philox gives four words per counter, for elements in row-major order.
//!
//! Narrow elements are the low bits of a word. `default` is Philox.

#![expect(
    clippy::cast_possible_truncation,
    reason = "words are cut from wider numbers, and array sizes are far below 2^64"
)]

use rayon::prelude::*;

use crate::hlo::{ArrayLiteral, ArrayShape, Literal, RandomAlgorithm};

/// The state after, and the array of bits of this shape.
pub(super) fn generate(
    algorithm: RandomAlgorithm,
    state: &ArrayLiteral,
    output: &ArrayShape,
) -> Literal {
    let words: Vec<u64> = (0..state.element_count()).map(|n| state.bits(n)).collect();
    let mut next = state.clone();
    let bits = match algorithm {
        RandomAlgorithm::ThreeFry => {
            let (count, bits) = threefry_bits([words[0], words[1]], output);
            next.set_bits(1, words[1].wrapping_add(count));
            bits
        }
        RandomAlgorithm::Default | RandomAlgorithm::Philox => {
            let upper = words.get(2).copied().unwrap_or(words[0]);
            let counter = u128::from(upper) << 64 | u128::from(words[1]);
            let (count, bits) = philox_bits(words[0], counter, output);
            let counter = counter.wrapping_add(count.into());
            next.set_bits(1, counter as u64);
            if words.len() > 2 {
                next.set_bits(2, (counter >> 64) as u64);
            }
            bits
        }
    };
    Literal::Tuple(vec![next.into(), bits.into()])
}

/// The array whose elements are the low bits of `bits`.
fn filled(shape: &ArrayShape, bits: impl Fn(u64) -> u64 + Sync) -> ArrayLiteral {
    let size = shape.element_type().byte_size();
    let mut bytes = vec![0; shape.byte_size()];
    bytes.par_chunks_mut(size).enumerate().for_each(|(n, to)| {
        to.copy_from_slice(&bits(n as u64).to_le_bytes()[..size]);
    });
    ArrayLiteral::from_bytes(shape.clone(), &bytes).expect("the bytes are those of the shape")
}

fn halves(value: u64) -> [u32; 2] {
    [value as u32, (value >> 32) as u32]
}

fn joined([low, high]: [u32; 2]) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

/// How many counters were used, and the bits.
fn threefry_bits([key, counter]: [u64; 2], shape: &ArrayShape) -> (u64, ArrayLiteral) {
    let pair = |block: u64| threefry(halves(key), halves(counter.wrapping_add(block)));
    if shape.element_type().bit_width() == 64 {
        let bits = filled(shape, |element| joined(pair(element)));
        return (shape.element_count() as u64, bits);
    }
    let Some(split) = RandomAlgorithm::paired_dimension(shape.dimensions()) else {
        return (1, filled(shape, |_| pair(0)[0].into()));
    };
    let (outer, rest) = shape.dimensions().split_at(split);
    let (size, inner) = (rest[0] as u64, rest[1..].iter().product::<usize>() as u64);
    let half = size.div_ceil(2);
    let bits = filled(shape, |element| {
        let (row, place) = (element / inner / size, element / inner % size);
        let block = (row * half + place / 2) * inner + element % inner;
        pair(block)[(place % 2) as usize].into()
    });
    (outer.iter().product::<usize>() as u64 * half * inner, bits)
}

/// The Threefry-2x32 function of a counter.
fn threefry(key: [u32; 2], counter: [u32; 2]) -> [u32; 2] {
    const ROTATIONS: [[u32; 4]; 2] = [[13, 15, 26, 6], [17, 29, 16, 24]];
    let keys = [key[0], key[1], key[0] ^ key[1] ^ 0x1bd1_1bda];
    let [mut a, mut b] = [counter[0].wrapping_add(keys[0]), counter[1].wrapping_add(keys[1])];
    for group in 0..5 {
        for rotation in ROTATIONS[group % 2] {
            a = a.wrapping_add(b);
            b = b.rotate_left(rotation) ^ a;
        }
        a = a.wrapping_add(keys[(group + 1) % 3]);
        b = b.wrapping_add(keys[(group + 2) % 3]).wrapping_add(group as u32 + 1);
    }
    [a, b]
}

/// How many counters were used, and the bits.
fn philox_bits(key: u64, counter: u128, shape: &ArrayShape) -> (u64, ArrayLiteral) {
    let block = |block: u64| {
        let counter = counter.wrapping_add(block.into());
        let words = [0, 32, 64, 96].map(|shift| (counter >> shift) as u32);
        philox(halves(key), words)
    };
    let count = shape.element_count() as u64;
    if shape.element_type().bit_width() == 64 {
        let bits = filled(shape, |element| {
            let [a, b, c, d] = block(element / 2);
            joined(if element % 2 == 0 { [a, b] } else { [c, d] })
        });
        return (count.div_ceil(2), bits);
    }
    let bits = filled(shape, |element| block(element / 4)[(element % 4) as usize].into());
    (count.div_ceil(4), bits)
}

/// The Philox-4x32 function of a counter.
fn philox(mut key: [u32; 2], mut words: [u32; 4]) -> [u32; 4] {
    for round in 0..10 {
        if round > 0 {
            key = [key[0].wrapping_add(0x9e37_79b9), key[1].wrapping_add(0xbb67_ae85)];
        }
        let first = halves(u64::from(words[0]) * 0xd251_1f53);
        let second = halves(u64::from(words[2]) * 0xcd9e_8d57);
        words = [second[1] ^ words[1] ^ key[0], second[0], first[1] ^ words[3] ^ key[1], first[0]];
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the authors' test vectors of these functions.
    #[test]
    fn known_answers() {
        assert_eq!(threefry([0, 0], [0, 0]), [0x6b20_0159, 0x99ba_4efe]);
        assert_eq!(threefry([u32::MAX; 2], [u32::MAX; 2]), [0x1cb9_96fc, 0xbb00_2be7]);
        assert_eq!(philox([0, 0], [0; 4]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(
            philox([u32::MAX; 2], [u32::MAX; 4]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
    }
}
