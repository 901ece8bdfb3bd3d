//! `palmetto compile`.

use std::fmt::Write as _;
use std::fs;
use std::io::Write;

use palmetto_compiler::executable::{Executable, Step};
use palmetto_compiler::hlo::{Module, print_module};
use palmetto_compiler::options::CompileOptions;
use palmetto_compiler::{compile as compile_module, optimize};
use palmetto_isa::asm::{print_op, print_program};
use palmetto_isa::{Program, Slot};
use palmetto_runtime::Error;
use palmetto_runtime::profile::table::with_unit;

use crate::arguments::{CompileArguments, Stage};
use crate::error::Failure;
use crate::progress::Progress;
use crate::{OK, program};

/// Compiles a program and prints a stage of it.
pub(crate) fn compile(arguments: &CompileArguments, out: &mut impl Write) -> Result<u8, Failure> {
    let module = program::read(&arguments.program.file)?;
    let progress = Progress::start(format!("compiling {}", module.name()));
    let text = stage_text(&module, arguments.emit)?;
    drop(progress);
    match &arguments.output {
        Some(path) => fs::write(path, text).map_err(|source| Failure::write(path, source))?,
        None => out.write_all(text.as_bytes())?,
    }
    Ok(OK)
}

fn stage_text(module: &Module, stage: Option<Stage>) -> Result<String, Error> {
    let options = CompileOptions::v4();
    match stage {
        Some(Stage::Hlo) => Ok(print_module(module)),
        Some(Stage::OptimizedHlo) => {
            let mut module = module.clone();
            optimize(&mut module, &options, &mut |_, _| {})
                .map_err(palmetto_compiler::CompileError::from)?;
            Ok(print_module(&module))
        }
        Some(Stage::Llo) => {
            let executable = compile_module(module, &options)?;
            Ok(joined(executable.functions.iter().map(ToString::to_string)))
        }
        Some(Stage::Bundles) => {
            let executable = compile_module(module, &options)?;
            Ok(joined(executable.programs.iter().map(bundle_table)))
        }
        Some(Stage::Asm) => {
            let executable = compile_module(module, &options)?;
            Ok(joined(executable.programs.iter().map(print_program)))
        }
        None => Ok(summary(&compile_module(module, &options)?)),
    }
}

fn joined(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join("\n")
}

/// What was made, in numbers.
fn summary(executable: &Executable) -> String {
    let bundles: usize = executable.programs.iter().map(|program| program.bundles.len()).sum();
    let (launches, modelled) = count(&executable.steps);
    #[expect(clippy::cast_precision_loss, reason = "a size for the eye")]
    let hbm = executable.peak_hbm().0 as f64;
    let Executable { name, chip, parameters, results, programs, .. } = executable;
    let mut text = String::new();
    let _ = writeln!(text, "{name} for one {}", chip.name);
    let _ = writeln!(text, "  parameters  {}", parameters.len());
    let _ = writeln!(text, "  results     {}", results.len());
    let _ = writeln!(text, "  launches    {launches}, of {} programs", programs.len());
    let _ = writeln!(text, "  modelled    {modelled}");
    let _ = writeln!(text, "  bundles     {bundles}");
    let _ = writeln!(text, "  HBM         {}", with_unit(hbm, "B"));
    text
}

/// Launches and modelled steps in the text of the program, each once however often it runs.
fn count(steps: &[Step]) -> (usize, usize) {
    let each = steps.iter().map(|step| match step {
        Step::Launch(_) => (1, 0),
        Step::Modelled(_) | Step::Copy { .. } => (0, 1),
        Step::While { condition, body, .. } => add(count(condition), count(body)),
        Step::Conditional { branches, .. } => {
            branches.iter().map(|branch| count(branch)).fold((0, 0), add)
        }
        Step::Send(_) | Step::Recv(_) | Step::Check { .. } => (0, 0),
    });
    each.fold((0, 0), add)
}

fn add(a: (usize, usize), b: (usize, usize)) -> (usize, usize) {
    (a.0 + b.0, a.1 + b.1)
}

/// Bundles as lines, the slots that the program uses side by side.
fn bundle_table(program: &Program) -> String {
    let cell = |bundle: &palmetto_isa::Bundle, slot: Slot| {
        let ops = bundle.ops().iter().filter(|op| op.slot() == slot).map(print_op);
        ops.collect::<Vec<_>>().join(" ; ")
    };
    let rows: Vec<Vec<String>> = program
        .bundles
        .iter()
        .map(|bundle| Slot::ALL.iter().map(|&slot| cell(bundle, slot)).collect())
        .collect();
    let widths: Vec<usize> = (0..Slot::ALL.len())
        .map(|n| rows.iter().map(|row| row[n].len()).max().unwrap_or(0))
        .collect();
    let line = |number: &str, cells: Vec<&str>| {
        let mut line = format!("{number:>6}");
        for (cell, &width) in cells.into_iter().zip(&widths) {
            if width > 0 {
                let _ = write!(line, " | {cell:width$}");
            }
        }
        line.truncate(line.trim_end().len());
        line.push('\n');
        line
    };
    let mut text = format!("program {}: {} bundles\n", program.name, program.bundles.len());
    text.push_str(&line("bundle", Slot::ALL.iter().map(|slot| slot.name()).collect()));
    for (number, row) in rows.iter().enumerate() {
        text.push_str(&line(&number.to_string(), row.iter().map(String::as_str).collect()));
    }
    text
}
