//! Dots and reductions.

use super::attributes::{as_indices, fields, indices, word};
use super::body::{Body, only_blocks};
use super::{control, error, error_at};
use crate::frontend::source::{SourceError, SourceResult};
use crate::frontend::syntax::{Attribute, NamedAttribute, Operation};
use crate::hlo::{
    ArrayShape, DotDimensionNumbers, ElementType, InstructionId, Op, OperandPrecision, Precision,
    Shape,
};

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
    let operand_precision = match operation.attribute("algorithm") {
        Some(attribute) => algorithm(attribute)?,
        None => operand_precision(operation)?,
    };
    let operands = of_one_type(body, operation, operands)?;
    let op = Op::Dot { dimension_numbers, operand_precision };
    Ok(vec![body.add_result(operation, op, &operands)?])
}

/// The operands; integers become floats where the other operand has those, and floats of 8 bits of
/// two kinds become bf16. StableHLO wants one type, but JAX gives TPUs such dots as they are.
fn of_one_type(
    body: &mut Body<'_, '_>,
    operation: &Operation,
    [lhs, rhs]: [InstructionId; 2],
) -> SourceResult<[InstructionId; 2]> {
    let shapes = [body.array(operation, lhs)?, body.array(operation, rhs)?];
    let [lhs_type, rhs_type] = [shapes[0].element_type(), shapes[1].element_type()];
    let [lhs_shape, rhs_shape] = shapes;
    if lhs_type != rhs_type && [lhs_type, rhs_type].iter().all(|each| is_small_float(*each)) {
        // bf16 has every value of them.
        let mut wide = |id, shape: ArrayShape| {
            let shape = Shape::Array(shape.with_element_type(ElementType::BF16));
            body.add_shaped(operation, Op::Convert, &[id], shape)
        };
        return Ok([wide(lhs, lhs_shape)?, wide(rhs, rhs_shape)?]);
    }
    if lhs_type.is_float() && rhs_type.is_integer() {
        let shape = Shape::Array(rhs_shape.with_element_type(lhs_type));
        return Ok([lhs, body.add_shaped(operation, Op::Convert, &[rhs], shape)?]);
    }
    if rhs_type.is_float() && lhs_type.is_integer() {
        let shape = Shape::Array(lhs_shape.with_element_type(rhs_type));
        return Ok([body.add_shaped(operation, Op::Convert, &[lhs], shape)?, rhs]);
    }
    Ok([lhs, rhs])
}

fn is_small_float(element_type: ElementType) -> bool {
    element_type.is_float() && element_type.is_narrow()
}

/// `algorithm`: the precision that does at least what it asks. `DotAlgorithmPreset` of JAX gives
/// such attributes.
fn algorithm(attribute: &NamedAttribute) -> SourceResult<OperandPrecision> {
    let wrong = |what: String| SourceError::new(attribute.span, what);
    let Attribute::Struct { name, fields, .. } = &attribute.value else {
        return Err(wrong(
            "the attribute 'algorithm' has to be a #stablehlo.dot_algorithm<…>".into(),
        ));
    };
    let text = |key: &str| {
        let field = fields.iter().find(|field| field.name == key);
        field.map_or_else(
            || "nothing".to_owned(),
            |field| match &field.value {
                Attribute::Integer(value, _) => value.to_string(),
                Attribute::Type(value) => value.to_string(),
                Attribute::Other(text) => text.clone(),
                _ => "something else".to_owned(),
            },
        )
    };
    let (lhs, rhs) = (text("lhs_precision_type"), text("rhs_precision_type"));
    let (sums, passes) = (text("accumulation_type"), text("num_primitive_operations"));
    let precision = match [lhs.as_str(), rhs.as_str(), sums.as_str(), passes.as_str()] {
        ["bf16", "bf16", "f32", "1"] => Precision::Default,
        ["bf16", "bf16", "f32", "3"] | ["tf32", "tf32", "f32", "1"] => Precision::High,
        ["bf16", "bf16", "f32", "6" | "9"]
        | ["f16", "f16", "f32", "1"]
        | ["tf32", "tf32", "f32", "3"]
        | ["f32", "f32", "f32", "1"] => Precision::Highest,
        _ => {
            let what = format!(
                "{name} {lhs} x {rhs} with sums in {sums} and {passes} products; \
                 supported are bf16 x bf16 (1, 3, 6 or 9 products), tf32 x tf32 (1 or 3), \
                 f16 x f16 (1) and f32 x f32 (1), all with sums in f32"
            );
            return Err(SourceError::unsupported(attribute.span, what));
        }
    };
    Ok(OperandPrecision { lhs: precision, rhs: precision })
}

/// `precision_config`: nothing, or one word for each operand.
pub(super) fn operand_precision(operation: &Operation) -> SourceResult<OperandPrecision> {
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
    let to_apply = control::closed_region(body, operation, block, "reducer")?;
    let op = Op::Reduce { dimensions, to_apply };
    if operation.results.len() == 1 {
        return Ok(vec![body.add_result(operation, op, &operands)?]);
    }
    let tuple = body.add(operation, op, &operands)?;
    body.elements(operation, tuple)
}
