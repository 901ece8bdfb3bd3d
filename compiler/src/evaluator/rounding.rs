//! Rounding of `f64` to the narrower float types, once and to nearest even.
//!
//! Every float op of the evaluator computes in `f64` and rounds its result here. For sum,
//! difference, product, quotient and square root of `bf16`, `f16` and `f32` operands that gives the
//! correctly rounded result, since `f64` has more than twice as many bits plus two.

use half::{bf16, f16};

/// The nearest `bf16`.
pub(super) fn bf16_from_f64(value: f64) -> bf16 {
    bf16_from_f32(round_to_odd(value))
}

/// The nearest `f16`.
pub(super) fn f16_from_f64(value: f64) -> f16 {
    f16::from_f32(round_to_odd(value))
}

/// The value, or the one NaN that arithmetic gives: which sign and payload an operation puts into a
/// NaN is where hosts differ.
pub(super) fn with_one_nan(value: f64) -> f64 {
    const NAN: u64 = 0x7ff8_0000_0000_0000;
    // On integers, since to an optimiser one NaN is as good as another.
    let bits = value.to_bits();
    let magnitude = bits & !(1 << 63);
    f64::from_bits(if magnitude > f64::INFINITY.to_bits() { NAN } else { bits })
}

/// The nearest `bf16`; a NaN stays a NaN with its sign and upper bits.
pub(super) fn bf16_from_f32(value: f32) -> bf16 {
    let bits = value.to_bits();
    let to_even = 0x7fff + (bits >> 16 & 1);
    let rounded = bits.wrapping_add(to_even) >> 16;
    let quiet = bits >> 16 | 0x40;
    let bits = if value.is_nan() { quiet } else { rounded };
    #[expect(clippy::cast_possible_truncation, reason = "the upper half was shifted down")]
    bf16::from_bits(bits as u16)
}

/// The value of a `bf16`.
pub(super) fn bf16_to_f32(value: bf16) -> f32 {
    f32::from_bits(u32::from(value.to_bits()) << 16)
}

/// `value` as `f32`, with the last bit set if anything was cut off.
///
/// Rounding the result once more, to a type with at least two bits less, gives what rounding
/// `value` at once would give: the last bit remembers that the value is not on a boundary.
fn round_to_odd(value: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "the loss is put into the last bit")]
    let nearest = value as f32;
    let back = f64::from(nearest);
    #[expect(clippy::float_cmp, reason = "whether the conversion was exact is the question")]
    let exact = back == value || value.is_nan();
    let away = back.abs() > value.abs();
    let odd = f32::from_bits(nearest.to_bits().wrapping_sub(u32::from(away)) | 1);
    if exact { nearest } else { odd }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "conversions are exact")]

    use super::*;

    #[test]
    fn values_beside_a_tie_are_not_taken_for_it() {
        // 1 + 2^-8 is half way between two bf16 values; the last bit of an f64 decides.
        let tie = 1.0 + 2f64.powi(-8);
        assert_eq!(bf16_from_f64(tie), bf16::from_bits(0x3f80));
        assert_eq!(bf16_from_f64(tie.next_up()), bf16::from_bits(0x3f81));
        assert_eq!(bf16_from_f64(-tie.next_up()), bf16::from_bits(0xbf81));
        assert_eq!(bf16_from_f64(tie.next_down()), bf16::from_bits(0x3f80));
        let tie = 1.0 + 2f64.powi(-11);
        assert_eq!(f16_from_f64(tie), f16::from_bits(0x3c00));
        assert_eq!(f16_from_f64(tie.next_up()), f16::from_bits(0x3c01));
    }

    #[test]
    fn overflow_is_infinite_and_underflow_zero() {
        assert_eq!(bf16_from_f64(1e300), bf16::INFINITY);
        assert_eq!(bf16_from_f64(f64::from(f32::MAX)), bf16::INFINITY);
        assert_eq!(f16_from_f64(65519.99), f16::MAX);
        assert_eq!(f16_from_f64(65520.0), f16::INFINITY);
        assert_eq!(bf16_from_f64(-1e-300).to_bits(), 0x8000);
        // Half of the smallest subnormal is a tie, to zero; anything above it is not.
        assert_eq!(bf16_from_f64(2f64.powi(-134)).to_bits(), 0);
        assert_eq!(bf16_from_f64(2f64.powi(-134).next_up()).to_bits(), 1);
        assert_eq!(f16_from_f64(2f64.powi(-25)).to_bits(), 0);
        assert_eq!(f16_from_f64(2f64.powi(-25).next_up()).to_bits(), 1);
    }

    #[test]
    fn every_value_survives_the_way_to_f64_and_back() {
        for bits in 0..=u16::MAX {
            let value = bf16::from_bits(bits);
            let single = bf16_to_f32(value);
            assert!(single == value.to_f32() || single.is_nan() && value.is_nan(), "{bits:x}");
            let back = bf16_from_f64(f64::from(single));
            assert!(back == value || back.is_nan() && value.is_nan(), "{bits:x}");
            let value = f16::from_bits(bits);
            let back = f16_from_f64(value.to_f64());
            assert!(back == value || back.is_nan() && value.is_nan(), "{bits:x}");
        }
    }

    #[test]
    fn f32_values_round_as_the_half_crate_rounds_them() {
        for n in 0..1_000_000u32 {
            let value = f32::from_bits(n.wrapping_mul(2_654_435_761));
            let (ours, theirs) = (bf16_from_f32(value), bf16::from_f32(value));
            assert_eq!(ours.to_bits(), theirs.to_bits(), "{value}");
        }
    }
}
