//! NumPy files: `.npy` holds one array, `.npz` is a ZIP archive of them.
//!
//! Reads every version of the format, both byte orders and both dimension orders. Files come from
//! anywhere, so the header parser is a loop with bounds and not a general reader of Python
//! literals. NumPy has no bf16, no floats of 8 bits and less, no integers of 4 and 2: libraries
//! that add them write "void" elements, of 2 bytes for bf16 and of 1 for the others. These are read
//! as the type that is wanted, 2-byte ones as bf16 where none is, and are written in the same way.
//!
//! Not read: structured, string, date and pickled arrays.

use std::fmt;
use std::fs;
use std::io::{self, Cursor, Read, Write};
use std::path::Path;

use palmetto_compiler::hlo::{ArrayLiteral, ArrayShape, ElementType, LiteralError};
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

mod header;

use header::Header;
pub use header::{Descr, Kind};

/// What can be wrong with a NumPy file.
#[derive(Debug, thiserror::Error)]
pub enum NumpyError {
    /// The file system's answer.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Not a ZIP archive, or a damaged one.
    #[error("not a readable .npz archive: {0}")]
    Zip(#[from] zip::result::ZipError),
    /// The header breaks the format.
    #[error("not a readable .npy array: {0}")]
    Header(String),
    /// The data end early.
    #[error("the header promises {needed} bytes of data, there are {given}")]
    Truncated {
        /// What the header promises.
        needed: usize,
        /// What there is.
        given: usize,
    },
    /// The elements are of a type that no HLO type represents.
    #[error(
        "elements of NumPy type {0} have no counterpart; allowed are b1, i, u, f, c, V2 (bf16) and V1 \
         where the wanted type is known"
    )]
    Unsupported(Descr),
    /// The elements are not of the wanted type.
    #[error(
        "elements are {given} (NumPy {descr}), {wanted} was expected{}",
        if *.castable { "; `--cast` converts them" } else { "" }
    )]
    ElementType {
        /// What the file has.
        given: String,
        /// The file's notation for it.
        descr: Descr,
        /// What was wanted.
        wanted: ElementType,
        /// Would a cast help?
        castable: bool,
    },
    /// The values do not fit a literal.
    #[error(transparent)]
    Literal(#[from] LiteralError),
}

/// An array as a file has it, its data already row-major and little-endian.
#[derive(Clone, Debug)]
pub struct NumpyArray {
    /// The type of its elements.
    pub descr: Descr,
    /// Its dimensions.
    pub dimensions: Vec<usize>,
    data: Vec<u8>,
}

/// The arrays of a `.npy` (one, without a name) or `.npz` file, in the file's order.
///
/// # Errors
/// The file cannot be read or is not in one of the two formats.
pub fn read_file(path: &Path) -> Result<Vec<(Option<String>, NumpyArray)>, NumpyError> {
    let bytes = fs::read(path)?;
    if bytes.starts_with(b"PK") {
        return read_npz(&bytes);
    }
    Ok(vec![(None, NumpyArray::read(&bytes)?)])
}

fn read_npz(bytes: &[u8]) -> Result<Vec<(Option<String>, NumpyArray)>, NumpyError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes))?;
    let mut arrays = Vec::new();
    for index in 0..archive.len() {
        let mut member = archive.by_index(index)?;
        let name = member.name()?.strip_suffix(".npy").map(str::to_owned);
        let mut content = Vec::new();
        member.read_to_end(&mut content)?;
        arrays.push((name, NumpyArray::read(&content)?));
    }
    Ok(arrays)
}

/// Writes `literal` as a `.npy` file.
///
/// # Errors
/// The file system's.
pub fn write_npy(path: &Path, literal: &ArrayLiteral) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(&npy_bytes(literal))?;
    file.sync_all()
}

/// Writes named literals as a `.npz` file; the same literals give the same bytes.
///
/// # Errors
/// The file system's.
pub fn write_npz(path: &Path, arrays: &[(String, ArrayLiteral)]) -> io::Result<()> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options =
        SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(true);
    for (name, literal) in arrays {
        archive.start_file(format!("{name}.npy"), options)?;
        archive.write_all(&npy_bytes(literal))?;
    }
    let mut file = fs::File::create(path)?;
    file.write_all(archive.finish()?.get_ref())?;
    file.sync_all()
}

fn npy_bytes(literal: &ArrayLiteral) -> Vec<u8> {
    let descr = Descr::of(literal.element_type());
    let mut bytes = Header::new(descr, literal.shape().dimensions().to_vec()).to_bytes();
    bytes.extend_from_slice(literal.bytes());
    bytes
}

impl NumpyArray {
    /// Reads the content of a `.npy` file.
    ///
    /// # Errors
    /// The content breaks the format or ends early.
    pub fn read(bytes: &[u8]) -> Result<Self, NumpyError> {
        let (header, data) = Header::read(bytes)?;
        let needed = header.byte_size()?;
        let Some(data) = data.get(..needed) else {
            return Err(NumpyError::Truncated { needed, given: data.len() });
        };
        let size = header.descr.size;
        let mut data = data.to_vec();
        if header.descr.big_endian {
            let part = if header.descr.kind == Kind::Complex { size / 2 } else { size };
            data.chunks_mut(part.max(1)).for_each(<[u8]>::reverse);
        }
        if header.fortran_order {
            data = row_major(&data, &header.dimensions, size);
        }
        Ok(Self { descr: header.descr, dimensions: header.dimensions, data })
    }

    /// The array as a literal of `wanted` elements.
    ///
    /// Without `cast` the file must have exactly that type (2-byte voids are bf16). With it, every
    /// element becomes the nearest value of the wanted type.
    ///
    /// # Errors
    /// The type is another one, or has no counterpart.
    pub fn to_literal(&self, wanted: ElementType, cast: bool) -> Result<ArrayLiteral, NumpyError> {
        let is_void = self.descr.kind == Kind::Void;
        if is_void && Descr::of(wanted) == self.descr {
            return self.as_given(wanted);
        }
        let given = self.descr.element_type().ok_or(NumpyError::Unsupported(self.descr))?;
        let literal = self.as_given(given)?;
        if given == wanted {
            return Ok(literal);
        }
        if !cast {
            let (given, descr) = (given.text().to_owned(), self.descr);
            return Err(NumpyError::ElementType { given, descr, wanted, castable: true });
        }
        let mut result = ArrayLiteral::zeros(&literal.shape().with_element_type(wanted));
        for element in 0..literal.element_count() {
            match literal.get_i64(element) {
                Some(value) => result.set_i64(element, value),
                None => result.set_f64(element, literal.get_f64(element)),
            }
        }
        Ok(result)
    }

    /// The array as a literal of its own type.
    ///
    /// # Errors
    /// The type has no counterpart.
    pub fn to_own_literal(&self) -> Result<ArrayLiteral, NumpyError> {
        let given = self.descr.element_type().ok_or(NumpyError::Unsupported(self.descr))?;
        self.as_given(given)
    }

    fn as_given(&self, element_type: ElementType) -> Result<ArrayLiteral, NumpyError> {
        let shape = ArrayShape::new(element_type, self.dimensions.clone());
        let shape = shape.map_err(LiteralError::from)?;
        Ok(ArrayLiteral::from_bytes(shape, &self.data)?)
    }
}

/// Column-major data made row-major.
fn row_major(data: &[u8], dimensions: &[usize], size: usize) -> Vec<u8> {
    let mut strides = vec![size; dimensions.len()];
    for n in 1..dimensions.len() {
        strides[n] = strides[n - 1] * dimensions[n - 1];
    }
    let mut result = Vec::with_capacity(data.len());
    let mut index = vec![0; dimensions.len()];
    while result.len() < data.len() {
        let place: usize = index.iter().zip(&strides).map(|(i, stride)| i * stride).sum();
        result.extend_from_slice(&data[place..place + size]);
        for (i, &dimension) in index.iter_mut().zip(dimensions).rev() {
            *i += 1;
            if *i < dimension {
                break;
            }
            *i = 0;
        }
    }
    result
}

impl fmt::Display for NumpyArray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:?}", self.descr, self.dimensions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy(descr: &str, order: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let text =
            format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
        let length = u16::try_from(text.len()).expect("short").to_le_bytes();
        [b"\x93NUMPY\x01\x00".as_slice(), &length, text.as_bytes(), data].concat()
    }

    fn values(bytes: &[u8], wanted: ElementType) -> Result<Vec<f64>, NumpyError> {
        let literal = NumpyArray::read(bytes)?.to_literal(wanted, false)?;
        Ok((0..literal.element_count()).map(|n| literal.get_f64(n)).collect())
    }

    #[test]
    fn orders_of_bytes_and_dimensions_do_not_matter() {
        let bytes: Vec<u8> = (1..=6_i16).flat_map(i16::to_le_bytes).collect();
        let big: Vec<u8> = (1..=6_i16).flat_map(i16::to_be_bytes).collect();
        let read = |bytes: &[u8]| values(bytes, ElementType::S16).expect("an array");
        assert_eq!(read(&npy("<i2", "False", "(2, 3)", &bytes)), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(read(&npy(">i2", "False", "(6,)", &big)), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(read(&npy("<i2", "True", "(2, 3)", &bytes)), [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
    }

    #[test]
    fn two_byte_voids_are_bf16() {
        let read =
            values(&npy("<V2", "False", "(2,)", &[0x80, 0x3f, 0x00, 0xc0]), ElementType::BF16);
        assert_eq!(read.expect("bf16"), [1.0, -2.0]);
    }

    #[test]
    fn wrong_types_and_short_data_are_errors() {
        let text = |result: Result<Vec<f64>, NumpyError>| result.expect_err("an error").to_string();
        let floats = npy("<f4", "False", "(1,)", &[0; 4]);
        let error = text(values(&floats, ElementType::BF16));
        assert!(error.contains("elements are f32 (NumPy <f4), bf16 was expected"), "{error}");
        let error = text(values(&npy("<U3", "False", "()", &[0; 12]), ElementType::F32));
        assert!(error.contains("promises") || error.contains("<U3"), "{error}");
        let error = text(values(&npy("|O", "False", "()", &[]), ElementType::F32));
        assert!(error.contains("NumPy type |O have no counterpart"), "{error}");
        let error = text(values(&npy("<f4", "False", "(9,)", &[0; 35]), ElementType::F32));
        assert!(error.contains("promises 36 bytes of data, there are 35"), "{error}");
        let error = text(values(&npy("<f4", "False", "(1e9,)", &[]), ElementType::F32));
        assert!(error.contains("not a readable .npy array"), "{error}");
        let error = text(values(&npy("|b1", "False", "(1,)", &[2]), ElementType::Pred));
        assert!(error.contains("only 0 and 1"), "{error}");
    }

    #[test]
    fn empty_arrays_are_arrays() {
        for order in ["True", "False"] {
            let read = values(&npy("<f4", order, "(0, 3)", &[]), ElementType::F32);
            assert!(read.expect("an array").is_empty());
        }
    }
}
