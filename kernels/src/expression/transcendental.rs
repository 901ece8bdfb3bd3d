//! Functions that need the EUP, which is fast for a few functions of f32 and exact to half an ulp.
//!
//! Errors, in units in the last place of the result: [`exponential`] 2 (f32), [`log`] 2, [`sqrt`]
//! 1.5, [`rsqrt`] and [`tanh`] 0.5, [`logistic`] 3 (f32), [`divide`] 0.5 but for rare cases (f32).
//! For bf16 and f16 results a shorter form is used whose error before rounding is below 2^-16 of
//! the value, so the rounded result is off by at most one unit.

use super::arithmetic::abs_float;
use crate::{
    element::Element,
    llo::{Builder, V},
};
use std::f32::consts::{LN_2, LOG2_E};

/// e to the power of `x`.
pub(super) fn exponential(b: &mut Builder, x: V, result: Element) -> V {
    if result != Element::F32 {
        let log2_e = b.f32(LOG2_E);
        let power = b.vmul_f32(x, log2_e);
        b.eup_exp2(power);
        return b.eup_pop();
    }
    // x = n ln 2 + r, so e^x = 2^n 2^(r / ln 2), with n ln 2 in two parts: the product of n and the
    // upper part, which has trailing zeros, is exact.
    let (low, high) = (b.f32(-104.0), b.f32(89.0));
    let x = b.vmax_f32(x, low);
    let x = b.vmin_f32(x, high);
    let log2_e = b.f32(LOG2_E);
    let n = b.vmul_f32(x, log2_e);
    let n = b.vround_f32(n);
    let (ln2_high, ln2_low) = (b.f32(f32::from_bits(0x3f31_7200)), b.f32(1.428_606_8e-6));
    let part = b.vmul_f32(n, ln2_high);
    let r = b.vsub_f32(x, part);
    let part = b.vmul_f32(n, ln2_low);
    let r = b.vsub_f32(r, part);
    let fraction = b.vmul_f32(r, log2_e);
    b.eup_exp2(fraction);
    let n = b.vcvt_s32_f32(n);
    let value = b.eup_pop();
    // In two steps, so that results below the smallest normal number and overflows come out right.
    let one = b.i32(1);
    let half = b.vsra(n, one);
    let rest = b.vsub_s32(n, half);
    let value = scale(b, value, half);
    scale(b, value, rest)
}

/// `value` times 2 to the power of the integer `n`, -126 <= n <= 127.
fn scale(b: &mut Builder, value: V, n: V) -> V {
    let (bias, mantissa_bits) = (b.i32(127), b.i32(23));
    let exponent = b.vadd_s32(n, bias);
    let power = b.vshl(exponent, mantissa_bits);
    b.vmul_f32(value, power)
}

/// The natural logarithm.
pub(super) fn log(b: &mut Builder, x: V) -> V {
    b.eup_log2(x);
    let log2 = b.eup_pop();
    let ln_2 = b.f32(LN_2);
    b.vmul_f32(log2, ln_2)
}

/// `1 / (1 + e^-x)`.
pub(super) fn logistic(b: &mut Builder, x: V, result: Element) -> V {
    let sign = b.bits(0x8000_0000);
    let negated = b.vxor(x, sign);
    let power = exponential(b, negated, result);
    let one = b.f32(1.0);
    let sum = b.vadd_f32(power, one);
    b.eup_rcp(sum);
    b.eup_pop()
}

/// `1 / sqrt(x)`.
pub(super) fn rsqrt(b: &mut Builder, x: V) -> V {
    b.eup_rsqrt(x);
    b.eup_pop()
}

/// The square root: `x rsqrt(x)`, but 0 and infinity are their own roots.
pub(super) fn sqrt(b: &mut Builder, x: V) -> V {
    let root = rsqrt(b, x);
    let product = b.vmul_f32(x, root);
    let (zero, infinity) = (b.f32(0.0), b.f32(f32::INFINITY));
    let is_zero = b.vcmp_eq_f32(x, zero);
    let is_infinite = b.vcmp_eq_f32(x, infinity);
    let is_own_root = b.vmor(is_zero, is_infinite);
    b.vsel(is_own_root, x, product)
}

/// The hyperbolic tangent.
pub(super) fn tanh(b: &mut Builder, x: V) -> V {
    b.eup_tanh(x);
    b.eup_pop()
}

/// `x / y`.
pub(super) fn divide(b: &mut Builder, x: V, y: V, result: Element) -> V {
    if result != Element::F32 {
        b.eup_rcp(y);
        let reciprocal = b.eup_pop();
        return b.vmul_f32(x, reciprocal);
    }
    // The reciprocal of a very large or very small divisor is not a normal number: scale it.
    let magnitude = abs_float(b, y);
    let (large, small) = (b.f32(2f32.powi(120)), b.f32(2f32.powi(-100)));
    let (down, up, one) = (b.f32(2f32.powi(-32)), b.f32(2f32.powi(32)), b.f32(1.0));
    let is_large = b.vcmp_lt_f32(large, magnitude);
    let is_small = b.vcmp_lt_f32(magnitude, small);
    let factor = b.vsel(is_small, up, one);
    let factor = b.vsel(is_large, down, factor);
    let y = b.vmul_f32(y, factor);
    b.eup_rcp(y);
    let reciprocal = b.eup_pop();
    let quotient = b.vmul_f32(x, reciprocal);
    let error = residual(b, x, quotient, y);
    let correction = b.vmul_f32(error, reciprocal);
    let better = b.vadd_f32(quotient, correction);
    // Where the residual is no number (zero or infinite divisors and results) the quotient stands.
    let infinity = b.f32(f32::INFINITY);
    let size = abs_float(b, better);
    let is_finite = b.vcmp_lt_f32(size, infinity);
    let quotient = b.vsel(is_finite, better, quotient);
    b.vmul_f32(quotient, factor)
}

/// `x - q y`, without rounding but for the last digit: the factors are split in halves whose
/// products are exact.
fn residual(b: &mut Builder, x: V, q: V, y: V) -> V {
    let upper = b.bits(0xffff_f000);
    let (q_high, y_high) = (b.vand(q, upper), b.vand(y, upper));
    let (q_low, y_low) = (b.vsub_f32(q, q_high), b.vsub_f32(y, y_high));
    let mut rest = x;
    for (lhs, rhs) in [(q_high, y_high), (q_high, y_low), (q_low, y_high), (q_low, y_low)] {
        let product = b.vmul_f32(lhs, rhs);
        rest = b.vsub_f32(rest, product);
    }
    rest
}
