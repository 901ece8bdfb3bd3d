//! What can keep a program from being evaluated.

use crate::hlo::{InferError, Shape};

/// A program cannot be evaluated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EvaluationError {
    /// The wrong number of arguments.
    #[error("{given} arguments given for computation {computation}, which has {needed} parameters")]
    ArgumentCount {
        /// The computation.
        computation: String,
        /// What was given.
        given: usize,
        /// What it takes.
        needed: usize,
    },
    /// An argument of the wrong shape.
    #[error("argument {number} of computation {computation} is {given}; {needed} is needed")]
    ArgumentShape {
        /// The computation.
        computation: String,
        /// The number of the parameter.
        number: usize,
        /// The shape of the argument.
        given: Box<Shape>,
        /// The shape of the parameter.
        needed: Box<Shape>,
    },
    /// An instruction that could not be evaluated.
    #[error("instruction {instruction}: {cause}")]
    Instruction {
        /// The name of the instruction.
        instruction: String,
        /// Why.
        cause: Cause,
    },
}

/// Why one instruction could not be evaluated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Cause {
    /// Loops took more steps than the options allow.
    #[error("loops took more than {limit} iterations, the limit; the loop may be endless")]
    LoopLimit {
        /// The limit for the whole evaluation.
        limit: u64,
    },
    /// Values take more memory than the options allow.
    #[error("the values alive here need {needed} bytes, the limit is {limit} bytes")]
    MemoryLimit {
        /// The bytes of all values, this instruction's result and its scratch included.
        needed: u64,
        /// The limit.
        limit: u64,
    },
    /// Computations call each other too deeply.
    #[error("calls are nested more than {limit} deep, the limit")]
    CallDepth {
        /// The limit.
        limit: usize,
    },
    /// A custom call that has no meaning here.
    #[error(
        "no meaning is known for custom-call target \"{target}\"; known are check.expect_eq, \
         check.expect_almost_eq, check.expect_close, check.eq, Eigh, LuDecomposition, Qr and \
         ProductOfElementaryHouseholderReflectors"
    )]
    UnknownTarget {
        /// The target.
        target: String,
    },
    /// A bitcast that exposes padding of the operand's layout.
    #[error("the bitcast from {from} to {to} reads padding, whose content is undefined")]
    BitcastOfPadding {
        /// The operand.
        from: Box<Shape>,
        /// The result.
        to: Box<Shape>,
    },
    /// An instruction that no verified module contains.
    #[error("{0}")]
    Illegal(#[from] InferError),
    /// A value for an operand that has another shape.
    #[error("the value of operand {number} is {given}; {needed} is needed")]
    OperandShape {
        /// The number of the operand.
        number: usize,
        /// The shape of the value.
        given: Box<Shape>,
        /// The shape of the operand.
        needed: Box<Shape>,
    },
    /// The wrong number of values for the operands.
    #[error("{given} values given for {needed} operands")]
    OperandCount {
        /// What was given.
        given: usize,
        /// What it takes.
        needed: usize,
    },
    /// A parameter outside of a call.
    #[error("parameter {number} has no value here")]
    UnboundParameter {
        /// The number of the parameter.
        number: usize,
    },
}
