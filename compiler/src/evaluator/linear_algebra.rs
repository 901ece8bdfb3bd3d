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

use rayon::prelude::*;

use super::error::Cause;
use super::rounding::with_one_nan;
use crate::hlo::{ArrayLiteral, ArrayShape, CustomCallTarget, InferError, Literal, Op, Shape};
use matrix::Matrix;

/// The results of an op that is one of these algorithms.
pub(super) fn evaluate(
    op: &Op,
    shape: &Shape,
    operands: &[ArrayLiteral],
) -> Result<Literal, Cause> {
    let results = match (op, operands) {
        (Op::Cholesky { lower }, [a]) => {
            for_each(shape, [matrices(a)], |[a]| vec![cholesky::cholesky(&a, *lower)])
        }
        (Op::TriangularSolve { options }, [a, b]) => {
            for_each(shape, [matrices(a), matrices(b)], |[a, b]| {
                vec![triangular::solve(&a, &b, options)]
            })
        }
        (Op::CustomCall { target: CustomCallTarget::LuDecomposition, .. }, [a]) => {
            for_each(shape, [matrices(a)], |[a]| {
                let (factors, exchanges, permutation) = lu::lu(a);
                vec![factors, indices(&exchanges), indices(&permutation)]
            })
        }
        (Op::CustomCall { target: CustomCallTarget::Qr, .. }, [a]) => {
            for_each(shape, [matrices(a)], |[a]| {
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
        ) => for_each(shape, [matrices(a), rows(taus)], |[a, taus]| {
            vec![qr::product_of_reflectors(&a, taus.elements())]
        }),
        (Op::CustomCall { target: CustomCallTarget::Eigh(parameters), .. }, [a]) => {
            for_each(shape, [matrices(a)], |[a]| {
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
fn matrices(array: &ArrayLiteral) -> Vec<Matrix<f64>> {
    let [.., rows, columns] = array.shape().dimensions() else { return Vec::new() };
    batch(array, *rows, *columns)
}

/// The vectors in the last dimension, as matrices of one row.
fn rows(array: &ArrayLiteral) -> Vec<Matrix<f64>> {
    let [batch_sizes @ .., columns] = array.shape().dimensions() else { return Vec::new() };
    if *columns == 0 {
        return vec![Matrix::row(Vec::new()); batch_sizes.iter().product()];
    }
    batch(array, 1, *columns)
}

fn batch(array: &ArrayLiteral, rows: usize, columns: usize) -> Vec<Matrix<f64>> {
    let elements: Vec<f64> = (0..array.element_count()).map(|n| array.get_f64(n)).collect();
    let size = (rows * columns).max(1);
    elements.chunks(size).map(|chunk| Matrix::new(rows, columns, chunk.to_vec())).collect()
}

/// Numbers that are exact in `f64`.
fn indices(values: &[usize]) -> Matrix<f64> {
    #[expect(clippy::cast_precision_loss, reason = "indices of rows are far below 2^53")]
    Matrix::row(values.iter().map(|&value| value as f64).collect())
}

/// Runs an algorithm on each of a batch. It gives a matrix for each result.
fn for_each<const N: usize>(
    shape: &Shape,
    operands: [Vec<Matrix<f64>>; N],
    algorithm: impl Fn([Matrix<f64>; N]) -> Vec<Matrix<f64>> + Sync,
) -> Literal {
    let count = operands[0].len();
    let of_one = |n: usize| algorithm(std::array::from_fn(|which| operands[which][n].clone()));
    let computed: Vec<Vec<Matrix<f64>>> = (0..count).into_par_iter().map(of_one).collect();
    let result = |which: usize, shape: &ArrayShape| {
        let mut array = ArrayLiteral::zeros(shape);
        let elements = computed.iter().flat_map(|matrices| matrices[which].elements());
        elements.enumerate().for_each(|(n, &value)| array.set_f64(n, with_one_nan(value)));
        Literal::Array(array)
    };
    match shape {
        Shape::Array(array) => result(0, array),
        Shape::Tuple(_) => {
            let leaves = shape.leaves().into_iter().enumerate();
            Literal::Tuple(leaves.map(|(which, leaf)| result(which, leaf)).collect())
        }
    }
}
