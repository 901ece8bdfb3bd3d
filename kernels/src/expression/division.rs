//! Division of integers, by reciprocals of f32.

use super::trigonometry::high_product;
use crate::llo::{Builder, V};

/// The quotient and the remainder of two unsigned words; all ones and the dividend if the divisor
/// is 0.
pub(super) fn unsigned(b: &mut Builder, dividend: V, divisor: V) -> [V; 2] {
    // 2^32 / divisor, from below: the factor is so much smaller that rounding does not get above.
    let as_float = b.vcvt_f32_u32(divisor);
    b.eup_rcp(as_float);
    let (reciprocal, scale) = (b.eup_pop(), b.f32(4_294_966_784.0));
    let reciprocal = b.vmul_f32(reciprocal, scale);
    let reciprocal = b.vcvt_u32_f32(reciprocal);
    // One step of Newton's method.
    let zero = b.i32(0);
    let negative = b.vsub_s32(zero, divisor);
    let error = b.vmul_s32(negative, reciprocal);
    let correction = high_product(b, reciprocal, error);
    let reciprocal = b.vadd_s32(reciprocal, correction);
    let mut quotient = high_product(b, dividend, reciprocal);
    let product = b.vmul_s32(quotient, divisor);
    let mut remainder = b.vsub_s32(dividend, product);
    // It may still be too small by two.
    let one = b.i32(1);
    for _ in 0..2 {
        let fits = b.vcmp_le_u32(divisor, remainder);
        let (next, less) = (b.vadd_s32(quotient, one), b.vsub_s32(remainder, divisor));
        quotient = b.vsel(fits, next, quotient);
        remainder = b.vsel(fits, less, remainder);
    }
    let (is_zero, ones) = (b.vcmp_eq_s32(divisor, zero), b.i32(-1));
    [b.vsel(is_zero, ones, quotient), b.vsel(is_zero, dividend, remainder)]
}

/// The quotient, rounded to zero, and the remainder, with the sign of the dividend, of two signed
/// words; -1 and the dividend if the divisor is 0. The smallest number divided by -1 is itself.
pub(super) fn signed(b: &mut Builder, dividend: V, divisor: V) -> [V; 2] {
    let zero = b.i32(0);
    let [dividend_size, divisor_size] = [dividend, divisor].map(|value| {
        let negative = b.vsub_s32(zero, value);
        b.vmax_s32(value, negative)
    });
    let [quotient, remainder] = unsigned(b, dividend_size, divisor_size);
    let differ = b.vxor(dividend, divisor);
    let is_negative = b.vcmp_lt_s32(differ, zero);
    let negated = b.vsub_s32(zero, quotient);
    let quotient = b.vsel(is_negative, negated, quotient);
    let is_below = b.vcmp_lt_s32(dividend, zero);
    let negated = b.vsub_s32(zero, remainder);
    let remainder = b.vsel(is_below, negated, remainder);
    let (is_zero, minus_one) = (b.vcmp_eq_s32(divisor, zero), b.i32(-1));
    [b.vsel(is_zero, minus_one, quotient), b.vsel(is_zero, dividend, remainder)]
}
