//! The header of a `.npy` file: magic, version, and a Python dictionary of three keys.

use std::fmt;

use palmetto_compiler::hlo::{ElementClass, ElementType};

use super::NumpyError;

const MAGIC: &[u8] = b"\x93NUMPY";
/// The longest header text that is read; real ones are about a hundred bytes.
const MAX_TEXT: usize = 1 << 16;
/// The most dimensions; NumPy itself allows 64.
const MAX_RANK: usize = 64;

/// What kind of number an element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `b`: one byte, 0 or 1.
    Bool,
    /// `i`: two's complement.
    Signed,
    /// `u`.
    Unsigned,
    /// `f`: IEEE.
    Float,
    /// `c`: two IEEE numbers, real part first.
    Complex,
    /// `V`: bytes without a meaning.
    Void,
    /// Any other letter.
    Other(char),
}

/// The type of the elements, such as `<f4`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descr {
    /// The kind of number.
    pub kind: Kind,
    /// The bytes of an element; of strings its characters, and 0 where the file has no number.
    pub size: usize,
    /// Most significant byte first?
    pub big_endian: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) descr: Descr,
    pub(super) fortran_order: bool,
    pub(super) dimensions: Vec<usize>,
}

impl Descr {
    /// How elements of this type are written.
    pub fn of(element_type: ElementType) -> Self {
        let kind = match element_type.class() {
            // Types that NumPy does not have are bytes without a meaning.
            _ if element_type == ElementType::BF16 || element_type.is_narrow() => Kind::Void,
            ElementClass::Pred | ElementClass::Token => Kind::Bool,
            ElementClass::Signed => Kind::Signed,
            ElementClass::Unsigned => Kind::Unsigned,
            ElementClass::Float => Kind::Float,
            ElementClass::Complex => Kind::Complex,
        };
        Self { kind, size: element_type.byte_size(), big_endian: false }
    }

    /// The element type that it is read as, if nothing else is wanted: 2-byte voids are bf16, while
    /// 1-byte voids may be several types.
    pub fn element_type(self) -> Option<ElementType> {
        let same = |t: &ElementType| {
            let Self { kind, size, .. } = Self::of(*t);
            (kind, size) == (self.kind, self.size)
        };
        let found = ElementType::ALL.iter().copied().find(same);
        found.filter(|element_type| !element_type.is_narrow())
    }

    fn parse(text: &str) -> Option<Self> {
        let mut letters = text.chars();
        let big_endian = match letters.next()? {
            '>' => true,
            '<' | '|' | '=' => false,
            _ => return None,
        };
        let kind = match letters.next()? {
            'b' => Kind::Bool,
            'i' => Kind::Signed,
            'u' => Kind::Unsigned,
            'f' => Kind::Float,
            'c' => Kind::Complex,
            'V' => Kind::Void,
            other => Kind::Other(other),
        };
        let digits: String = letters.take_while(char::is_ascii_digit).collect();
        let size = if digits.is_empty() { 0 } else { digits.parse().ok()? };
        Some(Self { kind, size, big_endian })
    }
}

impl fmt::Display for Descr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Bool => 'b',
            Kind::Signed => 'i',
            Kind::Unsigned => 'u',
            Kind::Float => 'f',
            Kind::Complex => 'c',
            Kind::Void => 'V',
            Kind::Other(letter) => letter,
        };
        let order = match (self.size, self.big_endian) {
            (0 | 1, _) => '|',
            (_, true) => '>',
            (_, false) => '<',
        };
        match self.size {
            0 => write!(f, "{order}{kind}"),
            size => write!(f, "{order}{kind}{size}"),
        }
    }
}

impl Header {
    pub(super) fn new(descr: Descr, dimensions: Vec<usize>) -> Self {
        Self { descr, fortran_order: false, dimensions }
    }

    /// The header and the bytes after it.
    pub(super) fn read(bytes: &[u8]) -> Result<(Self, &[u8]), NumpyError> {
        let wrong = |what: &str| NumpyError::Header(what.to_owned());
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| wrong("it does not begin as one"))?;
        let ([major, _minor], rest) = split_array(rest).ok_or_else(|| wrong("it is too short"))?;
        let (length, rest) = if major == 1 {
            let length =
                split_array(rest).map(|(n, rest)| (u32::from(u16::from_le_bytes(n)), rest));
            length.ok_or_else(|| wrong("it is too short"))?
        } else {
            let length = split_array(rest).map(|(n, rest)| (u32::from_le_bytes(n), rest));
            length.ok_or_else(|| wrong("it is too short"))?
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > MAX_TEXT {
            return Err(wrong("its header is longer than 64 KiB"));
        }
        let (text, data) = rest.split_at_checked(length).ok_or_else(|| wrong("it is too short"))?;
        let text = std::str::from_utf8(text).map_err(|_| wrong("its header is not text"))?;
        let header = Self::parse(text);
        let header =
            header.ok_or_else(|| NumpyError::Header(format!("header {:?}", text.trim_end())))?;
        Ok((header, data))
    }

    /// Parses `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`, keys in any order.
    fn parse(text: &str) -> Option<Self> {
        let (mut descr, mut fortran_order, mut dimensions) = (None, None, None);
        let mut rest = text.trim().strip_prefix('{')?.strip_suffix('}')?.trim();
        while !rest.is_empty() {
            let (key, after) = quoted(rest)?;
            let value = after.trim_start().strip_prefix(':')?.trim_start();
            let after = match key {
                "descr" => {
                    let (text, after) = quoted(value)?;
                    descr = Some(Descr::parse(text)?);
                    after
                }
                "fortran_order" => {
                    let is = value.strip_prefix("True").map(|after| (true, after));
                    let (is, after) = is.or_else(|| Some((false, value.strip_prefix("False")?)))?;
                    fortran_order = Some(is);
                    after
                }
                "shape" => {
                    let (tuple, after) = value.strip_prefix('(')?.split_once(')')?;
                    dimensions = Some(parse_dimensions(tuple)?);
                    after
                }
                _ => return None,
            };
            rest = after.trim_start();
            rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        }
        Some(Self { descr: descr?, fortran_order: fortran_order?, dimensions: dimensions? })
    }

    /// The bytes of the data.
    pub(super) fn byte_size(&self) -> Result<usize, NumpyError> {
        let mut sizes = self.dimensions.iter();
        let size = sizes.try_fold(self.descr.size, |size, &d| size.checked_mul(d));
        size.ok_or_else(|| NumpyError::Header(format!("shape {:?} is too large", self.dimensions)))
    }

    /// The header as NumPy writes it: version 1.0, padded so that the data are aligned to 64.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let dimensions: String = self.dimensions.iter().map(|d| format!("{d}, ")).collect();
        // One dimension keeps its comma: (5,) is a tuple in Python, (5) is not.
        let shape = match self.dimensions.len() {
            1 => dimensions.trim_end(),
            _ => dimensions.trim_end_matches([',', ' ']),
        };
        let Self { descr, fortran_order, .. } = self;
        let order = if *fortran_order { "True" } else { "False" };
        let text =
            format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({shape}), }}");
        let before = MAGIC.len() + 4;
        let length = (before + text.len() + 1).next_multiple_of(64) - before;
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&[1, 0]);
        let length_field = u16::try_from(length).expect("64 dimensions take less than 64 KiB");
        bytes.extend_from_slice(&length_field.to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
        bytes.resize(before + length - 1, b' ');
        bytes.push(b'\n');
        bytes
    }
}

fn split_array<const N: usize>(bytes: &[u8]) -> Option<([u8; N], &[u8])> {
    bytes.split_first_chunk().map(|(array, rest)| (*array, rest))
}

/// A Python string without escapes at the start of `text`, and what follows.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    text[1..].split_once(quote)
}

fn parse_dimensions(tuple: &str) -> Option<Vec<usize>> {
    let tuple = tuple.trim();
    let tuple = tuple.strip_suffix(',').unwrap_or(tuple);
    if tuple.is_empty() {
        return Some(Vec::new());
    }
    // Python 2 wrote long integers as `3L`.
    let number = |text: &str| text.trim().trim_end_matches('L').parse().ok();
    let dimensions: Vec<usize> = tuple.split(',').map(number).collect::<Option<_>>()?;
    (dimensions.len() <= MAX_RANK).then_some(dimensions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_all_ranks_round_trip() {
        for dimensions in [vec![], vec![5], vec![2, 3], vec![1, 0, 7]] {
            let header = Header::new(Descr::of(ElementType::BF16), dimensions);
            let bytes = header.to_bytes();
            assert_eq!(bytes.len() % 64, 0);
            let (read, data) = Header::read(&bytes).expect("our own header");
            assert_eq!((read, data.len()), (header, 0));
        }
    }

    #[test]
    fn the_text_is_what_numpy_writes() {
        let header = Header::new(Descr::of(ElementType::F32), vec![5]);
        let bytes = header.to_bytes();
        let text = std::str::from_utf8(&bytes[10..]).expect("text");
        assert_eq!(text.trim_end(), "{'descr': '<f4', 'fortran_order': False, 'shape': (5,), }");
    }

    #[test]
    fn malformed_headers_are_errors() {
        let texts = [
            "",
            "{",
            "{}",
            "((((((((",
            "{'descr': '<f4'}",
            "{'descr': '<f4', 'fortran_order': Maybe, 'shape': ()}",
            "{'descr': '', 'fortran_order': True, 'shape': ()}",
            "{'descr': '<f4', 'fortran_order': True, 'shape': (-1,)}",
            "{'descr': '<f99999999999999999999', 'fortran_order': True, 'shape': ()}",
            "{'descr': [('a', '<f4')], 'fortran_order': True, 'shape': ()}",
        ];
        assert!(texts.iter().all(|text| Header::parse(text).is_none()));
        for bytes in [
            &b""[..],
            b"\x93NUMPY",
            b"\x93NUMPY\x01\x00\xff\xff{",
            b"\x93NUMPY\x02\x00\xff\xff\xff\xff",
        ] {
            assert!(Header::read(bytes).is_err());
        }
    }

    #[test]
    fn absurd_sizes_are_errors() {
        let header = Header::new(Descr::of(ElementType::F32), vec![usize::MAX, 3]);
        assert!(header.byte_size().is_err());
    }
}
