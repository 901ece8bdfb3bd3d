//! Copies of carried values, made unnecessary where possible.
//!
//! A copy goes away if its two variables are never live at the same time: they become one variable.
//! That holds for the order of the program; the dependence graph keeps it for every schedule, since
//! a variable is written again only after what it was has been read. Copies in inner loops go
//! first. What is left of copies from a constant makes the constant anew.

use super::{
    flow::{Code, Inst, key, of_key, scalar},
    liveness::{Liveness, Range, in_program_order, live_ranges, merged, overlap, remove_dead},
};
use palmetto_kernels::llo::Value;
use std::collections::BTreeMap;

/// Coalesces what can be coalesced, and removes what nobody reads.
pub(super) fn coalesce(code: &mut Code) {
    remove_dead(code);
    let mut classes = Classes::of(code);
    let mut copies: Vec<(usize, usize)> = Vec::new();
    for (s, segment) in code.segments.iter().enumerate() {
        let is_copy = |(_, inst): &(usize, &Inst)| inst.is_copy;
        copies.extend(segment.iter().enumerate().filter(is_copy).map(|(i, _)| (s, i)));
    }
    let depths: Vec<usize> = (0..code.segments.len()).map(|s| code.depth(s)).collect();
    copies.sort_by_key(|(s, i)| (std::cmp::Reverse(depths[*s]), *s, *i));
    for (s, i) in copies {
        let inst = &code.segments[s][i];
        if let (Some(dst), Some(src)) = (inst.def, inst.uses[0]) {
            classes.unite(key(dst), key(src));
        }
    }
    classes.rename(code);
    make_constants_anew(code);
    remove_dead(code);
}

/// Variables that became one, with the ranges where it is live.
struct Classes {
    parents: Vec<usize>,
    ranges: Vec<Vec<Range>>,
}

impl Classes {
    fn of(code: &Code) -> Self {
        let liveness = Liveness::of(code);
        let ranges = live_ranges(&in_program_order(code), &liveness, code.n_keys());
        Self { parents: (0..code.n_keys()).collect(), ranges }
    }

    fn find(&mut self, mut key: usize) -> usize {
        while self.parents[key] != key {
            self.parents[key] = self.parents[self.parents[key]];
            key = self.parents[key];
        }
        key
    }

    fn unite(&mut self, a: usize, b: usize) {
        let (a, b) = (self.find(a), self.find(b));
        if a != b && !overlap(&self.ranges[a], &self.ranges[b]) {
            let absorbed = std::mem::take(&mut self.ranges[b]);
            self.ranges[a] = merged(&self.ranges[a], &absorbed);
            self.parents[b] = a;
        }
    }

    fn rename(&mut self, code: &mut Code) {
        for segment in &mut code.segments {
            for inst in segment.iter_mut() {
                *inst = inst.renamed(|value| of_key(self.find(key(value))));
            }
            segment.retain(|inst| !(inst.is_copy && inst.def == inst.uses[0]));
        }
        for l in &mut code.loops {
            for condition in [&mut l.unless_zero, &mut l.again].into_iter().flatten() {
                *condition = scalar(of_key(self.find(key(Value::S(*condition)))));
            }
        }
    }
}

/// Replaces copies of variables that are only ever written by one constant op.
fn make_constants_anew(code: &mut Code) {
    let constants = constants(code);
    for inst in code.segments.iter_mut().flatten().filter(|inst| inst.is_copy) {
        let (Some(dst), Some(src)) = (inst.def, inst.uses[0]) else { continue };
        if let Some(constant) = constants.get(&src) {
            *inst = Inst { origin: None, ..constant.renamed(|_| dst) };
        }
    }
}

/// The variables that are written once, by an op that reads nothing, and that op.
pub(super) fn constants(code: &Code) -> BTreeMap<Value, Inst> {
    let mut constants: BTreeMap<Value, Option<Inst>> = BTreeMap::new();
    for inst in code.segments.iter().flatten() {
        if let Some(def) = inst.def {
            let new = inst.is_constant().then_some(*inst);
            constants.entry(def).and_modify(|known| *known = None).or_insert(new);
        }
    }
    constants.into_iter().filter_map(|(value, inst)| Some((value, inst?))).collect()
}
