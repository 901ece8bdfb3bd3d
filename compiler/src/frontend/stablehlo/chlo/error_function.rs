//! The error function, its complement and its inverse, in `f32`.
//!
//! The coefficients are interpolations in Chebyshev points of the functions that the comments
//! name, computed in `f64`.

use super::Writer;
use crate::frontend::source::SourceResult;
use crate::hlo::{ComparisonDirection, ComparisonType, InstructionId, Op};

/// erf(√z) / √z for z in 0..1.
const ERF: &[f64] = &[
    7.882497448008507e-05,
    -0.0008018855005502701,
    0.005189312156289816,
    -0.02685432881116867,
    0.11283597350120544,
    -0.3761262595653534,
    1.1283791065216064,
];

/// With t = 1/(1 + x/2): erfc(x) e^(x²) / t, for x in 0..10.2.
const ERFC: &[f64] = &[
    0.016886580735445023,
    -0.14686530828475952,
    0.4809328317642212,
    -0.7343477010726929,
    0.47032883763313293,
    -0.12214130163192749,
    0.2328813076019287,
    0.2372666597366333,
    0.28299978375434875,
    0.2820582985877991,
];

/// With w = -log(1-x²): erf⁻¹(x) / x, of w - 2.5 for w in 0..5.
const INVERSE_NEAR: &[f64] = &[
    2.3285844363840624e-08,
    3.4252485647812136e-07,
    -3.4633562790986616e-06,
    -4.383631676319055e-06,
    0.0002183469187002629,
    -0.0012537486618384719,
    -0.004177389666438103,
    0.24664075672626495,
    1.5014094114303589,
];

/// The same, of √w - 3 for w in 5..17.
const INVERSE_FAR: &[f64] = &[
    -0.00012693107419181615,
    4.477832044358365e-05,
    0.0012554284185171127,
    -0.0036147823557257652,
    0.00577941257506609,
    -0.007639483083039522,
    0.00943308137357235,
    1.0016752481460571,
    2.832977056503296,
];

/// Beyond, e^(-x²) is 0 in `f32`, and so is the complement.
const LAST: f64 = 10.2;

pub(super) fn erf(w: &mut Writer<'_, '_, '_>, x: InstructionId) -> SourceResult<InstructionId> {
    let near = erf_near(w, x)?;
    let a = w.unary(Op::Abs, x)?;
    let complement = erfc_of_positive(w, a)?;
    let magnitude = w.minus(1.0, complement)?;
    let far = w.with_sign_of(x, magnitude)?;
    w.if_below(a, 1.0, [near, far])
}

/// erfc(|x|), or 2 less that for negative x; 1 - erf(x) where |x| < 1/2.
pub(super) fn erfc(w: &mut Writer<'_, '_, '_>, x: InstructionId) -> SourceResult<InstructionId> {
    let a = w.unary(Op::Abs, x)?;
    let positive = erfc_of_positive(w, a)?;
    let negative = w.minus(2.0, positive)?;
    let far = w.if_below(x, 0.0, [negative, positive])?;
    let erf = erf_near(w, x)?;
    let near = w.minus(1.0, erf)?;
    w.if_below(a, 0.5, [near, far])
}

/// erf(x) for |x| < 1.
fn erf_near(w: &mut Writer<'_, '_, '_>, x: InstructionId) -> SourceResult<InstructionId> {
    let square = w.binary(Op::Multiply, x, x)?;
    let factor = w.polynomial(ERF, square)?;
    w.binary(Op::Multiply, x, factor)
}

/// erfc(a) for a >= 0.
fn erfc_of_positive(w: &mut Writer<'_, '_, '_>, a: InstructionId) -> SourceResult<InstructionId> {
    let last = w.number(LAST)?;
    let a = w.binary(Op::Minimum, a, last)?;
    let half = w.times(a, 0.5)?;
    let divisor = w.plus(half, 1.0)?;
    let one = w.number(1.0)?;
    let t = w.binary(Op::Divide, one, divisor)?;
    let polynomial = w.polynomial(ERFC, t)?;
    let factor = w.binary(Op::Multiply, polynomial, t)?;
    let square = w.binary(Op::Multiply, a, a)?;
    let exponent = w.unary(Op::Negate, square)?;
    let decay = w.unary(Op::Exponential, exponent)?;
    w.binary(Op::Multiply, decay, factor)
}

/// The inverse of erf: infinite at -1 and 1, NaN beyond.
pub(super) fn erf_inv(w: &mut Writer<'_, '_, '_>, x: InstructionId) -> SourceResult<InstructionId> {
    let square = w.binary(Op::Multiply, x, x)?;
    let negative = w.unary(Op::Negate, square)?;
    let log = w.unary(Op::LogPlusOne, negative)?;
    let decay = w.unary(Op::Negate, log)?;
    let from_middle = w.plus(decay, -2.5)?;
    let near = w.polynomial(INVERSE_NEAR, from_middle)?;
    let root = w.unary(Op::Sqrt, decay)?;
    let from_3 = w.plus(root, -3.0)?;
    let far = w.polynomial(INVERSE_FAR, from_3)?;
    let factor = w.if_below(decay, 5.0, [near, far])?;
    let inside = w.binary(Op::Multiply, x, factor)?;
    let infinity = w.number(f64::INFINITY)?;
    let at_the_end = w.binary(Op::Multiply, x, infinity)?;
    let a = w.unary(Op::Abs, x)?;
    let one = w.number(1.0)?;
    let (direction, comparison_type) = (ComparisonDirection::Eq, ComparisonType::Float);
    let is_end = w.binary(Op::Compare { direction, comparison_type }, a, one)?;
    w.body.add(w.operation, Op::Select, &[is_end, at_the_end, inside])
}
