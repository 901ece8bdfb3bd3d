//! The commands of filetests: one row per command, one function per row.
//!
//! A function gives the output, or an error if the file makes no sense as a test of this command.
//! What the tested code has to say about wrong input is output, with `error: ` before it.

mod asm;
mod execute;
mod fault;
mod hlo;
mod lower;
mod pass;

pub use pass::{decides_once, is_exact};

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
    Command { name: "fault", extension: "asm", run: fault::run_to_fault },
    Command { name: "parse", extension: "hlo", run: hlo::print_parsed },
    Command { name: "verify", extension: "hlo", run: hlo::print_violation },
    Command { name: "import", extension: "mlir", run: hlo::print_imported },
    Command { name: "pass", extension: "hlo", run: pass::print_after },
    Command { name: "optimize", extension: "hlo", run: pass::print_optimized },
    Command { name: "lower", extension: "hlo", run: lower::print_lowered },
    Command { name: "schedule", extension: "llo", run: lower::print_scheduled },
    Command { name: "run", extension: "hlo", run: execute::print_results },
    Command { name: "cycles", extension: "hlo", run: execute::print_cycles },
];
