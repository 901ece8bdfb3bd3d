//! Seeded inputs: arrays made from a seed, the same on every host.
//!
//! Each element is a function of the seed, the argument's number and the element's row-major
//! index alone:
//!
//! ```text
//! key     = splitmix64(seed * 2^32 + number)
//! draw    = splitmix64(key + (index + 1) * 0x9E3779B97F4A7C15) >> 40
//! float   = offset + spread * (draw * 2^-23 - 1)     in f32, then rounded to the type
//! integer = draw mod 8                               small, so that it can be an index
//! pred    = lowest bit of draw
//! complex = the floats of the indices 2 * index and 2 * index + 1
//! ```
//!
//! where `splitmix64` is the finalizer of SplitMix64. `python/export_palm_block.py` has the same
//! generator for bf16. There is no claim of statistical quality beyond "not visibly regular".

use bytemuck::{Pod, cast_slice_mut};
use half::{bf16, f16};
use palmetto_compiler::hlo::{ArrayLiteral, ArrayShape, ElementType};

/// How the floats of an argument are distributed: uniformly in `offset + [-spread, spread)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distribution {
    /// The middle.
    pub offset: f32,
    /// Half the width.
    pub spread: f32,
}

/// What arguments get when nobody said otherwise: [-1, 1).
pub const UNIT: Distribution = Distribution { offset: 0.0, spread: 1.0 };

const GOLDEN_GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;
/// Integers are below this.
const INTEGER_RANGE: u32 = 8;

/// The value of argument `number` for `seed`.
pub fn literal(
    seed: u32,
    number: u32,
    shape: &ArrayShape,
    distribution: Distribution,
) -> ArrayLiteral {
    let key = splitmix64((u64::from(seed) << 32) + u64::from(number));
    let Distribution { offset, spread } = distribution;
    let float = |draw: u32| offset + spread * unit(draw);
    let integer = |draw: u32| draw % INTEGER_RANGE;
    let byte = |draw: u32| integer(draw).to_le_bytes()[0];
    let mut literal = ArrayLiteral::zeros(shape);
    let to = literal.bytes_mut();
    match shape.element_type() {
        ElementType::Pred => fill(to, key, |draw| draw.to_le_bytes()[0] & 1),
        ElementType::S8 | ElementType::U8 => fill(to, key, byte),
        ElementType::S16 | ElementType::U16 => fill(to, key, |draw| u16::from(byte(draw))),
        ElementType::S32 | ElementType::U32 => fill(to, key, integer),
        ElementType::S64 | ElementType::U64 => fill(to, key, |draw| u64::from(integer(draw))),
        ElementType::F16 => fill(to, key, |draw| f16::from_f32(float(draw))),
        ElementType::BF16 => fill(to, key, |draw| bf16::from_f32(float(draw))),
        ElementType::F32 | ElementType::C64 => fill(to, key, float),
        ElementType::F64 | ElementType::C128 => fill(to, key, |draw| f64::from(float(draw))),
    }
    literal
}

fn fill<T: Pod>(to: &mut [u8], key: u64, element: impl Fn(u32) -> T) {
    let mut counter = key;
    for slot in cast_slice_mut::<u8, T>(to) {
        counter = counter.wrapping_add(GOLDEN_GAMMA);
        *slot = element(draw(counter));
    }
}

/// The highest 24 bits of the mixed counter.
fn draw(counter: u64) -> u32 {
    u32::try_from(splitmix64(counter) >> 40).expect("24 bits are left")
}

/// 24 bits as a number in [-1, 1), exactly.
fn unit(draw: u32) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "24 bits fit the significand")]
    let value = draw as f32;
    value * (1.0 / 8_388_608.0) - 1.0
}

fn splitmix64(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use palmetto_compiler::hlo::ElementClass;

    fn shape(element_type: ElementType, dimensions: &[usize]) -> ArrayShape {
        ArrayShape::new(element_type, dimensions.to_vec()).expect("a small shape")
    }

    #[test]
    fn the_values_are_those_of_the_python_generator() {
        // Printed by `seeded(540, 3, Argument((4,), 1.0, 0.25))` of python/export_palm_block.py.
        let distribution = Distribution { offset: 1.0, spread: 0.25 };
        let made = literal(540, 3, &shape(ElementType::BF16, &[4]), distribution);
        let expected = [1.0390625, 1.15625, 0.984375, 0.96875].map(bf16::from_f32);
        assert_eq!(made.as_slice::<bf16>().expect("bf16"), expected);
    }

    #[test]
    fn every_type_is_in_its_range() {
        for &element_type in ElementType::ALL {
            let made = literal(7, 0, &shape(element_type, &[5, 100]), UNIT);
            let values: Vec<f64> = (0..500).map(|n| made.get_f64(n)).collect();
            let low = values.iter().copied().fold(f64::INFINITY, f64::min);
            let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let (least, most) = match element_type.class() {
                ElementClass::Pred => (0.0, 1.0),
                ElementClass::Float | ElementClass::Complex => (-1.0, 1.0),
                ElementClass::Signed | ElementClass::Unsigned => (0.0, 7.0),
            };
            assert!(least <= low && high <= most && low < high, "{element_type}: {low}..{high}");
        }
    }

    #[test]
    fn arguments_and_seeds_differ() {
        let shape = shape(ElementType::U32, &[64]);
        let all = [(1, 0), (1, 1), (2, 0), (0, 1)].map(|(s, n)| literal(s, n, &shape, UNIT));
        assert!((0..4).all(|i| (0..i).all(|j| all[i] != all[j])));
    }
}
