//! Matrices and their elements.

use std::ops::{Add, Div, Index, IndexMut, Mul, Neg, Sub};

use num_complex::Complex;

use crate::hlo::ArrayLiteral;

/// A real or complex number.
pub(super) trait Scalar:
    Copy
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// A real number.
    fn from_real(value: f64) -> Self;
    /// The real part.
    fn real(self) -> f64;
    /// The complex conjugate.
    fn conjugate(self) -> Self;
    /// The absolute value.
    fn magnitude(self) -> f64;
    /// Element `n` of an array.
    fn element(array: &ArrayLiteral, n: usize) -> Self;
    /// As a complex number.
    fn complex(self) -> Complex<f64>;
}

impl Scalar for f64 {
    fn from_real(value: f64) -> Self {
        value
    }
    fn real(self) -> f64 {
        self
    }
    fn conjugate(self) -> Self {
        self
    }
    fn magnitude(self) -> f64 {
        self.abs()
    }
    fn element(array: &ArrayLiteral, n: usize) -> Self {
        array.get_f64(n)
    }
    fn complex(self) -> Complex<f64> {
        self.into()
    }
}

impl Scalar for Complex<f64> {
    fn from_real(value: f64) -> Self {
        value.into()
    }
    fn real(self) -> f64 {
        self.re
    }
    fn conjugate(self) -> Self {
        self.conj()
    }
    fn magnitude(self) -> f64 {
        self.norm()
    }
    fn element(array: &ArrayLiteral, n: usize) -> Self {
        array.get_complex(n)
    }
    fn complex(self) -> Self {
        self
    }
}

/// A matrix, row after row.
#[derive(Clone, Debug)]
pub(super) struct Matrix<S> {
    rows: usize,
    columns: usize,
    elements: Vec<S>,
}

impl<S: Scalar> Matrix<S> {
    /// A matrix of these elements.
    pub(super) fn new(rows: usize, columns: usize, elements: Vec<S>) -> Self {
        assert_eq!(elements.len(), rows * columns, "a matrix is full");
        Self { rows, columns, elements }
    }

    /// A matrix of one row.
    pub(super) fn row(elements: Vec<S>) -> Self {
        Self::new(1, elements.len(), elements)
    }

    /// A matrix of one number.
    pub(super) fn filled(rows: usize, columns: usize, value: f64) -> Self {
        Self::new(rows, columns, vec![S::from_real(value); rows * columns])
    }

    /// Ones on the diagonal, zeros elsewhere.
    pub(super) fn identity(rows: usize, columns: usize) -> Self {
        let mut matrix = Self::filled(rows, columns, 0.0);
        (0..rows.min(columns)).for_each(|n| matrix[(n, n)] = S::from_real(1.0));
        matrix
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    pub(super) fn elements(&self) -> &[S] {
        &self.elements
    }

    /// The element at (column, row) of this matrix is at (row, column) of the result.
    pub(super) fn transposed(&self) -> Self {
        let at = |n: usize| self[(n % self.rows, n / self.rows)];
        Self::new(self.columns, self.rows, (0..self.elements.len()).map(at).collect())
    }

    /// Every element conjugated.
    pub(super) fn conjugated(&self) -> Self {
        let elements = self.elements.iter().map(|element| element.conjugate()).collect();
        Self::new(self.rows, self.columns, elements)
    }

    /// Exchanges two rows.
    pub(super) fn exchange_rows(&mut self, a: usize, b: usize) {
        for column in 0..self.columns {
            self.elements.swap(a * self.columns + column, b * self.columns + column);
        }
    }

    /// Are all elements finite?
    pub(super) fn is_finite(&self) -> bool {
        self.elements.iter().all(|element| element.magnitude().is_finite())
    }
}

impl<S> Index<(usize, usize)> for Matrix<S> {
    type Output = S;
    fn index(&self, (row, column): (usize, usize)) -> &S {
        &self.elements[row * self.columns + column]
    }
}

impl<S> IndexMut<(usize, usize)> for Matrix<S> {
    fn index_mut(&mut self, (row, column): (usize, usize)) -> &mut S {
        &mut self.elements[row * self.columns + column]
    }
}
