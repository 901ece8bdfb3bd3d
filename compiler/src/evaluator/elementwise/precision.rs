//! `reduce-precision`: fewer bits of exponent and mantissa in the same type.

use crate::hlo::{ArrayLiteral, ArrayShape, ElementType};

/// Bits of the exponent and of the mantissa that a type has.
fn format(element_type: ElementType) -> Option<(usize, usize)> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "inference lets only floats come here")]
    Some(match element_type {
        ElementType::F16 => (5, 10),
        ElementType::BF16 => (8, 7),
        ElementType::F32 => (8, 23),
        ElementType::F64 => (11, 52),
        _ => return None,
    })
}

/// The elements with so many bits of exponent and mantissa. NaNs stay, or become infinities without
/// a mantissa to tell them apart.
pub(in super::super) fn reduce_precision(
    shape: &ArrayShape,
    operand: &ArrayLiteral,
    [exponent_bits, mantissa_bits]: [usize; 2],
) -> ArrayLiteral {
    let mut result = ArrayLiteral::zeros(shape);
    let Some(own) = format(shape.element_type()) else { return operand.clone() };
    let sign = 1u64 << (own.0 + own.1);
    let infinity = (sign - 1) & !((1 << own.1) - 1);
    for element in 0..operand.element_count() {
        let bits = operand.bits(element);
        let (negative, magnitude) = (bits & sign, bits & (sign - 1));
        let reduced = if magnitude > infinity {
            if mantissa_bits == 0 { infinity } else { magnitude }
        } else {
            let rounded = round(magnitude, own.1.saturating_sub(mantissa_bits));
            limit(rounded, own, exponent_bits)
        };
        result.set_bits(element, negative | reduced);
    }
    result
}

/// The nearest code whose lowest `dropped` bits are 0, of two the even one. A carry goes into the
/// exponent.
fn round(code: u64, dropped: usize) -> u64 {
    if dropped == 0 {
        return code;
    }
    let last = 1u64 << dropped;
    let up = (last >> 1) - 1 + u64::from(code & last != 0);
    (code + up) & !(last - 1)
}

/// Infinity or 0 if the exponent does not fit so many bits.
fn limit(code: u64, own: (usize, usize), exponent_bits: usize) -> u64 {
    if exponent_bits >= own.0 {
        return code;
    }
    let bias = |bits: usize| (1u64 << (bits - 1)) - 1;
    let (own_bias, kept) = (bias(own.0), bias(exponent_bits));
    let exponent = code >> own.1;
    let infinity = ((1u64 << own.0) - 1) << own.1;
    if exponent > own_bias + kept {
        infinity
    } else if exponent <= own_bias - kept {
        0
    } else {
        code
    }
}
