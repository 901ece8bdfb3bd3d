//! Programs from files.

use std::fs;
use std::path::Path;

use palmetto_compiler::hlo::Module;
use palmetto_runtime::program::read_program;

use crate::error::Failure;

/// The bytes of a file.
///
/// # Errors
/// It cannot be read.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|source| Failure::read(path, source))
}

/// The one program of a file.
///
/// # Errors
/// It cannot be read, or is not one.
pub(crate) fn read(path: &Path) -> Result<Module, Failure> {
    let bytes = read_bytes(path)?;
    Ok(read_program(&path.display().to_string(), bytes)?)
}
