//! Text to a module and back: `parse`, `verify`, `import`.

use crate::arguments::Arguments;
use palmetto_compiler::{
    diagnostic::SourceText,
    frontend::{EntryPoint, import_module, parse_program, split_programs},
    hlo::{Module, parse_module, print_module, verify},
};
use palmetto_runtime::program::read_program;

/// The name of the input in messages.
pub(super) const FILE: &str = "input";

/// Output of `parse`: the module as it is printed, or what is wrong with the text.
pub(super) fn print_parsed(input: &str, arguments: Arguments) -> Result<String, String> {
    arguments.finish()?;
    match parse_module(SourceText::new(FILE, input)) {
        Ok(module) => print_checked(&module),
        Err(error) => Ok(error.to_string()),
    }
}

/// Output of `verify`: what is wrong with a module that can be parsed, or `legal`.
pub(super) fn print_violation(input: &str, arguments: Arguments) -> Result<String, String> {
    arguments.finish()?;
    let module = parse_module(SourceText::new(FILE, input));
    Ok(match module.and_then(|module| verify(&module)) {
        Ok(()) => "legal".to_owned(),
        Err(error) => error.to_string(),
    })
}

/// Output of `import`: the HLO of each StableHLO program, or what is wrong with it.
pub(super) fn print_imported(input: &str, mut arguments: Arguments) -> Result<String, String> {
    let entry = arguments.take_word().map_or(EntryPoint::Main, EntryPoint::Function);
    arguments.finish()?;
    let mut output = String::new();
    for chunk in split_programs(FILE, input) {
        let module = parse_program(chunk).and_then(|program| import_module(&program, &entry));
        if !output.is_empty() {
            output.push_str("\n-----\n");
        }
        match module {
            Ok(module) => {
                verify(&module).map_err(|error| format!("imported, but illegal: {error}"))?;
                output.push_str(&print_checked(&module)?);
            }
            Err(error) => output.push_str(&error.to_string()),
        }
    }
    Ok(output)
}

/// The module of a text in HLO or StableHLO, verified.
pub(super) fn module_of(input: &str) -> Result<Module, String> {
    read_program(FILE, input).map_err(|error| error.to_string())
}

/// The text of a module, which is that module again.
pub(super) fn print_checked(module: &Module) -> Result<String, String> {
    let text = print_module(module);
    let again = parse_module(SourceText::new("printed", &text));
    let again = again.map_err(|error| format!("what was printed cannot be read: {error}"))?;
    if print_module(&again) != text {
        return Err(format!("the printed module is another module:\n{text}\n{again}"));
    }
    Ok(text)
}
