//! One instruction: the deviation of its result from those of its operands.

use std::rc::Rc;

use palmetto_compiler::hlo::{ArrayLiteral, ElementType, Instruction, Module, Op};

use super::{Deviation, ToleranceError, Uncertain, rounding, structure};

/// Distances to the exact value, in units of the last place of f32, that implementations of
/// elementary functions stay within; both executions use their own.
const FUNCTION_ULPS: f64 = 4.0;
/// The same for powers: the error of the logarithm grows with the exponent.
const POWER_ULPS: f64 = 6.0;
/// The same for division and roots, which are one or two corrected steps away from exact.
const DIVISION_ULPS: f64 = 1.0;

/// The deviation of `result`.
pub(super) fn propagate(
    module: &Module,
    instruction: &Instruction,
    operands: &[&Uncertain],
    result: &ArrayLiteral,
) -> Result<Deviation, ToleranceError> {
    // Deviations are of real numbers: complex arrays may be handed on while they are exact.
    let complex = |array: &ArrayLiteral| array.element_type().is_complex();
    let inexact = operands.iter().any(|operand| operand.deviation.is_some());
    if complex(result) || operands.iter().any(|operand| complex(&operand.value)) {
        return match kind(instruction.op()) {
            Kind::Source => Ok(None),
            Kind::Structure if !inexact && !is_sum(instruction.op()) => Ok(None),
            _ => Err(super::no_rule(instruction)),
        };
    }
    match kind(instruction.op()) {
        Kind::Source => Ok(None),
        Kind::Structure => structure::propagate(module, instruction, operands, result),
        Kind::Smooth(accuracy) => Ok(elementwise(instruction.op(), accuracy, operands, result)),
        Kind::Decision if operands.iter().all(|operand| operand.deviation.is_none()) => Ok(None),
        Kind::Decision => {
            let (instruction, opcode) = (instruction.name().to_owned(), instruction.opcode());
            Err(ToleranceError::Decision { instruction, opcode })
        }
        Kind::Unknown => Err(super::no_rule(instruction)),
    }
}

fn is_sum(op: &Op) -> bool {
    matches!(op, Op::Dot { .. } | Op::Reduce { .. })
}

/// What errors do in an op.
enum Kind {
    /// There are none.
    Source,
    /// They move with the elements, or add up over them.
    Structure,
    /// They are scaled by derivatives; the result is computed this accurately.
    Smooth(Accuracy),
    /// They may change the result by more than they are.
    Decision,
    /// No rule.
    Unknown,
}

/// How accurately an elementwise op is computed before its result is rounded to its type.
#[derive(Clone, Copy, PartialEq)]
enum Accuracy {
    /// Without any rounding.
    Exact,
    /// Exactly, but for the rounding to the type.
    Rounded,
    /// To this many units in the last place of f32.
    Ulps(f64),
}

#[expect(clippy::too_many_lines, reason = "a line for each opcode")]
fn kind(op: &Op) -> Kind {
    match op {
        Op::Parameter { .. } | Op::Constant { .. } | Op::Imag | Op::Iota { .. } => Kind::Source,
        Op::Broadcast { .. }
        | Op::Concatenate { .. }
        | Op::Convolution { .. }
        | Op::Dot { .. }
        | Op::DynamicSlice { .. }
        | Op::DynamicUpdateSlice
        | Op::Gather { .. }
        | Op::Pad { .. }
        | Op::Reduce { .. }
        | Op::ReduceWindow { .. }
        | Op::Reshape
        | Op::Reverse { .. }
        | Op::Scatter { .. }
        | Op::SelectAndScatter { .. }
        | Op::Slice { .. }
        | Op::Transpose { .. } => Kind::Structure,
        Op::Abs | Op::Copy | Op::Maximum | Op::Minimum | Op::Negate | Op::Real | Op::Select => {
            Kind::Smooth(Accuracy::Exact)
        }
        Op::Add | Op::Convert | Op::Multiply | Op::Subtract => Kind::Smooth(Accuracy::Rounded),
        Op::Divide | Op::Rsqrt | Op::Sqrt => Kind::Smooth(Accuracy::Ulps(DIVISION_ULPS)),
        Op::Atan2
        | Op::Cbrt
        | Op::Cosine
        | Op::Exponential
        | Op::ExponentialMinusOne
        | Op::Log
        | Op::LogPlusOne
        | Op::Logistic
        | Op::Sine
        | Op::Tan
        | Op::Tanh => Kind::Smooth(Accuracy::Ulps(FUNCTION_ULPS)),
        Op::Power => Kind::Smooth(Accuracy::Ulps(POWER_ULPS)),
        Op::And
        | Op::BitcastConvert
        | Op::Ceil
        | Op::Cholesky { .. }
        | Op::Clamp
        | Op::Compare { .. }
        | Op::CountLeadingZeros
        | Op::Floor
        | Op::IsFinite
        | Op::Not
        | Op::Or
        | Op::Popcnt
        | Op::ReducePrecision { .. }
        | Op::Remainder
        | Op::RngBitGenerator { .. }
        | Op::RoundNearestAfz
        | Op::RoundNearestEven
        | Op::ShiftLeft
        | Op::ShiftRightArithmetic
        | Op::ShiftRightLogical
        | Op::Sign
        | Op::Sort { .. }
        | Op::TriangularSolve { .. }
        | Op::Xor => Kind::Decision,
        Op::AfterAll
        | Op::Bitcast
        | Op::Call { .. }
        | Op::Complex
        | Op::Conditional { .. }
        | Op::CustomCall { .. }
        | Op::Fft { .. }
        | Op::Fusion { .. }
        | Op::GetTupleElement { .. }
        | Op::OptBarrier
        | Op::Recv { .. }
        | Op::RecvDone { .. }
        | Op::Send { .. }
        | Op::SendDone { .. }
        | Op::Tuple
        | Op::While { .. } => Kind::Unknown,
    }
}

fn elementwise(
    op: &Op,
    accuracy: Accuracy,
    operands: &[&Uncertain],
    result: &ArrayLiteral,
) -> Deviation {
    let element_type = result.element_type();
    let widens = matches!(op, Op::Convert)
        && rounding::holds(element_type, operands[0].value.element_type());
    let accuracy = if widens { Accuracy::Exact } else { accuracy };
    let exact = operands.iter().all(|operand| operand.deviation.is_none());
    if exact && (accuracy == Accuracy::Exact || !element_type.is_float()) {
        return None;
    }
    let mut sum = vec![0.0; result.element_count()];
    for (n, value) in sum.iter_mut().enumerate() {
        let r = result.get_f64(n);
        let x: [f64; 3] = std::array::from_fn(|which| operands.get(which).map_or(0.0, |o| o.at(n)));
        let partials = partials(op, x, r);
        let mut variance = own_variance(accuracy, element_type, r);
        for (operand, partial) in operands.iter().zip(partials) {
            let deviation = operand.deviation_at(n);
            // A masked element may be far away and not matter: 0 times infinity is 0 here.
            if deviation > 0.0 && partial != 0.0 {
                variance += (deviation * partial).powi(2);
            }
        }
        *value = narrow(variance.sqrt());
    }
    Some(Rc::new(sum))
}

fn own_variance(accuracy: Accuracy, element_type: ElementType, r: f64) -> f64 {
    let rounding = |of| rounding::deviation(rounding::ulp(of, r)).powi(2);
    match accuracy {
        Accuracy::Exact => 0.0,
        Accuracy::Rounded => rounding(element_type),
        Accuracy::Ulps(ulps) => {
            rounding(element_type) + (ulps * rounding::ulp(ElementType::F32, r)).powi(2)
        }
    }
}

/// The magnitudes of the derivatives of the result `r` by the operands `x`.
fn partials(op: &Op, x: [f64; 3], r: f64) -> [f64; 3] {
    let [a, b, _] = x;
    #[expect(clippy::wildcard_enum_match_arm, reason = "the rest of the smooth ops pass errors on")]
    match op {
        Op::Multiply => [b, a, 0.0],
        Op::Divide => [1.0 / b, r / b, 0.0],
        Op::Exponential => [r, 0.0, 0.0],
        Op::ExponentialMinusOne => [r + 1.0, 0.0, 0.0],
        Op::Log => [1.0 / a, 0.0, 0.0],
        Op::LogPlusOne => [1.0 / (1.0 + a), 0.0, 0.0],
        Op::Logistic => [r * (1.0 - r), 0.0, 0.0],
        Op::Tanh => [1.0 - r * r, 0.0, 0.0],
        Op::Tan => [1.0 + r * r, 0.0, 0.0],
        Op::Cbrt => [r / (3.0 * a), 0.0, 0.0],
        Op::Sqrt => [0.5 / r, 0.0, 0.0],
        Op::Rsqrt => [0.5 * r.powi(3), 0.0, 0.0],
        Op::Sine => [a.cos(), 0.0, 0.0],
        Op::Cosine => [a.sin(), 0.0, 0.0],
        Op::Power => [b * r / a, r * a.ln(), 0.0],
        Op::Atan2 => [b / (a * a + b * b), a / (a * a + b * b), 0.0],
        Op::Select => [0.0, f64::from(a != 0.0), f64::from(a == 0.0)],
        _ => [1.0, 1.0, 0.0],
    }
}

impl Uncertain {
    /// The value of element `n`; a scalar is every element.
    fn at(&self, n: usize) -> f64 {
        self.value.get_f64(if self.value.shape().is_scalar() { 0 } else { n })
    }

    fn deviation_at(&self, n: usize) -> f64 {
        match &self.deviation {
            None => 0.0,
            Some(deviation) if deviation.len() == 1 => deviation[0].into(),
            Some(deviation) => deviation[n].into(),
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "infinite deviations are found at the end")]
pub(super) fn narrow(deviation: f64) -> f32 {
    deviation as f32
}
