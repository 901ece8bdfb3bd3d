//! Proof that bundles compute what LLO says.
//!
//! The bundles are executed symbolically beside the LLO. The state says of each register, and of
//! each place of spill memory, which values of LLO it is known to hold ([`Fact`]); where ways meet,
//! what holds on both of them is kept, and a loop is gone through until nothing changes. An op that
//! says which statement it is must be that statement over registers that hold the statement's
//! operands; its result register then holds the statement's result. Ops of the back end's own may
//! only copy, make constants, count loops, or spill and reload. At the borders of a loop what holds
//! an initial or next value holds the parameter, and what is known about the body's values is
//! forgotten.
//!
//! Also checked: latencies along all ways, for reads and for second writes; that each statement
//! with an effect is issued once in its segment; that pushes and pops of a FIFO pair up as in LLO,
//! within what it holds; the order of weights, transfers and conflicting memory accesses; what
//! branches test.
//!
//! Taken on trust: which accesses are disjoint ([`Access`](super::address::Access)), which scalars
//! are constants or truths, what an op does to a FIFO, and the tables of the instruction set. Not
//! covered: how long anything takes, and slot capacities, which a [`Bundle`] cannot exceed.

mod facts;
mod loops;
mod order;
#[cfg(test)]
mod tests;

use super::{
    address::Access,
    emit::{Emitted, register},
    flow::{self, LoopCode, value},
};
use facts::{Fact, Facts, State, constant_fact};
use order::{Held, Issued};
use palmetto_isa::{
    Bundle, ChipSpec, MReg, MemorySpace, Op, SReg, VReg, memory::GRANULE_WORDS, op::Operand,
};
use palmetto_kernels::llo::{Block, Function, LloOp, S, Statement, Value};
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

/// Where bundles do not compute what LLO says.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("bundle {bundle}: {problem}")]
pub struct CheckError {
    /// The bundle.
    pub bundle: usize,
    /// What is wrong.
    pub problem: String,
}

type Outcome<T = ()> = Result<T, CheckError>;

fn wrong<T>(bundle: usize, problem: impl Into<String>) -> Outcome<T> {
    Err(CheckError { bundle, problem: problem.into() })
}

/// Checks `emitted`, which was made of `function`; `loops` are the claimed segments of its loops.
pub(super) fn check(
    function: &Function,
    emitted: &Emitted,
    loops: &[LoopCode],
    chip: &ChipSpec,
) -> Outcome {
    // Opened again: what the steps between did to the code does not matter here.
    let code = flow::open_loops(function);
    let insts = code.segments.iter().flatten();
    let accesses = insts.filter_map(|inst| Some((inst.origin?, inst.access?))).collect();
    let mut checker = Checker {
        emitted,
        loops,
        original: code.loops.iter().map(|l| (l.origin, l)).collect(),
        chip,
        accesses,
        constants: constants(&function.body),
        scratch_end: [
            scratch_end(function, MemorySpace::Vmem),
            scratch_end(function, MemorySpace::Smem) * GRANULE_WORDS as i64,
        ],
        n_statements: 0,
        segment: 0,
    };
    checker.block(&function.body, (State::default(), Held::new()))?;
    let start = emitted.starts[checker.segment + 1];
    let is_halt = |bundle: &Bundle| bundle.ops() == [Op::Halt {}];
    let halts = emitted.bundles.get(start).is_some_and(is_halt);
    if !halts || emitted.starts.len() != checker.segment + 2 {
        return wrong(start, "the program does not end with `halt` after its last segment");
    }
    Ok(())
}

fn scratch_end(function: &Function, space: MemorySpace) -> i64 {
    let all = function.scratches.iter().filter(|scratch| scratch.space == space);
    all.map(|s| i64::from(s.base) + i64::from(s.granules)).max().unwrap_or(0)
}

/// The fact about each value that an op without operands defines.
fn constants(block: &Block) -> BTreeMap<Value, Fact> {
    let mut found = BTreeMap::new();
    for statement in block {
        match statement {
            Statement::Op { op, .. } => {
                let result = op.results().into_iter().find_map(value);
                found.extend(result.zip(constant_fact(op)));
            }
            Statement::Loop(l) => found.append(&mut constants(&l.body)),
        }
    }
    found
}

struct Checker<'a> {
    emitted: &'a Emitted,
    loops: &'a [LoopCode],
    /// The loops as they were opened, by statement: what is known of their trip counts.
    original: BTreeMap<u32, &'a LoopCode>,
    chip: &'a ChipSpec,
    accesses: BTreeMap<u32, Access>,
    constants: BTreeMap<Value, Fact>,
    /// The first granule of VMEM and the first word of SMEM behind the scratches.
    scratch_end: [i64; 2],
    /// Statements before the one that is looked at.
    n_statements: u32,
    /// The segment that is looked at.
    segment: usize,
}

/// What is known of the machine, and what FIFOs hold.
type Known = (State, Held);

impl Checker<'_> {
    /// Checks the segments of a block from `self.segment` on; stays at the last.
    fn block(&mut self, block: &Block, (mut state, mut held): Known) -> Outcome<Known> {
        let mut statements: Vec<(u32, &LloOp)> = Vec::new();
        for statement in block {
            let number = self.n_statements;
            self.n_statements += 1;
            match statement {
                Statement::Op { op, .. } => statements.push((number, op)),
                Statement::Loop(l) => {
                    let before = std::mem::take(&mut statements);
                    state = self.segment(&before, (state, &mut held))?;
                    state = self.one_loop(l, number, state, &mut held)?;
                }
            }
        }
        let state = self.segment(&statements, (state, &mut held))?;
        Ok((state, held))
    }

    /// Checks the bundles of the current segment against its statements.
    fn segment(
        &mut self,
        statements: &[(u32, &LloOp)],
        known: (State, &mut Held),
    ) -> Outcome<State> {
        let (mut state, held) = known;
        let (start, end) =
            (self.emitted.starts[self.segment], self.emitted.starts[self.segment + 1]);
        let ops: BTreeMap<u32, &LloOp> = statements.iter().copied().collect();
        let mut found: BTreeMap<u32, usize> = BTreeMap::new();
        for bundle in start..end {
            let before = state.clone();
            let mut written = BTreeSet::new();
            let pairs =
                self.emitted.bundles[bundle].ops().iter().zip(&self.emitted.origins[bundle]);
            for (op, origin) in pairs {
                let touched = op.operands().into_iter().chain(op.results()).filter_map(register);
                if let Some(early) = touched.clone().find(|register| !before.is_ready(*register)) {
                    return wrong(bundle, format!("`{op:?}` uses register {early:?} too early"));
                }
                let facts = match origin {
                    Some(number) => {
                        if found.insert(*number, bundle).is_some() {
                            return wrong(bundle, format!("statement {number} a second time"));
                        }
                        self.statement(bundle, op, ops.get(number).copied(), &before)?
                    }
                    None => self.own_op(bundle, op, &before, &mut state)?,
                };
                for result in op.results().into_iter().filter_map(register) {
                    if !written.insert(result) {
                        return wrong(bundle, format!("register {result:?} is written twice"));
                    }
                    state.write(result, facts.clone(), op.latency());
                }
            }
            state.step();
        }
        let missing = statements
            .iter()
            .find(|(number, op)| !found.contains_key(number) && flow::Inst::new(**op).has_effect());
        if let Some((number, op)) = missing {
            return wrong(end, format!("statement {number} `{}` is not issued", op.name()));
        }
        let issued = statements.iter().filter_map(|(number, op)| {
            let access = self.accesses.get(number).copied();
            Some(Issued { op, access, bundle: *found.get(number)? })
        });
        order::check(&issued.collect::<Vec<_>>(), held, self.chip)
            .or_else(|(bundle, problem)| wrong(bundle, problem))?;
        statements.iter().for_each(|(_, op)| order::step(held, op));
        Ok(state)
    }

    /// The facts about the result of an op that claims to be a statement.
    fn statement(
        &self,
        bundle: usize,
        op: &Op,
        statement: Option<&LloOp>,
        before: &State,
    ) -> Outcome<Facts> {
        let Some(statement) = statement.filter(|s| s.opcode() == op.opcode()) else {
            return wrong(bundle, format!("`{op:?}` is no statement of this segment"));
        };
        for (found, wanted) in op.operands().into_iter().zip(statement.operands()) {
            let (Some(register), Some(wanted)) = (register(found), value(wanted)) else {
                let is_equal = match (found, wanted) {
                    (Operand::Immediate(found), Operand::Immediate(wanted)) => found == wanted,
                    _ => false,
                };
                if is_equal {
                    continue;
                }
                return wrong(
                    bundle,
                    format!("`{op:?}` has not the immediates of `{statement:?}`"),
                );
            };
            let facts = before.register(register);
            let constant = self.constants.get(&wanted);
            let holds = facts.contains(&Fact::Is(wanted))
                || constant.is_some_and(|constant| facts.contains(constant));
            if !holds {
                return wrong(bundle, format!("`{op:?}`: {found:?} does not hold {wanted}"));
            }
        }
        let result = statement.results().into_iter().find_map(value);
        Ok(result.map(Fact::Is).into_iter().chain(constant_fact(op)).collect())
    }
}

fn known_constant(constants: &BTreeMap<Value, Fact>, s: S) -> Option<i64> {
    match constants.get(&Value::S(s)) {
        Some(Fact::Constant(_, bits)) => Some(i64::from(bits.cast_signed())),
        _ => None,
    }
}

/// The facts about the result of an op of the back end's own.
impl Checker<'_> {
    fn own_op(&self, bundle: usize, op: &Op, before: &State, after: &mut State) -> Outcome<Facts> {
        let s = |s: SReg| before.register((1, usize::from(s.0)));
        let v = |v: VReg| before.register((0, usize::from(v.0)));
        let m = |m: MReg| before.register((2, usize::from(m.0)));
        if let Some(constant) = constant_fact(op) {
            return Ok(Facts::from([constant]));
        }
        let is_constant = |facts: &Facts, wanted: Op| {
            facts.contains(&constant_fact(&wanted).expect("a constant"))
        };
        let vreg = VReg(0);
        let is_zero = |facts: &Facts| facts.contains(&zero());
        let bits = |facts: &Facts, bits| is_constant(facts, Op::Vconst { dst: vreg, bits });
        Ok(match *op {
            Op::Smov { src, .. } => s(src),
            Op::Vmov { src, .. } => v(src),
            Op::Vmmov { src, .. } => m(src),
            Op::SaddImm { src, value: 1, .. } => {
                self.scalars(&s(src)).into_iter().map(Fact::PlusOne).collect()
            }
            Op::ScmpLt { lhs, rhs, .. } => {
                let mut facts = Facts::new();
                for limit in self.scalars(&s(rhs)) {
                    for fact in s(lhs) {
                        if let Fact::PlusOne(index) = fact {
                            facts.insert(Fact::More(index, limit));
                        }
                    }
                    if is_zero(&s(lhs)) {
                        facts.insert(Fact::Positive(limit));
                    }
                }
                facts
            }
            Op::Vld { base, offset, .. } if is_zero(&s(base)) && self.is_spill(false, offset) => {
                before.place((false, offset.into()))
            }
            Op::Sld { base, offset, .. } if is_zero(&s(base)) && self.is_spill(true, offset) => {
                before.place((true, offset.into()))
            }
            Op::Vst { base, offset, src } if is_zero(&s(base)) && self.is_spill(false, offset) => {
                after.store((false, offset.into()), v(src));
                Facts::new()
            }
            Op::Sst { base, offset, src } if is_zero(&s(base)) && self.is_spill(true, offset) => {
                after.store((true, offset.into()), s(src));
                Facts::new()
            }
            Op::Vsel { mask, on_true, on_false, .. }
                if bits(&v(on_true), 1) && bits(&v(on_false), 0) =>
            {
                let is = |fact: &Fact| {
                    if let Fact::Is(value) = fact { Some(Fact::Bits(*value)) } else { None }
                };
                m(mask).iter().filter_map(is).collect()
            }
            Op::VcmpNeS32 { lhs, rhs, .. } if bits(&v(rhs), 0) => {
                let is = |fact: &Fact| {
                    if let Fact::Bits(value) = fact { Some(Fact::Is(*value)) } else { None }
                };
                v(lhs).iter().filter_map(is).collect()
            }
            Op::BrNz { .. } | Op::BrZ { .. } => Facts::new(),
            _ => return wrong(bundle, format!("`{op:?}` is neither a statement nor housekeeping")),
        })
    }

    /// Whether an address is behind the scratches.
    fn is_spill(&self, is_scalar: bool, address: i32) -> bool {
        i64::from(address) >= self.scratch_end[usize::from(is_scalar)]
    }

    /// The scalars of LLO that a register holds.
    fn scalars(&self, facts: &Facts) -> Vec<S> {
        let mut scalars = Vec::new();
        for fact in facts {
            match fact {
                Fact::Is(Value::S(s)) => scalars.push(*s),
                Fact::Constant(..) => {
                    let equal = self.constants.iter().filter(|(_, constant)| *constant == fact);
                    scalars.extend(equal.filter_map(|(value, _)| match value {
                        Value::S(s) => Some(*s),
                        Value::V(_) | Value::M(_) => None,
                    }));
                }
                _ => {}
            }
        }
        scalars
    }
}

/// The fact about a scalar that is 0: the index of a loop in its first iteration.
fn zero() -> Fact {
    let op: Op = Op::SmovImm { dst: SReg(0), value: 0 };
    constant_fact(&op).expect("it reads nothing")
}
