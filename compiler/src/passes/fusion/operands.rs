//! What the operands of a dot are computed from.
//!
//! All of it joins the dot's group or nothing: a first step alone would make the dot read what
//! another kernel then has to write.

use std::collections::BTreeSet;

use super::{
    MAX_INSTRUCTIONS,
    plan::{Group, Planner},
};
use crate::{
    hlo::{InstructionId, Opcode},
    lowering::is_generator,
};

impl Planner<'_> {
    /// Whether a group needs `producer` for an operand of its dot.
    pub(super) fn feeds_dot(&self, group: usize, producer: InstructionId) -> bool {
        let group = &self.groups[group];
        self.computation.users(producer).iter().any(|user| {
            let is_dot = self.computation.instruction(*user).opcode() == Opcode::Dot;
            group.prologue.contains(user) || (is_dot && group.inside.contains(user))
        })
    }

    /// Makes `producer` and what only it needs part of a dot's group, if that is faster. If it is
    /// not needed only there (`is_last`), a kernel of its own computes it in any case.
    pub(super) fn join_as_operand(
        &mut self,
        group: usize,
        producer: InstructionId,
        is_last: bool,
    ) -> bool {
        let closure = if is_last { self.closure(producer) } else { Some([producer].into()) };
        let Some(closure) = closure else { return false };
        let mut larger = self.groups[group].clone();
        larger.inside.extend(closure.iter().copied());
        larger.prologue.extend(closure.iter().copied());
        let Some(together) = self.cycles(&larger) else { return false };
        let Some(product) = self.cycles(&self.groups[group]) else { return false };
        let alone =
            Group { roots: vec![producer], inside: closure.clone(), prologue: BTreeSet::new() };
        // What no kernel computes is far slower than anything that a kernel does.
        let apart = if is_last { self.cycles(&alone) } else { Some(0.0) };
        let is_faster = apart.is_none_or(|cycles| together < product + cycles);
        if is_faster {
            self.replace(group, larger);
        }
        is_faster
    }

    /// `producer` and all elementwise instructions that it is computed from and that nothing else
    /// needs. None if that would part what belongs into one kernel: a dot or a reduction from the
    /// only instructions that use it.
    fn closure(&self, producer: InstructionId) -> Option<BTreeSet<InstructionId>> {
        let mut closure = BTreeSet::new();
        // The last instruction first: then all users of one in the closure have been looked at.
        let mut open = BTreeSet::from([(self.positions[&producer], producer)]);
        while let Some((_, id)) = open.pop_last() {
            if !self.is_pointwise(id) || self.member_of.contains_key(&id) {
                if self.is_candidate(id) && self.is_used_only_in(id, &closure) {
                    return None;
                }
                continue;
            }
            if id != producer && !self.is_used_only_in(id, &closure) {
                continue;
            }
            closure.insert(id);
            if closure.len() > MAX_INSTRUCTIONS {
                return None;
            }
            let operands = self.computation.instruction(id).operands().iter();
            let operands = operands.filter(|operand| !is_generator(self.computation, **operand));
            open.extend(operands.map(|operand| (self.positions[operand], *operand)));
        }
        (!closure.is_empty()).then_some(closure)
    }

    fn is_used_only_in(&self, id: InstructionId, closure: &BTreeSet<InstructionId>) -> bool {
        id != self.computation.root()
            && self.computation.users(id).iter().all(|user| closure.contains(user))
    }

    /// Whether each element of the result is computed from elements at the same place.
    fn is_pointwise(&self, id: InstructionId) -> bool {
        let opcode = self.computation.instruction(id).opcode();
        let is_known = matches!(opcode, Opcode::Broadcast | Opcode::Clamp | Opcode::Select);
        is_known || opcode.is_elementwise()
    }
}
