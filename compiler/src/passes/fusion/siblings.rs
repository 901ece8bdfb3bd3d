//! Groups that read the same array become one if neither depends on the other.

use std::collections::{BTreeMap, BTreeSet};

use super::plan::{Group, Planner};
use crate::hlo::{InstructionId, Opcode, Shape};

/// Bytes of an array from which on reading it once less is worth looking for.
const MIN_BYTES: usize = 4096;
/// How many readers of an array are tried with each other.
const MAX_READERS: usize = 4;

impl Planner<'_> {
    /// Merges groups with a common operand, where one kernel is no slower than two.
    pub(super) fn merge_siblings(&mut self) {
        let mut readers: BTreeMap<InstructionId, Vec<usize>> = BTreeMap::new();
        for (index, group) in self.groups.iter().enumerate() {
            if self.has_dot(group) {
                continue;
            }
            for operand in self.operands_of(group) {
                let shape = self.computation.instruction(operand).shape();
                if matches!(shape, Shape::Array(shape) if shape.byte_size() >= MIN_BYTES) {
                    readers.entry(operand).or_default().push(index);
                }
            }
        }
        for readers in readers.into_values() {
            for (n, first) in readers.iter().enumerate() {
                for second in readers.iter().skip(n + 1).take(MAX_READERS) {
                    self.merge(*first, *second);
                }
            }
        }
    }

    fn has_dot(&self, group: &Group) -> bool {
        let opcode = |id: &InstructionId| self.computation.instruction(*id).opcode();
        group.inside.iter().any(|id| opcode(id) == Opcode::Dot)
    }

    fn merge(&mut self, first: usize, second: usize) {
        let [one, other] = [&self.groups[first], &self.groups[second]];
        if one.roots.is_empty() || other.roots.is_empty() {
            return;
        }
        let mut both = one.clone();
        both.inside.extend(&other.inside);
        both.roots.extend(&other.roots);
        let Some(together) = self.cycles(&both) else { return };
        let Some(apart) = self.cycles(one).zip(self.cycles(other)) else { return };
        let targets =
            |group: &Group| -> BTreeSet<InstructionId> { group.roots.iter().copied().collect() };
        let depends = self.reaches(self.operands_of(one), &targets(other))
            || self.reaches(self.operands_of(other), &targets(one));
        if together <= apart.0 + apart.1 && !depends {
            self.unite([first, second], both);
        }
    }
}
