//! Elementwise ops on complex numbers: computed in pairs of `f64`, the parts rounded once.

use num_complex::Complex;

use super::super::complex as functions;
use super::super::element::{ComplexNumber, Element, Float};
use super::{Binary, Unary, map, zip};
use crate::hlo::Opcode;

/// The kernel of an op of one operand that gives complex numbers.
pub(super) fn unary<T: ComplexNumber>(opcode: Opcode) -> Option<Unary<T, T>> {
    /// The kernel that computes a function of a pair of `f64`.
    macro_rules! rounded {
        ($function:expr) => {
            map!(x => T::rounded($function(x.to_complex())))
        };
    }
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other ops are not ops on these")]
    Some(match opcode {
        Opcode::Copy => map!(x => x),
        Opcode::Negate => map!(x => T::from_complex(-x.to_complex())),
        Opcode::Cbrt => rounded!(functions::cbrt),
        Opcode::Cosine => rounded!(functions::cos),
        Opcode::Exponential => rounded!(functions::exp),
        Opcode::ExponentialMinusOne => rounded!(functions::exp_m1),
        Opcode::Log => rounded!(functions::ln),
        Opcode::LogPlusOne => rounded!(functions::ln_1p),
        Opcode::Logistic => rounded!(functions::logistic),
        Opcode::Rsqrt => rounded!(functions::rsqrt),
        Opcode::Sign => rounded!(functions::sign),
        Opcode::Sine => rounded!(functions::sin),
        Opcode::Sqrt => rounded!(functions::sqrt),
        Opcode::Tan => rounded!(functions::tan),
        Opcode::Tanh => rounded!(functions::tanh),
        _ => return None,
    })
}

/// The kernel of an op that gives real numbers of the type of the parts.
pub(super) fn part<T: ComplexNumber>(opcode: Opcode) -> Option<Unary<T, T::Part>> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other ops give complex numbers")]
    Some(match opcode {
        Opcode::Abs => map!(x => T::Part::rounded(functions::abs(x.to_complex()))),
        Opcode::Imag => map!(x => T::Part::from_f64(x.to_complex().im)),
        Opcode::Real => map!(x => T::Part::from_f64(x.to_complex().re)),
        _ => return None,
    })
}

/// The kernel of an op of two operands.
pub(super) fn binary<T: ComplexNumber>(opcode: Opcode) -> Option<Binary<T, T>> {
    /// The kernel that computes a function of two pairs of `f64`.
    macro_rules! rounded {
        ($function:expr) => {
            zip!(a, b => T::rounded($function(a.to_complex(), b.to_complex())))
        };
    }
    type C = Complex<f64>;
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other ops are not ops on these")]
    Some(match opcode {
        Opcode::Add => rounded!(|a: C, b: C| a + b),
        Opcode::Atan2 => rounded!(functions::atan2),
        Opcode::Divide => rounded!(functions::divide),
        Opcode::Maximum => zip!(a, b => if is_less(a, b) { b } else { a }),
        Opcode::Minimum => zip!(a, b => if is_less(b, a) { b } else { a }),
        Opcode::Multiply => rounded!(|a: C, b: C| a * b),
        Opcode::Power => rounded!(functions::power),
        Opcode::Subtract => rounded!(|a: C, b: C| a - b),
        _ => return None,
    })
}

/// In the order of the real parts, and of the imaginary parts where these are equal.
fn is_less<T: ComplexNumber>(a: T, b: T) -> bool {
    #![expect(clippy::float_cmp, reason = "exact comparison is what is computed")]
    let (a, b) = (a.to_complex(), b.to_complex());
    a.re < b.re || a.re == b.re && a.im < b.im
}
