//! Makes the operands of a step fit for the MXUs.
//!
//! What is not bf16 as it stands, or has to be computed first ([`Prologue`]), is written to
//! *planes*: packed bf16 rows, one plane per part of the values. A window that has not changed
//! since the step before is not prepared again. Contracted indices beyond the end are zeroed: in
//! the window itself, but where there is a prologue, in the planes, for what it makes of zeros need
//! not be zero.

use super::{
    Operand, Prologue, Scratches,
    epilogue::{first_of, ops_under, unrounded},
    geometry::{Dimension, Plan, TILE_ROWS_PER_COLUMN},
    site::{Array, Cover, WindowSite},
};
use crate::{
    element::{Class, Element},
    expression::{Emitter, Expression, NodeId, NodeOp, Place, Unary},
    llo::{Address, Builder, S, ScratchId, V},
    operand::{advance, int, largest_divisor},
    pipeline::{Step, TileAxis, TileBlock},
};
use palmetto_isa::memory::{LANES, SUBLANES, VREG_GRANULES};

/// Registers that one pass of a loop works on.
const UNROLLED: usize = 8;
/// Bundles per op of a prologue: its loops are short, and half of the slots stay empty.
const BUNDLES_PER_OP: f64 = 0.9;
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
    let planes = Planes {
        address: step.inputs[0],
        row_stride: plan.tiling.depth * VREG_GRANULES,
        column_stride: VREG_GRANULES,
        part_stride: 0,
        transposed: false,
    };
    if !plan.lhs_is_prepared() {
        clear_beyond_end(b, plan, step, (0, axis));
        return planes;
    }
    let lies = TileBlock {
        element: Element::Bf16,
        rows: plan.tiling.rows,
        columns: plan.tiling.depth,
        array_columns: plan.tiling.depth,
    };
    prepare(b, plan, step, (0, scratch.lhs), (planes, lies, axis, TileAxis::Columns))
}

/// The right operand, as it lies: transposing it is the MXU's work.
pub(super) fn rhs(b: &mut Builder, plan: &Plan<'_>, scratch: &Scratches, step: &Step) -> Planes {
    let operand = &plan.spec.rhs;
    let axis = if operand.transposed { TileAxis::Columns } else { TileAxis::Rows };
    let block = *block(plan, 1);
    let planes = Planes {
        address: step.inputs[1],
        row_stride: block.columns * VREG_GRANULES,
        column_stride: VREG_GRANULES,
        part_stride: 0,
        transposed: operand.transposed,
    };
    if !plan.rhs_is_prepared() {
        clear_beyond_end(b, plan, step, (1, axis));
        return planes;
    }
    let lies = TileBlock { element: Element::Bf16, ..block };
    prepare(b, plan, step, (1, scratch.rhs), (planes, lies, axis, axis))
}

/// Writes the planes of operand `n`, which lie in `scratch` like `planes` and each of them like
/// `lies`. Contracted indices go along `axis` of the window and along `plane_axis` of a plane.
fn prepare(
    b: &mut Builder,
    plan: &Plan<'_>,
    step: &Step,
    (n, scratch): (usize, ScratchId),
    (planes, lies, axis, plane_axis): (Planes, TileBlock, TileAxis, TileAxis),
) -> Planes {
    let operand = plan.spec.operands()[n];
    let n_parts = operand.n_parts(plan.spec.passes);
    let part_stride = if n_parts > 1 { plan.plane_granules()[n] } else { 0 };
    let planes = Planes { address: b.start_of(scratch), part_stride, ..planes };
    if operand.prologue.is_none() {
        clear_beyond_end(b, plan, step, (n, axis));
    }
    let is_fresh = is_fresh(b, plan, step, n);
    b.if_then(is_fresh, |b| {
        let (expression, root) = value_of(operand);
        let preparation = Preparation { block: *block(plan, n), expression, root, planes, n_parts };
        let site = site(b, plan, step, n);
        if n == 0 && operand.transposed {
            preparation.transpose(b, &site, plan.chip.n_xlus as usize);
        } else {
            preparation.repack(b, &site);
        }
        if operand.prologue.is_some() {
            clear_planes(b, plan, step, (&planes, n_parts), (&lies, plane_axis));
        }
    });
    planes
}

/// 1 if any array that operand `n` is computed from was fetched for this step.
fn is_fresh(b: &mut Builder, plan: &Plan<'_>, step: &Step, n: usize) -> S {
    let first = plan.first_operand_input(n);
    let further = first..first + plan.spec.operands()[n].further().len();
    let changes = |window: &usize| plan.inputs[*window].strides.iter().any(|stride| *stride != 0);
    further
        .filter(changes)
        .fold(step.is_fresh[n], |is_fresh, window| b.sor(is_fresh, step.is_fresh[window]))
}

/// The factor as an expression of the operand's arrays, as a float.
fn value_of(operand: &Operand) -> (Expression, NodeId) {
    let (mut expression, root) = match &operand.prologue {
        Some(Prologue { expression, root, .. }) => (expression.clone(), *root),
        None => {
            let mut expression = Expression::default();
            let root = expression.add(NodeOp::Input(0), operand.element);
            (expression, root)
        }
    };
    let element = expression.node(root).element;
    let root = match element.class() {
        // The planes round to bf16; other types are split or rounded as they are.
        Class::Float if element == Element::Bf16 => unrounded(&expression, root),
        Class::Float => root,
        Class::Signed | Class::Unsigned | Class::Mask => {
            expression.add(NodeOp::Unary(Unary::Convert, root), Element::F32)
        }
    };
    (expression, root)
}

/// The window of operand `n` and what lies over it.
fn site(b: &mut Builder, plan: &Plan<'_>, step: &Step, n: usize) -> WindowSite {
    let (spec, tiling) = (plan.spec, &plan.tiling);
    let operand = spec.operands()[n];
    let array = |window: usize, cover: Cover| Array {
        cover,
        block: *block(plan, window),
        at: step.inputs[window],
    };
    let first = plan.first_operand_input(n);
    let further = operand.further().iter().enumerate();
    let further = further.map(|(i, input)| array(first + i, input.access.cover()));
    let inputs = std::iter::once(array(n, Cover::Tiles)).chain(further).collect();
    let contracted = (Dimension::K(spec.k.len() - 1), tiling.depth);
    let free = if n == 0 {
        (Dimension::M(spec.m.len() - 1), tiling.rows)
    } else {
        (Dimension::N(spec.n.len() - 1), tiling.columns)
    };
    // Tile rows and columns of a window, along the dimensions that lie there.
    let in_rows = |(dimension, columns)| (dimension, columns * TILE_ROWS_PER_COLUMN);
    let [rows, columns] = match (n, operand.transposed) {
        (0, false) => [free, contracted],
        (0, true) => [in_rows(contracted), (free.0, free.1 / TILE_ROWS_PER_COLUMN)],
        (_, false) => [in_rows(contracted), free],
        (_, true) => [in_rows(free), contracted],
    };
    let first = [first_of(b, plan, step, rows), first_of(b, plan, step, columns)];
    WindowSite::new(b, (inputs, Vec::new()), first, Vec::new())
}

fn block<'a>(plan: &'a Plan<'_>, input: usize) -> &'a TileBlock {
    plan.inputs[input].block.tiles()
}

/// Zeroes what lies beyond the last contracted index in the planes of an operand.
fn clear_planes(
    b: &mut Builder,
    plan: &Plan<'_>,
    step: &Step,
    (planes, n_parts): (&Planes, usize),
    (lies, axis): (&TileBlock, TileAxis),
) {
    let Some((is_last, valid)) = end_of_sum(b, plan, step) else { return };
    b.if_then(is_last, |b| {
        for part in 0..n_parts {
            let at = planes.address.plus(part * planes.part_stride);
            match axis {
                TileAxis::Rows => clear_rows(b, lies, at, valid),
                TileAxis::Columns => clear_lanes(b, lies, at, valid),
            }
        }
    });
}

/// Zeroes what lies beyond the last contracted index in the window of an operand.
fn clear_beyond_end(
    b: &mut Builder,
    plan: &Plan<'_>,
    step: &Step,
    (input, axis): (usize, TileAxis),
) {
    let Some((is_last, valid)) = end_of_sum(b, plan, step) else { return };
    let block = block(plan, input);
    let at = step.inputs[input];
    let clears = b.sand(is_last, step.is_fresh[input]);
    b.if_then(clears, |b| match axis {
        TileAxis::Rows => clear_rows(b, block, at, valid),
        TileAxis::Columns => clear_lanes(b, block, at, valid),
    });
}

/// Whether a step has the last window along the contracted dimension, and how many indices are
/// there; none if windows end where the dimension ends.
fn end_of_sum(b: &mut Builder, plan: &Plan<'_>, step: &Step) -> Option<(S, usize)> {
    let size = *plan.spec.k.last().expect("`check` has seen a tiled dimension");
    let window = plan.tiling.depth * LANES;
    let steps = size.div_ceil(window);
    let valid = size - (steps - 1) * window;
    if valid == window {
        return None;
    }
    let is_last = match plan.grid_dimension(Dimension::K(plan.spec.k.len() - 1)) {
        Some(d) => {
            let last = b.s(int(steps - 1));
            b.scmp_eq(step.positions[d], last)
        }
        None => b.s(1),
    };
    Some((is_last, valid))
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
    /// The window of the operand's own array.
    block: TileBlock,
    expression: Expression,
    root: NodeId,
    planes: Planes,
    n_parts: usize,
}

impl Preparation {
    /// Registers of a plane that one pass of a loop makes.
    fn unrolled(&self) -> usize {
        match ops_under(&self.expression, &[self.root]) {
            0..=3 => UNROLLED,
            4..=8 => UNROLLED / 2,
            _ => UNROLLED / 4,
        }
    }

    /// Computes, converts and splits values where they are.
    fn repack(&self, b: &mut Builder, site: &WindowSite) {
        let block = &self.block;
        // Tile rows that fill registers of all kinds.
        let unit = site.packing().max(2);
        let units = block.rows / unit;
        let unrolled = self.unrolled();
        let columns = largest_divisor(block.columns, unrolled / (unit / 2));
        let at_once = largest_divisor(units, unrolled / (unit / 2 * columns));
        let target = at_once * unit / 2 * self.planes.row_stride;
        let (outer, inner) = (b.s(int(units / at_once)), b.s(int(block.columns / columns)));
        b.for_loop(outer, &[], |b, row, _| {
            let site = site.at_rows(b, row, at_once * unit);
            let to = advance(b, self.planes.address, row, target);
            b.for_loop(inner, &[], |b, column, _| {
                let mut site = site.at_columns(b, column, columns);
                let to = advance(b, to, column, columns * VREG_GRANULES);
                let mut emitter = Emitter::new(&self.expression, &site);
                for pair in 0..at_once * unit / 2 {
                    for column in 0..columns {
                        let values = [0, 1].map(|i| {
                            let place = Place { row: 2 * pair + i, column };
                            emitter.emit(b, &mut site, self.root, place).vector()
                        });
                        self.store(b, to, (pair, column), values);
                    }
                }
                Vec::new()
            });
            Vec::new()
        });
    }

    /// Swaps rows and columns: the window is contracted rows by columns of 128 rows of the output.
    fn transpose(&self, b: &mut Builder, site: &WindowSite, n_xlus: usize) {
        let block = &self.block;
        let depth = block.rows / TILE_ROWS_PER_COLUMN;
        let at_once = largest_divisor(depth, TRANSPOSED_AT_ONCE.min(2 * n_xlus));
        let target = TILE_ROWS_PER_COLUMN / 2 * self.planes.row_stride;
        let (outer, inner) = (b.s(int(block.columns)), b.s(int(depth / at_once)));
        b.for_loop(outer, &[], |b, column, _| {
            let site = site.at_columns(b, column, 1);
            let to = advance(b, self.planes.address, column, target);
            b.for_loop(inner, &[], |b, index, _| {
                let mut site = site.at_rows(b, index, at_once * TILE_ROWS_PER_COLUMN);
                let to = advance(b, to, index, at_once * VREG_GRANULES);
                let mut emitter = Emitter::new(&self.expression, &site);
                for tile in 0..at_once {
                    for row in 0..TILE_ROWS_PER_COLUMN {
                        let place = Place { row: tile * TILE_ROWS_PER_COLUMN + row, column: 0 };
                        let value = emitter.emit(b, &mut site, self.root, place).vector();
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

/// Modelled bundles that it takes to prepare a register of the MXU's, of two tiles.
pub(super) fn cost_per_register(operand: &Operand, n_parts: usize, transposed: bool) -> f64 {
    let split = match n_parts {
        1 => 0.5,
        2 => 4.5,
        _ => 9.0,
    };
    let load = if operand.element == Element::F32 { 1.2 } else { 1.7 };
    let computed = operand.prologue.as_ref().map_or(0.0, |prologue| {
        let tiles = prologue.inputs.iter().filter(|input| input.access.cover() == Cover::Tiles);
        let root = unrounded(&prologue.expression, prologue.root);
        let ops = prologue.expression.vector_ops(&[root]);
        #[expect(clippy::cast_precision_loss, reason = "a region has few instructions")]
        let ops = (tiles.count() + ops) as f64;
        2.0 * BUNDLES_PER_OP * ops
    });
    load + split + computed + if transposed { 8.0 } else { 0.0 }
}
