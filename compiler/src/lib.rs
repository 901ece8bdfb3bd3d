//! The compiler: StableHLO in, bundle programs out.

pub mod diagnostic;
pub mod evaluator;
pub mod hlo;
