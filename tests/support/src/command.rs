//! The commands of filetests: one row per command, one function per row.
//!
//! A function gives the output, or an error if the file makes no sense as a test of this command.
//! What the tested code has to say about wrong input is output, with `error: ` before it.

mod asm;
mod fault;
mod hlo;

pub use hlo::exactness;

use crate::arguments::Arguments;

/// A command of filetests.
pub struct Command {
    /// The name in line 1 of the files, and of the folder that they are in.
    pub name: &'static str,
    /// How names of its files end.
    pub extension: &'static str,
    /// Input and arguments to output.
    pub run: fn(&str, Arguments) -> Result<String, String>,
}

/// Every command.
pub const COMMANDS: &[Command] = &[
    Command { name: "asm", extension: "asm", run: asm::print_and_encode },
    Command { name: "parse", extension: "hlo", run: hlo::parse_and_print },
    Command { name: "verify", extension: "hlo", run: hlo::say_what_is_wrong },
    Command { name: "pass", extension: "hlo", run: hlo::run_one_pass },
    Command { name: "optimize", extension: "hlo", run: hlo::optimize },
    Command { name: "fault", extension: "asm", run: fault::run_to_fault },
];
