//! The emulator: runs bundle programs on emulated chips, bit by bit and cycle by cycle.
//!
//! A [`Chip`] owns its memories. The host writes HBM, launches a program on both cores, and reads
//! HBM back. A [`Timing`] says how long things take and cannot change a result. In strict mode
//! whatever the machine leaves undefined is a [`Fault`] with a place; outside of it, issue waits
//! until a register is ready and nothing is remembered about memory, which is faster.
//!
//! The crate knows nothing of how programs are made. Numbers are those of a
//! [`ChipSpec`](palmetto_isa::ChipSpec); arithmetic is defined in `docs/numerics.md`, time in
//! `docs/timing.md`.

pub mod chip;
mod dma;
pub mod fault;
pub mod host;
pub mod loaded;
mod memory;
pub mod report;
mod sync;
mod tensor_core;
pub mod timing;

pub use chip::{Chip, EmulatorOptions};
pub use fault::{Fault, FaultKind};
pub use loaded::LoadedProgram;
pub use report::{CoreReport, LaunchReport, Stalls};
pub use timing::{Chaos, ChipTiming, Ideal, Timing};
