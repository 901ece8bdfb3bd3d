//! Types of fewer bits than any arithmetic has: floats of at most 8 bits, integers of 2 and 4.
//!
//! Ops on them are computed in a wider type, which has all their values, and the result is rounded,
//! or wrapped, to the narrow type: floats in `f64`, so that they are rounded once; integers in 8
//! bits.

use super::elementwise::{self, view, view_mut};
use super::error::Cause;
use super::{EvaluatorOptions, array_op};
use crate::hlo::{ArrayLiteral, ArrayShape, ElementType, Op, Opcode, Shape};

/// The result of an op that computes with narrow elements; `None` if there are none.
pub(super) fn evaluate(
    op: &Op,
    shape: &ArrayShape,
    operand_shapes: &[&Shape],
    operands: &[ArrayLiteral],
    options: &EvaluatorOptions,
) -> Result<Option<ArrayLiteral>, Cause> {
    let opcode = op.opcode();
    let moves = matches!(opcode, Opcode::Copy | Opcode::Convert | Opcode::Select);
    let computes = opcode.is_elementwise()
        || matches!(opcode, Opcode::Clamp | Opcode::Convolution | Opcode::Dot);
    let is_narrow = |array: &ArrayLiteral| array.element_type().is_narrow();
    let any = operands.iter().any(is_narrow) || shape.element_type().is_narrow();
    if moves || !computes || !any {
        return Ok(None);
    }
    let widened = match opcode {
        // By their bits, as unsigned numbers.
        Opcode::CountLeadingZeros | Opcode::Popcnt | Opcode::ShiftRightLogical => {
            operands.iter().map(bits_of).collect()
        }
        _ => operands.iter().map(widened).collect(),
    };
    let wide_type = wide_type(opcode, shape.element_type());
    let wide_shape = shape.without_layout().with_element_type(wide_type);
    let result = array_op::evaluate(op, &wide_shape, operand_shapes, widened, options)?;
    if opcode == Opcode::CountLeadingZeros {
        return Ok(Some(without_unused_zeros(shape, &result)));
    }
    Ok(Some(narrowed(shape, &result)))
}

/// The type in which results of `element_type` are computed.
fn wide_type(opcode: Opcode, element_type: ElementType) -> ElementType {
    let by_bits =
        matches!(opcode, Opcode::CountLeadingZeros | Opcode::Popcnt | Opcode::ShiftRightLogical);
    if !element_type.is_narrow() {
        return element_type;
    }
    if element_type.is_float() {
        return ElementType::F64;
    }
    if element_type.is_signed() && !by_bits { ElementType::S8 } else { ElementType::U8 }
}

/// The same numbers in a type that there is arithmetic for; arrays of other types as they are.
pub(super) fn widened(array: &ArrayLiteral) -> ArrayLiteral {
    let element_type = array.element_type();
    if !element_type.is_narrow() {
        return array.clone();
    }
    let wide = if element_type.is_float() {
        ElementType::F64
    } else if element_type.is_signed() {
        ElementType::S8
    } else {
        ElementType::U8
    };
    let mut result = ArrayLiteral::zeros(&array.shape().with_element_type(wide));
    if element_type.is_float() {
        // There are few values.
        let scalar = ArrayShape::scalar(element_type);
        let mut code = ArrayLiteral::zeros(&scalar);
        let values: Vec<f64> = (0..=u64::from(element_type.byte_mask()))
            .map(|bits| {
                code.set_bits(0, bits);
                code.get_f64(0)
            })
            .collect();
        let to = view_mut::<f64>(&mut result).iter_mut();
        to.zip(array.bytes()).for_each(|(to, &code)| *to = values[usize::from(code)]);
        return result;
    }
    let unused = 8 - element_type.bit_width();
    let to = result.bytes_mut().iter_mut();
    to.zip(array.bytes()).for_each(|(to, &from)| {
        let shifted = from << unused;
        let signed = (shifted.cast_signed() >> unused).cast_unsigned();
        *to = if element_type.is_signed() { signed } else { from };
    });
    result
}

fn bits_of(array: &ArrayLiteral) -> ArrayLiteral {
    let shape = array.shape().with_element_type(ElementType::U8);
    ArrayLiteral::from_bytes(shape, array.bytes()).expect("these types take a byte each")
}

/// Computed numbers as elements of `shape`: floats are rounded, integers wrap.
pub(super) fn narrowed(shape: &ArrayShape, wide: &ArrayLiteral) -> ArrayLiteral {
    let element_type = shape.element_type();
    if !element_type.is_narrow() {
        return wide.clone();
    }
    if element_type.is_integer() {
        return ArrayLiteral::from_bytes(shape.clone(), wide.bytes()).expect("a byte each");
    }
    rounded(shape, wide)
}

fn rounded(shape: &ArrayShape, wide: &ArrayLiteral) -> ArrayLiteral {
    let mut result = ArrayLiteral::zeros(shape);
    for (element, &value) in view::<f64>(wide).iter().enumerate() {
        result.set_f64(element, value);
    }
    result
}

fn without_unused_zeros(shape: &ArrayShape, counts: &ArrayLiteral) -> ArrayLiteral {
    let unused = u64::from(8 - shape.element_type().bit_width());
    let mut result = ArrayLiteral::zeros(shape);
    for element in 0..counts.element_count() {
        result.set_bits(element, counts.bits(element).wrapping_sub(unused));
    }
    result
}

/// `convert` from or to a narrow type. Integers wrap, or saturate where they come from floats.
pub(super) fn convert(shape: &ArrayShape, operand: &ArrayLiteral) -> ArrayLiteral {
    let (from, to) = (operand.element_type(), shape.element_type());
    let operand = widened(operand);
    if !to.is_narrow() {
        return elementwise::convert(shape, &operand);
    }
    let is_real = from.is_float() || from.is_complex();
    if to.is_integer() && !is_real {
        let wide = shape.with_element_type(wide_type(Opcode::Convert, to));
        return narrowed(shape, &elementwise::convert(&wide, &operand));
    }
    if is_real || from.bit_width() < 64 {
        // Exactly, then rounded or saturated once.
        let exact = elementwise::convert(&shape.with_element_type(ElementType::F64), &operand);
        return rounded(shape, &exact);
    }
    let mut result = ArrayLiteral::zeros(shape);
    for element in 0..operand.element_count() {
        match operand.get_i64(element) {
            Some(value) => result.set_i64(element, value),
            // Above 2^63, where the lowest bits only keep ties from appearing.
            None => {
                let bits = operand.bits(element);
                let folded = bits & !0x7ff | u64::from(bits & 0x7ff != 0) << 11;
                #[expect(clippy::cast_precision_loss, reason = "the bits that are lost are 0")]
                result.set_f64(element, folded as f64);
            }
        }
    }
    result
}
