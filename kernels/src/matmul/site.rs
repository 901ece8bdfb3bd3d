//! Where the operands of an expression come from at a place of a window of matrices.

use crate::{
    element::Element,
    expression::{Axis, Place, Register, Site},
    llo::{Address, Builder, S, V},
    operand::{advance, int},
    packing,
    pipeline::TileBlock,
};
use palmetto_isa::memory::{LANES, SUBLANES, VREG_GRANULES};
use std::collections::BTreeMap;

/// How an array lies over a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cover {
    /// Tile by tile.
    Tiles,
    /// One value per lane; the array is there from its start.
    Row,
    /// One value per row; the array is there from its start.
    Column,
    /// One value.
    Scalar,
}

/// An array that an expression reads or that its values are stored to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Array {
    pub(super) cover: Cover,
    pub(super) block: TileBlock,
    /// The window at the place at hand if it is of tiles, else its start.
    pub(super) at: Address,
}

/// A place in a window of matrices, with the arrays that lie over it.
#[derive(Clone)]
pub(super) struct WindowSite {
    /// What `NodeOp::Input` refers to.
    inputs: Vec<Array>,
    /// Arrays of tiles that go along.
    pub(super) outputs: Vec<Array>,
    /// First tile row and first column at hand, counted from the start of the matrix.
    first: [S; 2],
    /// The index along each major dimension; `None` where it is always 0.
    majors: Vec<Option<S>>,
    scalars: BTreeMap<usize, Register>,
    /// Packed registers loaded, by input, group and column.
    loaded: BTreeMap<(usize, usize, usize), V>,
    /// Values that are the same in every row, by input and column.
    rows: BTreeMap<(usize, usize), Register>,
}

impl WindowSite {
    /// The start of a window whose first tile row and column are `first`. Loads the scalars.
    pub(super) fn new(
        b: &mut Builder,
        (inputs, outputs): (Vec<Array>, Vec<Array>),
        first: [S; 2],
        majors: Vec<Option<S>>,
    ) -> Self {
        let mut scalars = BTreeMap::new();
        for (n, input) in inputs.iter().enumerate() {
            if input.cover == Cover::Scalar {
                let word = b.load_row(input.at);
                let zero = b.i32(0);
                b.xlu_gather(0, word, zero);
                let word = b.xlu_pop(0);
                scalars.insert(n, packing::word_part(b, word, input.block.element, 0));
            }
        }
        let (loaded, rows) = (BTreeMap::new(), BTreeMap::new());
        Self { inputs, outputs, first, majors, scalars, loaded, rows }
    }

    /// Tile rows that fill registers of all inputs.
    pub(super) fn packing(&self) -> usize {
        let tiles = self.inputs.iter().filter(|input| input.cover == Cover::Tiles);
        tiles.map(|input| input.block.element.packing()).fold(1, usize::max)
    }

    /// The site `index` times `rows` tile rows further.
    pub(super) fn at_rows(&self, b: &mut Builder, index: S, rows: usize) -> Self {
        let stride =
            |block: &TileBlock| rows / block.element.packing() * block.columns * VREG_GRANULES;
        let mut site = self.advanced(b, index, stride);
        let offset = b.smul_imm(index, int(rows));
        site.first[0] = b.sadd(site.first[0], offset);
        site
    }

    /// The site `index` times `columns` columns further.
    pub(super) fn at_columns(&self, b: &mut Builder, index: S, columns: usize) -> Self {
        let mut site = self.advanced(b, index, |_| columns * VREG_GRANULES);
        let offset = b.smul_imm(index, int(columns));
        site.first[1] = b.sadd(site.first[1], offset);
        site
    }

    fn advanced(&self, b: &mut Builder, index: S, stride: impl Fn(&TileBlock) -> usize) -> Self {
        let mut site = self.clone();
        for array in site.inputs.iter_mut().chain(&mut site.outputs) {
            if array.cover == Cover::Tiles {
                array.at = advance(b, array.at, index, stride(&array.block));
            }
        }
        site
    }

    fn tile(&mut self, b: &mut Builder, input: usize, place: Place) -> Register {
        let Array { block, at, .. } = self.inputs[input];
        let packing = block.element.packing();
        let (group, part) = (place.row / packing, place.row % packing);
        let at = at.plus(block.offset(group, place.column));
        let key = (input, group, place.column);
        let packed = *self.loaded.entry(key).or_insert_with(|| b.load(at));
        packing::unpack(b, packed, block.element, part)
    }

    /// One value per lane.
    fn row_value(&mut self, b: &mut Builder, input: usize, place: Place) -> Register {
        let Array { block, at, .. } = self.inputs[input];
        if let Some(value) = self.rows.get(&(input, place.column)) {
            return *value;
        }
        let column = b.sadd_imm(self.first[1], int(place.column));
        let (granule, part) = line(b, block.element, column);
        let base = b.sadd(at.base, granule);
        let word = b.load_row(Address { base, ..at });
        let value = part_of_line(b, word, block.element, part);
        self.rows.insert((input, place.column), value);
        value
    }

    /// One value per row: lane `8 t + s` of the array's lines has that of row `s` of tile row `t`.
    fn column_value(&mut self, b: &mut Builder, input: usize, place: Place) -> Register {
        let Array { block, at, .. } = self.inputs[input];
        let row = b.sadd_imm(self.first[0], int(place.row));
        let rows_per_line = LANES / SUBLANES;
        let shift = b.s(int(rows_per_line.ilog2() as usize));
        let last = b.s(int(rows_per_line - 1));
        let (of_line, within) = (b.sshr(row, shift), b.sand(row, last));
        let (granule, part) = line(b, block.element, of_line);
        let base = b.sadd(at.base, granule);
        let word = b.load_row(Address { base, ..at });
        let first = b.smul_imm(within, int(SUBLANES));
        let (first, sublane) = (b.vsplat(first), b.vsublane());
        let lane = b.vadd_s32(first, sublane);
        b.xlu_gather(0, word, lane);
        let word = b.xlu_pop(0);
        part_of_line(b, word, block.element, part)
    }
}

/// The granule with line `index` (128 values) of an array of rank 1, and which part of its words
/// it is: `packing` lines share a granule.
fn line(b: &mut Builder, element: Element, index: S) -> (S, S) {
    let packing = element.packing();
    if packing == 1 {
        return (index, b.s(0));
    }
    let (shift, last) = (b.s(int(packing.ilog2() as usize)), b.s(int(packing - 1)));
    (b.sshr(index, shift), b.sand(index, last))
}

fn part_of_line(b: &mut Builder, word: V, element: Element, part: S) -> Register {
    let packing = element.packing();
    if packing == 1 {
        return Register::Vector(word);
    }
    let last = b.s(int(packing - 1));
    let above = b.ssub(last, part);
    let amount = b.smul_imm(above, int(32 / packing));
    let amount = b.vsplat(amount);
    let high = b.vshl(word, amount);
    packing::extend(b, high, element)
}

impl Site for WindowSite {
    fn input(&mut self, b: &mut Builder, input: usize, place: Place) -> Register {
        match self.inputs[input].cover {
            Cover::Tiles => self.tile(b, input, place),
            Cover::Row => self.row_value(b, input, place),
            Cover::Column => self.column_value(b, input, place),
            Cover::Scalar => self.scalars[&input],
        }
    }

    fn index(&mut self, b: &mut Builder, axis: Axis, place: Place) -> V {
        match axis {
            Axis::Major(index) => match self.majors.get(index).copied().flatten() {
                Some(index) => b.vsplat(index),
                None => b.i32(0),
            },
            Axis::Row => {
                let row = b.sadd_imm(self.first[0], int(place.row));
                let first = b.smul_imm(row, int(SUBLANES));
                let (first, sublane) = (b.vsplat(first), b.vsublane());
                b.vadd_s32(first, sublane)
            }
            Axis::Lane => {
                let column = b.sadd_imm(self.first[1], int(place.column));
                let first = b.smul_imm(column, int(LANES));
                let (first, lane) = (b.vsplat(first), b.vlane());
                b.vadd_s32(first, lane)
            }
        }
    }

    fn is_column(&self, input: usize) -> bool {
        matches!(self.inputs[input].cover, Cover::Column | Cover::Scalar)
    }
}
