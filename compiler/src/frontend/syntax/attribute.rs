//! Attributes.

use std::ops::{Deref, Range};
use std::sync::Arc;

use super::types::{FunctionType, Scalar, TensorType, Type};
use crate::frontend::source::Span;

/// An attribute and its name.
#[derive(Clone, Debug)]
pub(crate) struct NamedAttribute {
    pub(crate) name: String,
    pub(crate) value: Attribute,
    /// Where the value is written.
    pub(crate) span: Span,
}

/// The value of an attribute.
#[derive(Clone, Debug)]
pub(crate) enum Attribute {
    Unit,
    Bool(bool),
    /// An integer; the type is `i64` where the text gives none.
    Integer(i128, Scalar),
    Float(FloatValue, Scalar),
    String(String),
    /// `@name`, with nested references joined by `::@`.
    Symbol(String),
    Type(Type),
    Array(Vec<Attribute>),
    Dictionary(Vec<NamedAttribute>),
    /// `array<iN: …>`; also what the pretty forms write as `[0, 1]`.
    IntegerArray(Vec<i64>),
    /// `array<i1: …>`.
    BoolArray(Vec<bool>),
    /// `dense<…> : tensor<…>`.
    Dense(Dense),
    /// `dense_resource<key> : tensor<…>`: a blob of the resources block.
    Resource {
        key: String,
        tensor: TensorType,
    },
    /// `#dialect<name VALUE>` or `#dialect.name<VALUE>`.
    Enum {
        dialect: String,
        name: String,
        value: String,
    },
    /// `#dialect.name<key = value, …>`.
    Struct {
        dialect: String,
        name: String,
        fields: Vec<NamedAttribute>,
    },
    /// Anything else, as it is written.
    Other(String),
}

/// A floating-point number: a value, or the bits of one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum FloatValue {
    Decimal(f64),
    Bits(u64),
}

/// A constant tensor.
#[derive(Clone, Debug)]
pub(crate) struct Dense {
    pub(crate) tensor: TensorType,
    pub(crate) data: DenseData,
}

/// The elements of a constant, as little-endian bytes; an `i1` takes one byte, 0 or 1.
#[derive(Clone, Debug)]
pub(crate) enum DenseData {
    /// Every element, row-major.
    Elements(Blob),
    /// One element that stands for all.
    Splat(Blob),
    /// The element type's literals are not decoded (complex numbers, 8-bit floats).
    Undecoded,
}

/// Bytes that clones share; in bytecode they are a part of the file.
#[derive(Clone)]
pub(crate) struct Blob {
    bytes: Arc<[u8]>,
    range: Range<usize>,
}

impl Blob {
    /// The part `range` of `bytes`, which has it.
    pub(crate) fn part(bytes: &Arc<[u8]>, range: Range<usize>) -> Self {
        debug_assert!(range.start <= range.end && range.end <= bytes.len());
        Self { bytes: Arc::clone(bytes), range }
    }
}

impl From<Vec<u8>> for Blob {
    fn from(bytes: Vec<u8>) -> Self {
        let range = 0..bytes.len();
        Self { bytes: bytes.into(), range }
    }
}

impl Deref for Blob {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[self.range.clone()]
    }
}

impl std::fmt::Debug for Blob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (**self).fmt(f)
    }
}

impl Attribute {
    /// The text of a string or the name of a symbol.
    pub(crate) fn as_text(&self) -> Option<&str> {
        if let Self::String(text) | Self::Symbol(text) = self { Some(text) } else { None }
    }

    pub(crate) fn as_integer(&self) -> Option<i128> {
        if let Self::Integer(value, _) = self { Some(*value) } else { None }
    }

    pub(crate) fn as_array(&self) -> Option<&[Self]> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    pub(crate) fn as_dictionary(&self) -> Option<&[NamedAttribute]> {
        if let Self::Dictionary(entries) = self { Some(entries) } else { None }
    }

    pub(crate) fn as_function_type(&self) -> Option<&FunctionType> {
        if let Self::Type(Type::Function(function)) = self { Some(function) } else { None }
    }

    /// A list of integers, however it is spelled: `array<i64: …>`, `[0, 1]`,
    /// `dense<[0, 1]> : tensor<2xi64>`.
    pub(crate) fn as_integers(&self) -> Option<Vec<i64>> {
        if let Self::IntegerArray(values) = self {
            return Some(values.clone());
        }
        if let Self::Dense(dense) = self {
            return dense.as_integers();
        }
        let items = self.as_array()?.iter();
        items.map(|item| i64::try_from(item.as_integer()?).ok()).collect()
    }
}

impl Dense {
    /// The elements as integers, when they are integers.
    pub(crate) fn as_integers(&self) -> Option<Vec<i64>> {
        let Scalar::Integer { .. } = self.tensor.element else { return None };
        let width = self.tensor.element.byte_width()?;
        let read = |bytes: &[u8]| {
            // Sign extension: negative when the top bit of the top byte is set.
            let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
            let mut wide = if negative { [0xff; 8] } else { [0; 8] };
            wide[..bytes.len()].copy_from_slice(bytes);
            i64::from_le_bytes(wide)
        };
        match &self.data {
            DenseData::Elements(bytes) => Some(bytes.chunks_exact(width).map(read).collect()),
            DenseData::Splat(bytes) => {
                let count = self.tensor.element_count()?;
                // A list of dimensions is short; a splat must not become a huge one.
                (count <= 1 << 16).then(|| vec![read(bytes); count])
            }
            DenseData::Undecoded => None,
        }
    }
}
