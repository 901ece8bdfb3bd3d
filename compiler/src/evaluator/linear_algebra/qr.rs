//! QR factorisation by Householder reflectors.

use super::matrix::{Matrix, Scalar};

/// `R` on and above the diagonal, the reflectors' vectors below it, and their factors `tau`. The
/// product of the reflectors, in order, is `Q`.
pub(super) fn qr<S: Scalar>(mut a: Matrix<S>) -> (Matrix<S>, Vec<S>) {
    let mut taus = Vec::new();
    for k in 0..a.rows().min(a.columns()) {
        let tau = reflector(&mut a, k);
        taus.push(tau);
        let v: Vec<S> = vector(&a, k);
        reflect(&mut a, (&v, tau.conjugate()), (k, k + 1));
    }
    (a, taus)
}

/// The first columns of the product of the reflectors whose vectors are in the columns of `a`, as
/// many as `a` has.
pub(super) fn product_of_reflectors<S: Scalar>(a: &Matrix<S>, taus: &[S]) -> Matrix<S> {
    let mut product = Matrix::identity(a.rows(), a.columns());
    for (k, &tau) in taus.iter().enumerate().rev() {
        reflect(&mut product, (&vector(a, k), tau), (k, 0));
    }
    product
}

/// Makes the reflector that turns column `k`, from the diagonal on, to a real number there and
/// zeros below, and stores both: the number and the vector.
fn reflector<S: Scalar>(a: &mut Matrix<S>, k: usize) -> S {
    let rest: Vec<f64> = (k + 1..a.rows()).map(|row| a[(row, k)].magnitude()).collect();
    let first = a[(k, k)];
    let imaginary = (first - S::from_real(first.real())).magnitude();
    let below = norm(&rest);
    if below == 0.0 && imaginary == 0.0 {
        return S::from_real(0.0);
    }
    let length = norm(&[first.magnitude(), below]);
    let target = if first.real() < 0.0 { length } else { -length };
    let tau = (S::from_real(target) - first) / S::from_real(target);
    let divisor = first - S::from_real(target);
    for row in k + 1..a.rows() {
        a[(row, k)] = a[(row, k)] / divisor;
    }
    a[(k, k)] = S::from_real(target);
    tau
}

/// The Euclidean norm, which overflows only if it is too large itself.
fn norm(values: &[f64]) -> f64 {
    let largest =
        values.iter().copied().fold(0.0, |a: f64, b| if b > a || b.is_nan() { b } else { a });
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    largest * values.iter().map(|value| (value / largest).powi(2)).sum::<f64>().sqrt()
}

/// The vector of reflector `k`, from place `k` on.
fn vector<S: Scalar>(a: &Matrix<S>, k: usize) -> Vec<S> {
    let below = (k + 1..a.rows()).map(|row| a[(row, k)]);
    std::iter::once(S::from_real(1.0)).chain(below).collect()
}

/// Applies `1 - tau v v^H` to the columns from the given one on; `v` starts in row `top`.
fn reflect<S: Scalar>(a: &mut Matrix<S>, (v, tau): (&[S], S), (top, first_column): (usize, usize)) {
    for column in first_column..a.columns() {
        let mut sum = S::from_real(0.0);
        for (n, v) in v.iter().enumerate() {
            sum = sum + v.conjugate() * a[(top + n, column)];
        }
        let factor = tau * sum;
        for (n, &v) in v.iter().enumerate() {
            a[(top + n, column)] = a[(top + n, column)] - v * factor;
        }
    }
}
