//! `dot`: sums of products.
//!
//! Floats are multiplied and added in `f64`, in the order of the contracted elements, and rounded
//! once to the result type; integers modulo 2^64. What an operand counts as is part of the meaning
//! of the op: `f32` elements at precision `default` are rounded to `bf16` first, at `high` to the
//! sum of two `bf16`, at `highest` not at all. Other element types are always taken exactly, the
//! parts of complex numbers too.
//!
//! The product is computed in tiles of [`TILE`] by [`TILE`] result elements from operands packed
//! accordingly. Tiles are independent, so the number of threads changes nothing.

use num_complex::Complex;
use rayon::prelude::*;

use super::element::{Element, Float, Integer, Truth, with_class, with_element_type};
use super::elementwise::{view, view_mut};
use super::rounding::{bf16_from_f32, bf16_to_f32, with_one_nan};
use crate::hlo::{ArrayLiteral, ArrayShape, DotDimensionNumbers, ElementType, Precision};

/// Rows and columns of the result that are computed together.
const TILE: usize = 4;
/// Contracted elements that are taken together, so that they stay in the cache.
const DEPTH: usize = 256;
/// Rows of tiles that are one task.
const TASK: usize = 8;

/// `dot` with the precisions of the left and the right operand.
pub(super) fn dot(
    shape: &ArrayShape,
    [lhs, rhs]: [&ArrayLiteral; 2],
    numbers: &DotDimensionNumbers,
    precisions: [Precision; 2],
) -> ArrayLiteral {
    let lhs = Operand::new(
        lhs,
        &numbers.lhs_batch_dimensions,
        &numbers.lhs_contracting_dimensions,
        precisions[0],
    );
    let rhs = Operand::new(
        rhs,
        &numbers.rhs_batch_dimensions,
        &numbers.rhs_contracting_dimensions,
        precisions[1],
    );
    let element_type = lhs.literal.element_type();
    if element_type.is_float() {
        f64::to_array(sums(&lhs, &rhs), shape)
    } else if element_type.is_complex() {
        Complex::to_array(sums(&lhs, &rhs), shape)
    } else {
        i64::to_array(sums(&lhs, &rhs), shape)
    }
}

/// The bytes that [`dot`] needs beside operands and result.
pub(super) fn scratch_bytes(
    shape: &ArrayShape,
    [lhs, rhs]: [&ArrayShape; 2],
    numbers: &DotDimensionNumbers,
) -> u64 {
    let packed = |operand: &ArrayShape, batch: &[usize]| {
        let batch: usize = batch.iter().map(|&d| operand.dimensions()[d]).product();
        // Rows are filled up to whole tiles.
        (operand.element_count() / batch.max(1)).saturating_mul(TILE)
    };
    let elements = packed(lhs, &numbers.lhs_batch_dimensions)
        .saturating_add(packed(rhs, &numbers.rhs_batch_dimensions))
        .saturating_add(shape.element_count());
    // Complex sums are two numbers.
    let size = if shape.element_type().is_complex() { 16u64 } else { 8 };
    size.saturating_mul(elements as u64)
}

/// A number type that sums of products are computed in.
pub(super) trait Sum: Copy + Default + Send + Sync {
    /// All elements of an operand as what the op takes them for at this precision.
    fn values(literal: &ArrayLiteral, precision: Precision) -> Vec<Self>;
    /// The sums as the elements of `shape`.
    fn to_array(sums: Vec<Self>, shape: &ArrayShape) -> ArrayLiteral;
    /// `self + a * b`.
    fn add_product(self, a: Self, b: Self) -> Self;
    /// The elements of an operand as numbers of this type.
    fn pack(operand: &Operand<'_>, batch: usize) -> Vec<[Self; TILE]>;
}

impl Sum for f64 {
    #[inline(always)]
    fn add_product(self, a: Self, b: Self) -> Self {
        self + a * b
    }

    fn values(literal: &ArrayLiteral, precision: Precision) -> Vec<Self> {
        let single = literal.element_type() == ElementType::F32;
        match precision {
            Precision::Default if single => converted(literal, one_part),
            Precision::High if single => converted(literal, two_parts),
            Precision::Default | Precision::High | Precision::Highest => {
                with_element_type!(literal.element_type(), T => {
                    converted::<T, _>(literal, T::convert::<f64>)
                })
            }
        }
    }

    fn to_array(sums: Vec<Self>, shape: &ArrayShape) -> ArrayLiteral {
        let mut result = ArrayLiteral::zeros(shape);
        with_element_type!(shape.element_type(), T => {
            let to = view_mut::<T>(&mut result).par_iter_mut();
            to.zip(sums).for_each(|(to, sum)| *to = T::from_f64(with_one_nan(sum)));
        });
        result
    }

    fn pack(operand: &Operand<'_>, batch: usize) -> Vec<[Self; TILE]> {
        let single = operand.literal.element_type() == ElementType::F32;
        match operand.precision {
            Precision::Default if single => operand.pack::<f32, _>(batch, one_part),
            Precision::High if single => operand.pack::<f32, _>(batch, two_parts),
            Precision::Default | Precision::High | Precision::Highest => {
                with_class!(operand.literal.element_type(), T,
                    float => operand.pack::<T, _>(batch, T::to_f64),
                    integer => operand.pack::<T, _>(batch, T::convert::<f64>),
                    pred => operand.pack::<Truth, _>(batch, Truth::convert::<f64>),
                    complex => operand.pack::<T, _>(batch, T::convert::<f64>),
                )
            }
        }
    }
}

impl Sum for Complex<f64> {
    #[inline(always)]
    fn add_product(self, a: Self, b: Self) -> Self {
        self + a * b
    }

    fn values(literal: &ArrayLiteral, _: Precision) -> Vec<Self> {
        with_element_type!(literal.element_type(), T => {
            converted::<T, _>(literal, T::convert::<Self>)
        })
    }

    fn to_array(sums: Vec<Self>, shape: &ArrayShape) -> ArrayLiteral {
        let mut result = ArrayLiteral::zeros(shape);
        with_element_type!(shape.element_type(), T => {
            let to = view_mut::<T>(&mut result).par_iter_mut();
            to.zip(sums).for_each(|(to, Complex { re, im })| {
                *to = T::from_complex(Complex::new(with_one_nan(re), with_one_nan(im)));
            });
        });
        result
    }

    fn pack(operand: &Operand<'_>, batch: usize) -> Vec<[Self; TILE]> {
        with_element_type!(operand.literal.element_type(), T => {
            operand.pack::<T, _>(batch, T::convert::<Complex<f64>>)
        })
    }
}

impl Sum for i64 {
    #[inline(always)]
    fn add_product(self, a: Self, b: Self) -> Self {
        self.wrapping_add(a.wrapping_mul(b))
    }

    fn values(literal: &ArrayLiteral, _: Precision) -> Vec<Self> {
        with_element_type!(literal.element_type(), T => {
            converted::<T, _>(literal, T::convert::<i64>)
        })
    }

    fn to_array(sums: Vec<Self>, shape: &ArrayShape) -> ArrayLiteral {
        let mut result = ArrayLiteral::zeros(shape);
        with_element_type!(shape.element_type(), T => {
            let to = view_mut::<T>(&mut result).par_iter_mut();
            to.zip(sums).for_each(|(to, sum)| *to = T::from_i64(sum));
        });
        result
    }

    fn pack(operand: &Operand<'_>, batch: usize) -> Vec<[Self; TILE]> {
        with_class!(operand.literal.element_type(), T,
            float => operand.pack::<T, _>(batch, T::convert::<i64>),
            integer => operand.pack::<T, _>(batch, T::to_i64),
            pred => operand.pack::<Truth, _>(batch, Truth::convert::<i64>),
            complex => operand.pack::<T, _>(batch, T::convert::<i64>),
        )
    }
}

fn converted<T: Element, S: Sum>(literal: &ArrayLiteral, convert: fn(T) -> S) -> Vec<S> {
    view::<T>(literal).par_iter().map(|&value| convert(value)).collect()
}

/// The nearest `bf16`: what one pass through the matrix unit sees of an `f32`.
fn one_part(value: f32) -> f64 {
    f64::from(bf16_to_f32(bf16_from_f32(value)))
}

/// The nearest `bf16` and the nearest one of what it leaves.
fn two_parts(value: f32) -> f64 {
    let upper = bf16_to_f32(bf16_from_f32(value));
    if !upper.is_finite() {
        return f64::from(upper);
    }
    f64::from(upper) + one_part(value - upper)
}

/// An operand with the offsets of its elements, by role of the dimensions.
pub(super) struct Operand<'a> {
    literal: &'a ArrayLiteral,
    precision: Precision,
    batch: Vec<usize>,
    free: Vec<usize>,
    contracting: Vec<usize>,
}

impl<'a> Operand<'a> {
    fn new(
        literal: &'a ArrayLiteral,
        batch: &[usize],
        contracting: &[usize],
        precision: Precision,
    ) -> Self {
        let shape = literal.shape();
        let taken = |d: &usize| batch.contains(d) || contracting.contains(d);
        let free: Vec<usize> = (0..shape.rank()).filter(|d| !taken(d)).collect();
        Self {
            literal,
            precision,
            batch: offsets(shape, batch),
            free: offsets(shape, &free),
            contracting: offsets(shape, contracting),
        }
    }

    /// The elements of one batch in groups of [`TILE`] rows: for each contracted element, one of
    /// each row. Missing rows are 0.
    fn pack<T: Element, S: Sum>(&self, batch: usize, convert: fn(T) -> S) -> Vec<[S; TILE]> {
        let source = view::<T>(self.literal);
        let (base, depth) = (self.batch[batch], self.contracting.len());
        let mut packed = vec![[S::default(); TILE]; self.free.len().div_ceil(TILE) * depth];
        if depth == 0 {
            return packed;
        }
        let groups = packed.par_chunks_mut(depth).zip(self.free.par_chunks(TILE));
        groups.for_each(|(group, rows)| {
            for (place, row) in rows.iter().enumerate() {
                for (to, offset) in group.iter_mut().zip(&self.contracting) {
                    to[place] = convert(source[base + row + offset]);
                }
            }
        });
        packed
    }
}

/// The offsets of all combinations of indices along `dimensions`, in row-major order.
fn offsets(shape: &ArrayShape, dimensions: &[usize]) -> Vec<usize> {
    let strides = shape.strides();
    let mut offsets = vec![0];
    for &dimension in dimensions {
        let (size, stride) = (shape.dimensions()[dimension], strides[dimension]);
        let along = |offset: &usize| {
            let offset = *offset;
            (0..size).map(move |index| offset + index * stride)
        };
        offsets = offsets.iter().flat_map(along).collect();
    }
    offsets
}

/// All sums, row-major by batch, rows of the left and rows of the right operand.
fn sums<S: Sum>(lhs: &Operand<'_>, rhs: &Operand<'_>) -> Vec<S> {
    let (rows, columns) = (lhs.free.len(), rhs.free.len());
    let mut sums = vec![S::default(); lhs.batch.len() * rows * columns];
    if sums.is_empty() || lhs.contracting.is_empty() {
        return sums;
    }
    for (batch, sums) in sums.chunks_mut(rows * columns).enumerate() {
        let packed = [S::pack(lhs, batch), S::pack(rhs, batch)];
        let depth = lhs.contracting.len();
        let tasks = sums.par_chunks_mut(TASK * TILE * columns);
        tasks.zip(packed[0].par_chunks(TASK * depth)).for_each(|(sums, lhs)| {
            multiply(lhs, &packed[1], depth, (sums, columns));
        });
    }
    sums
}

/// Multiplies some groups of rows of the left operand with all of the right one.
fn multiply<S: Sum>(
    lhs: &[[S; TILE]],
    rhs: &[[S; TILE]],
    depth: usize,
    (sums, columns): (&mut [S], usize),
) {
    let groups = rhs.len() / depth;
    let mut tiles = vec![[[S::default(); TILE]; TILE]; lhs.len() / depth * groups];
    for start in (0..depth).step_by(DEPTH) {
        let part = start..depth.min(start + DEPTH);
        for (n, rhs) in rhs.chunks(depth).enumerate() {
            for (lhs, tiles) in lhs.chunks(depth).zip(tiles.chunks_mut(groups)) {
                add_products(&lhs[part.clone()], &rhs[part.clone()], &mut tiles[n]);
            }
        }
    }
    for (row, sums) in sums.chunks_mut(columns).enumerate() {
        let tiles = &tiles[row / TILE * groups..];
        for (column, sum) in sums.iter_mut().enumerate() {
            *sum = tiles[column / TILE][row % TILE][column % TILE];
        }
    }
}

/// Adds the products of all pairs of rows to the tile.
fn add_products<S: Sum>(lhs: &[[S; TILE]], rhs: &[[S; TILE]], tile: &mut [[S; TILE]; TILE]) {
    let mut sums = *tile;
    for (a, b) in lhs.iter().zip(rhs) {
        for (sums, &a) in sums.iter_mut().zip(a) {
            for (sum, &b) in sums.iter_mut().zip(b) {
                *sum = sum.add_product(a, b);
            }
        }
    }
    *tile = sums;
}
