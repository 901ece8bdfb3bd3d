//! The whole compiler: passes, then code.

use thiserror::Error;

use crate::{
    codegen::{self, CodegenError},
    executable::Executable,
    hlo::Module,
    options::CompileOptions,
    passes::PassContext,
    pipeline::{OPTIMIZE, PipelineError, run_passes},
};

/// Why a module cannot be compiled.
#[derive(Debug, Error)]
pub enum CompileError {
    /// A pass failed.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// There is no code.
    #[error(transparent)]
    Codegen(#[from] CodegenError),
}

/// Runs all passes; `observe` sees the module after each that changed it.
///
/// # Errors
/// See [`PipelineError`].
pub fn optimize(
    module: &mut Module,
    options: &CompileOptions,
    observe: &mut dyn FnMut(&'static str, &Module),
) -> Result<(), PipelineError> {
    let context = PassContext { options: options.clone() };
    run_passes(module, &context, OPTIMIZE, observe)
}

/// Compiles a verified module.
///
/// # Errors
/// See [`CompileError`].
pub fn compile(module: &Module, options: &CompileOptions) -> Result<Executable, CompileError> {
    let mut module = module.clone();
    optimize(&mut module, options, &mut |_, _| {})?;
    Ok(codegen::generate(&module, options)?)
}
