//! What can go wrong between a program's text and its results.

use palmetto_compiler::CompileError;
use palmetto_compiler::diagnostic::Diagnostic;
use palmetto_compiler::evaluator::EvaluationError;
use palmetto_compiler::hlo::{ArrayShape, LiteralError, Shape};
use palmetto_emulator::Fault;
use palmetto_isa::Bytes;

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
