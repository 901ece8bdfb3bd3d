//! Which arrays cannot be one: where one is written, the value of the other is still needed.
//!
//! Steps are walked backwards with the set of arrays whose values are needed later. A write ends
//! the need for what was there before; a copy does not interfere with its own source, whose value
//! it writes. Loops are walked until nothing new is needed at their start.

use std::collections::{BTreeMap, BTreeSet};

use super::{ProgramFacts, Wish, effects};
use crate::executable::{AllocationId, Executable, Step};

type Set = BTreeSet<AllocationId>;

/// A symmetric relation between the arrays that somebody wants to merge.
#[derive(Debug, Default)]
pub(super) struct Interference(BTreeMap<AllocationId, Set>);

impl Interference {
    /// The relation between the arrays in `wishes`.
    pub(super) fn of(executable: &Executable, facts: &[ProgramFacts], wishes: &[Wish]) -> Self {
        let tracked = wishes.iter().flat_map(|wish| [wish.from, wish.to]).collect();
        let mut walk = Walk { facts, tracked, found: Self::default() };
        let mut needed = Set::new();
        for result in &executable.results {
            walk.need(&mut needed, result.slice.allocation);
        }
        walk.steps(&executable.steps, needed);
        walk.found
    }

    pub(super) fn between(&self, a: AllocationId, b: AllocationId) -> bool {
        self.0.get(&a).is_some_and(|others| others.contains(&b))
    }

    /// Makes `kept` interfere with what `other` interferes with.
    pub(super) fn merge(&mut self, other: AllocationId, kept: AllocationId) {
        for third in self.0.get(&other).cloned().unwrap_or_default() {
            self.add(kept, third);
        }
    }

    fn add(&mut self, a: AllocationId, b: AllocationId) {
        if a != b {
            self.0.entry(a).or_default().insert(b);
            self.0.entry(b).or_default().insert(a);
        }
    }
}

struct Walk<'a> {
    facts: &'a [ProgramFacts],
    tracked: Set,
    found: Interference,
}

impl Walk<'_> {
    fn need(&self, needed: &mut Set, id: AllocationId) {
        if self.tracked.contains(&id) {
            needed.insert(id);
        }
    }

    /// What is needed before `steps`, if `needed` is after them.
    fn steps(&mut self, steps: &[Step], mut needed: Set) -> Set {
        for step in steps.iter().rev() {
            needed = self.step(step, needed);
        }
        needed
    }

    fn step(&mut self, step: &Step, needed: Set) -> Set {
        match step {
            Step::While { condition, predicate, body, .. } => {
                let mut after_condition = needed;
                self.need(&mut after_condition, predicate.slice.allocation);
                let mut at_start = Set::new();
                loop {
                    let before_body = self.steps(body, at_start.clone());
                    after_condition.extend(before_body);
                    let needed = self.steps(condition, after_condition.clone());
                    if needed == at_start {
                        return needed;
                    }
                    at_start = needed;
                }
            }
            Step::Conditional { index, branches, .. } => {
                let mut before = Set::new();
                for branch in branches {
                    before.extend(self.steps(branch, needed.clone()));
                }
                self.need(&mut before, index.slice.allocation);
                before
            }
            Step::Launch(_)
            | Step::Modelled(_)
            | Step::Copy { .. }
            | Step::Send(_)
            | Step::Recv(_)
            | Step::Check { .. } => self.plain(step, needed),
        }
    }

    fn plain(&mut self, step: &Step, mut needed: Set) -> Set {
        let Some(effects) = effects(step, self.facts) else { return needed };
        let copied = effects.reads.first().copied().filter(|_| effects.is_copy);
        for (n, &write) in effects.writes.iter().enumerate() {
            let others = effects.writes[..n].iter().chain(needed.iter());
            let others = others.filter(|&&other| Some(other) != copied);
            let reads = effects.reads.iter().enumerate();
            let reads = reads.filter(|&(read, _)| !effects.may_share(read, n));
            let all: Vec<AllocationId> =
                others.chain(reads.map(|(_, read)| read)).copied().collect();
            for other in all {
                if self.tracked.contains(&write) && self.tracked.contains(&other) {
                    self.found.add(write, other);
                }
            }
        }
        for write in &effects.writes {
            needed.remove(write);
        }
        for &read in &effects.reads {
            self.need(&mut needed, read);
        }
        needed
    }
}
