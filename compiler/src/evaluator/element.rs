//! Host representations of the element types, and what a number of each kind can do.
//!
//! [`with_element_type`] and its narrower relatives turn a run-time element type into a type
//! parameter, once per instruction, so that loops over elements are typed.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` wraps integers and saturates floats, which is what the traits promise"
)]

use std::fmt;

use bytemuck::{Pod, Zeroable};
use half::{bf16, f16};
use num_complex::Complex;

use super::rounding;
use crate::hlo::{ElementType, NativeType};

/// A `pred` element: 0 or 1.
#[derive(Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub(super) struct Truth(u8);

impl Truth {
    /// `value` as an element.
    pub(super) fn new(value: bool) -> Self {
        Self(u8::from(value))
    }

    /// The truth value.
    pub(super) fn get(self) -> bool {
        self.0 != 0
    }
}

impl fmt::Debug for Truth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

impl NativeType for Truth {
    const ELEMENT_TYPE: ElementType = ElementType::Pred;
}

/// An element of any type.
pub(super) trait Element: NativeType + Send + Sync {
    /// The nearest value: floats round to nearest even; integers drop the fraction and saturate,
    /// NaN becomes 0; `pred` is "not zero".
    fn from_f64(value: f64) -> Self;
    /// Integers wrap, floats round to nearest even, `pred` is "not zero".
    fn from_i64(value: i64) -> Self;
    /// As [`Element::from_i64`].
    fn from_u64(value: u64) -> Self;
    /// As [`Element::from_f64`], of the real part; `pred` is "not zero".
    fn from_complex(value: Complex<f64>) -> Self {
        Self::from_f64(value.re)
    }
    /// The value as another element type.
    fn convert<To: Element>(self) -> To;
    /// The key by which IEEE 754 orders floats totally and integers naturally; complex numbers are
    /// ordered by their real parts, and then by their imaginary parts.
    fn total_order_key(self) -> i128;
}

/// A floating point number.
pub(super) trait Float: Element + std::ops::Neg<Output = Self> {
    /// The exact value.
    fn to_f64(self) -> f64;

    /// The nearest value of a computed number; every NaN becomes the positive quiet one.
    fn rounded(value: f64) -> Self {
        Self::from_f64(rounding::with_one_nan(value))
    }
}

/// A complex number.
pub(super) trait ComplexNumber: Element {
    /// The type of the parts.
    type Part: Float;
    /// The exact value.
    fn to_complex(self) -> Complex<f64>;

    /// The nearest value of a computed number; every NaN becomes the positive quiet one.
    fn rounded(value: Complex<f64>) -> Self {
        let [re, im] = [value.re, value.im].map(rounding::with_one_nan);
        Self::from_complex(Complex::new(re, im))
    }
}

/// An integer. Arithmetic wraps.
pub(super) trait Integer: Element + Ord {
    /// The number of bits.
    const BITS: u32;
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// All bits set: -1 or the largest value.
    const ALL_ONES: Self;
    /// The value modulo 2^64.
    fn to_i64(self) -> i64;
    /// The bits, zero-extended.
    fn to_bits(self) -> u64;
    /// The low bits of `bits`.
    fn from_bits(bits: u64) -> Self;
    /// The quotient; by 0 all ones, and the negated dividend where that does not fit.
    fn quotient(self, by: Self) -> Self;
    /// The remainder with the dividend's sign; by 0 the dividend.
    fn remainder(self, by: Self) -> Self;
    /// The number of zero bits above the highest one.
    fn leading_zeros(self) -> u32;
}

macro_rules! impl_integer {
    ($($T:ident $Bits:ident $from:ident $wide:ident;)*) => { $(
        impl Element for $T {
            fn from_f64(value: f64) -> Self { value as Self }
            fn from_i64(value: i64) -> Self { value as Self }
            fn from_u64(value: u64) -> Self { value as Self }
            fn convert<To: Element>(self) -> To { To::$from(self as $wide) }
            fn total_order_key(self) -> i128 { i128::from(self) }
        }
        impl Integer for $T {
            const BITS: u32 = <$T>::BITS;
            const ZERO: Self = 0;
            const ONE: Self = 1;
            const ALL_ONES: Self = !0;
            fn to_i64(self) -> i64 { self as i64 }
            fn to_bits(self) -> u64 { self as $Bits as u64 }
            fn from_bits(bits: u64) -> Self { bits as Self }
            fn quotient(self, by: Self) -> Self {
                if by == 0 { Self::ALL_ONES } else { self.wrapping_div(by) }
            }
            fn remainder(self, by: Self) -> Self {
                if by == 0 { self } else { self.wrapping_rem(by) }
            }
            fn leading_zeros(self) -> u32 { <$T>::leading_zeros(self) }
        }
    )* };
}
impl_integer! {
    i8 u8 from_i64 i64;
    i16 u16 from_i64 i64;
    i32 u32 from_i64 i64;
    i64 u64 from_i64 i64;
    u8 u8 from_u64 u64;
    u16 u16 from_u64 u64;
    u32 u32 from_u64 u64;
    u64 u64 from_u64 u64;
}

impl Element for Truth {
    fn from_f64(value: f64) -> Self {
        Self::new(value != 0.0)
    }
    fn from_i64(value: i64) -> Self {
        Self::new(value != 0)
    }
    fn from_u64(value: u64) -> Self {
        Self::new(value != 0)
    }
    fn from_complex(value: Complex<f64>) -> Self {
        Self::new(value.re != 0.0 || value.im != 0.0)
    }
    fn convert<To: Element>(self) -> To {
        To::from_u64(u64::from(self.get()))
    }
    fn total_order_key(self) -> i128 {
        i128::from(self.0)
    }
}

macro_rules! impl_float {
    ($($T:ident $Bits:ident $Signed:ident,
        $from_f64:expr, $from_integer:expr, $to_f64:expr;)*) => { $(
        impl Element for $T {
            fn from_f64(value: f64) -> Self { $from_f64(value) }
            fn from_i64(value: i64) -> Self {
                let magnitude = $from_integer(value.unsigned_abs());
                if value < 0 { -magnitude } else { magnitude }
            }
            fn from_u64(value: u64) -> Self { $from_integer(value) }
            fn convert<To: Element>(self) -> To { To::from_f64(self.to_f64()) }
            fn total_order_key(self) -> i128 {
                // Negative numbers have the sign bit, so their magnitudes are turned around.
                let bits = self.to_bits().cast_signed();
                i128::from(if bits < 0 { bits ^ $Signed::MAX } else { bits })
            }
        }
        impl Float for $T {
            fn to_f64(self) -> f64 { $to_f64(self) }
        }
    )* };
}
impl_float! {
    f16 u16 i16,
        rounding::f16_from_f64, |m| rounding::f16_from_f64(sticky_f64(m)), |v: f16| v.to_f64();
    bf16 u16 i16, rounding::bf16_from_f64, |m| rounding::bf16_from_f64(sticky_f64(m)),
        |v| f64::from(rounding::bf16_to_f32(v));
    f32 u32 i32, to_f32, nearest_f32, f64::from;
    f64 u64 i64, std::convert::identity, nearest_f64, std::convert::identity;
}

macro_rules! impl_complex {
    ($($T:ident)*) => { $(
        impl Element for Complex<$T> {
            fn from_f64(value: f64) -> Self { Self::new($T::from_f64(value), 0.0) }
            fn from_i64(value: i64) -> Self { Self::new($T::from_i64(value), 0.0) }
            fn from_u64(value: u64) -> Self { Self::new($T::from_u64(value), 0.0) }
            fn from_complex(value: Complex<f64>) -> Self {
                Self::new($T::from_f64(value.re), $T::from_f64(value.im))
            }
            fn convert<To: Element>(self) -> To { To::from_complex(self.to_complex()) }
            fn total_order_key(self) -> i128 {
                (self.re.total_order_key() << 64) + self.im.total_order_key()
            }
        }
        impl ComplexNumber for Complex<$T> {
            type Part = $T;
            fn to_complex(self) -> Complex<f64> {
                Complex::new(self.re.into(), self.im.into())
            }
        }
    )* };
}
impl_complex! { f32 f64 }

fn to_f32(value: f64) -> f32 {
    value as f32
}

fn nearest_f32(magnitude: u64) -> f32 {
    #![expect(clippy::cast_precision_loss, reason = "rounding to nearest is the contract")]
    magnitude as f32
}

fn nearest_f64(magnitude: u64) -> f64 {
    #![expect(clippy::cast_precision_loss, reason = "rounding to nearest is the contract")]
    magnitude as f64
}

/// `magnitude` with the bits that `f64` cannot hold joined into the lowest one that it can, so that
/// one more rounding to a narrow type sees that the value is not on a boundary.
fn sticky_f64(magnitude: u64) -> f64 {
    const CUT: u64 = (1 << 11) - 1;
    if magnitude >> 53 == 0 {
        return nearest_f64(magnitude);
    }
    let lost = u64::from(magnitude & CUT != 0) << 11;
    nearest_f64(magnitude & !CUT | lost)
}

/// Runs the body with `$T` standing for the host type of an element type.
macro_rules! with_element_type {
    ($element_type:expr, $T:ident => $body:expr) => {{
        use crate::evaluator::element::Truth;
        use crate::hlo::ElementType;
        use half::{bf16, f16};
        use num_complex::Complex;
        macro_rules! body {
            ($Native:ty) => {{
                type $T = $Native;
                $body
            }};
        }
        match $element_type {
            ElementType::Pred => body!(Truth),
            ElementType::S8 => body!(i8),
            ElementType::S16 => body!(i16),
            ElementType::S32 => body!(i32),
            ElementType::S64 => body!(i64),
            ElementType::U8 => body!(u8),
            ElementType::U16 => body!(u16),
            ElementType::U32 => body!(u32),
            ElementType::U64 => body!(u64),
            ElementType::F16 => body!(f16),
            ElementType::BF16 => body!(bf16),
            ElementType::F32 => body!(f32),
            ElementType::F64 => body!(f64),
            ElementType::C64 => body!(Complex<f32>),
            ElementType::C128 => body!(Complex<f64>),
            crate::hlo::narrow_types!() => unreachable!("narrow types are computed in wider ones"),
            ElementType::Token => unreachable!("nothing is computed from tokens"),
        }
    }};
}

/// Runs one of four bodies: for floats, for integers, for `pred`, and for complex numbers.
macro_rules! with_class {
    ($element_type:expr, $T:ident, float => $float:expr, integer => $integer:expr,
        pred => $pred:expr, complex => $complex:expr $(,)?) => {{
        use crate::hlo::ElementType;
        use half::{bf16, f16};
        use num_complex::Complex;
        macro_rules! complex {
            ($Native:ty) => {{
                type $T = $Native;
                $complex
            }};
        }
        macro_rules! float {
            ($Native:ty) => {{
                type $T = $Native;
                $float
            }};
        }
        macro_rules! integer {
            ($Native:ty) => {{
                type $T = $Native;
                $integer
            }};
        }
        match $element_type {
            ElementType::Pred => $pred,
            ElementType::S8 => integer!(i8),
            ElementType::S16 => integer!(i16),
            ElementType::S32 => integer!(i32),
            ElementType::S64 => integer!(i64),
            ElementType::U8 => integer!(u8),
            ElementType::U16 => integer!(u16),
            ElementType::U32 => integer!(u32),
            ElementType::U64 => integer!(u64),
            ElementType::F16 => float!(f16),
            ElementType::BF16 => float!(bf16),
            ElementType::F32 => float!(f32),
            ElementType::F64 => float!(f64),
            ElementType::C64 => complex!(Complex<f32>),
            ElementType::C128 => complex!(Complex<f64>),
            crate::hlo::narrow_types!() => unreachable!("narrow types are computed in wider ones"),
            ElementType::Token => unreachable!("nothing is computed from tokens"),
        }
    }};
}

/// Runs the body with `$T` standing for an unsigned integer as wide as the element type: enough to
/// move elements.
macro_rules! with_width {
    ($element_type:expr, $T:ident => $body:expr) => {{
        macro_rules! body {
            ($Native:ty) => {{
                type $T = $Native;
                $body
            }};
        }
        match $element_type.byte_size() {
            1 => body!(u8),
            2 => body!(u16),
            4 => body!(u32),
            8 => body!(u64),
            _ => body!([u64; 2]),
        }
    }};
}

pub(super) use {with_class, with_element_type, with_width};

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "conversions are exact")]

    use super::*;

    #[test]
    fn large_integers_round_once() {
        // 2^60 + 2^52 is half way between two bf16 values, one more is not.
        let tie = (1u64 << 60) + (1 << 52);
        assert_eq!(tie.convert::<bf16>(), bf16::from_bits(0x5d80));
        assert_eq!((tie + 1).convert::<bf16>().to_bits(), 0x5d81);
        assert_eq!(
            (-(tie.cast_signed() + 1)).convert::<bf16>().to_f64(),
            -(2f64.powi(60) + 2f64.powi(53))
        );
        // 2^24 + 1 as f32 is a tie; as a detour over f64 it would be one too.
        assert_eq!(((1u64 << 54) + (1 << 30) + 1).convert::<f32>(), 18_014_400_656_965_632.0);
        assert_eq!(u64::MAX.convert::<f16>(), f16::INFINITY);
        assert_eq!(i64::MIN.convert::<f64>(), -(2f64.powi(63)));
    }

    #[test]
    fn the_total_order_puts_nan_outside() {
        let ordered =
            [-f32::NAN, f32::NEG_INFINITY, -1.0, -0.0, 0.0, 1e-45, f32::INFINITY, f32::NAN];
        assert!(ordered.map(Element::total_order_key).is_sorted_by(|a, b| a < b));
        assert!(i8::MIN.total_order_key() < i8::MAX.total_order_key());
        assert!(u64::MAX.total_order_key() > 0);
    }
}
