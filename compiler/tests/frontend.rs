//! The StableHLO front end, through its public interface.

#![expect(clippy::unwrap_used, reason = "what fails to unwrap fails its test")]

#[path = "frontend/bytecode.rs"]
mod bytecode;
#[path = "frontend/control.rs"]
mod control;
#[path = "frontend/errors.rs"]
mod errors;
#[path = "frontend/import.rs"]
mod import;
#[path = "frontend/jax.rs"]
mod jax;
#[path = "frontend/refused.rs"]
mod refused;
#[path = "frontend/robustness.rs"]
mod robustness;
#[path = "frontend/syntax.rs"]
mod syntax;

use palmetto_compiler::diagnostic::Diagnostic;
use palmetto_compiler::frontend::{
    EntryPoint, Program, SourceChunk, import_module, list_functions, parse_program,
};
use palmetto_compiler::hlo::{Module, verify};

fn parse(text: &str) -> Result<Program, Diagnostic> {
    parse_program(SourceChunk::whole("test.mlir", text))
}

/// Imports `@main`, or the first function of a text without it. Whatever is imported is legal.
fn import(text: &str) -> Result<Module, Diagnostic> {
    let program = parse(text)?;
    let functions = list_functions(&program);
    let entry = match functions.first() {
        Some(first) if functions.iter().all(|function| function.name != "main") => {
            EntryPoint::Function(first.name.clone())
        }
        _ => EntryPoint::Main,
    };
    let module = import_module(&program, &entry)?;
    verify(&module).unwrap_or_else(|error| panic!("{error}\n{module}"));
    Ok(module)
}
