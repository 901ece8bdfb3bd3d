//! `parse`, `verify`, `pass` and `optimize`: HLO through the parser, the verifier and passes.

use crate::{
    arguments::Arguments,
    preservation::{Exactness, check_values},
};
use palmetto_compiler::{
    diagnostic::SourceText,
    hlo::{Module, Precision, parse_module, print_module, verify},
    options::CompileOptions,
    passes::{Changed, PassContext},
    pipeline::{OPTIMIZE, find_pass, run_passes},
};

/// The name that messages give the file.
const NAME: &str = "input.hlo";

/// Output: the module as it is printed, which has to be a fixed point.
pub(super) fn parse_and_print(input: &str, arguments: Arguments) -> Result<String, String> {
    arguments.finish()?;
    let module = match parse_module(SourceText::new(NAME, input)) {
        Ok(module) => module,
        Err(diagnostic) => return Ok(error(&diagnostic)),
    };
    let output = print_module(&module);
    let again = parse_module(SourceText::new(NAME, &output)).map_err(|error| error.to_string())?;
    if print_module(&again) != output {
        return Err(format!("what is printed is not printed again:\n{output}"));
    }
    Ok(output)
}

/// Output: `legal`, or what is wrong.
pub(super) fn say_what_is_wrong(input: &str, arguments: Arguments) -> Result<String, String> {
    arguments.finish()?;
    let checked = parse_module(SourceText::new(NAME, input)).and_then(|module| verify(&module));
    Ok(checked.map_or_else(|diagnostic| error(&diagnostic), |()| "legal".to_owned()))
}

/// Output: the module after one pass. The pass has to keep values, and to change nothing when it is
/// applied to its own result.
pub(super) fn run_one_pass(input: &str, mut arguments: Arguments) -> Result<String, String> {
    let name = arguments.take_word().ok_or("which pass?")?;
    let pass = find_pass(&name).ok_or_else(|| format!("no pass is called `{name}`"))?;
    let context = context(&mut arguments)?;
    arguments.finish()?;
    let before = legal_module(input)?;
    let mut after = before.clone();
    if let Err(problem) = run_passes(&mut after, &context, &[pass], &mut |_, _| {}) {
        return Ok(format!("error: {problem}"));
    }
    check_values(&before, &after, exactness(&[pass.name]))?;
    let output = print_module(&after);
    let changed = (pass.run)(&mut after, &context).map_err(|error| error.to_string())?;
    if changed == Changed::Yes {
        let again = print_module(&after);
        return Err(format!("applied again, the pass changes\n{output}to\n{again}"));
    }
    Ok(output)
}

/// Output: the module after all passes.
pub(super) fn optimize(input: &str, mut arguments: Arguments) -> Result<String, String> {
    let context = context(&mut arguments)?;
    arguments.finish()?;
    let mut module = legal_module(input)?;
    if let Err(problem) = run_passes(&mut module, &context, OPTIMIZE, &mut |_, _| {}) {
        return Ok(format!("error: {problem}"));
    }
    Ok(print_module(&module))
}

/// How exactly passes of these names keep values.
pub fn exactness(passes: &[&str]) -> Exactness {
    if passes.contains(&"default_precision") {
        return Exactness::Changed;
    }
    if passes.contains(&"dot_canonicalization") { Exactness::Rounded } else { Exactness::Bits }
}

fn legal_module(input: &str) -> Result<Module, String> {
    let module = parse_module(SourceText::new(NAME, input)).map_err(|error| error.to_string())?;
    verify(&module).map_err(|error| error.to_string())?;
    Ok(module)
}

fn context(arguments: &mut Arguments) -> Result<PassContext, String> {
    let mut options = CompileOptions::v4();
    if let Some(precision) = arguments.take::<String>("precision")? {
        let precision = Precision::from_text(&precision);
        options.default_precision = precision.ok_or("the precision is default, high or highest")?;
    }
    if let Some(limit) = arguments.take("folding_limit_elements")? {
        options.folding_limit_elements = limit;
    }
    Ok(PassContext { options })
}

fn error(diagnostic: &impl std::fmt::Display) -> String {
    format!("error: {diagnostic}").lines().map(|line| format!("{}\n", line.trim_end())).collect()
}
