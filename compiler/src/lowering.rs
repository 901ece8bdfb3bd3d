//! From HLO to kernels: which kernel computes a region, and with what.
//!
//! A [`Region`] is one instruction or the body of a fusion. [`choose_kernel`] finds the kernel
//! that computes it, or says why there is none; it is asked by the fusion pass (may these be one
//! kernel?) and by code generation (emit it), so the two cannot disagree. All arrays of a region
//! are in row-major order: layout normalisation has seen to that, but for the results of dots and
//! for transposes that move nothing.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each kernel knows a few of many opcodes and refuses the rest, whatever they are"
)]

mod access;
mod dot;
mod expression;
mod reduce;
mod region;
mod rowwise;

pub use region::{Region, copy_element, is_generator, reducer_of};

use palmetto_isa::ChipSpec;
use palmetto_kernels::{
    llo::Function,
    matmul::{Matmul, MatmulError},
    reduce::{Reduce, ReduceError},
    rowwise::{Rowwise, RowwiseError},
};
use thiserror::Error;

use crate::hlo::{ElementType, InstructionId, Opcode};

/// Why no device kernel computes a region.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// An op that no kernel has.
    #[error("no device kernel for `{0}` of {1}")]
    Op(Opcode, ElementType),
    /// A type that the device does not compute with.
    #[error("no device kernel for arrays of {0}")]
    Type(ElementType),
    /// An op of a kind that kernels have, but not in this way.
    #[error("no device kernel for {what} in `{instruction}`")]
    Form {
        /// What is not possible.
        what: &'static str,
        /// Where.
        instruction: String,
    },
    /// The row kernel refused.
    #[error(transparent)]
    Rowwise(#[from] RowwiseError),
    /// The reduction kernel refused.
    #[error(transparent)]
    Reduce(#[from] ReduceError),
    /// The matmul kernel refused.
    #[error(transparent)]
    Matmul(#[from] MatmulError),
}

/// A kernel with all that it depends on.
#[derive(Clone, Debug)]
pub enum Kernel {
    /// Elementwise loops and reductions over the lanes.
    Rowwise(Rowwise),
    /// A reduction over any dimensions.
    Reduce(Reduce),
    /// A matrix product with what comes after it.
    Matmul(Box<Matmul>),
}

impl Kernel {
    /// The kernel as a device program in LLO.
    ///
    /// # Errors
    /// If the shapes do not suit the kernel.
    pub fn emit(&self, chip: &ChipSpec) -> Result<Function, Refusal> {
        match self {
            Self::Rowwise(spec) => Ok(palmetto_kernels::rowwise::rowwise(spec, chip)?),
            Self::Reduce(spec) => Ok(palmetto_kernels::reduce::reduce(spec, chip)?),
            Self::Matmul(spec) => Ok(palmetto_kernels::matmul::matmul(spec, chip)?),
        }
    }
}

/// A kernel, and the instructions whose arrays are its launch arguments.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The kernel.
    pub kernel: Kernel,
    /// The operands, in the order of the kernel's arguments.
    pub inputs: Vec<InstructionId>,
}

/// The kernel that computes `region`. Its results, in the order of the region's roots, are the last
/// arguments.
///
/// # Errors
/// Why there is none.
pub fn choose_kernel(region: &Region<'_>) -> Result<Choice, Refusal> {
    match dot::find(region) {
        Some(dot) => dot::choose(region, dot),
        None if reduce::is_at_root(region) => reduce::choose(region),
        None => rowwise::choose(region),
    }
}
