//! Attributes and types of the builtin dialect.

use super::constants::element_width;
use super::decoder::Cursor;
use super::reader::{Reader, error_at};
use crate::frontend::source::Span;
use crate::frontend::source::{SourceError, SourceResult};
use crate::frontend::syntax::{
    Attribute, FloatValue, FunctionType, NamedAttribute, Scalar, Signedness, TensorType, Type,
};

/// What stands for a size that is not known.
const DYNAMIC: i64 = i64::MIN;

/// An attribute.
pub(super) fn attribute(cursor: &mut Cursor<'_, '_>) -> SourceResult<Attribute> {
    let at = cursor.reader.offset();
    Ok(match cursor.reader.varint()? {
        0 => Attribute::Array(cursor.attributes()?),
        1 => Attribute::Dictionary(dictionary(cursor)?),
        2 => Attribute::String(cursor.string()?.to_owned()),
        3 => {
            let text = cursor.string()?.to_owned();
            cursor.value_type()?;
            Attribute::String(text)
        }
        4 => Attribute::Symbol(cursor.attribute_text()?),
        5 => {
            let mut symbol = cursor.attribute_text()?;
            for nested in cursor.list("symbols", Cursor::attribute_text)? {
                symbol.push_str("::@");
                symbol.push_str(&nested);
            }
            Attribute::Symbol(symbol)
        }
        6 => Attribute::Type(cursor.value_type()?),
        7 => Attribute::Unit,
        8 => integer(cursor)?,
        9 => float(cursor)?,
        16 => {
            let tensor = tensor_type(cursor)?;
            Attribute::Resource { key: cursor.resource_key()?.to_owned(), tensor }
        }
        17 => dense_array(cursor)?,
        18 => {
            let tensor = tensor_type(cursor)?;
            cursor.dense(tensor)?
        }
        code => {
            let message = format!("builtin attributes with the code {code} are not supported");
            return Err(error_at(at, message));
        }
    })
}

/// Names and values.
pub(super) fn dictionary(cursor: &mut Cursor<'_, '_>) -> SourceResult<Vec<NamedAttribute>> {
    cursor.list("attributes", |cursor| {
        let name = cursor.attribute_text()?;
        let at = cursor.reader.offset();
        let value = cursor.attribute()?;
        Ok(NamedAttribute { name, value, span: Span::new(at, at) })
    })
}

/// A number of an integer type; one bit is a truth value.
pub(super) fn integer(cursor: &mut Cursor<'_, '_>) -> SourceResult<Attribute> {
    let at = cursor.reader.offset();
    let scalar = cursor.scalar()?;
    let (width, is_unsigned) = match &scalar {
        Scalar::Integer { width, signedness } => (*width, *signedness == Signedness::Unsigned),
        Scalar::Index => (64, false),
        other => return Err(error_at(at, format!("an integer cannot have the type {other}"))),
    };
    let bits = bits(&mut cursor.reader, width)?;
    if scalar == Scalar::integer(1) {
        return Ok(Attribute::Bool(bits != 0));
    }
    let value = if is_unsigned {
        i128::from(bits)
    } else {
        let unused = 64 - width;
        i128::from((bits << unused).cast_signed() >> unused)
    };
    Ok(Attribute::Integer(value, scalar))
}

/// A number of a floating-point type.
pub(super) fn float(cursor: &mut Cursor<'_, '_>) -> SourceResult<Attribute> {
    let at = cursor.reader.offset();
    let scalar = cursor.scalar()?;
    let value = float_value(cursor, &scalar, at)?;
    Ok(Attribute::Float(value, scalar))
}

fn float_value(
    cursor: &mut Cursor<'_, '_>,
    scalar: &Scalar,
    at: usize,
) -> SourceResult<FloatValue> {
    let is_float = matches!(scalar, Scalar::Float(_) | Scalar::Other(_));
    let width =
        element_width(scalar).filter(|_| is_float).and_then(|width| u32::try_from(8 * width).ok());
    let Some(width) = width else {
        return Err(error_at(at, format!("unsupported number of type {scalar}")));
    };
    let bits = bits(&mut cursor.reader, width)?;
    Ok(float_of(bits, scalar))
}

/// A number as a decimal where that is exact, else its bits.
fn float_of(bits: u64, scalar: &Scalar) -> FloatValue {
    use crate::frontend::syntax::FloatKind::{Bf16, F16, F32, F64, Narrow};
    let low = |bits: u64| u16::try_from(bits & 0xffff).unwrap_or_default();
    let value = match scalar {
        Scalar::Float(F64) => f64::from_bits(bits),
        Scalar::Float(F32) => {
            f64::from(f32::from_bits(u32::try_from(bits & 0xffff_ffff).unwrap_or_default()))
        }
        Scalar::Float(F16) => half::f16::from_bits(low(bits)).to_f64(),
        Scalar::Float(Bf16) => half::bf16::from_bits(low(bits)).to_f64(),
        Scalar::Float(Narrow(narrow)) => {
            narrow.float_format().map_or(f64::NAN, |format| format.decode(bits))
        }
        Scalar::Integer { .. } | Scalar::Index | Scalar::Complex(_) | Scalar::Other(_) => f64::NAN,
    };
    if value.is_finite() { FloatValue::Decimal(value) } else { FloatValue::Bits(bits) }
}

/// A double-precision number.
pub(super) fn double(reader: &mut Reader<'_>) -> SourceResult<f64> {
    Ok(f64::from_bits(bits(reader, 64)?))
}

/// `width` bits: a byte, or a signed number.
fn bits(reader: &mut Reader<'_>, width: u32) -> SourceResult<u64> {
    match width {
        1..=8 => Ok(u64::from(reader.byte()?) & (u64::MAX >> (64 - width))),
        9..=64 => Ok(reader.signed()?.cast_unsigned() & (u64::MAX >> (64 - width))),
        _ => Err(reader.error(format!("unsupported number of {width} bits"))),
    }
}

/// `array<i64: …>`.
fn dense_array(cursor: &mut Cursor<'_, '_>) -> SourceResult<Attribute> {
    let at = cursor.reader.offset();
    let scalar = cursor.scalar()?;
    let count = cursor.reader.varint()?;
    let range = cursor.reader.blob()?;
    let tensor = TensorType { dimensions: vec![Some(count)], element: scalar, encoding: None };
    let bytes = cursor.reader.part(range).rest();
    let mismatch = |tensor: &TensorType| -> SourceError {
        error_at(at, format!("unsupported array with elements of type {}", tensor.element))
    };
    let width = element_width(&tensor.element).ok_or_else(|| mismatch(&tensor))?;
    if Some(bytes.len()) != tensor.element_count().and_then(|count| count.checked_mul(width)) {
        return Err(error_at(at, format!("this array has {} bytes of data", bytes.len())));
    }
    cursor.add_cost(8 * bytes.len());
    if tensor.element == Scalar::integer(1) {
        return Ok(Attribute::BoolArray(bytes.iter().map(|&byte| byte != 0).collect()));
    }
    let data = crate::frontend::syntax::DenseData::Elements(bytes.to_vec().into());
    let dense = crate::frontend::syntax::Dense { tensor, data };
    dense.as_integers().map(Attribute::IntegerArray).ok_or_else(|| mismatch(&dense.tensor))
}

/// A tensor type.
pub(super) fn tensor_type(cursor: &mut Cursor<'_, '_>) -> SourceResult<TensorType> {
    let at = cursor.reader.offset();
    match cursor.value_type()? {
        Type::Tensor(tensor) => Ok(tensor),
        other => Err(error_at(at, format!("found the type {other}, expected a tensor type"))),
    }
}

/// The sizes of a tensor.
pub(super) fn dimensions(cursor: &mut Cursor<'_, '_>) -> SourceResult<Vec<Option<u64>>> {
    cursor.list("dimensions", |cursor| {
        let at = cursor.reader.offset();
        match cursor.reader.signed()? {
            DYNAMIC => Ok(None),
            size => match u64::try_from(size) {
                Ok(size) => Ok(Some(size)),
                Err(_) => Err(error_at(at, format!("{size} is no size of a dimension"))),
            },
        }
    })
}

/// Inputs and results of a function.
pub(super) fn function_type(cursor: &mut Cursor<'_, '_>) -> SourceResult<Type> {
    let inputs = cursor.list("types", Cursor::value_type)?;
    let results = cursor.list("types", Cursor::value_type)?;
    Ok(Type::Function(Box::new(FunctionType { inputs, results })))
}

/// Element types by their codes; an empty name is a type that is made of others.
#[rustfmt::skip]
const NAMES: [&str; 33] = [
    "", "index", "", "bf16", "f16", "f32", "f64", "f80", "f128", "", "", "", "", "", "", "", "", "",
    "", "", "", "tf32", "f8E5M2", "f8E4M3", "f8E4M3FN", "f8E5M2FNUZ", "f8E4M3FNUZ", "f8E4M3B11FNUZ",
    "f8E3M4", "f4E2M1FN", "f6E2M3FN", "f6E3M2FN", "f8E8M0FNU",
];

/// A type.
pub(super) fn value_type(cursor: &mut Cursor<'_, '_>) -> SourceResult<Type> {
    let at = cursor.reader.offset();
    let code = cursor.reader.varint()?;
    if let Some(scalar) = scalar_of(&NAMES, code) {
        return Ok(Type::Scalar(scalar));
    }
    match code {
        0 => integer_type(&mut cursor.reader),
        2 => function_type(cursor),
        9 => Ok(Type::Scalar(Scalar::Complex(Box::new(cursor.scalar()?)))),
        12 => Ok(Type::Other("none".to_owned())),
        13 => {
            let dimensions = dimensions(cursor)?;
            Ok(Type::Tensor(TensorType { dimensions, element: cursor.scalar()?, encoding: None }))
        }
        14 => {
            let encoding = Some(cursor.attribute()?.to_string());
            let dimensions = dimensions(cursor)?;
            Ok(Type::Tensor(TensorType { dimensions, element: cursor.scalar()?, encoding }))
        }
        15 => Ok(Type::Tuple(cursor.list("types", Cursor::value_type)?)),
        18 => Ok(Type::Other(format!("tensor<*x{}>", cursor.scalar()?))),
        code => Err(error_at(at, format!("builtin types with the code {code} are not supported"))),
    }
}

/// The element type that a table has a name for.
pub(super) fn scalar_of(names: &[&str], code: u64) -> Option<Scalar> {
    Scalar::named(names.get(usize::try_from(code).ok()?)?)
}

/// An integer type: its width above two bits that say how it treats its sign.
fn integer_type(reader: &mut Reader<'_>) -> SourceResult<Type> {
    let at = reader.offset();
    let raw = reader.varint()?;
    let signedness = match raw & 3 {
        0 => Signedness::Signless,
        1 => Signedness::Signed,
        2 => Signedness::Unsigned,
        _ => return Err(error_at(at, "unknown signedness of an integer type")),
    };
    match u32::try_from(raw >> 2) {
        // MLIR's own bound on widths.
        Ok(width @ 1..0x100_0000) => Ok(Type::Scalar(Scalar::Integer { width, signedness })),
        _ => Err(error_at(at, "unsupported width of an integer type")),
    }
}
