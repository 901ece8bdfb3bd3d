//! Operations whose sizes are operands, where these are constants: the operations with the sizes as
//! attributes. Others are refused, since programs have static shapes here.

use super::attributes::index;
use super::body::Body;
use super::{convolution, data, error, indexing};
use crate::frontend::source::SourceResult;
use crate::frontend::syntax::{Attribute, NamedAttribute, Operation};
use crate::hlo::{ArrayLiteral, ElementType, InstructionId, Op};

type Results = SourceResult<Vec<InstructionId>>;

/// The static operation `name`: the first `kept` operands, and for each further one the attribute
/// that it becomes.
fn static_twin(
    body: &mut Body<'_, '_>,
    operation: &Operation,
    (name, kept): (&str, usize),
    attributes: &[&str],
) -> SourceResult<Operation> {
    let operands = body.operands(operation)?;
    if operands.len() != kept + attributes.len() {
        let (given, needed) = (operands.len(), kept + attributes.len());
        let message = format!("{} takes {needed} operands, found {given}", operation.name);
        return error(operation, message);
    }
    let mut twin = operation.clone();
    name.clone_into(&mut twin.name);
    twin.operands.truncate(kept);
    for (operand, attribute) in operands[kept..].iter().zip(attributes) {
        let Some(values) = integers_of(body, *operand) else {
            let message = format!(
                "{}: what becomes '{attribute}' of {name} has to be a constant; sizes that are \
                 known only at run time are not supported",
                operation.name
            );
            return error(operation, message);
        };
        twin.attributes.push(NamedAttribute {
            name: (*attribute).to_owned(),
            value: Attribute::IntegerArray(values),
            span: operation.span,
        });
    }
    Ok(twin)
}

/// The values of a constant list of integers, or of constants that were put together.
fn integers_of(body: &mut Body<'_, '_>, id: InstructionId) -> Option<Vec<i64>> {
    let builder = body.builder();
    let instruction = builder.computation().instruction(id);
    let operands = instruction.operands().to_vec();
    match instruction.op() {
        Op::Constant { literal } => {
            let array = literal.as_array().ok()?;
            (0..array.element_count()).map(|n| array.get_i64(n)).collect()
        }
        Op::Reshape | Op::Convert => integers_of(body, operands[0]),
        Op::Concatenate { .. } => {
            let parts = operands.into_iter().map(|part| integers_of(body, part));
            Some(parts.collect::<Option<Vec<_>>>()?.concat())
        }
        _ => None,
    }
}

/// An error unless the sizes that an operand gives are those of the declared result.
fn check_sizes(body: &Body<'_, '_>, operation: &Operation, twin: &Operation) -> SourceResult<()> {
    let declared = body.result_array(operation)?;
    let given = twin.attribute(SIZES).and_then(|sizes| sizes.value.as_integers());
    let sizes = declared.dimensions().iter().map(|&size| i64::try_from(size).ok());
    if given.is_some_and(|given| given.into_iter().map(Some).eq(sizes)) {
        return Ok(());
    }
    let what = &operation.name;
    error(operation, format!("{what}: the sizes that are given are not those of {declared}"))
}

/// The operand with the sizes of the result.
const SIZES: &str = "the sizes of the result";

/// `dynamic_broadcast_in_dim`.
pub(super) fn broadcast_in_dim(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let twin = static_twin(body, operation, ("stablehlo.broadcast_in_dim", 1), &[SIZES])?;
    check_sizes(body, operation, &twin)?;
    data::broadcast_in_dim(body, &twin)
}

/// `dynamic_reshape`.
pub(super) fn reshape(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let twin = static_twin(body, operation, ("stablehlo.reshape", 1), &[SIZES])?;
    check_sizes(body, operation, &twin)?;
    let operands = body.operands(&twin)?;
    Ok(vec![body.add_result(&twin, Op::Reshape, &operands)?])
}

/// `dynamic_iota`.
pub(super) fn iota(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let twin = static_twin(body, operation, ("stablehlo.iota", 0), &[SIZES])?;
    check_sizes(body, operation, &twin)?;
    data::iota(body, &twin)
}

/// `dynamic_pad`.
pub(super) fn pad(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let lists = ["edge_padding_low", "edge_padding_high", "interior_padding"];
    let twin = static_twin(body, operation, ("stablehlo.pad", 2), &lists)?;
    data::pad(body, &twin)
}

/// `real_dynamic_slice`.
pub(super) fn slice(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let lists = ["start_indices", "limit_indices", "strides"];
    let twin = static_twin(body, operation, ("stablehlo.slice", 1), &lists)?;
    data::slice(body, &twin)
}

/// `dynamic_gather`.
pub(super) fn gather(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let twin = static_twin(body, operation, ("stablehlo.gather", 2), &["slice_sizes"])?;
    indexing::gather(body, &twin)
}

/// `dynamic_conv`.
pub(super) fn convolution(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let twin = static_twin(body, operation, ("stablehlo.convolution", 2), &["padding"])?;
    convolution::convolution(body, &twin)
}

/// `get_dimension_size`: every size is known.
pub(super) fn get_dimension_size(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let [operand] = body.exactly(operation)?;
    let shape = body.array(operation, operand)?;
    let dimension = index(operation, "dimension")?;
    let Some(&size) = shape.dimensions().get(dimension) else {
        let message = format!("{}: dimension {dimension} of {shape}", operation.name);
        return error(operation, message);
    };
    let scalar = crate::hlo::ArrayShape::scalar(ElementType::S32);
    let mut literal = ArrayLiteral::zeros(&scalar);
    let Ok(number) = i32::try_from(size) else {
        return error(operation, format!("{}: {size} does not fit i32", operation.name));
    };
    literal.set_i64(0, number.into());
    Ok(vec![body.add_result(operation, Op::Constant { literal: literal.into() }, &[])?])
}
