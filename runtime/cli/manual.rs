//! `palmetto manual`.

use std::io::Write;

use palmetto_isa::{TPU_V4, manual::print_manual};

use crate::OK;
use crate::error::Failure;

/// Prints the manual of the instruction set.
pub(crate) fn manual(out: &mut impl Write) -> Result<u8, Failure> {
    out.write_all(print_manual(&TPU_V4).as_bytes())?;
    Ok(OK)
}
