//! Ops whose windows are chosen at run time. Start indices are clamped so that windows fit.

use super::element::with_width;
use super::elementwise::{view, view_mut};
use super::movement::{read, write};
use super::strided::{Walk, copy};
use crate::hlo::{ArrayLiteral, ArrayShape, GatherDimensionNumbers};

/// `dynamic-slice`.
pub(super) fn dynamic_slice(
    shape: &ArrayShape,
    operand: &ArrayLiteral,
    starts: &[ArrayLiteral],
) -> ArrayLiteral {
    read(shape, operand, &window(operand.shape(), shape.dimensions(), starts))
}

/// `dynamic-update-slice`. In place if nobody else holds the operand.
pub(super) fn dynamic_update_slice(
    mut operand: ArrayLiteral,
    update: &ArrayLiteral,
    starts: &[ArrayLiteral],
) -> ArrayLiteral {
    let walk = window(operand.shape(), update.shape().dimensions(), starts);
    write(&mut operand, &walk, update);
    operand
}

/// The window of `sizes` elements that begins at the scalars `starts`.
fn window(shape: &ArrayShape, sizes: &[usize], starts: &[ArrayLiteral]) -> Walk {
    let mut walk = Walk::all(&shape.strides());
    for (n, start) in starts.iter().enumerate() {
        let start = clamped_index(start, 0, shape.dimensions()[n] - sizes[n]);
        walk.offset += walk.strides[n] * start.cast_signed();
    }
    walk
}

/// An element of an integer array as an index from 0 to `last`.
fn clamped_index(indices: &ArrayLiteral, element: usize, last: usize) -> usize {
    let Some(index) = indices.get_i64(element) else {
        // An unsigned value above the largest signed one.
        return last;
    };
    usize::try_from(index.max(0)).unwrap_or(last).min(last)
}

/// `gather`.
pub(super) fn gather(
    shape: &ArrayShape,
    [operand, indices]: [&ArrayLiteral; 2],
    numbers: &GatherDimensionNumbers,
    slice_sizes: &[usize],
) -> ArrayLiteral {
    let mut result = ArrayLiteral::zeros(shape);
    if result.element_count() == 0 {
        return result;
    }
    let gather = Gather::new(shape, operand.shape(), indices, numbers, slice_sizes);
    with_width!(shape.element_type(), T => {
        let (to, from) = (view_mut::<T>(&mut result), view::<T>(operand));
        for batch in 0..gather.batch_count() {
            let (target, source) = gather.slice(batch);
            copy(slice_sizes, (&mut *to, &target), (from, &source));
        }
    });
    result
}

/// How slices of the operand and places in the result belong to the elements of the batch.
struct Gather<'a> {
    numbers: &'a GatherDimensionNumbers,
    indices: &'a ArrayLiteral,
    operand_strides: Vec<usize>,
    /// The largest start index per dimension of the operand.
    last_starts: Vec<usize>,
    /// How far apart neighbours of a slice are in the result; 0 along dropped dimensions.
    offset_strides: Vec<isize>,
    /// The batch dimensions: of the indices, their sizes, and their strides in the result.
    batch: Vec<BatchDimension>,
}

struct BatchDimension {
    of_indices: usize,
    size: usize,
    result_stride: usize,
    index_stride: usize,
}

impl<'a> Gather<'a> {
    fn new(
        shape: &ArrayShape,
        operand: &ArrayShape,
        indices: &'a ArrayLiteral,
        numbers: &'a GatherDimensionNumbers,
        slice_sizes: &[usize],
    ) -> Self {
        let strides = shape.strides();
        let dropped = |d: &usize| {
            numbers.collapsed_slice_dims.contains(d) || numbers.operand_batching_dims.contains(d)
        };
        let mut offset_dims = numbers.offset_dims.iter();
        let offset_strides = (0..operand.rank()).map(|d| {
            let result_dimension = if dropped(&d) { None } else { offset_dims.next() };
            result_dimension.map_or(0, |&dimension| strides[dimension].cast_signed())
        });
        let offset_strides = offset_strides.collect();
        let index_strides = indices.shape().strides();
        let of_indices = (0..indices.shape().rank()).filter(|&d| d != numbers.index_vector_dim);
        let of_result = (0..shape.rank()).filter(|d| !numbers.offset_dims.contains(d));
        let batch = of_indices.zip(of_result).map(|(of_indices, of_result)| BatchDimension {
            of_indices,
            size: shape.dimensions()[of_result],
            result_stride: strides[of_result],
            index_stride: index_strides[of_indices],
        });
        let last_starts = operand.dimensions().iter().zip(slice_sizes);
        Self {
            numbers,
            indices,
            operand_strides: operand.strides(),
            last_starts: last_starts.map(|(size, slice)| size - slice).collect(),
            offset_strides,
            batch: batch.collect(),
        }
    }

    fn batch_count(&self) -> usize {
        self.batch.iter().map(|dimension| dimension.size).product()
    }

    /// Where the slice of the batch element `batch` goes and where it comes from.
    fn slice(&self, batch: usize) -> (Walk, Walk) {
        let (mut rest, mut target, mut index) = (batch, 0, 0);
        let mut source = 0;
        for dimension in self.batch.iter().rev() {
            let place = rest % dimension.size;
            rest /= dimension.size;
            target += place * dimension.result_stride;
            index += place * dimension.index_stride;
            source += self.batching_offset(dimension.of_indices, place);
        }
        let vector = self.numbers.index_vector_dim;
        let component_stride = self.indices.shape().strides().get(vector).copied().unwrap_or(0);
        for (component, &dimension) in self.numbers.start_index_map.iter().enumerate() {
            let element = index + component * component_stride;
            let start = clamped_index(self.indices, element, self.last_starts[dimension]);
            source += start * self.operand_strides[dimension];
        }
        let target = Walk { offset: target.cast_signed(), strides: self.offset_strides.clone() };
        let strides = Walk::all(&self.operand_strides).strides;
        (target, Walk { offset: source.cast_signed(), strides })
    }

    /// The offset in the operand if the dimension of the indices is one of its batch dimensions.
    fn batching_offset(&self, of_indices: usize, place: usize) -> usize {
        let batching = &self.numbers.start_indices_batching_dims;
        let position = batching.iter().position(|&dimension| dimension == of_indices);
        position.map_or(0, |n| place * self.operand_strides[self.numbers.operand_batching_dims[n]])
    }
}
