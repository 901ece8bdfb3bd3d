//! The compiler: StableHLO in, bundle programs out.

pub mod backend;
