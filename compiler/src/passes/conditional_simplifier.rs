//! Conditionals that are less than they seem.
//!
//! * One that always takes the same branch becomes that branch.
//! * One whose branches compute the same of the same operand becomes a branch, unless they have
//!   side effects.
//! * Results of a tuple that nobody looks at go, and what computes them in the branches.

use super::site::{rewrite_computation, take_place};
use super::tuple_simplifier::simplify_tuples;
use super::{Changed, PassContext, PassError};
use crate::{
    analysis::{compute_the_same, sequential_computations, used_elements},
    hlo::{
        Computation, ComputationBuilder, ComputationId, ElementType, Extras, InferError,
        InstructionId, Literal, Module, Op, Opcode, rewrite,
    },
};

/// See the module.
///
/// # Errors
/// None of its own.
pub fn conditional_simplifier(module: &mut Module, _: &PassContext) -> Result<Changed, PassError> {
    let mut changed = Changed::No;
    // Callers first: what is not needed of a conditional need not be computed in its branches.
    for computation in sequential_computations(module).into_iter().rev() {
        if module.get(computation).is_none() {
            continue;
        }
        changed |= simplify_all(module, computation)?;
        rewrite::retain_reachable_computations(module);
    }
    Ok(changed)
}

/// Simplifies the conditionals of a computation and those in branches that take their place.
fn simplify_all(module: &mut Module, computation: ComputationId) -> Result<Changed, PassError> {
    let mut changed = Changed::No;
    loop {
        let mut sweep = Changed::No;
        for id in module.computation(computation).post_order() {
            let instruction = module.computation(computation).get(id);
            let Some(instruction) = instruction else { continue };
            if instruction.opcode() == Opcode::Conditional {
                let instruction = instruction.name().to_owned();
                let simplified = simplify(module, computation, id);
                sweep |= simplified.map_err(|cause| PassError::Rewrite { instruction, cause })?;
            }
        }
        if sweep == Changed::No {
            return Ok(changed);
        }
        rewrite_computation(module, computation, &mut simplify_tuples)?;
        changed = Changed::Yes;
    }
}

fn simplify(
    module: &mut Module,
    computation: ComputationId,
    id: InstructionId,
) -> Result<Changed, InferError> {
    let branch =
        known_branch(module, computation, id).or_else(|| branch_for_all(module, computation, id));
    if let Some((callee, argument)) = branch {
        rewrite::inline_in_place(module, computation, id, (callee, &[argument]));
        return Ok(Changed::Yes);
    }
    let Some(used) = used_results(module, computation, id) else { return Ok(Changed::No) };
    narrow(module, computation, id, &used)?;
    Ok(Changed::Yes)
}

/// The branch that a conditional always takes, and its operand.
fn known_branch(
    module: &Module,
    computation: ComputationId,
    id: InstructionId,
) -> Option<(ComputationId, InstructionId)> {
    let owner = module.computation(computation);
    let conditional = owner.get(id)?;
    let Op::Conditional { branch_computations } = conditional.op() else { return None };
    let (&selector, operands) = conditional.operands().split_first()?;
    let Op::Constant { literal: Literal::Array(selector) } = owner.instruction(selector).op()
    else {
        return None;
    };
    let value = selector.get_i64(0)?;
    let last = branch_computations.len() - 1;
    let branch = if selector.element_type() == ElementType::Pred {
        usize::from(value == 0)
    } else {
        usize::try_from(value).map_or(last, |index| index.min(last))
    };
    Some((branch_computations[branch], operands[branch]))
}

/// A branch that does what every other does, and its operand.
fn branch_for_all(
    module: &Module,
    computation: ComputationId,
    id: InstructionId,
) -> Option<(ComputationId, InstructionId)> {
    let conditional = module.instruction(computation, id);
    let Op::Conditional { branch_computations } = conditional.op() else { return None };
    let (&first, others) = branch_computations.split_first()?;
    let operands = &conditional.operands()[1..];
    let argument = *operands.first()?;
    if rewrite::has_side_effect(module, conditional) {
        return None;
    }
    let body = module.computation(first);
    let same_operands = operands.iter().all(|&operand| operand == argument);
    if !same_operands && uses_parameter(body) {
        return None;
    }
    let mut others = others.iter().map(|&other| module.computation(other));
    others.all(|other| compute_the_same(body, other)).then_some((first, argument))
}

fn uses_parameter(body: &Computation) -> bool {
    let needed = body.root_post_order();
    body.parameters().iter().any(|parameter| needed.contains(parameter))
}

/// The results that are looked at; `None` if that is all of them or not known.
fn used_results(
    module: &Module,
    computation: ComputationId,
    id: InstructionId,
) -> Option<Vec<usize>> {
    let owner = module.computation(computation);
    let results = owner.instruction(id).shape().as_tuple()?.len();
    used_elements(owner, id).filter(|used| used.len() < results)
}

/// Replaces a conditional by one that has only the results `kept`, which all users look at.
fn narrow(
    module: &mut Module,
    computation: ComputationId,
    id: InstructionId,
    kept: &[usize],
) -> Result<(), InferError> {
    let old = module.instruction(computation, id).clone();
    let mut branch_computations = old.op().called_computations();
    for branch in &mut branch_computations {
        *branch = narrowed(module, *branch, kept)?;
    }
    let extras = Extras {
        name: Some(old.name().to_owned()),
        metadata: Some(old.metadata().clone()),
        frontend_attributes: old.frontend_attributes().clone(),
        ..Extras::default()
    };
    let op = Op::Conditional { branch_computations };
    let new = ComputationBuilder::new(module, computation).add_with(op, old.operands(), extras)?;
    take_place(module, computation, (id, new));
    let users: Vec<InstructionId> =
        module.computation(computation).users(id).iter().copied().collect();
    for user in users {
        let Op::GetTupleElement { index } = *module.instruction(computation, user).op() else {
            continue;
        };
        let Ok(place) = kept.binary_search(&index) else { continue };
        let mut builder = ComputationBuilder::new(module, computation);
        let element = builder.get_tuple_element(new, place)?;
        rewrite::replace_all_uses(module, computation, user, element);
        rewrite::remove_unused(module, computation, user);
    }
    if module.computation(computation).get(id).is_some() {
        rewrite::remove_unused(module, computation, id);
    }
    Ok(())
}

/// A copy of a branch that has only the results `kept`.
fn narrowed(
    module: &mut Module,
    branch: ComputationId,
    kept: &[usize],
) -> Result<ComputationId, InferError> {
    let name = module.computation(branch).name().to_owned();
    let copy = rewrite::clone_computation(module, branch, &name);
    let root = module.computation(copy).root();
    let mut builder = ComputationBuilder::new(module, copy);
    let mut results = Vec::with_capacity(kept.len());
    for &n in kept {
        results.push(builder.get_tuple_element(root, n)?);
    }
    let root = builder.tuple(&results);
    rewrite::set_root(module, copy, root);
    // The rule makes no instructions, so nothing can go wrong.
    let simplified = rewrite_computation(module, copy, &mut simplify_tuples);
    debug_assert!(simplified.is_ok(), "{simplified:?}");
    rewrite::remove_dead(module, copy);
    Ok(copy)
}
