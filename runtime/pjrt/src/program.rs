//! Programs as JAX sends them.

use palmetto_runtime::Module;
use palmetto_runtime::program::read_program;

use crate::abi::executable::PJRT_Program;
use crate::abi::{Args, text};
use crate::error::{Error, code_of_diagnostic};

/// The one format that is read: StableHLO, as bytecode or text.
const MLIR: &str = "mlir";

/// Reads a program.
///
/// # Errors
/// It is of another format, malformed, or has something that is not supported.
pub(crate) fn read(program: Args<'_, PJRT_Program>) -> Result<Module, Error> {
    let format = text("format", program.format()?)?;
    if format != MLIR {
        return Err(Error::unimplemented(format!(
            "a program in format `{format}`; `{MLIR}` is supported"
        )));
    }
    read_program("program", program.code()?)
        .map_err(|diagnostic| Error::new(code_of_diagnostic(&diagnostic), diagnostic.to_string()))
}
