//! Ops whose windows are chosen at run time.

use super::attributes::{as_index, as_indices, fields, flag, indices};
use super::body::Body;
use super::error_at;
use crate::frontend::source::SourceResult;
use crate::frontend::syntax::Operation;
use crate::hlo::{GatherDimensionNumbers, InstructionId, Op};

/// `dynamic_slice`.
pub(super) fn dynamic_slice(
    body: &mut Body<'_, '_>,
    operation: &Operation,
) -> SourceResult<Vec<InstructionId>> {
    let operands = body.operands(operation)?;
    let dynamic_slice_sizes = indices(operation, "slice_sizes")?;
    Ok(vec![body.add_result(operation, Op::DynamicSlice { dynamic_slice_sizes }, &operands)?])
}

/// `dynamic_update_slice`.
pub(super) fn dynamic_update_slice(
    body: &mut Body<'_, '_>,
    operation: &Operation,
) -> SourceResult<Vec<InstructionId>> {
    let operands = body.operands(operation)?;
    Ok(vec![body.add_result(operation, Op::DynamicUpdateSlice, &operands)?])
}

/// `gather`.
pub(super) fn gather(
    body: &mut Body<'_, '_>,
    operation: &Operation,
) -> SourceResult<Vec<InstructionId>> {
    let operands: [InstructionId; 2] = body.exactly(operation)?;
    let dimension_numbers = gather_dimension_numbers(operation)?;
    let slice_sizes = indices(operation, "slice_sizes")?;
    let indices_are_sorted = flag(operation, "indices_are_sorted")?;
    let op = Op::Gather { dimension_numbers, slice_sizes, indices_are_sorted };
    Ok(vec![body.add_result(operation, op, &operands)?])
}

pub(super) fn gather_dimension_numbers(
    operation: &Operation,
) -> SourceResult<GatherDimensionNumbers> {
    let mut numbers = GatherDimensionNumbers::default();
    for field in fields(operation, "dimension_numbers", "gather")? {
        match field.name.as_str() {
            "offset_dims" => numbers.offset_dims = as_indices(field)?,
            "collapsed_slice_dims" => numbers.collapsed_slice_dims = as_indices(field)?,
            "start_index_map" => numbers.start_index_map = as_indices(field)?,
            "operand_batching_dims" => numbers.operand_batching_dims = as_indices(field)?,
            "start_indices_batching_dims" => {
                numbers.start_indices_batching_dims = as_indices(field)?;
            }
            "index_vector_dim" => numbers.index_vector_dim = as_index(field)?,
            other => return error_at(field.span, format!("unknown gather dimensions '{other}'")),
        }
    }
    Ok(numbers)
}
