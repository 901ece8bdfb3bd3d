//! The place where compiler and emulator meet: a client with emulated chips, arrays on them, and
//! programs that run there.
//!
//! A [`Client`] has the [`Device`]s of a [`Topology`]. A [`Buffer`] is an array in a device's
//! memory, an [`Executable`] a compiled program, and a [`LoadedExecutable`] one with its constants
//! on the devices that it runs on. Everything is asynchronous: calls return at once, [`Event`]s say
//! when work is done and how it ended. Work on a device is done in the order of the calls. Results
//! and addresses depend on that order only: never on the clock, on threads, or on whether anybody
//! waits.
//!
//! [`LoadedExecutable::run`] is the short way for one program, one chip and literals. Every
//! execution leaves a [`profile::Report`].

pub mod numpy;
pub mod profile;
pub mod program;
pub mod seeded;
pub mod showcase;
pub mod tolerance;
pub mod transfer;

mod allocator;
mod assignment;
mod buffer;
mod client;
mod cost;
mod device;
mod dispatch;
mod error;
mod event;
mod executable;
mod execution;
mod host_array;
mod host_transfer;
mod loaded;
mod record;
mod serialized;
mod topology;
mod workers;

pub use assignment::DeviceAssignment;
pub use buffer::{Buffer, device_shape};
pub use client::{Client, ClientOptions, MAX_TRIPS};
pub use cost::{CompiledMemoryStats, CostAnalysis};
pub use device::{Device, MemoryKind, MemoryStats};
pub use error::Error;
pub use event::{Event, Outcome, Promise, SharedError};
pub use executable::{ArraySpec, Executable};
pub use execution::{Clock, Execution, RunOptions, Watch};
pub use host_array::HostArray;
pub use host_transfer::{Host, HostTransfer};
pub use loaded::{Argument, ExecuteOptions, Launch, LoadedExecutable};
// What the interface is about, so that those above need not name the compiler.
pub use palmetto_compiler::diagnostic::Diagnostic;
pub use palmetto_compiler::frontend::PORTABLE_VERSIONS;
pub use palmetto_compiler::hlo::proto::encode_module_with_config;
pub use palmetto_compiler::hlo::{
    ArrayLiteral, ArrayShape, ElementType, Layout, Literal, Module, Shape,
};
pub use palmetto_compiler::options::CompileOptions;
pub use record::PendingReport;
pub use topology::{ChipDescription, DeviceId, Topology, TopologyError};
