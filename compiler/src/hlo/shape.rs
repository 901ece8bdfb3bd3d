//! Shapes: what an instruction produces.
//!
//! An array shape is an element type, dimensions and, once layout assignment ran, a layout. Sizes
//! are limited when a shape is made ([`MAX_ELEMENTS`]), so that no later size computation, padded
//! or not, can overflow.

use std::fmt;

use super::layout::Layout;

/// The most elements that an array may have, zero-sized dimensions counted as one.
///
/// Layouts are limited likewise, to 2^60 elements with padding, so that no byte size overflows.
pub const MAX_ELEMENTS: usize = 1 << 46;

macro_rules! element_types {
    ($($(#[doc = $doc:literal])* $Name:ident = $text:literal, $class:ident, $bits:literal;)*) => {
        /// The type of an array's elements.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ElementType { $($(#[doc = $doc])* $Name),* }

        impl ElementType {
            /// Every element type.
            pub const ALL: &[Self] = &[$(Self::$Name),*];

            /// The HLO text of the type, such as `f32`.
            pub fn text(self) -> &'static str {
                match self { $(Self::$Name => $text),* }
            }

            /// The number of bits that the value needs; `pred` has 1.
            pub fn bit_width(self) -> u32 {
                match self { $(Self::$Name => $bits),* }
            }

            /// What kind of number it is.
            pub fn class(self) -> ElementClass {
                match self { $(Self::$Name => ElementClass::$class),* }
            }
        }
    };
}
element_types! {
    /// A truth value, stored as one byte 0 or 1.
    Pred = "pred", Pred, 1;
    /// 8-bit signed integer.
    S8 = "s8", Signed, 8;
    /// 16-bit signed integer.
    S16 = "s16", Signed, 16;
    /// 32-bit signed integer.
    S32 = "s32", Signed, 32;
    /// 64-bit signed integer.
    S64 = "s64", Signed, 64;
    /// 8-bit unsigned integer.
    U8 = "u8", Unsigned, 8;
    /// 16-bit unsigned integer.
    U16 = "u16", Unsigned, 16;
    /// 32-bit unsigned integer.
    U32 = "u32", Unsigned, 32;
    /// 64-bit unsigned integer.
    U64 = "u64", Unsigned, 64;
    /// IEEE half precision.
    F16 = "f16", Float, 16;
    /// The upper half of an IEEE single.
    BF16 = "bf16", Float, 16;
    /// IEEE single precision.
    F32 = "f32", Float, 32;
    /// IEEE double precision.
    F64 = "f64", Float, 64;
    /// Complex number: real and imaginary part in IEEE single precision.
    C64 = "c64", Complex, 64;
    /// Complex number: real and imaginary part in IEEE double precision.
    C128 = "c128", Complex, 128;
    /// 2-bit signed integer, in a byte of its own on the host.
    S2 = "s2", Signed, 2;
    /// 4-bit signed integer, in a byte of its own on the host.
    S4 = "s4", Signed, 4;
    /// 2-bit unsigned integer, in a byte of its own on the host.
    U2 = "u2", Unsigned, 2;
    /// 4-bit unsigned integer, in a byte of its own on the host.
    U4 = "u4", Unsigned, 4;
    /// 2 bits of exponent, 1 of mantissa; finite.
    F4E2M1FN = "f4e2m1fn", Float, 4;
    /// 2 bits of exponent, 3 of mantissa; finite.
    F6E2M3FN = "f6e2m3fn", Float, 6;
    /// 3 bits of exponent, 2 of mantissa; finite.
    F6E3M2FN = "f6e3m2fn", Float, 6;
    /// 3 bits of exponent, 4 of mantissa, as IEEE would have it.
    F8E3M4 = "f8e3m4", Float, 8;
    /// 4 bits of exponent, 3 of mantissa, as IEEE would have it.
    F8E4M3 = "f8e4m3", Float, 8;
    /// 4 bits of exponent (bias 11), 3 of mantissa; NaN in the place of -0, no infinities.
    F8E4M3B11FNUZ = "f8e4m3b11fnuz", Float, 8;
    /// 4 bits of exponent, 3 of mantissa; one NaN of each sign, no infinities.
    F8E4M3FN = "f8e4m3fn", Float, 8;
    /// 4 bits of exponent (bias 8), 3 of mantissa; NaN in the place of -0, no infinities.
    F8E4M3FNUZ = "f8e4m3fnuz", Float, 8;
    /// 5 bits of exponent, 2 of mantissa, as IEEE would have it.
    F8E5M2 = "f8e5m2", Float, 8;
    /// 5 bits of exponent (bias 16), 2 of mantissa; NaN in the place of -0, no infinities.
    F8E5M2FNUZ = "f8e5m2fnuz", Float, 8;
    /// Powers of two from 2^-127 to 2^127, and NaN; no sign.
    F8E8M0FNU = "f8e8m0fnu", Float, 8;
    /// No number but the order of effects: what one hands to the next. Always a scalar.
    Token = "token", Token, 8;
}

/// The floating point types of at most 8 bits, as a pattern.
macro_rules! narrow_floats {
    () => {
        $crate::hlo::ElementType::F4E2M1FN
            | $crate::hlo::ElementType::F6E2M3FN
            | $crate::hlo::ElementType::F6E3M2FN
            | $crate::hlo::ElementType::F8E3M4
            | $crate::hlo::ElementType::F8E4M3
            | $crate::hlo::ElementType::F8E4M3B11FNUZ
            | $crate::hlo::ElementType::F8E4M3FN
            | $crate::hlo::ElementType::F8E4M3FNUZ
            | $crate::hlo::ElementType::F8E5M2
            | $crate::hlo::ElementType::F8E5M2FNUZ
            | $crate::hlo::ElementType::F8E8M0FNU
    };
}

/// The types that [`ElementType::is_narrow`] tells, as a pattern.
macro_rules! narrow_types {
    () => {
        $crate::hlo::ElementType::S2
            | $crate::hlo::ElementType::S4
            | $crate::hlo::ElementType::U2
            | $crate::hlo::ElementType::U4
            | $crate::hlo::narrow_floats!()
    };
}

pub(crate) use {narrow_floats, narrow_types};

/// What kind of number an element type is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ElementClass {
    /// Truth values.
    Pred,
    /// Two's complement integers.
    Signed,
    /// Unsigned integers.
    Unsigned,
    /// Floating point numbers.
    Float,
    /// Pairs of floating point numbers, real part first.
    Complex,
    /// What orders effects.
    Token,
}

impl ElementType {
    /// The type with this HLO text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|element_type| element_type.text() == text)
    }

    /// The bytes that one element takes in memory; `pred` takes 1.
    pub fn byte_size(self) -> usize {
        self.bit_width().div_ceil(8) as usize
    }

    /// A number type without arithmetic of its own: floats of at most 8 bits and integers of fewer.
    /// Values of these types are computed in a wider one and rounded, or wrapped, after each op.
    pub fn is_narrow(self) -> bool {
        self.float_format().is_some() || self.is_integer() && self.bit_width() < 8
    }

    /// The bits of an element that mean something; the rest of its bytes is 0.
    pub(crate) fn byte_mask(self) -> u8 {
        if self.bit_width() < 8 { (1 << self.bit_width()) - 1 } else { u8::MAX }
    }

    /// A complex type?
    pub fn is_complex(self) -> bool {
        self.class() == ElementClass::Complex
    }

    /// The type of the real numbers that an element consists of: two for a complex type, else one.
    pub fn part(self) -> Self {
        #[expect(clippy::wildcard_enum_match_arm, reason = "all other types are of real numbers")]
        match self {
            Self::C64 => Self::F32,
            Self::C128 => Self::F64,
            real => real,
        }
    }

    /// The complex type with parts of this type.
    pub fn complex(self) -> Option<Self> {
        Self::ALL.iter().copied().find(|whole| whole.is_complex() && whole.part() == self)
    }

    /// A floating point type? (Complex types are none.)
    pub fn is_float(self) -> bool {
        self.class() == ElementClass::Float
    }

    /// An integer type, signed or not? (`pred` is none.)
    pub fn is_integer(self) -> bool {
        matches!(self.class(), ElementClass::Signed | ElementClass::Unsigned)
    }

    /// A signed integer type?
    pub fn is_signed(self) -> bool {
        self.class() == ElementClass::Signed
    }

    /// An unsigned integer type?
    pub fn is_unsigned(self) -> bool {
        self.class() == ElementClass::Unsigned
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}

/// A shape that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// More than [`MAX_ELEMENTS`].
    #[error("dimensions {dimensions:?} have more than 2^46 elements")]
    TooLarge {
        /// The dimensions that were given.
        dimensions: Vec<usize>,
    },
    /// Tokens with dimensions.
    #[error("a token has no dimensions, {dimensions:?} given")]
    TokenDimensions {
        /// The dimensions that were given.
        dimensions: Vec<usize>,
    },
    /// A layout that does not fit the dimensions.
    #[error("layout {layout} does not fit an array of rank {rank}: {reason}")]
    BadLayout {
        /// The layout that was given.
        layout: Box<Layout>,
        /// The rank of the array.
        rank: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// The shape of an array: element type, dimensions, and the layout if it was decided.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArrayShape {
    element_type: ElementType,
    dimensions: Vec<usize>,
    layout: Option<Layout>,
}

impl ArrayShape {
    /// A shape without a layout.
    ///
    /// # Errors
    /// [`ShapeError::TooLarge`], [`ShapeError::TokenDimensions`].
    pub fn new(element_type: ElementType, dimensions: Vec<usize>) -> Result<Self, ShapeError> {
        let count = dimensions.iter().try_fold(1usize, |count, &d| count.checked_mul(d.max(1)));
        if count.is_none_or(|count| count > MAX_ELEMENTS) {
            return Err(ShapeError::TooLarge { dimensions });
        }
        if element_type == ElementType::Token && !dimensions.is_empty() {
            return Err(ShapeError::TokenDimensions { dimensions });
        }
        Ok(Self { element_type, dimensions, layout: None })
    }

    /// The shape of a single element.
    pub fn scalar(element_type: ElementType) -> Self {
        Self { element_type, dimensions: Vec::new(), layout: None }
    }

    /// The same shape with another element type.
    #[must_use]
    pub fn with_element_type(&self, element_type: ElementType) -> Self {
        Self { element_type, ..self.clone() }
    }

    /// The same shape with `layout`.
    ///
    /// # Errors
    /// [`ShapeError::BadLayout`] if the layout is not one for this rank.
    pub fn with_layout(mut self, layout: Layout) -> Result<Self, ShapeError> {
        let rank = self.rank();
        if let Err(reason) = layout.check(&self.dimensions) {
            return Err(ShapeError::BadLayout { layout: Box::new(layout), rank, reason });
        }
        self.layout = Some(layout);
        Ok(self)
    }

    /// The same shape with the layout undecided.
    #[must_use]
    pub fn without_layout(&self) -> Self {
        Self { layout: None, ..self.clone() }
    }

    /// The type of the elements.
    pub fn element_type(&self) -> ElementType {
        self.element_type
    }

    /// The dimensions, most major first by convention of the text; the layout decides in memory.
    pub fn dimensions(&self) -> &[usize] {
        &self.dimensions
    }

    /// The layout, if it was decided.
    pub fn layout(&self) -> Option<&Layout> {
        self.layout.as_ref()
    }

    /// The number of dimensions.
    pub fn rank(&self) -> usize {
        self.dimensions.len()
    }

    /// Is it a token?
    pub fn is_token(&self) -> bool {
        self.element_type == ElementType::Token
    }

    /// Is there anything to read or write? Not of a token, nor where there are no elements.
    pub fn holds_data(&self) -> bool {
        self.element_count() > 0 && !self.is_token()
    }

    /// Has it no dimensions?
    pub fn is_scalar(&self) -> bool {
        self.dimensions.is_empty()
    }

    /// The number of elements; 1 for a scalar.
    pub fn element_count(&self) -> usize {
        self.dimensions.iter().product()
    }

    /// The bytes of the elements without padding, as a host buffer has them.
    pub fn byte_size(&self) -> usize {
        self.element_count() * self.element_type.byte_size()
    }

    /// How many elements apart neighbours along each dimension are in row-major order.
    pub fn strides(&self) -> Vec<usize> {
        let mut strides = vec![1; self.rank()];
        for dimension in (1..self.rank()).rev() {
            strides[dimension - 1] = strides[dimension] * self.dimensions[dimension].max(1);
        }
        strides
    }

    /// Equal up to the layout?
    pub fn same_but_layout(&self, other: &Self) -> bool {
        self.element_type == other.element_type && self.dimensions == other.dimensions
    }
}

/// What an instruction produces: an array, or a tuple of shapes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shape {
    /// An array.
    Array(ArrayShape),
    /// Several values.
    Tuple(Vec<Shape>),
}

impl Shape {
    /// An array shape without a layout.
    ///
    /// # Errors
    /// [`ShapeError::TooLarge`].
    pub fn array(element_type: ElementType, dimensions: Vec<usize>) -> Result<Self, ShapeError> {
        Ok(Self::Array(ArrayShape::new(element_type, dimensions)?))
    }

    /// The shape of a single element.
    pub fn scalar(element_type: ElementType) -> Self {
        Self::Array(ArrayShape::scalar(element_type))
    }

    /// The array shape, if it is one.
    pub fn as_array(&self) -> Option<&ArrayShape> {
        match self {
            Self::Array(array) => Some(array),
            Self::Tuple(_) => None,
        }
    }

    /// The elements, if it is a tuple.
    pub fn as_tuple(&self) -> Option<&[Self]> {
        match self {
            Self::Array(_) => None,
            Self::Tuple(elements) => Some(elements),
        }
    }

    /// Is it a token?
    pub fn is_token(&self) -> bool {
        self.as_array().is_some_and(ArrayShape::is_token)
    }

    /// The array shapes inside, from left to right.
    pub fn leaves(&self) -> Vec<&ArrayShape> {
        match self {
            Self::Array(array) => vec![array],
            Self::Tuple(elements) => elements.iter().flat_map(Self::leaves).collect(),
        }
    }

    /// Equal up to the layouts?
    pub fn same_but_layout(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Array(a), Self::Array(b)) => a.same_but_layout(b),
            (Self::Tuple(a), Self::Tuple(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same_but_layout(b))
            }
            (Self::Array(_), Self::Tuple(_)) | (Self::Tuple(_), Self::Array(_)) => false,
        }
    }

    /// The same shape with every layout undecided.
    #[must_use]
    pub fn without_layout(&self) -> Self {
        match self {
            Self::Array(array) => Self::Array(array.without_layout()),
            Self::Tuple(elements) => {
                Self::Tuple(elements.iter().map(Self::without_layout).collect())
            }
        }
    }

    /// How deep tuples are nested: 0 for an array.
    pub fn depth(&self) -> usize {
        match self {
            Self::Array(_) => 0,
            Self::Tuple(elements) => 1 + elements.iter().map(Self::depth).max().unwrap_or(0),
        }
    }
}

impl From<ArrayShape> for Shape {
    fn from(array: ArrayShape) -> Self {
        Self::Array(array)
    }
}

impl fmt::Display for ArrayShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[", self.element_type)?;
        for (n, dimension) in self.dimensions.iter().enumerate() {
            write!(f, "{}{dimension}", if n == 0 { "" } else { "," })?;
        }
        f.write_str("]")?;
        self.layout.as_ref().map_or(Ok(()), |layout| write!(f, "{layout}"))
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Array(array) => array.fmt(f),
            Self::Tuple(elements) => {
                f.write_str("(")?;
                for (n, element) in elements.iter().enumerate() {
                    write!(f, "{}{element}", if n == 0 { "" } else { ", " })?;
                }
                f.write_str(")")
            }
        }
    }
}
