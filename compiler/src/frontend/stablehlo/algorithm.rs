//! Operations that are whole algorithms.

use super::body::{Body, only_blocks};
use super::{attributes, control, error};
use crate::frontend::source::SourceResult;
use crate::frontend::syntax::Operation;
use crate::hlo::{InstructionId, Op};

/// `sort`. A negative dimension counts from the end, none is the last one.
pub(super) fn sort<'p>(
    body: &mut Body<'_, 'p>,
    operation: &'p Operation,
) -> SourceResult<Vec<InstructionId>> {
    let operands = body.operands(operation)?;
    let [block] = only_blocks(operation)?;
    let (n_operands, n_results) = (operands.len(), operation.results.len());
    let Some(&first) = operands.first().filter(|_| n_operands == n_results) else {
        let message = format!(
            "stablehlo.sort has as many results as operands and at least 1 of them, found \
             {n_operands} operands and {n_results} results"
        );
        return error(operation, message);
    };
    let rank = body.array(operation, first)?.rank();
    let dimension = match operation.attribute("dimension") {
        Some(attribute) => attributes::as_dimension(attribute, rank)?,
        None => rank.saturating_sub(1),
    };
    let is_stable = attributes::flag(operation, "is_stable")?;
    let to_apply = control::closed_region(body, operation, block, "comparator")?;
    let op = Op::Sort { dimension, is_stable, to_apply };
    if n_results == 1 {
        return Ok(vec![body.add_result(operation, op, &operands)?]);
    }
    let tuple = body.add(operation, op, &operands)?;
    body.elements(operation, tuple)
}
