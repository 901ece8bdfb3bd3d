//! Another state for a loop.

use crate::hlo::{
    ArrayLiteral, ArrayShape, ComputationBuilder, ComputationId, Extras, InferError, InstructionId,
    Module, Op, Shape, builder::add_computation, rewrite,
};
use crate::passes::{
    site::{rewrite_computation, take_place},
    tuple_simplifier::simplify_tuples,
};

/// What becomes of an element of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    /// It stays.
    Kept,
    /// It is this constant, of the computation that the loop is in.
    Constant(InstructionId),
    /// Nothing needs it.
    Dead,
}

/// Replaces a loop by one whose state has only the elements that are kept.
pub(super) fn rebuild(
    module: &mut Module,
    computation: ComputationId,
    id: InstructionId,
    plan: &[Element],
) -> Result<(), InferError> {
    let old = module.instruction(computation, id).clone();
    let Op::While { condition, body } = *old.op() else { return Ok(()) };
    let init = old.operands()[0];
    let shapes: Vec<Shape> = old.shape().as_tuple().unwrap_or_default().to_vec();
    let state = State { computation, plan, shapes: &shapes };
    let condition = state.clone_computation(module, condition, false)?;
    let body = state.clone_computation(module, body, true)?;
    let mut builder =
        ComputationBuilder::new(module, computation).with_metadata(old.metadata().clone());
    let mut kept = Vec::new();
    for n in (0..plan.len()).filter(|&n| plan[n] == Element::Kept) {
        kept.push(builder.get_tuple_element(init, n)?);
    }
    let init = builder.tuple(&kept);
    let extras = Extras {
        name: Some(old.name().to_owned()),
        metadata: Some(old.metadata().clone()),
        frontend_attributes: old.frontend_attributes().clone(),
        ..Extras::default()
    };
    let new = builder.add_with(Op::While { condition, body }, &[init], extras)?;
    // As a tuple of all elements, so that its users need not be looked at.
    let whole = state.whole(module, computation, new)?;
    rewrite::replace_all_uses(module, computation, id, whole);
    take_place(module, computation, (id, new));
    rewrite::remove_unused(module, computation, id);
    Ok(())
}

/// The old state and what becomes of it.
struct State<'a> {
    /// The computation that the loop is in.
    computation: ComputationId,
    plan: &'a [Element],
    shapes: &'a [Shape],
}

impl State<'_> {
    /// A copy of the condition or body that takes the new state and, as body, gives it.
    fn clone_computation(
        &self,
        module: &mut Module,
        old: ComputationId,
        is_body: bool,
    ) -> Result<ComputationId, InferError> {
        let name = module.computation(old).name().to_owned();
        let new = add_computation(module, &name);
        let kept = (0..self.plan.len()).filter(|&n| self.plan[n] == Element::Kept);
        let shape = Shape::Tuple(kept.clone().map(|n| self.shapes[n].clone()).collect());
        let parameter = ComputationBuilder::new(module, new).parameter(shape, "state");
        let whole = self.whole(module, new, parameter)?;
        let mut root = rewrite::inline(module, old, new, &[whole])?;
        if is_body {
            let mut builder = ComputationBuilder::new(module, new);
            let mut results = Vec::new();
            for n in kept {
                results.push(builder.get_tuple_element(root, n)?);
            }
            root = builder.tuple(&results);
        }
        rewrite::set_root(module, new, root);
        // Only rules that make no instructions run here, so nothing can go wrong.
        let simplified = rewrite_computation(module, new, &mut simplify_tuples);
        debug_assert!(simplified.is_ok(), "{simplified:?}");
        rewrite::remove_dead(module, new);
        Ok(new)
    }

    /// The old state in terms of a new one.
    fn whole(
        &self,
        module: &mut Module,
        computation: ComputationId,
        new: InstructionId,
    ) -> Result<InstructionId, InferError> {
        let mut elements = Vec::with_capacity(self.plan.len());
        let mut next = 0;
        for (element, shape) in self.plan.iter().zip(self.shapes) {
            elements.push(match *element {
                Element::Kept => {
                    next += 1;
                    let mut builder = ComputationBuilder::new(module, computation);
                    builder.get_tuple_element(new, next - 1)?
                }
                Element::Constant(value) => self.constant(module, computation, value)?,
                Element::Dead => zeros(&mut ComputationBuilder::new(module, computation), shape)?,
            });
        }
        Ok(ComputationBuilder::new(module, computation).tuple(&elements))
    }

    /// A constant, or a broadcast of one, in a computation.
    fn constant(
        &self,
        module: &mut Module,
        computation: ComputationId,
        value: InstructionId,
    ) -> Result<InstructionId, InferError> {
        if computation == self.computation {
            return Ok(value);
        }
        let operands = module.instruction(self.computation, value).operands().to_vec();
        let mut copies = Vec::with_capacity(operands.len());
        for operand in operands {
            copies.push(self.constant(module, computation, operand)?);
        }
        rewrite::clone_instruction(module, (self.computation, value), computation, &copies)
    }
}

/// Anything of a shape, for an element that nobody looks at.
fn zeros(builder: &mut ComputationBuilder<'_>, shape: &Shape) -> Result<InstructionId, InferError> {
    match shape {
        Shape::Array(array) => {
            let zero = ArrayLiteral::zeros(&ArrayShape::scalar(array.element_type()));
            let zero = builder.constant(zero.into());
            builder.broadcast(zero, array.dimensions(), Vec::new())
        }
        Shape::Tuple(elements) => {
            let mut made = Vec::with_capacity(elements.len());
            for element in elements {
                made.push(zeros(builder, element)?);
            }
            Ok(builder.tuple(&made))
        }
    }
}
