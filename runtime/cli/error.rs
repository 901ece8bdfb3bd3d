//! What ends the tool early.

use std::io;
use std::path::{Path, PathBuf};

use palmetto_compiler::diagnostic::Diagnostic;
use palmetto_compiler::evaluator::EvaluationError;
use palmetto_runtime::numpy::NumpyError;
use palmetto_runtime::tolerance::ToleranceError;

/// Why the tool cannot go on. Its text is what the user sees on standard error.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A file cannot be read.
    #[error("error: cannot read {}: {source}", .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("error: cannot write {}: {source}", .path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A NumPy file cannot be used.
    #[error("error: {}: {source}", .path.display())]
    Numpy {
        /// Which.
        path: PathBuf,
        /// Why.
        source: NumpyError,
    },
    /// The user's program is wrong or asks for something unsupported.
    #[error("{0}")]
    Program(#[from] Diagnostic),
    /// The execution failed.
    #[error("error: {0}")]
    Run(#[from] palmetto_runtime::Error),
    /// The evaluation failed.
    #[error("error: {0}")]
    Evaluate(#[from] EvaluationError),
    /// The differences cannot be bounded.
    #[error("error: {0}")]
    Tolerance(#[from] ToleranceError),
    /// The arguments do not fit.
    #[error("error: {0}")]
    Usage(String),
    /// Standard output cannot be written.
    #[error("error: cannot write to standard output: {0}")]
    Output(#[from] io::Error),
}

impl Failure {
    pub(crate) fn read(path: &Path, source: io::Error) -> Self {
        Self::Read { path: path.to_owned(), source }
    }

    pub(crate) fn write(path: &Path, source: io::Error) -> Self {
        Self::Write { path: path.to_owned(), source }
    }

    /// Does its text say where in which file?
    pub(crate) fn has_place(&self) -> bool {
        matches!(self, Self::Program(diagnostic) if diagnostic.place().is_some())
    }

    /// Does nobody listen any more? That is no failure worth a message.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
