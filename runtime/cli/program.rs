//! Programs from files.

use std::fs;
use std::path::Path;

use palmetto_compiler::hlo::Module;
use palmetto_runtime::program::read_program;

use crate::error::Failure;

/// The text of a file.
///
/// # Errors
/// It cannot be read, or is no text.
pub(crate) fn read_text(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|source| Failure::read(path, source))
}

/// The one program of a file.
///
/// # Errors
/// It cannot be read, or is not one.
pub(crate) fn read(path: &Path) -> Result<Module, Failure> {
    let text = read_text(path)?;
    Ok(read_program(&path.display().to_string(), &text)?)
}
