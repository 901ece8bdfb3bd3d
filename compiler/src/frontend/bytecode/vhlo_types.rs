//! Types of the vhlo dialect, as the types that they stand for.

use super::builtin::{dimensions, double, function_type, scalar_of};
use super::decoder::Cursor;
use super::reader::error_at;
use crate::frontend::source::SourceResult;
use crate::frontend::syntax::{Scalar, TensorType, Type};

/// Element types by their codes; an empty name is a type that is made of others. What vhlo
/// calls signed is signless in StableHLO.
const NAMES: [&str; 41] = [
    "i1",
    "",
    "bf16",
    "f16",
    "f32",
    "f64",
    "f8E4M3FN",
    "f8E5M2",
    "",
    "index",
    "i4",
    "i8",
    "i16",
    "i32",
    "i64",
    "ui4",
    "ui8",
    "ui16",
    "ui32",
    "ui64",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "f8E4M3FNUZ",
    "f8E5M2FNUZ",
    "f8E4M3B11FNUZ",
    "",
    "i2",
    "ui2",
    "",
    "tf32",
    "f8E4M3",
    "f8E3M4",
    "f4E2M1FN",
    "f6E2M3FN",
    "f6E3M2FN",
    "f8E8M0FNU",
];

/// A type.
pub(super) fn value_type(cursor: &mut Cursor<'_, '_>) -> SourceResult<Type> {
    let at = cursor.reader.offset();
    let code = cursor.reader.varint()?;
    if let Some(scalar) = scalar_of(&NAMES, code) {
        return Ok(Type::Scalar(scalar));
    }
    match code {
        1 => Ok(Type::Scalar(Scalar::Complex(Box::new(cursor.scalar()?)))),
        8 => function_type(cursor),
        20 => tensor(cursor, None),
        21 => {
            let encoding = cursor.attribute()?.to_string();
            tensor(cursor, Some(encoding))
        }
        22 => Ok(Type::Other("!stablehlo.token".to_owned())),
        23 => Ok(Type::Tuple(cursor.list("types", Cursor::value_type)?)),
        24 => quantized(cursor),
        25 => Ok(Type::Other(format!("tensor<*x{}>", cursor.scalar()?))),
        26 => Ok(Type::Other("!shape.witness".to_owned())),
        30 => quantized_per_axis(cursor),
        33 => Ok(Type::Other("none".to_owned())),
        41 => buffer(cursor),
        42 => {
            let types = cursor.list("types", Cursor::value_type)?;
            Ok(Type::Other(format!("!stablehlo.future<{}>", separated(&types))))
        }
        code => Err(error_at(at, format!("unknown vhlo type with the code {code}"))),
    }
}

fn separated<T: ToString>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

fn tensor(cursor: &mut Cursor<'_, '_>, encoding: Option<String>) -> SourceResult<Type> {
    let dimensions = dimensions(cursor)?;
    Ok(Type::Tensor(TensorType { dimensions, element: cursor.scalar()?, encoding }))
}

/// `memref<2x3xf32>`.
fn buffer(cursor: &mut Cursor<'_, '_>) -> SourceResult<Type> {
    let sizes = dimensions(cursor)?;
    let sizes = sizes.iter().map(|size| match size {
        Some(size) => format!("{size}x"),
        None => "?x".to_owned(),
    });
    let sizes: String = sizes.collect();
    Ok(Type::Other(format!("memref<{sizes}{}>", cursor.scalar()?)))
}

/// `#stablehlo.bounds<5, ?>`: the encoding of a tensor whose sizes have upper limits.
pub(super) fn tensor_bounds(cursor: &mut Cursor<'_, '_>) -> SourceResult<String> {
    let bounds = cursor.list("bounds", |cursor| match cursor.reader.signed()? {
        i64::MIN => Ok("?".to_owned()),
        bound => Ok(bound.to_string()),
    })?;
    Ok(format!("#stablehlo.bounds<{}>", bounds.join(", ")))
}

/// `!quant.uniform<i8:f32, 0.5:3>`.
fn quantized(cursor: &mut Cursor<'_, '_>) -> SourceResult<Type> {
    cursor.reader.varint()?;
    let (storage, expressed) = (cursor.scalar()?, cursor.scalar()?);
    let scale = double(&mut cursor.reader)?;
    let zero_point = cursor.reader.signed()?;
    let (low, high) = (cursor.reader.signed()?, cursor.reader.signed()?);
    let text =
        format!("!quant.uniform<{storage}<{low}:{high}>:{expressed}, {scale:?}:{zero_point}>");
    Ok(Type::Other(text))
}

/// `!quant.uniform<i8:f32:1, {0.5:3, 0.25:0}>`.
fn quantized_per_axis(cursor: &mut Cursor<'_, '_>) -> SourceResult<Type> {
    cursor.reader.varint()?;
    let (storage, expressed) = (cursor.scalar()?, cursor.scalar()?);
    let axis = cursor.reader.varint()?;
    let (low, high) = (cursor.reader.signed()?, cursor.reader.signed()?);
    let at = cursor.reader.offset();
    let scales = cursor.list("scales", |cursor| double(&mut cursor.reader))?;
    let zero_points = cursor.list("zero points", |cursor| cursor.reader.signed())?;
    if scales.len() != zero_points.len() {
        return Err(error_at(at, "a quantized type needs as many zero points as scales"));
    }
    let pairs = scales.iter().zip(&zero_points).map(|(scale, zero)| format!("{scale:?}:{zero}"));
    let pairs: Vec<String> = pairs.collect();
    let text = format!(
        "!quant.uniform<{storage}<{low}:{high}>:{expressed}:{axis}, {{{}}}>",
        separated(&pairs)
    );
    Ok(Type::Other(text))
}
