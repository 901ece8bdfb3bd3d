//! Operations that take sizes as operands: shapes have to be known when a program is compiled, so
//! these operands have to be constants, or computed from constants.

use std::collections::BTreeMap;

use super::attributes::{flag, index};
use super::body::Body;
use super::{convolution, data, error, indexing, unsupported};
use crate::evaluator::{EvaluatorOptions, evaluate_instruction};
use crate::frontend::source::{SourceError, SourceResult};
use crate::frontend::syntax::Operation;
use crate::hlo::{
    ArrayLiteral, ArrayShape, ElementType, Instruction, InstructionId, Literal, Op, Opcode,
    PaddingDimension, SliceDimension,
};

type Results = SourceResult<Vec<InstructionId>>;

/// How many instructions are followed to constants.
const MAX_INSTRUCTIONS: usize = 1024;
/// Elements of the longest list of sizes.
const MAX_LENGTH: usize = 1024;

/// `dynamic_reshape`.
pub(super) fn reshape(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let [operand, sizes] = body.exactly(operation)?;
    require_declared(body, operation, (1, sizes))?;
    Ok(vec![body.add_result(operation, Op::Reshape, &[operand])?])
}

/// `dynamic_iota`.
pub(super) fn iota(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let [sizes] = body.exactly(operation)?;
    require_declared(body, operation, (0, sizes))?;
    let iota_dimension = index(operation, "iota_dimension")?;
    Ok(vec![body.add_result(operation, Op::Iota { iota_dimension }, &[])?])
}

/// `dynamic_broadcast_in_dim`. Which dimensions expand follows from the shapes.
pub(super) fn broadcast_in_dim(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let [operand, sizes] = body.exactly(operation)?;
    require_declared(body, operation, (1, sizes))?;
    data::stretched(body, operation, operand)
}

/// `dynamic_pad`.
pub(super) fn pad(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let [operand, value, low, high, interior] = body.exactly(operation)?;
    let low = known(body, operation, (2, low))?;
    let high = known(body, operation, (3, high))?;
    let interior = known_sizes(body, operation, (4, interior))?;
    require_equal_lengths(operation, [low.len(), high.len(), interior.len()])?;
    let padding = low.into_iter().zip(high).zip(interior);
    let padding =
        padding.map(|((low, high), interior)| PaddingDimension { low, high, interior }).collect();
    Ok(vec![body.add_result(operation, Op::Pad { padding }, &[operand, value])?])
}

/// `real_dynamic_slice`.
pub(super) fn slice(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let [operand, starts, limits, strides] = body.exactly(operation)?;
    let starts = known_sizes(body, operation, (1, starts))?;
    let limits = known_sizes(body, operation, (2, limits))?;
    let strides = known_sizes(body, operation, (3, strides))?;
    require_equal_lengths(operation, [starts.len(), limits.len(), strides.len()])?;
    let slice = starts.into_iter().zip(limits).zip(strides);
    let slice = slice.map(|((start, limit), stride)| SliceDimension { start, limit, stride });
    Ok(vec![body.add_result(operation, Op::Slice { slice: slice.collect() }, &[operand])?])
}

/// `dynamic_gather`.
pub(super) fn gather(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let [operand, start_indices, sizes] = body.exactly(operation)?;
    let slice_sizes = known_sizes(body, operation, (2, sizes))?;
    let dimension_numbers = indexing::gather_dimension_numbers(operation)?;
    let indices_are_sorted = flag(operation, "indices_are_sorted")?;
    let op = Op::Gather { dimension_numbers, slice_sizes, indices_are_sorted };
    Ok(vec![body.add_result(operation, op, &[operand, start_indices])?])
}

/// `dynamic_conv`: the padding is the last operand.
pub(super) fn convolution(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let [lhs, rhs, padding] = body.exactly(operation)?;
    let padding = known(body, operation, (2, padding))?;
    convolution::with_padding(body, operation, ([lhs, rhs], Some(&padding)))
}

/// `get_dimension_size`: a constant.
pub(super) fn get_dimension_size(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let [operand] = body.exactly(operation)?;
    let size = size_of(body, operation, operand)?;
    let mut literal = ArrayLiteral::zeros(&ArrayShape::scalar(ElementType::S32));
    literal.set_i64(0, size);
    Ok(vec![body.add_result(operation, Op::Constant { literal: literal.into() }, &[])?])
}

/// `set_dimension_size` to the size that the dimension has.
pub(super) fn set_dimension_size(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let [operand, size] = body.exactly(operation)?;
    let (given, has) = (known(body, operation, (1, size))?, size_of(body, operation, operand)?);
    if given != [has] {
        let message = format!(
            "stablehlo.set_dimension_size to {given:?}: the dimension has {has} \
             elements, and shapes do not change"
        );
        return unsupported(operation, message);
    }
    let declared = body.result_shape(operation)?;
    body.check_type(operation, &declared, operand)?;
    Ok(vec![operand])
}

/// The size of the dimension of `operand` that the attribute names.
fn size_of(
    body: &mut Body<'_, '_>,
    operation: &Operation,
    operand: InstructionId,
) -> SourceResult<i64> {
    let dimension = index(operation, "dimension")?;
    let shape = body.array(operation, operand)?;
    let size = shape.dimensions().get(dimension).and_then(|size| i64::try_from(*size).ok());
    size.ok_or_else(|| {
        let message = format!("{} of dimension {dimension} of {shape}", operation.name);
        SourceError::new(operation.span, message)
    })
}

fn require_equal_lengths(operation: &Operation, lengths: [usize; 3]) -> SourceResult<()> {
    if lengths[0] == lengths[1] && lengths[0] == lengths[2] {
        return Ok(());
    }
    let message = format!(
        "{} has lists of {}, {} and {} numbers; equal numbers are needed",
        operation.name, lengths[0], lengths[1], lengths[2]
    );
    error(operation, message)
}

/// An error unless the sizes are those of the declared result.
fn require_declared(
    body: &mut Body<'_, '_>,
    operation: &Operation,
    (position, sizes): (usize, InstructionId),
) -> SourceResult<()> {
    let declared = body.result_array(operation)?;
    let sizes = known_sizes(body, operation, (position, sizes))?;
    if sizes == declared.dimensions() {
        return Ok(());
    }
    let (name, sizes_of) = (&operation.name, declared.dimensions());
    error(operation, format!("{name} to {sizes:?} is declared to give sizes {sizes_of:?}"))
}

fn known_sizes(
    body: &mut Body<'_, '_>,
    operation: &Operation,
    operand: (usize, InstructionId),
) -> SourceResult<Vec<usize>> {
    let values = known(body, operation, operand)?;
    let sizes = values.iter().map(|value| usize::try_from(*value).ok());
    sizes.collect::<Option<Vec<usize>>>().ok_or_else(|| {
        let message = format!("{} with negative sizes {values:?}", operation.name);
        SourceError::new(operation.span, message)
    })
}

/// The elements of an operand that has to be known, or an error at it.
fn known(
    body: &mut Body<'_, '_>,
    operation: &Operation,
    (position, id): (usize, InstructionId),
) -> SourceResult<Vec<i64>> {
    if let Some(values) = values_of(body, id) {
        return Ok(values);
    }
    let message = format!(
        "{} with sizes that are known at run time only; this has to be a constant or \
         computed from constants",
        operation.name
    );
    let place = operation.operands.get(position);
    let span = place.map_or(operation.span, |operand| operand.span);
    Err(SourceError::unsupported(span, message))
}

/// The elements of an integer array that is computed from constants, in row-major order.
fn values_of(body: &mut Body<'_, '_>, id: InstructionId) -> Option<Vec<i64>> {
    let computation = body.id;
    let builder = body.builder();
    let module = builder.module();
    let mut known: BTreeMap<InstructionId, Literal> = BTreeMap::new();
    let mut open = vec![id];
    while let Some(&id) = open.last() {
        let instruction = module.instruction(computation, id);
        let unknown = instruction.operands().iter().find(|operand| !known.contains_key(operand));
        if let (Some(operand), false) = (unknown, known.contains_key(&id)) {
            open.push(*operand);
            continue;
        }
        open.pop();
        if known.contains_key(&id) {
            continue;
        }
        if !is_followed(instruction) || known.len() == MAX_INSTRUCTIONS {
            return None;
        }
        let operands: Vec<Literal> =
            instruction.operands().iter().map(|operand| known[operand].clone()).collect();
        let options = EvaluatorOptions::default();
        let value = evaluate_instruction(module, computation, id, &operands, &options).ok()?;
        known.insert(id, value.result);
    }
    let array = known[&id].as_array().ok()?;
    let is_integer = array.element_type().is_integer();
    (0..array.element_count()).map(|n| array.get_i64(n).filter(|_| is_integer)).collect()
}

/// Whether an instruction may be one of those that sizes are computed with.
fn is_followed(instruction: &Instruction) -> bool {
    let opcode = instruction.opcode();
    let moves = matches!(
        opcode,
        Opcode::Broadcast
            | Opcode::Concatenate
            | Opcode::Constant
            | Opcode::Iota
            | Opcode::Reshape
            | Opcode::Select
            | Opcode::Slice
    );
    let count = instruction.shape().as_array().map(ArrayShape::element_count);
    (moves || opcode.is_elementwise()) && count.is_some_and(|count| count <= MAX_LENGTH)
}
