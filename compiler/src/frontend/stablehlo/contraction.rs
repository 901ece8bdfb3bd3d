//! Dots and reductions.

use super::attributes::{as_indices, fields, indices, word};
use super::body::{Body, only_blocks};
use super::{control, error, error_at};
use crate::frontend::source::{SourceError, SourceResult};
use crate::frontend::syntax::Operation;
use crate::hlo::{DotDimensionNumbers, InstructionId, Op, OperandPrecision, Precision};

/// `dot_general`.
pub(super) fn dot_general(
    body: &mut Body<'_, '_>,
    operation: &Operation,
) -> SourceResult<Vec<InstructionId>> {
    let operands: [InstructionId; 2] = body.exactly(operation)?;
    let mut numbers = DotDimensionNumbers::default();
    for field in fields(operation, "dot_dimension_numbers", "dot")? {
        let dimensions = as_indices(field)?;
        match field.name.as_str() {
            "lhs_batching_dimensions" => numbers.lhs_batch_dimensions = dimensions,
            "rhs_batching_dimensions" => numbers.rhs_batch_dimensions = dimensions,
            "lhs_contracting_dimensions" => numbers.lhs_contracting_dimensions = dimensions,
            "rhs_contracting_dimensions" => numbers.rhs_contracting_dimensions = dimensions,
            other => return error_at(field.span, format!("unknown dot dimensions '{other}'")),
        }
    }
    add_dot(body, operation, operands, numbers)
}

/// `dot` of vectors and matrices: the last dimension of the left operand with the first one of
/// the right operand.
pub(super) fn dot(
    body: &mut Body<'_, '_>,
    operation: &Operation,
) -> SourceResult<Vec<InstructionId>> {
    let operands: [InstructionId; 2] = body.exactly(operation)?;
    let lhs_rank = body.array(operation, operands[0])?.rank();
    let rhs_rank = body.array(operation, operands[1])?.rank();
    if !matches!((lhs_rank, rhs_rank), (1 | 2, 1 | 2)) {
        let message =
            format!("stablehlo.dot takes vectors and matrices, found ranks {lhs_rank}, {rhs_rank}");
        return error(operation, message);
    }
    let numbers = DotDimensionNumbers {
        lhs_contracting_dimensions: vec![lhs_rank - 1],
        rhs_contracting_dimensions: vec![0],
        ..DotDimensionNumbers::default()
    };
    add_dot(body, operation, operands, numbers)
}

fn add_dot(
    body: &mut Body<'_, '_>,
    operation: &Operation,
    operands: [InstructionId; 2],
    dimension_numbers: DotDimensionNumbers,
) -> SourceResult<Vec<InstructionId>> {
    let operand_precision = operand_precision(operation)?;
    let op = Op::Dot { dimension_numbers, operand_precision };
    Ok(vec![body.add_result(operation, op, &operands)?])
}

/// `precision_config`: nothing, or one word for each operand.
fn operand_precision(operation: &Operation) -> SourceResult<OperandPrecision> {
    let Some(attribute) = operation.attribute("precision_config") else {
        return Ok(OperandPrecision::default());
    };
    let wrong = || {
        let message = "the attribute 'precision_config' has to be a list of two of DEFAULT, HIGH \
                       and HIGHEST";
        SourceError::new(attribute.span, message)
    };
    let precisions = attribute.value.as_array().ok_or_else(wrong)?.iter().map(|each| {
        let word = word(each).ok_or_else(wrong)?;
        Precision::from_text(&word.to_ascii_lowercase()).ok_or_else(wrong)
    });
    match precisions.collect::<SourceResult<Vec<_>>>()?[..] {
        [] => Ok(OperandPrecision::default()),
        [lhs, rhs] => Ok(OperandPrecision { lhs, rhs }),
        _ => Err(wrong()),
    }
}

/// `reduce`. Its region becomes a computation of accumulators and elements; what it uses from
/// outside has to be constant.
pub(super) fn reduce<'p>(
    body: &mut Body<'_, 'p>,
    operation: &'p Operation,
) -> SourceResult<Vec<InstructionId>> {
    let operands = body.operands(operation)?;
    let [block] = only_blocks(operation)?;
    let dimensions = indices(operation, "dimensions")?;
    let captures = control::captures(body, operation, block)?;
    if let Some(&(value, _)) = captures.carried.first() {
        let (what, span) = (&operation.name, control::first_use(block, value));
        let message = format!("{what}: its region may use only constants from outside, not this");
        return error_at(span.unwrap_or(operation.span), message);
    }
    let mut region = Body::new(body.importer, "reducer");
    region.add_parameters(block)?;
    region.repeat_constants(operation, captures.constants)?;
    let results = region.import_block(block, operation, "stablehlo.return")?;
    region.set_results(operation, &results)?;
    let op = Op::Reduce { dimensions, to_apply: region.id };
    if operation.results.len() == 1 {
        return Ok(vec![body.add_result(operation, op, &operands)?]);
    }
    let tuple = body.add(operation, op, &operands)?;
    body.elements(operation, tuple)
}
