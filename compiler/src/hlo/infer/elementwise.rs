//! Inference of ops that work element by element.

use super::super::attribute::ComparisonType;
use super::super::opcode::Opcode;
use super::super::shape::{ArrayShape, ElementType};
use super::{Context, InferError};

/// The element types that an elementwise op accepts.
#[derive(Clone, Copy)]
enum Accepts {
    Any,
    Float,
    FloatOrComplex,
    Integer,
    SignedFloatOrComplex,
    IntegerOrFloat,
    Number,
    PredOrInteger,
}

impl Accepts {
    fn allows(self, element_type: ElementType) -> bool {
        let (float, integer) = (element_type.is_float(), element_type.is_integer());
        let complex = element_type.is_complex();
        match self {
            Self::Any => true,
            Self::Float => float,
            Self::FloatOrComplex => float || complex,
            Self::Integer => integer,
            Self::SignedFloatOrComplex => element_type.is_signed() || float || complex,
            Self::IntegerOrFloat => integer || float,
            Self::Number => integer || float || complex,
            Self::PredOrInteger => integer || element_type == ElementType::Pred,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Any => "any type",
            Self::Float => "a float type",
            Self::FloatOrComplex => "a float or complex type",
            Self::Integer => "an integer type",
            Self::SignedFloatOrComplex => "a signed integer, float or complex type",
            Self::IntegerOrFloat => "an integer or float type",
            Self::Number => "an integer, float or complex type",
            Self::PredOrInteger => "pred or an integer type",
        }
    }
}

/// What the (I1) row of the op's specification allows.
fn accepts(opcode: Opcode) -> Accepts {
    #[expect(clippy::wildcard_enum_match_arm, reason = "only elementwise opcodes come here")]
    match opcode {
        Opcode::Abs | Opcode::Sign => Accepts::SignedFloatOrComplex,
        Opcode::Ceil
        | Opcode::Floor
        | Opcode::IsFinite
        | Opcode::RoundNearestAfz
        | Opcode::RoundNearestEven => Accepts::Float,
        Opcode::Cbrt
        | Opcode::Cosine
        | Opcode::Exponential
        | Opcode::ExponentialMinusOne
        | Opcode::Imag
        | Opcode::Log
        | Opcode::LogPlusOne
        | Opcode::Logistic
        | Opcode::Real
        | Opcode::Rsqrt
        | Opcode::Sine
        | Opcode::Sqrt
        | Opcode::Tan
        | Opcode::Tanh
        | Opcode::Atan2 => Accepts::FloatOrComplex,
        Opcode::CountLeadingZeros
        | Opcode::Popcnt
        | Opcode::ShiftLeft
        | Opcode::ShiftRightArithmetic
        | Opcode::ShiftRightLogical => Accepts::Integer,
        Opcode::Remainder => Accepts::IntegerOrFloat,
        Opcode::Negate | Opcode::Divide | Opcode::Power | Opcode::Subtract => Accepts::Number,
        Opcode::And | Opcode::Or | Opcode::Xor | Opcode::Not => Accepts::PredOrInteger,
        _ => Accepts::Any,
    }
}

fn require_accepted(context: &Context<'_>, operand: &ArrayShape) -> Result<(), InferError> {
    // (I1) of each op
    let accepts = accepts(context.opcode);
    context.require(accepts.allows(operand.element_type()), "(I1)", || {
        format!("the operand is {operand}; {} is needed", accepts.text())
    })
}

/// Ops of one operand.
pub(super) fn unary(context: &Context<'_>) -> Result<ArrayShape, InferError> {
    let operand = context.array(0)?;
    require_accepted(context, operand)?;
    // (C1) of each op: operand and result have the same type; is_finite (C1): the same shape
    let result = operand.without_layout();
    if context.opcode == Opcode::IsFinite {
        return Ok(result.with_element_type(ElementType::Pred));
    }
    // abs (C2)
    let is_abs = context.opcode == Opcode::Abs;
    let part = operand.element_type().part();
    Ok(if is_abs { result.with_element_type(part) } else { result })
}

/// `real` and `imag`.
pub(super) fn part(context: &Context<'_>) -> Result<ArrayShape, InferError> {
    let operand = context.array(0)?;
    require_accepted(context, operand)?;
    // real (C2), imag (C2)
    Ok(operand.without_layout().with_element_type(operand.element_type().part()))
}

/// `complex`.
pub(super) fn complex(context: &Context<'_>) -> Result<ArrayShape, InferError> {
    let (real, imaginary) = (context.array(0)?, context.array(1)?);
    // complex (I1)
    let whole = real.element_type().complex().ok_or_else(|| {
        let message = format!("the real part is {real}; f32 or f64 is needed");
        context.error("complex (I1)", message)
    })?;
    // complex (C1)
    context.require(real.same_but_layout(imaginary), "complex (C1)", || {
        format!("operands {real} and {imaginary} need the same type")
    })?;
    // complex (C2), (C3)
    Ok(real.without_layout().with_element_type(whole))
}

/// `convert`.
pub(super) fn convert(context: &Context<'_>) -> Result<ArrayShape, InferError> {
    let (operand, stated) = (context.array(0)?, context.stated_array()?);
    // convert (C1)
    context.require(operand.dimensions() == stated.dimensions(), "convert (C1)", || {
        format!("operand {operand} and result {stated} need the same dimensions")
    })?;
    Ok(stated.without_layout())
}

/// Ops of two operands.
pub(super) fn binary(context: &Context<'_>) -> Result<ArrayShape, InferError> {
    let (lhs, rhs) = (context.array(0)?, context.array(1)?);
    require_accepted(context, lhs)?;
    // (C1) of each op
    context.require(lhs.same_but_layout(rhs), "(C1)", || {
        format!("operands {lhs} and {rhs} need the same type")
    })?;
    Ok(lhs.without_layout())
}

/// `compare`.
pub(super) fn compare(
    context: &Context<'_>,
    comparison_type: ComparisonType,
) -> Result<ArrayShape, InferError> {
    let (lhs, rhs) = (context.array(0)?, context.array(1)?);
    // compare (C1)
    context.require(lhs.element_type() == rhs.element_type(), "compare (C1)", || {
        format!("operands {lhs} and {rhs} need the same element type")
    })?;
    // compare (C2)
    context.require(lhs.dimensions() == rhs.dimensions(), "compare (C2)", || {
        format!("operands {lhs} and {rhs} need the same dimensions")
    })?;
    // compare (C3)
    let natural = ComparisonType::natural(lhs.element_type());
    let total = comparison_type == ComparisonType::TotalOrder && lhs.element_type().is_float();
    context.require(comparison_type == natural || total, "compare (C3)", || {
        let also = if lhs.element_type().is_float() { " or TOTALORDER" } else { "" };
        let (given, allowed) = (comparison_type.text(), natural.text());
        format!("operands {lhs} are compared as {given}; {allowed}{also} is allowed")
    })?;
    Ok(lhs.without_layout().with_element_type(ElementType::Pred))
}

/// `select`.
pub(super) fn select(context: &Context<'_>) -> Result<ArrayShape, InferError> {
    let (pred, on_true, on_false) = (context.array(0)?, context.array(1)?, context.array(2)?);
    // select (I1)
    context.require(pred.element_type() == ElementType::Pred, "select (I1)", || {
        format!("operand 0 is {pred}; pred elements are needed")
    })?;
    // select (C1)
    let fits = pred.is_scalar() || pred.dimensions() == on_true.dimensions();
    context.require(fits, "select (C1)", || {
        format!("operand 0 is {pred}; a scalar or the dimensions of {on_true} are needed")
    })?;
    // select (C2)
    context.require(on_true.same_but_layout(on_false), "select (C2)", || {
        format!("operands 1 and 2 are {on_true} and {on_false}; they need the same type")
    })?;
    Ok(on_true.without_layout())
}

/// `clamp`.
pub(super) fn clamp(context: &Context<'_>) -> Result<ArrayShape, InferError> {
    let (min, operand, max) = (context.array(0)?, context.array(1)?, context.array(2)?);
    let fits = |limit: &ArrayShape| limit.is_scalar() || limit.dimensions() == operand.dimensions();
    // clamp (C1)
    context.require(fits(min), "clamp (C1)", || {
        format!("the minimum is {min}; a scalar or the dimensions of {operand} are needed")
    })?;
    // clamp (C2)
    context.require(fits(max), "clamp (C2)", || {
        format!("the maximum is {max}; a scalar or the dimensions of {operand} are needed")
    })?;
    // clamp (C3)
    let element_type = operand.element_type();
    let same = min.element_type() == element_type && max.element_type() == element_type;
    context.require(same, "clamp (C3)", || {
        format!("operands {min}, {operand} and {max} need the same element type")
    })?;
    // clamp (C4)
    Ok(operand.without_layout())
}
