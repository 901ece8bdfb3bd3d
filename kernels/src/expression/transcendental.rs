//! Functions that need the EUP, which is fast for a few functions of f32 and exact to half an ulp.
//!
//! Errors, in units in the last place of the result: [`exponential`] 2 (f32), [`log`] 2, [`sqrt`]
//! 1.5, [`rsqrt`] and [`tanh`] 0.5, [`logistic`] 3 (f32; 0 where the result is no normal number),
//! [`divide`] 0.5 but for rare cases and denormal dividends (f32).
//! For bf16 and f16 results a shorter form is used whose error before rounding is below 2^-16 of
//! the value, so the rounded result is off by at most one unit.

use super::{
    arithmetic::abs_float,
    polynomial::{UPPER_BITS, halves},
};
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
    // e^x = 2^(x log2 e). The exponent needs more digits than f32 has: its leading part is a
    // product of two factors of 12 bits, which is exact; the rest is small, and a factor of its
    // own.
    let (low, high) = (b.f32(-104.0), b.f32(89.0));
    let x = b.vmax_f32(x, low);
    let x = b.vmin_f32(x, high);
    let [x_high, x_low] = halves(b, x);
    let log2_e_high = f32::from_bits(LOG2_E.to_bits() & UPPER_BITS);
    #[expect(clippy::cast_possible_truncation, reason = "the rest of the constant, rounded once")]
    let log2_e_low = (std::f64::consts::LOG2_E - f64::from(log2_e_high)) as f32;
    let (log2_e_high, log2_e_low) = (b.f32(log2_e_high), b.f32(log2_e_low));
    let leading = b.vmul_f32(x_high, log2_e_high);
    let rest = b.vmul_f32(x_low, log2_e_high);
    let rounding = b.vmul_f32(x, log2_e_low);
    let rest = b.vadd_f32(rest, rounding);
    b.eup_exp2(leading);
    b.eup_exp2(rest);
    let leading = b.eup_pop();
    let rest = b.eup_pop();
    b.vmul_f32(leading, rest)
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

/// What can be computed of a divisor before the dividend is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Divisor {
    reciprocal: V,
    /// For f32: the leading bits of the divisor, the rest, and what it was scaled by.
    exact: Option<[V; 3]>,
}

/// Prepares a division by `y`.
pub(super) fn divisor(b: &mut Builder, y: V, result: Element) -> Divisor {
    if result != Element::F32 {
        b.eup_rcp(y);
        return Divisor { reciprocal: b.eup_pop(), exact: None };
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
    let [high, low] = halves(b, y);
    Divisor { reciprocal, exact: Some([high, low, factor]) }
}

/// `x` divided by a prepared divisor.
pub(super) fn divide(b: &mut Builder, x: V, divisor: Divisor) -> V {
    let reciprocal = divisor.reciprocal;
    let quotient = b.vmul_f32(x, reciprocal);
    let Some([high, low, factor]) = divisor.exact else {
        return quotient;
    };
    let error = residual(b, x, quotient, [high, low]);
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
fn residual(b: &mut Builder, x: V, q: V, [y_high, y_low]: [V; 2]) -> V {
    let [q_high, q_low] = halves(b, q);
    let mut rest = x;
    for (lhs, rhs) in [(q_high, y_high), (q_high, y_low), (q_low, y_high), (q_low, y_low)] {
        let product = b.vmul_f32(lhs, rhs);
        rest = b.vsub_f32(rest, product);
    }
    rest
}
