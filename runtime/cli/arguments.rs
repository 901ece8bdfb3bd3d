//! The command line: what can be said, and the help that says so.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use palmetto_runtime::Clock;

/// Runs machine-learning programs on an emulated TPU v4: compiles StableHLO to VLIW bundles,
/// executes them bit by bit and cycle by cycle, and says where the cycles went.
///
/// Without a command, runs one Transformer block of PaLM and explains what it shows.
#[derive(Debug, Parser)]
#[command(name = "palmetto", version, about, long_about, after_help = TOP_EXAMPLES)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

const TOP_EXAMPLES: &str = "\
Examples:
  palmetto                                           a PaLM block on one chip, explained
  palmetto run model.mlir --input x.npy --report     run a program, say where its time goes
  palmetto compile model.mlir --emit bundles         see the machine code
  palmetto test checks/*.mlir                        run self-checking programs

Exit codes: 0 all is well; 1 a check failed; 2 something could not be read, compiled or run.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Compile a program and run it on one emulated chip.
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArguments),
    /// Compile a program and print one stage of the compilation.
    #[command(after_help = COMPILE_EXAMPLES)]
    Compile(CompileArguments),
    /// Run a program on the reference evaluator: slow, plain, and what HLO means.
    #[command(after_help = INTERPRET_EXAMPLES)]
    Interpret(InterpretArguments),
    /// Run single passes on a program and print the HLO that results.
    #[command(after_help = OPT_EXAMPLES)]
    Opt(OptArguments),
    /// Run programs that check themselves, one line per check.
    #[command(after_help = TEST_EXAMPLES)]
    Test(TestArguments),
    /// Print the manual of the instruction set.
    Manual,
}

const RUN_EXAMPLES: &str = "\
Examples:
  palmetto run model.mlir --seed 7 --report          seeded inputs, a table of where time went
  palmetto run model.mlir --input weights.npz --input x.npy --output y.npz
  palmetto run model.mlir --json > profile.json      the report for other tools
  palmetto run model.mlir --timing chaos=3 --strict  another clock, every undefined use a fault";

#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) program: ProgramArguments,
    #[command(flatten)]
    pub(crate) inputs: InputArguments,
    #[command(flatten)]
    pub(crate) outputs: OutputArguments,
    /// Print where the time and the FLOPs went.
    #[arg(long)]
    pub(crate) report: bool,
    /// Print the report as JSON, and nothing else, on standard output.
    #[arg(long)]
    pub(crate) json: bool,
    /// Make every use of undefined memory, unready registers and races a fault.
    #[arg(long)]
    pub(crate) strict: bool,
    /// How long things take: v4 (the chip), ideal (no waits), chaos or chaos=SEED (random, to show
    /// that no result depends on time).
    #[arg(long, default_value = "v4", value_name = "CLOCK", value_parser = parse_clock)]
    pub(crate) timing: Clock,
}

const COMPILE_EXAMPLES: &str = "\
Examples:
  palmetto compile model.mlir                        check that it compiles
  palmetto compile model.mlir --emit optimized-hlo   what the passes made of it
  palmetto compile model.mlir --emit bundles -o model.bundles";

#[derive(Debug, Args)]
pub(crate) struct CompileArguments {
    #[command(flatten)]
    pub(crate) program: ProgramArguments,
    /// The stage to print; without it, a summary.
    #[arg(long, value_enum)]
    pub(crate) emit: Option<Stage>,
    /// Write to this file instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// A stage of compilation that can be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stage {
    /// HLO as imported.
    Hlo,
    /// HLO after all passes: fused, with layouts.
    OptimizedHlo,
    /// The kernels before scheduling, over values.
    Llo,
    /// The scheduled bundles, slots side by side.
    Bundles,
    /// The bundles as assembly that can be read back.
    Asm,
}

const INTERPRET_EXAMPLES: &str = "\
Examples:
  palmetto interpret model.mlir --seed 7
  palmetto interpret model.mlir --input x.npy --output expected.npz";

#[derive(Debug, Args)]
pub(crate) struct InterpretArguments {
    #[command(flatten)]
    pub(crate) program: ProgramArguments,
    #[command(flatten)]
    pub(crate) inputs: InputArguments,
    #[command(flatten)]
    pub(crate) outputs: OutputArguments,
}

const OPT_EXAMPLES: &str = "\
Examples:
  palmetto opt --list
  palmetto opt --passes algebraic_simplifier,dce model.mlir
  palmetto opt --dump model.mlir | less
  palmetto opt --passes fusion after_dce.hlo";

#[derive(Debug, Args)]
pub(crate) struct OptArguments {
    /// The passes to run, in order, separated by commas; all of the pipeline if none are named.
    #[arg(long, value_delimiter = ',', value_name = "PASS,..")]
    pub(crate) passes: Vec<String>,
    /// Print the program after each pass that changes it.
    #[arg(long)]
    pub(crate) dump: bool,
    /// Print the names of all passes in the order of the pipeline.
    #[arg(long)]
    pub(crate) list: bool,
    /// The program: StableHLO or HLO text.
    #[arg(value_name = "FILE", required_unless_present = "list")]
    pub(crate) file: Option<PathBuf>,
}

const TEST_EXAMPLES: &str = "\
A program checks itself with `stablehlo.custom_call @check.expect_eq(%actual, %expected)` and its
relatives, or with ops such as `check.expect_eq_const`. Several programs in one file are separated
by lines `// -----`. `@main` is run, or else every function without arguments.

Examples:
  palmetto test checks/*.mlir
  palmetto test --engine evaluator checks/softmax.mlir";

#[derive(Debug, Args)]
pub(crate) struct TestArguments {
    /// The files.
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Where the programs run.
    #[arg(long, value_enum, default_value_t = Engine::Emulator)]
    pub(crate) engine: Engine,
}

/// What executes a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// Compiled, on an emulated chip.
    Emulator,
    /// On the reference evaluator.
    Evaluator,
}

/// Which program.
#[derive(Debug, Args)]
pub(crate) struct ProgramArguments {
    /// The program: StableHLO text, or HLO text.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// Where its arguments come from.
#[derive(Debug, Args)]
pub(crate) struct InputArguments {
    /// Arrays for the parameters: a .npy file, or a .npz archive whose arrays go to the parameters
    /// of the same names, or else in its order. Can be given several times.
    #[arg(long = "input", short = 'i', value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Make the parameters that no file gives from this seed (0 if there are no files either).
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u32>,
    /// Convert arrays to the types of the parameters.
    #[arg(long)]
    pub(crate) cast: bool,
}

/// Where the results go.
#[derive(Debug, Args)]
pub(crate) struct OutputArguments {
    /// Write the results: to a .npz archive as arr_0, arr_1, .. or, if there is one, to a .npy
    /// file.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Print every element.
    #[arg(long)]
    pub(crate) print_full: bool,
}

fn parse_clock(text: &str) -> Result<Clock, String> {
    match text.split_once('=') {
        None if text == "v4" => Ok(Clock::Chip),
        None if text == "ideal" => Ok(Clock::Ideal),
        None if text == "chaos" => Ok(Clock::Chaos(0)),
        Some(("chaos", seed)) => match seed.parse() {
            Ok(seed) => Ok(Clock::Chaos(seed)),
            Err(_) => Err(format!("seed {seed:?} is not a number")),
        },
        None | Some(_) => Err("allowed are v4, ideal, chaos and chaos=SEED".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn clocks_are_read() {
        assert_eq!(parse_clock("v4"), Ok(Clock::Chip));
        assert_eq!(parse_clock("chaos"), Ok(Clock::Chaos(0)));
        assert_eq!(parse_clock("chaos=7"), Ok(Clock::Chaos(7)));
        for wrong in ["", "v5", "v4=1", "chaos=", "chaos=x", "ideal=2"] {
            assert!(parse_clock(wrong).is_err(), "{wrong}");
        }
    }
}
