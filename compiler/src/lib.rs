//! The compiler: StableHLO in, bundle programs out.

pub mod analysis;
pub mod backend;
pub mod codegen;
pub mod diagnostic;
pub mod evaluator;
pub mod executable;
pub mod frontend;
pub mod hlo;
pub mod lowering;
pub mod memory;
pub mod options;
pub mod passes;
pub mod pipeline;

mod compile;

pub use compile::{CompileError, compile, optimize};
