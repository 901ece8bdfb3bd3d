//! The evaluator: what HLO means, executed on the host.
//!
//! It defines the result of every op, plainly, and shares no arithmetic with the emulator; the two
//! are compared with each other. Constant folding and modelled launches use it too.
//!
//! Numbers (`docs/numerics.md` has the reasons):
//!
//! * floats are computed in `f64` and rounded to nearest even once per op, so sums, products,
//!   quotients and square roots are correctly rounded and other functions nearly always;
//! * `dot` and plain sums and products of `reduce` accumulate in `f64` and round at the end;
//! * `dot` honours the operands' precision: `default` sees `f32` as `bf16`, `high` as two of them;
//! * integers wrap; division by 0 gives -1, the remainder by 0 the dividend; shifts by the width or
//!   more give 0 or the sign; conversions from floats saturate, NaN becomes 0;
//! * `maximum` and `minimum` propagate NaN and order -0 below 0; start indices are clamped;
//! * every computed NaN is the positive quiet one; ops that only move, select or negate keep bits.
//!
//! Promises: the same module, arguments and options give the same bits, on any number of threads;
//! every verified module gives a result or an error, within the limits of the options.

mod array_op;
mod complex;
mod contraction;
mod convolution;
mod element;
mod elementwise;
mod error;
mod fourier;
mod indexing;
mod interpreter;
mod lifted;
mod linear_algebra;
mod movement;
mod narrow;
mod plan;
mod random_bits;
mod reduction;
mod rounding;
mod scatter;
mod sorting;
mod strided;
mod window;

pub mod check;

#[cfg(test)]
mod tests;

use crate::hlo::{ComputationId, InstructionId, Literal, Module, Precision, Shape, infer};
use interpreter::{Interpreter, State, at, has_shape};

pub use check::{CheckOutcome, check};
pub use error::{Cause, EvaluationError};

/// How to evaluate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvaluatorOptions {
    /// What `default` means as a precision of a `dot` operand. TPUs take one `bf16` pass, which is
    /// [`Precision::Default`] itself.
    pub default_dot_precision: Precision,
    /// How often the bodies of all loops may run together.
    pub loop_limit: u64,
    /// The most bytes that values may take at a time.
    pub memory_limit_bytes: u64,
}

impl Default for EvaluatorOptions {
    fn default() -> Self {
        Self {
            default_dot_precision: Precision::Default,
            loop_limit: 10_000_000,
            memory_limit_bytes: 16 << 30,
        }
    }
}

/// What an evaluation gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The value of the entry computation, or of the one instruction.
    pub result: Literal,
    /// The outcomes of the checks, in the order in which they ran.
    pub checks: Vec<CheckOutcome>,
}

/// Evaluates the entry computation of a verified module.
///
/// # Errors
/// The arguments do not fit the parameters, a limit is reached, or a custom call has no meaning.
pub fn evaluate(
    module: &Module,
    arguments: &[Literal],
    options: &EvaluatorOptions,
) -> Result<Evaluation, EvaluationError> {
    evaluate_computation(module, module.entry(), arguments, options)
}

/// Evaluates any computation of a verified module.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_computation(
    module: &Module,
    computation: ComputationId,
    arguments: &[Literal],
    options: &EvaluatorOptions,
) -> Result<Evaluation, EvaluationError> {
    let computations = module.post_order_from(computation);
    let interpreter = Interpreter::new(module, &computations, options);
    let mut state = State::default();
    let result = interpreter.call(&mut state, computation, arguments.to_vec())?;
    Ok(Evaluation { result, checks: state.checks })
}

/// Evaluates one instruction for given values of its operands, in order.
///
/// # Errors
/// As [`evaluate`]; also if the values do not have the operands' shapes.
pub fn evaluate_instruction(
    module: &Module,
    computation: ComputationId,
    instruction: InstructionId,
    operands: &[Literal],
    options: &EvaluatorOptions,
) -> Result<Evaluation, EvaluationError> {
    let computation = module.computation(computation);
    let instruction = computation.instruction(instruction);
    let shapes = instruction.operands().iter().map(|&id| computation.instruction(id).shape());
    let shapes: Vec<&Shape> = shapes.collect();
    infer(instruction.op(), &shapes, Some(instruction.shape()), module)
        .map_err(|error| at(instruction, Cause::Illegal(error)))?;
    let (given, needed) = (operands.len(), shapes.len());
    if given != needed {
        return Err(at(instruction, Cause::OperandCount { given, needed }));
    }
    for (number, (operand, &needed)) in operands.iter().zip(&shapes).enumerate() {
        if !has_shape(operand, needed) {
            let (given, needed) = (Box::new(operand.shape()), Box::new(needed.clone()));
            return Err(at(instruction, Cause::OperandShape { number, given, needed }));
        }
    }
    let called = instruction.op().called_computations();
    let mut computations = Vec::new();
    for id in called.into_iter().flat_map(|id| module.post_order_from(id)) {
        if !computations.contains(&id) {
            computations.push(id);
        }
    }
    let interpreter = Interpreter::new(module, &computations, options);
    let mut state = State::default();
    let result = interpreter.execute(&mut state, instruction, &shapes, operands.to_vec())?;
    Ok(Evaluation { result, checks: state.checks })
}
