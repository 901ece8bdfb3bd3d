//! Long rows: pieces of eight columns, all turned by as many lanes as their row starts at.

use super::{
    PIECE, TOGETHER, Way,
    emit::{Kernel, Row, copy},
};
use crate::{
    llo::{Address, Builder, S, V},
    operand::int,
    pipeline::Step,
};
use palmetto_isa::memory::{LANES, SUBLANES, VREG_GRANULES};

/// A piece of a row: eight granules of the line.
struct Piece {
    /// Its first granule, counted from the row's start.
    first: S,
    /// Its first granule in the scratch of the line.
    in_line: Address,
    /// Its first column in the scratch of the rows.
    in_row: Address,
}

impl Kernel<'_> {
    /// All rows of a window; `distance` is what the first is behind the start of the line's.
    pub(super) fn long_rows(&self, b: &mut Builder, step: &Step, distance: S) {
        let plan = self.plan;
        let rows = b.start_of(self.rows).plus(plan.rows_slack());
        let registers = plan.tile_rows * plan.columns;
        if plan.spec.way == Way::ToLine {
            copy(b, registers, step.inputs[0], rows);
        }
        let trips = b.s(int(plan.tile_rows * SUBLANES));
        b.for_loop(trips, &[], |b, number, _| {
            let position = b.smul_imm(number, int(plan.spec.lanes));
            let position = b.sadd(position, distance);
            let row = self.row(b, position);
            let in_rows = self.row_start(b, number);
            let (first, trips) = self.range(b, &row);
            b.for_loop(trips, &[], |b, index, _| {
                let offset = b.smul_imm(index, int(PIECE * TOGETHER));
                let first = b.sadd(first, offset);
                let pieces = self.pieces(b, (&row, in_rows), first);
                match plan.spec.way {
                    Way::ToLine => self.join(b, &row, &pieces),
                    Way::FromLine => self.cut(b, &row, &pieces),
                }
                Vec::new()
            });
            Vec::new()
        });
        if plan.spec.way == Way::FromLine {
            copy(b, registers, rows, step.outputs[0]);
        }
    }

    /// Where a row of the window starts in the scratch.
    fn row_start(&self, b: &mut Builder, number: S) -> S {
        let plan = self.plan;
        let (three, seven) = (b.s(int(SUBLANES.ilog2() as usize)), b.s(int(SUBLANES - 1)));
        let (tile_row, sublane) = (b.sshr(number, three), b.sand(number, seven));
        let start = b.smul_imm(tile_row, int(plan.columns * VREG_GRANULES));
        let start = b.sadd(start, sublane);
        b.sadd_imm(start, b.base(self.rows) + int(plan.rows_slack()))
    }

    /// The first granule of a row that has to do with the window of the result, and how many sets
    /// of pieces do.
    fn range(&self, b: &mut Builder, row: &Row) -> (S, S) {
        let plan = self.plan;
        let zero = b.s(0);
        let (first, end) = match plan.spec.way {
            Way::ToLine => {
                let start = b.s(self.line_start(b));
                let before = b.ssub(start, row.granule);
                let behind = b.sadd_imm(before, int(plan.registers * VREG_GRANULES));
                let all = b.s(int(plan.row_granules()));
                (b.smax(before, zero), b.smin(behind, all))
            }
            Way::FromLine => (zero, b.s(int(plan.columns))),
        };
        let count = b.ssub(end, first);
        let count = b.sadd_imm(count, int(PIECE * TOGETHER - 1));
        let count = b.smax(count, zero);
        let shift = b.s(int((PIECE * TOGETHER).ilog2() as usize));
        (first, b.sshr(count, shift))
    }

    fn pieces(&self, b: &mut Builder, (row, in_rows): (&Row, S), first: S) -> Vec<Piece> {
        let piece = |n: usize| {
            let first = b.sadd_imm(first, int(n * PIECE));
            let base = b.sadd(row.granule, first);
            let in_line = Address { scratch: self.line, base, offset: 0 };
            let columns = b.smul_imm(first, int(VREG_GRANULES));
            let base = b.sadd(in_rows, columns);
            Piece { first, in_line, in_row: Address { scratch: self.rows, base, offset: 0 } }
        };
        (0..TOGETHER).map(piece).collect()
    }

    /// Stores pieces of a row into the line: granule n of it gets the end of column n - 1 and the
    /// start of column n.
    fn join(&self, b: &mut Builder, row: &Row, pieces: &[Piece]) {
        let stride = int(VREG_GRANULES);
        let turned = turned(b, pieces, row.lane, |b, piece| {
            let before = Address { offset: -stride, ..piece.in_row };
            [b.load_strided(before, stride), b.load_strided(piece.in_row, stride)]
        });
        let (lane, sublane) = (b.vlane(), b.vsublane());
        let start = b.vsplat(row.lane);
        let is_high = b.vcmp_lt_s32(lane, start);
        let (size, end) = (b.i32(int(LANES)), b.i32(int(self.plan.spec.lanes)));
        let before = b.vmul_s32(sublane, size);
        let within = b.vadd_s32(before, lane);
        let within = b.vsub_s32(within, start);
        for (piece, [high, low]) in pieces.iter().zip(turned) {
            let value = b.vsel(is_high, high, low);
            // Below zero, as an unsigned number, is beyond the end.
            let first = b.smul_imm(piece.first, int(LANES));
            let first = b.vsplat(first);
            let position = b.vadd_s32(first, within);
            let is_row = b.vcmp_lt_u32(position, end);
            b.store_masked(piece.in_line, is_row, value);
        }
    }

    /// Loads pieces of a row from the line: column n gets the end of granule n and the start of
    /// granule n + 1.
    fn cut(&self, b: &mut Builder, row: &Row, pieces: &[Piece]) {
        let size = b.s(int(LANES));
        let back = b.ssub(size, row.lane);
        let turned = turned(b, pieces, back, |b, piece| {
            [b.load(piece.in_line), b.load(piece.in_line.plus(1))]
        });
        let (lane, behind) = (b.vlane(), b.vsplat(back));
        let is_low = b.vcmp_lt_s32(lane, behind);
        for (piece, [low, high]) in pieces.iter().zip(turned) {
            let value = b.vsel(is_low, low, high);
            b.store_strided(piece.in_row, int(VREG_GRANULES), value);
        }
    }
}

/// Of each piece two registers, turned by so many lanes.
fn turned(
    b: &mut Builder,
    pieces: &[Piece],
    amount: S,
    mut load: impl FnMut(&mut Builder, &Piece) -> [V; 2],
) -> Vec<[V; 2]> {
    for piece in pieces {
        let [first, second] = load(b, piece);
        b.xlu_rot(0, first, amount);
        b.xlu_rot(1, second, amount);
    }
    pieces.iter().map(|_| [b.xlu_pop(0), b.xlu_pop(1)]).collect()
}
