//! Bytecode, or an artifact of `jax.export`, to HLO: an error or modules that verify, whatever the
//! bytes are.

#![no_main]

use libfuzzer_sys::fuzz_target;
use palmetto_compiler::frontend::{
    EntryPoint, exported_module, import_module, is_bytecode, list_functions, parse_bytecode,
};
use palmetto_compiler::hlo::verify;

fuzz_target!(|bytes: &[u8]| {
    let bytes = match is_bytecode(bytes) {
        true => bytes,
        false => exported_module("fuzz", bytes).unwrap_or_default(),
    };
    let Ok(program) = parse_bytecode("fuzz", bytes) else { return };
    drop(program.to_string());
    for function in list_functions(&program) {
        if let Ok(module) = import_module(&program, &EntryPoint::Function(function.name)) {
            verify(&module).expect("the importer makes legal modules");
        }
    }
});
