//! The steps of a computation, instruction by instruction.

use std::sync::Arc;

use super::{CodegenError, Generator, Value, Values, source_of, with_layout};
use crate::{
    analysis::{is_free_reshape, loops::is_invariant},
    executable::{AllocationKind, Step, Transfer, View},
    hlo::{
        ArrayLiteral, ArrayShape, Computation, ComputationId, CustomCallTarget, ElementType,
        Instruction, InstructionId, Literal, Op, Opcode, Shape,
    },
    lowering::is_generator,
};

impl Generator<'_> {
    /// Appends the steps of a computation whose parameters are in `values`; the value of its root.
    pub(super) fn computation(
        &mut self,
        id: ComputationId,
        mut values: Values,
        steps: &mut Vec<Step>,
    ) -> Result<Value, CodegenError> {
        let module = Arc::clone(&self.module);
        let computation = module.computation(id);
        for instruction in computation.post_order() {
            if values.contains_key(&instruction) || is_generator(computation, instruction) {
                continue;
            }
            self.instruction(id, instruction, (&mut values, steps))?;
        }
        self.value(id, computation.root(), (&mut values, steps))
    }

    /// The value of an instruction; what kernels usually make in place is made now.
    pub(super) fn value(
        &mut self,
        computation: ComputationId,
        id: InstructionId,
        (values, steps): (&mut Values, &mut Vec<Step>),
    ) -> Result<Value, CodegenError> {
        if !values.contains_key(&id) {
            self.instruction(computation, id, (values, steps))?;
        }
        Ok(values[&id].clone())
    }

    fn instruction(
        &mut self,
        computation: ComputationId,
        id: InstructionId,
        (values, steps): (&mut Values, &mut Vec<Step>),
    ) -> Result<(), CodegenError> {
        let module = Arc::clone(&self.module);
        let instruction = module.instruction(computation, id);
        let mut operands = Vec::new();
        if takes_values(instruction.op()) {
            for operand in instruction.operands() {
                operands.push(self.value(computation, *operand, (values, steps))?);
            }
        }
        let value = match instruction.op() {
            Op::Tuple => Value::Tuple(operands),
            Op::GetTupleElement { index } => operands[0].elements()[*index].clone(),
            Op::OptBarrier => operands[0].clone(),
            // Tokens have no memory that anybody reads: the order of the steps is what they say.
            Op::AfterAll => self.temporary(instruction.shape(), instruction.name()),
            Op::Send { .. } | Op::Recv { .. } => self.transfer((computation, id), &operands, steps),
            Op::SendDone { .. } => operands[0].elements()[2].clone(),
            Op::RecvDone { .. } => {
                let parts = operands[0].elements();
                Value::Tuple(vec![parts[0].clone(), parts[2].clone()])
            }
            Op::Constant { literal } => {
                self.constant(literal.clone(), instruction.array_shape(), instruction.name())
            }
            Op::Bitcast => self.same_array(&operands[0], module.computation(computation), id),
            Op::Reshape
                if is_free_reshape(&operands[0].view().shape, instruction.array_shape()) =>
            {
                self.same_array(&operands[0], module.computation(computation), id)
            }
            Op::While { condition, body } => {
                self.while_loop((computation, id), (*condition, *body), &operands[0], steps)?
            }
            Op::Conditional { branch_computations } => {
                self.conditional((computation, id), branch_computations, &operands, steps)?
            }
            Op::Call { to_apply } => {
                let parameters = module.computation(*to_apply).parameters();
                let values = parameters.iter().copied().zip(operands).collect();
                self.computation(*to_apply, values, steps)?
            }
            Op::CustomCall { target, .. } if is_check(target) => {
                let source = source_of(&module, module.computation(computation), id);
                let operands = operands.iter().flat_map(Value::views).collect();
                steps.push(Step::Check { source, target: target.clone(), operands });
                Value::Tuple(Vec::new())
            }
            _ => self.compute(computation, id, (values, steps))?,
        };
        values.insert(id, value);
        Ok(())
    }

    fn constant(&mut self, literal: Literal, shape: &ArrayShape, name: &str) -> Value {
        let shape = with_layout(shape);
        let mut kind = Some(AllocationKind::Constant { literal, shape: shape.clone() });
        let mut take = || kind.take().expect("a constant is one array");
        self.allocate(&Shape::Array(shape), name, &mut take)
    }

    /// The operand's array under the shape of `id`.
    fn same_array(&self, operand: &Value, computation: &Computation, id: InstructionId) -> Value {
        let shape = with_layout(computation.instruction(id).array_shape());
        Value::Array(View { slice: operand.view().slice, shape })
    }

    /// The step of a `send` or `recv`, and its value: the array, a context, which is 0 here, and
    /// the token.
    fn transfer(
        &mut self,
        (computation, id): (ComputationId, InstructionId),
        operands: &[Value],
        steps: &mut Vec<Step>,
    ) -> Value {
        let module = Arc::clone(&self.module);
        let instruction = module.instruction(computation, id);
        let (is_send, channel_id, is_host_transfer) = match *instruction.op() {
            Op::Send { channel_id, is_host_transfer } => (true, channel_id, is_host_transfer),
            Op::Recv { channel_id, is_host_transfer } => (false, channel_id, is_host_transfer),
            _ => unreachable!("only transfers come here"),
        };
        let Shape::Tuple(parts) = instruction.shape() else {
            unreachable!("inference gives transfers three parts")
        };
        let name = instruction.name();
        let array = if is_send { operands[0].clone() } else { self.temporary(&parts[0], name) };
        let context = ArrayLiteral::zeros(&ArrayShape::scalar(ElementType::U32));
        let context_shape = context.shape().clone();
        let context = self.constant(context.into(), &context_shape, name);
        let source = source_of(&module, module.computation(computation), id);
        let (cycles, formula) = self.cost(&source);
        let transfer = Transfer {
            source,
            channel_id: i64::try_from(channel_id).unwrap_or(i64::MAX),
            is_host_transfer,
            view: array.view().clone(),
            cycles,
            formula,
        };
        steps.push(if is_send { Step::Send(transfer) } else { Step::Recv(transfer) });
        let token = operands[usize::from(is_send)].clone();
        Value::Tuple(vec![array, context, token])
    }

    fn while_loop(
        &mut self,
        (computation, id): (ComputationId, InstructionId),
        (condition, body): (ComputationId, ComputationId),
        initial: &Value,
        steps: &mut Vec<Step>,
    ) -> Result<Value, CodegenError> {
        let module = Arc::clone(&self.module);
        let instruction = module.instruction(computation, id);
        let state = self.state(module.computation(body), (initial, instruction));
        self.copy_all(initial, &state, steps)?;
        let mut condition_steps = Vec::new();
        let parameter = module.computation(condition).parameters()[0];
        let values = Values::from([(parameter, state.clone())]);
        let predicate = self.computation(condition, values, &mut condition_steps)?;
        let mut body_steps = Vec::new();
        let parameter = module.computation(body).parameters()[0];
        let values = Values::from([(parameter, state.clone())]);
        let next = self.computation(body, values, &mut body_steps)?;
        self.copy_all(&next, &state, &mut body_steps)?;
        steps.push(Step::While {
            source: source_of(&module, module.computation(computation), id),
            condition: condition_steps,
            predicate: predicate.view().clone(),
            body: body_steps,
        });
        Ok(state)
    }

    /// The arrays of a loop's state: new ones, but for elements that no iteration changes.
    fn state(&mut self, body: &Computation, (initial, looped): (&Value, &Instruction)) -> Value {
        let Shape::Tuple(shapes) = looped.shape() else {
            return self.temporary(looped.shape(), looped.name());
        };
        let elements =
            shapes.iter().zip(initial.elements()).enumerate().map(|(n, (shape, initial))| {
                if is_invariant(body, n) {
                    return initial.clone();
                }
                self.temporary(shape, looped.name())
            });
        Value::Tuple(elements.collect())
    }

    fn conditional(
        &mut self,
        (computation, id): (ComputationId, InstructionId),
        branches: &[ComputationId],
        operands: &[Value],
        steps: &mut Vec<Step>,
    ) -> Result<Value, CodegenError> {
        let module = Arc::clone(&self.module);
        let instruction = module.instruction(computation, id);
        let result = self.temporary(instruction.shape(), instruction.name());
        let mut branch_steps = Vec::new();
        for (branch, operand) in branches.iter().zip(&operands[1..]) {
            let parameter = module.computation(*branch).parameters()[0];
            let values = Values::from([(parameter, operand.clone())]);
            let mut steps = Vec::new();
            let value = self.computation(*branch, values, &mut steps)?;
            self.copy_all(&value, &result, &mut steps)?;
            branch_steps.push(steps);
        }
        steps.push(Step::Conditional {
            source: source_of(&module, module.computation(computation), id),
            index: operands[0].view().clone(),
            branches: branch_steps,
        });
        Ok(result)
    }

    /// Copies arrays into others, as if all at once: a source that is also a target of another copy
    /// is saved first.
    fn copy_all(
        &mut self,
        from: &Value,
        to: &Value,
        steps: &mut Vec<Step>,
    ) -> Result<(), CodegenError> {
        let moves: Vec<(View, View)> = (from.views().into_iter().zip(to.views()))
            .filter(|(from, to)| from.slice != to.slice)
            .collect();
        let mut sources = Vec::new();
        for (from, _) in &moves {
            if moves.iter().any(|(_, to)| to.slice == from.slice) {
                let saved = self.temporary(&Shape::Array(from.shape.clone()), "saved");
                self.copy(from, saved.view(), steps)?;
                sources.push(saved.view().clone());
            } else {
                sources.push(from.clone());
            }
        }
        for (from, (_, to)) in sources.iter().zip(&moves) {
            self.copy(from, to, steps)?;
        }
        Ok(())
    }
}

/// Whether all operands have to be in memory, whatever the kernel could make in place.
fn takes_values(op: &Op) -> bool {
    match op {
        Op::CustomCall { target, .. } => is_check(target),
        Op::Tuple
        | Op::GetTupleElement { .. }
        | Op::OptBarrier
        | Op::AfterAll
        | Op::Recv { .. }
        | Op::RecvDone { .. }
        | Op::Send { .. }
        | Op::SendDone { .. }
        | Op::Bitcast
        | Op::Reshape
        | Op::While { .. }
        | Op::Conditional { .. }
        | Op::Call { .. } => true,
        other => matches!(other.opcode(), Opcode::Parameter),
    }
}

fn is_check(target: &CustomCallTarget) -> bool {
    match target {
        CustomCallTarget::CheckExpectEq(_)
        | CustomCallTarget::CheckExpectAlmostEq(_)
        | CustomCallTarget::CheckExpectClose(_) => true,
        CustomCallTarget::CheckEq(_)
        | CustomCallTarget::Eigh(_)
        | CustomCallTarget::LuDecomposition
        | CustomCallTarget::ProductOfElementaryHouseholderReflectors
        | CustomCallTarget::Qr
        | CustomCallTarget::Other(_) => false,
    }
}
