//! The size of one rounding error.

use palmetto_compiler::hlo::ElementType;

/// Digits of the significand, the leading one included, and the exponent of the smallest normal
/// number. `None` for types that do not round.
fn format(element_type: ElementType) -> Option<(i32, i32)> {
    match element_type {
        ElementType::BF16 => Some((8, -126)),
        ElementType::F16 => Some((11, -14)),
        ElementType::F32 | ElementType::C64 => Some((24, -126)),
        ElementType::F64 | ElementType::C128 => Some((53, -1022)),
        ElementType::Pred
        | ElementType::S8
        | ElementType::S16
        | ElementType::S32
        | ElementType::S64
        | ElementType::U8
        | ElementType::U16
        | ElementType::U32
        | ElementType::U64 => None,
    }
}

/// The distance of neighbouring numbers around `value`; 0 for types that do not round.
pub(super) fn ulp(element_type: ElementType, value: f64) -> f64 {
    let Some((digits, least)) = format(element_type) else { return 0.0 };
    if !value.is_finite() {
        return 0.0;
    }
    let exponent = exponent(value).max(least);
    f64::from(2.0_f32).powi(exponent - digits + 1)
}

/// Relative rounding error of the type: half the distance of neighbours around 1.
pub(super) fn unit(element_type: ElementType) -> f64 {
    ulp(element_type, 1.0) / 2.0
}

/// Does every value of `narrow` have the same value in `wide`?
pub(super) fn holds(wide: ElementType, narrow: ElementType) -> bool {
    match (format(wide), format(narrow)) {
        (Some(wide), Some(narrow)) => wide.0 >= narrow.0 && wide.1 <= narrow.1,
        (Some(wide), None) => i64::from(narrow.bit_width()) <= i64::from(wide.0),
        (None, Some(_) | None) => false,
    }
}

/// The standard deviation of the difference of two roundings to a grid of this distance, each off
/// by up to half of it, uniformly: variance 2 d^2 / 12.
pub(super) fn deviation(distance: f64) -> f64 {
    distance / 6.0_f64.sqrt()
}

/// The power of two below the magnitude; very small for 0.
fn exponent(value: f64) -> i32 {
    let bits = i32::try_from((value.to_bits() >> 52) & 0x7ff).expect("eleven bits");
    bits - 1023
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ulps_are_the_distance_to_the_next_number() {
        for value in [1.0_f32, 1.5, 2.0, 3.75e-3, 7e20, f32::MIN_POSITIVE, 0.0] {
            let next = f32::from_bits(value.to_bits() + 1);
            let distance = f64::from(next) - f64::from(value);
            assert!(
                (ulp(ElementType::F32, value.into()) - distance).abs() < f64::EPSILON * distance
            );
        }
        assert!((unit(ElementType::BF16) - 0.00390625).abs() < f64::EPSILON);
        assert!((ulp(ElementType::S32, 5.0)).abs() < f64::EPSILON);
    }

    #[test]
    fn wider_types_hold_narrower_ones() {
        use ElementType::{BF16, F16, F32, Pred, S16, S32, U16};
        assert!(holds(F32, BF16) && holds(F32, F16) && holds(F32, S16) && holds(F32, Pred));
        assert!(!holds(BF16, F16) && !holds(F16, BF16) && !holds(F32, S32) && !holds(S32, U16));
    }
}
