//! Passes: functions from a module to a better one, each in a file of its name.
//!
//! A pass keeps the value of the module: what [`crate::evaluator`] says before and after is the
//! same.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each pass knows a few of many opcodes and leaves the rest alone, whatever they are"
)]

use thiserror::Error;

use crate::options::CompileOptions;

mod call_inliner;
mod constant_folding;
mod cse;
mod dce;
mod default_precision;
mod degenerate_dimension_remover;
mod fusion;
mod layout_assignment;
mod layout_normalization;

pub use call_inliner::call_inliner;
pub use constant_folding::constant_folding;
pub use cse::cse;
pub use dce::dce;
pub use default_precision::default_precision;
pub use degenerate_dimension_remover::degenerate_dimension_remover;
pub use fusion::fusion;
pub use layout_assignment::layout_assignment;
pub use layout_normalization::layout_normalization;

/// Whether a pass changed the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It did.
    Yes,
    /// It did not.
    No,
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
}
