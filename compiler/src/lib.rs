//! The compiler: StableHLO in, bundle programs out.
