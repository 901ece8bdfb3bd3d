//! `palmetto run`.

use std::io::Write;

use palmetto_compiler::options::CompileOptions;
use palmetto_runtime::{LoadedExecutable, MAX_TRIPS, RunOptions};

use crate::arguments::RunArguments;
use crate::error::Failure;
use crate::inputs::Room;
use crate::progress::Progress;
use crate::{CHECK_FAILED, OK, inputs, outputs, program};

/// Compiles a program, runs it on one chip, and delivers results, checks and report.
pub(crate) fn run(arguments: &RunArguments, out: &mut impl Write) -> Result<u8, Failure> {
    let module = program::read(&arguments.program.file)?;
    let options = compile_options(arguments.strict);
    let room = Room { bytes: options.chip.hbm_bytes, of: "the chip's HBM" };
    let inputs = inputs::literals(&module, &arguments.inputs, &room)?;
    let progress = Progress::start(format!("compiling {}", module.name()));
    let loaded = LoadedExecutable::compile(&module, &options)?;
    let options =
        RunOptions { strict: arguments.strict, clock: arguments.timing, max_trips: MAX_TRIPS };
    let execution = loaded.run_watched(&inputs, &options, Some(progress.watch("running")))?;
    drop(progress);
    if arguments.json {
        outputs::write(&execution.outputs, &arguments.outputs)?;
        serde_json::to_writer_pretty(&mut *out, &execution.report).map_err(std::io::Error::from)?;
        writeln!(out)?;
    } else {
        outputs::deliver(&execution.outputs, &arguments.outputs, out)?;
        for check in &execution.checks {
            writeln!(out, "{check}")?;
        }
        if arguments.report {
            write!(out, "\n{}", execution.report)?;
        }
    }
    let passed = execution.checks.iter().all(|check| check.passed());
    Ok(if passed { OK } else { CHECK_FAILED })
}

/// Strict runs prove the code before they run it.
fn compile_options(strict: bool) -> CompileOptions {
    let options = CompileOptions::v4();
    if strict { options.checked() } else { options }
}
