//! [`Executable`]: what the compiler makes, and all that is needed to run it.
//!
//! Arrays live in *allocations* of HBM; where these lie is decided when the executable is loaded. A
//! tree of steps is walked in order. Each step is *scheduled* (a bundle program), *modelled* (a
//! host routine with a stated cost), or control flow over steps.

use std::sync::Arc;

use palmetto_isa::{Bytes, ChipSpec, Cycles, Program};
use palmetto_kernels::llo::Function;

use crate::hlo::{
    ArrayShape, ComputationId, CustomCallTarget, InstructionId, Literal, Metadata, Module,
    Precision,
};

/// Names an [`Allocation`] of an executable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AllocationId(pub usize);

/// A piece of HBM.
#[derive(Clone, Debug)]
pub struct Allocation {
    /// A name for reports: of the instruction, or of what shares it.
    pub name: String,
    /// Granules of 512 bytes.
    pub granules: u32,
    /// What it is for.
    pub kind: AllocationKind,
}

/// What an allocation is for.
#[derive(Clone, Debug)]
pub enum AllocationKind {
    /// The value of entry parameter `n`, written before the run.
    Parameter(usize),
    /// A constant, written when the executable is loaded. The view says how.
    Constant {
        /// The value.
        literal: Literal,
        /// Its shape with the layout in HBM.
        shape: ArrayShape,
    },
    /// A result of the program, unless it lies where a donated parameter is.
    Result,
    /// Intermediate values, packed by buffer assignment.
    Temporary,
}

/// A place in an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// The allocation.
    pub allocation: AllocationId,
    /// Granules from its start.
    pub offset: u32,
}

/// An array in HBM.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Where it starts.
    pub slice: Slice,
    /// Its shape, with the tiled layout.
    pub shape: ArrayShape,
}

/// Where a step comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Source {
    /// The HLO instruction.
    pub instruction: String,
    /// What it computes, in a few words (`fusion of dot, add`).
    pub description: String,
    /// Where the user wrote it.
    pub metadata: Metadata,
    /// Floating-point operations that the program asks for (no padding, no extra passes).
    pub flops: u64,
    /// Bytes of the operands and results.
    pub bytes: Bytes,
}

/// A step of an executable.
#[derive(Clone, Debug)]
pub enum Step {
    /// A bundle program.
    Launch(Launch),
    /// A host routine with a stated cost.
    Modelled(Modelled),
    /// Runs `condition`, then `body` while the predicate holds.
    While {
        /// Where it comes from.
        source: Source,
        /// Computes the predicate.
        condition: Vec<Step>,
        /// A `pred[]`.
        predicate: View,
        /// The body; the state is updated in place.
        body: Vec<Step>,
    },
    /// Runs one branch.
    Conditional {
        /// Where it comes from.
        source: Source,
        /// A `pred[]` (true runs branch 0) or an `s32[]` (out of range runs the last branch).
        index: View,
        /// The branches.
        branches: Vec<Vec<Step>>,
    },
    /// Copies an array on the host's side of the model: of types that no kernel copies.
    Copy {
        /// Where it comes from.
        source: Source,
        /// The array.
        from: View,
        /// Where to.
        to: View,
        /// The time that it is said to take.
        cycles: Cycles,
        /// How that time comes about, in words.
        formula: String,
    },
    /// A check of a self-checking program.
    Check {
        /// Where it comes from.
        source: Source,
        /// Which check.
        target: CustomCallTarget,
        /// The operands of the check.
        operands: Vec<View>,
    },
}

/// A launch of a bundle program on both cores.
#[derive(Clone, Debug)]
pub struct Launch {
    /// Where it comes from.
    pub source: Source,
    /// Index of the program in the executable.
    pub program: usize,
    /// The arrays whose first granules are the launch arguments.
    pub arguments: Vec<Slice>,
    /// How many of the arguments, the last ones, are results.
    pub n_results: usize,
}

/// An op that has no device kernel: its values are computed on the host, its time is a formula.
#[derive(Clone, Debug)]
pub struct Modelled {
    /// Where it comes from.
    pub source: Source,
    /// The module that the op is in.
    pub module: Arc<Module>,
    /// Its computation.
    pub computation: ComputationId,
    /// The op.
    pub instruction: InstructionId,
    /// Its operands.
    pub operands: Vec<View>,
    /// Its results.
    pub results: Vec<View>,
    /// The time that it is said to take.
    pub cycles: Cycles,
    /// How that time comes about, in words.
    pub formula: String,
}

/// A compiled program.
#[derive(Clone, Debug)]
pub struct Executable {
    /// The name of the module.
    pub name: String,
    /// The module after all passes, to be looked at.
    pub module: Arc<Module>,
    /// The chip that it was compiled for.
    pub chip: ChipSpec,
    /// What `default` meant as the precision of a dot's operands; modelled dots need it.
    pub default_precision: Precision,
    /// All allocations.
    pub allocations: Vec<Allocation>,
    /// The entry parameters.
    pub parameters: Vec<View>,
    /// The results, flattened.
    pub results: Vec<View>,
    /// The parameters that the program asks for as donations, in order.
    pub donated: Vec<usize>,
    /// The parameters, of these, whose arrays are written over. If such an argument is not donated,
    /// the program has to get a copy.
    pub overwritten: Vec<usize>,
    /// Whether the root was a tuple.
    pub root_is_tuple: bool,
    /// The bundle programs.
    pub programs: Vec<Program>,
    /// The LLO that each program was made from, to be looked at.
    pub functions: Vec<Function>,
    /// What is run.
    pub steps: Vec<Step>,
}

impl Executable {
    /// HBM that the executable needs at most at one time.
    pub fn peak_hbm(&self) -> Bytes {
        let granule = palmetto_isa::memory::GRANULE_BYTES as u64;
        Bytes(self.allocations.iter().map(|a| u64::from(a.granules) * granule).sum())
    }
}
