//! Operations that are whole algorithms.

use super::body::{Body, only_blocks};
use super::{attributes, control, error, error_at};
use crate::frontend::source::SourceResult;
use crate::frontend::syntax::Operation;
use crate::hlo::{InstructionId, Op, Transpose, TriangularSolveOptions};

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

/// `cholesky`.
pub(super) fn cholesky(
    body: &mut Body<'_, '_>,
    operation: &Operation,
) -> SourceResult<Vec<InstructionId>> {
    let operands: [InstructionId; 1] = body.exactly(operation)?;
    let lower = attributes::flag(operation, "lower")?;
    Ok(vec![body.add_result(operation, Op::Cholesky { lower }, &operands)?])
}

/// `triangular_solve`.
pub(super) fn triangular_solve(
    body: &mut Body<'_, '_>,
    operation: &Operation,
) -> SourceResult<Vec<InstructionId>> {
    let operands: [InstructionId; 2] = body.exactly(operation)?;
    let attribute = attributes::required(operation, "transpose_a")?;
    let word = attributes::as_word(attribute)?;
    let Some(transpose_a) = Transpose::from_text(word) else {
        let allowed: Vec<&str> = Transpose::ALL.iter().map(|value| value.text()).collect();
        let message = format!("'{word}' is not allowed here; {} are", allowed.join(", "));
        return error_at(attribute.span, message);
    };
    let options = TriangularSolveOptions {
        left_side: attributes::flag(operation, "left_side")?,
        lower: attributes::flag(operation, "lower")?,
        unit_diagonal: attributes::flag(operation, "unit_diagonal")?,
        transpose_a,
    };
    Ok(vec![body.add_result(operation, Op::TriangularSolve { options }, &operands)?])
}
