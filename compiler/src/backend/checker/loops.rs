//! Loops in the checker: their branches, and what becomes of facts at their borders.

use super::{
    Checker, Outcome,
    facts::{Fact, Facts, State},
    known_constant,
    order::{self, Held},
    value, wrong, zero,
};
use crate::backend::flow::LoopCode;
use palmetto_isa::Op;
use palmetto_kernels::llo::{Block, Carried, Loop, S, Statement, Value};
use std::collections::BTreeSet;

impl Checker<'_> {
    /// Checks the branches and the segments of a loop; what is known after it.
    pub(super) fn one_loop(
        &mut self,
        l: &Loop,
        number: u32,
        before: State,
        held: &mut Held,
    ) -> Outcome<State> {
        let entry = self.emitted.starts[self.segment + 1];
        let Some(claimed) = self.loops.iter().find(|l| l.origin == number) else {
            return wrong(entry, format!("the loop that is statement {number} has no segments"));
        };
        let original = self.original[&number];
        if claimed.first != self.segment + 1 {
            return wrong(entry, format!("the loop that is statement {number} starts elsewhere"));
        }
        self.entry_branch(l, claimed, original, &before)?;
        let runs_again = claimed.again.is_some();
        let is_once = original.again.is_none();
        if !runs_again && !is_once {
            return wrong(entry, "a loop that may run more than once has no branch back");
        }
        if is_once {
            self.constants.insert(Value::S(l.index), zero());
        }
        self.add_carried_constants(l);
        let constants = self.constants.clone();
        let constant = |s: S| known_constant(&constants, s);
        let inside = order::inside_loop(&l.body, held, runs_again, &constant);
        *held = order::after_loop(&l.body, held.clone(), original.times, &constant);
        let defined = defined_in(l);
        let mut at_header = self.enter(l, &defined, &before);
        let (at, statements) = (self.segment + 1, self.n_statements);
        loop {
            (self.segment, self.n_statements) = (at, statements);
            let (at_end, _) = self.block(&l.body, (at_header.clone(), inside.clone()))?;
            if claimed.last != self.segment {
                return wrong(entry, format!("the loop that is statement {number} ends elsewhere"));
            }
            if runs_again {
                self.back_branch(l, claimed, &at_end)?;
                let joined = at_header.join(&self.repeat(l, &defined, &at_end));
                if joined != at_header {
                    at_header = joined;
                    continue;
                }
            }
            self.segment += 1;
            if original.unless_zero.is_none() {
                self.add_constant_results(l);
            }
            let left = self.leave(l, &defined, &at_end, |c| c.next);
            let skipped = self.leave(l, &defined, &before, |c| c.initial);
            return Ok(if claimed.unless_zero.is_some() { left.join(&skipped) } else { left });
        }
    }

    /// What is carried through a loop unchanged is a constant if it was one before.
    fn add_carried_constants(&mut self, l: &Loop) {
        for carried in l.carried.iter().filter(|carried| carried.next == carried.parameter) {
            if let Some(constant) = self.constants.get(&carried.initial).copied() {
                self.constants.insert(carried.parameter, constant);
                self.constants.insert(carried.result, constant);
            }
        }
    }

    /// The results of a loop that runs at least once are the constants that the next values are.
    fn add_constant_results(&mut self, l: &Loop) {
        for carried in &l.carried {
            if let Some(constant) = self.constants.get(&carried.next).copied() {
                self.constants.insert(carried.result, constant);
            }
        }
    }

    /// The facts about what the branch at the end of the current segment tests.
    fn branch(&self, state: &State, target: usize, if_not_zero: bool) -> Outcome<Facts> {
        let bundle = self.emitted.starts[self.segment + 1] - 1;
        let target = self.emitted.starts[target];
        for op in self.emitted.bundles[bundle].ops() {
            let (condition, found, not_zero) = match *op {
                Op::BrNz { condition, target } => (condition, target, true),
                Op::BrZ { condition, target } => (condition, target, false),
                _ => continue,
            };
            if found as usize != target || not_zero != if_not_zero {
                return wrong(bundle, format!("a branch to {found}, it should go to {target}"));
            }
            return Ok(state.register((1, usize::from(condition.0))));
        }
        wrong(bundle, "there is no branch at the end of the segment")
    }

    fn entry_branch(
        &self,
        l: &Loop,
        claimed: &LoopCode,
        original: &LoopCode,
        before: &State,
    ) -> Outcome {
        if claimed.unless_zero.is_none() {
            if original.unless_zero.is_some() {
                let bundle = self.emitted.starts[self.segment + 1];
                return wrong(bundle, "a loop that may not run is entered without a branch");
            }
            return Ok(());
        }
        let facts = self.branch(before, claimed.last + 1, false)?;
        let is_truth =
            original.again.is_none() && facts.contains(&Fact::Is(Value::S(l.trip_count)));
        if is_truth || facts.contains(&Fact::Positive(l.trip_count)) {
            return Ok(());
        }
        let bundle = self.emitted.starts[self.segment + 1] - 1;
        wrong(bundle, format!("the branch does not test whether {} is positive", l.trip_count))
    }

    fn back_branch(&self, l: &Loop, claimed: &LoopCode, at_end: &State) -> Outcome {
        let facts = self.branch(at_end, claimed.first, true)?;
        if facts.contains(&Fact::More(l.index, l.trip_count)) {
            return Ok(());
        }
        let bundle = self.emitted.starts[self.segment + 1] - 1;
        wrong(bundle, "the branch back does not test whether there is another iteration")
    }

    /// `facts` with what is true of `from` said of `to`.
    fn renamed(&self, facts: &Facts, from: Value, to: Value) -> impl Iterator<Item = Fact> {
        let is = facts.contains(&Fact::Is(from))
            || self.constants.get(&from).is_some_and(|constant| facts.contains(constant));
        let bits = facts.contains(&Fact::Bits(from));
        is.then_some(Fact::Is(to)).into_iter().chain(bits.then_some(Fact::Bits(to)))
    }

    /// What is known before the first iteration.
    fn enter(&self, l: &Loop, defined: &BTreeSet<Value>, before: &State) -> State {
        let zero = zero();
        before.map(|facts| {
            let mut entered = lasting(facts, defined);
            for carried in &l.carried {
                entered.extend(self.renamed(facts, carried.initial, carried.parameter));
            }
            if facts.contains(&zero) {
                entered.insert(Fact::Is(Value::S(l.index)));
            }
            entered
        })
    }

    /// What is known before the next iteration.
    fn repeat(&self, l: &Loop, defined: &BTreeSet<Value>, at_end: &State) -> State {
        at_end.map(|facts| {
            let mut repeated = lasting(facts, defined);
            for carried in &l.carried {
                repeated.extend(self.renamed(facts, carried.next, carried.parameter));
            }
            if facts.contains(&Fact::PlusOne(l.index)) {
                repeated.insert(Fact::Is(Value::S(l.index)));
            }
            repeated
        })
    }

    /// What is known after the loop, if results are what `last` says.
    fn leave(
        &self,
        l: &Loop,
        defined: &BTreeSet<Value>,
        at_end: &State,
        last: impl Fn(&Carried) -> Value,
    ) -> State {
        at_end.map(|facts| {
            let mut left = lasting(facts, defined);
            for carried in &l.carried {
                left.extend(self.renamed(facts, last(carried), carried.result));
            }
            left
        })
    }
}

/// The values that exist in a loop only.
fn defined_in(l: &Loop) -> BTreeSet<Value> {
    fn add(block: &Block, defined: &mut BTreeSet<Value>) {
        for statement in block {
            match statement {
                Statement::Op { op, .. } => {
                    defined.extend(op.results().into_iter().filter_map(value))
                }
                Statement::Loop(l) => {
                    defined.insert(Value::S(l.index));
                    defined.extend(l.carried.iter().flat_map(|c| [c.parameter, c.result]));
                    add(&l.body, defined);
                }
            }
        }
    }
    let mut defined = BTreeSet::from([Value::S(l.index)]);
    defined.extend(l.carried.iter().map(|c| c.parameter));
    add(&l.body, &mut defined);
    defined
}

/// The facts that stay true when the values of `defined` get new meanings.
fn lasting(facts: &Facts, defined: &BTreeSet<Value>) -> Facts {
    let is_gone = |fact: &Fact| match fact {
        Fact::Is(value) | Fact::Bits(value) => defined.contains(value),
        Fact::PlusOne(s) | Fact::Positive(s) => defined.contains(&Value::S(*s)),
        Fact::More(a, b) => defined.contains(&Value::S(*a)) || defined.contains(&Value::S(*b)),
        Fact::Constant(..) => false,
    };
    facts.iter().filter(|fact| !is_gone(fact)).copied().collect()
}
