//! Mathematical functions of the chlo dialect, written as the functions that HLO has.
//!
//! `bf16` and `f16` are computed in `f32` and rounded once. In `f32` the relative error is below
//! 2e-6, for `erfc` below 1e-5 where it is smaller than 1e-16; infinities, NaNs and the ends of
//! domains give what the exact functions give. `erf` and its relatives are approximated by
//! polynomials for `f32` and are therefore refused for `f64`.

mod error_function;
mod gamma;
mod top_k;

pub(super) use top_k::top_k;

use super::body::Body;
use super::{error, unsupported};
use crate::frontend::source::{SourceError, SourceResult};
use crate::frontend::syntax::{FloatKind, Operation, Scalar, Type};
use crate::hlo::{
    ArrayLiteral, ArrayShape, ComparisonDirection, ComparisonType, ElementType, InstructionId,
    Literal, Op, Shape,
};

type Formula = fn(&mut Writer<'_, '_, '_>, InstructionId) -> SourceResult<InstructionId>;

/// Whether the operands of an operation have types that `name` can be imported for. Formulas are
/// for real numbers, and those of the error functions for `f32`.
pub(super) fn supports(name: &str, operation: &Operation) -> bool {
    let has_formula = |each: &Type| {
        let Type::Tensor(tensor) = each else { return true };
        match tensor.element {
            Scalar::Complex(_) => name == "chlo.square",
            Scalar::Float(FloatKind::F64) => !name.starts_with("chlo.erf"),
            _ => true,
        }
    };
    operation.operand_types.iter().all(has_formula)
}

/// Imports `chlo.NAME` of one operand.
pub(super) fn function(
    body: &mut Body<'_, '_>,
    operation: &Operation,
) -> SourceResult<Vec<InstructionId>> {
    let [operand] = body.exactly(operation)?;
    let formula: Formula = match operation.name.as_str() {
        "chlo.acos" => acos,
        "chlo.acosh" => acosh,
        "chlo.asin" => asin,
        "chlo.asinh" => asinh,
        "chlo.atan" => atan,
        "chlo.atanh" => atanh,
        "chlo.cosh" => cosh,
        "chlo.digamma" => gamma::digamma,
        "chlo.erf" => error_function::erf,
        "chlo.erf_inv" => error_function::erf_inv,
        "chlo.erfc" => error_function::erfc,
        "chlo.lgamma" => gamma::lgamma,
        "chlo.sinh" => sinh,
        other => return unsupported(operation, format!("op {other}")),
    };
    let given = body.array(operation, operand)?;
    let wide = match given.element_type() {
        ElementType::BF16 | ElementType::F16 | ElementType::F32 => ElementType::F32,
        ElementType::F64 if !operation.name.starts_with("chlo.erf") => ElementType::F64,
        other => {
            let types = if operation.name.starts_with("chlo.erf") { "" } else { ", f64" };
            let message = format!(
                "{} is supported for elements of type bf16, f16, f32{types}; found {other}",
                operation.name
            );
            return error(operation, message);
        }
    };
    let shape = given.without_layout().with_element_type(wide);
    let mut writer = Writer { body, operation, shape };
    let widened = writer.convert(operand, &given, wide)?;
    let value = formula(&mut writer, widened)?;
    let from = writer.shape.clone();
    let result = writer.convert(value, &from, given.element_type())?;
    let declared = body.result_shape(operation)?;
    body.check_type(operation, &declared, result)?;
    Ok(vec![result])
}

/// Adds the instructions of a formula; all values have the same shape.
struct Writer<'w, 'i, 'p> {
    body: &'w mut Body<'i, 'p>,
    operation: &'w Operation,
    shape: ArrayShape,
}

impl Writer<'_, '_, '_> {
    fn convert(
        &mut self,
        value: InstructionId,
        from: &ArrayShape,
        to: ElementType,
    ) -> SourceResult<InstructionId> {
        if from.element_type() == to {
            return Ok(value);
        }
        let shape = Shape::Array(from.without_layout().with_element_type(to));
        self.body.add_shaped(self.operation, Op::Convert, &[value], shape)
    }

    /// The same number everywhere.
    fn number(&mut self, number: f64) -> SourceResult<InstructionId> {
        let mut literal = ArrayLiteral::zeros(&ArrayShape::scalar(self.shape.element_type()));
        literal.set_f64(0, number);
        let op = Op::Constant { literal: Literal::Array(literal) };
        let scalar = self.body.add(self.operation, op, &[])?;
        let op = Op::Broadcast { dimensions: Vec::new() };
        self.body.add_shaped(self.operation, op, &[scalar], Shape::Array(self.shape.clone()))
    }

    fn unary(&mut self, op: Op, value: InstructionId) -> SourceResult<InstructionId> {
        self.body.add(self.operation, op, &[value])
    }

    fn binary(
        &mut self,
        op: Op,
        lhs: InstructionId,
        rhs: InstructionId,
    ) -> SourceResult<InstructionId> {
        self.body.add(self.operation, op, &[lhs, rhs])
    }

    /// `value + number`.
    fn plus(&mut self, value: InstructionId, number: f64) -> SourceResult<InstructionId> {
        let number = self.number(number)?;
        self.binary(Op::Add, value, number)
    }

    /// `value * factor`.
    fn times(&mut self, value: InstructionId, factor: f64) -> SourceResult<InstructionId> {
        let factor = self.number(factor)?;
        self.binary(Op::Multiply, value, factor)
    }

    /// `number - value`.
    fn minus(&mut self, number: f64, value: InstructionId) -> SourceResult<InstructionId> {
        let number = self.number(number)?;
        self.binary(Op::Subtract, number, value)
    }

    /// `below` where `value < limit`, else `other`.
    fn if_below(
        &mut self,
        value: InstructionId,
        limit: f64,
        [below, other]: [InstructionId; 2],
    ) -> SourceResult<InstructionId> {
        let limit = self.number(limit)?;
        let (direction, comparison_type) = (ComparisonDirection::Lt, ComparisonType::Float);
        let is_below = self.binary(Op::Compare { direction, comparison_type }, value, limit)?;
        self.body.add(self.operation, Op::Select, &[is_below, below, other])
    }

    /// `magnitude` with the sign of `value`, whose zeros keep theirs.
    fn with_sign_of(
        &mut self,
        value: InstructionId,
        magnitude: InstructionId,
    ) -> SourceResult<InstructionId> {
        let sign = self.unary(Op::Sign, value)?;
        self.binary(Op::Multiply, sign, magnitude)
    }

    /// The polynomial with these coefficients, that of the highest power first.
    fn polynomial(
        &mut self,
        coefficients: &[f64],
        value: InstructionId,
    ) -> SourceResult<InstructionId> {
        let Some((&highest, lower)) = coefficients.split_first() else {
            return Err(SourceError::new(self.operation.span, "a polynomial without coefficients"));
        };
        let mut sum = self.number(highest)?;
        for &coefficient in lower {
            let product = self.binary(Op::Multiply, sum, value)?;
            sum = self.plus(product, coefficient)?;
        }
        Ok(sum)
    }
}

/// Half of the angle from the x axis to (√(1+x), √(1-x)), twice.
fn acos(w: &mut Writer<'_, '_, '_>, x: InstructionId) -> SourceResult<InstructionId> {
    let (below, above) = (w.minus(1.0, x)?, w.plus(x, 1.0)?);
    let (below, above) = (w.unary(Op::Sqrt, below)?, w.unary(Op::Sqrt, above)?);
    let half = w.binary(Op::Atan2, below, above)?;
    w.times(half, 2.0)
}

/// With t = x-1: log1p(t + √t √(t+2)).
fn acosh(w: &mut Writer<'_, '_, '_>, x: InstructionId) -> SourceResult<InstructionId> {
    let t = w.plus(x, -1.0)?;
    let t_plus_2 = w.plus(x, 1.0)?;
    let (low, high) = (w.unary(Op::Sqrt, t)?, w.unary(Op::Sqrt, t_plus_2)?);
    let product = w.binary(Op::Multiply, low, high)?;
    let sum = w.binary(Op::Add, t, product)?;
    let near = w.unary(Op::LogPlusOne, sum)?;
    let far = log_of_double(w, x)?;
    w.if_below(x, LARGE, [near, far])
}

/// 2 atan(x / (1 + √((1-x)(1+x)))).
fn asin(w: &mut Writer<'_, '_, '_>, x: InstructionId) -> SourceResult<InstructionId> {
    let (below, above) = (w.minus(1.0, x)?, w.plus(x, 1.0)?);
    let product = w.binary(Op::Multiply, below, above)?;
    let root = w.unary(Op::Sqrt, product)?;
    let divisor = w.plus(root, 1.0)?;
    let half = w.binary(Op::Atan2, x, divisor)?;
    w.times(half, 2.0)
}

/// From here on 1 does not matter beside the square.
const LARGE: f64 = 1e9;

fn log_of_double(w: &mut Writer<'_, '_, '_>, x: InstructionId) -> SourceResult<InstructionId> {
    let log = w.unary(Op::Log, x)?;
    w.plus(log, std::f64::consts::LN_2)
}

/// With a = |x|: log1p(a + a² / (1 + √(1 + a²))), with the sign of x.
fn asinh(w: &mut Writer<'_, '_, '_>, x: InstructionId) -> SourceResult<InstructionId> {
    let a = w.unary(Op::Abs, x)?;
    let square = w.binary(Op::Multiply, a, a)?;
    let square_plus_1 = w.plus(square, 1.0)?;
    let root = w.unary(Op::Sqrt, square_plus_1)?;
    let divisor = w.plus(root, 1.0)?;
    let quotient = w.binary(Op::Divide, square, divisor)?;
    let sum = w.binary(Op::Add, a, quotient)?;
    let near = w.unary(Op::LogPlusOne, sum)?;
    let far = log_of_double(w, a)?;
    let magnitude = w.if_below(a, LARGE, [near, far])?;
    w.with_sign_of(x, magnitude)
}

fn atan(w: &mut Writer<'_, '_, '_>, x: InstructionId) -> SourceResult<InstructionId> {
    let one = w.number(1.0)?;
    w.binary(Op::Atan2, x, one)
}

/// (log1p(x) - log1p(-x)) / 2.
fn atanh(w: &mut Writer<'_, '_, '_>, x: InstructionId) -> SourceResult<InstructionId> {
    let negative = w.unary(Op::Negate, x)?;
    let (above, below) = (w.unary(Op::LogPlusOne, x)?, w.unary(Op::LogPlusOne, negative)?);
    let difference = w.binary(Op::Subtract, above, below)?;
    w.times(difference, 0.5)
}

/// h + 1/(4h) with h = e^(|x|/2) e^(|x|/2) / 2, which overflows only where the result does.
fn cosh(w: &mut Writer<'_, '_, '_>, x: InstructionId) -> SourceResult<InstructionId> {
    let (half, quarter_inverse) = half_exponential(w, x)?;
    w.binary(Op::Add, half, quarter_inverse)
}

/// e^|x| / 2 and e^-|x| / 2.
fn half_exponential(
    w: &mut Writer<'_, '_, '_>,
    x: InstructionId,
) -> SourceResult<(InstructionId, InstructionId)> {
    let a = w.unary(Op::Abs, x)?;
    let half_a = w.times(a, 0.5)?;
    let root = w.unary(Op::Exponential, half_a)?;
    let half_root = w.times(root, 0.5)?;
    let grown = w.binary(Op::Multiply, half_root, root)?;
    let negative = w.unary(Op::Negate, a)?;
    let shrunk = w.unary(Op::Exponential, negative)?;
    Ok((grown, w.times(shrunk, 0.5)?))
}

/// With e = e^|x| - 1: (e + e/(e+1)) / 2 below 1, (e^|x| - e^-|x|) / 2 above.
fn sinh(w: &mut Writer<'_, '_, '_>, x: InstructionId) -> SourceResult<InstructionId> {
    let a = w.unary(Op::Abs, x)?;
    let e = w.unary(Op::ExponentialMinusOne, a)?;
    let e_plus_1 = w.plus(e, 1.0)?;
    let quotient = w.binary(Op::Divide, e, e_plus_1)?;
    let sum = w.binary(Op::Add, e, quotient)?;
    let near = w.times(sum, 0.5)?;
    let (grown, shrunk) = half_exponential(w, x)?;
    let far = w.binary(Op::Subtract, grown, shrunk)?;
    let magnitude = w.if_below(a, 1.0, [near, far])?;
    w.with_sign_of(x, magnitude)
}
