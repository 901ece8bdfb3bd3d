//! `palmetto` without a command: one Transformer block of PaLM, compiled, run, compared, explained.

#![expect(clippy::disallowed_methods, reason = "host times are shown, and are no result")]

use std::io::Write;
use std::time::{Duration, Instant};

use palmetto_compiler::hlo::Literal;
use palmetto_compiler::options::CompileOptions;
use palmetto_runtime::profile::table::with_unit;
use palmetto_runtime::tolerance::{Comparison, deviations};
use palmetto_runtime::{Clock, LoadedExecutable, MAX_TRIPS, RunOptions, showcase as block};

use crate::error::Failure;
use crate::progress::Progress;
use crate::{CHECK_FAILED, OK};

const INTRODUCTION: &str = "\
One Transformer block of PaLM on one emulated TPU v4 chip
  y = x + mlp(ln(x)) + attention(ln(x)), 512 tokens, bf16
  d_model 1024, 4 heads of 256 with one key and value head, d_ff 4096 (SwiGLU), RoPE
  JAX exported it as StableHLO (python/export_palm_block.py); weights and x are seeded.
";

const NEXT: &str = "
What to try next
  palmetto compile examples/palm_block.mlir --emit optimized-hlo    what fusion made of it
  palmetto compile examples/palm_block.mlir --emit bundles | less   the machine code that ran
  palmetto run examples/palm_block.mlir --timing chaos=7            the same bits under a wild clock
  palmetto run YOUR.mlir --report                                   your own program from JAX:
      jax.jit(f).lower(*args).as_text(debug_info=True)
  palmetto --help                                                   everything else
";

/// Host time per phase: the only figures here that depend on this machine.
struct HostTimes {
    compile: Duration,
    emulate: Duration,
    evaluate: Duration,
}

/// Runs the block and says what that shows.
pub(crate) fn showcase(out: &mut impl Write) -> Result<u8, Failure> {
    writeln!(out, "{INTRODUCTION}")?;
    out.flush()?;
    let module = block::block()?;
    let inputs = block::inputs(&module);

    let progress = Progress::start("compiling");
    let start = Instant::now();
    let loaded = LoadedExecutable::compile(&module, &CompileOptions::v4())?;
    let compile = start.elapsed();

    let start = Instant::now();
    let options = RunOptions { strict: false, clock: Clock::Chip, max_trips: MAX_TRIPS };
    let execution = loaded.run_watched(&inputs, &options, Some(progress.watch("emulating")))?;
    let emulate = start.elapsed();
    drop(progress);
    writeln!(out, "{}", execution.report)?;
    out.flush()?;

    let progress = Progress::start("evaluating the same program on the reference");
    let start = Instant::now();
    let bounds = deviations(&module, &inputs)?;
    let evaluate = start.elapsed();
    drop(progress);
    let mut holds = true;
    for (bound, output) in bounds.iter().zip(&execution.outputs) {
        let Literal::Array(output) = output else { continue };
        let comparison = bound.compare(output);
        holds &= comparison.holds();
        write_comparison(out, &comparison)?;
    }
    write_meaning(out, &execution.report, &HostTimes { compile, emulate, evaluate })?;
    out.write_all(NEXT.as_bytes())?;
    Ok(if holds { OK } else { CHECK_FAILED })
}

fn write_comparison(out: &mut impl Write, comparison: &Comparison) -> Result<(), Failure> {
    let Comparison { elements, equal, wrong, first_wrong, worst } = comparison;
    writeln!(out, "Compared with the evaluator, which shares no arithmetic with the emulator")?;
    writeln!(out, "  {equal} of {elements} elements have the same bits")?;
    if let Some(worst) = worst {
        writeln!(
            out,
            "  the others differ by rounding; the closest to its bound is y{:?}: \
             {} and {}, bound {:.4}",
            worst.index, worst.actual, worst.expected, worst.allowed
        )?;
    }
    if let Some(first) = first_wrong {
        writeln!(
            out,
            "  WRONG: {wrong} elements differ by more than rounding explains, first y{:?}: \
             {} instead of {}, bound {:.4}",
            first.index, first.actual, first.expected, first.allowed
        )?;
    }
    Ok(())
}

fn write_meaning(
    out: &mut impl Write,
    report: &palmetto_runtime::profile::Report,
    host: &HostTimes,
) -> Result<(), Failure> {
    let HostTimes { compile, emulate, evaluate } = host;
    let block = with_unit(report.total.seconds, "s");
    let mfu = report.total.mfu * 100.0;
    let launches = report.total.launches;
    writeln!(out, "\nWhat this shows")?;
    writeln!(
        out,
        "  A program straight from JAX became {launches} launches of VLIW bundles. The emulated \
         chip\n  executed every one of them and needs {block} for the block: {mfu:.1} % of what \
         its eight\n  matrix units could do. The table says which instruction took that time and \
         what it\n  waited for; the three largest losses are where work on the compiler would pay."
    )?;
    writeln!(
        out,
        "  On this host: compiled in {:.2} s, emulated in {:.2} s, evaluated and bounded in {:.2} s.",
        compile.as_secs_f64(),
        emulate.as_secs_f64(),
        evaluate.as_secs_f64()
    )?;
    Ok(())
}
