//! Emits what a step adds to the slots.

use palmetto_isa::{
    MemorySpace,
    memory::{LANES, SUBLANES, VREG_GRANULES},
};

use super::{Computation, combine::Partial, plan::Plan, site::WindowSite, tiling::Finish};
use crate::{
    expression::{Axis, Emitter, Known, Place, Site},
    llo::{Address, Builder, S, ScratchId, V, Value},
    operand::int,
    pipeline::Step,
    reducer::identity,
};

/// Slots that are set at a time.
pub(super) const CLEARED: usize = 8;

/// How often something is done.
#[derive(Clone, Copy, Debug)]
pub(super) enum Count {
    Known(usize),
    Dynamic(S),
}

/// A loop that carries vectors; known counts of 0 and 1 need none.
pub(super) fn repeat(
    b: &mut Builder,
    count: Count,
    initial: Vec<V>,
    body: impl FnOnce(&mut Builder, S, Vec<V>) -> Vec<V>,
) -> Vec<V> {
    let trips = match count {
        Count::Known(0) => return initial,
        Count::Known(1) => {
            let zero = b.s(0);
            return body(b, zero, initial);
        }
        Count::Known(n) => b.s(int(n)),
        Count::Dynamic(n) => n,
    };
    let initial: Vec<Value> = initial.into_iter().map(Value::V).collect();
    let end = b.for_loop(trips, &initial, |b, index, carried| {
        let carried = carried.iter().map(vector).collect();
        body(b, index, carried).into_iter().map(Value::V).collect()
    });
    end.iter().map(vector).collect()
}

/// A loop that carries partial results.
fn repeat_partials(
    b: &mut Builder,
    count: Count,
    initial: Vec<Partial>,
    body: impl FnOnce(&mut Builder, S, Vec<Partial>) -> Vec<Partial>,
) -> Vec<Partial> {
    let n_arrays = initial.first().map_or(1, Vec::len);
    let nest = |values: Vec<V>| values.chunks(n_arrays).map(<[V]>::to_vec).collect();
    let initial = initial.into_iter().flatten().collect();
    let end = repeat(b, count, initial, |b, index, carried| {
        body(b, index, nest(carried)).into_iter().flatten().collect()
    });
    nest(end)
}

fn vector(value: &Value) -> V {
    match value {
        Value::V(v) => *v,
        Value::S(_) | Value::M(_) => panic!("partial results are vectors"),
    }
}

/// Which indices of a piece may lie beyond the array.
#[derive(Clone, Copy, Debug, Default)]
struct Bounds {
    rows: bool,
    lanes: bool,
}

/// Tile rows and columns that are worked on at a time.
#[derive(Clone, Copy, Debug)]
struct Piece {
    rows: usize,
    columns: usize,
    bounds: Bounds,
}

/// How much of an axis a window holds: whole units, then perhaps one that is cut.
struct Extent {
    whole: Count,
    cut: Count,
}

pub(super) struct Kernel<'a> {
    pub(super) plan: &'a Plan<'a>,
    pub(super) slots: ScratchId,
}

impl<'a> Kernel<'a> {
    pub(super) fn new(b: &mut Builder, plan: &'a Plan<'a>) -> Self {
        let slots = b.scratch("partial", MemorySpace::Vmem, plan.slots_granules());
        Self { plan, slots }
    }

    /// What changes nothing.
    pub(super) fn identity(&self, b: &mut Builder, step: &Step) -> Partial {
        match &self.plan.spec.computation {
            Computation::Op(op) => {
                let element = self.plan.outputs[0].element;
                vec![identity(b, (*op, element))]
            }
            Computation::Region(_) => self.initials(b, step),
        }
    }

    /// Puts the identity into all slots before the first step of a block.
    pub(super) fn clear(&self, b: &mut Builder, step: &Step) {
        let identity = self.identity(b, step);
        let count = b.smul_imm(step.is_first, int(self.plan.n_slots().div_ceil(CLEARED)));
        b.for_loop(count, &[], |b, index, _| {
            let first = b.smul_imm(index, int(CLEARED));
            for n in 0..CLEARED {
                let at = self.slot(b, first).plus(n * VREG_GRANULES);
                self.store_partial(b, at, &identity);
            }
            Vec::new()
        });
    }

    pub(super) fn slot(&self, b: &mut Builder, index: S) -> Address {
        let base = b.smul_imm(index, int(VREG_GRANULES));
        Address { base, ..b.start_of(self.slots) }
    }

    /// Granules from the slots of one array to those of the next.
    fn array_stride(&self) -> usize {
        self.plan.slots_stride() * VREG_GRANULES
    }

    /// The partial result in the slot at `at`.
    pub(super) fn load_partial(&self, b: &mut Builder, at: Address) -> Partial {
        let arrays = 0..self.plan.spec.values.len();
        arrays.map(|n| b.load(at.plus(n * self.array_stride()))).collect()
    }

    pub(super) fn store_partial(&self, b: &mut Builder, at: Address, value: &[V]) {
        for (n, value) in value.iter().enumerate() {
            b.store(at.plus(n * self.array_stride()), *value);
        }
    }

    /// Combines the windows of a step with what there is.
    pub(super) fn accumulate(&self, b: &mut Builder, step: &Step) {
        let mut site = WindowSite::new(b, self.plan, step);
        site.identity = self.identity(b, step);
        let tiling = &self.plan.tiling;
        if tiling.matrices == 1 {
            let first = self.first_slot(b, step, None);
            self.matrix(b, &site, first);
            return;
        }
        let last = self.plan.shape.majors.len() - 1;
        let left = b.s(int(self.plan.shape.majors[last]));
        let left = b.ssub(left, site.start(Axis::Major(last)));
        let matrices = b.s(int(tiling.matrices));
        let count = b.smin(left, matrices);
        b.for_loop(count, &[], |b, index, _| {
            let site = site.at_matrix(b, index);
            let first = self.first_slot(b, step, Some((last, index)));
            self.matrix(b, &site, first);
            Vec::new()
        });
    }

    /// The first slot that a matrix adds to; `matrix` is its place among those of the windows along
    /// the last major dimension.
    fn first_slot(&self, b: &mut Builder, step: &Step, matrix: Option<(usize, S)>) -> S {
        let mut first = b.s(0);
        if self.plan.shape.finish == Finish::Tiles {
            if let Some((d, index)) = matrix
                && !self.plan.spec.dimensions[d].is_reduced
            {
                let tiling = &self.plan.tiling;
                let slots = tiling.groups * tiling.packing * tiling.columns;
                first = b.smul_imm(index, int(slots));
            }
            return first;
        }
        for (major, stride) in
            [(self.plan.row_major, self.plan.part.per_row), (self.plan.lane_major, 1)]
        {
            let Some(d) = major else { continue };
            let place = match (matrix, self.plan.inner_dimension(Axis::Major(d))) {
                (Some((last, index)), _) if last == d => index,
                // Not the position: what is walked several times counts once.
                (_, Some(inner)) => step.indices[inner],
                (_, None) => continue,
            };
            let offset = b.smul_imm(place, int(stride));
            first = b.sadd(first, offset);
        }
        first
    }

    /// One matrix of the windows.
    fn matrix(&self, b: &mut Builder, site: &WindowSite<'_>, first: S) {
        match self.plan.shape.finish {
            Finish::Tiles => self.tiles(b, site, first),
            Finish::Sublanes => self.over_rows(b, site, first),
            Finish::Lanes => self.over_lanes(b, site, first),
            Finish::Elements => {
                let initial = vec![site.identity.clone()];
                let end = self.over_groups(b, site, initial, |b, site, rows, partial| {
                    self.over_columns(b, site, rows, partial)
                });
                self.merge(b, first, &end);
            }
        }
    }

    /// Nothing but major dimensions is reduced.
    fn tiles(&self, b: &mut Builder, site: &WindowSite<'_>, first: S) {
        let tiling = &self.plan.tiling;
        let rows = tiling.groups_unrolled * tiling.packing;
        let count = b.s(int(tiling.groups / tiling.groups_unrolled));
        b.for_loop(count, &[], |b, index, _| {
            let row = b.smul_imm(index, int(rows));
            let site = site.at(b, Some(row), None);
            let slot = b.smul_imm(row, int(tiling.columns));
            let slot = b.sadd(first, slot);
            let chunks = Count::Known(tiling.columns / tiling.unrolled);
            repeat(b, chunks, Vec::new(), |b, index, _| {
                let column = b.smul_imm(index, int(tiling.unrolled));
                let site = site.at(b, None, Some(column));
                let first = b.sadd(slot, column);
                let piece = Piece { rows, columns: tiling.unrolled, bounds: Bounds::default() };
                let values = self.values(b, (&site, Known::default()), piece);
                for (row, values) in values.chunks(tiling.unrolled).enumerate() {
                    let first = b.sadd_imm(first, int(row * tiling.columns));
                    self.merge(b, first, values);
                }
                Vec::new()
            });
            Vec::new()
        });
    }

    /// Rows are reduced, lanes are not: a slot per column.
    fn over_rows(&self, b: &mut Builder, site: &WindowSite<'_>, first: S) {
        let tiling = &self.plan.tiling;
        let chunks = Count::Known(tiling.columns / tiling.unrolled);
        repeat(b, chunks, Vec::new(), |b, index, _| {
            let column = b.smul_imm(index, int(tiling.unrolled));
            let site = site.at(b, None, Some(column));
            let initial = vec![site.identity.clone(); tiling.unrolled];
            let end = self.over_groups(b, &site, initial, |b, site, (rows, bounds), partial| {
                let piece = Piece { rows, columns: tiling.unrolled, bounds };
                let values = self.values(b, (site, Known::default()), piece);
                let column = |n: usize| values.iter().skip(n).step_by(tiling.unrolled);
                let columns = partial.into_iter().enumerate().map(|(n, before)| {
                    let values: Vec<Partial> = column(n).cloned().collect();
                    let value = self.plan.spec.tree(b, &values);
                    self.plan.spec.combine(b, &before, &value)
                });
                columns.collect()
            });
            let first = b.sadd(first, column);
            self.merge(b, first, &end);
            Vec::new()
        });
    }

    /// Lanes are reduced, rows are not: a slot per tile row.
    fn over_lanes(&self, b: &mut Builder, site: &WindowSite<'_>, first: S) {
        let tiling = &self.plan.tiling;
        let rows = tiling.groups_unrolled * tiling.packing;
        let count = b.s(int(tiling.groups / tiling.groups_unrolled));
        b.for_loop(count, &[], |b, index, _| {
            let row = b.smul_imm(index, int(rows));
            let site = site.at(b, Some(row), None);
            let piece = (rows, Bounds::default());
            let initial = vec![site.identity.clone(); rows];
            let end = self.over_columns(b, &site, piece, initial);
            let first = b.sadd(first, row);
            self.merge(b, first, &end);
            Vec::new()
        });
    }

    /// Combines slots from `first` on with `values`.
    fn merge(&self, b: &mut Builder, first: S, values: &[Partial]) {
        let start = self.slot(b, first);
        for (n, value) in values.iter().enumerate() {
            let at = start.plus(n * VREG_GRANULES);
            let before = self.load_partial(b, at);
            let after = self.plan.spec.combine(b, &before, value);
            self.store_partial(b, at, &after);
        }
    }

    /// The rows of a matrix, some groups at a time, then those that are cut.
    fn over_groups(
        &self,
        b: &mut Builder,
        site: &WindowSite<'_>,
        initial: Vec<Partial>,
        body: impl Fn(&mut Builder, &WindowSite<'_>, (usize, Bounds), Vec<Partial>) -> Vec<Partial>,
    ) -> Vec<Partial> {
        let Plan { tiling, shape, .. } = self.plan;
        let packing = tiling.packing;
        let (per_group, all) = match shape.elements {
            Some(elements) => (LANES * SUBLANES * packing, elements),
            None => (SUBLANES * packing, shape.rows.size),
        };
        let shift = b.s(int(packing.ilog2() as usize));
        let start = b.sshr(site.start(Axis::Row), shift);
        let is_one = self.plan.count(Axis::Row) == 1;
        let extent = extent(b, (all, per_group), tiling.groups, (is_one, start));
        let (chunks, rest) = split(b, extent.whole, tiling.groups_unrolled);
        let at_once = tiling.groups_unrolled * packing;
        let partial = repeat_partials(b, chunks, initial, |b, index, partial| {
            let row = b.smul_imm(index, int(at_once));
            let site = site.at(b, Some(row), None);
            body(b, &site, (at_once, Bounds::default()), partial)
        });
        let done = done(b, chunks, tiling.groups_unrolled);
        let partial = repeat_partials(b, rest, partial, |b, index, partial| {
            let group = b.sadd(done, index);
            let row = b.smul_imm(group, int(packing));
            let site = site.at(b, Some(row), None);
            body(b, &site, (packing, Bounds::default()), partial)
        });
        repeat_partials(b, extent.cut, partial, |b, _, partial| {
            let whole = b.s(int(all / per_group));
            let group = b.ssub(whole, start);
            let row = b.smul_imm(group, int(packing));
            let site = site.at(b, Some(row), None);
            body(b, &site, (packing, Bounds { rows: true, lanes: false }), partial)
        })
    }

    /// The columns of some tile rows, some at a time, then those that are cut. There is a partial
    /// result per row if these are kept.
    fn over_columns(
        &self,
        b: &mut Builder,
        site: &WindowSite<'_>,
        (rows, bounds): (usize, Bounds),
        initial: Vec<Partial>,
    ) -> Vec<Partial> {
        let Plan { tiling, shape, .. } = self.plan;
        let known = self.columns_once(b, site, rows);
        let start = site.start(Axis::Lane);
        let is_one = self.plan.count(Axis::Lane) == 1;
        let extent = extent(b, (shape.lanes.size, LANES), tiling.columns, (is_one, start));
        let (chunks, rest) = split(b, extent.whole, tiling.unrolled);
        let add = |b: &mut Builder, column: S, piece: Piece, partial: Vec<Partial>| {
            let site = site.at(b, None, Some(column));
            let values = self.values(b, (&site, known.clone()), piece);
            let per_partial = values.len() / partial.len();
            let added = partial.into_iter().zip(values.chunks(per_partial));
            let added = added.map(|(before, values)| {
                let value = self.plan.spec.tree(b, values);
                self.plan.spec.combine(b, &before, &value)
            });
            added.collect::<Vec<Partial>>()
        };
        let partial = repeat_partials(b, chunks, initial, |b, index, partial| {
            let column = b.smul_imm(index, int(tiling.unrolled));
            add(b, column, Piece { rows, columns: tiling.unrolled, bounds }, partial)
        });
        let done = done(b, chunks, tiling.unrolled);
        let partial = repeat_partials(b, rest, partial, |b, index, partial| {
            let column = b.sadd(done, index);
            add(b, column, Piece { rows, columns: 1, bounds }, partial)
        });
        repeat_partials(b, extent.cut, partial, |b, _, partial| {
            let whole = b.s(int(shape.lanes.size / LANES));
            let column = b.ssub(whole, start);
            let bounds = Bounds { lanes: true, ..bounds };
            add(b, column, Piece { rows, columns: 1, bounds }, partial)
        })
    }

    /// What is the same in every column of some tile rows.
    fn columns_once(&self, b: &mut Builder, site: &WindowSite<'_>, rows: usize) -> Known {
        let spec = self.plan.spec;
        let mut site = site.clone();
        let mut emitter = Emitter::new(&spec.expression, &site);
        for node in emitter.columns_under(&spec.values, &[]) {
            for row in 0..rows {
                emitter.emit(b, &mut site, node, Place { row, column: 0 });
            }
        }
        emitter.known()
    }

    /// The values of a piece, row by row, as words; some may be known.
    fn values(
        &self,
        b: &mut Builder,
        (site, known): (&WindowSite<'_>, Known),
        piece: Piece,
    ) -> Vec<Partial> {
        let spec = self.plan.spec;
        let mut site = site.clone();
        let mut emitter = Emitter::new(&spec.expression, &site);
        emitter.restore(known);
        let mut values = Vec::new();
        for row in 0..piece.rows {
            for column in 0..piece.columns {
                let place = Place { row, column };
                let mut value = Partial::new();
                for id in &spec.values {
                    let register = emitter.emit(b, &mut site, *id, place);
                    value.push(register.word(b));
                }
                values.push(self.within(b, &mut site, (place, piece.bounds), value));
            }
        }
        values
    }

    /// The value with the identity in place of what is beyond the array.
    fn within(
        &self,
        b: &mut Builder,
        site: &mut WindowSite<'_>,
        (place, bounds): (Place, Bounds),
        mut value: Partial,
    ) -> Partial {
        let shape = &self.plan.shape;
        let identity = site.identity.clone();
        let mut limit = |b: &mut Builder, index: V, size: usize| {
            let size = b.i32(int(size));
            let is_within = b.vcmp_lt_s32(index, size);
            for (value, identity) in value.iter_mut().zip(&identity) {
                *value = b.vsel(is_within, *value, *identity);
            }
        };
        if bounds.rows {
            let row = site.index(b, Axis::Row, place);
            match shape.elements {
                Some(elements) => {
                    let (shift, lane) = (b.i32(7), b.vlane());
                    let first = b.vshl(row, shift);
                    let index = b.vadd_s32(first, lane);
                    limit(b, index, elements);
                }
                None => limit(b, row, shape.rows.size),
            }
        }
        if bounds.lanes {
            let lane = site.index(b, Axis::Lane, place);
            limit(b, lane, shape.lanes.size);
        }
        value
    }
}

/// How much of `all`, in units of `unit`, is in a window of `size` units that starts at `start`.
fn extent(
    b: &mut Builder,
    (all, unit): (usize, usize),
    size: usize,
    (is_one, start): (bool, S),
) -> Extent {
    let (whole, has_cut) = (all / unit, !all.is_multiple_of(unit));
    if is_one {
        let cut = Count::Known(usize::from(has_cut));
        return Extent { whole: Count::Known(whole.min(size)), cut };
    }
    let whole = b.s(int(whole));
    let left = b.ssub(whole, start);
    let size = b.s(int(size));
    let is_cut = b.scmp_lt(left, size);
    let cut = if has_cut { Count::Dynamic(is_cut) } else { Count::Known(0) };
    Extent { whole: Count::Dynamic(b.smin(left, size)), cut }
}

/// How often `unit`, a power of two unless the count is known, goes into a count, and the rest.
fn split(b: &mut Builder, count: Count, unit: usize) -> (Count, Count) {
    match count {
        Count::Known(n) => (Count::Known(n / unit), Count::Known(n % unit)),
        Count::Dynamic(n) if unit == 1 => (Count::Dynamic(n), Count::Known(0)),
        Count::Dynamic(n) => {
            debug_assert!(unit.is_power_of_two(), "several windows are only of many units");
            let (shift, mask) = (b.s(int(unit.ilog2() as usize)), b.s(int(unit - 1)));
            (Count::Dynamic(b.sshr(n, shift)), Count::Dynamic(b.sand(n, mask)))
        }
    }
}

/// Units that `chunks` of `unit` are.
fn done(b: &mut Builder, chunks: Count, unit: usize) -> S {
    match chunks {
        Count::Known(n) => b.s(int(n * unit)),
        Count::Dynamic(n) => b.smul_imm(n, int(unit)),
    }
}
