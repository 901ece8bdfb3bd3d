//! A module: computations, of which one is the entry.

use std::collections::{BTreeMap, BTreeSet};

use super::alias::AliasConfig;
use super::arena::Arena;
use super::computation::{Computation, ComputationId};
use super::instruction::{Instruction, InstructionId};

/// A whole program.
#[derive(Clone, Debug)]
pub struct Module {
    pub(super) name: String,
    pub(super) computations: Arena<Computation>,
    pub(super) entry: Option<ComputationId>,
    pub(super) frontend_attributes: BTreeMap<String, String>,
    pub(super) aliases: AliasConfig,
    pub(super) instruction_names: NameTable,
    pub(super) computation_names: NameTable,
}

impl Module {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: legal_name(name),
            computations: Arena::default(),
            entry: None,
            frontend_attributes: BTreeMap::new(),
            aliases: AliasConfig::default(),
            instruction_names: NameTable::default(),
            computation_names: NameTable::default(),
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The computation that the runtime calls.
    ///
    /// # Panics
    /// If the module is still being built and has none.
    pub fn entry(&self) -> ComputationId {
        self.entry.expect("a finished module has an entry computation")
    }

    /// The entry computation itself.
    ///
    /// # Panics
    /// As [`Module::entry`].
    pub fn entry_computation(&self) -> &Computation {
        self.computation(self.entry())
    }

    /// The computation `id`.
    ///
    /// # Panics
    /// If it was removed or belongs to another module.
    pub fn computation(&self, id: ComputationId) -> &Computation {
        self.get(id).unwrap_or_else(|| panic!("computation {id:?} is not in the module"))
    }

    /// The computation `id`, if it is still there.
    pub fn get(&self, id: ComputationId) -> Option<&Computation> {
        self.computations.get(id)
    }

    /// The computations, oldest first.
    pub fn computations(&self) -> impl DoubleEndedIterator<Item = (ComputationId, &Computation)> {
        self.computations.iter()
    }

    /// The instruction `id` of `computation`.
    ///
    /// # Panics
    /// If there is none.
    pub fn instruction(&self, computation: ComputationId, id: InstructionId) -> &Instruction {
        self.computation(computation).instruction(id)
    }

    /// The computation with this name.
    pub fn find_computation(&self, name: &str) -> Option<ComputationId> {
        self.computations().find(|(_, computation)| computation.name == name).map(|(id, _)| id)
    }

    /// What the front end attached for later stages, by key (meshes, for example).
    pub fn frontend_attributes(&self) -> &BTreeMap<String, String> {
        &self.frontend_attributes
    }

    /// Which entry parameters give their memory to results.
    pub fn aliases(&self) -> &AliasConfig {
        &self.aliases
    }

    /// All computations, called ones before their callers, otherwise oldest first.
    pub fn post_order(&self) -> Vec<ComputationId> {
        let mut seen = vec![false; self.computations.capacity()];
        let mut result = Vec::new();
        for (start, _) in self.computations() {
            self.visit(start, &mut seen, &mut result);
        }
        result
    }

    /// The computations that `start` calls, directly or not, and itself, called ones first.
    pub fn post_order_from(&self, start: ComputationId) -> Vec<ComputationId> {
        let mut seen = vec![false; self.computations.capacity()];
        let mut result = Vec::new();
        self.visit(start, &mut seen, &mut result);
        result
    }

    /// The computations that instructions of `id` name, each once, in listing order.
    pub fn called_by(&self, id: ComputationId) -> Vec<ComputationId> {
        let mut seen = BTreeSet::new();
        let instructions = self.computation(id).instructions();
        let called = instructions.flat_map(|(_, instruction)| instruction.op.called_computations());
        called.filter(|&called| seen.insert(called)).collect()
    }

    fn visit(&self, start: ComputationId, seen: &mut [bool], result: &mut Vec<ComputationId>) {
        let mut stack: Vec<(ComputationId, std::vec::IntoIter<ComputationId>)> = Vec::new();
        if !std::mem::replace(&mut seen[start.index()], true) {
            stack.push((start, self.called_by(start).into_iter()));
        }
        while let Some((id, called)) = stack.last_mut() {
            let Some(next) = called.next() else {
                result.push(*id);
                stack.pop();
                continue;
            };
            if self.get(next).is_some() && !std::mem::replace(&mut seen[next.index()], true) {
                stack.push((next, self.called_by(next).into_iter()));
            }
        }
    }
}

/// Names that were given out, so that new ones are different.
#[derive(Clone, Debug, Default)]
pub(super) struct NameTable {
    taken: BTreeSet<String>,
    next_suffix: BTreeMap<String, u32>,
}

impl NameTable {
    /// `wanted` if it is free, else its stem with the next free number: `add`, `add.1`, `add.2`.
    pub(super) fn unique(&mut self, wanted: &str) -> String {
        let wanted = legal_name(wanted);
        if self.taken.insert(wanted.clone()) {
            return wanted;
        }
        let numbered = wanted.rsplit_once('.');
        let numbered =
            numbered.filter(|(_, n)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
        let stem = numbered.map_or(wanted.as_str(), |(stem, _)| stem).to_owned();
        let next = self.next_suffix.entry(stem.clone()).or_insert(1);
        loop {
            let name = format!("{stem}.{next}");
            *next += 1;
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }

    /// Notes a name that the text states; other computations may have the same.
    pub(super) fn reserve(&mut self, name: &str) {
        self.taken.insert(name.to_owned());
    }
}

/// The name with every character that HLO text does not allow in names replaced by `_`.
pub(super) fn legal_name(wanted: &str) -> String {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let mut name: String = wanted.chars().map(|c| if legal(c) { c } else { '_' }).collect();
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        name.insert(0, '_');
    }
    name
}
