//! One node of an expression on one register: integers, bits, comparisons, conversions, rounding.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "an op that an element type does not have is refused when an expression is made"
)]

use super::{Binary, Direction, Unary, division, power, transcendental, trigonometry};
use crate::{
    element::{Class, Element},
    llo::{Builder, M, V},
};

/// The value of a node at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Register {
    /// 8 x 128 words.
    Vector(V),
    /// 8 x 128 predicates.
    Mask(M),
}

impl Register {
    /// The value that a register holds as a word: predicates are not 0.
    pub fn from_word(b: &mut Builder, word: V, element: Element) -> Self {
        if element.class() != Class::Mask {
            return Self::Vector(word);
        }
        let zero = b.i32(0);
        Self::Mask(b.vcmp_ne_s32(word, zero))
    }

    /// The value as a word; a predicate is 0 or 1.
    pub fn word(self, b: &mut Builder) -> V {
        match self {
            Self::Vector(value) => value,
            Self::Mask(mask) => {
                let (one, zero) = (b.i32(1), b.i32(0));
                b.vsel(mask, one, zero)
            }
        }
    }

    /// The vector.
    ///
    /// # Panics
    /// If it is a mask: the types of an expression are checked when it is made.
    pub fn vector(self) -> V {
        match self {
            Self::Vector(v) => v,
            Self::Mask(_) => panic!("a predicate where a number is needed"),
        }
    }

    /// The mask.
    ///
    /// # Panics
    /// If it is a vector: the types of an expression are checked when it is made.
    pub fn mask(self) -> M {
        match self {
            Self::Mask(m) => m,
            Self::Vector(_) => panic!("a number where a predicate is needed"),
        }
    }
}

/// Rounds or wraps the 32-bit result of arithmetic to `element`.
pub fn narrow(b: &mut Builder, value: V, element: Element) -> V {
    match element {
        Element::F32 | Element::S32 | Element::U32 | Element::Pred => value,
        Element::Bf16 => b.vround_bf16(value),
        Element::F16 => b.vround_f16(value),
        Element::S16 | Element::S8 => {
            let amount = b.i32(if element == Element::S16 { 16 } else { 24 });
            let high = b.vshl(value, amount);
            b.vsra(high, amount)
        }
        Element::U16 | Element::U8 => {
            let low = b.i32(if element == Element::U16 { 0xffff } else { 0xff });
            b.vand(value, low)
        }
    }
}

/// A mask as the numbers 1 and 0 of a class.
pub(super) fn number_of(b: &mut Builder, mask: M, class: Class) -> V {
    let one = if class == Class::Float { b.f32(1.0) } else { b.i32(1) };
    let zero = b.i32(0);
    b.vsel(mask, one, zero)
}

/// A unary op on a value of type `from`, giving a value of type `to`.
pub(super) fn unary(
    b: &mut Builder,
    op: Unary,
    x: Register,
    (from, to): (Element, Element),
) -> Register {
    if from == Element::Pred {
        return match op {
            Unary::Not => Register::Mask(b.vmnot(x.mask())),
            Unary::Convert if to == Element::Pred => x,
            _ => Register::Vector(number_of(b, x.mask(), to.class())),
        };
    }
    let v = x.vector();
    match op {
        Unary::IsFinite => {
            let magnitude = abs_float(b, v);
            let infinity = b.f32(f32::INFINITY);
            Register::Mask(b.vcmp_lt_f32(magnitude, infinity))
        }
        Unary::Convert if to == Element::Pred => {
            let zero = b.i32(0);
            Register::Mask(match from.class() {
                Class::Float => b.vcmp_ne_f32(v, zero),
                Class::Signed | Class::Unsigned | Class::Mask => b.vcmp_ne_s32(v, zero),
            })
        }
        Unary::Convert => Register::Vector(convert(b, v, (from, to))),
        Unary::Bitcast => x,
        _ => {
            let wide = if from.class() == Class::Float {
                unary_float(b, op, v, to)
            } else {
                unary_integer(b, op, v, from)
            };
            Register::Vector(narrow(b, wide, to))
        }
    }
}

fn convert(b: &mut Builder, v: V, (from, to): (Element, Element)) -> V {
    let wide = match (from.class(), to.class()) {
        (Class::Float, Class::Float)
        | (Class::Signed | Class::Unsigned, Class::Signed | Class::Unsigned) => v,
        (Class::Float, Class::Unsigned) => b.vcvt_u32_f32(v),
        (Class::Float, _) => b.vcvt_s32_f32(v),
        (Class::Unsigned, _) => b.vcvt_f32_u32(v),
        (_, _) => b.vcvt_f32_s32(v),
    };
    match (from.class(), limits(to)) {
        // Out-of-range floats saturate, also to the narrow integers.
        (Class::Float, Some((low, high))) => {
            let (low, high) = (b.i32(low), b.i32(high));
            if to.class() == Class::Unsigned {
                b.vmin_u32(wide, high)
            } else {
                let above = b.vmax_s32(wide, low);
                b.vmin_s32(above, high)
            }
        }
        // All floats have the 8 bits of a byte.
        _ if from.packing() == 4 && to.class() == Class::Float => wide,
        _ => narrow(b, wide, to),
    }
}

fn limits(element: Element) -> Option<(i32, i32)> {
    match element {
        Element::S16 => Some((i32::from(i16::MIN), i32::from(i16::MAX))),
        Element::U16 => Some((0, i32::from(u16::MAX))),
        Element::S8 => Some((i32::from(i8::MIN), i32::from(i8::MAX))),
        Element::U8 => Some((0, i32::from(u8::MAX))),
        Element::F32
        | Element::Bf16
        | Element::F16
        | Element::S32
        | Element::U32
        | Element::Pred => None,
    }
}

pub(super) fn abs_float(b: &mut Builder, v: V) -> V {
    let magnitude = b.bits(0x7fff_ffff);
    b.vand(v, magnitude)
}

fn unary_float(b: &mut Builder, op: Unary, v: V, to: Element) -> V {
    match op {
        Unary::Abs => abs_float(b, v),
        Unary::Cbrt => power::cube_root(b, v),
        Unary::Ceil => b.vceil_f32(v),
        Unary::Floor => b.vfloor_f32(v),
        Unary::RoundNearestAfz => round_away(b, v),
        Unary::RoundNearestEven => b.vround_f32(v),
        Unary::Negate => {
            let sign = b.bits(0x8000_0000);
            b.vxor(v, sign)
        }
        Unary::Sign => {
            // The sign bit on 1, but zeros and NaN are themselves.
            let (sign, one, zero) = (b.bits(0x8000_0000), b.f32(1.0), b.f32(0.0));
            let sign = b.vand(v, sign);
            let unit = b.vor(sign, one);
            let (is_zero, is_number) = (b.vcmp_eq_f32(v, zero), b.vcmp_eq_f32(v, v));
            let unit = b.vsel(is_zero, v, unit);
            b.vsel(is_number, unit, v)
        }
        Unary::Cosine => trigonometry::cosine(b, v),
        Unary::Exponential => transcendental::exponential(b, v, to),
        Unary::ExponentialMinusOne => power::exponential_minus_one(b, v),
        Unary::Log => transcendental::log(b, v),
        Unary::LogPlusOne => power::log_plus_one(b, v),
        Unary::Logistic => transcendental::logistic(b, v, to),
        Unary::Rsqrt => transcendental::rsqrt(b, v),
        Unary::Sine => trigonometry::sine(b, v),
        Unary::Sqrt => transcendental::sqrt(b, v),
        Unary::Tan => trigonometry::tangent(b, v),
        Unary::Tanh => transcendental::tanh(b, v),
        Unary::Bitcast
        | Unary::Convert
        | Unary::CountLeadingZeros
        | Unary::IsFinite
        | Unary::Not
        | Unary::Popcnt => {
            panic!("{op:?} is no float arithmetic: expressions are checked when made")
        }
    }
}

/// To the nearest whole number, ties away from zero: as to even, but for ties that came closer.
fn round_away(b: &mut Builder, v: V) -> V {
    let rounded = b.vround_f32(v);
    let (size, rounded_size) = (abs_float(b, v), abs_float(b, rounded));
    let missing = b.vsub_f32(size, rounded_size);
    let (half, one, sign) = (b.f32(0.5), b.f32(1.0), b.bits(0x8000_0000));
    let is_tie = b.vcmp_eq_f32(missing, half);
    let sign = b.vand(v, sign);
    let away = b.vadd_f32(rounded_size, one);
    let away = b.vor(away, sign);
    b.vsel(is_tie, away, rounded)
}

fn unary_integer(b: &mut Builder, op: Unary, v: V, element: Element) -> V {
    let zero = b.i32(0);
    match op {
        Unary::Abs => {
            let negated = b.vsub_s32(zero, v);
            b.vmax_s32(v, negated)
        }
        Unary::CountLeadingZeros => {
            let bits = zero_extended(b, v, element);
            let (zeros, unused) = (b.vclz(bits), b.i32(unused_bits(element)));
            b.vsub_s32(zeros, unused)
        }
        Unary::Negate => b.vsub_s32(zero, v),
        Unary::Popcnt => {
            let bits = zero_extended(b, v, element);
            b.vpopcnt(bits)
        }
        Unary::Not => {
            let ones = b.i32(-1);
            b.vxor(v, ones)
        }
        Unary::Sign if element.class() == Class::Unsigned => {
            let one = b.i32(1);
            b.vmin_u32(v, one)
        }
        Unary::Sign => {
            let (low, high) = (b.i32(-1), b.i32(1));
            let above = b.vmax_s32(v, low);
            b.vmin_s32(above, high)
        }
        _ => panic!("{op:?} of an integer: expressions are checked when made"),
    }
}

/// A binary op on two values of type `element`.
pub(super) fn binary(
    b: &mut Builder,
    op: Binary,
    [x, y]: [Register; 2],
    element: Element,
) -> Register {
    match element.class() {
        Class::Mask => Register::Mask(binary_mask(b, op, x.mask(), y.mask())),
        Class::Float => {
            let wide = binary_float(b, op, [x.vector(), y.vector()], element);
            let exact = matches!(op, Binary::Maximum | Binary::Minimum);
            Register::Vector(if exact { wide } else { narrow(b, wide, element) })
        }
        Class::Signed | Class::Unsigned => {
            let wide = binary_integer(b, op, [x.vector(), y.vector()], element);
            Register::Vector(narrow(b, wide, element))
        }
    }
}

fn binary_mask(b: &mut Builder, op: Binary, x: M, y: M) -> M {
    match op {
        // Predicates add and multiply as in a one-bit ring with saturation.
        Binary::And | Binary::Minimum | Binary::Multiply => b.vmand(x, y),
        Binary::Or | Binary::Maximum | Binary::Add => b.vmor(x, y),
        Binary::Xor => b.vmxor(x, y),
        _ => panic!("{op:?} of predicates: expressions are checked when made"),
    }
}

fn binary_float(b: &mut Builder, op: Binary, [x, y]: [V; 2], element: Element) -> V {
    match op {
        Binary::Add => b.vadd_f32(x, y),
        Binary::Subtract => b.vsub_f32(x, y),
        Binary::Multiply => b.vmul_f32(x, y),
        Binary::Maximum => b.vmax_f32(x, y),
        Binary::Minimum => b.vmin_f32(x, y),
        Binary::Divide => {
            let divisor = transcendental::divisor(b, y, element);
            transcendental::divide(b, x, divisor)
        }
        Binary::Atan2 => trigonometry::atan2(b, x, y),
        Binary::Power => power::power(b, x, y),
        _ => panic!("{op:?} of floats: expressions are checked when made"),
    }
}

fn binary_integer(b: &mut Builder, op: Binary, [x, y]: [V; 2], element: Element) -> V {
    let unsigned = element.class() == Class::Unsigned;
    match op {
        Binary::Add => b.vadd_s32(x, y),
        Binary::Subtract => b.vsub_s32(x, y),
        Binary::Multiply => b.vmul_s32(x, y),
        Binary::And => b.vand(x, y),
        Binary::Or => b.vor(x, y),
        Binary::Xor => b.vxor(x, y),
        Binary::Maximum if unsigned => b.vmax_u32(x, y),
        Binary::Maximum => b.vmax_s32(x, y),
        Binary::Minimum if unsigned => b.vmin_u32(x, y),
        Binary::Minimum => b.vmin_s32(x, y),
        // Shifts by the width or more: 0, or the sign; shifts are of the 32-bit word, narrowed
        // after.
        Binary::ShiftLeft => b.vshl(x, y),
        Binary::ShiftRightArithmetic if unsigned => {
            let signed = sign_extended(b, x, element);
            b.vsra(signed, y)
        }
        Binary::ShiftRightArithmetic => b.vsra(x, y),
        Binary::ShiftRightLogical => {
            let bits = zero_extended(b, x, element);
            b.vshr(bits, y)
        }
        Binary::Divide if unsigned => division::unsigned(b, x, y)[0],
        Binary::Divide => division::signed(b, x, y)[0],
        Binary::Remainder if unsigned => division::unsigned(b, x, y)[1],
        Binary::Remainder => division::signed(b, x, y)[1],
        Binary::Power => power::integer(b, x, y, element),
        Binary::Atan2 => panic!("{op:?} of integers: expressions are checked when made"),
    }
}

/// Bits of a register's word that are none of the element's.
fn unused_bits(element: Element) -> i32 {
    match element.packing() {
        1 => 0,
        2 => 16,
        _ => 24,
    }
}

fn sign_extended(b: &mut Builder, x: V, element: Element) -> V {
    match element {
        Element::U16 => narrow(b, x, Element::S16),
        Element::U8 => narrow(b, x, Element::S8),
        _ => x,
    }
}

fn zero_extended(b: &mut Builder, x: V, element: Element) -> V {
    match element {
        Element::S16 => narrow(b, x, Element::U16),
        Element::S8 => narrow(b, x, Element::U8),
        _ => x,
    }
}

/// A comparison of two values of type `element`.
pub(super) fn compare(
    b: &mut Builder,
    op: Direction,
    [x, y]: [Register; 2],
    element: Element,
) -> M {
    if element.class() == Class::Mask {
        let (x, y) = (number_of(b, x.mask(), Class::Signed), number_of(b, y.mask(), Class::Signed));
        return compare(b, op, [Register::Vector(x), Register::Vector(y)], Element::S32);
    }
    let (x, y) = (x.vector(), y.vector());
    let (op, x, y) = match op {
        Direction::Gt => (Direction::Lt, y, x),
        Direction::Ge => (Direction::Le, y, x),
        Direction::Eq | Direction::Ne | Direction::Lt | Direction::Le => (op, x, y),
    };
    match (op, element.class()) {
        (Direction::Eq, Class::Float) => b.vcmp_eq_f32(x, y),
        (Direction::Eq, _) => b.vcmp_eq_s32(x, y),
        (Direction::Ne, Class::Float) => b.vcmp_ne_f32(x, y),
        (Direction::Ne, _) => b.vcmp_ne_s32(x, y),
        (Direction::Lt, Class::Float) => b.vcmp_lt_f32(x, y),
        (Direction::Lt, Class::Unsigned) => b.vcmp_lt_u32(x, y),
        (Direction::Lt, _) => b.vcmp_lt_s32(x, y),
        (_, Class::Float) => b.vcmp_le_f32(x, y),
        (_, Class::Unsigned) => b.vcmp_le_u32(x, y),
        (_, _) => b.vcmp_le_s32(x, y),
    }
}
