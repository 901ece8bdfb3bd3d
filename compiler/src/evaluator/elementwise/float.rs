//! Elementwise ops on floats: computed in `f64`, rounded once to the element type.

use super::super::element::{Float, Truth};
use super::{Binary, Unary, map, zip};
use crate::hlo::Opcode;

/// The kernel of an op of one operand.
pub(super) fn unary<T: Float>(opcode: Opcode) -> Option<Unary<T, T>> {
    /// The kernel that computes a function of an `f64`.
    macro_rules! rounded {
        ($function:expr) => {
            map!(x => T::rounded($function(x.to_f64())))
        };
    }
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other ops are not ops on floats")]
    Some(match opcode {
        // On the bits, so that a NaN keeps its payload.
        Opcode::Abs => map!(x => if x.to_f64().is_sign_negative() { -x } else { x }),
        Opcode::Negate => map!(x => -x),
        Opcode::Copy | Opcode::Real => map!(x => x),
        Opcode::Imag => map!(_x => T::from_f64(0.0)),
        Opcode::Cbrt => rounded!(f64::cbrt),
        Opcode::Ceil => rounded!(f64::ceil),
        Opcode::Cosine => rounded!(f64::cos),
        Opcode::Exponential => rounded!(f64::exp),
        Opcode::ExponentialMinusOne => rounded!(f64::exp_m1),
        Opcode::Floor => rounded!(f64::floor),
        Opcode::Log => rounded!(f64::ln),
        Opcode::LogPlusOne => rounded!(f64::ln_1p),
        Opcode::Logistic => rounded!(|x: f64| 1.0 / (1.0 + (-x).exp())),
        Opcode::RoundNearestAfz => rounded!(f64::round),
        Opcode::RoundNearestEven => rounded!(f64::round_ties_even),
        Opcode::Rsqrt => rounded!(|x: f64| 1.0 / x.sqrt()),
        Opcode::Sign => rounded!(sign),
        Opcode::Sine => rounded!(f64::sin),
        Opcode::Sqrt => rounded!(f64::sqrt),
        Opcode::Tan => rounded!(f64::tan),
        Opcode::Tanh => rounded!(f64::tanh),
        _ => return None,
    })
}

/// The kernel of `is-finite`.
pub(super) fn is_finite<T: Float>() -> Unary<T, Truth> {
    map!(x => Truth::new(x.to_f64().is_finite()))
}

/// The kernel of an op of two operands.
pub(super) fn binary<T: Float>(opcode: Opcode) -> Option<Binary<T, T>> {
    /// The kernel that computes a function of two `f64`.
    macro_rules! rounded {
        ($function:expr) => {
            zip!(a, b => T::rounded($function(a.to_f64(), b.to_f64())))
        };
    }
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other ops are not ops on floats")]
    Some(match opcode {
        Opcode::Add => rounded!(|a, b| a + b),
        Opcode::Atan2 => rounded!(f64::atan2),
        Opcode::Divide => rounded!(|a, b| a / b),
        Opcode::Maximum => rounded!(maximum),
        Opcode::Minimum => rounded!(minimum),
        Opcode::Multiply => rounded!(|a, b| a * b),
        Opcode::Power => rounded!(f64::powf),
        Opcode::Remainder => rounded!(|a, b| a % b),
        Opcode::Subtract => rounded!(|a, b| a - b),
        _ => return None,
    })
}

/// The larger value, or a NaN if there is one; 0 is larger than -0.
pub(in super::super) fn maximum(a: f64, b: f64) -> f64 {
    #![expect(clippy::float_cmp, reason = "equal values differ in their sign at most")]
    let first = a.is_nan() || a > b || a == b && b.is_sign_negative();
    if first { a } else { b }
}

/// The smaller value, or a NaN if there is one; -0 is smaller than 0.
pub(in super::super) fn minimum(a: f64, b: f64) -> f64 {
    #![expect(clippy::float_cmp, reason = "equal values differ in their sign at most")]
    let first = a.is_nan() || a < b || a == b && a.is_sign_negative();
    if first { a } else { b }
}

/// -1 or 1; NaN and zeros stay.
fn sign(x: f64) -> f64 {
    if x == 0.0 || x.is_nan() { x } else { x.signum() }
}
