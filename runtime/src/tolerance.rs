//! How far two correct executions of a program may differ, computed from the program.
//!
//! Two executions that round every instruction's result to its type, each in its own order of
//! accumulation, differ by rounding errors. Taken as independent random variables, these add up by
//! their variances: [`deviations`] evaluates the program and, beside each value, propagates the
//! standard deviation of that difference to first order, instruction by instruction (derivatives
//! for elementwise functions, sums of squares for reductions and dots). [`Bound::compare`] allows
//! as many deviations as keep the chance that any element of a correct result exceeds them below
//! one in a million.
//!
//! So the bound follows from depth, magnitudes and types, and no number in it is tuned. What it
//! leaves out: errors that are correlated (it treats two paths from one value as independent),
//! terms of second order, and programs whose control flow or indices depend on inexact values;
//! those are refused ([`ToleranceError`]).

use std::collections::BTreeMap;
use std::rc::Rc;

use palmetto_compiler::evaluator::{EvaluationError, EvaluatorOptions, evaluate};
use palmetto_compiler::hlo::{
    ArrayLiteral, ComputationBuilder, InstructionId, Literal, Module, Op, Opcode, rewrite,
};

mod compare;
mod rounding;
mod rules;
mod structure;
mod window;

pub use compare::{Bound, Comparison, Difference};

/// The program is outside of what can be bounded.
#[derive(Debug, thiserror::Error)]
pub enum ToleranceError {
    /// No rule.
    #[error("there is no rule for the rounding errors of {instruction} ({opcode})")]
    NoRule {
        /// The instruction.
        instruction: String,
        /// What it does.
        opcode: Opcode,
    },
    /// A small error can change the result without limit.
    #[error("{instruction} ({opcode}) makes a decision from inexact values")]
    Decision {
        /// The instruction.
        instruction: String,
        /// What it does.
        opcode: Opcode,
    },
    /// The program cannot be evaluated.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
}

/// The standard deviation of each element's difference; `None` if all are exact.
type Deviation = Option<Rc<Vec<f32>>>;

/// A value of the reference execution and how uncertain it is.
#[derive(Clone, Debug)]
struct Uncertain {
    value: ArrayLiteral,
    deviation: Deviation,
}

/// Evaluates `module`, and bounds how far other executions may be from its results.
///
/// # Errors
/// The evaluation fails, or there is no bound.
pub fn deviations(module: &Module, inputs: &[Literal]) -> Result<Vec<Bound>, ToleranceError> {
    let module = &without_calls(module);
    let entry = module.entry_computation();
    let arrays: Vec<InstructionId> = entry
        .post_order()
        .into_iter()
        .filter(|&id| entry.instruction(id).shape().as_array().is_some())
        .collect();
    let values = evaluate_all(module, &arrays, inputs)?;
    let mut known: BTreeMap<InstructionId, Uncertain> = BTreeMap::new();
    for (id, value) in arrays.into_iter().zip(values) {
        let instruction = entry.instruction(id);
        let operands: Option<Vec<&Uncertain>> =
            instruction.operands().iter().map(|operand| known.get(operand)).collect();
        // Only tuples are not known.
        let operands = operands.ok_or_else(|| no_rule(instruction))?;
        let deviation = rules::propagate(module, instruction, &operands, &value)?;
        known.insert(id, Uncertain { value, deviation });
    }
    let root = entry.instruction(entry.root());
    let is_tuple = matches!(root.op(), Op::Tuple);
    let results = if is_tuple { root.operands().to_vec() } else { vec![entry.root()] };
    let bounds = results.iter().map(|id| known.get(id).cloned().ok_or_else(|| no_rule(root)));
    bounds
        .map(|bound| bound.map(|Uncertain { value, deviation }| Bound { value, deviation }))
        .collect()
}

/// The same module without calls from the entry computation.
fn without_calls(module: &Module) -> Module {
    let mut module = module.clone();
    let entry = module.entry();
    loop {
        let mut instructions = module.computation(entry).instructions();
        let call = instructions.find(|(_, instruction)| instruction.opcode() == Opcode::Call);
        let Some((call, _)) = call else { break };
        drop(instructions);
        rewrite::inline_call(&mut module, entry, call);
    }
    module
}

/// The values of many instructions of the entry computation, from one evaluation.
fn evaluate_all(
    module: &Module,
    wanted: &[InstructionId],
    inputs: &[Literal],
) -> Result<Vec<ArrayLiteral>, ToleranceError> {
    let mut module = module.clone();
    let entry = module.entry();
    let mut builder = ComputationBuilder::new(&mut module, entry);
    let root = builder.tuple(wanted);
    builder.set_root(root);
    let result = evaluate(&module, inputs, &EvaluatorOptions::default())?.result;
    let Literal::Tuple(values) = result else { unreachable!("the root is a tuple") };
    let array = |value| match value {
        Literal::Array(array) => array,
        Literal::Tuple(_) => unreachable!("only arrays were asked for"),
    };
    Ok(values.into_iter().map(array).collect())
}

fn no_rule(instruction: &palmetto_compiler::hlo::Instruction) -> ToleranceError {
    let (instruction, opcode) = (instruction.name().to_owned(), instruction.opcode());
    ToleranceError::NoRule { instruction, opcode }
}
