//! LU factorisation.

use super::matrix::{Matrix, Scalar};

/// `L` (below the diagonal, ones on it are not stored) and `U` in one matrix; the row that each row
/// was exchanged with, in order; and the rows of `a` in the order in which `L U` has them.
///
/// The pivot is the largest element of what is left of the column, the first of equal ones, NaN
/// above all. A column of zeros is left as it is.
pub(super) fn lu<S: Scalar>(mut a: Matrix<S>) -> (Matrix<S>, Vec<usize>, Vec<usize>) {
    let (rows, columns) = (a.rows(), a.columns());
    let mut permutation: Vec<usize> = (0..rows).collect();
    let mut exchanges = Vec::new();
    for k in 0..rows.min(columns) {
        let pivot = pivot(&a, k);
        exchanges.push(pivot);
        a.exchange_rows(k, pivot);
        permutation.swap(k, pivot);
        let diagonal = a[(k, k)];
        for row in k + 1..rows {
            if diagonal.magnitude() != 0.0 {
                a[(row, k)] = a[(row, k)] / diagonal;
            }
            for column in k + 1..columns {
                a[(row, column)] = a[(row, column)] - a[(row, k)] * a[(k, column)];
            }
        }
    }
    (a, exchanges, permutation)
}

fn pivot<S: Scalar>(a: &Matrix<S>, k: usize) -> usize {
    let mut best = k;
    for row in k..a.rows() {
        let (largest, other) = (a[(best, k)].magnitude(), a[(row, k)].magnitude());
        if other > largest || (other.is_nan() && !largest.is_nan()) {
            best = row;
        }
    }
    best
}
