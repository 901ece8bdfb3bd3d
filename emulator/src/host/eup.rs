//! The plain Rust truth of the transcendental unit.
//!
//! Every function is computed in f64 with a relative error below 2^-48 and rounded to f32 once, so
//! that the result is the correctly rounded one except where the exact value lies within 2^-24 ulp
//! of a rounding boundary. No operation is contracted or reordered: the bits are the same on every
//! host. The loops have no branches.

#![expect(
    clippy::cast_possible_truncation,
    reason = "rounding a result to f32 is the last step of each function"
)]

use super::{Words, portable::result_bits};
use palmetto_isa::Op;
use std::f64::consts::{LN_2, LOG2_E, SQRT_2};

/// Computes a transcendental op. False if the op is not one.
#[inline(always)]
pub fn compute(op: &Op, out: &mut Words, source: &Words) -> bool {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other ops are not transcendental")]
    match op {
        Op::EupExp2 { .. } => each(out, source, exp2),
        Op::EupLog2 { .. } => each(out, source, log2),
        Op::EupRcp { .. } => each(out, source, reciprocal),
        Op::EupRsqrt { .. } => each(out, source, reciprocal_square_root),
        Op::EupTanh { .. } => each(out, source, tanh),
        _ => return false,
    }
    true
}

#[inline(always)]
fn each(out: &mut Words, source: &Words, f: impl Fn(f32) -> f32) {
    for (out, x) in out.0.iter_mut().zip(&source.0) {
        *out = result_bits(f(f32::from_bits(*x)));
    }
}

/// `2 ^ x`.
#[inline(always)]
pub fn exp2(x: f32) -> f32 {
    // Beyond these bounds the result is 0 or infinite in f32. NaN stays NaN.
    let clamped = clamp(f64::from(x), 200.0);
    let (power, fraction) = exp2_parts(clamped);
    (power * fraction + power) as f32
}

/// The base-2 logarithm: minus infinity at 0, NaN below.
#[inline(always)]
pub fn log2(x: f32) -> f32 {
    let wide = f64::from(x);
    // x = 2^e * m with m in [sqrt(1/2), sqrt(2)); denormal f32 are normal in f64.
    let bits = wide.to_bits();
    let above = bits.wrapping_sub((SQRT_2 / 2.0).to_bits());
    let exponent = above.cast_signed() >> 52;
    let m = f64::from_bits(bits.wrapping_sub(exponent.cast_unsigned() << 52));
    let e = f64::from_bits(ROUNDER.to_bits().wrapping_add(exponent.cast_unsigned())) - ROUNDER;
    // ln(m) = 2 atanh(s) = 2 s (1 + s^2 / 3 + s^4 / 5 + ...), |s| < 0.1716.
    let s = (m - 1.0) / (m + 1.0);
    let series = polynomial(s * s, &ATANH);
    let finite = e + 2.0 * LOG2_E * s * series;
    let special = if x == 0.0 { f64::NEG_INFINITY } else { f64::NAN };
    let value = if x > 0.0 { finite } else { special };
    (if x == f32::INFINITY { f64::INFINITY } else { value }) as f32
}

/// `1 / x`.
#[inline(always)]
pub fn reciprocal(x: f32) -> f32 {
    1.0 / x
}

/// `1 / sqrt(x)`.
#[inline(always)]
pub fn reciprocal_square_root(x: f32) -> f32 {
    (1.0 / f64::from(x).sqrt()) as f32
}

/// The hyperbolic tangent.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    // Beyond 20 the result is 1 in f32. With t = e^(2|x|) - 1: tanh |x| = t / (t + 2).
    let clamped = clamp(f64::from(x).abs(), 20.0);
    let (power, fraction) = exp2_parts(clamped * (2.0 * LOG2_E));
    let t = power * fraction + (power - 1.0);
    let magnitude = (t / (t + 2.0)) as f32;
    magnitude.copysign(x)
}

/// Adding and subtracting it rounds to an integer, whose bits are then the low ones of the sum.
const ROUNDER: f64 = 6_755_399_441_055_744.0; // 1.5 * 2^52

/// `2 ^ n` and `2 ^ f - 1` for `x = n + f`, `n` an integer and `|f| <= 1/2`.
#[inline(always)]
fn exp2_parts(x: f64) -> (f64, f64) {
    let shifted = x + ROUNDER;
    let n = shifted.to_bits().wrapping_sub(ROUNDER.to_bits());
    let f = (x - (shifted - ROUNDER)) * LN_2;
    let power = f64::from_bits(n.wrapping_add(1023) << 52);
    (power, f * polynomial(f, &EXPM1))
}

/// `x`, but not beyond `limit` on either side.
#[inline(always)]
fn clamp(x: f64, limit: f64) -> f64 {
    let x = if x > limit { limit } else { x };
    if x < -limit { -limit } else { x }
}

/// Horner's rule; coefficients from the highest power down.
#[inline(always)]
fn polynomial<const N: usize>(x: f64, coefficients: &[f64; N]) -> f64 {
    coefficients.iter().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

/// `(e^x - 1) / x` = sum of `x^k / (k + 1)!`; for |x| < 0.347 the rest is below 2^-53.
const EXPM1: [f64; 13] = [
    1.0 / 6_227_020_800.0,
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    1.0 / 2.0,
    1.0,
];

/// `atanh(s) / s` = sum of `(s^2)^k / (2 k + 1)`; for s^2 < 0.0295 the rest is below 2^-53.
const ATANH: [f64; 11] = [
    1.0 / 21.0,
    1.0 / 19.0,
    1.0 / 17.0,
    1.0 / 15.0,
    1.0 / 13.0,
    1.0 / 11.0,
    1.0 / 9.0,
    1.0 / 7.0,
    1.0 / 5.0,
    1.0 / 3.0,
    1.0,
];
