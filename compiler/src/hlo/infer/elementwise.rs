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
    Integer,
    SignedOrFloat,
    Number,
    PredOrInteger,
}

impl Accepts {
    fn allows(self, element_type: ElementType) -> bool {
        let (float, integer) = (element_type.is_float(), element_type.is_integer());
        match self {
            Self::Any => true,
            Self::Float => float,
            Self::Integer => integer,
            Self::SignedOrFloat => element_type.is_signed() || float,
            Self::Number => integer || float,
            Self::PredOrInteger => integer || element_type == ElementType::Pred,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Any => "any type",
            Self::Float => "a float type",
            Self::Integer => "an integer type",
            Self::SignedOrFloat => "a signed integer or float type",
            Self::Number => "an integer or float type",
            Self::PredOrInteger => "pred or an integer type",
        }
    }
}

/// What the (I1) row of the op's specification allows.
fn accepts(opcode: Opcode) -> Accepts {
    #[expect(clippy::wildcard_enum_match_arm, reason = "only elementwise opcodes come here")]
    match opcode {
        Opcode::Abs | Opcode::Sign => Accepts::SignedOrFloat,
        Opcode::Cbrt
        | Opcode::Ceil
        | Opcode::Cosine
        | Opcode::Exponential
        | Opcode::ExponentialMinusOne
        | Opcode::Floor
        | Opcode::IsFinite
        | Opcode::Log
        | Opcode::LogPlusOne
        | Opcode::Logistic
        | Opcode::RoundNearestAfz
        | Opcode::RoundNearestEven
        | Opcode::Rsqrt
        | Opcode::Sine
        | Opcode::Sqrt
        | Opcode::Tan
        | Opcode::Tanh
        | Opcode::Atan2 => Accepts::Float,
        Opcode::CountLeadingZeros
        | Opcode::Popcnt
        | Opcode::ShiftLeft
        | Opcode::ShiftRightArithmetic
        | Opcode::ShiftRightLogical => Accepts::Integer,
        Opcode::Negate | Opcode::Divide | Opcode::Power | Opcode::Remainder | Opcode::Subtract => {
            Accepts::Number
        }
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
    let to_pred = context.opcode == Opcode::IsFinite;
    Ok(if to_pred { result.with_element_type(ElementType::Pred) } else { result })
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
