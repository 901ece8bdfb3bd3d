//! The `palmetto` tool: arguments in, text out. What it does is in `palmetto-runtime`.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};
use error::Failure;

mod arguments;
mod compile;
mod error;
mod inputs;
mod interpret;
mod manual;
mod opt;
mod outputs;
mod program;
mod progress;
mod run;
mod showcase;
mod test;

/// All is well.
const OK: u8 = 0;
/// A check failed.
const CHECK_FAILED: u8 = 1;
/// Something could not be read, compiled or run.
const FAILED: u8 = 2;
/// What a shell reports when nobody reads the output any more: 128 + SIGPIPE.
const CLOSED_PIPE: u8 = 141;

fn main() -> ExitCode {
    let mut out = BufWriter::new(io::stdout().lock());
    let result = match Arguments::try_parse() {
        Ok(arguments) => dispatch(&arguments, &mut out),
        Err(answer) => explain(&answer, &mut out),
    };
    let result = result.and_then(|code| {
        out.flush()?;
        Ok(code)
    });
    ExitCode::from(result.unwrap_or_else(|failure| {
        if failure.is_closed_pipe() {
            return CLOSED_PIPE;
        }
        // What was printed so far belongs before the error; if that fails, the error says enough.
        let _ = out.flush();
        let _ = writeln!(io::stderr(), "{failure}");
        FAILED
    }))
}

/// Help and version on standard output, what is wrong with the arguments on standard error.
fn explain(answer: &clap::Error, out: &mut impl Write) -> Result<u8, Failure> {
    if answer.use_stderr() {
        // Nobody can be told that standard error cannot be written.
        let _ = answer.print();
        return Ok(FAILED);
    }
    let text = answer.render();
    if io::stdout().is_terminal() {
        write!(out, "{}", text.ansi())?;
    } else {
        write!(out, "{text}")?;
    }
    Ok(OK)
}

fn dispatch(arguments: &Arguments, out: &mut impl Write) -> Result<u8, Failure> {
    match &arguments.command {
        Some(Command::Run(arguments)) => run::run(arguments, out),
        Some(Command::Compile(arguments)) => compile::compile(arguments, out),
        Some(Command::Interpret(arguments)) => interpret::interpret(arguments, out),
        Some(Command::Opt(arguments)) => opt::opt(arguments, out),
        Some(Command::Test(arguments)) => test::test(arguments, out),
        Some(Command::Manual) => manual::manual(out),
        None => showcase::showcase(out),
    }
}
