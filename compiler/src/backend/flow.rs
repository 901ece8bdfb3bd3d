//! LLO with its loops opened: straight segments over variables, ranges of segments as loops.
//!
//! Segments stand in the order of the code, and one stands between any two loop borders, if empty.
//! A loop is a range of segments; its counter, its conditions and the copies of its carried values
//! are ops like all others. Values became *variables*, which may be written more than once: the
//! parameter and the result of a carried value are one variable, which is copied to before the loop
//! and at the end of the body.

use super::address::{Access, Place, Scalars};
use palmetto_isa::{
    DmaDescriptor, MemorySpace, Slot,
    memory::SUBLANES,
    op::{Operand, Rename},
};
use palmetto_kernels::llo::{
    Block, Function, LloOp, Loop, M, S, Scratch, ScratchId, Statement, V, Value,
};
use std::collections::{BTreeMap, BTreeSet};

/// Registers that an op reads at most.
pub(super) const MAX_USES: usize = 5;

/// An op of a segment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Inst {
    /// The op, over variables.
    pub op: LloOp,
    /// The variables that it reads.
    pub uses: [Option<Value>; MAX_USES],
    /// The variable that it writes.
    pub def: Option<Value>,
    /// What it does to memory.
    pub access: Option<Access>,
    /// The statement that it is, counted in the order of the text; `None` for ops of our own.
    pub origin: Option<u32>,
    /// Whether it is a copy that may be coalesced away.
    pub is_copy: bool,
}

impl Inst {
    /// An op of our own.
    pub(super) fn new(op: LloOp) -> Self {
        let mut uses = [None; MAX_USES];
        for (n, used) in op.operands().into_iter().filter_map(value).enumerate() {
            uses[n] = Some(used);
        }
        let def = op.results().into_iter().find_map(value);
        Self { op, uses, def, access: None, origin: None, is_copy: false }
    }

    /// The variables that it reads.
    pub(super) fn reads(&self) -> impl Iterator<Item = Value> + use<> {
        self.uses.into_iter().flatten()
    }

    /// The same with other variables.
    pub(super) fn renamed(&self, f: impl FnMut(Value) -> Value) -> Self {
        let op = self.op.rename(&mut Values(f));
        Self { access: self.access, origin: self.origin, is_copy: self.is_copy, ..Self::new(op) }
    }

    /// Whether it does anything besides writing its result.
    pub(super) fn has_effect(&self) -> bool {
        self.def.is_none() || self.op.slot() == Slot::Pop
    }

    /// Whether it gives the same result wherever it stands, without reading anything.
    pub(super) fn is_constant(&self) -> bool {
        self.def.is_some()
            && self.access.is_none()
            && self.op.slot() != Slot::Pop
            && self.uses == [None; MAX_USES]
    }
}

/// The variable or value that an operand is.
pub(super) fn value(operand: Operand<V, S, M>) -> Option<Value> {
    match operand {
        Operand::V(v) => Some(Value::V(v)),
        Operand::S(s) => Some(Value::S(s)),
        Operand::M(m) => Some(Value::M(m)),
        Operand::Immediate(_) => None,
    }
}

/// A renaming of values that keeps their classes.
struct Values<F>(F);

impl<F: FnMut(Value) -> Value> Rename<V, S, M> for Values<F> {
    type V = V;
    type S = S;
    type M = M;
    fn v(&mut self, v: V) -> V {
        vector((self.0)(Value::V(v)))
    }
    fn s(&mut self, s: S) -> S {
        scalar((self.0)(Value::S(s)))
    }
    fn m(&mut self, m: M) -> M {
        mask((self.0)(Value::M(m)))
    }
}

/// The vector that `value` is.
pub(super) fn vector(value: Value) -> V {
    let Value::V(v) = value else { panic!("{value:?} is a vector: `verify_function` checks") };
    v
}

/// The scalar that `value` is.
pub(super) fn scalar(value: Value) -> S {
    let Value::S(s) = value else { panic!("{value:?} is a scalar: `verify_function` checks") };
    s
}

/// The mask that `value` is.
pub(super) fn mask(value: Value) -> M {
    let Value::M(m) = value else { panic!("{value:?} is a mask: `verify_function` checks") };
    m
}

/// `dst = src` as an op.
pub(super) fn copy(dst: Value, src: Value) -> Inst {
    let op = match dst {
        Value::V(dst) => LloOp::Vmov { dst, src: vector(src) },
        Value::S(dst) => LloOp::Smov { dst, src: scalar(src) },
        Value::M(dst) => LloOp::Vmmov { dst, src: mask(src) },
    };
    Inst { is_copy: true, ..Inst::new(op) }
}

/// A loop: its segments are `first ..= last`. The one before decides whether it is entered.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LoopCode {
    /// The first segment of the body.
    pub first: usize,
    /// The last segment of the body.
    pub last: usize,
    /// The loop is skipped if this is 0 at the end of segment `first - 1`.
    pub unless_zero: Option<S>,
    /// The loop continues if this is not 0 at the end of segment `last`.
    pub again: Option<S>,
    /// How often it runs, if that is known.
    pub times: Option<i64>,
    /// The statement that it is.
    pub origin: u32,
}

/// A function as segments and loops.
#[derive(Clone, Debug)]
pub(super) struct Code {
    /// The segments in the order of the code.
    pub segments: Vec<Vec<Inst>>,
    /// The loops, inner ones first.
    pub loops: Vec<LoopCode>,
    /// How many vectors, scalars and masks there are.
    pub n_values: [u32; 3],
    /// The scratches; the backend adds its own.
    pub scratches: Vec<Scratch>,
}

impl Code {
    /// A new variable of the class of `like`.
    pub(super) fn fresh(&mut self, like: Value) -> Value {
        let (class, make): (_, fn(u32) -> Value) = match like {
            Value::V(_) => (0, |n| Value::V(V(n))),
            Value::S(_) => (1, |n| Value::S(S(n))),
            Value::M(_) => (2, |n| Value::M(M(n))),
        };
        self.n_values[class] += 1;
        make(self.n_values[class] - 1)
    }

    /// The loop whose body starts with segment `index`.
    pub(super) fn loop_from(&self, index: usize) -> Option<&LoopCode> {
        self.loops.iter().find(|l| l.first == index)
    }

    /// The loop whose body ends with segment `index`.
    pub(super) fn loop_to(&self, index: usize) -> Option<&LoopCode> {
        self.loops.iter().find(|l| l.last == index)
    }

    /// In how many loops that repeat segment `index` is.
    pub(super) fn depth(&self, index: usize) -> usize {
        let around = |l: &&LoopCode| (l.first..=l.last).contains(&index) && l.again.is_some();
        self.loops.iter().filter(around).count()
    }

    /// Where execution can go after segment `index`.
    pub(super) fn successors(&self, index: usize) -> impl Iterator<Item = usize> {
        let next = (index + 1 < self.segments.len()).then_some(index + 1);
        let skipping = self.loop_from(index + 1).filter(|l| l.unless_zero.is_some());
        let repeating = self.loop_to(index).filter(|l| l.again.is_some());
        next.into_iter().chain(skipping.map(|l| l.last + 1)).chain(repeating.map(|l| l.first))
    }

    /// What the branch at the end of segment `index` reads.
    pub(super) fn branch_reads(&self, index: usize) -> Option<Value> {
        let entered = self.loop_from(index + 1).and_then(|l| l.unless_zero);
        let repeated = self.loop_to(index).and_then(|l| l.again);
        entered.or(repeated).map(Value::S)
    }

    /// How many numbers [`key`] gives to the variables.
    pub(super) fn n_keys(&self) -> usize {
        self.n_values.iter().max().map_or(0, |n| *n as usize * 3)
    }
}

/// The class of a variable: 0 vectors, 1 scalars, 2 masks.
pub(super) fn class(value: Value) -> usize {
    match value {
        Value::V(_) => 0,
        Value::S(_) => 1,
        Value::M(_) => 2,
    }
}

/// Numbers the variables of all classes.
pub(super) fn key(value: Value) -> usize {
    let number = match value {
        Value::V(V(n)) | Value::S(S(n)) | Value::M(M(n)) => n,
    };
    number as usize * 3 + class(value)
}

/// The variable of a number.
pub(super) fn of_key(key: usize) -> Value {
    let number = u32::try_from(key / 3).expect("values have 32-bit numbers");
    match key % 3 {
        0 => Value::V(V(number)),
        1 => Value::S(S(number)),
        _ => Value::M(M(number)),
    }
}

/// Opens the loops of a verified function.
pub(super) fn open_loops(function: &Function) -> Code {
    let (n_vectors, n_scalars, n_masks) = function.n_values;
    let mut opener = Opener {
        code: Code {
            segments: vec![Vec::new()],
            loops: Vec::new(),
            n_values: [n_vectors, n_scalars, n_masks],
            scratches: function.scratches.clone(),
        },
        descriptors: &function.descriptors,
        scalars: Scalars::default(),
        truths: BTreeSet::new(),
        results: BTreeMap::new(),
        n_statements: 0,
    };
    opener.open_block(&function.body);
    opener.code
}

struct Opener<'a> {
    code: Code,
    descriptors: &'a [DmaDescriptor],
    scalars: Scalars,
    /// Scalars that are 0 or 1.
    truths: BTreeSet<S>,
    /// Results of loops, by the variable that has them.
    results: BTreeMap<Value, Value>,
    n_statements: u32,
}

impl Opener<'_> {
    fn open_block(&mut self, block: &Block) {
        for statement in block {
            let origin = self.n_statements;
            self.n_statements += 1;
            match statement {
                Statement::Op { op, touches } => self.open_op(op, *touches, origin),
                Statement::Loop(l) => self.open_loop(l, origin),
            }
        }
    }

    fn open_op(&mut self, op: &LloOp, touches: Option<ScratchId>, origin: u32) {
        self.scalars.define(op);
        self.note_truth(op);
        let access = self.access(op, touches);
        let inst = Inst::new(*op).renamed(|value| self.variable(value));
        self.emit(Inst { access, origin: Some(origin), ..inst });
    }

    /// Keeps the rows whose result is 0 or 1 in mind: loops over them are ifs.
    fn note_truth(&mut self, op: &LloOp) {
        let dst = match *op {
            LloOp::ScmpEq { dst, .. }
            | LloOp::ScmpNe { dst, .. }
            | LloOp::ScmpLt { dst, .. }
            | LloOp::ScmpLe { dst, .. } => Some(dst),
            LloOp::Sand { dst, lhs, rhs } if self.is_truth(lhs) || self.is_truth(rhs) => Some(dst),
            LloOp::Sor { dst, lhs, rhs } | LloOp::Sxor { dst, lhs, rhs }
                if self.is_truth(lhs) && self.is_truth(rhs) =>
            {
                Some(dst)
            }
            _ => None,
        };
        self.truths.extend(dst);
    }

    fn is_truth(&mut self, s: S) -> bool {
        self.truths.contains(&s) || self.scalars.constant(s).is_some_and(|c| c == 0 || c == 1)
    }

    fn emit(&mut self, inst: Inst) {
        self.code.segments.last_mut().expect("there is always a segment").push(inst);
    }

    fn variable(&self, value: Value) -> Value {
        self.results.get(&value).copied().unwrap_or(value)
    }

    fn constant(&mut self, value: i32) -> S {
        let dst = scalar(self.code.fresh(Value::S(S(0))));
        self.emit(Inst::new(LloOp::SmovImm { dst, value }));
        dst
    }

    fn open_loop(&mut self, l: &Loop, origin: u32) {
        let times = self.scalars.constant(l.trip_count).map(i64::from);
        let at_most_once = self.is_truth(l.trip_count);
        let trip_count = scalar(self.variable(Value::S(l.trip_count)));
        for carried in &l.carried {
            let initial = self.variable(carried.initial);
            self.emit(copy(carried.parameter, initial));
        }
        self.emit(Inst::new(LloOp::SmovImm { dst: l.index, value: 0 }));
        let unless_zero = if times.is_some_and(|times| times > 0) {
            None
        } else if at_most_once {
            Some(trip_count)
        } else {
            let zero = self.constant(0);
            let dst = scalar(self.code.fresh(Value::S(S(0))));
            self.emit(Inst::new(LloOp::ScmpLt { dst, lhs: zero, rhs: trip_count }));
            Some(dst)
        };
        self.code.segments.push(Vec::new());
        let first = self.code.segments.len() - 1;
        self.open_block(&l.body);
        self.end_of_body(l);
        let again = (!at_most_once).then(|| {
            let (dst, one) = (l.index, 1);
            self.emit(Inst::new(LloOp::SaddImm { dst, src: l.index, value: one }));
            let dst = scalar(self.code.fresh(Value::S(S(0))));
            self.emit(Inst::new(LloOp::ScmpLt { dst, lhs: l.index, rhs: trip_count }));
            dst
        });
        let last = self.code.segments.len() - 1;
        self.code.loops.push(LoopCode { first, last, unless_zero, again, times, origin });
        self.code.segments.push(Vec::new());
        self.results.extend(l.carried.iter().map(|c| (c.result, c.parameter)));
    }

    /// `parameter = next` for all carried values at once.
    fn end_of_body(&mut self, l: &Loop) {
        let mut pending: Vec<(Value, Value)> = Vec::new();
        for carried in &l.carried {
            let next = self.variable(carried.next);
            if next != carried.parameter {
                pending.push((carried.parameter, next));
            }
        }
        let mut readers: BTreeMap<Value, usize> = BTreeMap::new();
        for (_, src) in &pending {
            *readers.entry(*src).or_insert(0) += 1;
        }
        while !pending.is_empty() {
            let free = |(dst, _): &(Value, Value)| readers.get(dst).is_none_or(|n| *n == 0);
            if let Some(index) = pending.iter().position(free) {
                let (dst, src) = pending.remove(index);
                *readers.entry(src).or_insert(1) -= 1;
                self.emit(copy(dst, src));
            } else {
                // Only rings are left: save one value of a ring, and read the saved one.
                let (dst, _) = pending[0];
                let saved = self.code.fresh(dst);
                self.emit(copy(saved, dst));
                for (_, src) in pending.iter_mut().filter(|(_, src)| *src == dst) {
                    *src = saved;
                }
                readers.insert(saved, readers.get(&dst).copied().unwrap_or(0));
                readers.insert(dst, 0);
            }
        }
    }

    fn access(&mut self, op: &LloOp, touches: Option<ScratchId>) -> Option<Access> {
        let (writes, place) = match *op {
            LloOp::Vld { base, offset, .. } => (false, Some((base, offset, 1, SUBLANES))),
            LloOp::VldStrided { base, offset, stride, .. } => {
                (false, Some((base, offset, stride, SUBLANES)))
            }
            LloOp::VldBcast { base, offset, .. } | LloOp::Sld { base, offset, .. } => {
                (false, Some((base, offset, 1, 1)))
            }
            LloOp::Vst { base, offset, .. } | LloOp::VstMasked { base, offset, .. } => {
                (true, Some((base, offset, 1, SUBLANES)))
            }
            LloOp::VstStrided { base, offset, stride, .. } => {
                (true, Some((base, offset, stride, SUBLANES)))
            }
            LloOp::Sst { base, offset, .. } => (true, Some((base, offset, 1, 1))),
            LloOp::DmaStart { descriptor, .. } | LloOp::DmaSend { descriptor, .. } => {
                let DmaDescriptor { source, target, .. } = &self.descriptors[descriptor as usize];
                let reads_only = is_private(*source) && !is_private(*target);
                let both = is_private(*source) && is_private(*target);
                let scratch = touches.filter(|_| !both);
                return Some(Access { scratch, writes: !reads_only, place: None });
            }
            LloOp::DmaWait { .. } => (true, None),
            _ => return None,
        };
        let place = place.map(|(base, offset, stride, count)| {
            let base = self.scalars.of(base);
            let count = i32::try_from(count).expect("a register has 8 sublanes");
            Place { form: base.form, start: base.constant.wrapping_add(offset), stride, count }
        });
        Some(Access { scratch: touches, writes, place })
    }
}

fn is_private(space: MemorySpace) -> bool {
    match space {
        MemorySpace::Vmem | MemorySpace::Smem => true,
        MemorySpace::Hbm | MemorySpace::Cmem => false,
    }
}
