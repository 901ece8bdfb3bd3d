//! Common subexpression elimination: of instructions that compute the same, one stays.
//!
//! The same is: the same op and attributes, the same operands (in any order where the op is
//! commutative), the same shape and layout. Computations of `reduce` that are equal count as the
//! same. Instructions with a side effect stay, and so do `opt-barrier`s: what is behind one is
//! computed again on purpose. Of several the one that is listed first stays, with its metadata.

use std::collections::BTreeMap;

use super::{Changed, PassContext, PassError};
use crate::{
    analysis::compute_the_same,
    hlo::{
        ComputationId, Instruction, InstructionId, Module, Op, Opcode, Shape, ShardingText, rewrite,
    },
};

/// See the module's comment.
///
/// # Errors
/// None of its own.
pub fn cse(module: &mut Module, _context: &PassContext) -> Result<Changed, PassError> {
    let mut changed = merge_reducers(module);
    let effects = rewrite::computations_with_side_effects(module);
    for computation in module.post_order() {
        changed |= merge_instructions(module, computation, &effects);
    }
    changed |= Changed::from(rewrite::retain_reachable_computations(module) > 0);
    Ok(changed)
}

/// What equal instructions have in common and can be looked up; the op is compared.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    opcode: Opcode,
    operands: Vec<InstructionId>,
    shape: Shape,
}

fn merge_instructions(
    module: &mut Module,
    computation: ComputationId,
    effects: &rewrite::SideEffects,
) -> Changed {
    let mut changed = Changed::No;
    let mut seen: BTreeMap<Key, Vec<InstructionId>> = BTreeMap::new();
    for id in module.computation(computation).post_order() {
        let instruction = module.instruction(computation, id);
        if stays(instruction, effects) {
            continue;
        }
        let candidates = seen.entry(key(instruction)).or_default();
        let owner = module.computation(computation);
        let same = candidates.iter().copied().find(|&other| {
            let other = owner.instruction(other);
            other.op() == instruction.op() && same_sharding(other.sharding(), instruction)
        });
        let Some(same) = same else {
            candidates.push(id);
            continue;
        };
        rewrite::replace_all_uses(module, computation, id, same);
        changed = Changed::Yes;
    }
    if changed == Changed::Yes {
        rewrite::remove_dead(module, computation);
    }
    changed
}

fn stays(instruction: &Instruction, effects: &rewrite::SideEffects) -> bool {
    matches!(instruction.op(), Op::Parameter { .. } | Op::OptBarrier)
        || effects.contain(instruction)
}

fn same_sharding(other: Option<&ShardingText>, instruction: &Instruction) -> bool {
    other == instruction.sharding()
}

fn key(instruction: &Instruction) -> Key {
    let mut operands = instruction.operands().to_vec();
    if instruction.opcode().is_commutative() {
        operands.sort_unstable();
    }
    Key { opcode: instruction.opcode(), operands, shape: instruction.shape().clone() }
}

/// Makes every `reduce` call the oldest of equal computations.
fn merge_reducers(module: &mut Module) -> Changed {
    let mut changed = Changed::No;
    let mut distinct: Vec<ComputationId> = Vec::new();
    let mut calls = Vec::new();
    for (caller, computation) in module.computations() {
        for (id, instruction) in computation.instructions() {
            if let Op::Reduce { to_apply, .. } = *instruction.op() {
                calls.push((to_apply, caller, id));
            }
        }
    }
    calls.sort_unstable();
    for (called, caller, id) in calls {
        let own = module.computation(called);
        let same = distinct
            .iter()
            .copied()
            .find(|&other| other == called || compute_the_same(module.computation(other), own));
        let Some(same) = same else {
            distinct.push(called);
            continue;
        };
        let mapped = rewrite::map_called_computations(module, caller, id, &mut |_| same);
        mapped.expect("an equal computation can be called");
        changed |= Changed::from(same != called);
    }
    changed
}
