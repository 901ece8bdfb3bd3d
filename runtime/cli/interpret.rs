//! `palmetto interpret`.

use std::io::Write;

use palmetto_compiler::evaluator::{CheckOutcome, EvaluatorOptions, evaluate};

use crate::arguments::InterpretArguments;
use crate::error::Failure;
use crate::inputs::Room;
use crate::progress::Progress;
use crate::{CHECK_FAILED, OK, inputs, outputs, program};

/// Runs a program on the reference evaluator, and delivers results and checks.
pub(crate) fn interpret(
    arguments: &InterpretArguments,
    out: &mut impl Write,
) -> Result<u8, Failure> {
    let module = program::read(&arguments.program.file)?;
    let options = EvaluatorOptions::default();
    let room = Room { bytes: options.memory_limit_bytes, of: "the evaluator" };
    let inputs = inputs::literals(&module, &arguments.inputs, &room)?;
    let progress = Progress::start(format!("evaluating {}", module.name()));
    let evaluation = evaluate(&module, &inputs, &options)?;
    drop(progress);
    outputs::deliver(&[evaluation.result], &arguments.outputs, out)?;
    for check in &evaluation.checks {
        writeln!(out, "{check}")?;
    }
    let passed = evaluation.checks.iter().all(CheckOutcome::passed);
    Ok(if passed { OK } else { CHECK_FAILED })
}
