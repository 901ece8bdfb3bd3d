//! LLO to bundles: the order of the steps.
//!
//! 1. [`flow`]: loops are opened into segments; values become variables.
//! 2. [`coalesce`]: copies of carried values that are not needed go away.
//! 3. [`fifo`]: what the FIFOs hold before each segment; [`interleave`]: chains take turns.
//! 4. [`spill`]: variables go to memory until the program order fits into the registers.
//! 5. [`dependence`] and [`schedule`]: each segment becomes bundles, never needing more registers
//!    than the program order or the limit.
//! 6. [`regalloc`]: variables get registers. If some find none, others are spilled, and it goes on
//!    with step 4.
//! 7. [`emit`]: bundles over registers, branches, distances across the borders of segments.
//! 8. [`checker`], if asked for: an independent proof that the bundles compute what LLO says.

mod address;
mod checker;
mod coalesce;
mod dependence;
mod emit;
mod fifo;
mod flow;
mod interleave;
mod liveness;
mod regalloc;
mod schedule;
mod spill;

use checker::CheckError;
use emit::Emitted;
use flow::Code;
use palmetto_isa::{ChipSpec, MemorySpace, Program, memory::GRANULE_BYTES};
use palmetto_kernels::llo::{Function, LloError, Scratch, Value, verify_function};
use regalloc::{REGISTERS, Ranges};
use schedule::{Bundles, Context};
use spill::Spills;
use std::collections::BTreeSet;
use thiserror::Error;

use crate::options::CompileOptions;

/// Why there is no program for a function.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BackendError {
    /// The function is not legal.
    #[error("`{function}` is not legal: {error}")]
    Illegal {
        /// The function.
        function: String,
        /// The rule that it breaks.
        error: LloError,
    },
    /// Scratches and spills are larger than the VMEM.
    #[error(
        "`{function}` needs {needed_bytes} bytes of vmem, the chip has {available_bytes}: {scratches}"
    )]
    VmemExceeded {
        /// The function.
        function: String,
        /// What it needs.
        needed_bytes: u64,
        /// What there is.
        available_bytes: u64,
        /// The scratches with their sizes.
        scratches: String,
    },
    /// Scratches and spills are larger than the SMEM.
    #[error(
        "`{function}` needs {needed_bytes} bytes of smem, the chip has {available_bytes}: {scratches}"
    )]
    SmemExceeded {
        /// The function.
        function: String,
        /// What it needs.
        needed_bytes: u64,
        /// What there is.
        available_bytes: u64,
        /// The scratches with their sizes.
        scratches: String,
    },
    /// A segment pushes more results than a FIFO holds before it pops any.
    #[error("the FIFO of {fifo} holds {capacity} results; more are pushed before one is popped")]
    FifoOverflow {
        /// The unit.
        fifo: String,
        /// How many results it holds.
        capacity: i64,
    },
    /// A pop for which nothing was pushed.
    #[error("a result of {fifo} is popped that was never pushed")]
    FifoUnderflow {
        /// The unit.
        fifo: String,
    },
    /// Even with everything in memory that can be, there are not enough registers.
    #[error("`{function}` does not fit into the registers after {rounds} rounds of spilling")]
    RegistersExceeded {
        /// The function.
        function: String,
        /// How often variables were spilled.
        rounds: usize,
    },
    /// A bug of ours: the bundles do not compute what the function says.
    #[error("the bundles of `{function}` are wrong: {error}")]
    Check {
        /// The function.
        function: String,
        /// Where and why.
        error: CheckError,
    },
}

/// Rounds of scheduling, allocating and spilling.
const MAX_ROUNDS: usize = 64;

/// The bundles of `function`, proven to be right if `options` ask for it.
///
/// # Errors
/// If the function needs more memory than there is, or uses a FIFO in a way that cannot work.
pub fn generate_code(
    function: &Function,
    options: &CompileOptions,
) -> Result<Program, BackendError> {
    let chip = &options.chip;
    verify_memory(function, &function.scratches, chip)?;
    verify_function(function, chip).map_err(|error| {
        let function = function.name.clone();
        BackendError::Illegal { function, error }
    })?;
    let (code, emitted) = schedule_and_allocate(function, chip)?;
    verify_memory(function, &code.scratches, chip)?;
    if options.check {
        checker::check(function, &emitted, &code.loops, chip).map_err(|error| {
            let function = function.name.clone();
            BackendError::Check { function, error }
        })?;
    }
    let granules = granules(&code.scratches, MemorySpace::Vmem);
    Ok(Program {
        name: function.name.clone(),
        bundles: emitted.bundles,
        descriptors: function.descriptors.clone(),
        vmem_granules: u32::try_from(granules).expect("the VMEM has fewer granules"),
        n_arguments: function.n_arguments,
    })
}

fn schedule_and_allocate(
    function: &Function,
    chip: &ChipSpec,
) -> Result<(Code, Emitted), BackendError> {
    let mut code = flow::open_loops(function);
    coalesce::coalesce(&mut code);
    let mut spills = Spills::new(&mut code);
    let fifos = fifo::occupancies(&mut code, chip)?;
    let mut limits = REGISTERS.map(|count| i32::try_from(count).expect("there are few registers"));
    for _ in 0..MAX_ROUNDS {
        spills.relieve(&mut code, limits);
        let liveness = liveness::Liveness::of(&code);
        let bundles = schedule_all(&code, &liveness, &fifos, (chip, limits));
        let ranges = Ranges::of(&code, &liveness, &bundles);
        match regalloc::allocate(&ranges) {
            Ok(allocation) => {
                let emitted = emit::emit(&code, &bundles, &allocation);
                return Ok((code, emitted));
            }
            // First the scheduler leaves some registers as slack, then variables are spilled.
            Err(failed) if leave_slack(&mut limits, &failed) => {}
            Err(failed) => {
                let victims = spills.victims(&code, &failed, &ranges);
                spills.spill(&mut code, &victims);
            }
        }
    }
    Err(BackendError::RegistersExceeded { function: function.name.clone(), rounds: MAX_ROUNDS })
}

/// Makes the scheduler use fewer registers of the classes of `failed`; no if it uses few already.
fn leave_slack(limits: &mut [i32; 3], failed: &[Value]) -> bool {
    let classes: BTreeSet<usize> = failed.iter().map(|value| flow::class(*value)).collect();
    let mut lowered = false;
    for class in classes {
        if limits[class] > slack_limit(class) {
            limits[class] -= 2;
            lowered = true;
        }
    }
    lowered
}

fn slack_limit(class: usize) -> i32 {
    i32::try_from(REGISTERS[class]).expect("there are few registers") - 4
}

fn schedule_all(
    code: &Code,
    liveness: &liveness::Liveness,
    fifos: &[fifo::Fifos],
    (chip, limits): (&ChipSpec, [i32; 3]),
) -> Vec<Bundles> {
    let schedule_one = |(index, segment): (usize, &Vec<flow::Inst>)| {
        let graph = dependence::dependences(segment, &fifos[index], chip);
        let live = (&liveness.live_in[index], &liveness.live_out[index]);
        schedule::schedule(segment, &graph, &Context { chip, live, limits })
    };
    code.segments.iter().enumerate().map(schedule_one).collect()
}

fn granules(scratches: &[Scratch], space: MemorySpace) -> u64 {
    let all = scratches.iter().filter(|scratch| scratch.space == space);
    all.map(|s| u64::from(s.base) + u64::from(s.granules)).max().unwrap_or(0)
}

fn verify_memory(
    function: &Function,
    scratches: &[Scratch],
    chip: &ChipSpec,
) -> Result<(), BackendError> {
    let spaces = [(MemorySpace::Vmem, chip.vmem_bytes), (MemorySpace::Smem, chip.smem_bytes)];
    for (space, available_bytes) in spaces {
        let needed_bytes = granules(scratches, space) * GRANULE_BYTES as u64;
        if needed_bytes <= available_bytes {
            continue;
        }
        let all = scratches.iter().filter(|s| s.space == space && s.granules > 0);
        let bytes = |s: &Scratch| u64::from(s.granules) * GRANULE_BYTES as u64;
        let sizes: Vec<String> = all.map(|s| format!("{} {}", s.name, bytes(s))).collect();
        let (function, scratches) = (function.name.clone(), sizes.join(", "));
        return Err(if space == MemorySpace::Vmem {
            BackendError::VmemExceeded { function, needed_bytes, available_bytes, scratches }
        } else {
            BackendError::SmemExceeded { function, needed_bytes, available_bytes, scratches }
        });
    }
    Ok(())
}
