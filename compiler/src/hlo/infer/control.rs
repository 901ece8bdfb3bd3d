//! Inference of tuples, calls, loops and branches.

use super::super::attribute::CustomCallTarget;
use super::super::computation::{ComputationId, ProgramShape};
use super::super::shape::{ElementType, Shape};
use super::{Context, InferError, agree, algorithm};

impl Context<'_> {
    /// What the computation `id` takes and gives.
    pub(super) fn program_shape(&self, id: ComputationId) -> Result<ProgramShape, InferError> {
        let computation = self.module.get(id);
        let shape = computation.and_then(|computation| computation.program_shape());
        shape.ok_or_else(|| {
            let name = computation.map_or("that was removed", |computation| computation.name());
            self.error("called computation", format!("the computation {name} has no instructions"))
        })
    }

    fn require_parameters(
        &self,
        id: ComputationId,
        program: &ProgramShape,
        arguments: &[&Shape],
        constraint: &'static str,
    ) -> Result<(), InferError> {
        let fits = program.parameters.len() == arguments.len()
            && program.parameters.iter().zip(arguments).all(|(p, a)| agree(p, a).is_some());
        self.require(fits, constraint, || {
            let name = self.module.computation(id).name();
            let given: Vec<String> = arguments.iter().map(ToString::to_string).collect();
            format!("the computation {name} is {program}; it is given ({})", given.join(", "))
        })
    }
}

/// `call` and `fusion`.
pub(super) fn call(context: &Context<'_>, id: ComputationId) -> Result<Shape, InferError> {
    let program = context.program_shape(id)?;
    context.require_parameters(id, &program, context.operands, "call arguments")?;
    Ok(program.result)
}

/// `conditional`, which is StableHLO's `if` and `case`.
pub(super) fn conditional(
    context: &Context<'_>,
    branches: &[ComputationId],
) -> Result<Shape, InferError> {
    let selector = context.array(0)?;
    let by_truth = selector.element_type() == ElementType::Pred;
    let legal = selector.is_scalar() && (by_truth || selector.element_type() == ElementType::S32);
    // if (I1), case (I1)
    context.require(legal, "case (I1)", || {
        format!("the selector is {selector}; pred[] or s32[] is needed")
    })?;
    // case (C1)
    let (given, arguments) = (branches.len(), context.operands.len() - 1);
    let fits = given == arguments && (!by_truth || given == 2);
    context.require(fits, "case (C1)", || {
        let needed = if by_truth { " (2 for a pred)" } else { "" };
        format!("{given} branches for {arguments} arguments; one each is needed{needed}")
    })?;
    let mut result: Option<Shape> = None;
    for (&branch, &argument) in branches.iter().zip(&context.operands[1..]) {
        let program = context.program_shape(branch)?;
        // case (C2), with the captured values as one argument
        context.require_parameters(branch, &program, &[argument], "case (C2)")?;
        // if (C2), case (C3)
        let given = program.result;
        let both = result.as_ref().map_or(Some(given.clone()), |result| agree(result, &given));
        let both = both.ok_or_else(|| {
            let name = context.module.computation(branch).name();
            let other = result.as_ref().map(ToString::to_string).unwrap_or_default();
            context
                .error("case (C3)", format!("branch {name} gives {given}, the first one {other}"))
        })?;
        result = Some(both);
    }
    result.ok_or_else(|| context.error("case (C1)", "at least one branch is needed"))
}

/// `while`.
pub(super) fn while_loop(
    context: &Context<'_>,
    condition: ComputationId,
    body: ComputationId,
) -> Result<Shape, InferError> {
    let state = context.operands[0];
    // while (C1)
    let program = context.program_shape(condition)?;
    context.require_parameters(condition, &program, &[state], "while (C1)")?;
    let is_predicate = program.result.same_but_layout(&Shape::scalar(ElementType::Pred));
    context.require(is_predicate, "while (C1)", || {
        let name = context.module.computation(condition).name();
        format!("the condition {name} gives {}; pred[] is needed", program.result)
    })?;
    // while (C2)
    let program = context.program_shape(body)?;
    context.require_parameters(body, &program, &[state], "while (C2)")?;
    // while (C3)
    agree(state, &program.result).ok_or_else(|| {
        let name = context.module.computation(body).name();
        let result = &program.result;
        context.error("while (C2)", format!("the body {name} gives {result} and takes {state}"))
    })
}

/// `get-tuple-element`.
pub(super) fn get_tuple_element(context: &Context<'_>, index: usize) -> Result<Shape, InferError> {
    let operand = context.operands[0];
    // get_tuple_element (I1)
    let elements = operand.as_tuple().ok_or_else(|| {
        context.error("get_tuple_element (I1)", format!("the operand is {operand}, not a tuple"))
    })?;
    // get_tuple_element (C1)
    elements.get(index).cloned().ok_or_else(|| {
        let count = elements.len();
        let message = format!("index {index} of a tuple of {count} elements");
        context.error("get_tuple_element (C1)", message)
    })
}

/// `tuple`.
pub(super) fn tuple(context: &Context<'_>) -> Shape {
    // tuple (C1)
    Shape::Tuple(context.operands.iter().map(|&operand| operand.clone()).collect())
}

/// `custom-call`. Checks take two values of one type and give an empty tuple; `check.eq` gives
/// the answer.
pub(super) fn custom_call(
    context: &Context<'_>,
    target: &CustomCallTarget,
) -> Result<Shape, InferError> {
    if target.check_parameters().is_none() {
        return algorithm::custom_call(context, target);
    }
    let name = target.name();
    let [given, expected] = context.operands else {
        let count = context.operands.len();
        return Err(context.error("check", format!("{name} has {count} operands; 2 are needed")));
    };
    context.require(given.same_but_layout(expected), "check", || {
        format!("{name} compares {given} with {expected}; they need the same type")
    })?;
    Ok(match target {
        CustomCallTarget::CheckEq(_) => Shape::scalar(ElementType::Pred),
        CustomCallTarget::CheckExpectEq(_)
        | CustomCallTarget::CheckExpectAlmostEq(_)
        | CustomCallTarget::CheckExpectClose(_)
        | CustomCallTarget::Eigh(_)
        | CustomCallTarget::LuDecomposition
        | CustomCallTarget::ProductOfElementaryHouseholderReflectors
        | CustomCallTarget::Qr
        | CustomCallTarget::Other(_) => Shape::Tuple(Vec::new()),
    })
}
