//! Cholesky factorisation.

use super::matrix::{Matrix, Scalar};

/// The lower `L` with `L L^H = a`, or the upper `U` with `U^H U = a`, zeros in the other triangle.
/// Only the triangle of the result is read. NaN everywhere unless `a` is positive definite.
pub(super) fn cholesky<S: Scalar>(a: &Matrix<S>, lower: bool) -> Matrix<S> {
    let n = a.rows();
    let of_lower = |row, column| {
        if lower { a[(row, column)] } else { a[(column, row)].conjugate() }
    };
    let mut factor = Matrix::<S>::filled(n, n, 0.0);
    for column in 0..n {
        for row in column..n {
            let mut rest = of_lower(row, column);
            for k in 0..column {
                rest = rest - factor[(row, k)] * factor[(column, k)].conjugate();
            }
            factor[(row, column)] = if row > column {
                rest / factor[(column, column)]
            } else if rest.real() > 0.0 {
                S::from_real(rest.real().sqrt())
            } else {
                return Matrix::filled(n, n, f64::NAN);
            };
        }
    }
    if lower { factor } else { factor.transposed().conjugated() }
}
