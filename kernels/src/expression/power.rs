//! Powers, and exponential and logarithm near zero and one, of f32; powers of integers.
//!
//! Errors, in units in the last place of the result: [`exponential_minus_one`] 4, [`log_plus_one`]
//! 3, [`cube_root`] 1, [`power`] 1 but up to 5 where the exponent is large.

use super::{
    arithmetic::abs_float,
    polynomial::{Double, polynomial, product, sum, sum_of_ordered},
    transcendental::{divide, divisor, exponential, log},
};
use crate::{
    element::{Class, Element},
    llo::{Builder, M, V},
};
use std::f32::consts::LOG2_E;

/// `e^x - 1`. After W. Kahan: the error of `u = e^x` cancels in `(u - 1) x / ln u`.
pub(super) fn exponential_minus_one(b: &mut Builder, x: V) -> V {
    let power = exponential(b, x, Element::F32);
    let (one, minus_one, infinity) = (b.f32(1.0), b.f32(-1.0), b.f32(f32::INFINITY));
    let less = b.vsub_f32(power, one);
    let log = log(b, power);
    let by = divisor(b, log, Element::F32);
    let correction = divide(b, x, by);
    let value = b.vmul_f32(less, correction);
    let is_one = b.vcmp_eq_f32(power, one);
    let value = b.vsel(is_one, x, value);
    let is_minus_one = b.vcmp_eq_f32(less, minus_one);
    let value = b.vsel(is_minus_one, minus_one, value);
    let is_infinite = b.vcmp_eq_f32(power, infinity);
    b.vsel(is_infinite, infinity, value)
}

/// `ln (1 + x)`, in the same way: the error of `u = 1 + x` cancels in `x ln u / (u - 1)`.
pub(super) fn log_plus_one(b: &mut Builder, x: V) -> V {
    let (one, infinity) = (b.f32(1.0), b.f32(f32::INFINITY));
    let more = b.vadd_f32(x, one);
    let log = log(b, more);
    let less = b.vsub_f32(more, one);
    let by = divisor(b, less, Element::F32);
    let correction = divide(b, x, by);
    let value = b.vmul_f32(log, correction);
    let is_one = b.vcmp_eq_f32(more, one);
    let value = b.vsel(is_one, x, value);
    let is_infinite = b.vcmp_eq_f32(more, infinity);
    b.vsel(is_infinite, infinity, value)
}

/// The cube root.
pub(super) fn cube_root(b: &mut Builder, x: V) -> V {
    let magnitude = abs_float(b, x);
    let is_own_root = is_zero_or_not_finite(b, magnitude);
    let one = b.f32(1.0);
    let safe = b.vsel(is_own_root, one, magnitude);
    let log = log2(b, safe);
    let third = b.f32(1.0 / 3.0);
    #[expect(clippy::cast_possible_truncation, reason = "the rest of the constant, rounded once")]
    let third_rest = b.f32((1.0 / 3.0 - f64::from(1f32 / 3.0)) as f32);
    let mut exponent = product(b, log.high, third);
    for (x, y) in [(log.high, third_rest), (log.low, third)] {
        let part = b.vmul_f32(x, y);
        exponent.low = b.vadd_f32(exponent.low, part);
    }
    let root = exp2(b, exponent);
    let sign = b.bits(0x8000_0000);
    let sign = b.vand(x, sign);
    let root = b.vor(root, sign);
    b.vsel(is_own_root, x, root)
}

fn is_zero_or_not_finite(b: &mut Builder, magnitude: V) -> M {
    let (zero, infinity) = (b.f32(0.0), b.f32(f32::INFINITY));
    let is_zero = b.vcmp_eq_f32(magnitude, zero);
    let is_finite = b.vcmp_lt_f32(magnitude, infinity);
    let is_not_finite = b.vmnot(is_finite);
    b.vmor(is_zero, is_not_finite)
}

/// The binary logarithm of a positive finite number. With `m` between the roots of 1/2 and 2 and
/// `s = (m - 1) / (m + 1)`, `ln m = 2 atanh s`, whose first term is much larger than the rest.
fn log2(b: &mut Builder, x: V) -> Double {
    let (tiny, up, shift) = (b.f32(2f32.powi(-100)), b.f32(2f32.powi(64)), b.f32(-64.0));
    let (one, zero) = (b.f32(1.0), b.f32(0.0));
    let is_tiny = b.vcmp_lt_f32(x, tiny);
    let scaled = b.vmul_f32(x, up);
    let x = b.vsel(is_tiny, scaled, x);
    let (root_half, to_exponent) = (b.bits(0x3f35_04f3), b.bits(23));
    let above = b.vsub_s32(x, root_half);
    let exponent = b.vsra(above, to_exponent);
    let exponent_bits = b.vshl(exponent, to_exponent);
    let mantissa = b.vsub_s32(x, exponent_bits);
    let exponent = b.vcvt_f32_s32(exponent);
    let shift = b.vsel(is_tiny, shift, zero);
    let exponent = b.vadd_f32(exponent, shift);
    let (less, more) = (b.vsub_f32(mantissa, one), sum(b, mantissa, one));
    let by = divisor(b, more.high, Element::F32);
    let ratio = divide(b, less, by);
    // What the quotient leaves of the dividend, divided again.
    let whole = product(b, ratio, more.high);
    let mut rest = b.vsub_f32(less, whole.high);
    rest = b.vsub_f32(rest, whole.low);
    let of_low = b.vmul_f32(ratio, more.low);
    rest = b.vsub_f32(rest, of_low);
    b.eup_rcp(more.high);
    let reciprocal = b.eup_pop();
    let ratio_low = b.vmul_f32(rest, reciprocal);
    let natural = twice_atanh(b, Double { high: ratio, low: ratio_low });
    // To base 2.
    let log2_e = b.f32(LOG2_E);
    #[expect(clippy::cast_possible_truncation, reason = "the rest of the constant, rounded once")]
    let log2_e_rest = b.f32((std::f64::consts::LOG2_E - f64::from(LOG2_E)) as f32);
    let mut log = product(b, natural.high, log2_e);
    for (x, y) in [(natural.high, log2_e_rest), (natural.low, log2_e)] {
        let part = b.vmul_f32(x, y);
        log.low = b.vadd_f32(log.low, part);
    }
    let total = sum(b, exponent, log.high);
    let low = b.vadd_f32(total.low, log.low);
    sum_of_ordered(b, total.high, low)
}

/// `2 atanh s = 2 s + s (2/3 s^2 + 2/5 s^4 + ...)`, for `s` of at most 0.172.
fn twice_atanh(b: &mut Builder, s: Double) -> Double {
    let square = b.vmul_f32(s.high, s.high);
    let terms = [2.0 / 3.0, 2.0 / 5.0, 2.0 / 7.0, 2.0 / 9.0, 2.0 / 11.0, 2.0 / 13.0, 2.0 / 15.0];
    let series = polynomial(b, square, &terms);
    let series = b.vmul_f32(series, square);
    let tail = b.vmul_f32(series, s.high);
    let two = b.f32(2.0);
    let low = b.vmul_f32(s.low, two);
    let tail = b.vadd_f32(tail, low);
    let leading = b.vmul_f32(s.high, two);
    sum_of_ordered(b, leading, tail)
}

/// `2^x`; infinite or 0 far outside of the exponents of f32.
fn exp2(b: &mut Builder, x: Double) -> V {
    let (low, high, half) = (b.f32(-300.0), b.f32(300.0), b.f32(0.5));
    let bounded = b.vmax_f32(x.high, low);
    let bounded = b.vmin_f32(bounded, high);
    let (zero, is_inside) = (b.f32(0.0), b.vcmp_eq_f32(bounded, x.high));
    let rest = b.vsel(is_inside, x.low, zero);
    let whole = b.vround_f32(bounded);
    let fraction = b.vsub_f32(bounded, whole);
    let fraction = b.vadd_f32(fraction, rest);
    // The power of two in two factors: either is a normal number.
    let first = b.vmul_f32(whole, half);
    let first = b.vround_f32(first);
    let second = b.vsub_f32(whole, first);
    for part in [fraction, first, second] {
        b.eup_exp2(part);
    }
    let [value, first, second] = [0; 3].map(|_| b.eup_pop());
    let value = b.vmul_f32(value, first);
    b.vmul_f32(value, second)
}

/// `x` to the power of `y`, with the special values of IEEE 754's `pow`.
pub(super) fn power(b: &mut Builder, x: V, y: V) -> V {
    let magnitude = abs_float(b, x);
    let is_special = is_zero_or_not_finite(b, magnitude);
    let one = b.f32(1.0);
    let safe = b.vsel(is_special, one, magnitude);
    let log = log2(b, safe);
    // Exponents that large give 0, 1 or infinity in any case.
    let (low, high) = (b.f32(-1e30), b.f32(1e30));
    let bounded = b.vmax_f32(y, low);
    let bounded = b.vmin_f32(bounded, high);
    let mut exponent = product(b, log.high, bounded);
    let part = b.vmul_f32(log.low, bounded);
    exponent.low = b.vadd_f32(exponent.low, part);
    let value = exp2(b, exponent);
    special_powers(b, (x, magnitude, y), value)
}

/// `value` where neither operand is special, else the power of the special values.
fn special_powers(b: &mut Builder, (x, magnitude, y): (V, V, V), value: V) -> V {
    let (zero, one, infinity) = (b.f32(0.0), b.f32(1.0), b.f32(f32::INFINITY));
    let is_falling = b.vcmp_lt_f32(y, zero);
    let of_zero = b.vsel(is_falling, infinity, zero);
    let of_infinity = b.vsel(is_falling, zero, infinity);
    let is_zero = b.vcmp_eq_f32(magnitude, zero);
    let is_infinite = b.vcmp_eq_f32(magnitude, infinity);
    let value = b.vsel(is_zero, of_zero, value);
    let value = b.vsel(is_infinite, of_infinity, value);
    let exponent_size = abs_float(b, y);
    let is_endless = b.vcmp_eq_f32(exponent_size, infinity);
    let is_large = b.vcmp_lt_f32(one, magnitude);
    let is_rising = b.vcmp_lt_f32(zero, y);
    let shrinks = b.vmxor(is_large, is_rising);
    let endless = b.vsel(shrinks, zero, infinity);
    let is_unit = b.vcmp_eq_f32(magnitude, one);
    let endless = b.vsel(is_unit, one, endless);
    let value = b.vsel(is_endless, endless, value);
    // Signs: odd powers keep it, powers that are not whole numbers have none.
    let (is_whole, is_odd) = whole_and_odd(b, y);
    let (sign, none) = (b.bits(0x8000_0000), b.bits(0));
    let x_sign = b.vand(x, sign);
    let sign = b.vsel(is_odd, x_sign, none);
    let value = b.vor(value, sign);
    let is_below = b.vcmp_lt_f32(x, zero);
    let is_defined = b.vmor(is_whole, is_infinite);
    let is_undefined = b.vmnot(is_defined);
    let is_undefined = b.vmand(is_below, is_undefined);
    let is_number = b.vcmp_eq_f32(x, x);
    let is_exponent = b.vcmp_eq_f32(y, y);
    let are_numbers = b.vmand(is_number, is_exponent);
    let is_no_number = b.vmnot(are_numbers);
    let is_undefined = b.vmor(is_undefined, is_no_number);
    let nan = b.f32(f32::NAN);
    let value = b.vsel(is_undefined, nan, value);
    let is_nothing = b.vcmp_eq_f32(y, zero);
    let is_one = b.vcmp_eq_f32(x, one);
    let is_always_one = b.vmor(is_nothing, is_one);
    b.vsel(is_always_one, one, value)
}

/// Where `y` is a whole number (infinities are), and where it is an odd one.
fn whole_and_odd(b: &mut Builder, y: V) -> (M, M) {
    let half = b.f32(0.5);
    let rounded = b.vround_f32(y);
    let is_whole = b.vcmp_eq_f32(rounded, y);
    let halved = b.vmul_f32(y, half);
    let rounded = b.vround_f32(halved);
    let is_half_whole = b.vcmp_eq_f32(rounded, halved);
    let is_no_half = b.vmnot(is_half_whole);
    (is_whole, b.vmand(is_whole, is_no_half))
}

/// Integers of a type to integer powers, wrapping; a negative power is 1 by the positive one,
/// rounded to zero.
pub(super) fn integer(b: &mut Builder, base: V, exponent: V, element: Element) -> V {
    let is_signed = element.class() == Class::Signed;
    let (zero, one) = (b.i32(0), b.i32(1));
    let bits = 32 / element.packing() - usize::from(is_signed);
    let (mut result, mut square) = (one, base);
    for bit in 0..bits {
        if bit > 0 {
            square = b.vmul_s32(square, square);
        }
        let mask = b.bits(1 << bit);
        let digit = b.vand(exponent, mask);
        let is_set = b.vcmp_ne_s32(digit, zero);
        let product = b.vmul_s32(result, square);
        result = b.vsel(is_set, product, result);
    }
    if !is_signed {
        return result;
    }
    // 1 and -1 have the same powers either way.
    let negative = b.vsub_s32(zero, base);
    let size = b.vmax_s32(base, negative);
    let is_unit = b.vcmp_eq_s32(size, one);
    let of_negative = b.vsel(is_unit, result, zero);
    let is_negative = b.vcmp_lt_s32(exponent, zero);
    b.vsel(is_negative, of_negative, result)
}
