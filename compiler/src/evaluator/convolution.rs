//! `convolution`: sums of products of a kernel with windows.
//!
//! As for `dot`, floats are multiplied and added in `f64`, in the order of the kernel's positions
//! and then of the features, and rounded once; integers modulo 2^64. Padding and what lies between
//! dilated elements are zeros, which take part: zero times an infinity is NaN.

use rayon::prelude::*;

use num_complex::Complex;

use super::contraction::Sum;
use crate::hlo::{
    ArrayLiteral, ArrayShape, ConvolutionDimensionNumbers, Op, Precision, WindowDimension,
};

/// The convolution `op` with the precisions of operand and kernel.
///
/// # Panics
/// If it is no convolution that inference accepts.
pub(super) fn convolution(
    shape: &ArrayShape,
    [lhs, rhs]: [&ArrayLiteral; 2],
    op: &Op,
    precisions: [Precision; 2],
) -> ArrayLiteral {
    let places = Places::new(shape, [lhs.shape(), rhs.shape()], op);
    if lhs.element_type().is_float() {
        f64::to_array(places.sums([lhs, rhs], precisions), shape)
    } else if lhs.element_type().is_complex() {
        Complex::to_array(places.sums([lhs, rhs], precisions), shape)
    } else {
        i64::to_array(places.sums([lhs, rhs], precisions), shape)
    }
}

/// The bytes that [`convolution`] needs beside operands and result.
pub(super) fn scratch_bytes(shape: &ArrayShape, [lhs, rhs]: [&ArrayShape; 2]) -> u64 {
    let elements = [lhs, rhs, shape].map(ArrayShape::element_count);
    // Complex sums are two numbers.
    let size = if shape.element_type().is_complex() { 16u64 } else { 8 };
    size.saturating_mul(elements.iter().fold(0, |sum: usize, &n| sum.saturating_add(n)) as u64)
}

/// Where things are in the arrays of a convolution.
struct Places<'a> {
    numbers: &'a ConvolutionDimensionNumbers,
    window: &'a [WindowDimension],
    result: &'a ArrayShape,
    lhs: &'a ArrayShape,
    lhs_strides: Vec<usize>,
    rhs_strides: Vec<usize>,
    /// Features that one group of the operand has.
    features: usize,
    /// Output features of a group of features, and of a group of batches.
    group_outputs: [usize; 2],
}

impl<'a> Places<'a> {
    fn new(result: &'a ArrayShape, [lhs, rhs]: [&'a ArrayShape; 2], op: &'a Op) -> Self {
        let Op::Convolution { window, dim_labels, feature_group_count, batch_group_count, .. } = op
        else {
            unreachable!("a convolution")
        };
        let outputs = rhs.dimensions()[dim_labels.kernel_output_feature];
        Self {
            numbers: dim_labels,
            window,
            result,
            lhs,
            lhs_strides: lhs.strides(),
            rhs_strides: rhs.strides(),
            features: rhs.dimensions()[dim_labels.kernel_input_feature],
            group_outputs: [*feature_group_count, *batch_group_count]
                .map(|groups| (outputs / groups).max(1)),
        }
    }

    /// All sums, row-major.
    fn sums<S: Sum>(&self, [lhs, rhs]: [&ArrayLiteral; 2], precisions: [Precision; 2]) -> Vec<S> {
        let (lhs, rhs) = (S::values(lhs, precisions[0]), S::values(rhs, precisions[1]));
        let sizes = self.result.dimensions();
        let sum = |element: usize| {
            let mut index = vec![0; sizes.len()];
            let mut rest = element;
            for (place, &size) in index.iter_mut().zip(sizes).rev() {
                *place = rest % size;
                rest /= size;
            }
            self.sum(&index, (&lhs, &rhs))
        };
        (0..self.result.element_count()).into_par_iter().map(sum).collect()
    }

    /// One element of the result.
    fn sum<S: Sum>(&self, index: &[usize], (lhs, rhs): (&[S], &[S])) -> S {
        let numbers = self.numbers;
        let (batch, output) = (index[numbers.output_batch], index[numbers.output_feature]);
        let [feature_group, batch_group] = self.group_outputs.map(|outputs| output / outputs);
        let batch = batch_group * self.result.dimensions()[numbers.output_batch] + batch;
        let lhs_start = batch * self.lhs_strides[numbers.input_batch]
            + feature_group * self.features * self.lhs_strides[numbers.input_feature];
        let rhs_start = output * self.rhs_strides[numbers.kernel_output_feature];
        let (lhs_step, rhs_step) = (
            self.lhs_strides[numbers.input_feature],
            self.rhs_strides[numbers.kernel_input_feature],
        );
        let mut sum = S::default();
        let mut position = vec![0; self.window.len()];
        if self.window.iter().any(|dimension| dimension.size == 0) {
            return sum;
        }
        loop {
            let (lhs_place, rhs_place) = self.place(index, &position);
            for feature in 0..self.features {
                let of_lhs = lhs_place
                    .map_or(S::default(), |place| lhs[lhs_start + place + feature * lhs_step]);
                sum = sum.add_product(of_lhs, rhs[rhs_start + rhs_place + feature * rhs_step]);
            }
            if !next(&mut position, self.window) {
                return sum;
            }
        }
    }

    /// The offsets of the operand's and the kernel's element at a position of the window; none of
    /// the operand where the window is on padding.
    fn place(&self, index: &[usize], position: &[usize]) -> (Option<usize>, usize) {
        let numbers = self.numbers;
        let (mut of_lhs, mut of_rhs) = (Some(0), 0);
        for (d, (window, &position)) in self.window.iter().zip(position).enumerate() {
            let lhs_dimension = numbers.input_spatial[d];
            let start = index[numbers.output_spatial[d]] * window.stride;
            let spread = (start + position * window.window_dilation) as i128
                - i128::from(window.padding_low);
            let base = usize::try_from(spread).ok().filter(|n| n % window.base_dilation == 0);
            let base = base.map(|n| n / window.base_dilation);
            let base = base.filter(|&n| n < self.lhs.dimensions()[lhs_dimension]);
            of_lhs = of_lhs.zip(base).map(|(sum, n)| sum + n * self.lhs_strides[lhs_dimension]);
            let of_kernel = if window.reversed { window.size - 1 - position } else { position };
            of_rhs += of_kernel * self.rhs_strides[numbers.kernel_spatial[d]];
        }
        (of_lhs, of_rhs)
    }
}

/// Goes to the next position of the window; false after the last one.
fn next(position: &mut [usize], window: &[WindowDimension]) -> bool {
    for (place, dimension) in position.iter_mut().zip(window).rev() {
        *place += 1;
        if *place < dimension.size {
            return true;
        }
        *place = 0;
    }
    false
}
