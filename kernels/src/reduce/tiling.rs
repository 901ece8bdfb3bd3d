//! What a reduction is in tiles, and how much of it a window holds.

use palmetto_isa::{
    ChipSpec,
    memory::{LANES, SUBLANES, VREG_GRANULES},
};

use super::{Access, Dimension, Reduce, Space};
use crate::operand::columns_of;

/// Registers that one pass of a loop body works on.
const UNROLLED: usize = 8;
/// Granules that a window should not exceed: 2 MiB.
const WINDOW_GRANULES: usize = 4096;
/// The same for a reduction that is split: the cores transfer for each other while one computes, so
/// that HBM is busy with small windows too, and little is left to do with the last ones.
const SPLIT_WINDOW_GRANULES: usize = 1024;
/// Registers that a window along what is reduced should have: less than can be transferred while a
/// transfer starts is not worth a step. If it is split, more transfers are on their way.
const LEAST_REGISTERS: usize = 64;
const SPLIT_LEAST_REGISTERS: usize = 32;
/// Granules of all windows together, each counted twice: 8 MiB.
const ALL_WINDOWS_GRANULES: usize = 16384;
/// Slots of results whose rows are walked one by one.
const MOST_SLOTS: usize = 1024;
/// Steps per core that make the pipeline overlap transfers and computation well.
const STEPS_PER_CORE: usize = 8;

/// How slots become elements of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finish {
    /// Each is a tile of the result already.
    Tiles,
    /// Reduced over the sublanes, each is a line of 128 lanes.
    Sublanes,
    /// Reduced over the lanes, each is 8 lanes of a line.
    Lanes,
    /// Reduced over both, each is an element.
    Elements,
}

/// The operand as matrices of tiles.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) majors: Vec<usize>,
    pub(super) kept: Vec<bool>,
    pub(super) rows: Dimension,
    pub(super) lanes: Dimension,
    /// Elements of an operand of rank 1.
    pub(super) elements: Option<usize>,
    /// Tile rows of a matrix.
    pub(super) tile_rows: usize,
    pub(super) columns: usize,
    pub(super) finish: Finish,
}

/// How much a window holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tiling {
    /// Tile rows of a group: the packing of the narrowest operand, or 1 if they are separate.
    pub(super) packing: usize,
    pub(super) is_separate: bool,
    /// Matrices along the last major dimension.
    pub(super) matrices: usize,
    /// Groups of a matrix.
    pub(super) groups: usize,
    pub(super) columns: usize,
    /// Columns that are worked on at a time.
    pub(super) unrolled: usize,
    /// Groups that are worked on at a time.
    pub(super) groups_unrolled: usize,
}

impl Shape {
    pub(super) fn new(spec: &Reduce) -> Self {
        let (majors, rows, lanes, elements) = match spec.dimensions.as_slice() {
            [] => panic!("a reduction of a scalar"),
            [only] => {
                let rows = Dimension { size: only.size.div_ceil(LANES), ..*only };
                (&[][..], rows, Dimension { size: LANES, ..*only }, Some(only.size))
            }
            [majors @ .., rows, lanes] => (majors, *rows, *lanes, None),
        };
        let finish = match (rows.is_reduced, lanes.is_reduced) {
            (false, false) => Finish::Tiles,
            (true, false) => Finish::Sublanes,
            (false, true) => Finish::Lanes,
            (true, true) => Finish::Elements,
        };
        Self {
            majors: majors.iter().map(|major| major.size).collect(),
            kept: majors.iter().map(|major| !major.is_reduced).collect(),
            rows,
            lanes,
            elements,
            tile_rows: rows.size.div_ceil(SUBLANES),
            columns: columns_of(lanes.size),
            finish,
        }
    }

    pub(super) fn space(&self) -> Space<'_> {
        Space { majors: &self.majors, rows: self.rows.size, lanes: self.lanes.size }
    }

    pub(super) fn kept_majors(&self) -> Vec<usize> {
        (0..self.majors.len()).filter(|d| self.kept[*d]).collect()
    }

    /// The major dimensions that rows and lanes of the result are.
    pub(super) fn result_majors(&self) -> (Option<usize>, Option<usize>) {
        let mut kept = self.kept_majors();
        match self.finish {
            Finish::Tiles => (None, None),
            Finish::Sublanes | Finish::Lanes => (kept.pop(), None),
            Finish::Elements => {
                let lane = kept.pop();
                (kept.pop(), lane)
            }
        }
    }

    /// Dimensions of the result.
    pub(super) fn result_rank(&self) -> usize {
        if self.elements.is_some() {
            return usize::from(self.finish == Finish::Tiles);
        }
        let tiled = usize::from(!self.rows.is_reduced) + usize::from(!self.lanes.is_reduced);
        self.kept_majors().len() + tiled
    }
}

impl Tiling {
    pub(super) fn new(spec: &Reduce, shape: &Shape, chip: &ChipSpec, is_split: bool) -> Self {
        let tiles = || {
            let tiled = |input: &&super::Input| matches!(input.access, Access::Tiles { .. });
            spec.inputs.iter().filter(tiled)
        };
        let packing = tiles().map(|input| input.element.packing()).max().unwrap_or(1);
        let matrices: usize = shape.majors.iter().product();
        let is_separate = matrices > 1 && !shape.tile_rows.is_multiple_of(packing);
        let packing = if is_separate { 1 } else { packing };
        let extent = shape.tile_rows.div_ceil(packing);
        let whole = matrices * extent * packing * shape.columns;
        let (window, least) = if is_split {
            (SPLIT_WINDOW_GRANULES, SPLIT_LEAST_REGISTERS)
        } else {
            (WINDOW_GRANULES, LEAST_REGISTERS)
        };
        let registers = {
            let share = whole.div_ceil(chip.n_cores as usize * STEPS_PER_CORE);
            let limit = (ALL_WINDOWS_GRANULES / (2 * tiles().count().max(1))).min(window);
            share.min(limit / VREG_GRANULES).max(1)
        };
        let least = least.min(whole.div_ceil(chip.n_cores as usize));
        let reduced_registers = registers.max(least);
        let result_packing = spec.packing();
        let line = line_unit(shape, result_packing);
        // Groups that must be together, so that they fill lines of the result.
        let least = match shape.finish {
            Finish::Lanes => (line * LANES / SUBLANES).div_ceil(packing).min(extent),
            Finish::Tiles | Finish::Sublanes | Finish::Elements => 1,
        };
        let mut unrolled = (UNROLLED / packing).max(1).min(shape.columns);
        let columns = if shape.lanes.is_reduced {
            (registers.max(64) / (least * packing)).clamp(1, shape.columns)
        } else {
            columns_of_result(shape, (unrolled, line), registers)
        };
        let rows_are_reduced = shape.rows.is_reduced;
        let of_rows = if rows_are_reduced { reduced_registers } else { registers };
        let mut groups = of_rows / (columns * packing);
        if shape.finish == Finish::Lanes && shape.result_majors().0.is_some() {
            groups = groups.min(MOST_SLOTS / SUBLANES / packing);
        }
        let groups = (groups / least * least).max(least).min(extent);
        let powers = [8, 4, 2, 1].into_iter();
        let at_most = |most: usize| powers.clone().find(|n| *n <= most).unwrap_or(1);
        if waits_per_row(spec, shape) {
            let rows = if columns > UNROLLED { UNROLLED / 2 } else { UNROLLED };
            let rows = (rows / packing).max(1).min(1 << groups.trailing_zeros());
            unrolled = at_most((UNROLLED / packing / rows).clamp(1, columns));
        }
        if !shape.lanes.is_reduced && !columns.is_multiple_of(unrolled) {
            unrolled = columns;
        } else if shape.lanes.is_reduced && columns < shape.columns {
            unrolled = at_most(unrolled.min(columns));
        }
        let together = (UNROLLED / (unrolled * packing)).max(1);
        // What is worked on at a time has to divide a window.
        let even = groups.next_multiple_of(together);
        let groups = if least == 1 && even < extent { even } else { groups };
        let groups_unrolled = if rows_are_reduced && groups == extent {
            // All rows are in a window: what remains of them is known.
            together.max(2 * UNROLLED / (unrolled * packing)).min(groups)
        } else {
            at_most(together.min(1 << groups.trailing_zeros()))
        };
        let matrices = 1;
        let mut tiling =
            Self { packing, is_separate, matrices, groups, columns, unrolled, groups_unrolled };
        if groups == extent {
            let is_reduced = shape.kept.last() == Some(&false);
            let registers = if is_reduced { reduced_registers } else { registers };
            tiling.matrices = tiling.matrices_of(shape, (registers, line));
        }
        tiling
    }

    /// Matrices of a window that holds whole ones.
    fn matrices_of(&self, shape: &Shape, (registers, line): (usize, usize)) -> usize {
        let Some(last) = shape.majors.len().checked_sub(1) else { return 1 };
        let size = shape.majors[last];
        let wanted = registers / (self.groups * self.packing * self.columns);
        let (row_major, lane_major) = shape.result_majors();
        let unit = if row_major == Some(last) {
            SUBLANES
        } else if lane_major == Some(last) {
            LANES * line
        } else {
            1
        };
        // Rather a larger window than one for each of many small matrices.
        let matrices = if wanted * 4 >= unit { (wanted / unit).max(1) * unit } else { 1 };
        let most = if lane_major == Some(last) && row_major.is_some() { LANES } else { size };
        matrices.min(most).min(size)
    }
}

/// Whether a cross-lane unit is waited for before or after the columns of each row. Then rows are
/// unrolled rather than columns; measured, fewer of them are better where rows are long.
fn waits_per_row(spec: &Reduce, shape: &Shape) -> bool {
    let is_column = |input: &super::Input| matches!(input.access, Access::Column { .. });
    match shape.finish {
        Finish::Lanes => true,
        Finish::Elements => spec.inputs.iter().any(is_column),
        Finish::Tiles | Finish::Sublanes => false,
    }
}

/// Lines of the result that cannot be in different blocks: those that share words.
pub(super) fn line_unit(shape: &Shape, packing: usize) -> usize {
    if shape.result_rank() == 1 { packing } else { 1 }
}

/// Columns of a window whose lanes are kept: a multiple of what is unrolled, or all.
fn columns_of_result(shape: &Shape, (unrolled, line): (usize, usize), registers: usize) -> usize {
    let unit = unrolled.next_multiple_of(line);
    let half = shape.columns.div_ceil(2).next_multiple_of(unit);
    let columns = half.min((registers / unit * unit).max(unit)).min(4 * unit);
    if columns >= shape.columns { shape.columns } else { columns }
}
