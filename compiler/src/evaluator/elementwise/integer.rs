//! Elementwise ops on integers, which wrap, and on `pred`.

use super::super::element::{Integer, Truth};
use super::{Binary, Unary, map, zip};
use crate::hlo::Opcode;

/// The kernel of an op of one operand.
pub(super) fn unary<T: Integer>(opcode: Opcode) -> Option<Unary<T, T>> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other ops are not ops on integers")]
    Some(match opcode {
        Opcode::Abs => map!(x => if x < T::ZERO { negate(x) } else { x }),
        Opcode::Copy => map!(x => x),
        Opcode::CountLeadingZeros => map!(x => T::from_bits(u64::from(x.leading_zeros()))),
        Opcode::Negate => map!(x => negate(x)),
        Opcode::Not => map!(x => T::from_bits(!x.to_bits())),
        Opcode::Popcnt => map!(x => T::from_bits(u64::from(x.to_bits().count_ones()))),
        Opcode::Sign => map!(x => sign(x)),
        _ => return None,
    })
}

/// The kernel of an op of two operands.
pub(super) fn binary<T: Integer>(opcode: Opcode) -> Option<Binary<T, T>> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other ops are not ops on integers")]
    Some(match opcode {
        Opcode::Add => zip!(a, b => wrapped(T::to_i64(a).wrapping_add(b.to_i64()))),
        Opcode::And => zip!(a, b => T::from_bits(a.to_bits() & b.to_bits())),
        Opcode::Divide => zip!(a, b => T::quotient(a, b)),
        Opcode::Maximum => zip!(a, b => Ord::max(a, b)),
        Opcode::Minimum => zip!(a, b => Ord::min(a, b)),
        Opcode::Multiply => zip!(a, b => wrapped(T::to_i64(a).wrapping_mul(b.to_i64()))),
        Opcode::Or => zip!(a, b => T::from_bits(a.to_bits() | b.to_bits())),
        Opcode::Power => zip!(a, b => power(a, b)),
        Opcode::Remainder => zip!(a, b => T::remainder(a, b)),
        Opcode::ShiftLeft => zip!(a, b => shift_left(a, b)),
        Opcode::ShiftRightArithmetic => zip!(a, b => shift_right_arithmetic(a, b)),
        Opcode::ShiftRightLogical => zip!(a, b => shift_right_logical(a, b)),
        Opcode::Subtract => zip!(a, b => wrapped(T::to_i64(a).wrapping_sub(b.to_i64()))),
        Opcode::Xor => zip!(a, b => T::from_bits(a.to_bits() ^ b.to_bits())),
        _ => return None,
    })
}

/// The kernel of an op of one `pred`.
pub(super) fn pred_unary(opcode: Opcode) -> Option<Unary<Truth, Truth>> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other ops are not ops on pred")]
    Some(match opcode {
        Opcode::Copy => map!(x => x),
        Opcode::Not => map!(x => Truth::new(!x.get())),
        _ => return None,
    })
}

/// The kernel of an op of two `pred`.
pub(super) fn pred_binary(opcode: Opcode) -> Option<Binary<Truth, Truth>> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other ops are not ops on pred")]
    Some(match opcode {
        Opcode::Add | Opcode::Maximum | Opcode::Or => zip!(a, b => Truth::new(a.get() | b.get())),
        Opcode::And | Opcode::Minimum | Opcode::Multiply => {
            zip!(a, b => Truth::new(a.get() & b.get()))
        }
        Opcode::Xor => zip!(a, b => Truth::new(a.get() ^ b.get())),
        _ => return None,
    })
}

/// The value modulo two to the number of bits.
fn wrapped<T: Integer>(value: i64) -> T {
    T::from_bits(value.cast_unsigned())
}

fn negate<T: Integer>(x: T) -> T {
    wrapped(x.to_i64().wrapping_neg())
}

fn sign<T: Integer>(x: T) -> T {
    match x.cmp(&T::ZERO) {
        std::cmp::Ordering::Less => T::ALL_ONES,
        std::cmp::Ordering::Equal => T::ZERO,
        std::cmp::Ordering::Greater => T::ONE,
    }
}

/// `base` to the power of `exponent`; negative exponents give the quotient of 1, rounded to zero.
fn power<T: Integer>(base: T, exponent: T) -> T {
    if exponent < T::ZERO {
        let odd = exponent.to_bits() & 1 == 1;
        return match base {
            one if one == T::ONE => T::ONE,
            minus_one if minus_one == T::ALL_ONES => {
                if odd {
                    T::ALL_ONES
                } else {
                    T::ONE
                }
            }
            _ => T::ZERO,
        };
    }
    let (mut result, mut square, mut rest) = (1i64, base.to_i64(), exponent.to_bits());
    while rest != 0 {
        if rest & 1 == 1 {
            result = result.wrapping_mul(square);
        }
        square = square.wrapping_mul(square);
        rest >>= 1;
    }
    wrapped(result)
}

/// The distance of a shift as an unsigned number, if it is below the width.
fn distance<T: Integer>(by: T) -> Option<u64> {
    Some(by.to_bits()).filter(|&bits| bits < u64::from(T::BITS))
}

fn shift_left<T: Integer>(x: T, by: T) -> T {
    distance(by).map_or(T::ZERO, |by| T::from_bits(x.to_bits() << by))
}

fn shift_right_logical<T: Integer>(x: T, by: T) -> T {
    distance(by).map_or(T::ZERO, |by| T::from_bits(x.to_bits() >> by))
}

fn shift_right_arithmetic<T: Integer>(x: T, by: T) -> T {
    let unused = u64::from(u64::BITS - T::BITS);
    let signed = (x.to_bits() << unused).cast_signed() >> unused;
    wrapped(signed >> distance(by).unwrap_or(u64::from(T::BITS) - 1))
}
