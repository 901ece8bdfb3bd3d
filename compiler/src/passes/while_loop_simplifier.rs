//! Loops that are less than they seem.
//!
//! * A loop that never runs is its initial state; one that runs once is its body.
//! * An element of the state that no iteration changes is, behind the loop, its initial value. If
//!   that is a constant, it is made in the loop where it is used.
//! * An element that nothing needs, neither behind the loop nor in the condition, nor for a side
//!   effect or an element that is needed, goes.
//!
//! Only for states that are tuples.

mod state;

use std::collections::BTreeSet;

use super::site::rewrite_computation;
use super::tuple_simplifier::simplify_tuples;
use super::{Changed, PassContext, PassError};
use crate::{
    analysis::{
        loops::{is_invariant, state_element, trip_count, tuple_element},
        sequential_computations,
    },
    hlo::{
        Computation, ComputationBuilder, ComputationId, InferError, InstructionId, Module, Op,
        Opcode, rewrite,
    },
};

/// See the module.
///
/// # Errors
/// None of its own.
pub fn while_loop_simplifier(module: &mut Module, _: &PassContext) -> Result<Changed, PassError> {
    let mut changed = Changed::No;
    // Callers first: what a loop does not need need not be computed in its body.
    for computation in sequential_computations(module).into_iter().rev() {
        if module.get(computation).is_none() {
            continue;
        }
        let loops: Vec<InstructionId> = module
            .computation(computation)
            .instructions()
            .filter(|(_, instruction)| instruction.opcode() == Opcode::While)
            .map(|(id, _)| id)
            .collect();
        for id in loops {
            if module.computation(computation).get(id).is_some() {
                let name = module.instruction(computation, id).name().to_owned();
                let simplified = simplify(module, computation, id);
                changed |=
                    simplified.map_err(|cause| PassError::Rewrite { instruction: name, cause })?;
            }
        }
        if changed == Changed::Yes {
            rewrite_computation(module, computation, &mut simplify_tuples)?;
            rewrite::retain_reachable_computations(module);
        }
    }
    Ok(changed)
}

fn simplify(
    module: &mut Module,
    computation: ComputationId,
    id: InstructionId,
) -> Result<Changed, InferError> {
    let instruction = module.instruction(computation, id);
    let Op::While { condition, body } = *instruction.op() else { return Ok(Changed::No) };
    let init = instruction.operands()[0];
    let effects = rewrite::computations_with_side_effects(module);
    let is_quiet = !effects.computations().contains(&condition);
    match trip_count(module, computation, id).filter(|_| is_quiet) {
        Some(0) => {
            rewrite::replace_all_uses(module, computation, id, init);
            rewrite::remove_unused(module, computation, id);
            return Ok(Changed::Yes);
        }
        Some(1) => {
            rewrite::inline_in_place(module, computation, id, (body, &[init]));
            return Ok(Changed::Yes);
        }
        _ => {}
    }
    let Some(count) = takes_apart(module, condition, body) else { return Ok(Changed::No) };
    let changed = replace_invariant_results(module, computation, (id, init, body))?;
    let owner = module.computation(computation);
    if owner.get(id).is_none() {
        // Nothing else was used.
        return Ok(changed);
    }
    let plan: Vec<state::Element> = {
        let needed = needed_elements(module, (computation, id), (condition, body), count);
        let of = |n| {
            if is_invariant(module.computation(body), n)
                && let Some(value) = tuple_element(owner, init, n)
                && is_cheap_constant(owner, value)
            {
                return state::Element::Constant(value);
            }
            if needed.contains(&n) { state::Element::Kept } else { state::Element::Dead }
        };
        (0..count).map(of).collect()
    };
    let keeps_all = plan.iter().all(|element| *element == state::Element::Kept);
    let keeps_any = plan.contains(&state::Element::Kept);
    if keeps_all || !keeps_any {
        return Ok(changed);
    }
    state::rebuild(module, computation, id, &plan)?;
    Ok(Changed::Yes)
}

/// The number of state elements, if condition and body only ever look at elements of a tuple and
/// the body puts its result together.
fn takes_apart(module: &Module, condition: ComputationId, body: ComputationId) -> Option<usize> {
    let takes_apart = |computation: &Computation| {
        let &[parameter] = computation.parameters() else { return false };
        let mut users = computation.users(parameter).iter();
        computation.root() != parameter
            && users.all(|&user| state_element(computation, user).is_some())
    };
    let body = module.computation(body);
    let root = body.instruction(body.root());
    let fits = takes_apart(module.computation(condition)) && takes_apart(body);
    (fits && *root.op() == Op::Tuple).then(|| root.operands().len())
}

/// Scalars and what repeats them.
fn is_cheap_constant(computation: &Computation, id: InstructionId) -> bool {
    let instruction = computation.instruction(id);
    match instruction.op() {
        Op::Constant { literal } => literal.as_array().is_ok_and(|array| array.shape().is_scalar()),
        Op::Broadcast { .. } => is_cheap_constant(computation, instruction.operands()[0]),
        _ => false,
    }
}

/// The elements that are used behind the loop, in the condition or for a side effect, and those
/// that these need.
fn needed_elements(
    module: &Module,
    (computation, id): (ComputationId, InstructionId),
    (condition, body): (ComputationId, ComputationId),
    count: usize,
) -> BTreeSet<usize> {
    let owner = module.computation(computation);
    let mut needed: BTreeSet<usize> = BTreeSet::new();
    if owner.root() == id {
        return (0..count).collect();
    }
    for &user in owner.users(id) {
        let Op::GetTupleElement { index } = *owner.instruction(user).op() else {
            return (0..count).collect();
        };
        needed.insert(index);
    }
    let of_condition = module.computation(condition);
    needed.extend(elements_below(of_condition, &[of_condition.root()]));
    let effects = rewrite::computations_with_side_effects(module);
    for computation in [condition, body] {
        let computation = module.computation(computation);
        let instructions = computation.instructions();
        let with_effect = instructions.filter(|(_, instruction)| effects.contain(instruction));
        let with_effect: Vec<InstructionId> = with_effect.map(|(id, _)| id).collect();
        needed.extend(elements_below(computation, &with_effect));
    }
    let body = module.computation(body);
    loop {
        let next = needed.iter().filter_map(|&n| tuple_element(body, body.root(), n));
        let below = elements_below(body, &next.collect::<Vec<_>>());
        let before = needed.len();
        needed.extend(below);
        if needed.len() == before {
            return needed;
        }
    }
}

/// The state elements that instructions depend on.
fn elements_below(computation: &Computation, ids: &[InstructionId]) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut seen = vec![false; computation.id_capacity()];
    let mut pending = ids.to_vec();
    while let Some(id) = pending.pop() {
        if std::mem::replace(&mut seen[id.index()], true) {
            continue;
        }
        match state_element(computation, id) {
            Some(element) => {
                found.insert(element);
            }
            None => pending.extend(computation.instruction(id).operands()),
        }
    }
    found
}

/// Behind the loop, elements that no iteration changes are their initial values.
fn replace_invariant_results(
    module: &mut Module,
    computation: ComputationId,
    (id, init, body): (InstructionId, InstructionId, ComputationId),
) -> Result<Changed, InferError> {
    let users: Vec<InstructionId> =
        module.computation(computation).users(id).iter().copied().collect();
    let mut changed = Changed::No;
    for user in users {
        let Op::GetTupleElement { index } = *module.instruction(computation, user).op() else {
            continue;
        };
        if !is_invariant(module.computation(body), index) {
            continue;
        }
        let initial = match tuple_element(module.computation(computation), init, index) {
            Some(initial) => initial,
            None => {
                let mut builder = ComputationBuilder::new(module, computation);
                builder.get_tuple_element(init, index)?
            }
        };
        rewrite::replace(module, computation, user, initial);
        changed = Changed::Yes;
    }
    Ok(changed)
}
