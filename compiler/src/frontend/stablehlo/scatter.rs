//! `scatter`.

use super::attributes::{as_index, as_indices, fields, flag};
use super::body::{Body, only_blocks};
use super::control::closed_region;
use super::error_at;
use crate::frontend::source::SourceResult;
use crate::frontend::syntax::Operation;
use crate::hlo::{InstructionId, Op, ScatterDimensionNumbers};

/// `scatter`.
pub(super) fn scatter<'p>(
    body: &mut Body<'_, 'p>,
    operation: &'p Operation,
) -> SourceResult<Vec<InstructionId>> {
    let operands = body.operands(operation)?;
    let [block] = only_blocks(operation)?;
    let op = Op::Scatter {
        dimension_numbers: Box::new(numbers(operation)?),
        indices_are_sorted: flag(operation, "indices_are_sorted")?,
        unique_indices: flag(operation, "unique_indices")?,
        to_apply: closed_region(body, operation, block, "reducer")?,
    };
    if operation.results.len() == 1 {
        return Ok(vec![body.add_result(operation, op, &operands)?]);
    }
    let tuple = body.add(operation, op, &operands)?;
    body.elements(operation, tuple)
}

fn numbers(operation: &Operation) -> SourceResult<ScatterDimensionNumbers> {
    let mut numbers = ScatterDimensionNumbers::default();
    for field in fields(operation, "scatter_dimension_numbers", "scatter")? {
        match field.name.as_str() {
            "update_window_dims" => numbers.update_window_dims = as_indices(field)?,
            "inserted_window_dims" => numbers.inserted_window_dims = as_indices(field)?,
            "input_batching_dims" => numbers.input_batching_dims = as_indices(field)?,
            "scatter_indices_batching_dims" => {
                numbers.scatter_indices_batching_dims = as_indices(field)?;
            }
            "scatter_dims_to_operand_dims" => {
                numbers.scatter_dims_to_operand_dims = as_indices(field)?;
            }
            "index_vector_dim" => numbers.index_vector_dim = as_index(field)?,
            other => return error_at(field.span, format!("unknown scatter dimensions '{other}'")),
        }
    }
    Ok(numbers)
}
