//! Short rows: the columns of a tile row, whose rows are turned each by as many lanes as it starts
//! at.

use super::{
    TOGETHER, Way,
    emit::{Kernel, Row},
};
use crate::{
    llo::{Address, Builder, M, S, V},
    operand::{advance, int},
    pipeline::Step,
};
use palmetto_isa::memory::{LANES, SUBLANES, VREG_GRANULES};

/// A tile row, and where its rows are in the line.
struct TileRow {
    /// The tile row in its window.
    window: Address,
    rows: Vec<Row>,
    /// Per sublane, the lane that its row starts at.
    start: V,
    /// For `xlu_gather`, what turns the rows so that they start at this lane, or at lane 0.
    turn: V,
}

impl Kernel<'_> {
    /// All tile rows of a window; `distance` is what the first is behind the start of the line's.
    pub(super) fn tile_rows(&self, b: &mut Builder, step: &Step, distance: S) {
        let plan = self.plan;
        let most = (TOGETHER / plan.row_granules()).max(1);
        let at_once = (1..=most).rev().find(|n| plan.tile_rows.is_multiple_of(*n)).unwrap_or(1);
        let trips = b.s(int(plan.tile_rows / at_once));
        let sublane = b.vsublane();
        let is_sublane: Vec<M> = (0..SUBLANES)
            .map(|row| {
                let row = b.i32(int(row));
                b.vcmp_eq_s32(sublane, row)
            })
            .collect();
        b.for_loop(trips, &[], |b, index, _| {
            let first = b.smul_imm(index, int(at_once));
            for n in 0..at_once {
                let index = b.sadd_imm(first, int(n));
                match plan.spec.way {
                    Way::ToLine => {
                        let rows = self.tile_row(b, step.inputs[0], (index, distance));
                        self.join_tile_row(b, &rows, &is_sublane);
                    }
                    Way::FromLine => {
                        let rows = self.tile_row(b, step.outputs[0], (index, distance));
                        self.cut_tile_row(b, &rows, &is_sublane);
                    }
                }
            }
            Vec::new()
        });
    }

    fn tile_row(&self, b: &mut Builder, window: Address, (index, distance): (S, S)) -> TileRow {
        let plan = self.plan;
        let lanes = int(plan.spec.lanes);
        let window = advance(b, window, index, plan.columns * VREG_GRANULES);
        let before = b.smul_imm(index, int(SUBLANES) * lanes);
        let first = b.sadd(before, distance);
        let rows = (0..SUBLANES).map(|row| {
            let position = b.sadd_imm(first, int(row) * lanes);
            self.row(b, position)
        });
        let rows = rows.collect();
        let (sublane, lane) = (b.vsublane(), b.vlane());
        let (per_row, mask) = (b.i32(lanes), b.i32(int(LANES - 1)));
        let before = b.vmul_s32(sublane, per_row);
        let first = b.vsplat(first);
        let position = b.vadd_s32(first, before);
        let start = b.vand(position, mask);
        let turn = match plan.spec.way {
            Way::ToLine => b.vsub_s32(lane, start),
            Way::FromLine => b.vadd_s32(lane, start),
        };
        TileRow { window, rows, start, turn }
    }

    /// Stores a tile row into the line, row by row.
    fn join_tile_row(&self, b: &mut Builder, tile_row: &TileRow, is_sublane: &[M]) {
        let columns = self.plan.columns;
        let lane = b.vlane();
        let is_before = b.vcmp_lt_s32(lane, tile_row.start);
        let position = b.vsub_s32(lane, tile_row.start);
        let end = b.i32(int(self.plan.spec.lanes));
        let mut before = b.i32(0);
        for column in 0..=columns {
            let source = column.min(columns - 1);
            let value = b.load(tile_row.window.plus(source * VREG_GRANULES));
            let value = turned(b, value, (tile_row.turn, column));
            let merged = b.vsel(is_before, before, value);
            before = value;
            // Below zero, as an unsigned number, is beyond the end.
            let granule = b.i32(int(column * LANES));
            let position = b.vadd_s32(position, granule);
            let is_row = b.vcmp_lt_u32(position, end);
            for (sublane, (row, is_sublane)) in tile_row.rows.iter().zip(is_sublane).enumerate() {
                let mask = b.vmand(is_row, *is_sublane);
                let offset = int(column) - int(sublane);
                let at = Address { scratch: self.line, base: row.granule, offset };
                b.store_masked(at, mask, merged);
            }
        }
    }

    /// Loads a tile row from the line.
    fn cut_tile_row(&self, b: &mut Builder, tile_row: &TileRow, is_sublane: &[M]) {
        let (lane, size) = (b.vlane(), b.i32(int(LANES)));
        let behind = b.vsub_s32(size, tile_row.start);
        let is_low = b.vcmp_lt_s32(lane, behind);
        let mut low = self.granules(b, tile_row, (0, is_sublane));
        for column in 0..self.plan.columns {
            let high = self.granules(b, tile_row, (column + 1, is_sublane));
            let value = b.vsel(is_low, low, high);
            low = high;
            b.store(tile_row.window.plus(column * VREG_GRANULES), value);
        }
    }

    /// Of each row the granule of the line that is so many behind its first, turned.
    fn granules(
        &self,
        b: &mut Builder,
        tile_row: &TileRow,
        (column, is_sublane): (usize, &[M]),
    ) -> V {
        let mut value = b.i32(0);
        for (row, is_sublane) in tile_row.rows.iter().zip(is_sublane) {
            let at = Address { scratch: self.line, base: row.granule, offset: int(column) };
            let granule = b.load_row(at);
            value = b.vsel(*is_sublane, granule, value);
        }
        turned(b, value, (tile_row.turn, column))
    }
}

fn turned(b: &mut Builder, value: V, (turn, column): (V, usize)) -> V {
    let unit = u8::from(column % 2 == 1);
    b.xlu_gather(unit, value, turn);
    b.xlu_pop(unit)
}
