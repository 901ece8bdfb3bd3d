//! Literals: values on the host.
//!
//! An array literal holds its elements in row-major order as little-endian bytes, `pred` as one
//! byte 0 or 1. Clones share the bytes. Equality is equality of bits: a NaN equals itself and 0
//! differs from -0.

mod format;
mod number;

use std::fmt;
use std::sync::Arc;

use bytemuck::Pod;
use half::{bf16, f16};
use num_complex::Complex;

use super::shape::{ArrayShape, ElementClass, ElementType, Shape, ShapeError};

pub use format::{FloatFormat, SpecialCodes};
pub use number::{bits_from_f64, bits_from_i64, bits_to_f64, sign_extend};

#[cfg(target_endian = "big")]
compile_error!("literals are viewed in place and need a little-endian host");

/// A host type that is the representation of one element type.
pub trait NativeType: Pod + PartialEq + fmt::Debug {
    /// The element type that it represents.
    const ELEMENT_TYPE: ElementType;
}
macro_rules! native_types {
    ($($native:ty = $Name:ident;)*) => {
        $(impl NativeType for $native { const ELEMENT_TYPE: ElementType = ElementType::$Name; })*
    };
}
native_types! {
    i8 = S8; i16 = S16; i32 = S32; i64 = S64; u8 = U8; u16 = U16; u32 = U32; u64 = U64;
    f16 = F16; bf16 = BF16; f32 = F32; f64 = F64;
    Complex<f32> = C64; Complex<f64> = C128;
}

/// A literal cannot be made or viewed as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LiteralError {
    /// The data do not fill the shape.
    #[error("{given} elements given for {shape}, which has {needed}")]
    ElementCount {
        /// The shape.
        shape: Box<ArrayShape>,
        /// What it holds.
        needed: usize,
        /// What was given.
        given: usize,
    },
    /// Bytes do not fill the shape.
    #[error("{given} bytes given for {shape}, which has {needed}")]
    ByteCount {
        /// The shape.
        shape: Box<ArrayShape>,
        /// What it holds.
        needed: usize,
        /// What was given.
        given: usize,
    },
    /// A view with the wrong type.
    #[error("a literal of {given} elements was asked for {wanted} elements")]
    ElementType {
        /// The literal's type.
        given: ElementType,
        /// The asked one.
        wanted: ElementType,
    },
    /// A pred byte other than 0 and 1.
    #[error("byte {value} at element {position} of a pred literal; only 0 and 1 are values")]
    PredByte {
        /// Where.
        position: usize,
        /// What.
        value: u8,
    },
    /// An array was needed and a tuple given.
    #[error("an array was needed, the literal is a tuple of {0} elements")]
    NotAnArray(usize),
    /// The shape is impossible.
    #[error(transparent)]
    Shape(#[from] ShapeError),
}

/// A value: an array, or a tuple of values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// An array.
    Array(ArrayLiteral),
    /// Several values.
    Tuple(Vec<Literal>),
}

impl Literal {
    /// A scalar.
    pub fn scalar<T: NativeType>(value: T) -> Self {
        Self::Array(ArrayLiteral::splat_native(&[], value).expect("a scalar is not too large"))
    }

    /// A scalar truth value.
    pub fn pred(value: bool) -> Self {
        let mut literal = ArrayLiteral::zeros(&ArrayShape::scalar(ElementType::Pred));
        literal.set_bits(0, u64::from(value));
        Self::Array(literal)
    }

    /// An array of `dimensions` with these elements in row-major order.
    ///
    /// # Errors
    /// The data do not fill the dimensions, or those are too large.
    pub fn from_slice<T: NativeType>(
        dimensions: &[usize],
        data: &[T],
    ) -> Result<Self, LiteralError> {
        Ok(Self::Array(ArrayLiteral::from_slice(dimensions, data)?))
    }

    /// The shape, without layouts.
    pub fn shape(&self) -> Shape {
        match self {
            Self::Array(array) => Shape::Array(array.shape().clone()),
            Self::Tuple(elements) => Shape::Tuple(elements.iter().map(Self::shape).collect()),
        }
    }

    /// The array, if it is one.
    ///
    /// # Errors
    /// [`LiteralError::NotAnArray`].
    pub fn as_array(&self) -> Result<&ArrayLiteral, LiteralError> {
        match self {
            Self::Array(array) => Ok(array),
            Self::Tuple(elements) => Err(LiteralError::NotAnArray(elements.len())),
        }
    }

    /// The elements, if it is a tuple.
    pub fn as_tuple(&self) -> Option<&[Self]> {
        match self {
            Self::Array(_) => None,
            Self::Tuple(elements) => Some(elements),
        }
    }
}

impl From<ArrayLiteral> for Literal {
    fn from(array: ArrayLiteral) -> Self {
        Self::Array(array)
    }
}

/// An array value.
#[derive(Clone, PartialEq, Eq)]
pub struct ArrayLiteral {
    shape: ArrayShape,
    // Words, not bytes, so that a view of any element type is aligned. Bytes past the end are 0.
    words: Arc<[u64]>,
}

impl ArrayLiteral {
    /// An array with these elements in row-major order.
    ///
    /// # Errors
    /// The data do not fill the dimensions, or those are too large.
    pub fn from_slice<T: NativeType>(
        dimensions: &[usize],
        data: &[T],
    ) -> Result<Self, LiteralError> {
        let shape = ArrayShape::new(T::ELEMENT_TYPE, dimensions.to_vec())?;
        let (needed, given) = (shape.element_count(), data.len());
        if needed != given {
            return Err(LiteralError::ElementCount { shape: Box::new(shape), needed, given });
        }
        Ok(Self::from_checked_bytes(shape, bytemuck::cast_slice(data)))
    }

    /// A `pred` array with these elements in row-major order.
    ///
    /// # Errors
    /// The data do not fill the dimensions, or those are too large.
    pub fn from_bools(dimensions: &[usize], data: &[bool]) -> Result<Self, LiteralError> {
        let bytes: Vec<u8> = data.iter().map(|&value| u8::from(value)).collect();
        Self::from_bytes(ArrayShape::new(ElementType::Pred, dimensions.to_vec())?, &bytes)
    }

    /// An array of `shape` from little-endian bytes in row-major order. The layout is dropped, and
    /// so are the upper bits of bytes that hold fewer.
    ///
    /// # Errors
    /// The bytes do not fill the shape, or a `pred` byte is neither 0 nor 1.
    pub fn from_bytes(shape: ArrayShape, bytes: &[u8]) -> Result<Self, LiteralError> {
        let shape = shape.without_layout();
        let (needed, given) = (shape.byte_size(), bytes.len());
        if needed != given {
            return Err(LiteralError::ByteCount { shape: Box::new(shape), needed, given });
        }
        if shape.element_type() == ElementType::Pred
            && let Some(position) = bytes.iter().position(|&byte| byte > 1)
        {
            return Err(LiteralError::PredByte { position, value: bytes[position] });
        }
        Ok(Self::from_checked_bytes(shape, bytes))
    }

    /// An array of `dimensions` whose elements all are `value`.
    ///
    /// # Errors
    /// The dimensions are too large.
    pub fn splat_native<T: NativeType>(
        dimensions: &[usize],
        value: T,
    ) -> Result<Self, LiteralError> {
        let shape = ArrayShape::new(T::ELEMENT_TYPE, dimensions.to_vec())?;
        Ok(Self::splat_bytes(shape, bytemuck::bytes_of(&value)))
    }

    /// An array of `shape` whose elements all have the bits of the scalar `element`.
    ///
    /// # Errors
    /// `element` is not a scalar of the shape's type.
    pub fn splat(shape: &ArrayShape, element: &Self) -> Result<Self, LiteralError> {
        let (wanted, given) = (shape.element_type(), element.shape.element_type());
        if wanted != given {
            return Err(LiteralError::ElementType { given, wanted });
        }
        if !element.shape.is_scalar() {
            let given = element.element_count();
            let shape = Box::new(ArrayShape::scalar(wanted));
            return Err(LiteralError::ElementCount { shape, needed: 1, given });
        }
        Ok(Self::splat_bytes(shape.without_layout(), element.bytes()))
    }

    /// All zeros (`false` for `pred`).
    pub fn zeros(shape: &ArrayShape) -> Self {
        let words = vec![0; shape.byte_size().div_ceil(8)].into();
        Self { shape: shape.without_layout(), words }
    }

    /// Counts up along `dimension` from 0: what the `iota` instruction produces.
    ///
    /// # Panics
    /// If `dimension` is not below the rank.
    pub fn iota(shape: &ArrayShape, dimension: usize) -> Self {
        let (stride, size) = (shape.strides()[dimension], shape.dimensions()[dimension]);
        let mut literal = Self::zeros(shape);
        for element in 0..literal.element_count() {
            let value = element / stride % size.max(1);
            literal.set_i64(element, i64::try_from(value).unwrap_or(i64::MAX));
        }
        literal
    }

    /// The shape, without a layout.
    pub fn shape(&self) -> &ArrayShape {
        &self.shape
    }

    /// The type of the elements.
    pub fn element_type(&self) -> ElementType {
        self.shape.element_type()
    }

    /// The number of elements.
    pub fn element_count(&self) -> usize {
        self.shape.element_count()
    }

    /// The little-endian bytes of the elements in row-major order.
    pub fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.shape.byte_size()]
    }

    /// The bytes, to be changed in place. Copies them first if they are shared.
    ///
    /// The caller writes 0 or 1 into `pred` bytes.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        let size = self.shape.byte_size();
        &mut bytemuck::cast_slice_mut(Arc::make_mut(&mut self.words))[..size]
    }

    /// The elements in row-major order.
    ///
    /// # Errors
    /// [`LiteralError::ElementType`] if the elements are of another type.
    pub fn as_slice<T: NativeType>(&self) -> Result<&[T], LiteralError> {
        let (given, wanted) = (self.element_type(), T::ELEMENT_TYPE);
        if given != wanted {
            return Err(LiteralError::ElementType { given, wanted });
        }
        Ok(bytemuck::cast_slice(self.bytes()))
    }

    /// The elements of a `pred` array.
    ///
    /// # Errors
    /// [`LiteralError::ElementType`] if the elements are of another type.
    pub fn to_bools(&self) -> Result<Vec<bool>, LiteralError> {
        let (given, wanted) = (self.element_type(), ElementType::Pred);
        if given != wanted {
            return Err(LiteralError::ElementType { given, wanted });
        }
        Ok(self.bytes().iter().map(|&byte| byte != 0).collect())
    }

    /// The same bytes under other dimensions.
    ///
    /// # Errors
    /// The new dimensions have another number of elements.
    pub fn reshape(&self, dimensions: &[usize]) -> Result<Self, LiteralError> {
        let shape = ArrayShape::new(self.element_type(), dimensions.to_vec())?;
        let (needed, given) = (shape.element_count(), self.element_count());
        if needed != given {
            return Err(LiteralError::ElementCount { shape: Box::new(shape), needed, given });
        }
        Ok(Self { shape, words: Arc::clone(&self.words) })
    }

    /// Has every element the bits of the first? False for an empty array.
    pub fn is_splat(&self) -> bool {
        let mut elements = self.bytes().chunks(self.element_type().byte_size());
        elements.next().is_some_and(|first| elements.all(|element| element == first))
    }

    fn from_checked_bytes(shape: ArrayShape, bytes: &[u8]) -> Self {
        let mut literal = Self::zeros(&shape);
        literal.bytes_mut().copy_from_slice(bytes);
        let mask = shape.element_type().byte_mask();
        if mask != u8::MAX {
            literal.bytes_mut().iter_mut().for_each(|byte| *byte &= mask);
        }
        literal
    }

    fn splat_bytes(shape: ArrayShape, element: &[u8]) -> Self {
        let mut literal = Self::zeros(&shape);
        literal.bytes_mut().chunks_mut(element.len()).for_each(|to| to.copy_from_slice(element));
        literal
    }
}

impl fmt::Debug for ArrayLiteral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.shape, self.bytes())
    }
}

/// One element at a time, for code that is not hot.
///
/// Complex elements are read whole by [`ArrayLiteral::element`] and [`ArrayLiteral::get_complex`];
/// to the other functions they are their real part, and setting that makes the imaginary part 0.
impl ArrayLiteral {
    /// An element as a scalar.
    pub fn element(&self, element: usize) -> Self {
        let size = self.element_type().byte_size();
        let scalar = ArrayShape::scalar(self.element_type());
        Self::from_checked_bytes(scalar, &self.bytes()[element * size..][..size])
    }

    /// Sets an element to a scalar of the same type.
    ///
    /// # Panics
    /// If it is of another type.
    pub fn set_element(&mut self, element: usize, scalar: &Self) {
        assert_eq!(self.element_type(), scalar.element_type(), "elements of one type");
        let size = self.element_type().byte_size();
        self.bytes_mut()[element * size..][..size].copy_from_slice(&scalar.bytes()[..size]);
    }

    /// The parts of the elements, each the two along a new last dimension; an array of real
    /// elements as it is.
    pub fn parts(&self) -> Self {
        if !self.element_type().is_complex() {
            return self.clone();
        }
        let dimensions = [self.shape.dimensions(), &[2]].concat();
        let shape = ArrayShape::new(self.element_type().part(), dimensions);
        // Twice as many elements as the most that an array may have are no danger here.
        let Ok(shape) = shape else { return self.clone() };
        Self { shape, words: Arc::clone(&self.words) }
    }

    /// The value of an element; the imaginary part of a real one is 0.
    pub fn get_complex(&self, element: usize) -> Complex<f64> {
        let size = self.element_type().part().byte_size();
        let part = |n: usize| {
            let mut bytes = [0; 8];
            bytes[..size].copy_from_slice(&self.bytes()[n * size..][..size]);
            bits_to_f64(self.element_type().part(), u64::from_le_bytes(bytes))
        };
        if self.element_type().is_complex() {
            Complex::new(part(2 * element), part(2 * element + 1))
        } else {
            Complex::new(part(element), 0.0)
        }
    }

    /// The bits of the element with row-major number `element`, zero-extended.
    pub fn bits(&self, element: usize) -> u64 {
        let whole = self.element_type().byte_size();
        let size = self.element_type().part().byte_size();
        let mut bytes = [0; 8];
        bytes[..size].copy_from_slice(&self.bytes()[element * whole..][..size]);
        u64::from_le_bytes(bytes)
    }

    /// Sets an element to the low bits of `bits`.
    pub fn set_bits(&mut self, element: usize, bits: u64) {
        let whole = self.element_type().byte_size();
        let size = self.element_type().part().byte_size();
        let mut bytes = bits.to_le_bytes();
        bytes[0] &= self.element_type().byte_mask();
        let to = &mut self.bytes_mut()[element * whole..][..whole];
        to.fill(0);
        to[..size].copy_from_slice(&bytes[..size]);
    }

    /// The value of an element; 64-bit integers are rounded to nearest.
    pub fn get_f64(&self, element: usize) -> f64 {
        let bits = self.bits(element);
        bits_to_f64(self.element_type(), bits)
    }

    /// Sets an element to the nearest value of its type (ties to even; integers saturate).
    pub fn set_f64(&mut self, element: usize, value: f64) {
        self.set_bits(element, bits_from_f64(self.element_type(), value));
    }

    /// The value of an element of integer type or `pred`, exactly.
    ///
    /// `None` for floats, and for `u64` values above `i64::MAX`.
    pub fn get_i64(&self, element: usize) -> Option<i64> {
        let bits = self.bits(element);
        let element_type = self.element_type();
        match element_type.class() {
            ElementClass::Float | ElementClass::Complex => None,
            ElementClass::Signed => Some(sign_extend(bits, element_type.bit_width())),
            ElementClass::Pred | ElementClass::Unsigned => i64::try_from(bits).ok(),
            ElementClass::Token => None,
        }
    }

    /// Sets an element to `value`: integers wrap, `pred` is "not zero", floats round to nearest.
    pub fn set_i64(&mut self, element: usize, value: i64) {
        self.set_bits(element, bits_from_i64(self.element_type(), value));
    }
}
