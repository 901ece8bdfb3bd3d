//! Changes of type and shape that are made only where they change something, and the indices of
//! shapes.

use crate::hlo::{
    ArrayShape, ComputationBuilder, ElementType, InferError, InstructionId, Op, SliceDimension,
};

fn shape<'b>(builder: &'b ComputationBuilder<'_>, value: InstructionId) -> &'b ArrayShape {
    builder.computation().instruction(value).array_shape()
}

/// The value as another type.
pub(super) fn converted(
    builder: &mut ComputationBuilder<'_>,
    value: InstructionId,
    element_type: ElementType,
) -> Result<InstructionId, InferError> {
    if shape(builder, value).element_type() == element_type {
        return Ok(value);
    }
    builder.convert(value, element_type)
}

/// The same elements in other dimensions.
pub(super) fn reshaped(
    builder: &mut ComputationBuilder<'_>,
    value: InstructionId,
    sizes: &[usize],
) -> Result<InstructionId, InferError> {
    if shape(builder, value).dimensions() == sizes {
        return Ok(value);
    }
    builder.reshape(value, sizes)
}

/// The dimensions in another order.
pub(super) fn transposed(
    builder: &mut ComputationBuilder<'_>,
    value: InstructionId,
    order: Vec<usize>,
) -> Result<InstructionId, InferError> {
    if order.is_sorted() { Ok(value) } else { builder.transpose(value, order) }
}

/// A part along some dimensions, all of the others.
pub(super) fn sliced(
    builder: &mut ComputationBuilder<'_>,
    value: InstructionId,
    along: &[(usize, SliceDimension)],
) -> Result<InstructionId, InferError> {
    let sizes = shape(builder, value).dimensions();
    let all: Vec<SliceDimension> = sizes.iter().copied().map(SliceDimension::whole).collect();
    let mut slice = all.clone();
    for (dimension, part) in along {
        slice[*dimension] = *part;
    }
    if slice == all { Ok(value) } else { builder.add(Op::Slice { slice }, &[value]) }
}

/// All indices below the sizes, row-major.
pub(super) fn indices(sizes: &[usize]) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for &size in sizes {
        let with = |index: &Vec<usize>| {
            let index = index.clone();
            (0..size).map(move |n| [&index[..], &[n]].concat())
        };
        all = all.iter().flat_map(with).collect();
    }
    all
}
