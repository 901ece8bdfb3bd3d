//! Makes the operands of a step fit for the MXUs.
//!
//! Contracted indices beyond the end are zeroed in the window itself. What is not bf16 as it stands
//! is written to *planes*: packed bf16 rows, one plane per part of the values. A window that has
//! not changed since the step before is not prepared again.

use super::{
    Scratches,
    epilogue::int,
    geometry::{Dimension, Plan, TILE_ROWS_PER_COLUMN},
};
use crate::{
    element::{Class, Element},
    llo::{Address, Builder, S, V},
    packing,
    pipeline::{Step, TileAxis, TileBlock},
};
use palmetto_isa::memory::{LANES, SUBLANES, VREG_GRANULES};

/// Registers that one pass of a loop works on.
const UNROLLED: usize = 8;
/// Blocks of 128 x 128 that one pass of a loop transposes.
const TRANSPOSED_AT_ONCE: usize = 4;

/// Packed bf16 registers, row by row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Planes {
    /// The first register.
    pub(super) address: Address,
    /// Granules from one group of 16 rows to the next.
    pub(super) row_stride: usize,
    /// Granules from one column to the next.
    pub(super) column_stride: usize,
    /// Granules from one part to the next; 0 if there is one.
    pub(super) part_stride: usize,
    /// Whether rows are columns of the weights.
    pub(super) transposed: bool,
}

/// The left operand, rows by contracted blocks.
pub(super) fn lhs(b: &mut Builder, plan: &Plan<'_>, scratch: &Scratches, step: &Step) -> Planes {
    let operand = &plan.spec.lhs;
    let axis = if operand.transposed { TileAxis::Rows } else { TileAxis::Columns };
    clear_beyond_end(b, plan, step, (0, axis));
    let n_parts = operand.n_parts(plan.spec.passes);
    let planes = Planes {
        address: step.inputs[0],
        row_stride: plan.tiling.depth * VREG_GRANULES,
        column_stride: VREG_GRANULES,
        part_stride: if n_parts > 1 { plan.plane_granules()[0] } else { 0 },
        transposed: false,
    };
    if !plan.lhs_is_prepared() {
        return planes;
    }
    let planes = Planes { address: b.start_of(scratch.lhs), ..planes };
    let preparation = Preparation { from: step.inputs[0], block: *block(plan, 0), planes, n_parts };
    b.if_then(step.is_fresh[0], |b| {
        if operand.transposed {
            preparation.transpose(b, plan.chip.n_xlus as usize);
        } else {
            preparation.repack(b);
        }
    });
    planes
}

/// The right operand, as it lies: transposing it is the MXU's work.
pub(super) fn rhs(b: &mut Builder, plan: &Plan<'_>, scratch: &Scratches, step: &Step) -> Planes {
    let operand = &plan.spec.rhs;
    let axis = if operand.transposed { TileAxis::Columns } else { TileAxis::Rows };
    clear_beyond_end(b, plan, step, (1, axis));
    let n_parts = operand.n_parts(plan.spec.passes);
    let block = *block(plan, 1);
    let planes = Planes {
        address: step.inputs[1],
        row_stride: block.columns * VREG_GRANULES,
        column_stride: VREG_GRANULES,
        part_stride: if n_parts > 1 { plan.plane_granules()[1] } else { 0 },
        transposed: operand.transposed,
    };
    if !plan.rhs_is_prepared() {
        return planes;
    }
    let planes = Planes { address: b.start_of(scratch.rhs), ..planes };
    let preparation = Preparation { from: step.inputs[1], block, planes, n_parts };
    b.if_then(step.is_fresh[1], |b| preparation.repack(b));
    planes
}

fn block<'a>(plan: &'a Plan<'_>, input: usize) -> &'a TileBlock {
    plan.inputs[input].block.tiles()
}

/// Zeroes what lies beyond the last contracted index in the window of an operand.
fn clear_beyond_end(
    b: &mut Builder,
    plan: &Plan<'_>,
    step: &Step,
    (input, axis): (usize, TileAxis),
) {
    let size = *plan.spec.k.last().expect("`check` has seen a tiled dimension");
    let window = plan.tiling.depth * LANES;
    let steps = size.div_ceil(window);
    let valid = size - (steps - 1) * window;
    if valid == window {
        return;
    }
    let block = block(plan, input);
    let at = step.inputs[input];
    let is_last = match plan.grid_dimension(Dimension::K(plan.spec.k.len() - 1)) {
        Some(d) => {
            let last = b.s(int(steps - 1));
            b.scmp_eq(step.positions[d], last)
        }
        None => b.s(1),
    };
    let clears = b.sand(is_last, step.is_fresh[input]);
    b.if_then(clears, |b| match axis {
        TileAxis::Rows => clear_rows(b, block, at, valid),
        TileAxis::Columns => clear_lanes(b, block, at, valid),
    });
}

/// Zeroes the lanes of a block from lane `valid` on.
fn clear_lanes(b: &mut Builder, block: &TileBlock, at: Address, valid: usize) {
    let (first, partial) = (valid / LANES, valid % LANES);
    let mask = (partial > 0).then(|| b.lanes_below(partial));
    let zero = b.i32(0);
    let count = b.s(int(block.groups()));
    b.for_loop(count, &[], |b, group, _| {
        let row = advance(b, at, group, block.columns * VREG_GRANULES);
        for column in first..block.columns {
            let at = row.plus(column * VREG_GRANULES);
            let value = match mask.filter(|_| column == first) {
                Some(mask) => {
                    let value = b.load(at);
                    b.vsel(mask, value, zero)
                }
                None => zero,
            };
            b.store(at, value);
        }
        Vec::new()
    });
}

/// Zeroes the rows of a block from row `valid` on.
fn clear_rows(b: &mut Builder, block: &TileBlock, at: Address, valid: usize) {
    let packing = block.element.packing();
    let rows = SUBLANES * packing;
    let (mut first, partial) = (valid / rows, valid % rows);
    if partial > 0 {
        let bits = valid_bits(b, packing, partial);
        let at = at.plus(block.offset(first, 0));
        let count = b.s(int(block.columns));
        b.for_loop(count, &[], |b, column, _| {
            let at = advance(b, at, column, VREG_GRANULES);
            let value = b.load(at);
            let value = b.vand(value, bits);
            b.store(at, value);
            Vec::new()
        });
        first += 1;
    }
    let zero = b.i32(0);
    let at = at.plus(block.offset(first, 0));
    let count = b.s(int((block.groups() - first) * block.columns));
    b.for_loop(count, &[], |b, register, _| {
        let at = advance(b, at, register, VREG_GRANULES);
        b.store(at, zero);
        Vec::new()
    });
}

/// All bits of the first `n` rows of a packed register: `packing` rows share each word, the first
/// of them in the low bits.
fn valid_bits(b: &mut Builder, packing: usize, n: usize) -> V {
    let (n, most) = (b.i32(int(n)), b.i32(int(packing)));
    let sublane = b.vsublane();
    let before = b.vmul_s32(sublane, most);
    let (zero, one) = (b.i32(0), b.i32(1));
    let rows = b.vsub_s32(n, before);
    let rows = b.vmax_s32(rows, zero);
    let rows = b.vmin_s32(rows, most);
    let width = b.i32(int(32 / packing));
    let width = b.vmul_s32(rows, width);
    // A shift by 32 gives 0, and all ones below.
    let bit = b.vshl(one, width);
    b.vsub_s32(bit, one)
}

/// From a window to planes.
struct Preparation {
    from: Address,
    block: TileBlock,
    planes: Planes,
    n_parts: usize,
}

impl Preparation {
    /// Converts and splits values where they are.
    fn repack(&self, b: &mut Builder) {
        let block = &self.block;
        // Tile rows that fill registers of both kinds.
        let unit = block.element.packing().max(2);
        let units = block.rows / unit;
        let columns = divisor(block.columns, UNROLLED / (unit / 2));
        let at_once = divisor(units, UNROLLED / (unit / 2 * columns));
        let source = at_once * unit / block.element.packing() * block.columns * VREG_GRANULES;
        let target = at_once * unit / 2 * self.planes.row_stride;
        let (outer, inner) = (b.s(int(units / at_once)), b.s(int(block.columns / columns)));
        b.for_loop(outer, &[], |b, row, _| {
            let (from, to) =
                (advance(b, self.from, row, source), advance(b, self.planes.address, row, target));
            b.for_loop(inner, &[], |b, column, _| {
                let stride = columns * VREG_GRANULES;
                let (from, to) = (advance(b, from, column, stride), advance(b, to, column, stride));
                for pair in 0..at_once * unit / 2 {
                    for column in 0..columns {
                        let [low, high] = [0, 1].map(|i| self.row(b, from, (2 * pair + i, column)));
                        self.store(b, to, (pair, column), [low, high]);
                    }
                }
                Vec::new()
            });
            Vec::new()
        });
    }

    /// Swaps rows and columns: the window is contracted rows by columns of 128 rows of the output.
    fn transpose(&self, b: &mut Builder, n_xlus: usize) {
        let block = &self.block;
        let packing = block.element.packing();
        let depth = block.rows / TILE_ROWS_PER_COLUMN;
        let at_once = divisor(depth, TRANSPOSED_AT_ONCE.min(2 * n_xlus));
        let groups = TILE_ROWS_PER_COLUMN / packing;
        let source = at_once * groups * block.columns * VREG_GRANULES;
        let target = TILE_ROWS_PER_COLUMN / 2 * self.planes.row_stride;
        let (outer, inner) = (b.s(int(block.columns)), b.s(int(depth / at_once)));
        b.for_loop(outer, &[], |b, column, _| {
            let from = advance(b, self.from, column, VREG_GRANULES);
            let to = advance(b, self.planes.address, column, target);
            b.for_loop(inner, &[], |b, index, _| {
                let from = advance(b, from, index, source);
                let to = advance(b, to, index, at_once * VREG_GRANULES);
                for tile in 0..at_once {
                    for row in 0..TILE_ROWS_PER_COLUMN {
                        let row = tile * TILE_ROWS_PER_COLUMN + row;
                        let value = self.row(b, from, (row, 0));
                        b.xlu_xpose(unit(tile, n_xlus), value);
                    }
                }
                for tile in 0..at_once {
                    for pair in 0..TILE_ROWS_PER_COLUMN / 2 {
                        let rows = [0, 1].map(|_| b.xlu_pop(unit(tile, n_xlus)));
                        self.store(b, to, (pair, tile), rows);
                    }
                }
                Vec::new()
            });
            Vec::new()
        });
    }

    /// A row of tiles of the source as f32: the tile row and column counted from `from`.
    fn row(&self, b: &mut Builder, from: Address, (row, column): (usize, usize)) -> V {
        let element = self.block.element;
        let (group, part) = (row / element.packing(), row % element.packing());
        let packed = b.load(from.plus(self.block.offset(group, column)));
        let value = packing::unpack(b, packed, element, part).vector();
        match element.class() {
            Class::Float => value,
            Class::Signed | Class::Unsigned | Class::Mask => b.vcvt_f32_s32(value),
        }
    }

    /// Splits two rows of tiles into parts and stores these in their planes.
    fn store(
        &self,
        b: &mut Builder,
        to: Address,
        (group, column): (usize, usize),
        [mut low, mut high]: [V; 2],
    ) {
        let planes = &self.planes;
        let at = to.plus(group * planes.row_stride + column * planes.column_stride);
        for part in 0..self.n_parts {
            let packed = b.vpack_bf16(low, high);
            b.store(at.plus(part * planes.part_stride), packed);
            if part + 1 < self.n_parts {
                (low, high) = (rest(b, low), rest(b, high));
            }
        }
    }
}

/// What rounding to bf16 takes away; nothing if the value is not finite.
fn rest(b: &mut Builder, value: V) -> V {
    let rounded = b.vround_bf16(value);
    let rest = b.vsub_f32(value, rounded);
    let zero = b.f32(0.0);
    let is_number = b.vcmp_eq_f32(rest, rest);
    b.vsel(is_number, rest, zero)
}

fn unit(tile: usize, n_xlus: usize) -> u8 {
    u8::try_from(tile % n_xlus).expect("a core has few cross-lane units")
}

/// The largest divisor of `of` that is at most `at_most`, but 1 at least.
pub(super) fn divisor(of: usize, at_most: usize) -> usize {
    (1..=at_most).rev().find(|n| of.is_multiple_of(*n)).unwrap_or(1)
}

/// `at` and `index` times `stride` granules.
pub(super) fn advance(b: &mut Builder, at: Address, index: S, stride: usize) -> Address {
    let offset = b.smul_imm(index, int(stride));
    Address { base: b.sadd(at.base, offset), ..at }
}

/// Modelled bundles that it takes to prepare a register of the MXU's.
pub(super) fn cost_per_register(element: Element, n_parts: usize, transposed: bool) -> f64 {
    let split = match n_parts {
        1 => 0.5,
        2 => 4.5,
        _ => 9.0,
    };
    let load = if element == Element::F32 { 1.2 } else { 1.7 };
    load + split + if transposed { 8.0 } else { 0.0 }
}
