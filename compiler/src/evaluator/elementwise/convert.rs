//! `convert`.

use super::super::element::{Element, with_element_type};
use super::{map, run_unary};
use crate::hlo::{ArrayLiteral, ArrayShape};

/// The elements of `operand` as values of the element type of `shape`.
///
/// Floats round to nearest even, once. Floats to integers drop the fraction and saturate; NaN gives
/// 0. Integers to narrower integers wrap. `pred` is 0 or 1, and what is not zero is true. Complex
/// numbers lose their imaginary part in real types, and real ones get 0 as one.
pub(in super::super) fn convert(shape: &ArrayShape, operand: &ArrayLiteral) -> ArrayLiteral {
    if shape.element_type() == operand.element_type() {
        return operand.clone();
    }
    with_element_type!(operand.element_type(), From =>
        with_element_type!(shape.element_type(), To =>
            run_unary::<From, To>(shape, operand, map!(x => x.convert()))))
}
