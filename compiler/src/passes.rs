//! Passes: functions from a module to a better one, each in a file of its name.
//!
//! A pass keeps the value of the module: what [`crate::evaluator`] says before and after is the
//! same, bit by bit unless the pass says how not. It keeps where instructions come from, and
//! applied to its own result it changes nothing. File, function, text name and dump name of a pass
//! are the same.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each pass knows a few of many opcodes and leaves the rest alone, whatever they are"
)]

use std::ops::{BitOr, BitOrAssign};

use thiserror::Error;

use crate::hlo::InferError;
use crate::options::CompileOptions;

mod algebraic_simplifier;
mod barrier_expander;
mod call_inliner;
mod conditional_simplifier;
mod constant_folding;
mod convolution_decomposition;
mod cse;
mod dce;
mod default_precision;
mod degenerate_dimension_remover;
mod dot_canonicalization;
mod fusion;
mod gather_expander;
mod integer_dot_decomposition;
mod lane_interleaving;
mod layout_assignment;
mod layout_normalization;
mod lifting;
mod movement_decomposition;
mod movement_widening;
mod reduce_window_expander;
mod reshape_decomposition;
mod rng_bit_generator_expander;
mod scatter_expander;
mod select_and_scatter_expander;
mod sort_decomposition;
mod transpose_decomposition;
mod tuple_simplifier;
mod while_loop_simplifier;
mod zero_sized_elimination;

mod shaping;
mod site;

pub use algebraic_simplifier::algebraic_simplifier;
pub use barrier_expander::barrier_expander;
pub use call_inliner::call_inliner;
pub use conditional_simplifier::conditional_simplifier;
pub use constant_folding::constant_folding;
pub use convolution_decomposition::convolution_decomposition;
pub use cse::cse;
pub use dce::dce;
pub use default_precision::default_precision;
pub use degenerate_dimension_remover::degenerate_dimension_remover;
pub use dot_canonicalization::dot_canonicalization;
pub use fusion::fusion;
pub use gather_expander::gather_expander;
pub use integer_dot_decomposition::integer_dot_decomposition;
pub use lane_interleaving::lane_interleaving;
pub(crate) use layout_assignment::assign_missing_layouts;
pub use layout_assignment::layout_assignment;
pub use layout_normalization::layout_normalization;
pub use movement_decomposition::movement_decomposition;
pub use movement_widening::movement_widening;
pub use reduce_window_expander::reduce_window_expander;
pub use reshape_decomposition::reshape_decomposition;
pub use rng_bit_generator_expander::rng_bit_generator_expander;
pub use scatter_expander::scatter_expander;
pub use select_and_scatter_expander::select_and_scatter_expander;
pub use sort_decomposition::sort_decomposition;
pub use transpose_decomposition::transpose_decomposition;
pub use tuple_simplifier::tuple_simplifier;
pub use while_loop_simplifier::while_loop_simplifier;
pub use zero_sized_elimination::zero_sized_elimination;

/// Whether a pass changed the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It did.
    Yes,
    /// It did not.
    No,
}

impl From<bool> for Changed {
    fn from(changed: bool) -> Self {
        if changed { Self::Yes } else { Self::No }
    }
}

impl BitOr for Changed {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self::from(self == Self::Yes || other == Self::Yes)
    }
}

impl BitOrAssign for Changed {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

/// What passes may depend on.
#[derive(Clone, Debug)]
pub struct PassContext {
    /// The options of the compilation.
    pub options: CompileOptions,
}

/// A pass cannot go on.
#[derive(Debug, Error)]
pub enum PassError {
    /// A constant expression cannot be evaluated.
    #[error("folding constants: {0}")]
    Evaluation(#[from] crate::evaluator::EvaluationError),
    /// An instruction would become one that cannot be: too large, say.
    #[error("rewriting `{instruction}`: {cause}")]
    Rewrite {
        /// Which instruction.
        instruction: String,
        /// What is wrong with what it would become.
        cause: InferError,
    },
}
