//! Types, and how they are written.

use std::fmt;

/// The type of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Scalar(Scalar),
    Tensor(TensorType),
    Tuple(Vec<Type>),
    Function(Box<FunctionType>),
    /// Anything else, as it is written: tokens, memrefs, vectors, unranked tensors.
    Other(String),
}

/// `(inputs) -> results`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FunctionType {
    pub(crate) inputs: Vec<Type>,
    pub(crate) results: Vec<Type>,
}

/// A ranked tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TensorType {
    /// The sizes; `None` is written `?`.
    pub(crate) dimensions: Vec<Option<u64>>,
    pub(crate) element: Scalar,
    /// The text of the encoding attribute.
    pub(crate) encoding: Option<String>,
}

impl TensorType {
    /// The number of elements, if every size is known and the product fits.
    pub(crate) fn element_count(&self) -> Option<usize> {
        self.dimensions.iter().try_fold(1usize, |count, dimension| {
            count.checked_mul(usize::try_from((*dimension)?).ok()?)
        })
    }
}

/// A type that tensors can have elements of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    Integer {
        width: u32,
        signedness: Signedness,
    },
    Float(FloatKind),
    Index,
    Complex(Box<Scalar>),
    /// Anything else, as it is written: 8-bit floats, quantized types.
    Other(String),
}

impl Scalar {
    /// A signless integer.
    pub(crate) fn integer(width: u32) -> Self {
        Self::Integer { width, signedness: Signedness::Signless }
    }

    /// The type with this name: `i32`, `f32`, `index`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "f32" => Some(Self::Float(FloatKind::F32)),
            "bf16" => Some(Self::Float(FloatKind::Bf16)),
            "f16" => Some(Self::Float(FloatKind::F16)),
            "f64" => Some(Self::Float(FloatKind::F64)),
            "index" => Some(Self::Index),
            _ => integer_type(name)
                .or_else(|| is_small_float(name).then(|| Self::Other(name.to_owned()))),
        }
    }

    /// Bytes that one element takes in a dense literal; `None` when literals of it are not
    /// decoded. Integers narrower than a byte take a whole one.
    pub(crate) fn byte_width(&self) -> Option<usize> {
        match self {
            Self::Integer { width: 1..=8, .. } => Some(1),
            Self::Integer { width: 16, .. } => Some(2),
            Self::Integer { width: 32, .. } => Some(4),
            Self::Integer { width: 64, .. } | Self::Index => Some(8),
            Self::Float(FloatKind::Bf16 | FloatKind::F16) => Some(2),
            Self::Float(FloatKind::F32) => Some(4),
            Self::Float(FloatKind::F64) => Some(8),
            Self::Complex(part) if matches!(**part, Self::Float(_)) => Some(2 * part.byte_width()?),
            Self::Integer { .. } | Self::Complex(_) | Self::Other(_) => None,
        }
    }
}

/// How an integer type treats its sign; signless means signed in StableHLO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signedness {
    Signless,
    Signed,
    Unsigned,
}

/// Floating-point types whose values can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FloatKind {
    Bf16,
    F16,
    F32,
    F64,
}

/// `i32`, `si8`, `ui64`.
fn integer_type(word: &str) -> Option<Scalar> {
    let (signedness, digits) = if let Some(digits) = word.strip_prefix("ui") {
        (Signedness::Unsigned, digits)
    } else if let Some(digits) = word.strip_prefix("si") {
        (Signedness::Signed, digits)
    } else {
        (Signedness::Signless, word.strip_prefix('i')?)
    };
    let width = digits.parse().ok()?;
    // MLIR's own bound on widths.
    (width > 0 && width < 1 << 24).then_some(Scalar::Integer { width, signedness })
}

/// `f8E4M3FN`, `f4E2M1FN`, `tf32`, `f80`: known spellings that tensors of ours cannot have.
fn is_small_float(word: &str) -> bool {
    word == "tf32"
        || word.strip_prefix('f').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar(scalar) => scalar.fmt(f),
            Self::Tensor(tensor) => tensor.fmt(f),
            Self::Tuple(elements) => {
                f.write_str("tuple<")?;
                write_list(f, elements)?;
                f.write_str(">")
            }
            Self::Function(function) => function.fmt(f),
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for FunctionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        write_list(f, &self.inputs)?;
        f.write_str(") -> ")?;
        match self.results.as_slice() {
            [single] if !matches!(single, Type::Function(_)) => single.fmt(f),
            results => {
                f.write_str("(")?;
                write_list(f, results)?;
                f.write_str(")")
            }
        }
    }
}

fn write_list(f: &mut fmt::Formatter<'_>, types: &[Type]) -> fmt::Result {
    for (index, each) in types.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        write!(f, "{each}")?;
    }
    Ok(())
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tensor<")?;
        for dimension in &self.dimensions {
            match dimension {
                Some(size) => write!(f, "{size}x")?,
                None => f.write_str("?x")?,
            }
        }
        self.element.fmt(f)?;
        if let Some(encoding) = &self.encoding {
            write!(f, ", {encoding}")?;
        }
        f.write_str(">")
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer { width, signedness: Signedness::Signless } => write!(f, "i{width}"),
            Self::Integer { width, signedness: Signedness::Signed } => write!(f, "si{width}"),
            Self::Integer { width, signedness: Signedness::Unsigned } => write!(f, "ui{width}"),
            Self::Float(FloatKind::Bf16) => f.write_str("bf16"),
            Self::Float(FloatKind::F16) => f.write_str("f16"),
            Self::Float(FloatKind::F32) => f.write_str("f32"),
            Self::Float(FloatKind::F64) => f.write_str("f64"),
            Self::Index => f.write_str("index"),
            Self::Complex(element) => write!(f, "complex<{element}>"),
            Self::Other(text) => f.write_str(text),
        }
    }
}
