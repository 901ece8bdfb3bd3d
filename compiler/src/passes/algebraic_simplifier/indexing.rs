//! Slices and updates whose place is a value.
//!
//! * At constant places, `dynamic-slice` is `slice`; of everything, it is nothing. Indices that can
//!   only mean 0 are 0.
//! * A `dynamic-slice` of what was just written there is what was written.
//! * A `dynamic-update-slice` of everything is the update; of nothing, nothing; of what is there
//!   already, nothing; over another at the same place, that one goes.
//! * A `gather` of one slice is a `dynamic-slice`; one of slices without elements is 0.

use crate::hlo::{
    ArrayLiteral, ArrayShape, ElementType, GatherDimensionNumbers, InferError, InstructionId, Op,
    SliceDimension,
};
use crate::passes::site::{Rewritten, Site};

use super::constants::integer_scalar;

/// Where a slice of `size` elements of `whole` starts for this index.
fn clamped(index: i64, whole: usize, size: usize) -> usize {
    usize::try_from(index.max(0)).unwrap_or(usize::MAX).min(whole - size)
}

/// Are these the same indices?
fn same_indices(site: &Site<'_>, a: &[InstructionId], b: &[InstructionId]) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|(&a, &b)| {
            let known = site.integer_of(a);
            a == b || known.is_some() && known == site.integer_of(b)
        })
}

/// `dynamic-slice`.
pub(super) fn dynamic_slice(site: &mut Site<'_>, slice_sizes: &[usize]) -> Rewritten {
    let operands = site.instruction().operands().to_vec();
    let (x, starts) = (operands[0], &operands[1..]);
    if site.fits(x) {
        return Ok(Some(x));
    }
    let sizes = site.dimensions(x).to_vec();
    let known: Option<Vec<SliceDimension>> = (0..sizes.len())
        .map(|d| {
            let is_whole = slice_sizes[d] == sizes[d];
            let index = if is_whole { 0 } else { site.integer_of(starts[d])? };
            let start = clamped(index, sizes[d], slice_sizes[d]);
            Some(SliceDimension { start, limit: start + slice_sizes[d], stride: 1 })
        })
        .collect();
    if let Some(slice) = known {
        return site.same(Op::Slice { slice }, &[x]);
    }
    if *site.op(x) == Op::DynamicUpdateSlice {
        let written = site.get(x).operands().to_vec();
        if site.fits(written[1]) && same_indices(site, &written[2..], starts) {
            return Ok(Some(written[1]));
        }
    }
    if let Op::Broadcast { dimensions } = site.op(x).clone() {
        let inner = site.operand_of(x, 0);
        if dimensions.iter().all(|&d| slice_sizes[d] == sizes[d]) {
            return site.same(Op::Broadcast { dimensions }, &[inner]);
        }
    }
    with_plain_indices(site, Op::DynamicSlice { dynamic_slice_sizes: slice_sizes.to_vec() }, 1)
}

/// The site with the constant 0 for indices of dimensions that it takes as a whole, which are those
/// in which the first operand and the last one before the indices have one size.
fn with_plain_indices(site: &mut Site<'_>, op: Op, first_index: usize) -> Rewritten {
    let mut operands = site.instruction().operands().to_vec();
    let sizes = site.dimensions(operands[0]).to_vec();
    let part = match &op {
        Op::DynamicSlice { dynamic_slice_sizes } => dynamic_slice_sizes.clone(),
        _ => site.dimensions(operands[1]).to_vec(),
    };
    let mut changed = false;
    for d in 0..sizes.len() {
        let index = operands[first_index + d];
        if part[d] == sizes[d] && site.integer_of(index) != Some(0) {
            let zero = integer_scalar(site.element_type(index), 0);
            operands[first_index + d] = site.build().constant(zero);
            changed = true;
        }
    }
    if changed { site.same(op, &operands) } else { Ok(None) }
}

/// `dynamic-update-slice`.
pub(super) fn dynamic_update_slice(site: &mut Site<'_>) -> Rewritten {
    let operands = site.instruction().operands().to_vec();
    let (x, update, starts) = (operands[0], operands[1], &operands[2..]);
    if site.fits(update) {
        return Ok(Some(update));
    }
    if site.dimensions(update).contains(&0) {
        return Ok(site.same_shape(x));
    }
    if let Op::DynamicSlice { .. } = site.op(update) {
        let read = site.get(update).operands();
        if read[0] == x && same_indices(site, &read[1..], starts) {
            return Ok(site.same_shape(x));
        }
    }
    if *site.op(x) == Op::DynamicUpdateSlice {
        let written = site.get(x).operands().to_vec();
        let is_covered = site.dimensions(written[1]) == site.dimensions(update);
        if is_covered && same_indices(site, &written[2..], starts) {
            let mut operands = operands.clone();
            operands[0] = written[0];
            return site.same(Op::DynamicUpdateSlice, &operands);
        }
    }
    with_plain_indices(site, Op::DynamicUpdateSlice, 2)
}

/// `gather` with a single start index.
pub(super) fn gather(
    site: &mut Site<'_>,
    numbers: &GatherDimensionNumbers,
    slice_sizes: &[usize],
) -> Rewritten {
    if slice_sizes.contains(&0) {
        // A dimension without elements may be dropped: the result has elements, and no slice.
        let shape = site.instruction().array_shape().clone();
        let zero = ArrayLiteral::zeros(&ArrayShape::scalar(shape.element_type()));
        return site.splat(zero.into(), shape.dimensions()).map(Some);
    }
    let (x, indices) = (site.operand(0), site.operand(1));
    let index_sizes = site.dimensions(indices).to_vec();
    let vector = numbers.index_vector_dim;
    let batch: usize =
        (0..index_sizes.len()).filter(|&d| d != vector).map(|d| index_sizes[d]).product();
    let is_in_order = numbers.offset_dims.is_sorted();
    if batch != 1 || !numbers.operand_batching_dims.is_empty() || !is_in_order {
        return Ok(None);
    }
    let element_type = site.element_type(indices);
    let mut operands = vec![x];
    for d in 0..slice_sizes.len() {
        let component = numbers.start_index_map.iter().position(|&of| of == d);
        operands.push(match component {
            Some(n) => index_component(site, indices, n)?,
            None => zero(site, element_type),
        });
    }
    let dynamic_slice_sizes = slice_sizes.to_vec();
    let slice = site.build().add(Op::DynamicSlice { dynamic_slice_sizes }, &operands)?;
    // What the result has besides the dimensions of the slice is of size 1.
    if site.fits(slice) { Ok(Some(slice)) } else { site.same(Op::Reshape, &[slice]) }
}

fn zero(site: &mut Site<'_>, element_type: ElementType) -> InstructionId {
    site.build().constant(integer_scalar(element_type, 0))
}

/// Component `n` of the only start index in `indices`, as a scalar.
fn index_component(
    site: &mut Site<'_>,
    indices: InstructionId,
    n: usize,
) -> Result<InstructionId, InferError> {
    let sizes = site.dimensions(indices).to_vec();
    let mut builder = site.build();
    let count: usize = sizes.iter().product();
    let mut component = indices;
    if count != 1 {
        component = builder.reshape(component, &[count])?;
        let slice = vec![SliceDimension { start: n, limit: n + 1, stride: 1 }];
        component = builder.add(Op::Slice { slice }, &[component])?;
    }
    if builder.shape(component).as_array().is_some_and(|shape| !shape.is_scalar()) {
        component = builder.reshape(component, &[])?;
    }
    Ok(component)
}
