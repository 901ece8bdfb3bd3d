//! Ops that combine the elements at the same place of their operands.

use super::body::Body;
use super::{attributes, error};
use crate::frontend::source::{SourceError, SourceResult, counted};
use crate::frontend::syntax::Operation;
use crate::hlo::{ComparisonDirection, ComparisonType, ElementType, InstructionId, Op, Shape};

/// One instruction with the operation's operands.
pub(super) fn direct(
    body: &mut Body<'_, '_>,
    operation: &Operation,
    count: usize,
    op: &Op,
) -> SourceResult<InstructionId> {
    let operands = body.operands(operation)?;
    if operands.len() != count {
        let (name, given) = (&operation.name, operands.len());
        let takes = counted(count, "operand");
        return error(operation, format!("{name} takes {takes}, found {given}"));
    }
    body.add_result(operation, op.clone(), &operands)
}

/// `chlo.square`: a product.
pub(super) fn square(
    body: &mut Body<'_, '_>,
    operation: &Operation,
) -> SourceResult<Vec<InstructionId>> {
    let [operand] = body.exactly(operation)?;
    Ok(vec![body.add_result(operation, Op::Multiply, &[operand, operand])?])
}

/// `compare`; without a comparison type in the order that is natural for the operands.
pub(super) fn compare(
    body: &mut Body<'_, '_>,
    operation: &Operation,
) -> SourceResult<Vec<InstructionId>> {
    let operands: [InstructionId; 2] = body.exactly(operation)?;
    let direction = attributes::required(operation, "comparison_direction")?;
    let word = attributes::as_word(direction)?;
    let direction = ComparisonDirection::from_text(word).ok_or_else(|| {
        let message = format!("found '{word}', expected EQ, NE, GE, GT, LE or LT");
        SourceError::new(direction.span, message)
    })?;
    let element_type = body.array(operation, operands[0])?.element_type();
    let comparison_type = comparison_type(operation, element_type)?;
    let op = Op::Compare { direction, comparison_type };
    Ok(vec![body.add_result(operation, op, &operands)?])
}

fn comparison_type(
    operation: &Operation,
    element_type: ElementType,
) -> SourceResult<ComparisonType> {
    let natural = ComparisonType::natural(element_type);
    let Some(attribute) = operation.attribute("compare_type") else { return Ok(natural) };
    let word = attributes::as_word(attribute)?;
    if word == "NOTYPE" {
        return Ok(natural);
    }
    ComparisonType::from_text(word).ok_or_else(|| {
        let message = format!("found '{word}', expected FLOAT, TOTALORDER, SIGNED or UNSIGNED");
        SourceError::new(attribute.span, message)
    })
}

/// `reduce_precision`.
pub(super) fn reduce_precision(
    body: &mut Body<'_, '_>,
    operation: &Operation,
) -> SourceResult<Vec<InstructionId>> {
    let [operand] = body.exactly(operation)?;
    let exponent_bits = attributes::index(operation, "exponent_bits")?;
    let mantissa_bits = attributes::index(operation, "mantissa_bits")?;
    let op = Op::ReducePrecision { exponent_bits, mantissa_bits };
    Ok(vec![body.add_result(operation, op, &[operand])?])
}

/// `select`; a scalar predicate is repeated.
pub(super) fn select(
    body: &mut Body<'_, '_>,
    operation: &Operation,
) -> SourceResult<Vec<InstructionId>> {
    let [predicate, on_true, on_false] = body.exactly(operation)?;
    let predicate = repeat_scalar(body, operation, predicate, on_true)?;
    Ok(vec![body.add_result(operation, Op::Select, &[predicate, on_true, on_false])?])
}

/// `clamp`; scalar limits are repeated.
pub(super) fn clamp(
    body: &mut Body<'_, '_>,
    operation: &Operation,
) -> SourceResult<Vec<InstructionId>> {
    let [minimum, operand, maximum] = body.exactly(operation)?;
    let minimum = repeat_scalar(body, operation, minimum, operand)?;
    let maximum = repeat_scalar(body, operation, maximum, operand)?;
    Ok(vec![body.add_result(operation, Op::Clamp, &[minimum, operand, maximum])?])
}

/// A scalar broadcast to the dimensions of `like`; anything else as it is.
fn repeat_scalar(
    body: &mut Body<'_, '_>,
    operation: &Operation,
    scalar: InstructionId,
    like: InstructionId,
) -> SourceResult<InstructionId> {
    let (from, to) = (body.array(operation, scalar)?, body.array(operation, like)?);
    if !from.is_scalar() || to.is_scalar() {
        return Ok(scalar);
    }
    let shape = Shape::Array(to.without_layout().with_element_type(from.element_type()));
    body.add_shaped(operation, Op::Broadcast { dimensions: Vec::new() }, &[scalar], shape)
}
