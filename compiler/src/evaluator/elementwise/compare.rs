//! `compare`.

use super::super::element::{ComplexNumber, Element, Float, Integer, Truth, with_class};
use super::{Binary, run_binary, zip};
use crate::hlo::{ArrayLiteral, ArrayShape, ComparisonDirection, ComparisonType};

/// The kernel that compares what `$key` makes of the elements.
macro_rules! comparison {
    ($direction:expr, $key:expr) => {
        match $direction {
            ComparisonDirection::Eq => zip!(a, b => Truth::new($key(a) == $key(b))),
            ComparisonDirection::Ne => zip!(a, b => Truth::new($key(a) != $key(b))),
            ComparisonDirection::Ge => zip!(a, b => Truth::new($key(a) >= $key(b))),
            ComparisonDirection::Gt => zip!(a, b => Truth::new($key(a) > $key(b))),
            ComparisonDirection::Le => zip!(a, b => Truth::new($key(a) <= $key(b))),
            ComparisonDirection::Lt => zip!(a, b => Truth::new($key(a) < $key(b))),
        }
    };
}

/// `compare`; the order of integers follows from their type.
pub(in super::super) fn compare(
    shape: &ArrayShape,
    direction: ComparisonDirection,
    comparison_type: ComparisonType,
    [lhs, rhs]: [&ArrayLiteral; 2],
) -> ArrayLiteral {
    with_class!(lhs.element_type(), T,
        float => run_binary(shape, lhs, rhs, match comparison_type {
            ComparisonType::TotalOrder => total_order::<T>(direction),
            ComparisonType::Float | ComparisonType::Signed | ComparisonType::Unsigned => {
                float::<T>(direction)
            }
        }),
        integer => run_binary(shape, lhs, rhs, integer::<T>(direction)),
        pred => run_binary(shape, lhs, rhs, total_order::<Truth>(direction)),
        complex => run_binary(shape, lhs, rhs, complex::<T>(direction)),
    )
}

fn float<T: Float>(direction: ComparisonDirection) -> Binary<T, Truth> {
    #![expect(clippy::float_cmp, reason = "exact comparison is what is computed")]
    comparison!(direction, T::to_f64)
}

/// By the real parts, and where these are equal by the imaginary parts.
fn complex<T: ComplexNumber>(direction: ComparisonDirection) -> Binary<T, Truth> {
    fn key<T: ComplexNumber>(value: T) -> (f64, f64) {
        let value = value.to_complex();
        (value.re, value.im)
    }
    comparison!(direction, key)
}

fn integer<T: Integer>(direction: ComparisonDirection) -> Binary<T, Truth> {
    comparison!(direction, std::convert::identity::<T>)
}

fn total_order<T: Element>(direction: ComparisonDirection) -> Binary<T, Truth> {
    comparison!(direction, T::total_order_key)
}
