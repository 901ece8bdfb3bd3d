//! Constant folding: values that are known are computed now, by the evaluator.
//!
//! An expression of constants and iotas is folded if it is small, if the device would be slow at it
//! (transcendental functions, ops without a kernel), or if it needs a table anyway. Cheap
//! expressions of iotas, such as causal masks, are left to the kernels, which make them without
//! reading memory; so is the repetition of a table, which would only make it larger.

use std::collections::BTreeMap;

use super::{Changed, PassContext, PassError};
use crate::{
    analysis::sequential_computations,
    evaluator::{EvaluatorOptions, evaluate_instruction},
    hlo::{
        ComputationBuilder, ComputationId, Extras, Instruction, InstructionId, Literal, Module, Op,
        Opcode, rewrite,
    },
    lowering::is_generator,
};

/// Results of at most this many elements are always folded.
const SMALL: usize = 1024;

/// See the module.
///
/// # Errors
/// If an expression cannot be evaluated.
pub fn constant_folding(module: &mut Module, context: &PassContext) -> Result<Changed, PassError> {
    let mut changed = Changed::No;
    for computation in sequential_computations(module) {
        let mut folder = Folder { module, context, computation, known: BTreeMap::new() };
        for id in folder.module.computation(computation).post_order() {
            if folder.is_worth_folding(id) {
                let literal = folder.literal(id)?;
                folder.replace(id, literal);
                changed = Changed::Yes;
            }
        }
    }
    Ok(changed)
}

struct Folder<'m> {
    module: &'m mut Module,
    context: &'m PassContext,
    computation: ComputationId,
    known: BTreeMap<InstructionId, Literal>,
}

impl Folder<'_> {
    fn instruction(&self, id: InstructionId) -> &Instruction {
        self.module.instruction(self.computation, id)
    }

    fn is_worth_folding(&self, id: InstructionId) -> bool {
        let computation = self.module.computation(self.computation);
        let instruction = self.instruction(id);
        let Some(shape) = instruction.shape().as_array() else { return false };
        if matches!(instruction.op(), Op::Constant { .. } | Op::Broadcast { .. }) {
            return false;
        }
        if is_generator(computation, id) || !self.is_constant(id) {
            return false;
        }
        let is_table = |operand: &InstructionId| {
            self.instruction(*operand).opcode() == Opcode::Constant
                && !is_generator(computation, *operand)
        };
        shape.element_count() <= SMALL
            || is_slow(instruction.opcode())
            || instruction.operands().iter().any(is_table)
    }

    /// Whether the value depends on constants and iotas only, none of them too large.
    fn is_constant(&self, id: InstructionId) -> bool {
        let mut open = vec![id];
        let mut steps = 0;
        while let Some(id) = open.pop() {
            let instruction = self.instruction(id);
            let limit = self.context.options.folding_limit_elements;
            let is_small =
                instruction.shape().as_array().is_some_and(|shape| shape.element_count() <= limit);
            steps += 1;
            if !is_small || !is_pure(instruction.op()) || steps > SMALL {
                return false;
            }
            open.extend(instruction.operands());
        }
        true
    }

    fn literal(&mut self, id: InstructionId) -> Result<Literal, PassError> {
        if let Some(literal) = self.known.get(&id) {
            return Ok(literal.clone());
        }
        let mut operands = Vec::new();
        for operand in self.instruction(id).operands().to_vec() {
            operands.push(self.literal(operand)?);
        }
        let options = EvaluatorOptions {
            default_dot_precision: self.context.options.default_precision,
            ..EvaluatorOptions::default()
        };
        let evaluation =
            evaluate_instruction(self.module, self.computation, id, &operands, &options)?;
        self.known.insert(id, evaluation.result.clone());
        Ok(evaluation.result)
    }

    fn replace(&mut self, id: InstructionId, literal: Literal) {
        let metadata = self.instruction(id).metadata().clone();
        let extras = Extras { metadata: Some(metadata), ..Extras::default() };
        let mut builder = ComputationBuilder::new(self.module, self.computation);
        let op = Op::Constant { literal: literal.clone() };
        let constant = builder.add_with(op, &[], extras).expect("a literal is a constant");
        self.known.insert(constant, literal);
        rewrite::replace(self.module, self.computation, id, constant);
    }
}

fn is_pure(op: &Op) -> bool {
    !matches!(
        op,
        Op::Parameter { .. }
            | Op::AfterAll
            | Op::Recv { .. }
            | Op::RecvDone { .. }
            | Op::Send { .. }
            | Op::SendDone { .. }
            | Op::CustomCall { .. }
            | Op::OptBarrier
            | Op::While { .. }
            | Op::Conditional { .. }
            | Op::Call { .. }
            | Op::Fusion { .. }
            | Op::Tuple
            | Op::GetTupleElement { .. }
    )
}

/// Ops that take the device long, or that it does not have.
fn is_slow(opcode: Opcode) -> bool {
    matches!(
        opcode,
        Opcode::Atan2
            | Opcode::Convolution
            | Opcode::Cosine
            | Opcode::Dot
            | Opcode::Exponential
            | Opcode::ExponentialMinusOne
            | Opcode::Gather
            | Opcode::Log
            | Opcode::LogPlusOne
            | Opcode::Logistic
            | Opcode::Power
            | Opcode::Reduce
            | Opcode::ReduceWindow
            | Opcode::Remainder
            | Opcode::Scatter
            | Opcode::SelectAndScatter
            | Opcode::Sine
            | Opcode::Tan
            | Opcode::Tanh
    )
}
