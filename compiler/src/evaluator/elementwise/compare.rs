//! `compare`.

use super::super::element::{Element, Float, Integer, Truth, with_class};
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
    )
}

fn float<T: Float>(direction: ComparisonDirection) -> Binary<T, Truth> {
    #![expect(clippy::float_cmp, reason = "exact comparison is what is computed")]
    comparison!(direction, T::to_f64)
}

fn integer<T: Integer>(direction: ComparisonDirection) -> Binary<T, Truth> {
    comparison!(direction, std::convert::identity::<T>)
}

fn total_order<T: Element>(direction: ComparisonDirection) -> Binary<T, Truth> {
    comparison!(direction, T::total_order_key)
}
