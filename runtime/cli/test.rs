//! `palmetto test`: programs that check themselves.
//!
//! One line per check, one per file, and a last one that counts files. A file passes if every
//! check of each of its programs holds.

use std::io::{self, Write};
use std::path::Path;

use palmetto_compiler::evaluator::{CheckOutcome, EvaluatorOptions, evaluate};
use palmetto_compiler::hlo::{Module, Precision};
use palmetto_compiler::options::CompileOptions;
use palmetto_runtime::program::{TestProgram, read_tests};
use palmetto_runtime::{Clock, LoadedExecutable, MAX_TRIPS, RunOptions};

use crate::arguments::{Engine, TestArguments};
use crate::error::Failure;
use crate::progress::Progress;
use crate::{CHECK_FAILED, FAILED, OK, program};

/// What a file came to.
#[derive(Default)]
struct Tally {
    checks: usize,
    failed: usize,
    errors: usize,
}

/// Runs every program of every file.
pub(crate) fn test(arguments: &TestArguments, out: &mut impl Write) -> Result<u8, Failure> {
    let (mut passed, mut failed, mut broken) = (0_usize, 0_usize, false);
    for path in &arguments.files {
        let tally = test_file(path, arguments.engine, out)?;
        let good = tally.failed == 0 && tally.errors == 0;
        *(if good { &mut passed } else { &mut failed }) += 1;
        broken |= tally.errors > 0;
        writeln!(out, "{}: {tally}", path.display())?;
        out.flush()?;
    }
    writeln!(out, "{passed} passed, {failed} failed")?;
    Ok(match (broken, failed) {
        (true, _) => FAILED,
        (false, 0) => OK,
        (false, _) => CHECK_FAILED,
    })
}

fn test_file(path: &Path, engine: Engine, out: &mut impl Write) -> Result<Tally, Failure> {
    let mut tally = Tally::default();
    let name = path.display().to_string();
    let tests = program::read_bytes(path).and_then(|bytes| Ok(read_tests(&name, bytes)?));
    let tests = match tests {
        Ok(tests) => tests,
        Err(failure) => {
            report(&mut tally, out, &failure, None)?;
            return Ok(tally);
        }
    };
    for TestProgram { name, module } in tests {
        let progress = Progress::start(format!("{} @{name}", path.display()));
        let outcome = module.map_err(Failure::from).and_then(|module| checks(&module, engine));
        drop(progress);
        match outcome {
            Ok(checks) => {
                tally.checks += checks.len();
                for check in checks {
                    tally.failed += usize::from(!check.passed());
                    writeln!(out, "{check}")?;
                }
            }
            Err(failure) => {
                let program = (!name.is_empty()).then(|| format!("@{name} of {}", path.display()));
                report(&mut tally, out, &failure, program.as_deref())?;
            }
        }
    }
    Ok(tally)
}

/// Runs one program at the highest matmul precision unless it says otherwise.
fn checks(module: &Module, engine: Engine) -> Result<Vec<CheckOutcome>, Failure> {
    let default_precision = Precision::Highest;
    match engine {
        Engine::Emulator => {
            // Folding is the evaluator's work, and tests are mostly constants: the chip would have
            // nothing to do.
            let options = CompileOptions {
                default_precision,
                folding_limit_elements: 0,
                ..CompileOptions::v4()
            };
            let loaded = LoadedExecutable::compile(module, &options)?;
            let options = RunOptions { strict: false, clock: Clock::Chip, max_trips: MAX_TRIPS };
            Ok(loaded.run(&[], &options)?.checks)
        }
        Engine::Evaluator => {
            let options = EvaluatorOptions {
                default_dot_precision: default_precision,
                ..EvaluatorOptions::default()
            };
            Ok(evaluate(module, &[], &options)?.checks)
        }
    }
}

/// Shows an error between the lines that it belongs to, and what it is about if it has no place.
fn report(
    tally: &mut Tally,
    out: &mut impl Write,
    failure: &Failure,
    program: Option<&str>,
) -> Result<(), Failure> {
    tally.errors += 1;
    out.flush()?;
    let note = program.filter(|_| !failure.has_place());
    let note = note.map_or_else(String::new, |program| format!("\nnote: in {program}"));
    // Nobody can be told that standard error cannot be written.
    let _ = writeln!(io::stderr(), "{failure}{note}");
    Ok(())
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { checks, failed, errors } = self;
        let counted = |count: usize, what: &str| match count {
            1 => format!("1 {what}"),
            _ => format!("{count} {what}s"),
        };
        let checks = counted(*checks, "check");
        match (errors, failed) {
            (0, 0) => write!(f, "ok, {checks}"),
            (0, _) => write!(f, "FAILED, {failed} of {checks} failed"),
            (_, _) => {
                let programs = counted(*errors, "program");
                write!(f, "ERROR, {programs} did not run, {failed} of {checks} failed")
            }
        }
    }
}
