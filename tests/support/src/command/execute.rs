//! `run` and `cycles`: HLO, compiled and run on the emulator in strict mode.
//!
//! Inputs are seeded, so that a file needs none; a file that wants certain values has constants.

use super::hlo::module_of;
use crate::arguments::Arguments;
use palmetto_compiler::{
    evaluator::{EvaluatorOptions, evaluate},
    hlo::{Literal, Module, Precision},
    options::CompileOptions,
};
use palmetto_runtime::{
    Clock, Execution, LoadedExecutable, RunOptions,
    profile::How,
    seeded::{UNIT, literal},
    tolerance,
};
use std::fmt::Write;

/// The seed of the inputs.
const SEED: u32 = 1;
/// When a loop is taken to be endless.
const MAX_TRIPS: u64 = 1000;

/// How results of an execution relate to those of the evaluator.
pub(super) enum Agreement {
    /// Bit by bit.
    Exact,
    /// Within the rounding errors that the program may have.
    Rounded,
}

/// Output of `run`: the results, how they compare to those of the evaluator, and the checks of a
/// self-checking program.
pub(super) fn print_results(input: &str, arguments: Arguments) -> Result<String, String> {
    arguments.finish()?;
    let module = module_of(input)?;
    let inputs = seeded_inputs(&module);
    let execution = match emulate(&module, &inputs, Clock::Chip) {
        Ok(execution) => execution,
        Err(error) => return Ok(format!("error: {error}")),
    };
    for clock in [Clock::Ideal, Clock::Chaos(1)] {
        if emulate(&module, &inputs, clock)?.outputs != execution.outputs {
            return Err(format!("the results depend on the clock ({clock:?})"));
        }
    }
    let mut output = String::new();
    for literal in &execution.outputs {
        line(&mut output, &format!("{} {literal}", literal.shape()));
    }
    let note = match agrees(&module, &inputs, &execution.outputs)? {
        Agreement::Exact => "evaluator: the same bits",
        Agreement::Rounded => "evaluator: the same within rounding",
    };
    line(&mut output, note);
    for check in &execution.checks {
        line(&mut output, &check.to_string());
    }
    Ok(output)
}

/// Output of `cycles`: what took how long and which units were busy.
pub(super) fn print_cycles(input: &str, arguments: Arguments) -> Result<String, String> {
    arguments.finish()?;
    let module = module_of(input)?;
    let execution = emulate(&module, &seeded_inputs(&module), Clock::Chip)?;
    let mut output = String::new();
    let report = &execution.report;
    for row in &report.instructions {
        let measures = &row.measures;
        let how = match &row.how {
            How::Scheduled => format!("{} bound", measures.bound.name()),
            How::Modelled { formula } => format!("modelled: {formula}"),
        };
        let text = format!(
            "%{}: launches {}, cycles {}, busy mxu {:.1}% vpu {:.1}% hbm {:.1}%, {how}",
            row.origin.instruction,
            measures.launches,
            measures.cycles,
            measures.busy.mxu * 100.0,
            measures.busy.vpu * 100.0,
            measures.busy.hbm * 100.0,
        );
        line(&mut output, &text);
    }
    let total = &report.total;
    let text = format!(
        "total: launches {}, cycles {}, flops {}, hbm bytes {}, modelled {:.1}%",
        total.launches,
        total.cycles,
        total.flops,
        total.hbm_bytes,
        report.modelled_share * 100.0
    );
    line(&mut output, &text);
    Ok(output)
}

/// Seeded arguments of a module.
pub(super) fn seeded_inputs(module: &Module) -> Vec<Literal> {
    let entry = module.entry_computation();
    let shapes = entry.parameters().iter().map(|&id| entry.instruction(id).array_shape());
    (0..).zip(shapes).map(|(n, shape)| literal(SEED, n, shape, UNIT).into()).collect()
}

/// What the evaluator says the results are, flattened; `default` means the given precision in dots.
pub(super) fn evaluator_results(
    module: &Module,
    inputs: &[Literal],
    default_dot_precision: Precision,
) -> Result<Vec<Literal>, String> {
    let limits = EvaluatorOptions::default();
    let options = EvaluatorOptions { loop_limit: MAX_TRIPS, default_dot_precision, ..limits };
    let evaluation = evaluate(module, inputs, &options);
    let evaluation = evaluation.map_err(|error| format!("the evaluator: {error}"))?;
    Ok(leaves(evaluation.result))
}

/// Whether `results` are those of `module`: the same bits, or within the computed tolerance.
pub(super) fn agrees(
    module: &Module,
    inputs: &[Literal],
    results: &[Literal],
) -> Result<Agreement, String> {
    let expected = evaluator_results(module, inputs, Precision::Default)?;
    if expected == results {
        return Ok(Agreement::Exact);
    }
    let bounds = tolerance::deviations(module, inputs);
    let bounds = bounds.map_err(|error| format!("the results differ, and {error}"))?;
    if bounds.len() != results.len() {
        return Err(format!("{} results, expected {}", results.len(), bounds.len()));
    }
    for (number, (bound, result)) in bounds.iter().zip(results).enumerate() {
        let array = result.as_array().map_err(|error| error.to_string())?;
        let comparison = bound.compare(array);
        if !comparison.holds() {
            return Err(format!("result {number} is wrong: {comparison:?}"));
        }
    }
    Ok(Agreement::Rounded)
}

fn emulate(module: &Module, inputs: &[Literal], clock: Clock) -> Result<Execution, String> {
    let loaded = LoadedExecutable::compile(module, &CompileOptions::v4().checked());
    let options = RunOptions { strict: true, clock, max_trips: MAX_TRIPS };
    let execution = loaded.and_then(|loaded| loaded.run(inputs, &options));
    execution.map_err(|error| error.to_string())
}

fn leaves(literal: Literal) -> Vec<Literal> {
    match literal {
        Literal::Array(array) => vec![Literal::Array(array)],
        Literal::Tuple(elements) => elements.into_iter().flat_map(leaves).collect(),
    }
}

fn line(output: &mut String, text: &str) {
    writeln!(output, "{text}").expect("writing to a string does not fail");
}
