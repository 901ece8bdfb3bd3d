//! Operands of kernels that walk an iteration space `majors x rows x lanes`, and how they lie in
//! it.
//!
//! An operand has some of the dimensions of the space, in their order; along the others it is
//! repeated. What has rows and lanes is tiled like the space and moves in windows. The rest is
//! small: it is in VMEM as a whole, and a place finds the *line* of 128 lanes that its values are
//! in.

use crate::{
    element::Element,
    expression::Register,
    llo::{Address, Builder, S, V},
    packing,
    pipeline::{Block, TileBlock},
};
use palmetto_isa::memory::{LANES, SUBLANES, VREG_GRANULES};

/// How an operand is laid over the iteration space; `majors` says which of the dimensions before
/// the last two it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Rows and lanes, in tiles.
    Tiles {
        /// Which major dimensions it has.
        majors: Vec<bool>,
        /// Lanes of its rows: as the iteration space, but under `Shift`, `Reverse` and `Join`.
        lanes: usize,
    },
    /// One value per lane: no rows.
    Row {
        /// Which major dimensions it has.
        majors: Vec<bool>,
        /// How many lanes.
        lanes: usize,
    },
    /// One value per row, which lies in the lanes of an array of some of the major dimensions and
    /// the rows.
    Column {
        /// Which major dimensions it has.
        majors: Vec<bool>,
    },
    /// One value for some of the major dimensions, for none of them a scalar.
    Scalar {
        /// Which major dimensions it has.
        majors: Vec<bool>,
    },
}

/// An operand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The type in memory.
    pub element: Element,
    /// How it is laid over the iteration space.
    pub access: Access,
}

/// An iteration space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space<'a> {
    /// Sizes of the dimensions before the last two.
    pub majors: &'a [usize],
    /// Rows of a matrix.
    pub rows: usize,
    /// Lanes of a row.
    pub lanes: usize,
}

/// Columns of 128 lanes.
pub(crate) fn columns_of(lanes: usize) -> usize {
    lanes.div_ceil(LANES)
}

pub(crate) fn int(value: usize) -> i32 {
    i32::try_from(value).expect("windows and dimensions are far below 2^31")
}

/// The largest divisor of `of` that is at most `at_most`, but 1 at least.
pub(crate) fn largest_divisor(of: usize, at_most: usize) -> usize {
    (1..=at_most).rev().find(|n| of.is_multiple_of(*n)).unwrap_or(1)
}

/// `at` and `index` times `stride` granules.
pub(crate) fn advance(b: &mut Builder, at: Address, index: S, stride: usize) -> Address {
    let offset = b.smul_imm(index, int(stride));
    Address { base: b.sadd(at.base, offset), ..at }
}

/// An index where there is something: windows of `window` units may reach over the `all` that there
/// are.
pub(crate) fn below(b: &mut Builder, index: S, (all, window): (usize, usize)) -> S {
    if all.is_multiple_of(window) {
        return index;
    }
    let last = b.s(int(all - 1));
    b.smin(index, last)
}

impl Access {
    /// Which major dimensions it has.
    pub fn majors(&self) -> &[bool] {
        match self {
            Self::Tiles { majors, .. }
            | Self::Row { majors, .. }
            | Self::Column { majors }
            | Self::Scalar { majors } => majors,
        }
    }

    /// Whether it is the same in every column.
    pub(crate) fn is_column(&self) -> bool {
        matches!(self, Self::Column { .. } | Self::Scalar { .. })
    }
}

/// An operand that is in VMEM as a whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whole<'a> {
    pub(crate) space: Space<'a>,
    pub(crate) input: &'a Input,
}

impl Whole<'_> {
    /// Its own dimensions.
    fn dimensions(&self) -> Vec<usize> {
        let majors = self.space.majors.iter().zip(self.input.access.majors());
        let majors = majors.filter(|(_, has)| **has).map(|(size, _)| *size);
        let last = match &self.input.access {
            Access::Tiles { .. } => panic!("an operand in tiles moves in windows"),
            Access::Row { lanes, .. } => Some(*lanes),
            Access::Column { .. } => Some(self.space.rows),
            Access::Scalar { .. } => None,
        };
        majors.chain(last).collect()
    }

    /// Its window: all of it.
    pub(crate) fn block(&self) -> Block {
        let element = self.input.element;
        let (rows, columns) = match self.dimensions().as_slice() {
            [] => (1, 1),
            [n] => (n.div_ceil(SUBLANES * LANES), 1),
            [outer @ .., rows, lanes] => {
                (outer.iter().product::<usize>() * rows.div_ceil(SUBLANES), columns_of(*lanes))
            }
        };
        let rows = rows.next_multiple_of(element.packing());
        Block::Tiles(TileBlock { element, rows, columns, array_columns: columns })
    }

    /// The granule with line `line` along the last dimension, where `majors` are the indices of the
    /// major dimensions, and which part of its words the line is.
    fn line(&self, b: &mut Builder, majors: &[S], line: S) -> (S, S) {
        let element = self.input.element;
        let packing = element.packing();
        let (shift, mask) = (b.s(int(packing.ilog2() as usize)), b.s(int(packing - 1)));
        let sizes = self.dimensions();
        let [outer_sizes @ .., last_size, lanes] = sizes.as_slice() else {
            return (b.sshr(line, shift), b.sand(line, mask));
        };
        let mut outer = b.s(0);
        for (index, size) in majors.iter().zip(outer_sizes) {
            outer = b.smul_imm(outer, int(*size));
            outer = b.sadd(outer, *index);
        }
        // The last dimension but one lies along the sublanes of tiles.
        let last = majors[outer_sizes.len()];
        let (three, seven) = (b.s(3), b.s(7));
        let (above, sublane) = (b.sshr(last, three), b.sand(last, seven));
        let outer = b.smul_imm(outer, int(last_size.div_ceil(SUBLANES)));
        let tile = b.sadd(outer, above);
        let (group, tile_part) = (b.sshr(tile, shift), b.sand(tile, mask));
        let group = b.smul_imm(group, int(columns_of(*lanes)));
        let register = b.sadd(group, line);
        let register = b.smul_imm(register, int(VREG_GRANULES));
        let within = b.smul_imm(tile_part, int(element.tile_granules()));
        let word = b.sshr(sublane, shift);
        let granule = b.sadd(register, within);
        (b.sadd(granule, word), b.sand(sublane, mask))
    }

    /// The indices of the major dimensions that it has.
    fn own(&self, majors: &[S]) -> Vec<S> {
        let has = self.input.access.majors();
        (0..has.len()).filter(|d| has[*d]).map(|d| majors[d]).collect()
    }

    fn load(&self, b: &mut Builder, at: Address, (majors, line): (&[S], S)) -> (V, S) {
        let (granule, part) = self.line(b, majors, line);
        let base = b.sadd(at.base, granule);
        (b.load_row(Address { base, ..at }), part)
    }

    /// Part `part` of each word.
    fn part(&self, b: &mut Builder, word: V, part: S) -> Register {
        let element = self.input.element;
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

    /// Of a [`Access::Row`] at `at`: the values of column `column`, in every sublane.
    pub(crate) fn row(&self, b: &mut Builder, at: Address, majors: &[S], column: S) -> Register {
        let (word, part) = self.load(b, at, (&self.own(majors), column));
        self.part(b, word, part)
    }

    /// Of a [`Access::Column`] at `at`: the values of 8 rows, in every lane.
    pub(crate) fn column(
        &self,
        b: &mut Builder,
        at: Address,
        majors: &[S],
        tile_row: S,
    ) -> Register {
        let per_line = b.s(int((LANES / SUBLANES).ilog2() as usize));
        let line = b.sshr(tile_row, per_line);
        let (word, part) = self.load(b, at, (&self.own(majors), line));
        let per_line = b.s(int(LANES / SUBLANES - 1));
        let within = b.sand(tile_row, per_line);
        let first_lane = b.smul_imm(within, int(SUBLANES));
        let first_lane = b.vsplat(first_lane);
        let sublane = b.vsublane();
        let lane = b.vadd_s32(first_lane, sublane);
        b.xlu_gather(0, word, lane);
        let word = b.xlu_pop(0);
        self.part(b, word, part)
    }

    /// Of a [`Access::Scalar`] at `at`: the value, everywhere.
    pub(crate) fn scalar(&self, b: &mut Builder, at: Address, majors: &[S]) -> Register {
        let own = self.own(majors);
        let Some((last, others)) = own.split_last() else {
            let word = b.load_row(at);
            let zero = b.i32(0);
            b.xlu_gather(0, word, zero);
            let word = b.xlu_pop(0);
            return packing::word_part(b, word, self.input.element, 0);
        };
        let (seven, mask) = (b.s(7), b.s(int(LANES - 1)));
        let (line, lane) = (b.sshr(*last, seven), b.sand(*last, mask));
        let (word, part) = self.load(b, at, (others, line));
        let lane = b.vsplat(lane);
        b.xlu_gather(0, word, lane);
        let word = b.xlu_pop(0);
        self.part(b, word, part)
    }
}
