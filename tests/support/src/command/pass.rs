//! `pass` and `optimize`: HLO -> HLO, with the same value.

use super::{
    execute::{agrees, evaluator_results, seeded_inputs},
    hlo::{module_of, print_checked},
};
use crate::{arguments::Arguments, preservation::check_values};
use palmetto_compiler::{
    hlo::{Module, Precision, verify},
    options::CompileOptions,
    passes::{Changed, PassContext},
    pipeline::{OPTIMIZE, Pass, find_pass, run_passes},
};

/// Passes that decide something once: applied again they would decide it again.
const DECIDE: [&str; 3] = ["layout_assignment", "layout_normalization", "fusion"];

/// Whether a pass keeps values bit by bit.
pub fn is_exact(pass: &str) -> bool {
    !matches!(
        pass,
        "convolution_decomposition"
            | "dot_canonicalization"
            | "reduce_window_expander"
            | "scatter_expander"
            | "select_and_scatter_expander"
    )
}

/// Whether a pass decides something once, and applied again would decide it again.
pub fn decides_once(pass: &str) -> bool {
    DECIDE.contains(&pass)
}

/// Output of `pass`: the module after the passes that the arguments name, or `unchanged`.
pub(super) fn print_after(input: &str, mut arguments: Arguments) -> Result<String, String> {
    let mut passes = Vec::new();
    while let Some(name) = arguments.take_word() {
        passes.push(find_pass(&name).ok_or_else(|| {
            let names: Vec<_> = OPTIMIZE.iter().map(|pass| pass.name).collect();
            format!("no pass `{name}`, there are: {}", names.join(", "))
        })?);
    }
    let precision = arguments.take::<String>("precision")?;
    arguments.finish()?;
    let mut options = CompileOptions::v4();
    if let Some(text) = precision {
        let precision = Precision::from_text(&text);
        options.default_precision = precision.ok_or(format!("`{text}` is no precision"))?;
    }
    if passes.is_empty() {
        return Err("no pass is named".to_owned());
    }
    transformed(input, &passes, options)
}

/// Output of `optimize`: the module after the whole pipeline.
pub(super) fn print_optimized(input: &str, arguments: Arguments) -> Result<String, String> {
    arguments.finish()?;
    transformed(input, OPTIMIZE, CompileOptions::v4())
}

fn transformed(input: &str, passes: &[Pass], options: CompileOptions) -> Result<String, String> {
    let before = module_of(input)?;
    let mut after = before.clone();
    let precision = options.default_precision;
    let context = PassContext { options };
    let mut changed = false;
    if let Err(error) = run_passes(&mut after, &context, passes, &mut |_, _| changed = true) {
        return Ok(format!("error: {error}"));
    }
    verify(&after).map_err(|error| format!("not legal any more: {error}"))?;
    keeps_value(&before, &after, precision)?;
    let text = print_checked(&after)?;
    if let [pass] = passes {
        if is_exact(pass.name) {
            check_values(&before, &after, precision)?;
        }
        if !decides_once(pass.name) {
            changes_nothing_more(after, pass, &context)?;
        }
    }
    if changed { Ok(text) } else { Ok("unchanged".to_owned()) }
}

/// Whether a pass changes nothing in its own result.
fn changes_nothing_more(
    mut module: Module,
    pass: &Pass,
    context: &PassContext,
) -> Result<(), String> {
    let before = print_checked(&module)?;
    let changed = (pass.run)(&mut module, context).map_err(|error| error.to_string())?;
    if changed == Changed::Yes {
        let after = print_checked(&module)?;
        return Err(format!("applied again, the pass changes\n{before}to\n{after}"));
    }
    Ok(())
}

/// Whether seeded inputs give the same results before, where `default` means `precision`, and
/// after.
fn keeps_value(before: &Module, after: &Module, precision: Precision) -> Result<(), String> {
    let inputs = seeded_inputs(before);
    let results = evaluator_results(after, &inputs, Precision::Default)?;
    if evaluator_results(before, &inputs, precision)? == results {
        return Ok(());
    }
    agrees(before, &inputs, &results).map(|_| ())
}
