//! `lower`: HLO -> LLO, and `schedule`: LLO -> bundles.

use super::hlo::module_of;
use crate::arguments::Arguments;
use palmetto_compiler::{
    backend::generate_code,
    compile,
    executable::{Executable, Modelled, Step},
    lowering::{Region, choose_kernel},
    options::CompileOptions,
};
use palmetto_isa::{TPU_V4, asm::print_program};
use palmetto_kernels::llo::{parse_function, print_function, verify_function};
use std::fmt::Write;

/// Output of `lower`: the steps of the compiled module, then each kernel in LLO.
pub(super) fn print_lowered(input: &str, arguments: Arguments) -> Result<String, String> {
    arguments.finish()?;
    let module = module_of(input)?;
    let executable = match compile(&module, &CompileOptions::v4().checked()) {
        Ok(executable) => executable,
        Err(error) => return Ok(format!("error: {error}")),
    };
    let mut output = String::new();
    print_steps(&executable, &executable.steps, 0, &mut output);
    for function in &executable.functions {
        let text = print_function(function);
        let again = parse_function(&text);
        if again.as_ref() != Ok(function) {
            return Err(format!("the printed function is another function:\n{text}"));
        }
        verify_function(function, &TPU_V4).map_err(|error| error.to_string())?;
        output.push_str(&format!("\n{text}"));
    }
    Ok(output)
}

/// One line per step, indented by depth.
fn print_steps(executable: &Executable, steps: &[Step], depth: usize, output: &mut String) {
    for step in steps {
        let (source, what) = match step {
            Step::Launch(launch) => {
                (&launch.source, format!("launch {}", executable.functions[launch.program].name))
            }
            Step::Modelled(modelled) => {
                (&modelled.source, format!("modelled, {}", refusal(modelled)))
            }
            Step::Copy { source, .. } => (source, "copy by the host".to_owned()),
            Step::Send(transfer) => (&transfer.source, "send to the host".to_owned()),
            Step::Recv(transfer) => (&transfer.source, "recv from the host".to_owned()),
            Step::Check { source, .. } => (source, "check".to_owned()),
            Step::While { source, .. } => (source, "while".to_owned()),
            Step::Conditional { source, .. } => (source, "conditional".to_owned()),
        };
        line(output, depth, &format!("%{}: {what}", source.instruction));
        let mut part = |name: &str, steps: &[Step]| {
            line(output, depth + 1, name);
            print_steps(executable, steps, depth + 2, output);
        };
        match step {
            Step::While { condition, body, .. } => {
                part("condition", condition);
                part("body", body);
            }
            Step::Conditional { branches, .. } => {
                branches.iter().for_each(|branch| part("branch", branch));
            }
            Step::Launch(_)
            | Step::Modelled(_)
            | Step::Copy { .. }
            | Step::Send(_)
            | Step::Recv(_)
            | Step::Check { .. } => {}
        }
    }
}

fn line(output: &mut String, depth: usize, text: &str) {
    writeln!(output, "{}{text}", "  ".repeat(depth)).expect("writing to a string does not fail");
}

/// Why no kernel computes the instruction.
fn refusal(modelled: &Modelled) -> String {
    let region =
        Region::of_instruction(&modelled.module, modelled.computation, modelled.instruction);
    match choose_kernel(&region) {
        Ok(_) => "though there is a kernel".to_owned(),
        Err(refusal) => refusal.to_string(),
    }
}

/// Output of `schedule`: the bundles, or why there are none.
pub(super) fn print_scheduled(input: &str, arguments: Arguments) -> Result<String, String> {
    arguments.finish()?;
    let function = match parse_function(input) {
        Ok(function) => function,
        Err(error) => return Ok(format!("error: {error}")),
    };
    Ok(match generate_code(&function, &CompileOptions::v4().checked()) {
        Ok(program) => print_program(&program),
        Err(error) => format!("error: {error}"),
    })
}
