//! Where the operands of a row kernel come from at a place.

use super::{Access, plan::Plan};
use crate::{
    expression::{Axis, Place, Register, Site},
    llo::{Address, Builder, S, V},
    operand::{Whole, advance, below, int},
    packing,
    pipeline::Step,
};
use palmetto_isa::memory::{LANES, SUBLANES, VREG_GRANULES};
use std::collections::BTreeMap;

/// The rows that the row loop works on, and the columns of them that are at hand.
#[derive(Clone)]
pub(super) struct RowSite<'a> {
    plan: &'a Plan<'a>,
    step: &'a Step,
    /// Per input, its window at the first row (and column) at hand.
    inputs: Vec<Address>,
    /// Per output, likewise.
    pub(super) outputs: Vec<Address>,
    /// First row of the window that is at hand, in rows of 8 sublanes, dynamic.
    row: S,
    /// First column of the window, if it has a part of each row.
    window_column: Option<S>,
    /// First column at hand: dynamic part and static part.
    column: (Option<S>, usize),
    /// The dynamic part counted from the first column of the window.
    in_window: Option<S>,
    /// Which part of the rows the windows of results have, where lanes move, else 0.
    part: usize,
    /// Whether columns at hand may be beyond the end of the rows.
    pub(super) is_end: bool,
    /// Scalar inputs, loaded once per step.
    scalars: BTreeMap<usize, Register>,
    /// Packed registers loaded, by input, group and column.
    loaded: BTreeMap<(usize, usize, usize), V>,
    /// Rows of matrices, by input and column.
    rows: BTreeMap<(usize, usize), Register>,
}

impl<'a> RowSite<'a> {
    /// The site of a step, with its scalars loaded.
    pub(super) fn new(b: &mut Builder, plan: &'a Plan<'a>, step: &'a Step) -> Self {
        let mut site = Self {
            plan,
            step,
            inputs: step.inputs.clone(),
            outputs: step.outputs.clone(),
            row: b.s(0),
            window_column: None,
            column: (None, 0),
            in_window: None,
            part: 0,
            is_end: false,
            scalars: BTreeMap::new(),
            loaded: BTreeMap::new(),
            rows: BTreeMap::new(),
        };
        for (n, input) in plan.spec.inputs.iter().enumerate() {
            if matches!(input.access, Access::Scalar { .. }) {
                let value = site.whole(n).scalar(b, step.inputs[n], &step.positions);
                site.scalars.insert(n, value);
            }
        }
        if plan.cuts_operands() {
            site.begin_at_columns(b);
        }
        site
    }

    /// Begins at the columns of the step's windows in what is there as a whole.
    fn begin_at_columns(&mut self, b: &mut Builder) {
        let step = self.column_step();
        self.window_column = Some(b.smul_imm(step, int(self.plan.block_columns)));
        for (n, input) in self.plan.spec.inputs.iter().enumerate() {
            if is_only_row(&input.access) {
                let stride = self.plan.block_columns / input.element.packing();
                self.inputs[n] = advance(b, self.inputs[n], step, stride);
            }
        }
    }

    /// The number of the step's windows in their rows.
    fn column_step(&self) -> S {
        *self.step.positions.last().expect("the last dimension of the grid is of columns")
    }

    /// Of `all` chunks of columns of a row, those of the step's windows, where rows are cut.
    pub(super) fn chunks(&self, b: &mut Builder, all: usize) -> S {
        let of_window = self.plan.block_columns / self.plan.columns_at_once;
        let step = self.column_step();
        let before = b.smul_imm(step, int(of_window));
        let (all, of_window) = (b.s(int(all)), b.s(int(of_window)));
        let left = b.ssub(all, before);
        b.smin(left, of_window)
    }

    /// 1 if the step's windows of results are part `part` of the rows, else 0.
    pub(super) fn is_part(&self, b: &mut Builder, part: usize) -> S {
        let (step, part) = (self.column_step(), b.s(int(part)));
        b.scmp_eq(step, part)
    }

    /// The site in windows of part `part` of results.
    pub(super) fn at_part(&self, b: &mut Builder, part: usize) -> Self {
        Self { part, ..self.at_columns(b, None, 0) }
    }

    /// The site at iteration `index` of the row loop.
    pub(super) fn at_rows(&self, b: &mut Builder, index: S) -> Self {
        let mut site = self.clone();
        let rows = self.plan.rows_at_once();
        site.row = b.smul_imm(index, int(rows));
        for (n, window) in self.plan.inputs.iter().enumerate() {
            if matches!(self.plan.spec.inputs[n].access, Access::Tiles { .. }) {
                let stride = rows / window.block.packing() * window.block.tiles().offset(1, 0);
                site.inputs[n] = advance(b, site.inputs[n], index, stride);
            }
        }
        for (n, window) in self.plan.outputs.iter().enumerate() {
            let stride = rows / window.block.packing() * window.block.tiles().offset(1, 0);
            site.outputs[n] = advance(b, site.outputs[n], index, stride);
        }
        site
    }

    /// The site at the chunk of columns that starts at `columns_at_once * index + first`.
    pub(super) fn at_columns(&self, b: &mut Builder, index: Option<S>, first: usize) -> Self {
        let mut site = self.clone();
        let columns = self.plan.columns_at_once;
        let base = index.map(|index| b.smul_imm(index, int(columns)));
        site.in_window = base;
        let base = match (self.window_column, base) {
            (Some(window), Some(base)) => Some(b.sadd(window, base)),
            (window, base) => base.or(window),
        };
        site.column = (base, first);
        let Some(index) = index else {
            return site;
        };
        for n in 0..site.inputs.len() {
            let stride = match &self.plan.spec.inputs[n].access {
                Access::Tiles { .. } => columns * VREG_GRANULES,
                access if is_only_row(access) => {
                    columns / self.plan.spec.inputs[n].element.packing()
                }
                Access::Row { .. } | Access::Column { .. } | Access::Scalar { .. } => continue,
            };
            site.inputs[n] = advance(b, site.inputs[n], index, stride);
        }
        for n in 0..site.outputs.len() {
            site.outputs[n] = advance(b, site.outputs[n], index, columns * VREG_GRANULES);
        }
        site
    }

    /// First column at hand that is known, and the dynamic rest.
    pub(super) fn column(&self) -> (Option<S>, usize) {
        self.column
    }

    /// Column `column` of those at hand, counted from the first one of the window of results: the
    /// dynamic part and what is known.
    pub(super) fn column_in_window(&self, column: usize) -> (Option<S>, usize) {
        let first = if self.plan.moves_lanes { self.part * self.plan.block_columns } else { 0 };
        (self.in_window, self.column.1 + column - first)
    }

    fn tile(&mut self, b: &mut Builder, input: usize, place: Place) -> Register {
        let block = &self.plan.inputs[input].block;
        let (tiles, packing) = (block.tiles(), block.packing());
        let (group, part) = (place.row / packing, place.row % packing);
        // What is saved of a shorter operand is saved of as many columns as rows have.
        let column = (place.column + self.column.1).min(tiles.array_columns - 1);
        let column = column.saturating_sub(self.first_operand(input)).min(tiles.columns - 1);
        let at = self.inputs[input].plus(tiles.offset(group, column));
        let packed = *self.loaded.entry((input, group, column)).or_insert_with(|| b.load(at));
        packing::unpack(b, packed, tiles.element, part)
    }

    /// First column of an operand's window, where it is known.
    fn first_operand(&self, input: usize) -> usize {
        let footprint = self.plan.footprints.get(input).and_then(Option::as_ref);
        footprint.map_or(0, |footprint| footprint.starts[self.part])
    }

    fn row(&mut self, b: &mut Builder, input: usize, place: Place) -> Register {
        let element = self.plan.spec.inputs[input].element;
        let column = place.column + self.column.1;
        let granule = column / element.packing();
        let at = self.inputs[input].plus(granule);
        let word = *self.loaded.entry((input, 0, granule)).or_insert_with(|| b.load_row(at));
        packing::word_part(b, word, element, column % element.packing())
    }

    fn whole(&self, input: usize) -> Whole<'a> {
        let spec = self.plan.spec;
        Whole { space: spec.space(), input: &spec.inputs[input] }
    }

    /// A row for each of some major dimensions.
    fn row_of_matrix(&mut self, b: &mut Builder, input: usize, place: Place) -> Register {
        let column = place.column + self.column.1;
        if let Some(value) = self.rows.get(&(input, column)) {
            return *value;
        }
        let line = match self.column.0 {
            None => b.s(int(column)),
            Some(base) => b.sadd_imm(base, int(column)),
        };
        let line = match self.window_column {
            None => line,
            // The last columns of a window may be beyond the end of the row.
            Some(_) => below(b, line, (self.plan.columns, self.plan.columns_at_once)),
        };
        let value = self.whole(input).row(b, self.inputs[input], &self.step.positions, line);
        self.rows.insert((input, column), value);
        value
    }

    /// The tile row at `place`, counted in the matrix.
    fn tile_row(&self, b: &mut Builder, place: Place) -> S {
        let of_columns = usize::from(self.plan.cuts_rows());
        let window_row = self.step.positions[self.step.positions.len() - 1 - of_columns];
        let window_row = b.smul_imm(window_row, int(self.plan.block * self.plan.packing));
        let row = b.sadd(window_row, self.row);
        b.sadd_imm(row, int(place.row))
    }
}

/// Whether there is one row for all matrices.
fn is_only_row(access: &Access) -> bool {
    matches!(access, Access::Row { majors, .. } if !majors.contains(&true))
}

impl Site for RowSite<'_> {
    fn input(&mut self, b: &mut Builder, input: usize, place: Place) -> Register {
        match &self.plan.spec.inputs[input].access {
            Access::Tiles { .. } => self.tile(b, input, place),
            Access::Row { majors, .. } if majors.contains(&true) => {
                self.row_of_matrix(b, input, place)
            }
            Access::Row { .. } => self.row(b, input, place),
            Access::Column { .. } => {
                let tile_row = self.tile_row(b, place);
                let window = self.plan.block * self.plan.packing;
                let all = self.plan.spec.rows.div_ceil(SUBLANES);
                let tile_row = below(b, tile_row, (all, window));
                let at = self.inputs[input];
                self.whole(input).column(b, at, &self.step.positions, tile_row)
            }
            Access::Scalar { .. } => self.scalars[&input],
        }
    }

    fn index(&mut self, b: &mut Builder, axis: Axis, place: Place) -> V {
        match axis {
            Axis::Major(d) => b.vsplat(self.step.positions[d]),
            Axis::Row => {
                let row = self.tile_row(b, place);
                let first = b.smul_imm(row, int(SUBLANES));
                let first = b.vsplat(first);
                let sublane = b.vsublane();
                b.vadd_s32(first, sublane)
            }
            Axis::Lane => {
                let lane = b.vlane();
                let known = b.i32(int((place.column + self.column.1) * LANES));
                let lane = b.vadd_s32(lane, known);
                let Some(base) = self.column.0 else {
                    return lane;
                };
                let base = b.smul_imm(base, int(LANES));
                let base = b.vsplat(base);
                b.vadd_s32(lane, base)
            }
        }
    }

    fn is_column(&self, input: usize) -> bool {
        self.plan.spec.inputs[input].access.is_column()
    }
}
