//! Programs from outside -> HLO.
//!
//! Reads StableHLO as text, in pretty and generic form: [`split_programs`] cuts a file into
//! programs and [`parse_program`] makes a syntax tree of one. [`parse_bytecode`] makes the same
//! tree of MLIR bytecode, and [`import_module`] makes the HLO module of one of its functions.
//! Whatever is wrong with a program is a [`Diagnostic`] with its place in the text or in the
//! file; nothing panics, however malformed either is.

mod bytecode;
mod export;
mod source;
mod stablehlo;
mod syntax;
mod text;

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, SourceText};
use crate::hlo::Module;
pub use source::{SourceChunk, split_programs};
pub use stablehlo::{EntryPoint, FunctionSummary, importable_operations, list_functions};
pub use syntax::Program;

use source::{Source, SourceError};

/// The oldest and the newest version of the portable StableHLO format whose programs
/// [`parse_bytecode`] reads: major, minor, patch. Programs of newer versions are read too if they
/// have nothing new.
pub const PORTABLE_VERSIONS: [[u32; 3]; 2] = bytecode::VERSIONS;

/// Parses one program in MLIR text.
///
/// # Errors
/// The first thing that is no MLIR, or a value used with a type that is not its own.
pub fn parse_program(source: SourceChunk) -> Result<Program, Diagnostic> {
    text::parse(source).map_err(|(source, error)| diagnose(&Source::Text(source), error))
}

/// Whether a file is MLIR bytecode.
pub fn is_bytecode(bytes: &[u8]) -> bool {
    bytecode::is_bytecode(bytes)
}

/// Reads one program in MLIR bytecode: a portable StableHLO artifact. `file` is its name in
/// messages; constants of the program share the bytes.
///
/// # Errors
/// The first thing that is no bytecode, or an operation, attribute or type of a dialect or a
/// version that is not known.
pub fn parse_bytecode(file: &str, bytes: impl Into<Arc<[u8]>>) -> Result<Program, Diagnostic> {
    bytecode::parse(file, &bytes.into())
        .map_err(|error| diagnose(&Source::Bytecode { file: file.to_owned() }, error))
}

/// The program in bytecode that an artifact of `jax.export` has.
///
/// # Errors
/// The file is no such artifact.
pub fn exported_module<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a [u8], Diagnostic> {
    export::module_of(file, bytes).map(|range| &bytes[range])
}

/// Makes the HLO module of one function of a program, with everything that it calls.
///
/// The function's arguments become the entry computation's parameters. A single result is the
/// root itself; none or several are a tuple.
///
/// # Errors
/// An operation, type or attribute that is not supported, an operation whose operands do not fit,
/// or a result type that is not what the operation gives.
pub fn import_module(program: &Program, entry: &EntryPoint) -> Result<Module, Diagnostic> {
    stablehlo::import(program, entry).map_err(|error| diagnose(&program.source, error))
}

fn diagnose(source: &Source, error: SourceError) -> Diagnostic {
    let message = match error.origin {
        Some(origin) => format!("{} (from {origin})", error.message),
        None => error.message,
    };
    let diagnostic = match error.is_unsupported {
        true => Diagnostic::new(message).unsupported(),
        false => Diagnostic::new(message),
    };
    match source {
        Source::Text(SourceChunk { file, first_line, text }) => {
            let text = SourceText::new(file, text).starting_at_line(*first_line);
            diagnostic.at(text, error.span.start..error.span.end)
        }
        Source::Bytecode { file } => diagnostic.at_offset(file, error.span.start),
    }
}
