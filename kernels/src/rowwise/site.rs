//! Where the operands of a row kernel come from at a place.

use super::{
    Access,
    plan::{Plan, columns_of},
};
use crate::{
    element::Element,
    expression::{Axis, Place, Register, Site},
    llo::{Address, Builder, S, V},
    packing,
    pipeline::Step,
};
use palmetto_isa::memory::{LANES, SUBLANES, VREG_GRANULES};
use std::collections::BTreeMap;

pub(super) fn int(value: usize) -> i32 {
    i32::try_from(value).expect("windows are far below 2^31")
}

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
    /// First column at hand: dynamic part and static part.
    column: (Option<S>, usize),
    /// Scalar inputs, loaded once per step.
    scalars: BTreeMap<usize, Register>,
    /// Packed registers loaded, by input, group and column.
    loaded: BTreeMap<(usize, usize, usize), V>,
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
            column: (None, 0),
            scalars: BTreeMap::new(),
            loaded: BTreeMap::new(),
        };
        for (n, input) in plan.spec.inputs.iter().enumerate() {
            if input.access == Access::Scalar {
                let word = b.load_row(step.inputs[n]);
                let zero = b.i32(0);
                b.xlu_gather(0, word, zero);
                let word = b.xlu_pop(0);
                site.scalars.insert(n, packing::word_part(b, word, input.element, 0));
            }
        }
        site
    }

    /// The site at iteration `index` of the row loop.
    pub(super) fn at_rows(&self, b: &mut Builder, index: S) -> Self {
        let mut site = self.clone();
        let rows = self.plan.rows_at_once();
        site.row = b.smul_imm(index, int(rows));
        for (n, window) in self.plan.inputs.iter().enumerate() {
            if matches!(self.plan.spec.inputs[n].access, Access::Tiles { .. }) {
                let tiles = window.block.tiles();
                let stride = rows / tiles.element.packing() * tiles.columns * VREG_GRANULES;
                site.inputs[n] = advance(b, site.inputs[n], index, stride);
            }
        }
        for (n, window) in self.plan.outputs.iter().enumerate() {
            let tiles = window.block.tiles();
            let stride = rows / tiles.element.packing() * tiles.columns * VREG_GRANULES;
            site.outputs[n] = advance(b, site.outputs[n], index, stride);
        }
        site
    }

    /// The site at the chunk of columns that starts at `columns_at_once * index + first`.
    pub(super) fn at_columns(&self, b: &mut Builder, index: Option<S>, first: usize) -> Self {
        let mut site = self.clone();
        let columns = self.plan.columns_at_once;
        let base = index.map(|index| b.smul_imm(index, int(columns)));
        site.column = (base, first);
        let Some(index) = index else {
            return site;
        };
        for n in 0..site.inputs.len() {
            let stride = match &self.plan.spec.inputs[n].access {
                Access::Tiles { .. } => columns * VREG_GRANULES,
                Access::Row { .. } => columns / self.plan.spec.inputs[n].element.packing(),
                Access::Column { .. } | Access::Scalar => continue,
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

    fn tile(&mut self, b: &mut Builder, input: usize, place: Place) -> Register {
        let tiles = self.plan.inputs[input].block.tiles();
        let packing = tiles.element.packing();
        let (group, part) = (place.row / packing, place.row % packing);
        // What is saved of a shorter operand is saved of as many columns as rows have.
        let column = (place.column + self.column.1).min(tiles.columns - 1);
        let at = self.inputs[input].plus(tiles.offset(group, column));
        let packed = *self.loaded.entry((input, group, column)).or_insert_with(|| b.load(at));
        packing::unpack(b, packed, tiles.element, part)
    }

    fn row(&mut self, b: &mut Builder, input: usize, place: Place) -> Register {
        let element = self.plan.spec.inputs[input].element;
        let column = place.column + self.column.1;
        let granule = column / element.packing();
        let at = self.inputs[input].plus(granule);
        let word = *self.loaded.entry((input, 0, granule)).or_insert_with(|| b.load_row(at));
        packing::word_part(b, word, element, column % element.packing())
    }

    /// The value in lane `r` of the array, in all lanes of row `r`.
    fn column_value(&self, b: &mut Builder, input: usize, has: &[bool], place: Place) -> Register {
        let element = self.plan.spec.inputs[input].element;
        let window_row = *self.step.positions.last().expect("a grid has a dimension");
        let window_row = b.smul_imm(window_row, int(self.plan.block * self.plan.packing));
        let tile_row = b.sadd(window_row, self.row);
        let tile_row = b.sadd_imm(tile_row, int(place.row));
        let (granule, part) = self.line_of(b, (element, has), tile_row);
        let base = b.sadd(self.inputs[input].base, granule);
        let word = b.load_row(Address { base, ..self.inputs[input] });
        let per_line = b.s(int(LANES / SUBLANES - 1));
        let within = b.sand(tile_row, per_line);
        let first_lane = b.smul_imm(within, int(SUBLANES));
        let first_lane = b.vsplat(first_lane);
        let sublane = b.vsublane();
        let lane = b.vadd_s32(first_lane, sublane);
        b.xlu_gather(0, word, lane);
        let word = b.xlu_pop(0);
        if element.packing() == 1 {
            return Register::Vector(word);
        }
        let last = b.s(int(element.packing() - 1));
        let above = b.ssub(last, part);
        let amount = b.smul_imm(above, int(32 / element.packing()));
        let amount = b.vsplat(amount);
        let high = b.vshl(word, amount);
        packing::extend(b, high, element)
    }

    /// The granule, in the window of an array of one value per row, with the 128 rows around tile
    /// row `tile_row`, and which part of its words.
    fn line_of(&self, b: &mut Builder, (element, has): (Element, &[bool]), tile_row: S) -> (S, S) {
        let packing = element.packing();
        let (shift, mask) = (b.s(int(packing.ilog2() as usize)), b.s(int(packing - 1)));
        let per_line = b.s(int((LANES / SUBLANES).ilog2() as usize));
        let line = b.sshr(tile_row, per_line);
        let sizes = self.plan.column_majors(has);
        let Some((last_size, _)) = sizes.split_last() else {
            return (b.sshr(line, shift), b.sand(line, mask));
        };
        let positions: Vec<S> =
            (0..has.len()).filter(|d| has[*d]).map(|d| self.step.positions[d]).collect();
        let (last, others) = positions.split_last().expect("there is a major dimension");
        let mut outer = b.s(0);
        for (position, size) in others.iter().zip(&sizes) {
            outer = b.smul_imm(outer, int(*size));
            outer = b.sadd(outer, *position);
        }
        // The last major dimension lies along the sublanes of tiles.
        let (three, seven) = (b.s(3), b.s(7));
        let (above, sublane) = (b.sshr(*last, three), b.sand(*last, seven));
        let outer = b.smul_imm(outer, int(last_size.div_ceil(SUBLANES)));
        let tile = b.sadd(outer, above);
        let (group, tile_part) = (b.sshr(tile, shift), b.sand(tile, mask));
        let column_count = columns_of(self.plan.spec.rows);
        let group = b.smul_imm(group, int(column_count));
        let register = b.sadd(group, line);
        let register = b.smul_imm(register, int(VREG_GRANULES));
        let within = b.smul_imm(tile_part, int(element.tile_granules()));
        let word = b.sshr(sublane, shift);
        let granule = b.sadd(register, within);
        (b.sadd(granule, word), b.sand(sublane, mask))
    }
}

fn advance(b: &mut Builder, at: Address, index: S, stride: usize) -> Address {
    let offset = b.smul_imm(index, int(stride));
    Address { base: b.sadd(at.base, offset), ..at }
}

impl Site for RowSite<'_> {
    fn input(&mut self, b: &mut Builder, input: usize, place: Place) -> Register {
        match &self.plan.spec.inputs[input].access {
            Access::Tiles { .. } => self.tile(b, input, place),
            Access::Row { .. } => self.row(b, input, place),
            Access::Column { majors } => self.column_value(b, input, majors, place),
            Access::Scalar => self.scalars[&input],
        }
    }

    fn index(&mut self, b: &mut Builder, axis: Axis, place: Place) -> V {
        match axis {
            Axis::Major(d) => b.vsplat(self.step.positions[d]),
            Axis::Row => {
                let window_row = *self.step.positions.last().expect("a grid has a dimension");
                let window_row = b.smul_imm(window_row, int(self.plan.block * self.plan.packing));
                let row = b.sadd(window_row, self.row);
                let row = b.sadd_imm(row, int(place.row));
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
        matches!(self.plan.spec.inputs[input].access, Access::Column { .. } | Access::Scalar)
    }
}
