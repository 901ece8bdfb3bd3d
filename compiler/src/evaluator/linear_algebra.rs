//! Linear algebra: factorisations and triangular systems of batches of matrices.
//!
//! The textbook algorithms, in `f64` whatever the element type is, so that results in `f32` and
//! below are rounded once and errors are far below that rounding. Every algorithm is written once
//! for all [`Scalar`]s. Conventions are LAPACK's: a reflector is `1 - tau v v^H` with `v` 1 at its
//! first place; row exchanges and permutations count from 0.
//!
//! A matrix without a factorisation (not positive definite, or not finite where that matters) gives
//! NaN everywhere.

mod cholesky;
mod eigen;
mod lu;
mod matrix;
mod qr;
mod triangular;

use num_complex::Complex;
use rayon::prelude::*;

use super::element::ComplexNumber;
use super::elementwise::view_mut;
use super::error::Cause;
use super::rounding::with_one_nan;
use crate::hlo::{
    ArrayLiteral, ArrayShape, CustomCallTarget, ElementType, InferError, Literal, Op, Shape,
};
use matrix::{Matrix, Scalar};

/// The results of an op that is one of these algorithms.
pub(super) fn evaluate(
    op: &Op,
    shape: &Shape,
    operands: &[ArrayLiteral],
) -> Result<Literal, Cause> {
    if operands.first().is_some_and(|operand| operand.element_type().is_complex()) {
        evaluate_in::<Complex<f64>>(op, shape, operands)
    } else {
        evaluate_in::<f64>(op, shape, operands)
    }
}

fn evaluate_in<S: Scalar>(
    op: &Op,
    shape: &Shape,
    operands: &[ArrayLiteral],
) -> Result<Literal, Cause> {
    let results = match (op, operands) {
        (Op::Cholesky { lower }, [a]) => {
            for_each::<S, 1>(shape, [matrices(a)], |[a]| vec![cholesky::cholesky(&a, *lower)])
        }
        (Op::TriangularSolve { options }, [a, b]) => {
            for_each::<S, 2>(shape, [matrices(a), matrices(b)], |[a, b]| {
                vec![triangular::solve(&a, &b, options)]
            })
        }
        (Op::CustomCall { target: CustomCallTarget::LuDecomposition, .. }, [a]) => {
            for_each::<S, 1>(shape, [matrices(a)], |[a]| {
                let (factors, exchanges, permutation) = lu::lu(a);
                vec![factors, indices(&exchanges), indices(&permutation)]
            })
        }
        (Op::CustomCall { target: CustomCallTarget::Qr, .. }, [a]) => {
            for_each::<S, 1>(shape, [matrices(a)], |[a]| {
                let (factors, taus) = qr::qr(a);
                vec![factors, Matrix::row(taus)]
            })
        }
        (
            Op::CustomCall {
                target: CustomCallTarget::ProductOfElementaryHouseholderReflectors,
                ..
            },
            [a, taus],
        ) => for_each::<S, 2>(shape, [matrices(a), rows(taus)], |[a, taus]| {
            vec![qr::product_of_reflectors(&a, taus.elements())]
        }),
        (Op::CustomCall { target: CustomCallTarget::Eigh(parameters), .. }, [a]) => {
            for_each::<S, 1>(shape, [matrices(a)], |[a]| {
                let (values, vectors) = eigen::eigh(&a, parameters);
                vec![vectors, Matrix::row(values)]
            })
        }
        (op, operands) => {
            let message = format!("with {} operands it is no factorisation", operands.len());
            return Err(Cause::Illegal(InferError::new(op.opcode(), "operand count", message)));
        }
    };
    Ok(results)
}

/// The bytes that an op needs beside its result: operands and results as `f64`.
pub(super) fn scratch_bytes(shape: &Shape, operands: &[&Shape]) -> u64 {
    let leaves = operands.iter().flat_map(|operand| operand.leaves()).chain(shape.leaves());
    leaves.map(|leaf| 16 * leaf.element_count() as u64).sum()
}

/// The matrices in the last two dimensions.
fn matrices<S: Scalar>(array: &ArrayLiteral) -> Vec<Matrix<S>> {
    let [.., rows, columns] = array.shape().dimensions() else { return Vec::new() };
    batch(array, *rows, *columns)
}

/// The vectors in the last dimension, as matrices of one row.
fn rows<S: Scalar>(array: &ArrayLiteral) -> Vec<Matrix<S>> {
    let [batch_sizes @ .., columns] = array.shape().dimensions() else { return Vec::new() };
    if *columns == 0 {
        return vec![Matrix::row(Vec::new()); batch_sizes.iter().product()];
    }
    batch(array, 1, *columns)
}

fn batch<S: Scalar>(array: &ArrayLiteral, rows: usize, columns: usize) -> Vec<Matrix<S>> {
    let elements: Vec<S> = (0..array.element_count()).map(|n| S::element(array, n)).collect();
    let size = (rows * columns).max(1);
    elements.chunks(size).map(|chunk| Matrix::new(rows, columns, chunk.to_vec())).collect()
}

/// Numbers that are exact in `f64`.
fn indices<S: Scalar>(values: &[usize]) -> Matrix<S> {
    #[expect(clippy::cast_precision_loss, reason = "indices of rows are far below 2^53")]
    Matrix::row(values.iter().map(|&value| S::from_real(value as f64)).collect())
}

/// Runs an algorithm on each of a batch. It gives a matrix for each result.
fn for_each<S: Scalar, const N: usize>(
    shape: &Shape,
    operands: [Vec<Matrix<S>>; N],
    algorithm: impl Fn([Matrix<S>; N]) -> Vec<Matrix<S>> + Sync,
) -> Literal {
    let count = operands[0].len();
    let of_one = |n: usize| algorithm(std::array::from_fn(|which| operands[which][n].clone()));
    let computed: Vec<Vec<Matrix<S>>> = (0..count).into_par_iter().map(of_one).collect();
    let result = |which: usize, shape: &ArrayShape| {
        let elements = computed.iter().flat_map(|matrices| matrices[which].elements());
        Literal::Array(array_of(shape, elements.map(|element| element.complex())))
    };
    match shape {
        Shape::Array(array) => result(0, array),
        Shape::Tuple(_) => {
            let leaves = shape.leaves().into_iter().enumerate();
            Literal::Tuple(leaves.map(|(which, leaf)| result(which, leaf)).collect())
        }
    }
}

/// Numbers, rounded to the type of the shape; of a real type, their real parts.
fn array_of(shape: &ArrayShape, elements: impl Iterator<Item = Complex<f64>>) -> ArrayLiteral {
    let mut array = ArrayLiteral::zeros(shape);
    for (n, element) in elements.enumerate() {
        match shape.element_type() {
            ElementType::C64 => view_mut::<Complex<f32>>(&mut array)[n] = rounded(element),
            ElementType::C128 => view_mut::<Complex<f64>>(&mut array)[n] = rounded(element),
            _ => array.set_f64(n, with_one_nan(element.re)),
        }
    }
    array
}

fn rounded<T: ComplexNumber>(value: Complex<f64>) -> T {
    T::rounded(value)
}
