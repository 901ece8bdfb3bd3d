//! `asm`: assembly -> the same assembly as it is printed, and its encoding.

use crate::arguments::Arguments;
use palmetto_isa::{
    Program, TPU_V4,
    asm::{parse_program, print_program},
    decode::decode,
    encode::{encode, encode_bundle},
    verify::verify_program,
};
use std::fmt::Write;

/// Output: the program as it is printed; what makes it illegal, if something does; the bytes of
/// each bundle that is not empty.
pub(super) fn print_and_encode(input: &str, arguments: Arguments) -> Result<String, String> {
    arguments.finish()?;
    let program = match parse_program(input) {
        Ok(program) => program,
        Err(error) => return Ok(format!("error: {error}")),
    };
    check_forms(&program)?;
    let mut output = print_program(&program);
    if let Err(violations) = verify_program(&program, &TPU_V4) {
        for violation in violations.0 {
            output.push_str(&format!("error: {violation}\n"));
        }
    }
    for (index, bundle) in program.bundles.iter().enumerate() {
        if !bundle.ops().is_empty() {
            write!(output, "{index}:").expect("writing to a string does not fail");
            for byte in encode_bundle(bundle) {
                write!(output, " {byte:02x}").expect("writing to a string does not fail");
            }
            output.push('\n');
        }
    }
    Ok(output)
}

/// The text and the bytes of a program are that program.
fn check_forms(program: &Program) -> Result<(), String> {
    if parse_program(&print_program(program)).as_ref() != Ok(program) {
        return Err("the printed program is another program".to_owned());
    }
    if decode(&encode(program)).as_ref() != Ok(program) {
        return Err("the encoded program is another program".to_owned());
    }
    Ok(())
}
