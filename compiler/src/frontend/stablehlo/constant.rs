//! Constants.

use super::body::Body;
use super::{attributes, error_at, types};
use crate::frontend::source::{SourceError, SourceResult};
use crate::frontend::syntax::{Attribute, Dense, DenseData, NamedAttribute, Operation};
use crate::hlo::{ArrayLiteral, ArrayShape, InstructionId, Literal, Op, Shape};

/// `constant`.
pub(super) fn constant(
    body: &mut Body<'_, '_>,
    operation: &Operation,
) -> SourceResult<Vec<InstructionId>> {
    let []: [InstructionId; 0] = body.exactly(operation)?;
    let value = attributes::required(operation, "value")?;
    let id = value_of(body, operation, value)?;
    let declared = body.result_shape(operation)?;
    body.check_type(operation, &declared, id)?;
    Ok(vec![id])
}

/// The instruction of a constant. A splat is a broadcast of its element: it may be much larger
/// than what the text says about it.
pub(super) fn value_of(
    body: &mut Body<'_, '_>,
    operation: &Operation,
    value: &NamedAttribute,
) -> SourceResult<InstructionId> {
    if let Attribute::Resource { key, tensor } = &value.value {
        let shape = types::array_shape(tensor, value.span)?;
        let program = body.importer.program;
        let Some(bytes) = program.resources.get(key) else {
            let message = format!("there is no resource '{key}' at the end of the text");
            return error_at(value.span, message);
        };
        return add(body, operation, value, shape, bytes);
    }
    let Attribute::Dense(Dense { tensor, data }) = &value.value else {
        return error_at(value.span, "a constant has to be a dense<…> or a dense_resource<…>");
    };
    let shape = types::array_shape(tensor, value.span)?;
    match data {
        DenseData::Elements(bytes) => add(body, operation, value, shape, bytes),
        DenseData::Splat(bytes) => {
            let scalar = ArrayShape::scalar(shape.element_type());
            let element = add(body, operation, value, scalar, bytes)?;
            let op = Op::Broadcast { dimensions: Vec::new() };
            body.add_shaped(operation, op, &[element], Shape::Array(shape))
        }
        DenseData::Undecoded => {
            error_at(value.span, format!("unsupported constant of type {tensor}"))
        }
    }
}

fn add(
    body: &mut Body<'_, '_>,
    operation: &Operation,
    value: &NamedAttribute,
    shape: ArrayShape,
    bytes: &[u8],
) -> SourceResult<InstructionId> {
    let literal = ArrayLiteral::from_bytes(shape, bytes)
        .map_err(|error| SourceError::new(value.span, error.to_string()))?;
    body.add(operation, Op::Constant { literal: Literal::Array(literal) }, &[])
}
