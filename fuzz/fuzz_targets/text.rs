//! StableHLO in text to HLO: an error or modules that verify, whatever the text is.

#![no_main]

use libfuzzer_sys::fuzz_target;
use palmetto_compiler::frontend::{
    EntryPoint, import_module, list_functions, parse_program, split_programs,
};
use palmetto_compiler::hlo::verify;

fuzz_target!(|text: &str| {
    for chunk in split_programs("fuzz", text) {
        let Ok(program) = parse_program(chunk) else { continue };
        drop(program.to_string());
        for function in list_functions(&program) {
            if let Ok(module) = import_module(&program, &EntryPoint::Function(function.name)) {
                verify(&module).expect("the importer makes legal modules");
            }
        }
    }
});
