//! Emits a planned row kernel: rows, in them stages, in them columns.

use super::{
    plan::{MOVED, Plan, Stage},
    site::RowSite,
};
use crate::{
    element::Element,
    exchange::{Exchange, Link, is_first_core},
    expression::{Axis, Emitter, NodeId, NodeOp, Place, Reducer, Register, Site, narrow},
    llo::{Address, Builder, S, ScratchId, V, Value},
    operand::int,
    packing,
    pipeline::{Step, pipeline},
    reducer::{across_lanes, combine, identity},
};
use palmetto_isa::{
    ChipSpec, MemorySpace,
    memory::{LANES, VREG_GRANULES},
};
use std::ops::Range;

pub(super) fn emit(b: &mut Builder, plan: &Plan<'_>, chip: &ChipSpec) {
    let saved = b.scratch("saved", MemorySpace::Vmem, plan.saved_granules());
    let windows = (plan.inputs.as_slice(), plan.outputs.as_slice());
    let flag = int(2 * (plan.inputs.len() + plan.outputs.len()));
    for output in &plan.outputs {
        plan.padding(output).clear(b, chip.n_cores, flag);
    }
    let exchanges = exchanges(b, plan, flag + 1);
    pipeline(b, (&plan.grid, chip.n_cores), windows, |b, step| {
        let kernel = Kernel { plan, saved, exchanges };
        kernel.window(b, step);
    });
}

/// Per stage, what the cores exchange after it.
fn exchanges(b: &mut Builder, plan: &Plan<'_>, mut flag: i32) -> Vec<Option<Exchange>> {
    let mut exchange = |stage: &Stage| {
        let n_registers = plan.exchanged(stage);
        (n_registers > 0).then(|| {
            let exchange = Exchange::new(b, n_registers, flag);
            flag += int(Link::N_FLAGS);
            exchange
        })
    };
    plan.stages.iter().map(&mut exchange).collect()
}

struct Kernel<'a> {
    plan: &'a Plan<'a>,
    saved: ScratchId,
    exchanges: Vec<Option<Exchange>>,
}

impl Kernel<'_> {
    fn window(&self, b: &mut Builder, step: &Step) {
        let site = RowSite::new(b, self.plan, step);
        let iterations = b.s(int(self.plan.block / self.plan.groups));
        b.for_loop(iterations, &[], |b, index, _| {
            let site = site.at_rows(b, index);
            self.rows(b, &site);
            Vec::new()
        });
    }

    /// All stages on the rows at hand.
    fn rows(&self, b: &mut Builder, site: &RowSite<'_>) {
        let mut emitter = Emitter::new(&self.plan.spec.expression, site);
        for (n, stage) in self.plan.stages.iter().enumerate() {
            let mut at_rows = site.clone();
            self.emit_columns_once(b, &mut emitter, &mut at_rows, stage);
            let known = emitter.known();
            let mut accumulators = self.stage(b, (&mut emitter, &at_rows), stage);
            emitter.restore(known);
            self.exchange(b, n, &mut accumulators);
            self.finish_reductions(b, &mut emitter, stage, &accumulators);
        }
    }

    /// Emits what a stage needs that is the same in every column, outside of its loop.
    fn emit_columns_once(
        &self,
        b: &mut Builder,
        emitter: &mut Emitter<'_>,
        site: &mut RowSite<'_>,
        stage: &Stage,
    ) {
        for node in emitter.columns_under(&self.roots(stage), &stage.loads) {
            for row in 0..self.plan.rows_at_once() {
                emitter.emit(b, site, node, Place { row, column: 0 });
            }
        }
        for divisor in emitter.column_divisors(&self.roots(stage), &stage.loads) {
            for row in 0..self.plan.rows_at_once() {
                emitter.prepare_divisor(b, site, divisor, Place { row, column: 0 });
            }
        }
    }

    fn roots(&self, stage: &Stage) -> Vec<NodeId> {
        let spec = self.plan.spec;
        let outputs = stage.outputs.iter().map(|n| spec.outputs[*n]);
        let operands = stage.reductions.iter().flat_map(|id| spec.expression.operands(*id));
        outputs.chain(operands).chain(stage.saves.iter().copied()).collect()
    }

    /// The column loop of a stage; its accumulators, by reduction and row.
    fn stage(
        &self,
        b: &mut Builder,
        (emitter, site): (&mut Emitter<'_>, &RowSite<'_>),
        stage: &Stage,
    ) -> Vec<V> {
        let plan = self.plan;
        if plan.cuts_operands() {
            return self.cut_columns(b, (emitter, site), stage);
        }
        if plan.cuts_rows() {
            return self.parts(b, (emitter, site), stage);
        }
        let is_partial = !plan.spec.lanes.is_multiple_of(LANES) && !stage.reductions.is_empty();
        let whole = plan.columns - usize::from(is_partial);
        let chunks = whole / plan.columns_at_once;
        let mut accumulators = self.identities(b, stage);
        if chunks > 1 {
            let count = b.s(int(chunks));
            accumulators =
                self.chunks(b, (&mut *emitter, site), stage, (None, count), accumulators);
        }
        let first = if chunks > 1 { chunks * plan.columns_at_once } else { 0 };
        if first < plan.columns {
            let mut chunk = site.at_columns(b, None, first);
            let columns = 0..plan.columns - first;
            accumulators = self.columns(b, (emitter, &mut chunk), stage, columns, accumulators);
        }
        accumulators
    }

    /// The column loop of windows that have a part of each row.
    fn cut_columns(
        &self,
        b: &mut Builder,
        (emitter, site): (&mut Emitter<'_>, &RowSite<'_>),
        stage: &Stage,
    ) -> Vec<V> {
        let plan = self.plan;
        let at_once = plan.columns_at_once;
        let all = site.chunks(b, plan.columns.div_ceil(at_once));
        let initial = self.identities(b, stage);
        if stage.reductions.is_empty() || plan.spec.lanes.is_multiple_of(at_once * LANES) {
            return self.chunks(b, (emitter, site), stage, (None, all), initial);
        }
        // What is beyond the end must not be reduced.
        let whole = site.chunks(b, plan.spec.lanes / (at_once * LANES));
        let zero = b.s(0);
        let whole = b.smax(zero, whole);
        let accumulators = self.chunks(b, (&mut *emitter, site), stage, (None, whole), initial);
        let mut end = site.clone();
        end.is_end = true;
        let rest = b.ssub(all, whole);
        self.chunks(b, (emitter, &end), stage, (Some(whole), rest), accumulators)
    }

    /// The columns of windows that have a part of each row, where lanes move: from where to where
    /// is another thing in each part.
    fn parts(
        &self,
        b: &mut Builder,
        (emitter, site): (&mut Emitter<'_>, &RowSite<'_>),
        stage: &Stage,
    ) -> Vec<V> {
        let plan = self.plan;
        let mut accumulators: Vec<Value> =
            self.identities(b, stage).into_iter().map(Value::V).collect();
        let known = emitter.known();
        for part in 0..plan.column_steps() {
            let first = part * plan.block_columns;
            let columns = first..plan.columns.min(first + plan.block_columns);
            let is_at_hand = site.is_part(b, part);
            // A loop of one iteration or none.
            accumulators = b.for_loop(is_at_hand, &accumulators, |b, _, carried| {
                let mut site = site.at_part(b, part);
                let accumulators = carried.iter().map(vector).collect();
                let end = self.columns(b, (&mut *emitter, &mut site), stage, columns, accumulators);
                end.into_iter().map(Value::V).collect()
            });
            emitter.restore(known.clone());
        }
        accumulators.iter().map(vector).collect()
    }

    /// A loop over chunks of columns of a window: the first, if it is not chunk 0, and how many.
    fn chunks(
        &self,
        b: &mut Builder,
        (emitter, site): (&mut Emitter<'_>, &RowSite<'_>),
        stage: &Stage,
        (first, count): (Option<S>, S),
        accumulators: Vec<V>,
    ) -> Vec<V> {
        let known = emitter.known();
        let initial: Vec<Value> = accumulators.into_iter().map(Value::V).collect();
        let end = b.for_loop(count, &initial, |b, index, carried| {
            let index = first.map_or(index, |first| b.sadd(first, index));
            let mut chunk = site.at_columns(b, Some(index), 0);
            let accumulators = carried.iter().map(vector).collect();
            let columns = 0..self.plan.columns_at_once;
            let next = self.columns(b, (emitter, &mut chunk), stage, columns, accumulators);
            next.into_iter().map(Value::V).collect()
        });
        emitter.restore(known);
        end.iter().map(vector).collect()
    }

    fn identities(&self, b: &mut Builder, stage: &Stage) -> Vec<V> {
        let mut identities = Vec::new();
        for id in &stage.reductions {
            let identity = identity(b, self.reducer(*id));
            identities.extend((0..self.plan.rows_at_once()).map(|_| identity));
        }
        identities
    }

    fn reducer(&self, id: NodeId) -> (Reducer, Element) {
        let node = self.plan.spec.expression.node(id);
        let NodeOp::RowReduce(reducer, _) = &node.op else {
            panic!("{:?} is not a row reduction", node.op);
        };
        (*reducer, node.element)
    }

    /// One chunk of columns; the accumulators after it.
    fn columns(
        &self,
        b: &mut Builder,
        (emitter, site): (&mut Emitter<'_>, &mut RowSite<'_>),
        stage: &Stage,
        columns: Range<usize>,
        mut accumulators: Vec<V>,
    ) -> Vec<V> {
        let batch = (MOVED / self.plan.rows_at_once()).max(1);
        let mut columns = columns;
        while !columns.is_empty() {
            let end = columns.end.min(columns.start + batch);
            let some = columns.start..end;
            columns.start = end;
            self.load_saved(b, (&mut *emitter, site), stage, some.clone());
            let rows = 0..self.plan.rows_at_once();
            emitter.move_ahead(b, site, &self.roots(stage), (rows, some.clone()));
            for column in some {
                self.column(b, (&mut *emitter, site), stage, column, &mut accumulators);
            }
        }
        accumulators
    }

    /// Loads what earlier stages saved of some columns.
    fn load_saved(
        &self,
        b: &mut Builder,
        (emitter, site): (&mut Emitter<'_>, &RowSite<'_>),
        stage: &Stage,
        columns: Range<usize>,
    ) {
        for column in columns {
            for row in 0..self.plan.rows_at_once() {
                let place = Place { row, column };
                for id in &stage.loads {
                    let at = self.saved_at(b, site, *id, place);
                    let value = b.load(at);
                    emitter.set(*id, place, Register::Vector(value));
                }
            }
        }
    }

    fn column(
        &self,
        b: &mut Builder,
        (emitter, site): (&mut Emitter<'_>, &mut RowSite<'_>),
        stage: &Stage,
        column: usize,
        accumulators: &mut [V],
    ) {
        let rows = self.plan.rows_at_once();
        for row in 0..rows {
            let place = Place { row, column };
            for id in &stage.saves {
                let value = emitter.emit(b, site, *id, place).vector();
                let at = self.saved_at(b, site, *id, place);
                b.store(at, value);
            }
            for (n, id) in stage.reductions.iter().enumerate() {
                let accumulator = &mut accumulators[n * rows + row];
                *accumulator = self.accumulate(b, (emitter, site), (*id, place), *accumulator);
            }
        }
        for n in &stage.outputs {
            self.store_output(b, (emitter, site), *n, column);
        }
    }

    fn accumulate(
        &self,
        b: &mut Builder,
        (emitter, site): (&mut Emitter<'_>, &mut RowSite<'_>),
        (id, place): (NodeId, Place),
        accumulator: V,
    ) -> V {
        let operand = self.plan.spec.expression.operands(id)[0];
        let mut value = emitter.emit(b, site, operand, place).vector();
        let first_lane = (site.column().1 + place.column) * LANES;
        let is_known = site.column().0.is_none();
        if is_known && first_lane + LANES > self.plan.spec.lanes {
            let mask = b.lanes_below(self.plan.spec.lanes - first_lane);
            let identity = identity(b, self.reducer(id));
            value = b.vsel(mask, value, identity);
        }
        if site.is_end {
            let lane = site.index(b, Axis::Lane, place);
            let end = b.i32(int(self.plan.spec.lanes));
            let mask = b.vcmp_lt_s32(lane, end);
            let identity = identity(b, self.reducer(id));
            value = b.vsel(mask, value, identity);
        }
        combine(b, self.reducer(id), accumulator, value)
    }

    fn store_output(
        &self,
        b: &mut Builder,
        (emitter, site): (&mut Emitter<'_>, &mut RowSite<'_>),
        n: usize,
        column: usize,
    ) {
        let node = self.plan.spec.outputs[n];
        let block = &self.plan.outputs[n].block;
        let (tiles, packing) = (block.tiles(), block.packing());
        for group in 0..self.plan.rows_at_once() / packing {
            let parts: Vec<Register> = (0..packing)
                .map(|part| {
                    let place = Place { row: group * packing + part, column };
                    emitter.emit(b, site, node, place)
                })
                .collect();
            let packed = packing::pack(b, tiles.element, &parts);
            let at = site.outputs[n].plus(tiles.offset(group, site.column_in_window(column).1));
            b.store(at, packed);
        }
    }

    fn saved_at(&self, b: &mut Builder, site: &RowSite<'_>, id: NodeId, place: Place) -> Address {
        let plan = self.plan;
        let index = plan.saved.iter().position(|other| *other == id).expect("the node is saved");
        let row = index * plan.rows_at_once() + place.row;
        let (dynamic, known) = site.column_in_window(place.column);
        let offset = (row * plan.block_columns + known) * VREG_GRANULES;
        let start = b.start_of(self.saved).plus(offset);
        match dynamic {
            None => start,
            Some(column) => {
                let column = b.smul_imm(column, int(VREG_GRANULES));
                Address { base: b.sadd(start.base, column), ..start }
            }
        }
    }

    /// Combines the accumulators of stage `n` with those of the other core, if each has a part of
    /// the rows. Both do so in the order of the cores, and get the same bits.
    fn exchange(&self, b: &mut Builder, n: usize, accumulators: &mut [V]) {
        let Some(exchange) = &self.exchanges[n] else { return };
        let theirs = exchange.swap(b, accumulators);
        let is_first = is_first_core(b);
        let rows = self.plan.rows_at_once();
        for (index, (mine, theirs)) in accumulators.iter_mut().zip(theirs).enumerate() {
            let reducer = self.reducer(self.plan.stages[n].reductions[index / rows]);
            let first = b.vsel(is_first, *mine, theirs);
            let second = b.vsel(is_first, theirs, *mine);
            *mine = combine(b, reducer, first, second);
        }
    }

    /// Combines the lanes of the accumulators, and makes the results known.
    fn finish_reductions(
        &self,
        b: &mut Builder,
        emitter: &mut Emitter<'_>,
        stage: &Stage,
        accumulators: &[V],
    ) {
        let rows = self.plan.rows_at_once();
        for (n, id) in stage.reductions.iter().enumerate() {
            let reducer = self.reducer(*id);
            let values = across_lanes(b, reducer, &accumulators[n * rows..(n + 1) * rows]);
            for (row, value) in values.into_iter().enumerate() {
                let value = narrow(b, value, reducer.1);
                emitter.set(*id, Place { row, column: 0 }, Register::Vector(value));
            }
        }
    }
}

fn vector(value: &Value) -> V {
    match value {
        Value::V(v) => *v,
        Value::S(_) | Value::M(_) => panic!("accumulators are vectors"),
    }
}
