//! Triangular systems.

use super::matrix::{Matrix, Scalar};
use crate::hlo::{Transpose, TriangularSolveOptions};

/// The `x` with `op(a) x = b`, or with `x op(a) = b`. Nothing but the triangle of `a` is read, and
/// not its diagonal if that is to be taken for ones.
pub(super) fn solve<S: Scalar>(
    a: &Matrix<S>,
    b: &Matrix<S>,
    options: &TriangularSolveOptions,
) -> Matrix<S> {
    let transposes = options.transpose_a != Transpose::NoTranspose;
    let op = match options.transpose_a {
        Transpose::NoTranspose => a.clone(),
        Transpose::Transpose => a.transposed(),
        Transpose::Adjoint => a.transposed().conjugated(),
    };
    let is_lower = options.lower != transposes;
    if options.left_side {
        return substitute(&op, b.clone(), is_lower, options.unit_diagonal);
    }
    // The same for the transposed equation.
    substitute(&op.transposed(), b.transposed(), !is_lower, options.unit_diagonal).transposed()
}

fn substitute<S: Scalar>(
    a: &Matrix<S>,
    mut x: Matrix<S>,
    is_lower: bool,
    unit_diagonal: bool,
) -> Matrix<S> {
    let n = a.rows();
    for step in 0..n {
        let row = if is_lower { step } else { n - 1 - step };
        let known = if is_lower { 0..row } else { row + 1..n };
        for column in 0..x.columns() {
            let mut rest = x[(row, column)];
            for k in known.clone() {
                rest = rest - a[(row, k)] * x[(k, column)];
            }
            x[(row, column)] = if unit_diagonal { rest } else { rest / a[(row, row)] };
        }
    }
    x
}
