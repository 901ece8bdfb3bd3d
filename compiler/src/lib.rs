//! The compiler: StableHLO in, bundle programs out.

pub mod backend;
pub mod diagnostic;
pub mod evaluator;
pub mod executable;
pub mod frontend;
pub mod hlo;
pub mod lowering;
