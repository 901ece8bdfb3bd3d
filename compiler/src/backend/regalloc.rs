//! Registers for variables.
//!
//! A variable has one register wherever it is live; the holes in between are free for others.
//! Variables take registers in the order in which they first become live, each the lowest register
//! that is free over all its ranges. What finds none is reported, and the caller spills.

use super::{
    flow::{Code, class, key, of_key},
    liveness::{Liveness, Placed, Range, live_ranges},
    schedule::Bundles,
};
use palmetto_isa::{MReg, Op, SReg, VReg, op::Rename};
use palmetto_kernels::llo::{LloOp, M, S, V, Value};

/// Registers of each class: vectors, scalars, masks.
pub(super) const REGISTERS: [usize; 3] = [VReg::COUNT, SReg::COUNT, MReg::COUNT];

/// Which register each variable has.
#[derive(Debug)]
pub(super) struct Allocation {
    registers: Vec<Option<u8>>,
}

/// The ranges of the variables in a schedule.
#[derive(Debug)]
pub(super) struct Ranges(Vec<Vec<Range>>);

impl Ranges {
    /// Where the variables of `code` are live when its segments are scheduled as `bundles` says.
    pub(super) fn of(code: &Code, liveness: &Liveness, bundles: &[Bundles]) -> Self {
        let mut position = 0;
        let mut placed = Vec::with_capacity(bundles.len());
        for (segment, bundles) in code.segments.iter().zip(bundles) {
            let (start, mut insts) = (position, Vec::with_capacity(segment.len()));
            for bundle in bundles {
                insts.extend(bundle.iter().map(|op| (position, &segment[*op])));
                position += 1;
            }
            // The branch may take a bundle of its own.
            position += 1;
            placed.push(Placed { start, end: position, insts });
        }
        Self(live_ranges(&placed, liveness, code.n_keys()))
    }

    /// Where a variable is live.
    pub(super) fn get(&self, value: Value) -> &[Range] {
        &self.0[key(value)]
    }

    /// The variables that are live anywhere, in the order in which they first are.
    fn in_order(&self) -> Vec<Value> {
        let live = (0..self.0.len()).filter(|key| !self.0[*key].is_empty());
        let mut keys: Vec<usize> = live.collect();
        keys.sort_by_key(|key| (self.0[*key][0], *key));
        keys.into_iter().map(of_key).collect()
    }
}

/// The ranges in which a register is taken, ordered by start.
#[derive(Clone, Debug, Default)]
struct Register(Vec<Range>);

impl Register {
    fn is_free(&self, ranges: &[Range]) -> bool {
        ranges.iter().all(|(start, end)| {
            let next = self.0.partition_point(|(_, taken_end)| taken_end <= start);
            self.0.get(next).is_none_or(|(taken_start, _)| taken_start >= end)
        })
    }

    fn take(&mut self, ranges: &[Range]) {
        for range in ranges {
            let next = self.0.partition_point(|taken| taken.0 < range.0);
            self.0.insert(next, *range);
        }
    }
}

/// Gives every variable a register, or returns those that found none.
pub(super) fn allocate(ranges: &Ranges) -> Result<Allocation, Vec<Value>> {
    let mut registers = REGISTERS.map(|count| vec![Register::default(); count]);
    let mut allocation = Allocation { registers: vec![None; ranges.0.len()] };
    let mut failed = Vec::new();
    for value in ranges.in_order() {
        let file = &mut registers[class(value)];
        let wanted = ranges.get(value);
        if let Some(number) = file.iter().position(|register| register.is_free(wanted)) {
            file[number].take(wanted);
            let number = u8::try_from(number).expect("there are at most 32 registers");
            allocation.registers[key(value)] = Some(number);
        } else {
            failed.push(value);
        }
    }
    if failed.is_empty() { Ok(allocation) } else { Err(failed) }
}

impl Allocation {
    /// The op over registers.
    pub(super) fn rename(&self, op: LloOp) -> Op {
        op.rename(&mut Renamer(self))
    }

    /// The register of a scalar.
    pub(super) fn scalar(&self, s: S) -> SReg {
        SReg(self.number(Value::S(s)))
    }

    /// The number of the register of a variable.
    pub(super) fn number(&self, value: Value) -> u8 {
        self.registers[key(value)].expect("whatever an op names is live somewhere")
    }
}

struct Renamer<'a>(&'a Allocation);

impl Rename<V, S, M> for Renamer<'_> {
    type V = VReg;
    type S = SReg;
    type M = MReg;
    fn v(&mut self, v: V) -> VReg {
        VReg(self.0.number(Value::V(v)))
    }
    fn s(&mut self, s: S) -> SReg {
        SReg(self.0.number(Value::S(s)))
    }
    fn m(&mut self, m: M) -> MReg {
        MReg(self.0.number(Value::M(m)))
    }
}
