//! What can go wrong between a program's text and its results.

use std::collections::TryReserveError;
use std::sync::Arc;

use palmetto_compiler::CompileError;
use palmetto_compiler::codegen::CodegenError;
use palmetto_compiler::diagnostic::Diagnostic;
use palmetto_compiler::evaluator::EvaluationError;
use palmetto_compiler::hlo::{ArrayShape, LiteralError, Shape};
use palmetto_emulator::Fault;
use palmetto_isa::Bytes;

use crate::topology::DeviceId;

/// Why a program was not compiled or run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The user's program is wrong or asks for something unsupported.
    #[error(transparent)]
    Diagnostic(#[from] Diagnostic),
    /// The program cannot be compiled.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The wrong number of arguments.
    #[error("{given} arguments were given, the program takes {expected}")]
    ArgumentCount {
        /// How many there were.
        given: usize,
        /// How many the program takes.
        expected: usize,
    },
    /// An argument of the wrong shape.
    #[error("argument {number} is {given}, the program takes {expected}")]
    ArgumentShape {
        /// Which, counted from 0.
        number: usize,
        /// Its shape.
        given: Box<Shape>,
        /// The parameter's.
        expected: Box<ArrayShape>,
    },
    /// The program does not fit the chip's HBM.
    #[error(
        "the program needs {needed} of HBM, the chip has {available}; the largest buffers are {}",
        .largest.join(", ")
    )]
    OutOfMemory {
        /// What all buffers take.
        needed: Bytes,
        /// What the chip has.
        available: Bytes,
        /// Names and sizes of the largest buffers.
        largest: Vec<String>,
    },
    /// A device has too little free HBM.
    #[error(
        "{device} is out of memory: {needed} are needed for {what}; {in_use} of {limit} are in use, the \
         largest free block has {largest_free}; the largest buffers are {}",
        if .largest.is_empty() { "none".to_owned() } else { .largest.join(", ") }
    )]
    DeviceOutOfMemory {
        /// Which.
        device: DeviceId,
        /// What the memory is for.
        what: String,
        /// How much was asked for.
        needed: Bytes,
        /// How much others have.
        in_use: Bytes,
        /// How much there is.
        limit: Bytes,
        /// The most that could be had.
        largest_free: Bytes,
        /// Names and sizes of the largest buffers.
        largest: Vec<String>,
    },
    /// The host cannot back the part of a chip's HBM that is in use.
    #[error(
        "the host is out of memory: HBM in use reaches up to {needed}, which it cannot back ({source})"
    )]
    HostMemory {
        /// The part of HBM that has to be backed.
        needed: Bytes,
        /// What the host's allocator says.
        source: TryReserveError,
    },
    /// An array of the host is not what it says.
    #[error("the host's array cannot be used: {0}")]
    HostArray(String),
    /// A buffer is used that was deleted or donated.
    #[error("the buffer {buffer} was deleted or donated")]
    Deleted {
        /// Its shape.
        buffer: String,
    },
    /// An executable is used that was deleted.
    #[error("the executable {0} was deleted")]
    ExecutableDeleted(String),
    /// An argument is donated and also used otherwise in the same execution.
    #[error("argument {number} is donated, and argument {other} is the same buffer")]
    DonatedTwice {
        /// Which, counted from 0.
        number: usize,
        /// The other one.
        other: usize,
    },
    /// An argument is in another memory than the program takes it from.
    #[error(
        "argument {number} is in {given} memory of {given_device}, the program takes it from {expected} \
         memory of {device}"
    )]
    ArgumentMemory {
        /// Which, counted from 0.
        number: usize,
        /// The memory that it is in.
        given: &'static str,
        /// The device that it is on.
        given_device: DeviceId,
        /// The memory that it should be in.
        expected: &'static str,
        /// The device that executes.
        device: DeviceId,
    },
    /// A memory that no device has.
    #[error("there is no memory `{0}`; devices have device, pinned_host and unpinned_host")]
    UnknownMemory(String),
    /// A device of another client, or none.
    #[error("{device} is not a device of this client")]
    ForeignDevice {
        /// Its id.
        device: DeviceId,
    },
    /// A device assignment, or a list of arguments, that does not fit the program.
    #[error("{0}")]
    Assignment(String),
    /// A program for another chip.
    #[error("the program was compiled for {program}, the devices are {client} with other numbers")]
    OtherChip {
        /// The program's chip.
        program: String,
        /// The client's chip.
        client: String,
    },
    /// Data that is no executable, or none of this version.
    #[error("the serialized executable cannot be used: {0}")]
    Serialized(String),
    /// Work ended without an outcome: a bug of ours, reported by a panic on a worker thread.
    #[error("the work was abandoned: the thread that did it panicked")]
    Abandoned,
    /// What happened before, to something that this needs.
    #[error(transparent)]
    Earlier(#[from] Arc<Self>),
    /// The bundles did something that the machine does not define. This is a bug of the compiler.
    #[error("{instruction}{place}: {source}")]
    Fault {
        /// The HLO instruction.
        instruction: String,
        /// ` (file:line)` of the user's program, or nothing.
        place: String,
        /// What happened.
        source: Fault,
    },
    /// An array on the device is not a value of its type.
    #[error("{what}: {source}")]
    Value {
        /// Which array.
        what: String,
        /// What is wrong with it.
        source: LiteralError,
    },
    /// A modelled launch could not be computed.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    /// A transfer with the host failed.
    #[error("{instruction}{place}: {kind} on channel {channel}: {message}")]
    HostTransfer {
        /// The HLO instruction.
        instruction: String,
        /// ` (file:line)` of the user's program, or nothing.
        place: String,
        /// `send` or `recv`.
        kind: &'static str,
        /// The channel.
        channel: i64,
        /// What the host said.
        message: String,
    },
    /// A loop that seems not to end.
    #[error("{instruction} ran {limit} times and did not end; raise the limit if it should")]
    TooManyTrips {
        /// The HLO instruction.
        instruction: String,
        /// How often a loop may run.
        limit: u64,
    },
}

impl Error {
    /// Whether memory does not suffice, the host's program being right.
    pub fn is_out_of_memory(&self) -> bool {
        match self {
            Self::OutOfMemory { .. } | Self::DeviceOutOfMemory { .. } | Self::HostMemory { .. } => {
                true
            }
            Self::Compile(CompileError::Codegen(CodegenError::Hbm(_))) => true,
            Self::Earlier(error) => error.is_out_of_memory(),
            _ => false,
        }
    }

    /// A fault outside of any instruction: `what` met it.
    pub(crate) fn fault(what: &str, source: Fault) -> Self {
        Self::Fault { instruction: what.to_owned(), place: String::new(), source }
    }
}
