//! The loop nest around the MXUs.
//!
//! A *phase* streams some rows through one block of weights on every MXU. The MXUs share a phase as
//! `depths` x `columns` x `rows`: blocks of weights of that many contracted blocks and that many
//! columns, and that many pieces of the rows. While a phase streams, the weights of the next one
//! are pushed, and the results of an earlier one are popped and added to the sums in VMEM: pops lag
//! behind by as many phases as it takes for results to arrive, so nothing waits. Only at the end of
//! the nest the FIFOs run empty.

use super::{
    geometry::{Plan, TILE_ROWS_PER_COLUMN, pairs},
    prepare::Planes,
};
use crate::{
    llo::{Address, Builder, S, V, Value},
    operand::int,
};
use palmetto_isa::{
    ChipSpec,
    memory::{SUBLANES, VREG_GRANULES},
};

/// Rows of a packed register: what one matmul op streams.
const GROUP_ROWS: usize = 2 * SUBLANES;
/// Packed registers of a block of weights.
const PUSHES: usize = TILE_ROWS_PER_COLUMN / 2;

/// How the MXUs share a phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Split {
    depths: usize,
    columns: usize,
    rows: usize,
}

/// The nest of a step.
#[derive(Clone, Debug, Default)]
pub(super) struct Nest {
    split: Split,
    /// Groups of 16 rows that one MXU streams in a phase.
    groups: usize,
    /// Phases by which pops lag behind.
    lag: usize,
    /// Pairs of parts whose products are added up.
    pairs: Vec<[usize; 2]>,
    /// Contracted blocks, columns, and groups of 16 rows of the windows.
    depth: usize,
    columns: usize,
    row_groups: usize,
    /// Whether nothing is added to the sums by other steps.
    is_only_step: bool,
    /// Modelled cycles.
    pub(super) cycles: f64,
}

/// Where the sums are: tiles of f32, row by row.
pub(super) type Sums = Address;

impl Nest {
    /// The fastest nest for the windows of a plan.
    pub(super) fn best(plan: &Plan<'_>, chip: &ChipSpec) -> Self {
        let spec = plan.spec;
        let parts = [spec.lhs.n_parts(spec.passes), spec.rhs.n_parts(spec.passes)];
        let base = Self {
            pairs: pairs(spec.passes, parts),
            depth: plan.tiling.depth,
            columns: plan.tiling.columns,
            row_groups: plan.row_groups(),
            is_only_step: plan.reduced_steps() == 1,
            ..Self::default()
        };
        let divisors = |n: usize| (1..=n).filter(move |d| n.is_multiple_of(*d));
        let n_mxus = chip.n_mxus as usize;
        let mut best: Option<Self> = None;
        for depths in divisors(n_mxus) {
            for columns in divisors(n_mxus / depths) {
                for rows in divisors(n_mxus / depths / columns) {
                    let nest = base.with(Split { depths, columns, rows }, chip);
                    let is_better =
                        |nest: &Self| best.as_ref().is_none_or(|best| nest.cycles < best.cycles);
                    best = nest.filter(is_better).or(best);
                }
            }
        }
        best.expect("one MXU, one group of rows and one block of weights fit all windows")
    }

    /// The nest with a split, if it fits the windows.
    fn with(&self, split: Split, chip: &ChipSpec) -> Option<Self> {
        let fits = self.depth.is_multiple_of(split.depths)
            && self.columns.is_multiple_of(split.columns)
            && self.row_groups.is_multiple_of(split.rows);
        if !fits {
            return None;
        }
        let per_mxu = self.row_groups / split.rows;
        let latency = chip.mxu_latency_cycles as usize + 2 * GROUP_ROWS;
        let entries = chip.mxu_result_entries as usize;
        let lag = |groups: usize| latency.div_ceil(groups * GROUP_ROWS);
        // Some entries are left to move pushes past pops.
        let fits = |groups: &usize| {
            per_mxu.is_multiple_of(*groups) && 2 * groups * lag(*groups) + 8 <= entries
        };
        let groups = (1..=per_mxu.min(entries * 3 / 8)).rev().find(fits)?;
        let mut nest = Self { split, groups, lag: lag(groups), ..self.clone() };
        nest.cycles = nest.model(chip);
        Some(nest)
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of ops are far below 2^53")]
    fn model(&self, chip: &ChipSpec) -> f64 {
        let Split { depths, columns, rows } = self.split;
        let pushed = depths * columns;
        let sums = 2 * columns * rows * self.groups;
        let slots = [
            GROUP_ROWS * self.groups,
            chip.mxu_weight_load_cycles as usize,
            (self.groups * depths * rows + sums + pushed * PUSHES).div_ceil(2),
            pushed * rows * PUSHES,
            sums,
        ];
        let phase = slots.into_iter().max().unwrap_or(0) + 4;
        let fill = chip.mxu_weight_load_cycles as usize + pushed * PUSHES / 2;
        let drain = chip.mxu_latency_cycles as usize + 2 * GROUP_ROWS;
        (self.n_phases() * phase + fill + drain) as f64
    }

    /// Phases that add to every sum once.
    fn phases_per_pass(&self) -> usize {
        let rows = self.row_groups / (self.split.rows * self.groups);
        rows * (self.columns / self.split.columns)
    }

    fn passes(&self) -> usize {
        self.depth / self.split.depths * self.pairs.len()
    }

    fn n_phases(&self) -> usize {
        self.phases_per_pass() * self.passes()
    }
}

/// Indices that count together, the last fastest.
struct Odometer {
    counts: Vec<usize>,
}

impl Odometer {
    /// All indices at 0. Indices that are always 0 are not kept.
    fn start(&self, b: &mut Builder) -> Vec<S> {
        let kept = self.counts.iter().filter(|count| **count > 1).count();
        vec![b.s(0); kept]
    }

    fn kept(&self) -> impl DoubleEndedIterator<Item = usize> + ExactSizeIterator {
        let kept: Vec<usize> =
            (0..self.counts.len()).filter(|index| self.counts[*index] > 1).collect();
        kept.into_iter()
    }

    /// One further; after the last comes the first.
    fn next(&self, b: &mut Builder, now: &[S]) -> Vec<S> {
        let mut next = now.to_vec();
        let (mut carry, zero) = (b.s(1), b.s(0));
        for (at, index) in self.kept().enumerate().rev() {
            let sum = b.sadd(now[at], carry);
            let count = b.s(int(self.counts[index]));
            carry = b.scmp_eq(sum, count);
            next[at] = b.ssel(carry, zero, sum);
        }
        next
    }

    fn digit(&self, now: &[S], index: usize) -> Option<S> {
        self.kept().position(|kept| kept == index).map(|at| now[at])
    }

    /// `base` and every index times its stride.
    fn offset(&self, b: &mut Builder, base: S, now: &[S], strides: &[usize]) -> S {
        let mut offset = base;
        for (at, index) in self.kept().enumerate() {
            if strides[index] != 0 {
                let part = b.smul_imm(now[at], int(strides[index]));
                offset = b.sadd(offset, part);
            }
        }
        offset
    }
}

/// Indices of the odometer of phases, which counts contracted blocks, pairs, rows and columns.
const PAIR: usize = 1;
const ROWS: usize = 2;

/// What is carried from phase to phase.
#[derive(Clone)]
struct State {
    /// The phase whose weights are pushed last.
    phase: Vec<S>,
    /// The rows that stream in the phase whose weights are pushed last.
    rows: S,
    /// The phase whose results are popped next: its rows and columns.
    popped: Vec<S>,
}

impl State {
    fn values(&self) -> Vec<Value> {
        let all = self.phase.iter().chain([&self.rows]).chain(&self.popped);
        all.map(|s| Value::S(*s)).collect()
    }

    fn like(&self, values: &[Value]) -> Self {
        let scalars: Vec<S> = (values.iter())
            .map(|value| match value {
                Value::S(s) => *s,
                Value::V(_) | Value::M(_) => panic!("the nest carries scalars only"),
            })
            .collect();
        let (phase, rest) = scalars.split_at(self.phase.len());
        Self { phase: phase.to_vec(), rows: rest[0], popped: rest[1..].to_vec() }
    }
}

/// What a pass over some phase does.
#[derive(Clone, Copy)]
struct Work {
    streams: bool,
    pushes: bool,
    /// Pops; if so, whether the results are added to what is there.
    pops: Option<bool>,
}

/// Emits the nest. The sums are overwritten if `is_first` is 1, else added to.
pub(super) fn nest(
    b: &mut Builder,
    nest: &Nest,
    (lhs, rhs, sums): (Planes, Planes, Sums),
    is_first: S,
) {
    let emitter = Emitter {
        nest,
        lhs,
        rhs,
        sums,
        phases: Odometer {
            counts: vec![
                nest.depth / nest.split.depths,
                nest.pairs.len(),
                nest.row_groups / (nest.split.rows * nest.groups),
                nest.columns / nest.split.columns,
            ],
        },
    };
    emitter.emit(b, is_first);
}

struct Emitter<'a> {
    nest: &'a Nest,
    lhs: Planes,
    rhs: Planes,
    sums: Sums,
    phases: Odometer,
}

impl Emitter<'_> {
    fn emit(&self, b: &mut Builder, is_first: S) {
        let nest = self.nest;
        let (n_phases, pass) = (nest.n_phases(), nest.phases_per_pass());
        let lag = nest.lag.min(n_phases);
        // Iterations of the loop that streams, pushes and pops; one more has nothing to push.
        let steady = (n_phases - lag).saturating_sub(1);
        let adds = !(nest.is_only_step && nest.passes() == 1);
        let is_split = adds && steady >= pass;
        if adds && !is_split {
            self.clear_sums(b, is_first);
        }
        let mut state = self.start(b);
        for t in 0..lag {
            let pushes = t + 1 < n_phases;
            state = self.phase(b, &state, Work { streams: true, pushes, pops: None });
        }
        let mut left = b.s(int(steady));
        if is_split {
            let overwriting = b.smul_imm(is_first, int(pass));
            let work = Work { streams: true, pushes: true, pops: Some(false) };
            state = self.repeat(b, overwriting, state, work);
            left = b.ssub(left, overwriting);
        }
        if steady > 0 {
            let work = Work { streams: true, pushes: true, pops: Some(adds) };
            state = self.repeat(b, left, state, work);
        }
        if n_phases > lag {
            state = self.phase(b, &state, Work { streams: true, pushes: false, pops: Some(adds) });
        }
        for _ in 0..lag {
            state = self.phase(b, &state, Work { streams: false, pushes: false, pops: Some(adds) });
        }
    }

    /// The state before the first phase, whose weights are pushed here.
    fn start(&self, b: &mut Builder) -> State {
        let phase = self.phases.start(b);
        let rows = self.rows_of(b, &phase);
        let popped = self.popped().start(b);
        let weights = self.weights_of(b, &phase);
        for push in 0..self.n_pushes() {
            self.push(b, weights, push);
        }
        State { phase, rows, popped }
    }

    fn popped(&self) -> Odometer {
        Odometer { counts: self.phases.counts[ROWS..].to_vec() }
    }

    fn repeat(&self, b: &mut Builder, times: S, state: State, work: Work) -> State {
        let end = b.for_loop(times, &state.values(), |b, _, carried| {
            self.phase(b, &state.like(carried), work).values()
        });
        state.like(&end)
    }

    /// Zeroes the sums if `is_first`.
    fn clear_sums(&self, b: &mut Builder, is_first: S) {
        let registers = 2 * self.nest.row_groups * self.nest.columns;
        let unrolled = (1..=8).rev().find(|n| registers.is_multiple_of(*n)).unwrap_or(1);
        let count = b.smul_imm(is_first, int(registers / unrolled));
        let zero = b.i32(0);
        b.for_loop(count, &[], |b, index, _| {
            let offset = b.smul_imm(index, int(unrolled * VREG_GRANULES));
            let base = b.sadd(self.sums.base, offset);
            let at = Address { base, ..self.sums };
            for n in 0..unrolled {
                b.store(at.plus(n * VREG_GRANULES), zero);
            }
            Vec::new()
        });
    }

    /// One phase: streams its rows, pushes the weights of the next one, pops what an earlier one
    /// has computed.
    fn phase(&self, b: &mut Builder, state: &State, work: Work) -> State {
        let mut next = state.clone();
        let mut weights = self.rhs.address.base;
        if work.pushes {
            next.phase = self.phases.next(b, &state.phase);
            next.rows = self.rows_of(b, &next.phase);
            weights = self.weights_of(b, &next.phase);
        }
        let popped = self.popped();
        let sums = work.pops.map(|_| self.sums_of(b, &popped, &state.popped));
        let per_group = self.n_pushes().div_ceil(self.nest.groups);
        let mut pushes = 0..if work.pushes { self.n_pushes() } else { 0 };
        for group in 0..self.nest.groups {
            if work.streams {
                self.stream(b, state.rows, group);
            }
            for push in pushes.by_ref().take(per_group) {
                self.push(b, weights, push);
            }
            if let (Some(adds), Some(sums)) = (work.pops, sums) {
                self.pop(b, sums, group, adds);
            }
        }
        if work.pops.is_some() {
            next.popped = popped.next(b, &state.popped);
        }
        next
    }

    /// Streams a group of 16 rows on every MXU; the first latches the weights.
    fn stream(&self, b: &mut Builder, rows: S, group: usize) {
        let Split { depths, columns, rows: pieces } = self.nest.split;
        for depth in 0..depths {
            for piece in 0..pieces {
                let row_group = piece * self.nest.groups + group;
                let offset = row_group * self.lhs.row_stride + depth * self.lhs.column_stride;
                let at = Address { base: rows, ..self.lhs.address };
                let source = b.load(at.plus(offset));
                for column in 0..columns {
                    let mxu = self.mxu(depth, column, piece);
                    if group == 0 {
                        b.mxu_matmul_latch(mxu, source);
                    } else {
                        b.mxu_matmul(mxu, source);
                    }
                }
            }
        }
    }

    fn mxu(&self, depth: usize, column: usize, piece: usize) -> u8 {
        let Split { columns, rows, .. } = self.nest.split;
        let mxu = (depth * columns + column) * rows + piece;
        u8::try_from(mxu).expect("a core has few MXUs")
    }

    fn n_pushes(&self) -> usize {
        self.nest.split.depths * self.nest.split.columns * PUSHES
    }

    /// Granules from one contracted block of the weights to the next, and from one column.
    fn weight_strides(&self) -> [usize; 2] {
        let rhs = &self.rhs;
        // Columns of the weights are groups of rows of a transposed right operand.
        if rhs.transposed {
            [rhs.column_stride, PUSHES * rhs.row_stride]
        } else {
            [PUSHES * rhs.row_stride, rhs.column_stride]
        }
    }

    /// The address of the weights of a phase.
    fn weights_of(&self, b: &mut Builder, phase: &[S]) -> S {
        let (split, [of_depth, of_column]) = (self.nest.split, self.weight_strides());
        let strides = [split.depths * of_depth, 0, 0, split.columns * of_column];
        let base = self.phases.offset(b, self.rhs.address.base, phase, &strides);
        self.part(b, base, phase, (1, self.rhs.part_stride))
    }

    /// Loads the `push`-th register of the weights of a phase and pushes it where it is needed.
    fn push(&self, b: &mut Builder, weights: S, push: usize) {
        let Split { depths, columns, rows } = self.nest.split;
        let (row, block) = (push / (depths * columns), push % (depths * columns));
        let (depth, column) = (block / columns, block % columns);
        let [of_depth, of_column] = self.weight_strides();
        let offset = row * self.rhs.row_stride + depth * of_depth + column * of_column;
        let source = b.load(Address { base: weights, ..self.rhs.address }.plus(offset));
        for piece in 0..rows {
            let mxu = self.mxu(depth, column, piece);
            if self.rhs.transposed {
                b.mxu_push_xpose(mxu, source);
            } else {
                b.mxu_push(mxu, source);
            }
        }
    }

    /// `base`, at the part of operand `side` that belongs to the pair of a phase.
    fn part(&self, b: &mut Builder, base: S, phase: &[S], (side, stride): (usize, usize)) -> S {
        let Some(pair) = self.phases.digit(phase, PAIR) else { return base };
        if stride == 0 {
            return base;
        }
        // Two bits per pair.
        let parts = self.nest.pairs.iter().map(|pair| pair[side]);
        let table = parts.enumerate().fold(0, |table, (i, part)| table | part << (2 * i));
        let (table, one, three) = (b.s(int(table)), b.s(1), b.s(3));
        let amount = b.sshl(pair, one);
        let part = b.sshr(table, amount);
        let part = b.sand(part, three);
        let offset = b.smul_imm(part, int(stride));
        b.sadd(base, offset)
    }

    /// The address of the rows of a phase.
    fn rows_of(&self, b: &mut Builder, phase: &[S]) -> S {
        let nest = self.nest;
        let rows = nest.split.rows * nest.groups * self.lhs.row_stride;
        let strides = [nest.split.depths * self.lhs.column_stride, 0, rows, 0];
        let base = self.phases.offset(b, self.lhs.address.base, phase, &strides);
        self.part(b, base, phase, (0, self.lhs.part_stride))
    }

    /// The address of the sums of a phase.
    fn sums_of(&self, b: &mut Builder, odometer: &Odometer, popped: &[S]) -> Address {
        let nest = self.nest;
        let rows = nest.split.rows * nest.groups * 2 * nest.columns * VREG_GRANULES;
        let strides = [rows, nest.split.columns * VREG_GRANULES];
        let base = odometer.offset(b, self.sums.base, popped, &strides);
        Address { base, ..self.sums }
    }

    /// Pops the results of a group of 16 rows of every MXU and stores or adds them.
    fn pop(&self, b: &mut Builder, sums: Address, group: usize, adds: bool) {
        let nest = self.nest;
        let Split { depths, columns, rows: pieces } = nest.split;
        for piece in 0..pieces {
            for half in 0..2 {
                let row = 2 * (piece * nest.groups + group) + half;
                for column in 0..columns {
                    let at = sums.plus((row * nest.columns + column) * VREG_GRANULES);
                    let before = adds.then(|| b.load(at));
                    let popped: Vec<V> = (0..depths)
                        .map(|depth| b.mxu_pop(self.mxu(depth, column, piece)))
                        .collect();
                    let sum = sum(b, &popped);
                    let sum = before.map_or(sum, |before| b.vadd_f32(before, sum));
                    b.store(at, sum);
                }
            }
        }
    }
}

/// The sum of at least one value, in pairs.
fn sum(b: &mut Builder, values: &[V]) -> V {
    if let [only] = values {
        return *only;
    }
    let (low, high) = values.split_at(values.len() / 2);
    let (low, high) = (sum(b, low), sum(b, high));
    b.vadd_f32(low, high)
}
