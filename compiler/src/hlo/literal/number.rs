//! Numbers to and from the bits of each element type.
//!
//! Every rounding is to nearest, ties to even, done once and in the same way on every host.

use half::{bf16, f16};

use super::super::shape::{ElementClass, ElementType};

/// The number that `bits` mean in `element_type`; 64-bit integers are rounded. Of a complex type
/// they are those of the real part.
pub fn bits_to_f64(element_type: ElementType, bits: u64) -> f64 {
    #![expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "the bits above the type's width are not looked at; 64-bit integers round"
    )]
    match element_type {
        ElementType::F64 | ElementType::C128 => f64::from_bits(bits),
        ElementType::F32 | ElementType::C64 => f64::from(f32::from_bits(bits as u32)),
        ElementType::F16 => f16::from_bits(bits as u16).to_f64(),
        ElementType::BF16 => bf16::from_bits(bits as u16).to_f64(),
        ElementType::S2
        | ElementType::S4
        | ElementType::S8
        | ElementType::S16
        | ElementType::S32
        | ElementType::S64 => sign_extend(bits, element_type.bit_width()) as f64,
        crate::hlo::narrow_floats!() => {
            let format = element_type.float_format().expect("these types have one");
            format.decode(bits & 0xff)
        }
        ElementType::Token => 0.0,
        ElementType::Pred
        | ElementType::U2
        | ElementType::U4
        | ElementType::U8
        | ElementType::U16
        | ElementType::U32
        | ElementType::U64 => bits as f64,
    }
}

/// The bits of the value of `element_type` that is nearest to `value`.
///
/// Integers drop the fraction and saturate, NaN becomes 0; `pred` is "not zero". Of a complex type
/// it is the real part.
pub fn bits_from_f64(element_type: ElementType, value: f64) -> u64 {
    #![expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturating conversion is what `as` does"
    )]
    match element_type {
        ElementType::Pred => u64::from(value != 0.0),
        ElementType::S2 | ElementType::S4 => {
            let half = 1i8 << (element_type.bit_width() - 1);
            let limited = (value as i8).clamp(-half, half - 1);
            u64::from(limited.cast_unsigned() & element_type.byte_mask())
        }
        ElementType::U2 | ElementType::U4 => u64::from((value as u8).min(element_type.byte_mask())),
        crate::hlo::narrow_floats!() => {
            let format = element_type.float_format().expect("these types have one");
            format.encode(value)
        }
        ElementType::Token => 0,
        ElementType::S8 => u64::from((value as i8).cast_unsigned()),
        ElementType::S16 => u64::from((value as i16).cast_unsigned()),
        ElementType::S32 => u64::from((value as i32).cast_unsigned()),
        ElementType::S64 => (value as i64).cast_unsigned(),
        ElementType::U8 => u64::from(value as u8),
        ElementType::U16 => u64::from(value as u16),
        ElementType::U32 => u64::from(value as u32),
        ElementType::U64 => value as u64,
        ElementType::F16 => narrow(value, 5, 10),
        ElementType::BF16 => narrow(value, 8, 7),
        ElementType::F32 | ElementType::C64 => u64::from((value as f32).to_bits()),
        ElementType::F64 | ElementType::C128 => value.to_bits(),
    }
}

/// The bits of an integer in `element_type`: integers wrap, `pred` is "not zero", floats round.
pub fn bits_from_i64(element_type: ElementType, value: i64) -> u64 {
    #![expect(clippy::cast_precision_loss, reason = "rounding to nearest is the contract")]
    let element_type = element_type.part();
    match element_type.class() {
        ElementClass::Pred => u64::from(value != 0),
        ElementClass::Signed | ElementClass::Unsigned => value.cast_unsigned(),
        ElementClass::Token => 0,
        // Directly, since a detour over f64 would round twice.
        ElementClass::Float if element_type == ElementType::F32 => {
            u64::from((value as f32).to_bits())
        }
        ElementClass::Float if element_type == ElementType::F64 => (value as f64).to_bits(),
        ElementClass::Float | ElementClass::Complex => {
            // f64 holds 53 bits: fold the lowest ones into one that keeps ties from appearing.
            let low = value & 0x7ff;
            let folded = if low == 0 { value } else { value - low + 0x400 };
            let wide = value.unsigned_abs() >= 1 << 53;
            bits_from_f64(element_type, (if wide { folded } else { value }) as f64)
        }
    }
}

/// The value of a two's complement number of `width` bits, 1 to 64.
pub fn sign_extend(bits: u64, width: u32) -> i64 {
    let unused = 64 - width;
    (bits << unused).cast_signed() >> unused
}

/// The bits of `value` in an IEEE format with a sign and these fields, of at most 32 bits.
fn narrow(value: f64, exponent_bits: u32, mantissa_bits: u32) -> u64 {
    const FRACTION: u32 = 52;
    let bits = value.to_bits();
    let sign = (bits >> 63) << (exponent_bits + mantissa_bits);
    let infinity = ((1u64 << exponent_bits) - 1) << mantissa_bits;
    let fraction = bits & ((1 << FRACTION) - 1);
    let mut shift = FRACTION - mantissa_bits;
    if value.is_nan() {
        let quiet = 1 << (mantissa_bits - 1);
        return sign | infinity | quiet | (fraction >> shift);
    }
    if value.is_infinite() {
        return sign | infinity;
    }
    // The exponent in the narrow format plus the f64 bias, so that it stays positive.
    let biased = ((bits >> FRACTION) & 0x7ff) + (1 << (exponent_bits - 1)) - 1;
    let exponent = biased.saturating_sub(1023);
    if exponent == 0 {
        // Subnormal: 1 more than the distance below the smallest normal exponent.
        let below = u32::try_from(1024 - biased).unwrap_or(u32::MAX);
        shift = shift.saturating_add(below);
        if shift > FRACTION + 1 {
            return sign;
        }
    }
    let significand = (1 << FRACTION) | fraction;
    let kept = significand >> shift;
    let (rest, half) = (significand & ((1 << shift) - 1), 1u64 << (shift - 1));
    let up = rest > half || (rest == half && kept & 1 == 1);
    // For a normal number, `kept` has the implicit one, which adds 1 to the exponent below it.
    let magnitude = (exponent.saturating_sub(1) << mantissa_bits) + kept + u64::from(up);
    sign | magnitude.min(infinity)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cmp::Ordering;

    use proptest::prelude::*;

    /// The nearest of all finite values and infinity, found by looking at each.
    fn nearest(element_type: ElementType, value: f64) -> u64 {
        let infinity = bits_from_f64(element_type, f64::INFINITY);
        let magnitude = value.abs();
        let read = |bits: u64| {
            // Infinity stands for the value that the next exponent would have.
            let step =
                bits_to_f64(element_type, infinity - 1) - bits_to_f64(element_type, infinity - 2);
            let largest = bits_to_f64(element_type, infinity - 1);
            if bits == infinity { largest + step } else { bits_to_f64(element_type, bits) }
        };
        let (mut low, mut high) = (0, infinity);
        while high - low > 1 {
            let middle = u64::midpoint(low, high);
            if read(middle) <= magnitude { low = middle } else { high = middle }
        }
        let (below, above) = (magnitude - read(low), read(high) - magnitude);
        let bits = match below.total_cmp(&above) {
            Ordering::Less => low,
            Ordering::Equal => low + low % 2,
            Ordering::Greater => high,
        };
        bits | (u64::from(value.is_sign_negative()) << (element_type.bit_width() - 1))
    }

    fn interesting() -> impl Strategy<Value = f64> {
        prop_oneof![
            any::<f32>().prop_map(f64::from),
            (any::<u16>(), -3i32..4).prop_map(|(bits, nudge)| {
                let value = f16::from_bits(bits).to_f64();
                f64::from_bits(value.to_bits().wrapping_add_signed(i64::from(nudge) << 41))
            }),
            (any::<u16>(), -3i32..4).prop_map(|(bits, nudge)| {
                let value = bf16::from_bits(bits).to_f64();
                f64::from_bits(value.to_bits().wrapping_add_signed(i64::from(nudge) << 44))
            }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        #[test]
        fn narrow_floats_are_the_nearest(value in interesting()) {
            for element_type in [ElementType::F16, ElementType::BF16] {
                let bits = bits_from_f64(element_type, value);
                if value.is_nan() {
                    prop_assert!(bits_to_f64(element_type, bits).is_nan());
                } else {
                    prop_assert_eq!(bits, nearest(element_type, value), "{} {}", element_type, value);
                }
            }
        }

        #[test]
        fn integers_become_the_nearest_float(value: i64, shift in 0u32..63) {
            let value = value >> shift;
            let bits = bits_from_i64(ElementType::BF16, value);
            let float = bits_to_f64(ElementType::BF16, bits);
            let exact = |bits: u64| bits_to_f64(ElementType::BF16, bits);
            // bf16 values are exact in i128, so distances are too.
            #[expect(clippy::cast_possible_truncation, reason = "values below 2^64")]
            let distance = |float: f64| (float as i128 - i128::from(value)).unsigned_abs();
            if value != 0 {
                prop_assert!(distance(float) <= distance(exact(bits + 1)));
                prop_assert!(distance(float) <= distance(exact(bits - 1)));
            }
        }
    }

    #[test]
    fn every_narrow_value_is_itself() {
        for element_type in [ElementType::F16, ElementType::BF16] {
            for bits in 0..=u64::from(u16::MAX) {
                let value = bits_to_f64(element_type, bits);
                if !value.is_nan() {
                    assert_eq!(bits_from_f64(element_type, value), bits);
                }
            }
        }
    }

    #[test]
    fn integers_saturate_and_wrap() {
        assert_eq!(bits_from_f64(ElementType::S8, -1e9), 0x80);
        assert_eq!(bits_from_f64(ElementType::U8, 300.0), 255);
        assert_eq!(bits_from_f64(ElementType::S32, f64::NAN), 0);
        assert_eq!(sign_extend(bits_from_i64(ElementType::S8, 300), 8), 44);
        assert_eq!(bits_from_i64(ElementType::Pred, -5), 1);
    }
}
