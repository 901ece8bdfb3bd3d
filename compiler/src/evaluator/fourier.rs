//! `fft`: discrete Fourier transforms along the last dimensions.
//!
//! Computed in pairs of `f64`, one dimension after the other, and rounded once. The inverse
//! transform divides by the number of transformed elements. Lines are independent, so the number of
//! threads changes nothing.

use num_complex::Complex;
use rayon::prelude::*;
use rustfft::{FftDirection, FftPlannerScalar};

use super::element::{ComplexNumber, Element, Float, with_class};
use super::elementwise::{view, view_mut};
use super::rounding::with_one_nan;
use crate::hlo::{ArrayLiteral, ArrayShape, FftType};

type C = Complex<f64>;

/// The bytes that [`fft`] needs beside operand and result.
pub(super) fn scratch_bytes(shape: &ArrayShape, operand: &ArrayShape) -> u64 {
    // The numbers, a copy with the lines in order, and what a line of an odd size needs.
    let elements = shape.element_count().max(operand.element_count()) as u64;
    elements.saturating_mul(16 * 6)
}

/// `fft` of `kind` along the last `rank` dimensions.
pub(super) fn fft(
    shape: &ArrayShape,
    operand: &ArrayLiteral,
    kind: FftType,
    rank: usize,
) -> ArrayLiteral {
    let mut result = ArrayLiteral::zeros(shape);
    if result.element_count() == 0 {
        return result;
    }
    let mut sizes = operand.shape().dimensions().to_vec();
    let mut numbers = numbers(operand);
    let (last, outer) = (sizes.len() - 1, sizes.len() - rank..sizes.len() - 1);
    match kind {
        FftType::Fft | FftType::Ifft => {
            for dimension in outer.start..sizes.len() {
                transform(&mut numbers, &sizes, dimension, kind.direction());
            }
        }
        FftType::Rfft => {
            transform(&mut numbers, &sizes, last, FftDirection::Forward);
            let kept = shape.dimensions()[last];
            numbers = numbers.chunks(sizes[last]).flat_map(|line| &line[..kept]).copied().collect();
            sizes[last] = kept;
            for dimension in outer {
                transform(&mut numbers, &sizes, dimension, FftDirection::Forward);
            }
        }
        FftType::Irfft => {
            for dimension in outer {
                transform(&mut numbers, &sizes, dimension, FftDirection::Inverse);
            }
            let size = shape.dimensions()[last];
            numbers = numbers.chunks(sizes[last]).flat_map(|line| mirrored(line, size)).collect();
            sizes[last] = size;
            transform(&mut numbers, &sizes, last, FftDirection::Inverse);
        }
    }
    store(&mut result, &numbers);
    result
}

impl FftType {
    /// Which way complex numbers are transformed.
    fn direction(self) -> FftDirection {
        match self {
            Self::Fft | Self::Rfft => FftDirection::Forward,
            Self::Ifft | Self::Irfft => FftDirection::Inverse,
        }
    }
}

fn numbers(operand: &ArrayLiteral) -> Vec<C> {
    with_class!(operand.element_type(), T,
        float => view::<T>(operand).iter().map(|x| C::new(x.to_f64(), 0.0)).collect(),
        integer => view::<T>(operand).iter().map(|x| x.convert()).collect(),
        pred => unreachable!("inference lets no truth values be transformed"),
        complex => view::<T>(operand).iter().map(|x| x.to_complex()).collect(),
    )
}

fn store(result: &mut ArrayLiteral, numbers: &[C]) {
    with_class!(result.element_type(), T,
        float => {
            let to = view_mut::<T>(result).iter_mut().zip(numbers);
            to.for_each(|(to, number)| *to = T::rounded(number.re));
        },
        integer => {
            let to = view_mut::<T>(result).iter_mut().zip(numbers);
            to.for_each(|(to, number)| *to = T::from_f64(with_one_nan(number.re)));
        },
        pred => unreachable!("inference lets no truth values come out of a transform"),
        complex => {
            let to = view_mut::<T>(result).iter_mut().zip(numbers);
            to.for_each(|(to, number)| *to = T::rounded(*number));
        },
    );
}

/// The spectrum of `size` real numbers from its first half: the other half mirrors it, and what is
/// its own mirror image is real.
fn mirrored(half: &[C], size: usize) -> Vec<C> {
    let at = |n: usize| {
        let own = n == 0 || 2 * n == size;
        let number = if 2 * n <= size { half[n] } else { half[size - n].conj() };
        if own { C::new(number.re, 0.0) } else { number }
    };
    (0..size).map(at).collect()
}

/// Transforms along one dimension of an array of `sizes`.
fn transform(numbers: &mut [C], sizes: &[usize], dimension: usize, direction: FftDirection) {
    let size = sizes[dimension];
    let stride: usize = sizes[dimension + 1..].iter().product();
    let plan = FftPlannerScalar::<f64>::new().plan_fft(size, direction);
    let scale = if direction == FftDirection::Inverse { 1.0 / approximate(size) } else { 1.0 };
    let run = |line: &mut [C]| {
        plan.process(line);
        line.iter_mut().for_each(|number| *number *= scale);
    };
    if stride == 1 {
        numbers.par_chunks_mut(size).for_each(run);
        return;
    }
    // Blocks of interleaved lines, which are put in order and back.
    numbers.par_chunks_mut(size * stride).for_each(|block| {
        let mut line = vec![C::default(); size];
        for first in 0..stride {
            let places = (0..size).map(|n| first + n * stride);
            line.iter_mut().zip(places.clone()).for_each(|(to, place)| *to = block[place]);
            run(&mut line);
            line.iter().zip(places).for_each(|(number, place)| block[place] = *number);
        }
    });
}

fn approximate(size: usize) -> f64 {
    #![expect(clippy::cast_precision_loss, reason = "sizes of arrays are exact in f64")]
    size as f64
}
