//! Bytes -> program, the inverse of [`encode`](crate::encode).
//!
//! The bytes may come from anywhere: nothing panics, and what is allocated is bounded by the length
//! of the bytes and by [`Program::MAX_BUNDLES`]. A decoded program is well-formed, not yet legal:
//! [`verify_program`](crate::verify::verify_program) says whether a chip may run it.

use crate::{
    Bundle, DmaDescriptor, DmaDimension, MemorySpace, Op, Program,
    bundle::SlotFull,
    encode::{MAGIC, VERSION, table_fingerprint},
    row::{Field, FieldSource, Kind, ROWS},
};
use thiserror::Error;

/// The bytes are no program.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("byte {offset}: {cause}")]
pub struct DecodeError {
    /// Where, counted from the first byte.
    pub offset: usize,
    /// What is wrong there.
    pub cause: DecodeCause,
}

/// Why bytes are no program.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecodeCause {
    /// The bytes end too early.
    #[error("the bytes end within {expected}")]
    Truncated {
        /// What was being read.
        expected: &'static str,
    },
    /// The bytes begin with something else.
    #[error("found {found:02x?}, expected the magic {MAGIC:02x?}")]
    Magic {
        /// The first bytes.
        found: [u8; 4],
    },
    /// Another version of the format.
    #[error("format version {found}, expected {VERSION}")]
    Version {
        /// The version in the header.
        found: u8,
    },
    /// Encoded with another op table.
    #[error("encoded with op table {found:08x}, this one is {expected:08x}: encode it anew")]
    Table {
        /// The fingerprint in the header.
        found: u32,
        /// The fingerprint of the table.
        expected: u32,
    },
    /// A number larger than what it is used for allows.
    #[error("{what} is {found}, at most {limit} is allowed")]
    TooLarge {
        /// What the number is.
        what: &'static str,
        /// The number; numbers beyond 64 bits are shown as the largest one.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// The name is not UTF-8.
    #[error("the name of the program is not UTF-8")]
    Name,
    /// A row of the bundle section that stands for no bundle.
    #[error("a run of 0 empty bundles")]
    EmptyRun,
    /// A bundle holds too many ops of a slot.
    #[error(transparent)]
    SlotFull(SlotFull),
    /// There is more after the program.
    #[error("{count} bytes after the end of the program")]
    Trailing {
        /// How many.
        count: usize,
    },
}

/// Decodes a whole program.
///
/// # Errors
/// If the bytes are anything but one encoded program.
pub fn decode(bytes: &[u8]) -> Result<Program, DecodeError> {
    let mut reader = Reader { bytes, offset: 0 };
    decode_header(&mut reader)?;
    let name = decode_name(&mut reader)?;
    let n_arguments = reader.number_u32("the number of arguments")?;
    let vmem_granules = reader.number_u32("the number of VMEM granules")?;
    let n_descriptors = reader.number_u32("the number of descriptors")?;
    let descriptors =
        (0..n_descriptors).map(|_| decode_descriptor(&mut reader)).collect::<Result<_, _>>()?;
    let bundles = decode_bundles(&mut reader)?;
    match bytes.len() - reader.offset {
        0 => Ok(Program { name, bundles, descriptors, vmem_granules, n_arguments }),
        count => Err(reader.error(DecodeCause::Trailing { count })),
    }
}

fn decode_header(reader: &mut Reader<'_>) -> Result<(), DecodeError> {
    let start = reader.offset;
    let found = reader.array("the magic")?;
    if found != MAGIC {
        return Err(DecodeError { offset: start, cause: DecodeCause::Magic { found } });
    }
    let start = reader.offset;
    let [found] = reader.array("the version")?;
    if found != VERSION {
        return Err(DecodeError { offset: start, cause: DecodeCause::Version { found } });
    }
    let start = reader.offset;
    let found = u32::from_le_bytes(reader.array("the fingerprint of the op table")?);
    let expected = table_fingerprint();
    if found != expected {
        return Err(DecodeError { offset: start, cause: DecodeCause::Table { found, expected } });
    }
    Ok(())
}

fn decode_name(reader: &mut Reader<'_>) -> Result<String, DecodeError> {
    let length = reader.number_u32("the length of the name")?;
    let start = reader.offset;
    let bytes = reader.take(length as usize, "the name")?;
    match str::from_utf8(bytes) {
        Ok(name) => Ok(name.to_owned()),
        Err(error) => {
            Err(DecodeError { offset: start + error.valid_up_to(), cause: DecodeCause::Name })
        }
    }
}

fn decode_descriptor(reader: &mut Reader<'_>) -> Result<DmaDescriptor, DecodeError> {
    let source = decode_space(reader, "the source of a descriptor")?;
    let target = decode_space(reader, "the target of a descriptor")?;
    let granules = reader.number_u32("the granules of a descriptor")?;
    let n_dimensions = reader.number_u32("the number of dimensions")?;
    let dimensions = (0..n_dimensions)
        .map(|_| {
            Ok(DmaDimension {
                count: reader.number_u32("the count of a dimension")?,
                source_stride: reader.number_i32("a source stride")?,
                target_stride: reader.number_i32("a target stride")?,
            })
        })
        .collect::<Result<_, _>>()?;
    Ok(DmaDescriptor { source, target, granules, dimensions })
}

fn decode_space(reader: &mut Reader<'_>, what: &'static str) -> Result<MemorySpace, DecodeError> {
    let offset = reader.offset;
    let [code] = reader.array(what)?;
    MemorySpace::ALL.get(usize::from(code)).copied().ok_or_else(|| {
        let limit = MemorySpace::ALL.len() as u64 - 1;
        DecodeError { offset, cause: DecodeCause::TooLarge { what, found: u64::from(code), limit } }
    })
}

fn decode_bundles(reader: &mut Reader<'_>) -> Result<Vec<Bundle>, DecodeError> {
    let count = reader.number("the number of bundles", Program::MAX_BUNDLES as u64)?;
    let mut bundles = Vec::new();
    while (bundles.len() as u64) < count {
        let [n_ops] = reader.array("the number of ops of a bundle")?;
        if n_ops > 0 {
            bundles.push(decode_bundle(reader, n_ops)?);
            continue;
        }
        let left = count - bundles.len() as u64;
        let offset = reader.offset;
        let run = reader.number("the length of a run of empty bundles", left)?;
        if run == 0 {
            return Err(DecodeError { offset, cause: DecodeCause::EmptyRun });
        }
        bundles.extend((0..run).map(|_| Bundle::default()));
    }
    Ok(bundles)
}

fn decode_bundle(reader: &mut Reader<'_>, n_ops: u8) -> Result<Bundle, DecodeError> {
    let mut bundle = Bundle::default();
    for _ in 0..n_ops {
        let offset = reader.offset;
        let op = decode_op(reader)?;
        bundle
            .push(op)
            .map_err(|full| DecodeError { offset, cause: DecodeCause::SlotFull(full) })?;
    }
    Ok(bundle)
}

fn decode_op(reader: &mut Reader<'_>) -> Result<Op, DecodeError> {
    let offset = reader.offset;
    let limit = ROWS.len() as u64 - 1;
    let opcode = reader.number("the opcode", limit)?;
    let row = usize::try_from(opcode).unwrap_or(usize::MAX);
    Op::build(row, reader)?.ok_or(DecodeError {
        offset,
        cause: DecodeCause::TooLarge { what: "the opcode", found: opcode, limit },
    })
}

/// What is left of the bytes.
struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    fn error(&self, cause: DecodeCause) -> DecodeError {
        DecodeError { offset: self.offset, cause }
    }

    fn take(&mut self, count: usize, expected: &'static str) -> Result<&'a [u8], DecodeError> {
        let end = self.offset.checked_add(count);
        let Some(bytes) = end.and_then(|end| self.bytes.get(self.offset..end)) else {
            return Err(self.error(DecodeCause::Truncated { expected }));
        };
        self.offset += count;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self, expected: &'static str) -> Result<[u8; N], DecodeError> {
        let bytes = self.take(N, expected)?;
        Ok(bytes.try_into().expect("`take` gives as many bytes as asked for"))
    }

    /// A LEB128 number of at most `limit`.
    fn number(&mut self, what: &'static str, limit: u64) -> Result<u64, DecodeError> {
        let offset = self.offset;
        let too_large =
            |found| DecodeError { offset, cause: DecodeCause::TooLarge { what, found, limit } };
        let mut value: u64 = 0;
        let mut shift = 0;
        loop {
            let [byte] = self.array(what)?;
            let low = u64::from(byte & 0x7f);
            if shift >= u64::BITS || low << shift >> shift != low {
                return Err(too_large(u64::MAX));
            }
            value |= low << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        if value > limit { Err(too_large(value)) } else { Ok(value) }
    }

    fn number_u32(&mut self, what: &'static str) -> Result<u32, DecodeError> {
        let value = self.number(what, u64::from(u32::MAX))?;
        Ok(u32::try_from(value).expect("`number` keeps the limit"))
    }

    fn number_i32(&mut self, what: &'static str) -> Result<i32, DecodeError> {
        let zigzag = self.number_u32(what)?;
        Ok((zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed())
    }
}

impl FieldSource for Reader<'_> {
    type Error = DecodeError;

    fn byte(&mut self, field: &Field) -> Result<u8, DecodeError> {
        let [byte] = self.array(field.name)?;
        Ok(byte)
    }

    fn word(&mut self, field: &Field) -> Result<u32, DecodeError> {
        match field.kind {
            Kind::I32 => Ok(self.number_i32(field.name)?.cast_unsigned()),
            Kind::U32 | Kind::U8 | Kind::V | Kind::S | Kind::M => self.number_u32(field.name),
        }
    }
}
