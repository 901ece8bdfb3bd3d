//! Eigenvalues and eigenvectors of Hermitian matrices.

use super::matrix::{Matrix, Scalar};
use crate::hlo::EighParameters;

/// The eigenvalues, and the eigenvectors as columns, of a matrix of which one triangle is read:
/// Jacobi's rotations, sweep after sweep, until nothing is left beside the diagonal. NaN everywhere
/// unless that triangle is finite.
pub(super) fn eigh<S: Scalar>(a: &Matrix<S>, parameters: &EighParameters) -> (Vec<S>, Matrix<S>) {
    let n = a.rows();
    let mut a = hermitian(a, parameters.lower);
    if !a.is_finite() {
        return (vec![S::from_real(f64::NAN); n], Matrix::filled(n, n, f64::NAN));
    }
    let mut vectors = Matrix::<S>::identity(n, n);
    let largest = a.elements().iter().map(|element| element.magnitude()).fold(0.0, f64::max);
    for _ in 0..parameters.max_sweeps {
        let mut rotated = false;
        for p in 0..n {
            for q in p + 1..n {
                rotated |= rotate(&mut a, &mut vectors, [p, q], largest * f64::EPSILON);
            }
        }
        if !rotated {
            break;
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    if parameters.sort {
        order.sort_by(|&i, &j| a[(i, i)].real().total_cmp(&a[(j, j)].real()));
    }
    let values = order.iter().map(|&k| S::from_real(a[(k, k)].real())).collect();
    let sorted = (0..n * n).map(|place| vectors[(place / n, order[place % n])]).collect();
    (values, Matrix::new(n, n, sorted))
}

/// The whole matrix from one of its triangles.
fn hermitian<S: Scalar>(a: &Matrix<S>, lower: bool) -> Matrix<S> {
    let n = a.rows();
    let mut whole = a.clone();
    for row in 0..n {
        whole[(row, row)] = S::from_real(a[(row, row)].real());
        for column in 0..row {
            let below = if lower { a[(row, column)] } else { a[(column, row)].conjugate() };
            whole[(row, column)] = below;
            whole[(column, row)] = below.conjugate();
        }
    }
    whole
}

/// Makes the elements at (p, q) and (q, p) zero, unless they are negligible.
fn rotate<S: Scalar>(
    a: &mut Matrix<S>,
    vectors: &mut Matrix<S>,
    [p, q]: [usize; 2],
    negligible: f64,
) -> bool {
    let size = a[(p, q)].magnitude();
    if size <= negligible {
        return false;
    }
    let (at_p, at_q) = (a[(p, p)].real(), a[(q, q)].real());
    // The phase makes the element real; the rotation is that of the smaller angle.
    let phase = a[(p, q)] / S::from_real(size);
    let theta = (at_q - at_p) / (2.0 * size);
    let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = S::from_real(tangent * cosine) * phase;
    let cosine = S::from_real(cosine);
    for k in 0..a.rows() {
        let (x, y) = (a[(k, p)], a[(k, q)]);
        a[(k, p)] = cosine * x - sine.conjugate() * y;
        a[(k, q)] = sine * x + cosine * y;
        let (x, y) = (vectors[(k, p)], vectors[(k, q)]);
        vectors[(k, p)] = cosine * x - sine.conjugate() * y;
        vectors[(k, q)] = sine * x + cosine * y;
    }
    for k in 0..a.columns() {
        let (x, y) = (a[(p, k)], a[(q, k)]);
        a[(p, k)] = cosine * x - sine * y;
        a[(q, k)] = sine.conjugate() * x + cosine * y;
    }
    (a[(p, q)], a[(q, p)]) = (S::from_real(0.0), S::from_real(0.0));
    true
}
