//! Puts the bodies of called computations in the place of the calls, and gives every loop body,
//! condition and branch one caller.
//!
//! What a call stood for keeps its name: `op_name` of the call is put in front of those of the
//! body. Side effects stay in order. Computations that nobody calls any more are removed; those of
//! `reduce` may stay shared.

use std::collections::BTreeSet;

use super::{Changed, PassContext, PassError};
use crate::hlo::{ComputationId, InstructionId, Metadata, Module, Op, Opcode, rewrite};

/// See the module's comment.
///
/// # Errors
/// None of its own.
pub fn call_inliner(module: &mut Module, _context: &PassContext) -> Result<Changed, PassError> {
    let mut changed = Changed::No;
    for computation in module.post_order_from(module.entry()) {
        changed |= inline_calls(module, computation);
    }
    changed |= Changed::from(rewrite::retain_reachable_computations(module) > 0);
    Ok(changed | flatten(module))
}

fn inline_calls(module: &mut Module, computation: ComputationId) -> Changed {
    let calls: Vec<InstructionId> = module
        .computation(computation)
        .instructions()
        .filter(|(_, instruction)| instruction.opcode() == Opcode::Call)
        .map(|(id, _)| id)
        .collect();
    for &id in &calls {
        // An earlier one may have made it needless.
        let Some(instruction) = module.computation(computation).get(id) else { continue };
        let call = instruction.metadata().clone();
        let before = module.computation(computation).id_capacity();
        rewrite::inline_call(module, computation, id);
        let owner = module.computation(computation);
        let new = owner.instructions().map(|(id, _)| id).filter(|id| id.index() >= before);
        for id in new.collect::<Vec<InstructionId>>() {
            let own = module.instruction(computation, id).metadata();
            let metadata = inlined_metadata(&call, own);
            rewrite::set_metadata(module, computation, id, metadata);
        }
    }
    Changed::from(!calls.is_empty())
}

/// Where an instruction of a called computation comes from, seen from the caller.
fn inlined_metadata(call: &Metadata, own: &Metadata) -> Metadata {
    let op_name = match (&call.op_name, &own.op_name) {
        (Some(call), Some(own)) if !own.starts_with(call.as_str()) => Some(format!("{call}/{own}")),
        (call, own) => own.clone().or_else(|| call.clone()),
    };
    let place = if own.source_file.is_some() { own } else { call };
    Metadata { op_name, ..place.clone() }
}

/// Copies computations of control flow that have several callers.
fn flatten(module: &mut Module) -> Changed {
    let mut changed = Changed::No;
    let mut claimed = BTreeSet::new();
    let mut pending = vec![module.entry()];
    while let Some(caller) = pending.pop() {
        let ids: Vec<InstructionId> = module
            .computation(caller)
            .instructions()
            .filter(|(_, instruction)| has_own_computations(instruction.op()))
            .map(|(id, _)| id)
            .collect();
        for id in ids {
            let called = module.instruction(caller, id).op().called_computations();
            let mut own = Vec::with_capacity(called.len());
            for called in called {
                own.push(if claimed.insert(called) {
                    called
                } else {
                    let name = module.computation(called).name().to_owned();
                    changed = Changed::Yes;
                    rewrite::clone_computation(module, called, &name)
                });
            }
            pending.extend(&own);
            claimed.extend(&own);
            let mut own = own.into_iter();
            let mapped = rewrite::map_called_computations(module, caller, id, &mut |old| {
                own.next().unwrap_or(old)
            });
            mapped.expect("a copy of a computation can be called like the computation");
        }
    }
    changed
}

/// Whether an op calls computations that passes adapt to this one caller.
fn has_own_computations(op: &Op) -> bool {
    matches!(op, Op::While { .. } | Op::Conditional { .. } | Op::Fusion { .. })
}
