//! What is known of registers: the lattice of the checker.

use palmetto_isa::{
    Op,
    op::Operand,
    row::{Kind, ROWS},
};
use palmetto_kernels::llo::{S, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Something that is true of a register or a word of spill memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fact {
    /// It holds a value of LLO.
    Is(Value),
    /// It holds the result of an op that reads nothing: opcode and immediate.
    Constant(usize, u32),
    /// It holds this value (the index of a loop) plus one.
    PlusOne(S),
    /// It says whether the first value plus one is less than the second.
    More(S, S),
    /// It says whether this value is positive.
    Positive(S),
    /// It holds 1 where the mask is set, else 0.
    Bits(Value),
}

/// Facts; fewer is less known.
pub(super) type Facts = BTreeSet<Fact>;

/// A register: class and number.
pub(super) type Register = (usize, usize);

/// What is known at a point of the program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    /// Facts about registers that hold anything.
    registers: BTreeMap<Register, Facts>,
    /// Facts about places of spill memory: scalar or not, and address.
    memory: BTreeMap<(bool, i64), Facts>,
    /// Bundles until a register may be used, if it is not yet.
    pending: BTreeMap<Register, u32>,
}

impl State {
    /// The facts about a register.
    pub(super) fn register(&self, register: Register) -> Facts {
        self.registers.get(&register).cloned().unwrap_or_default()
    }

    /// The facts about a place of spill memory.
    pub(super) fn place(&self, place: (bool, i64)) -> Facts {
        self.memory.get(&place).cloned().unwrap_or_default()
    }

    /// Whether a register may be used in this bundle.
    pub(super) fn is_ready(&self, register: Register) -> bool {
        !self.pending.contains_key(&register)
    }

    /// A register is written by an op of `latency`, in the bundle that `step` will end.
    pub(super) fn write(&mut self, register: Register, facts: Facts, latency: u32) {
        self.registers.insert(register, facts);
        self.pending.insert(register, latency);
    }

    /// A place of spill memory is written.
    pub(super) fn store(&mut self, place: (bool, i64), facts: Facts) {
        self.memory.insert(place, facts);
    }

    /// The next bundle.
    pub(super) fn step(&mut self) {
        self.pending.retain(|_, bundles| {
            *bundles -= 1;
            *bundles > 0
        });
    }

    /// What is known if it comes from either of two states.
    pub(super) fn join(&self, other: &Self) -> Self {
        let mut pending = self.pending.clone();
        for (register, bundles) in &other.pending {
            let longest = pending.entry(*register).or_insert(0);
            *longest = (*longest).max(*bundles);
        }
        Self {
            registers: intersection(&self.registers, &other.registers),
            memory: intersection(&self.memory, &other.memory),
            pending,
        }
    }

    /// The same with all sets of facts replaced.
    pub(super) fn map(&self, f: impl Fn(&Facts) -> Facts) -> Self {
        Self {
            registers: self.registers.iter().map(|(place, facts)| (*place, f(facts))).collect(),
            memory: self.memory.iter().map(|(place, facts)| (*place, f(facts))).collect(),
            pending: self.pending.clone(),
        }
    }
}

fn intersection<K: Copy + Ord>(
    a: &BTreeMap<K, Facts>,
    b: &BTreeMap<K, Facts>,
) -> BTreeMap<K, Facts> {
    let common = a.iter().filter_map(|(place, facts)| {
        let facts: Facts = facts.intersection(b.get(place)?).copied().collect();
        (!facts.is_empty()).then_some((*place, facts))
    });
    common.collect()
}

/// The fact about the result of an op that reads nothing and always gives the same.
pub(super) fn constant_fact<V: Copy, S: Copy, M: Copy>(op: &Op<V, S, M>) -> Option<Fact> {
    let row = &ROWS[op.opcode()];
    let is_register = |kind| matches!(kind, Kind::V | Kind::S | Kind::M);
    let reads = row.operands.iter().any(|field| is_register(field.kind));
    if reads || row.results.is_empty() || row.slot == palmetto_isa::Slot::Pop {
        return None;
    }
    let immediate = op.operands().into_iter().find_map(|operand| match operand {
        Operand::Immediate(bits) => Some(bits),
        Operand::V(_) | Operand::S(_) | Operand::M(_) => None,
    });
    Some(Fact::Constant(op.opcode(), immediate.unwrap_or(0)))
}
