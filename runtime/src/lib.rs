//! The place where compiler and emulator meet: executables are loaded and run, and reported on.
//!
//! [`LoadedExecutable`] places a compiled program's buffers in HBM; executing it writes the
//! arguments in the device's layout ([`transfer`]), walks the steps on an emulated chip and gives
//! the results with a [`profile::Report`]. Results never depend on the clock.

pub mod numpy;
pub mod profile;
pub mod program;
pub mod seeded;
pub mod showcase;
pub mod tolerance;
pub mod transfer;

mod error;
mod executable;
mod execution;
mod host_transfer;

pub use error::Error;
pub use executable::LoadedExecutable;
pub use execution::{Clock, Execution, RunOptions};
pub use host_transfer::HostTransfer;
