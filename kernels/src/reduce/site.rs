//! Where the operands of a reduction come from at a place.

use std::collections::BTreeMap;

use palmetto_isa::memory::{LANES, SUBLANES, VREG_GRANULES};

use super::{Access, plan::Plan};
use crate::{
    expression::{Axis, Place, Register, Site},
    llo::{Address, Builder, S, V},
    operand::{Whole, below, int},
    packing,
    pipeline::Step,
};

/// A part of the windows: one matrix, from a tile row and a column on.
#[derive(Clone)]
pub(super) struct WindowSite<'a> {
    plan: &'a Plan<'a>,
    /// Indices of the major dimensions.
    majors: Vec<S>,
    /// First tile row at hand, in the matrix.
    row: S,
    /// First column at hand, in the matrix.
    column: S,
    inputs: Vec<Address>,
    /// What changes nothing, for each array.
    pub(super) identity: Vec<V>,
    scalars: BTreeMap<usize, Register>,
    loaded: BTreeMap<(usize, usize, usize), V>,
    /// Rows and columns that operands have instead of tiles.
    lines: BTreeMap<(usize, usize), Register>,
}

impl<'a> WindowSite<'a> {
    /// The start of the windows.
    pub(super) fn new(b: &mut Builder, plan: &'a Plan<'a>, step: &Step) -> Self {
        let zero = b.s(0);
        let mut majors = vec![zero; plan.shape.majors.len()];
        let (mut row, mut column) = (zero, zero);
        for (role, position) in plan.roles.iter().zip(&step.positions) {
            let index = match role.axis {
                Axis::Major(d) => &mut majors[d],
                Axis::Row => &mut row,
                Axis::Lane => &mut column,
            };
            let first = b.smul_imm(*position, int(role.unit));
            *index = b.sadd(*index, first);
        }
        let inputs = step.inputs.clone();
        let (scalars, loaded, lines) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let identity = Vec::new();
        let mut site = Self { plan, majors, row, column, inputs, identity, scalars, loaded, lines };
        site.load_scalars(b, None);
        site
    }

    /// Loads the scalars, or those that depend on a major dimension.
    fn load_scalars(&mut self, b: &mut Builder, of: Option<usize>) {
        for (n, input) in self.plan.spec.inputs.iter().enumerate() {
            if matches!(&input.access, Access::Scalar { majors } if of.is_none_or(|d| majors[d])) {
                let value = self.whole(n).scalar(b, self.inputs[n], &self.majors);
                self.scalars.insert(n, value);
            }
        }
    }

    fn whole(&self, input: usize) -> Whole<'a> {
        Whole { space: self.plan.shape.space(), input: &self.plan.spec.inputs[input] }
    }

    /// First index along an axis.
    pub(super) fn start(&self, axis: Axis) -> S {
        match axis {
            Axis::Major(d) => self.majors[d],
            Axis::Row => self.row,
            Axis::Lane => self.column,
        }
    }

    /// Matrix `index` of the windows.
    pub(super) fn at_matrix(&self, b: &mut Builder, index: S) -> Self {
        let mut site = self.moved();
        let last = self.majors.len() - 1;
        site.majors[last] = b.sadd(self.majors[last], index);
        let matrix = self.plan.tiling.groups * self.plan.tiling.packing;
        for n in 0..site.inputs.len() {
            let Access::Tiles { majors, .. } = &self.plan.spec.inputs[n].access else { continue };
            if majors[last] {
                let block = &self.plan.inputs[n].block;
                let stride = matrix / block.packing() * block.tiles().offset(1, 0);
                site.advance(b, n, (index, stride));
            }
        }
        site.load_scalars(b, Some(last));
        site
    }

    /// `row` tile rows and `column` columns further.
    pub(super) fn at(&self, b: &mut Builder, row: Option<S>, column: Option<S>) -> Self {
        let mut site = self.moved();
        if let Some(row) = row {
            site.row = b.sadd(self.row, row);
        }
        if let Some(column) = column {
            site.column = b.sadd(self.column, column);
        }
        for n in 0..site.inputs.len() {
            if matches!(self.plan.spec.inputs[n].access, Access::Tiles { .. }) {
                let block = &self.plan.inputs[n].block;
                let of_row = block.tiles().offset(1, 0) / block.packing();
                if let Some(row) = row {
                    site.advance(b, n, (row, of_row));
                }
                if let Some(column) = column {
                    site.advance(b, n, (column, VREG_GRANULES));
                }
            }
        }
        site
    }

    fn moved(&self) -> Self {
        Self { loaded: BTreeMap::new(), lines: BTreeMap::new(), ..self.clone() }
    }

    fn advance(&mut self, b: &mut Builder, input: usize, (index, stride): (S, usize)) {
        let offset = b.smul_imm(index, int(stride));
        let at = self.inputs[input];
        self.inputs[input] = Address { base: b.sadd(at.base, offset), ..at };
    }

    fn tile(&mut self, b: &mut Builder, input: usize, place: Place) -> Register {
        let block = &self.plan.inputs[input].block;
        let (tiles, packing) = (block.tiles(), block.packing());
        let (group, part) = (place.row / packing, place.row % packing);
        let at = self.inputs[input].plus(tiles.offset(group, place.column));
        let packed = *self.loaded.entry((input, group, place.column)).or_insert_with(|| b.load(at));
        packing::unpack(b, packed, tiles.element, part)
    }
}

impl Site for WindowSite<'_> {
    fn input(&mut self, b: &mut Builder, input: usize, place: Place) -> Register {
        let at = self.inputs[input];
        let key = match &self.plan.spec.inputs[input].access {
            Access::Tiles { .. } => return self.tile(b, input, place),
            Access::Scalar { .. } => return self.scalars[&input],
            Access::Row { .. } => (input, place.column),
            Access::Column { .. } => (input, place.row),
        };
        if let Some(value) = self.lines.get(&key) {
            return *value;
        }
        let whole = self.whole(input);
        let value = if self.is_column(input) {
            let row = b.sadd_imm(self.row, int(place.row));
            let window = self.plan.tiling.groups * self.plan.tiling.packing;
            let row = below(b, row, (self.plan.shape.tile_rows, window));
            whole.column(b, at, &self.majors, row)
        } else {
            let column = b.sadd_imm(self.column, int(place.column));
            let window = self.plan.tiling.columns;
            let column = below(b, column, (self.plan.shape.columns, window));
            whole.row(b, at, &self.majors, column)
        };
        self.lines.insert(key, value);
        value
    }

    fn index(&mut self, b: &mut Builder, axis: Axis, place: Place) -> V {
        match axis {
            Axis::Major(d) => b.vsplat(self.majors[d]),
            Axis::Row => {
                let row = b.sadd_imm(self.row, int(place.row));
                let row = b.smul_imm(row, int(SUBLANES));
                let (first, sublane) = (b.vsplat(row), b.vsublane());
                b.vadd_s32(first, sublane)
            }
            Axis::Lane => {
                let column = b.sadd_imm(self.column, int(place.column));
                let lane = b.smul_imm(column, int(LANES));
                let (first, lane) = (b.vsplat(lane), b.vlane());
                b.vadd_s32(first, lane)
            }
        }
    }

    fn is_column(&self, input: usize) -> bool {
        self.plan.spec.inputs[input].access.is_column()
    }
}
