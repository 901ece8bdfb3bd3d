//! `palmetto interpret`.

use std::io::Write;

use palmetto_compiler::evaluator::{EvaluatorOptions, evaluate};

use crate::arguments::InterpretArguments;
use crate::error::Failure;
use crate::progress::Progress;
use crate::{OK, inputs, outputs, program};

/// Runs a program on the reference evaluator.
pub(crate) fn interpret(
    arguments: &InterpretArguments,
    out: &mut impl Write,
) -> Result<u8, Failure> {
    let module = program::read(&arguments.program.file)?;
    let inputs = inputs::literals(&module, &arguments.inputs)?;
    let progress = Progress::start(format!("evaluating {}", module.name()));
    let evaluation = evaluate(&module, &inputs, &EvaluatorOptions::default())?;
    drop(progress);
    outputs::deliver(&[evaluation.result], &arguments.outputs, out)?;
    Ok(OK)
}
