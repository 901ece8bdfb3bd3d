//! The binary form of an [`Executable`]: what a compilation cache keeps.
//!
//! ```text
//! magic "PLMX"; version, fingerprint of the op table (4 bytes each); length of the rest and its
//! hash (FNV-1a, 64 bits; 8 bytes each); all little-endian
//! the rest: [`Image`] in the postcard format
//! ```
//!
//! Programs are in their own binary form, shapes and the optimized module in HLO's text form; an op
//! that is modelled is named by its computation and its name. What is left out is only looked at:
//! the LLO of the kernels. Everything that is read is checked, so that foreign data is an error.

mod check;
mod image;
mod steps;

use palmetto_compiler::executable as compiled;
use palmetto_isa::{ChipSpec, encode::table_fingerprint};

use crate::Error;
use image::Image;

const MAGIC: [u8; 4] = *b"PLMX";
const VERSION: u32 = 1;
/// Bytes before the image.
const HEADER: usize = 28;

/// A program and how many devices it is for.
pub(crate) struct Stored {
    pub(crate) program: compiled::Executable,
    pub(crate) n_replicas: usize,
    pub(crate) n_partitions: usize,
}

/// The binary form.
pub(crate) fn serialize(
    program: &compiled::Executable,
    n_replicas: usize,
    n_partitions: usize,
) -> Result<Vec<u8>, Error> {
    let image = Image::of(program, n_replicas, n_partitions);
    let rest = postcard::to_stdvec(&image).map_err(|error| Error::Serialized(error.to_string()))?;
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend(table_fingerprint().to_le_bytes());
    bytes.extend((rest.len() as u64).to_le_bytes());
    bytes.extend(hash64(&rest).to_le_bytes());
    bytes.extend(rest);
    Ok(bytes)
}

/// The program in `bytes`, if it is one for `chip`.
pub(crate) fn deserialize(bytes: &[u8], chip: &ChipSpec) -> Result<Stored, Error> {
    let foreign = |what: &str| Error::Serialized(what.to_owned());
    let Some((header, rest)) = bytes.split_at_checked(HEADER) else {
        return Err(foreign("it is shorter than a header"));
    };
    let word = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|n| header[at + n]));
    let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
    if header[..4] != MAGIC {
        return Err(foreign("it does not begin with PLMX"));
    }
    if word(4) != VERSION {
        return Err(foreign(&format!("it has version {}, this reads {VERSION}", word(4))));
    }
    if word(8) != table_fingerprint() {
        return Err(foreign("it was made with another table of ops"));
    }
    if long(12) != rest.len() as u64 || long(20) != hash64(rest) {
        return Err(foreign("it is damaged: length or hash are not those of its content"));
    }
    let image: Image = postcard::from_bytes(rest).map_err(|error| foreign(&error.to_string()))?;
    let stored = image.to_stored(chip)?;
    check::check(&stored.program).map_err(Error::Serialized)?;
    Ok(stored)
}

/// A name for bytes, so that equal ones have equal names.
pub(crate) fn fingerprint(bytes: &[u8]) -> String {
    let hash = bytes.iter().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, &byte| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b)
    });
    format!("{hash:032x}")
}

/// FNV-1a.
fn hash64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
