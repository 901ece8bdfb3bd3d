//! The data of constants: parts of the file, except for packed truth values and narrow integers.

use std::ops::Range;
use std::sync::Arc;

use super::reader::error_at;
use crate::frontend::source::{SourceResult, counted};
use crate::frontend::syntax::{Blob, DenseData, Scalar, Signedness, TensorType};

/// The elements in `file[range]` of a constant of type `tensor`.
pub(super) fn decode(
    file: &Arc<[u8]>,
    range: Range<usize>,
    tensor: &TensorType,
    at: usize,
) -> SourceResult<DenseData> {
    let Some(count) = tensor.element_count() else {
        return Err(error_at(at, format!("a constant cannot have the type {tensor}")));
    };
    let given = range.len();
    if tensor.element == Scalar::integer(1) {
        if let Some(data) = truth_values(file, range, count) {
            return Ok(data);
        }
        return Err(wrong_size(at, given, tensor, count.div_ceil(8)));
    }
    let Some(width) = element_width(&tensor.element) else {
        return Err(error_at(at, format!("unsupported constant of type {tensor}")));
    };
    let blob = match &tensor.element {
        Scalar::Integer {
            width: bits @ 2..=7,
            signedness: Signedness::Signless | Signedness::Signed,
        } => sign_extended(&file[range], *bits).into(),
        _ => Blob::part(file, range),
    };
    if count.checked_mul(width) == Some(given) {
        Ok(DenseData::Elements(blob))
    } else if given == width {
        // Also of nothing: JAX writes the element of an array without elements.
        Ok(DenseData::Splat(blob))
    } else {
        Err(wrong_size(at, given, tensor, count.saturating_mul(width)))
    }
}

fn wrong_size(
    at: usize,
    given: usize,
    tensor: &TensorType,
    needed: usize,
) -> crate::frontend::source::SourceError {
    let given = counted(given, "byte");
    error_at(at, format!("this constant has {given}, but {tensor} needs {needed}"))
}

/// Integers of less than a byte, with their sign in all of its bits: the file has zeros there.
fn sign_extended(bytes: &[u8], bits: u32) -> Vec<u8> {
    let unused = 8 - bits;
    bytes.iter().map(|&byte| ((byte << unused).cast_signed() >> unused).cast_unsigned()).collect()
}

/// Packed bits, lowest first; or one byte for each; a single byte may stand for all.
fn truth_values(file: &Arc<[u8]>, range: Range<usize>, count: usize) -> Option<DenseData> {
    let bytes = &file[range];
    let as_bool = |byte: u8| u8::from(byte != 0);
    let elements = |values: Vec<u8>| Some(DenseData::Elements(values.into()));
    match *bytes {
        [byte] if count == 1 => elements(vec![as_bool(byte)]),
        [byte @ (0 | 0xFF)] => Some(DenseData::Splat(vec![as_bool(byte)].into())),
        _ if bytes.len() == count => elements(bytes.iter().copied().map(as_bool).collect()),
        _ if bytes.len() == count.div_ceil(8) => {
            elements((0..count).map(|index| bytes[index / 8] >> (index % 8) & 1).collect())
        }
        [byte @ 1] => Some(DenseData::Splat(vec![as_bool(byte)].into())),
        _ => None,
    }
}

/// Bytes of one element. Whatever is narrower than a byte takes a whole one.
pub(super) fn element_width(scalar: &Scalar) -> Option<usize> {
    match scalar {
        Scalar::Complex(part) => Some(2 * element_width(part)?),
        Scalar::Other(name) if name == "tf32" => Some(4),
        // `f8E4M3FN`, `f6E2M3FN`, `f4E2M1FN`.
        Scalar::Other(name) if name.starts_with(['f']) && !name.starts_with("f80") => {
            (!name.starts_with("f128")).then_some(1)
        }
        other => other.byte_width(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bools(bytes: &[u8], count: usize) -> Option<(bool, Vec<u8>)> {
        let file: Arc<[u8]> = bytes.into();
        Some(match truth_values(&file, 0..bytes.len(), count)? {
            DenseData::Elements(values) => (false, values.to_vec()),
            DenseData::Splat(value) => (true, value.to_vec()),
            DenseData::Undecoded => return None,
        })
    }

    #[test]
    fn an_array_without_elements_may_have_one_in_the_file() {
        let file: Arc<[u8]> = [0, 0, 128, 63].as_slice().into();
        let element = Scalar::named("f32").expect("it is a type");
        let tensor = TensorType { dimensions: vec![Some(0), Some(3)], element, encoding: None };
        let data = decode(&file, 0..4, &tensor, 0).expect("JAX writes such constants");
        assert!(matches!(data, DenseData::Splat(_)));
        assert!(decode(&file, 0..3, &tensor, 0).is_err());
    }

    #[test]
    fn narrow_integers_have_their_sign() {
        assert_eq!(sign_extended(&[0x01, 0x0E, 0x08, 0x07], 4), [0x01, 0xFE, 0xF8, 0x07]);
        assert_eq!(sign_extended(&[0b01, 0b10], 2), [0x01, 0xFE]);
    }

    #[test]
    fn truth_values_are_packed_or_one_byte_each() {
        assert_eq!(bools(&[0b101], 3), Some((false, vec![1, 0, 1])));
        assert_eq!(bools(&[1, 0, 1], 3), Some((false, vec![1, 0, 1])));
        assert_eq!(bools(&[0xFF, 1], 9), Some((false, vec![1; 9])));
        assert_eq!(bools(&[0xFF], 3), Some((true, vec![1])));
        assert_eq!(bools(&[0], 3), Some((true, vec![0])));
        assert_eq!(bools(&[1], 1), Some((false, vec![1])));
        assert_eq!(bools(&[], 0), Some((false, vec![])));
        assert_eq!(bools(&[0], 0), Some((true, vec![0])));
        assert_eq!(bools(&[1, 1], 3), None);
        assert_eq!(bools(&[], 3), None);
    }
}
