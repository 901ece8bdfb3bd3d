//! Attributes of the vhlo dialect, as the StableHLO attributes that they stand for.

use super::builtin;
use super::decoder::Cursor;
use super::reader::error_at;
use super::vhlo_types::tensor_bounds;
use crate::frontend::source::{SourceResult, Span};
use crate::frontend::syntax::{Attribute, FloatKind, FloatValue, NamedAttribute, Scalar};

/// Words of an enumeration; an empty one is no value.
struct Words {
    name: &'static str,
    words: &'static [&'static str],
}

const COMPARISON_DIRECTION: Words =
    Words { name: "comparison_direction", words: &["EQ", "NE", "GE", "GT", "LE", "LT"] };
const COMPARISON_TYPE: Words = Words {
    name: "comparison_type",
    words: &["NOTYPE", "FLOAT", "TOTALORDER", "SIGNED", "UNSIGNED"],
};
const FFT_TYPE: Words = Words { name: "fft_type", words: &["FFT", "IFFT", "RFFT", "IRFFT"] };
const PRECISION: Words = Words { name: "precision", words: &["DEFAULT", "HIGH", "HIGHEST"] };
const RNG_ALGORITHM: Words =
    Words { name: "rng_algorithm", words: &["DEFAULT", "THREE_FRY", "PHILOX"] };
const RNG_DISTRIBUTION: Words =
    Words { name: "rng_distribution", words: &["", "UNIFORM", "NORMAL"] };
const TRANSPOSE: Words = Words {
    name: "transpose",
    words: &["TRANSPOSE_INVALID", "NO_TRANSPOSE", "TRANSPOSE", "ADJOINT"],
};
const ACCURACY_MODE: [&str; 3] = ["DEFAULT", "HIGHEST", "TOLERANCE"];
/// Custom-call interfaces are numbers in StableHLO.
const API_VERSIONS: u64 = 5;

/// An attribute.
pub(super) fn attribute(cursor: &mut Cursor<'_, '_>) -> SourceResult<Attribute> {
    let at = cursor.reader.offset();
    match cursor.reader.varint()? {
        1 => Ok(Attribute::Array(cursor.attributes()?)),
        2 => match cursor.reader.varint()? {
            value @ (0 | 1) => Ok(Attribute::Bool(value == 1)),
            value => Err(error_at(at, format!("a truth value is 0 or 1, found {value}"))),
        },
        3 => enumeration(cursor, &COMPARISON_DIRECTION),
        4 => enumeration(cursor, &COMPARISON_TYPE),
        5 => match cursor.reader.varint()? {
            value if value < API_VERSIONS => {
                Ok(Attribute::Integer(i128::from(value), Scalar::integer(32)))
            }
            value => Err(error_at(at, format!("unknown custom-call API version {value}"))),
        },
        6 => Ok(Attribute::Dictionary(builtin::dictionary(cursor)?)),
        7 => enumeration(cursor, &FFT_TYPE),
        8 => builtin::float(cursor),
        9 => builtin::integer(cursor),
        10 => output_operand_alias(cursor),
        11 => enumeration(cursor, &PRECISION),
        12 => enumeration(cursor, &RNG_ALGORITHM),
        13 => enumeration(cursor, &RNG_DISTRIBUTION),
        14 => Ok(Attribute::String(cursor.string()?.to_owned())),
        15 => {
            let tensor = builtin::tensor_type(cursor)?;
            cursor.dense(tensor)
        }
        16 => enumeration(cursor, &TRANSPOSE),
        17 => Ok(Attribute::Type(cursor.value_type()?)),
        18 => Ok(Attribute::Other(tensor_bounds(cursor)?)),
        19 => accuracy_mode(cursor),
        20 => result_accuracy(cursor),
        21 => sub_axis(cursor),
        22 => axis_reference(cursor),
        23 => mesh_replica_groups(cursor),
        24 => mesh_axis(cursor),
        25 => mesh(cursor),
        code => Err(error_at(at, format!("unknown vhlo attribute with the code {code}"))),
    }
}

fn word(cursor: &mut Cursor<'_, '_>, name: &str, words: &[&'static str]) -> SourceResult<String> {
    let at = cursor.reader.offset();
    let value = cursor.reader.varint()?;
    let word = usize::try_from(value).ok().and_then(|value| words.get(value));
    match word {
        Some(word) if !word.is_empty() => Ok((*word).to_owned()),
        _ => Err(error_at(at, format!("unknown {name} {value}"))),
    }
}

fn enumeration(cursor: &mut Cursor<'_, '_>, words: &Words) -> SourceResult<Attribute> {
    let value = word(cursor, words.name, words.words)?;
    let (dialect, name) = ("stablehlo".to_owned(), words.name.to_owned());
    Ok(Attribute::Enum { dialect, name, value })
}

/// `#stablehlo.name<…>` with fields.
fn structure(cursor: &Cursor<'_, '_>, name: &str, fields: Vec<(&str, Attribute)>) -> Attribute {
    let at = cursor.reader.offset();
    let field = |(name, value): (&str, Attribute)| NamedAttribute {
        name: name.to_owned(),
        value,
        span: Span::new(at, at),
    };
    let fields = fields.into_iter().map(field).collect();
    Attribute::Struct { dialect: "stablehlo".to_owned(), name: name.to_owned(), fields }
}

fn number(value: i64) -> Attribute {
    Attribute::Integer(i128::from(value), Scalar::integer(64))
}

fn numbers(cursor: &mut Cursor<'_, '_>) -> SourceResult<Attribute> {
    Ok(Attribute::IntegerArray(cursor.list("numbers", |cursor| cursor.reader.signed())?))
}

fn output_operand_alias(cursor: &mut Cursor<'_, '_>) -> SourceResult<Attribute> {
    let output = numbers(cursor)?;
    let operand = number(cursor.reader.signed()?);
    let operand_tuple = numbers(cursor)?;
    let fields = vec![
        ("output_tuple_indices", output),
        ("operand_index", operand),
        ("operand_tuple_indices", operand_tuple),
    ];
    Ok(structure(cursor, "output_operand_alias", fields))
}

fn accuracy_mode(cursor: &mut Cursor<'_, '_>) -> SourceResult<Attribute> {
    let value = word(cursor, "result accuracy mode", &ACCURACY_MODE)?;
    let (dialect, name) = ("stablehlo".to_owned(), "result_accuracy_mode".to_owned());
    Ok(Attribute::Enum { dialect, name, value })
}

fn result_accuracy(cursor: &mut Cursor<'_, '_>) -> SourceResult<Attribute> {
    let double =
        |value| Attribute::Float(FloatValue::Decimal(value), Scalar::Float(FloatKind::F64));
    let atol = double(builtin::double(&mut cursor.reader)?);
    let rtol = double(builtin::double(&mut cursor.reader)?);
    let ulps = number(cursor.reader.signed()?);
    let mode = cursor.attribute()?;
    // StableHLO leaves out the numbers that are 0.
    let is_zero = |value: &Attribute| match value {
        Attribute::Float(value, _) => *value == FloatValue::Decimal(0.0),
        Attribute::Integer(value, _) => *value == 0,
        _ => false,
    };
    let mut fields = vec![("atol", atol), ("rtol", rtol), ("ulps", ulps), ("mode", mode)];
    fields.retain(|(_, value)| !is_zero(value));
    Ok(structure(cursor, "result_accuracy", fields))
}

fn sub_axis(cursor: &mut Cursor<'_, '_>) -> SourceResult<Attribute> {
    let pre_size = number(cursor.reader.signed()?);
    let size = number(cursor.reader.signed()?);
    Ok(structure(cursor, "sub_axis_info", vec![("pre_size", pre_size), ("size", size)]))
}

fn axis_reference(cursor: &mut Cursor<'_, '_>) -> SourceResult<Attribute> {
    let mut fields = vec![("name", cursor.attribute()?)];
    if cursor.reader.varint()? != 0 {
        fields.push(("sub_axis_info", cursor.attribute()?));
    }
    Ok(structure(cursor, "axis_ref", fields))
}

fn mesh_replica_groups(cursor: &mut Cursor<'_, '_>) -> SourceResult<Attribute> {
    let fields = vec![("mesh", cursor.attribute()?), ("axes", cursor.attribute()?)];
    Ok(structure(cursor, "replica_group_mesh_axes", fields))
}

fn mesh_axis(cursor: &mut Cursor<'_, '_>) -> SourceResult<Attribute> {
    let name = cursor.attribute()?;
    let size = number(cursor.reader.signed()?);
    Ok(structure(cursor, "mesh_axis", vec![("name", name), ("size", size)]))
}

fn mesh(cursor: &mut Cursor<'_, '_>) -> SourceResult<Attribute> {
    let mut fields = vec![("axes", cursor.attribute()?)];
    if let Some(devices) = cursor.optional_attribute()? {
        fields.push(("device_ids", devices));
    }
    Ok(structure(cursor, "mesh", fields))
}
