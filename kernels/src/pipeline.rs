//! The loop that every kernel runs in: windows of arrays move between HBM and VMEM,
//! double-buffered, while a body computes on them.
//!
//! A [`Grid`] of steps is walked with its last dimension fastest. Each array has a [`Window`]: a
//! block of it that depends on some dimensions of the grid. Before a step an input window is
//! fetched if it is another one than in the step before; its successor is fetched while the step
//! computes. An output window is written back when the next step has another one, or at the end.
//! The last window along a dimension starts early if it would reach over the end, so that windows
//! overlap instead of being cut: what two steps compute twice is the same. A window with an
//! [`Edge`] is cut instead: only what there is of it moves.
//!
//! The steps of the parallel dimensions are dealt to the cores in two halves; the dimensions of a
//! reduction stay together on one core, unless there is only one and it is split
//! ([`Grid::is_split`]).

mod padding;
mod window;

pub use padding::Padding;
pub use window::{
    Block, Edge, Grid, GridDimension, InnerDimension, Places, Skew, TileAxis, TileBlock, Window,
};

use crate::llo::{Address, Builder, S, ScratchId, Value};
use palmetto_isa::{ChipSpec, MemorySpace, memory::VREG_GRANULES};
use thiserror::Error;

/// A kernel would have more arrays than a core can keep apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a kernel of {arrays} arrays; the sync flags of a core are enough for {limit}")]
pub struct TooManyArrays {
    /// How many.
    pub arrays: usize,
    /// The limit.
    pub limit: usize,
}

/// Whether the sync flags are enough for so many windows, of two flags each, besides those that the
/// body has for itself.
///
/// # Errors
/// If they are not.
pub fn check_arrays(arrays: usize, own: u32, chip: &ChipSpec) -> Result<(), TooManyArrays> {
    let limit = ((chip.n_sync_flags - own) / 2) as usize;
    if arrays > limit { Err(TooManyArrays { arrays, limit }) } else { Ok(()) }
}

/// The place of a kernel's body in the walk.
#[derive(Clone, Debug)]
pub struct Step {
    /// Per dimension of the grid, the number of the window.
    pub indices: Vec<S>,
    /// Per dimension of the grid, the first unit of the windows.
    pub positions: Vec<S>,
    /// 1 in the first step of a reduction, or of a core's share of it, else 0.
    pub is_first: S,
    /// 1 in the last step of a reduction, or of a core's share of it, else 0.
    pub is_last: S,
    /// Where the input windows are.
    pub inputs: Vec<Address>,
    /// Per input window, 1 if it was fetched for this step, 0 if it was there in the step before.
    pub is_fresh: Vec<S>,
    /// Where the output windows are.
    pub outputs: Vec<Address>,
}

/// The memory of one window.
struct Buffer<'a> {
    window: &'a Window,
    scratch: ScratchId,
    /// The descriptor and the bytes of its transfers: bit `i` of the index is set where `ends[i]`
    /// is at its last step.
    transfers: Vec<(u32, i32)>,
    /// Dimensions of the grid with an edge.
    ends: Vec<usize>,
    /// For an output with edges, where the bytes of the last transfer of each slot are kept.
    in_flight: Option<ScratchId>,
    /// The sync flag of slot 0; that of slot 1 is the next.
    flag: i32,
    /// The array's first granule.
    array: S,
    n_slots: usize,
    /// The dimensions of the grid, of more than one step, that the window depends on.
    depends: Vec<usize>,
}

/// Emits the walk of `grid` with `body` in it. All windows are double-buffered but those that never
/// change.
pub fn pipeline(
    b: &mut Builder,
    (grid, n_cores): (&Grid, u32),
    (inputs, outputs): (&[Window], &[Window]),
    body: impl FnOnce(&mut Builder, &Step),
) {
    let mut flag = 0;
    let inputs: Vec<Buffer<'_>> =
        inputs.iter().map(|window| buffer(b, grid, window, (true, &mut flag))).collect();
    let outputs: Vec<Buffer<'_>> =
        outputs.iter().map(|window| buffer(b, grid, window, (false, &mut flag))).collect();
    for input in &inputs {
        input.clear_edges(b);
    }
    let walk = Walk { grid, inputs, outputs };
    let (start, n_steps) = share_of_core(b, grid, n_cores);
    let one = b.s(1);
    let zero = b.s(0);
    let is_any = b.scmp_lt(zero, n_steps);
    b.if_then(is_any, |b| {
        for input in &walk.inputs {
            input.start(b, grid, &start, zero);
        }
    });
    // Carried: indices; per input its slot and whether it is on its way; per output its slot and
    // how many of its slots are in use.
    let mut initial: Vec<S> = start;
    initial.extend(walk.inputs.iter().flat_map(|_| [zero, one]));
    initial.extend(walk.outputs.iter().flat_map(|_| [zero, zero]));
    let initial: Vec<Value> = initial.into_iter().map(Value::S).collect();
    let last = b.ssub(n_steps, one);
    let end = b.for_loop(n_steps, &initial, |b, t, carried| {
        let carried: Vec<S> = carried.iter().map(|value| scalar(*value)).collect();
        let has_next = b.scmp_lt(t, last);
        walk.step(b, &carried, (t, has_next), body).into_iter().map(Value::S).collect()
    });
    let end: Vec<S> = end.iter().map(|value| scalar(*value)).collect();
    let outputs_at = grid.dimensions.len() + 2 * walk.inputs.len();
    for (output, state) in walk.outputs.iter().zip(end[outputs_at..].chunks(2)) {
        // The older of two transfers is in the slot that would be used next.
        output.drain(b, state[0], state[1]);
    }
}

fn scalar(value: Value) -> S {
    match value {
        Value::S(s) => s,
        Value::V(_) | Value::M(_) => panic!("the pipeline carries scalars only"),
    }
}

fn buffer<'a>(
    b: &mut Builder,
    grid: &Grid,
    window: &'a Window,
    (is_input, next_flag): (bool, &mut i32),
) -> Buffer<'a> {
    let depends: Vec<usize> = (0..grid.dimensions.len())
        .filter(|d| window.strides[*d] != 0 && grid.dimensions[*d].count() > 1)
        .collect();
    let n_slots = if depends.is_empty() { 1 } else { 2 };
    let granules = window.block.granules();
    let scratch = b.scratch(&window.name, MemorySpace::Vmem, granules * n_slots);
    let has_end = |d: &usize| window.edges.iter().any(|edge| edge.dimension == Some(*d));
    let ends: Vec<usize> = (0..grid.dimensions.len()).filter(has_end).collect();
    let transfers =
        (0..1 << ends.len()).map(|at_end| transfer(b, window, is_input, (&ends, at_end)));
    let transfers = transfers.collect();
    let keeps = !is_input && !ends.is_empty();
    let in_flight = keeps.then(|| b.scratch("bytes in flight", MemorySpace::Smem, 1));
    let array = b.argument(window.argument);
    let flag = *next_flag;
    *next_flag += 2;
    Buffer { window, scratch, transfers, ends, in_flight, flag, array, n_slots, depends }
}

/// The transfer of a window that is at the end of those of `ends` whose bit is set.
fn transfer(
    b: &mut Builder,
    window: &Window,
    is_input: bool,
    (ends, at_end): (&[usize], usize),
) -> (u32, i32) {
    let applies = |edge: &&Edge| {
        edge.dimension.is_none_or(|d| {
            ends.iter().position(|e| *e == d).is_some_and(|bit| at_end >> bit & 1 == 1)
        })
    };
    let edges: Vec<Edge> = window.edges.iter().filter(applies).copied().collect();
    let descriptor = window.block.descriptor(is_input, &edges);
    let bytes = i32::try_from(descriptor.total_bytes()).expect("windows are below 2^31 bytes");
    (b.descriptor(descriptor), bytes)
}

/// The first indices and the number of steps of this core.
fn share_of_core(b: &mut Builder, grid: &Grid, n_cores: u32) -> (Vec<S>, S) {
    // What is dealt, the dimensions that it is of, and the steps of each.
    let (dealt, n_dealt, each) = if grid.is_split {
        debug_assert_eq!(grid.parallel_steps(), 1, "only one reduction can be split");
        (grid.reduced_steps(), grid.dimensions.len(), 1)
    } else {
        (grid.parallel_steps(), grid.dimensions.len() - grid.n_reduced, grid.reduced_steps())
    };
    let share = dealt.div_ceil(n_cores as usize);
    let core = b.score();
    let mut start: Vec<S> = grid.dimensions.iter().map(|_| b.s(0)).collect();
    let mut n_steps = b.s(int(share.min(dealt) * each));
    for other in 1..n_cores {
        let first = (share * other as usize).min(dealt);
        let steps = share.min(dealt - first) * each;
        let number = b.s(i32::try_from(other).expect("a chip has few cores"));
        let is_other = b.scmp_eq(core, number);
        let steps = b.s(int(steps));
        n_steps = b.ssel(is_other, steps, n_steps);
        let mut rest = first;
        for d in (0..n_dealt).rev() {
            let count = grid.dimensions[d].count();
            let index = b.s(int(rest % count));
            rest /= count;
            start[d] = b.ssel(is_other, index, start[d]);
        }
    }
    (start, n_steps)
}

fn int(value: usize) -> i32 {
    i32::try_from(value).expect("grids and windows are far below 2^31")
}

impl Buffer<'_> {
    fn slot_address(&self, b: &mut Builder, slot: S) -> S {
        let granules = self.window.block.granules();
        let offset = b.smul_imm(slot, int(granules));
        b.sadd_imm(offset, b.base(self.scratch))
    }

    fn address(&self, b: &mut Builder, slot: S) -> Address {
        if self.n_slots == 1 {
            return b.start_of(self.scratch);
        }
        let base = self.slot_address(b, slot);
        Address { scratch: self.scratch, base, offset: 0 }
    }

    fn hbm(&self, b: &mut Builder, grid: &Grid, indices: &[S]) -> S {
        let mut address = self.array;
        for d in &self.depends {
            let position = match &self.window.places {
                Places::Skewed(skew) if *d == 0 => skew.position(b, indices[0]),
                Places::Listed(units) if *d + 1 == indices.len() => listed(b, units, indices[*d]),
                _ => position(b, grid, indices, *d),
            };
            let offset = b.smul_imm(position, int(self.window.strides[*d]));
            address = b.sadd(address, offset);
        }
        address
    }

    /// Starts the transfer of the window at `indices`: into `slot` for an input.
    fn start(&self, b: &mut Builder, grid: &Grid, indices: &[S], slot: S) {
        let (hbm, vmem) = (self.hbm(b, grid, indices), self.slot_address(b, slot));
        let flag = b.sadd_imm(slot, self.flag);
        self.start_transfer(b, grid, indices, [hbm, vmem, flag]);
    }

    fn write_back(&self, b: &mut Builder, grid: &Grid, indices: &[S], slot: S) {
        let (hbm, vmem) = (self.hbm(b, grid, indices), self.slot_address(b, slot));
        let flag = b.sadd_imm(slot, self.flag);
        self.start_transfer(b, grid, indices, [vmem, hbm, flag]);
        if let Some(scratch) = self.in_flight {
            let bytes = self.bytes(b, grid, indices);
            let base = b.sadd_imm(slot, b.first_word(scratch));
            b.store_scalar(Address { scratch, base, offset: 0 }, bytes);
        }
    }

    /// Starts the transfer of the window at `indices`, cut where it is at an end.
    fn start_transfer(&self, b: &mut Builder, grid: &Grid, indices: &[S], operands: [S; 3]) {
        let conditions = self.conditions(b, grid, indices);
        if conditions.is_empty() {
            b.start_dma(self.scratch, self.transfers[0].0, operands);
        }
        for (condition, (descriptor, _)) in conditions.into_iter().zip(&self.transfers) {
            b.if_then(condition, |b| b.start_dma(self.scratch, *descriptor, operands));
        }
    }

    /// Per transfer, whether it is the one of the window at `indices`; nothing if there is only
    /// one.
    fn conditions(&self, b: &mut Builder, grid: &Grid, indices: &[S]) -> Vec<S> {
        let mut conditions: Vec<S> = Vec::new();
        for d in &self.ends {
            let last = b.s(int(grid.dimensions[*d].count() - 1));
            let (at_end, before) = (b.scmp_eq(indices[*d], last), b.scmp_ne(indices[*d], last));
            if conditions.is_empty() {
                conditions = vec![before, at_end];
            } else {
                let both = [before, at_end].into_iter().flat_map(|end| {
                    conditions.iter().map(|other| b.sand(*other, end)).collect::<Vec<_>>()
                });
                conditions = both.collect();
            }
        }
        conditions
    }

    /// The bytes of the window at `indices`.
    fn bytes(&self, b: &mut Builder, grid: &Grid, indices: &[S]) -> S {
        let mut bytes = b.s(self.transfers[0].1);
        let conditions = self.conditions(b, grid, indices);
        for (condition, (_, other)) in conditions.into_iter().zip(&self.transfers).skip(1) {
            let other = b.s(*other);
            bytes = b.ssel(condition, other, bytes);
        }
        bytes
    }

    /// Waits for the transfer of `bytes` into or out of `slot`.
    fn wait(&self, b: &mut Builder, slot: S, bytes: S) {
        let flag = b.sadd_imm(slot, self.flag);
        b.wait_dma(self.scratch, flag, bytes);
    }

    /// Waits for the last transfer out of `slot`.
    fn wait_written(&self, b: &mut Builder, slot: S) {
        let bytes = match self.in_flight {
            Some(scratch) => {
                let base = b.sadd_imm(slot, b.first_word(scratch));
                b.load_scalar(Address { scratch, base, offset: 0 })
            }
            None => b.s(self.transfers[0].1),
        };
        self.wait(b, slot, bytes);
    }

    /// Fills an input that is cut somewhere with zeros, so that nothing undefined is read.
    fn clear_edges(&self, b: &mut Builder) {
        if self.window.edges.is_empty() && !self.window.block.has_gaps() {
            return;
        }
        let registers = self.window.block.granules() * self.n_slots / VREG_GRANULES;
        let zero = b.i32(0);
        let start = b.start_of(self.scratch);
        let count = b.s(int(registers));
        b.for_loop(count, &[], |b, index, _| {
            let offset = b.smul_imm(index, int(VREG_GRANULES));
            b.store(Address { base: offset, ..start }, zero);
            Vec::new()
        });
    }

    /// Waits for the transfers of `n_used` slots, of which `slot` is the next to be used.
    fn drain(&self, b: &mut Builder, slot: S, n_used: S) {
        let one = b.s(1);
        let is_any = b.scmp_le(one, n_used);
        let are_two = b.scmp_lt(one, n_used);
        if self.n_slots == 1 {
            let zero = b.s(0);
            b.if_then(is_any, |b| self.wait_written(b, zero));
            return;
        }
        b.if_then(are_two, |b| self.wait_written(b, slot));
        let one = b.s(1);
        let other = b.sxor(slot, one);
        b.if_then(is_any, |b| self.wait_written(b, other));
    }

    /// 1 if the window at `next` is another than at `indices`.
    fn changes(&self, b: &mut Builder, indices: &[S], next: &[S]) -> S {
        let mut changes = b.s(0);
        for d in &self.depends {
            let differs = b.scmp_ne(indices[*d], next[*d]);
            changes = b.sor(changes, differs);
        }
        changes
    }
}

/// The one of `units` at `index`.
fn listed(b: &mut Builder, units: &[usize], index: S) -> S {
    let mut unit = b.s(int(units[0]));
    for (n, other) in units.iter().enumerate().skip(1) {
        let (n, other) = (b.s(int(n)), b.s(int(*other)));
        let is_here = b.scmp_eq(index, n);
        unit = b.ssel(is_here, other, unit);
    }
    unit
}

/// The first unit, along dimension `d`, of the window at `indices`.
fn position(b: &mut Builder, grid: &Grid, indices: &[S], d: usize) -> S {
    let dimension = grid.dimensions[d];
    if let Some(inner) = grid.inner.iter().find(|inner| inner.dimension == d) {
        let before = b.smul_imm(indices[inner.of], -int(dimension.count()));
        let last = b.sadd_imm(before, int(inner.extent - 1));
        return b.smin(indices[d], last);
    }
    let position = b.smul_imm(indices[d], int(dimension.block));
    if dimension.extent.is_multiple_of(dimension.block) {
        return position;
    }
    let last = b.s(int(dimension.extent - dimension.block));
    b.smin(position, last)
}

struct Walk<'a> {
    grid: &'a Grid,
    inputs: Vec<Buffer<'a>>,
    outputs: Vec<Buffer<'a>>,
}

impl Walk<'_> {
    /// One step: the carried values of the next.
    fn step(
        &self,
        b: &mut Builder,
        carried: &[S],
        (t, has_next): (S, S),
        body: impl FnOnce(&mut Builder, &Step),
    ) -> Vec<S> {
        let n = self.grid.dimensions.len();
        let (indices, states) = carried.split_at(n);
        let (input_states, output_states) = states.split_at(2 * self.inputs.len());
        let next = self.next_indices(b, indices);
        let mut result = next.clone();
        result.extend(self.fetch(b, (indices, &next), input_states, has_next));
        let (outputs, fresh) = self.prepare_outputs(b, output_states);
        let inputs = (self.inputs.iter().zip(input_states.chunks(2)))
            .map(|(input, state)| input.address(b, state[0]))
            .collect();
        let mut step = self.describe(b, indices, inputs, outputs);
        if self.grid.is_split {
            let (zero, one) = (b.s(0), b.s(1));
            (step.is_first, step.is_last) = (b.scmp_eq(t, zero), b.sxor(has_next, one));
        }
        step.is_fresh = input_states.chunks(2).map(|state| state[1]).collect();
        body(b, &step);
        result.extend(self.write_back(b, (indices, &next), &fresh, has_next));
        result
    }

    /// The indices of the step after.
    fn next_indices(&self, b: &mut Builder, indices: &[S]) -> Vec<S> {
        let mut next = indices.to_vec();
        let mut carry = b.s(1);
        let zero = b.s(0);
        for d in (0..indices.len()).rev() {
            let count = self.grid.dimensions[d].count();
            if count == 1 {
                continue;
            }
            let index = b.sadd(indices[d], carry);
            let count = b.s(int(count));
            carry = b.scmp_eq(index, count);
            next[d] = b.ssel(carry, zero, index);
        }
        next
    }

    /// Starts the fetches for the next step, then waits for those of this one; the input states of
    /// the next step.
    fn fetch(
        &self,
        b: &mut Builder,
        (indices, next): (&[S], &[S]),
        states: &[S],
        has_next: S,
    ) -> Vec<S> {
        let mut result = Vec::new();
        for (input, state) in self.inputs.iter().zip(states.chunks(2)) {
            let changes = input.changes(b, indices, next);
            let fetches = b.sand(changes, has_next);
            let slot = b.sxor(state[0], fetches);
            if input.n_slots == 2 {
                b.if_then(fetches, |b| input.start(b, self.grid, next, slot));
            }
            result.extend([slot, fetches]);
        }
        for (input, state) in self.inputs.iter().zip(states.chunks(2)) {
            b.if_then(state[1], |b| {
                let bytes = input.bytes(b, self.grid, indices);
                input.wait(b, state[0], bytes);
            });
        }
        result
    }

    /// Makes sure that the slots of the output windows may be written.
    fn prepare_outputs(&self, b: &mut Builder, states: &[S]) -> (Vec<Address>, Vec<[S; 2]>) {
        let mut fresh = Vec::new();
        for (output, state) in self.outputs.iter().zip(states.chunks(2)) {
            let slots = b.s(int(output.n_slots));
            let is_full = b.scmp_eq(state[1], slots);
            b.if_then(is_full, |b| output.wait_written(b, state[0]));
            fresh.push([state[0], b.ssub(state[1], is_full)]);
        }
        let addresses =
            self.outputs.iter().zip(&fresh).map(|(output, state)| output.address(b, state[0]));
        (addresses.collect(), fresh)
    }

    fn describe(
        &self,
        b: &mut Builder,
        indices: &[S],
        inputs: Vec<Address>,
        outputs: Vec<Address>,
    ) -> Step {
        let n = indices.len();
        let positions = (0..n).map(|d| position(b, self.grid, indices, d)).collect();
        let (mut is_first, mut is_last) = (b.s(1), b.s(1));
        let dimensions = self.grid.dimensions.iter().zip(indices);
        for (dimension, index) in dimensions.skip(n - self.grid.n_reduced) {
            let (zero, last) = (b.s(0), b.s(int(dimension.count() - 1)));
            let (first_here, last_here) = (b.scmp_eq(*index, zero), b.scmp_eq(*index, last));
            is_first = b.sand(is_first, first_here);
            is_last = b.sand(is_last, last_here);
        }
        let indices = indices.to_vec();
        Step { indices, positions, is_first, is_last, inputs, is_fresh: Vec::new(), outputs }
    }

    /// Of a reduction that both cores have a share of, the first writes the result.
    fn writes(&self, b: &mut Builder, is_done: S) -> S {
        if !self.grid.is_split {
            return is_done;
        }
        let (core, zero) = (b.score(), b.s(0));
        let is_first = b.scmp_eq(core, zero);
        b.sand(is_done, is_first)
    }

    /// Writes back the output windows that the next step does not have; their states for it.
    fn write_back(
        &self,
        b: &mut Builder,
        (indices, next): (&[S], &[S]),
        states: &[[S; 2]],
        has_next: S,
    ) -> Vec<S> {
        let mut result = Vec::new();
        let one = b.s(1);
        let is_end = b.sxor(has_next, one);
        for (output, [slot, used]) in self.outputs.iter().zip(states) {
            let changes = output.changes(b, indices, next);
            let is_done = b.sor(changes, is_end);
            let is_done = self.writes(b, is_done);
            b.if_then(is_done, |b| output.write_back(b, self.grid, indices, *slot));
            let toggle = if output.n_slots == 2 { is_done } else { b.s(0) };
            result.extend([b.sxor(*slot, toggle), b.sadd(*used, is_done)]);
        }
        result
    }
}
