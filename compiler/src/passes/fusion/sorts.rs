//! A sort of which only the first elements are used is one with the slices that take them.

use std::collections::BTreeSet;

use super::{outline::outline, plan::Group};
use crate::{
    hlo::{Computation, ComputationId, InstructionId, Module, Op, Opcode},
    lowering::{Region, choose_kernel},
};

/// Makes fusions of such sorts; tells whether there were any.
pub(super) fn fuse_sorts(module: &mut Module, computation: ComputationId) -> bool {
    let order = module.computation(computation).post_order();
    let positions = order.iter().enumerate().map(|(position, id)| (*id, position)).collect();
    let mut found = false;
    // What becomes a fusion is gone: only the sorts are looked at.
    let is_sort = |id: &InstructionId| {
        module.computation(computation).instruction(*id).opcode() == Opcode::Sort
    };
    let sorts: Vec<InstructionId> = order.into_iter().filter(is_sort).collect();
    for sort in sorts {
        let Some(group) = group_of(module.computation(computation), sort) else { continue };
        let (inside, roots) = (group.inside.clone(), group.roots.clone());
        let region = Region::new(module, computation, inside, roots);
        if choose_kernel(&region).is_ok() {
            outline(module, computation, &[group], &positions);
            found = true;
        }
    }
    found
}

/// A sort with its results and their slices, if every result that is used has one and no other
/// user.
fn group_of(computation: &Computation, sort: InstructionId) -> Option<Group> {
    let mut inside = BTreeSet::from([sort]);
    let results: Vec<InstructionId> = if computation.instruction(sort).shape().as_array().is_some()
    {
        vec![sort]
    } else {
        let users = computation.users(sort).iter().copied();
        let mut elements: Vec<(usize, InstructionId)> = Vec::new();
        for user in users {
            let Op::GetTupleElement { index } = computation.instruction(user).op() else {
                return None;
            };
            elements.push((*index, user));
        }
        elements.sort_unstable();
        elements.into_iter().map(|(_, id)| id).collect()
    };
    let mut roots = Vec::new();
    for result in results {
        let [user] = *computation.users(result).iter().copied().collect::<Vec<_>>() else {
            return None;
        };
        let is_slice = computation.instruction(user).opcode() == Opcode::Slice;
        if !is_slice || computation.root() == result {
            return None;
        }
        inside.extend([result, user]);
        roots.push(user);
    }
    (!roots.is_empty()).then(|| Group { roots, inside, prologue: BTreeSet::new() })
}
