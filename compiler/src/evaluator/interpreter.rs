//! The interpreter: walks computations and hands every other op to its family.

use super::check::{CheckOutcome, check};
use super::error::{Cause, EvaluationError};
use super::plan::{Plan, Step, plans};
use super::{
    EvaluatorOptions, array_op, linear_algebra, random_bits, reduction, scatter, sorting, window,
};
use crate::hlo::{
    ArrayLiteral, ArrayShape, Computation, ComputationId, CustomCallTarget, ElementType,
    Instruction, InstructionId, Literal, Module, Op, Shape,
};

/// How deep calls may be nested: far more than programs do, far less than the host's stack holds.
const CALL_DEPTH: usize = 100;

/// A module with what is needed to walk it.
pub(super) struct Interpreter<'m> {
    pub(super) module: &'m Module,
    options: &'m EvaluatorOptions,
    plans: Vec<Option<Plan>>,
}

/// What changes during an evaluation.
#[derive(Debug, Default)]
pub(super) struct State {
    /// The outcomes of the checks so far.
    pub(super) checks: Vec<CheckOutcome>,
    loop_iterations: u64,
    live_bytes: u64,
    depth: usize,
}

/// The value of an instruction with the bytes that it counts for.
#[derive(Debug)]
struct Value {
    literal: Literal,
    bytes: u64,
}

impl<'m> Interpreter<'m> {
    /// An interpreter of these computations, called ones first.
    pub(super) fn new(
        module: &'m Module,
        computations: &[ComputationId],
        options: &'m EvaluatorOptions,
    ) -> Self {
        Self { module, options, plans: plans(module, computations) }
    }

    /// The result of a computation.
    pub(super) fn call(
        &self,
        state: &mut State,
        id: ComputationId,
        arguments: Vec<Literal>,
    ) -> Result<Literal, EvaluationError> {
        let computation = self.module.computation(id);
        check_arguments(computation, &arguments)?;
        let mut arguments: Vec<Option<Literal>> = arguments.into_iter().map(Some).collect();
        let mut values: Vec<Option<Value>> = Vec::new();
        values.resize_with(computation.id_capacity(), || None);
        let plan = self.plans.get(id.index()).and_then(Option::as_ref);
        let steps = &plan.expect("called computations are planned").steps;
        state.depth += 1;
        for step in steps {
            let instruction = computation.instruction(step.id);
            let ready = if let Op::Parameter { number } = instruction.op() {
                arguments.get_mut(*number).and_then(Option::take)
            } else {
                lent_element(instruction.op(), step, &values)
            };
            let literal = match ready {
                Some(literal) => literal,
                None => {
                    let operands = take_operands(step, &mut values, state);
                    let operand_shapes =
                        step.operands.iter().map(|(id, _)| computation.instruction(*id).shape());
                    let operand_shapes: Vec<&Shape> = operand_shapes.collect();
                    self.execute(state, instruction, &operand_shapes, operands)?
                }
            };
            if step.used {
                let bytes = counted_bytes(instruction);
                state.live_bytes += bytes;
                values[step.id.index()] = Some(Value { literal, bytes });
            }
        }
        state.depth -= 1;
        let result = values[computation.root().index()].take();
        let result = result.expect("the plan evaluates the root");
        state.live_bytes -= result.bytes;
        for value in values.into_iter().flatten() {
            state.live_bytes -= value.bytes;
        }
        Ok(result.literal)
    }

    /// The value of one instruction for these operands.
    pub(super) fn execute(
        &self,
        state: &mut State,
        instruction: &Instruction,
        operand_shapes: &[&Shape],
        mut operands: Vec<Literal>,
    ) -> Result<Literal, EvaluationError> {
        let at = |cause: Cause| at(instruction, cause);
        let shape = instruction.shape();
        #[expect(clippy::wildcard_enum_match_arm, reason = "all other ops compute arrays")]
        Ok(match instruction.op() {
            Op::Constant { literal } => literal.clone(),
            Op::Copy | Op::OptBarrier => operands.swap_remove(0),
            Op::Tuple => Literal::Tuple(operands),
            Op::AfterAll => {
                Literal::Array(ArrayLiteral::zeros(&ArrayShape::scalar(ElementType::Token)))
            }
            Op::Send { channel_id, .. } | Op::Recv { channel_id, .. } => {
                let (opcode, channel) = (instruction.opcode(), *channel_id);
                return Err(at(Cause::NoHost { opcode, channel }));
            }
            // Of the array, the context and the token.
            Op::SendDone { .. } => element_of(operands.swap_remove(0), 2),
            Op::RecvDone { .. } => {
                let parts = operands.swap_remove(0);
                Literal::Tuple(vec![element_of(parts.clone(), 0), element_of(parts, 2)])
            }
            Op::GetTupleElement { index } => element_of(operands.swap_remove(0), *index),
            Op::Parameter { number } => {
                return Err(at(Cause::UnboundParameter { number: *number }));
            }
            Op::Call { to_apply: id } | Op::Fusion { calls: id, .. } => {
                self.call_from(state, instruction, *id, operands)?
            }
            Op::Conditional { branch_computations } => {
                let branch = selected_branch(&operands[0], branch_computations.len());
                let argument = operands.swap_remove(branch + 1);
                self.call_from(state, instruction, branch_computations[branch], vec![argument])?
            }
            Op::While { condition, body } => {
                let initial = operands.swap_remove(0);
                self.run_loop(state, instruction, [*condition, *body], initial)?
            }
            Op::Reduce { .. }
            | Op::ReduceWindow { .. }
            | Op::Scatter { .. }
            | Op::SelectAndScatter { .. }
            | Op::Sort { .. } => self.apply(state, instruction, operand_shapes, operands)?,
            Op::RngBitGenerator { algorithm } => {
                self.require_memory(state, instruction, counted_bytes(instruction))?;
                let output = shape.leaves()[1];
                random_bits::generate(*algorithm, &arrays(operands)[0], output)
            }
            Op::CustomCall { target, .. } if target.check_parameters().is_some() => {
                run_check(state, target, shape, &operands).map_err(at)?
            }
            Op::CustomCall { target: CustomCallTarget::Other(target), .. } => {
                return Err(at(Cause::UnknownTarget { target: target.clone() }));
            }
            op @ (Op::Cholesky { .. } | Op::TriangularSolve { .. } | Op::CustomCall { .. }) => {
                let scratch = linear_algebra::scratch_bytes(shape, operand_shapes);
                let bytes = counted_bytes(instruction).saturating_add(scratch);
                self.require_memory(state, instruction, bytes)?;
                linear_algebra::evaluate(op, shape, &arrays(operands)).map_err(at)?
            }
            op => {
                let bytes = counted_bytes(instruction);
                let scratch = array_op::scratch_bytes(op, shape, operand_shapes);
                self.require_memory(state, instruction, bytes.saturating_add(scratch))?;
                let operands = arrays(operands);
                let shape = shape.as_array().expect("tuples come from the ops above");
                let options = self.options;
                let array = array_op::evaluate(op, shape, operand_shapes, operands, options);
                Literal::Array(array.map_err(at)?)
            }
        })
    }

    /// The value of an op that applies computations to elements.
    fn apply(
        &self,
        state: &mut State,
        instruction: &Instruction,
        operand_shapes: &[&Shape],
        operands: Vec<Literal>,
    ) -> Result<Literal, EvaluationError> {
        let shape = instruction.shape();
        let scratch = match (instruction.op(), operand_shapes.first()) {
            (Op::ReduceWindow { window, .. }, Some(Shape::Array(operand))) => {
                window::scratch_bytes(operand, window)
            }
            (Op::Sort { .. }, _) => sorting::scratch_bytes(shape),
            _ => 0,
        };
        let bytes = counted_bytes(instruction).saturating_add(scratch);
        self.require_memory(state, instruction, bytes)?;
        let arrays = arrays(operands);
        #[expect(clippy::wildcard_enum_match_arm, reason = "no other op comes here")]
        match instruction.op() {
            Op::Reduce { dimensions, to_apply } => {
                reduction::reduce(self, state, instruction, (&arrays, dimensions, *to_apply))
            }
            Op::ReduceWindow { window, to_apply } => {
                window::reduce_window(self, state, instruction, (&arrays, window, *to_apply))
            }
            Op::Scatter { dimension_numbers, to_apply, .. } => {
                let what = (&arrays[..], &**dimension_numbers, *to_apply);
                scatter::scatter(self, state, instruction, what)
            }
            Op::SelectAndScatter { window, select, scatter } => {
                let what = (&arrays[..], &window[..], [*select, *scatter]);
                window::select_and_scatter(self, state, instruction, what)
            }
            Op::Sort { dimension, to_apply, .. } => {
                sorting::sort(self, state, instruction, (&arrays, *dimension, *to_apply))
            }
            _ => unreachable!("{} applies no computation", instruction.opcode()),
        }
    }

    /// The result of a computation that `instruction` calls.
    pub(super) fn call_from(
        &self,
        state: &mut State,
        instruction: &Instruction,
        id: ComputationId,
        arguments: Vec<Literal>,
    ) -> Result<Literal, EvaluationError> {
        if state.depth >= CALL_DEPTH {
            return Err(at(instruction, Cause::CallDepth { limit: CALL_DEPTH }));
        }
        self.call(state, id, arguments)
    }

    fn run_loop(
        &self,
        state: &mut State,
        instruction: &Instruction,
        [condition, body]: [ComputationId; 2],
        initial: Literal,
    ) -> Result<Literal, EvaluationError> {
        let mut value = initial;
        loop {
            let go_on = self.call_from(state, instruction, condition, vec![value.clone()])?;
            if !is_true(&go_on) {
                return Ok(value);
            }
            if state.loop_iterations >= self.options.loop_limit {
                let limit = self.options.loop_limit;
                return Err(at(instruction, Cause::LoopLimit { limit }));
            }
            state.loop_iterations += 1;
            value = self.call_from(state, instruction, body, vec![value])?;
        }
    }

    /// An error if `bytes` more than what is alive would be too much.
    fn require_memory(
        &self,
        state: &State,
        instruction: &Instruction,
        bytes: u64,
    ) -> Result<(), EvaluationError> {
        let (needed, limit) =
            (state.live_bytes.saturating_add(bytes), self.options.memory_limit_bytes);
        if needed <= limit {
            return Ok(());
        }
        Err(at(instruction, Cause::MemoryLimit { needed, limit }))
    }
}

/// The error that `instruction` could not be evaluated.
pub(super) fn at(instruction: &Instruction, cause: Cause) -> EvaluationError {
    EvaluationError::Instruction { instruction: instruction.name().to_owned(), cause }
}

fn check_arguments(
    computation: &Computation,
    arguments: &[Literal],
) -> Result<(), EvaluationError> {
    let parameters = computation.parameters();
    let name = || computation.name().to_owned();
    let (given, needed) = (arguments.len(), parameters.len());
    if given != needed {
        return Err(EvaluationError::ArgumentCount { computation: name(), given, needed });
    }
    for (number, (argument, &parameter)) in arguments.iter().zip(parameters).enumerate() {
        let needed = computation.instruction(parameter).shape();
        if !has_shape(argument, needed) {
            return Err(EvaluationError::ArgumentShape {
                computation: name(),
                number,
                given: Box::new(argument.shape()),
                needed: Box::new(needed.clone()),
            });
        }
    }
    Ok(())
}

/// Is the literal a value of this shape, layouts aside?
pub(super) fn has_shape(literal: &Literal, shape: &Shape) -> bool {
    match (literal, shape) {
        (Literal::Array(array), Shape::Array(shape)) => array.shape().same_but_layout(shape),
        (Literal::Tuple(elements), Shape::Tuple(shapes)) => {
            elements.len() == shapes.len()
                && elements.iter().zip(shapes).all(|(element, shape)| has_shape(element, shape))
        }
        (Literal::Array(_) | Literal::Tuple(_), Shape::Array(_) | Shape::Tuple(_)) => false,
    }
}

/// The element of a tuple that is needed further on: only the element is cloned.
fn lent_element(op: &Op, step: &Step, values: &[Option<Value>]) -> Option<Literal> {
    let Op::GetTupleElement { index } = op else { return None };
    let [(operand, false)] = step.operands[..] else { return None };
    values[operand.index()].as_ref()?.literal.as_tuple()?.get(*index).cloned()
}

fn take_operands(step: &Step, values: &mut [Option<Value>], state: &mut State) -> Vec<Literal> {
    let mut take = |&(id, last): &(InstructionId, bool)| {
        let slot = &mut values[id.index()];
        let value = if last { slot.take() } else { None };
        match value {
            Some(value) => {
                state.live_bytes -= value.bytes;
                value.literal
            }
            None => {
                let value = slot.as_ref().expect("operands are evaluated before users");
                value.literal.clone()
            }
        }
    };
    step.operands.iter().map(&mut take).collect()
}

/// The bytes that the result of an instruction takes, if it does not share those of others.
fn counted_bytes(instruction: &Instruction) -> u64 {
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other ops make new values")]
    match instruction.op() {
        Op::Constant { .. }
        | Op::Copy
        | Op::GetTupleElement { .. }
        | Op::OptBarrier
        | Op::Parameter { .. }
        | Op::Reshape
        | Op::Tuple => 0,
        _ => instruction.shape().leaves().iter().map(|leaf| leaf.byte_size() as u64).sum(),
    }
}

/// An element of a tuple, which inference has seen to be there.
fn element_of(tuple: Literal, index: usize) -> Literal {
    match tuple {
        Literal::Tuple(mut elements) if index < elements.len() => elements.swap_remove(index),
        other => other,
    }
}

fn arrays(operands: Vec<Literal>) -> Vec<ArrayLiteral> {
    let array = |operand| match operand {
        Literal::Array(array) => array,
        Literal::Tuple(_) => unreachable!("inference lets only arrays be operands of this op"),
    };
    operands.into_iter().map(array).collect()
}

fn is_true(literal: &Literal) -> bool {
    literal.as_array().is_ok_and(|array| array.bits(0) != 0)
}

/// The branch that a `pred` (true is 0) or an index (out of range is the last one) selects.
fn selected_branch(selector: &Literal, branches: usize) -> usize {
    let index = selector.as_array().ok().and_then(|selector| {
        let index = selector.get_i64(0)?;
        Some(if selector.element_type() == ElementType::Pred { 1 - index } else { index })
    });
    let index = index.and_then(|index| usize::try_from(index).ok());
    index.filter(|&index| index < branches).unwrap_or(branches - 1)
}

/// Runs a check. Its result is the truth value, if the program declares one.
fn run_check(
    state: &mut State,
    target: &CustomCallTarget,
    shape: &Shape,
    operands: &[Literal],
) -> Result<Literal, Cause> {
    // `check.eq` takes the expected value first, the others the actual one.
    let (actual, expected) = match (target, operands) {
        (CustomCallTarget::CheckEq(_), [expected, actual])
        | (
            CustomCallTarget::CheckExpectEq(_)
            | CustomCallTarget::CheckExpectAlmostEq(_)
            | CustomCallTarget::CheckExpectClose(_),
            [actual, expected],
        ) => (actual, expected),
        (target, _) => return Err(Cause::UnknownTarget { target: target.name().to_owned() }),
    };
    let outcome = check(target, actual, expected);
    let outcome =
        outcome.ok_or_else(|| Cause::UnknownTarget { target: target.name().to_owned() })?;
    let passed = outcome.passed();
    state.checks.push(outcome);
    Ok(match shape {
        Shape::Array(_) => Literal::pred(passed),
        Shape::Tuple(_) => Literal::Tuple(Vec::new()),
    })
}
