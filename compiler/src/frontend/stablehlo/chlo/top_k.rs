//! `chlo.top_k`: the largest elements along the last dimension, and where they were.

use super::super::body::Body;
use super::super::{attributes, error, types};
use crate::frontend::source::SourceResult;
use crate::frontend::syntax::{Operation, Type};
use crate::hlo::{
    ArrayShape, ComparisonDirection, ComparisonType, ComputationId, ElementType, InstructionId, Op,
    Shape, SliceDimension,
};

/// Sorts the elements together with their indices, in the order of all values, and takes the first
/// ones of both. Of equal elements the first one comes first.
pub(in crate::frontend::stablehlo) fn top_k(
    body: &mut Body<'_, '_>,
    operation: &Operation,
) -> SourceResult<Vec<InstructionId>> {
    let [operand] = body.exactly(operation)?;
    let count = attributes::index(operation, "k")?;
    let [values, indices] = &operation.result_types[..] else {
        let given = operation.result_types.len();
        return error(operation, format!("chlo.top_k has 2 results, found {given}"));
    };
    let shape = body.array(operation, operand)?;
    let element_type = shape.element_type();
    let Some(iota_dimension) = shape.rank().checked_sub(1) else {
        return error(operation, "chlo.top_k takes an array of at least 1 dimension");
    };
    if count > shape.dimensions()[iota_dimension] || element_type.is_complex() {
        return error(operation, format!("there are no {count} largest elements of {shape}"));
    }
    let numbers = Shape::Array(shape.without_layout().with_element_type(ElementType::S32));
    let numbers = body.add_shaped(operation, Op::Iota { iota_dimension }, &[], numbers)?;
    let to_apply = descending(body, operation, element_type)?;
    let sort = Op::Sort { dimension: iota_dimension, is_stable: true, to_apply };
    let sorted = body.add(operation, sort, &[operand, numbers])?;
    let values = first(body, operation, (sorted, 0, count), values)?;
    Ok(vec![values, first(body, operation, (sorted, 1, count), indices)?])
}

/// Whether an element comes before another: is it larger? Indices are not looked at.
fn descending(
    body: &mut Body<'_, '_>,
    operation: &Operation,
    element_type: ElementType,
) -> SourceResult<ComputationId> {
    let comparison_type = match ComparisonType::natural(element_type) {
        ComparisonType::Float | ComparisonType::TotalOrder => ComparisonType::TotalOrder,
        integers @ (ComparisonType::Signed | ComparisonType::Unsigned) => integers,
    };
    let mut comparator = Body::new(body.importer, "comparator");
    let scalars = [element_type, element_type, ElementType::S32, ElementType::S32];
    let [a, b, _, _] = scalars.map(|each| comparator.builder().parameter(Shape::scalar(each), "x"));
    let op = Op::Compare { direction: ComparisonDirection::Gt, comparison_type };
    let root = comparator.add(operation, op, &[a, b])?;
    comparator.builder().set_root(root);
    Ok(comparator.id)
}

/// The first elements of one of the sorted arrays.
fn first(
    body: &mut Body<'_, '_>,
    operation: &Operation,
    (sorted, index, count): (InstructionId, usize, usize),
    declared: &Type,
) -> SourceResult<InstructionId> {
    let all = body.add(operation, Op::GetTupleElement { index }, &[sorted])?;
    let shape: ArrayShape = body.array(operation, all)?;
    let whole = shape.dimensions().iter().copied().map(SliceDimension::whole);
    let mut slice: Vec<SliceDimension> = whole.collect();
    slice.last_mut().into_iter().for_each(|last| last.limit = count);
    let first = body.add(operation, Op::Slice { slice }, &[all])?;
    body.check_type(operation, &types::shape(declared, operation.span)?, first)?;
    Ok(first)
}
