//! Dead code elimination: what neither a result nor a side effect needs is removed.
//!
//! That is: instructions; computations that are no longer called; parameters of fused computations
//! and the operands for them; results of several in a fused computation. Unused elements of loop
//! states are left to `while_loop_simplifier`.

use super::{Changed, PassContext, PassError};
use crate::analysis::used_elements;
use crate::hlo::{
    ComputationBuilder, ComputationId, Extras, InstructionId, Module, Op, Opcode, Shape,
    builder::add_computation, rewrite,
};

/// See the module's comment.
///
/// # Errors
/// None of its own.
pub fn dce(module: &mut Module, _context: &PassContext) -> Result<Changed, PassError> {
    let mut changed = Changed::from(rewrite::retain_reachable_computations(module) > 0);
    // Callers first: a fused computation may lose results, and then instructions, by it.
    for computation in module.post_order().into_iter().rev() {
        changed |= Changed::from(rewrite::remove_dead(module, computation) > 0);
        changed |= drop_fusion_results(module, computation)?;
    }
    for computation in module.post_order() {
        if module.get(computation).is_some() {
            changed |= Changed::from(rewrite::remove_dead(module, computation) > 0);
            changed |= drop_fusion_parameters(module, computation)?;
        }
    }
    changed |= Changed::from(rewrite::retain_reachable_computations(module) > 0);
    Ok(changed)
}

fn fusions(module: &Module, computation: ComputationId) -> Vec<(InstructionId, ComputationId)> {
    let instructions = module.computation(computation).instructions();
    let fusions = instructions.filter_map(|(id, instruction)| match instruction.op() {
        Op::Fusion { calls, .. } => Some((id, *calls)),
        _ => None,
    });
    fusions.collect()
}

/// Replaces fusions of which some results are not used by ones without these results.
fn drop_fusion_results(
    module: &mut Module,
    computation: ComputationId,
) -> Result<Changed, PassError> {
    let mut changed = Changed::No;
    for (id, called) in fusions(module, computation) {
        let Some(used) = used_results(module, computation, id, called) else { continue };
        let body = module.computation(called);
        let results = body.instruction(body.root()).operands().to_vec();
        let kept: Vec<InstructionId> = used.iter().map(|&n| results[n]).collect();
        let smaller = clone_with_results(module, called, &kept);
        replace_fusion(module, computation, id, (smaller, None))?;
        changed = Changed::Yes;
    }
    Ok(changed)
}

/// The indices of the results that are used; `None` if that is all of them or not known.
fn used_results(
    module: &Module,
    computation: ComputationId,
    id: InstructionId,
    called: ComputationId,
) -> Option<Vec<usize>> {
    let owner = module.computation(computation);
    let body = module.computation(called);
    let root = body.instruction(body.root());
    if root.opcode() != Opcode::Tuple {
        return None;
    }
    let is_part = |used: &Vec<usize>| used.len() < root.operands().len() && !used.is_empty();
    used_elements(owner, id).filter(is_part)
}

/// A copy of a computation with some of the results that its root tuple has.
fn clone_with_results(
    module: &mut Module,
    called: ComputationId,
    kept: &[InstructionId],
) -> ComputationId {
    let name = module.computation(called).name().to_owned();
    let root = module.computation(called).root();
    // The copy is made of a computation with the wanted root; the original gets its own back.
    let mut builder = ComputationBuilder::new(module, called);
    let wanted = if let [one] = kept { *one } else { builder.tuple(kept) };
    rewrite::set_root(module, called, wanted);
    let copy = rewrite::clone_computation(module, called, &name);
    rewrite::set_root(module, called, root);
    rewrite::remove_if_dead(module, called, wanted);
    rewrite::remove_dead(module, copy);
    copy
}

/// Replaces fusions that do not use some of their parameters by ones without these.
fn drop_fusion_parameters(
    module: &mut Module,
    computation: ComputationId,
) -> Result<Changed, PassError> {
    let mut changed = Changed::No;
    for (id, called) in fusions(module, computation) {
        let body = module.computation(called);
        let is_used = |&parameter: &InstructionId| {
            body.root() == parameter || !body.users(parameter).is_empty()
        };
        let used: Vec<bool> = body.parameters().iter().map(is_used).collect();
        if used.iter().all(|&used| used) {
            continue;
        }
        let smaller = clone_with_parameters(module, called, &used)?;
        replace_fusion(module, computation, id, (smaller, Some(used)))?;
        changed = Changed::Yes;
    }
    Ok(changed)
}

/// A copy of a computation with the parameters that are marked; the others are not used.
fn clone_with_parameters(
    module: &mut Module,
    called: ComputationId,
    used: &[bool],
) -> Result<ComputationId, PassError> {
    let body = module.computation(called);
    let name = body.name().to_owned();
    let parameters: Vec<(String, Shape)> = body
        .parameters()
        .iter()
        .map(|&id| body.instruction(id))
        .map(|parameter| (parameter.name().to_owned(), parameter.shape().clone()))
        .collect();
    let copy = add_computation(module, &name);
    let mut builder = ComputationBuilder::new(module, copy);
    // Stands for the parameters that nobody reads.
    let nothing = builder.tuple(&[]);
    let mut arguments = Vec::with_capacity(used.len());
    for ((name, shape), &used) in parameters.into_iter().zip(used) {
        arguments.push(if used { builder.parameter(shape, &name) } else { nothing });
    }
    let root = rewrite::inline(module, called, copy, &arguments)
        .map_err(|cause| PassError::Rewrite { instruction: name, cause })?;
    rewrite::set_root(module, copy, root);
    rewrite::remove_dead(module, copy);
    Ok(copy)
}

/// Makes a fusion of `smaller` take the place of the fusion `id`: with the operands that are
/// marked, or with the results that are used.
fn replace_fusion(
    module: &mut Module,
    computation: ComputationId,
    id: InstructionId,
    (smaller, used_operands): (ComputationId, Option<Vec<bool>>),
) -> Result<(), PassError> {
    let fusion = module.instruction(computation, id).clone();
    let Op::Fusion { kind, .. } = *fusion.op() else { return Ok(()) };
    let mut operands = fusion.operands().to_vec();
    if let Some(used) = &used_operands {
        let mut used = used.iter();
        operands.retain(|_| used.next() == Some(&true));
    }
    let extras = Extras {
        name: Some(fusion.name().to_owned()),
        metadata: Some(fusion.metadata().clone()),
        sharding: fusion.sharding().cloned(),
        frontend_attributes: fusion.frontend_attributes().clone(),
        ..Extras::default()
    };
    let mut builder = ComputationBuilder::new(module, computation);
    let new = builder
        .add_with(Op::Fusion { kind, calls: smaller }, &operands, extras)
        .map_err(|cause| PassError::Rewrite { instruction: fusion.name().to_owned(), cause })?;
    if used_operands.is_some() {
        rewrite::replace(module, computation, id, new);
    } else {
        redirect_results(module, computation, id, new)?;
    }
    Ok(())
}

/// Makes the users of results of `old` use those of `new`, which has only the used ones.
fn redirect_results(
    module: &mut Module,
    computation: ComputationId,
    old: InstructionId,
    new: InstructionId,
) -> Result<(), PassError> {
    let owner = module.computation(computation);
    let element = |&user: &InstructionId| match *owner.instruction(user).op() {
        Op::GetTupleElement { index } => (index, user),
        _ => (usize::MAX, user),
    };
    let mut users: Vec<(usize, InstructionId)> = owner.users(old).iter().map(element).collect();
    users.sort_unstable();
    let is_single = module.instruction(computation, new).shape().as_array().is_some();
    let (mut position, mut previous) = (0, users.first().map_or(0, |&(index, _)| index));
    for (index, user) in users {
        if index != previous {
            position += 1;
            previous = index;
        }
        let value = if is_single {
            new
        } else {
            let name = module.instruction(computation, user).name().to_owned();
            ComputationBuilder::new(module, computation)
                .get_tuple_element(new, position)
                .map_err(|cause| PassError::Rewrite { instruction: name, cause })?
        };
        rewrite::replace(module, computation, user, value);
    }
    Ok(())
}
