//! The logarithm of the gamma function and its derivative, by Lanczos' approximation: with
//! S(z) = b + Σ cₖ / (z + k), k from 1, and t = z + g + 1/2, Γ(z + 1) is √(2π) tᶻ⁺¹ᐟ² e⁻ᵗ S(z).
//!
//! Below 1/2 the functions are mirrored.

use std::f64::consts::PI;

use super::Writer;
use crate::frontend::source::SourceResult;
use crate::hlo::{ElementType, InstructionId, Op};

/// g.
const OFFSET: f64 = 7.0;
/// b.
const BASE: f64 = 0.999_999_999_999_809_9;
/// cₖ.
const TERMS: [f64; 8] = [
    676.520_368_121_885_1,
    -1_259.139_216_722_402_8,
    771.323_428_777_653_1,
    -176.615_029_162_140_6,
    12.507_343_278_686_905,
    -0.138_571_095_265_720_12,
    9.984_369_578_019_572e-6,
    1.505_632_735_149_311_6e-7,
];

/// log |Γ(x)|.
pub(super) fn lgamma(w: &mut Writer<'_, '_, '_>, x: InstructionId) -> SourceResult<InstructionId> {
    let Lanczos { z, t, log_t, sum, .. } = lanczos(w, x)?;
    // (z + 1/2 - t / log t) log t + log √(2π) + log S
    let half_more = w.plus(z, 0.5)?;
    let quotient = w.binary(Op::Divide, t, log_t)?;
    let difference = w.binary(Op::Subtract, half_more, quotient)?;
    let product = w.binary(Op::Multiply, difference, log_t)?;
    let log_sum = w.unary(Op::Log, sum)?;
    let logs = w.plus(log_sum, (2.0 * PI).ln() / 2.0)?;
    let above = w.binary(Op::Add, product, logs)?;
    // log π - log |sin πx| - log Γ(1 - x); infinite where x is integral.
    let magnitude = w.unary(Op::Abs, x)?;
    let floor = w.unary(Op::Floor, magnitude)?;
    let fraction = w.binary(Op::Subtract, magnitude, floor)?;
    let rest = w.minus(1.0, fraction)?;
    let nearest = w.if_below(fraction, 0.5, [fraction, rest])?;
    let angle = w.times(nearest, PI)?;
    let sine = w.unary(Op::Sine, angle)?;
    let log_sine = w.unary(Op::Log, sine)?;
    let negative = w.unary(Op::Negate, log_sine)?;
    let mirrored = w.binary(Op::Subtract, negative, above)?;
    let mirrored = w.plus(mirrored, PI.ln())?;
    let mirrored = w.if_below(negative, f64::INFINITY, [mirrored, negative])?;
    let finite = w.if_below(x, 0.5, [mirrored, above])?;
    w.if_below(magnitude, f64::INFINITY, [finite, magnitude])
}

/// Γ'(x) / Γ(x).
pub(super) fn digamma(w: &mut Writer<'_, '_, '_>, x: InstructionId) -> SourceResult<InstructionId> {
    let Lanczos { t, log_t, sum, slope, .. } = lanczos(w, x)?;
    // log t + S' / S - g / t
    let quotient = w.binary(Op::Divide, slope, sum)?;
    let offset = w.number(OFFSET)?;
    let offset = w.binary(Op::Divide, offset, t)?;
    let above = w.binary(Op::Add, log_t, quotient)?;
    let above = w.binary(Op::Subtract, above, offset)?;
    // ψ(1 - x) - π / tan πx, by the distance of x to the nearest integer; NaN where that is 0.
    let half_more = w.plus(x, 0.5)?;
    let nearest = w.unary(Op::Floor, half_more)?;
    let distance = w.binary(Op::Subtract, x, nearest)?;
    let angle = w.times(distance, PI)?;
    let (sine, cosine) = (w.unary(Op::Sine, angle)?, w.unary(Op::Cosine, angle)?);
    let cotangent = w.binary(Op::Divide, cosine, sine)?;
    let cotangent = w.times(cotangent, PI)?;
    let mirrored = w.binary(Op::Subtract, above, cotangent)?;
    let size = w.unary(Op::Abs, distance)?;
    let undefined = w.number(f64::NAN)?;
    let tiny = if w.shape.element_type() == ElementType::F64 { 1e-300 } else { 1e-37 };
    let mirrored = w.if_below(size, tiny, [undefined, mirrored])?;
    w.if_below(x, 0.5, [mirrored, above])
}

/// What both functions take of the argument: z, t, log t, S(z) and its derivative.
struct Lanczos {
    z: InstructionId,
    t: InstructionId,
    log_t: InstructionId,
    sum: InstructionId,
    slope: InstructionId,
}

fn lanczos(w: &mut Writer<'_, '_, '_>, x: InstructionId) -> SourceResult<Lanczos> {
    let (negative, less) = (w.unary(Op::Negate, x)?, w.plus(x, -1.0)?);
    let z = w.if_below(x, 0.5, [negative, less])?;
    let (mut sum, mut slope) = (w.number(BASE)?, w.number(0.0)?);
    for (place, term) in (1_u32..).zip(TERMS) {
        let (divisor, term) = (w.plus(z, f64::from(place))?, w.number(term)?);
        let quotient = w.binary(Op::Divide, term, divisor)?;
        sum = w.binary(Op::Add, sum, quotient)?;
        let steep = w.binary(Op::Divide, quotient, divisor)?;
        slope = w.binary(Op::Subtract, slope, steep)?;
    }
    // log t as log (g + 1/2) + log1p(z / (g + 1/2)), for small z.
    let t = w.plus(z, OFFSET + 0.5)?;
    let share = w.times(z, 1.0 / (OFFSET + 0.5))?;
    let log = w.unary(Op::LogPlusOne, share)?;
    let log_t = w.plus(log, (OFFSET + 0.5).ln())?;
    Ok(Lanczos { z, t, log_t, sum, slope })
}
