//! From sums to outputs: evaluates the expression on one register after another.

use super::{
    Access, Scratches,
    geometry::{Dimension, Plan},
    nest::Sums,
    prepare::{advance, divisor},
};
use crate::{
    element::{Class, Element},
    expression::{Axis, Emitter, NodeId, NodeOp, Place, Register, Site, Unary},
    llo::{Address, Builder, S, V},
    packing,
    pipeline::{Step, TileBlock},
};
use palmetto_isa::memory::{LANES, SUBLANES, VREG_GRANULES};
use std::collections::BTreeMap;

/// A size as an immediate.
pub(super) fn int(value: usize) -> i32 {
    i32::try_from(value).expect("windows are far below 2^31 granules")
}

/// Where the sums of a step are.
pub(super) fn sums(b: &mut Builder, plan: &Plan<'_>, scratch: &Scratches, step: &Step) -> Sums {
    if plan.sums_in_output() { step.outputs[0] } else { b.start_of(scratch.sums) }
}

/// Emits the epilogue, which runs in the last step of a reduction.
pub(super) fn epilogue(b: &mut Builder, plan: &Plan<'_>, sums: Sums, step: &Step) {
    if plan.sums_in_output() {
        return;
    }
    b.if_then(step.is_last, |b| {
        let kernel = Kernel::new(plan);
        let site = OutputSite::new(b, plan, sums, step);
        kernel.rows(b, &site);
    });
}

/// Modelled bundles that the epilogue takes per output window.
#[expect(clippy::cast_precision_loss, reason = "windows have far fewer than 2^53 registers")]
pub(super) fn cost(plan: &Plan<'_>) -> f64 {
    if plan.sums_in_output() {
        return 0.0;
    }
    let registers = (plan.tiling.rows * plan.tiling.columns) as f64;
    let ops = n_ops(plan) as f64;
    registers * (0.7 + 0.6 * ops)
}

/// Nodes of the epilogue that are computed.
fn n_ops(plan: &Plan<'_>) -> usize {
    let epilogue = &plan.spec.epilogue;
    let roots: Vec<NodeId> = epilogue.outputs.iter().map(|(node, _)| *node).collect();
    let needed = epilogue.expression.reachable(&roots);
    let is_op = |id: &&NodeId| {
        !matches!(epilogue.expression.node(**id).op, NodeOp::Input(_) | NodeOp::Constant(_))
    };
    needed.iter().filter(is_op).count()
}

/// What one pass of the innermost loop works on.
struct Kernel<'a> {
    plan: &'a Plan<'a>,
    /// Tile rows: a multiple of the packing of everything.
    rows: usize,
    columns: usize,
}

impl<'a> Kernel<'a> {
    fn new(plan: &'a Plan<'a>) -> Self {
        let unrolled = match n_ops(plan) {
            0..=2 => 32,
            3..=8 => 16,
            _ => 8,
        };
        let blocks = plan.inputs[2..].iter().zip(&plan.spec.epilogue.inputs);
        let inputs = blocks.filter(|(_, input)| matches!(input.access, Access::Matrix(_)));
        let inputs = inputs.map(|(window, _)| window);
        let windows = inputs.chain(&plan.outputs);
        let packing = windows.map(|window| window.block.tiles().element.packing());
        let packing = packing.fold(1, usize::max);
        let columns = divisor(plan.tiling.columns, unrolled / packing);
        let packs = divisor(plan.tiling.rows / packing, unrolled / (packing * columns));
        Self { plan, rows: packs * packing, columns }
    }

    fn rows(&self, b: &mut Builder, site: &OutputSite<'_>) {
        let tiling = &self.plan.tiling;
        let (outer, inner) =
            (b.s(int(tiling.rows / self.rows)), b.s(int(tiling.columns / self.columns)));
        b.for_loop(outer, &[], |b, row, _| {
            let site = site.at(b, (row, self.rows), |block| {
                self.rows / block.element.packing() * block.columns * VREG_GRANULES
            });
            b.for_loop(inner, &[], |b, column, _| {
                let mut site = site.at(b, (column, 0), |_| self.columns * VREG_GRANULES);
                let first = b.smul_imm(column, int(self.columns));
                site.column = b.sadd(site.column, first);
                self.registers(b, &mut site);
                Vec::new()
            });
            Vec::new()
        });
    }

    fn registers(&self, b: &mut Builder, site: &mut OutputSite<'_>) {
        let epilogue = &self.plan.spec.epilogue;
        let mut emitter = Emitter::new(&epilogue.expression, site);
        for column in 0..self.columns {
            for (n, (node, _)) in epilogue.outputs.iter().enumerate() {
                let block = *self.plan.outputs[n].block.tiles();
                let node = self.unrounded(*node);
                let packing = block.element.packing();
                for group in 0..self.rows / packing {
                    let parts: Vec<Register> = (0..packing)
                        .map(|part| {
                            let row = group * packing + part;
                            emitter.emit(b, site, node, Place { row, column })
                        })
                        .collect();
                    let packed = packing::pack(b, block.element, &parts);
                    b.store(site.outputs[n].plus(block.offset(group, column)), packed);
                }
            }
        }
    }

    /// The node whose value, when it is packed, is the value of `node`: packing rounds.
    fn unrounded(&self, node: NodeId) -> NodeId {
        let expression = &self.plan.spec.epilogue.expression;
        let NodeOp::Unary(Unary::Convert, operand) = expression.node(node).op else { return node };
        let rounds = matches!(expression.node(node).element, Element::Bf16 | Element::F16);
        let is_float = expression.node(operand).element.class() == Class::Float;
        if rounds && is_float { operand } else { node }
    }
}

/// The place of the epilogue in an output window.
#[derive(Clone)]
struct OutputSite<'a> {
    plan: &'a Plan<'a>,
    step: &'a Step,
    sums: Address,
    /// Inputs of the epilogue: windows of tiles at the place, others at their start.
    inputs: Vec<Address>,
    outputs: Vec<Address>,
    /// First tile row at hand, counted from the start of the array.
    row: S,
    /// First column at hand, likewise.
    column: S,
    scalars: BTreeMap<usize, Register>,
    /// Packed registers loaded, by input, group and column.
    loaded: BTreeMap<(usize, usize, usize), V>,
}

impl<'a> OutputSite<'a> {
    fn new(b: &mut Builder, plan: &'a Plan<'a>, sums: Sums, step: &'a Step) -> Self {
        let (m, n) = (plan.spec.m.len() - 1, plan.spec.n.len() - 1);
        let first = |b: &mut Builder, dimension: Dimension, block: usize| match plan
            .grid_dimension(dimension)
        {
            Some(d) => b.smul_imm(step.positions[d], int(block)),
            None => b.s(0),
        };
        let mut site = Self {
            plan,
            step,
            sums,
            inputs: step.inputs[2..].to_vec(),
            outputs: step.outputs.clone(),
            row: first(b, Dimension::M(m), plan.tiling.rows),
            column: first(b, Dimension::N(n), plan.tiling.columns),
            scalars: BTreeMap::new(),
            loaded: BTreeMap::new(),
        };
        for (n, input) in plan.spec.epilogue.inputs.iter().enumerate() {
            if input.access == Access::Scalar {
                let word = b.load_row(site.inputs[n]);
                let zero = b.i32(0);
                b.xlu_gather(0, word, zero);
                let word = b.xlu_pop(0);
                site.scalars.insert(n, packing::word_part(b, word, input.element, 0));
            }
        }
        site
    }

    /// The site at iteration `index` of a loop that advances each window of tiles by `stride`, and
    /// the rows at hand by `rows`.
    fn at(
        &self,
        b: &mut Builder,
        (index, rows): (S, usize),
        stride: impl Fn(&TileBlock) -> usize,
    ) -> Self {
        let mut site = self.clone();
        let tiling = &self.plan.tiling;
        let sums = TileBlock {
            element: Element::F32,
            rows: tiling.rows,
            columns: tiling.columns,
            array_columns: tiling.columns,
        };
        site.sums = advance(b, site.sums, index, stride(&sums));
        for (n, input) in self.plan.spec.epilogue.inputs.iter().enumerate() {
            if matches!(input.access, Access::Matrix(_)) {
                let block = self.plan.inputs[2 + n].block.tiles();
                site.inputs[n] = advance(b, site.inputs[n], index, stride(block));
            }
        }
        for (n, window) in self.plan.outputs.iter().enumerate() {
            let stride = stride(window.block.tiles());
            site.outputs[n] = advance(b, site.outputs[n], index, stride);
        }
        let first = b.smul_imm(index, int(rows));
        site.row = b.sadd(site.row, first);
        site
    }

    fn tile(&mut self, b: &mut Builder, input: usize, place: Place) -> Register {
        let block = self.plan.inputs[2 + input].block.tiles();
        let packing = block.element.packing();
        let (group, part) = (place.row / packing, place.row % packing);
        let at = self.inputs[input].plus(block.offset(group, place.column));
        let key = (input, group, place.column);
        let packed = *self.loaded.entry(key).or_insert_with(|| b.load(at));
        packing::unpack(b, packed, block.element, part)
    }

    /// One value per column: `packing` rows of 128 lanes share the words of a granule.
    fn row_value(&mut self, b: &mut Builder, input: usize, place: Place) -> Register {
        let element = self.plan.spec.epilogue.inputs[input].element;
        let at = self.inputs[input];
        let column = b.sadd_imm(self.column, int(place.column));
        let packing = element.packing();
        if packing == 1 {
            let base = b.sadd(at.base, column);
            let key = (input, 0, place.column);
            let word =
                *self.loaded.entry(key).or_insert_with(|| b.load_row(Address { base, ..at }));
            return Register::Vector(word);
        }
        let (shift, last) = (b.s(int(packing / 2)), b.s(int(packing - 1)));
        let granule = b.sshr(column, shift);
        let base = b.sadd(at.base, granule);
        let key = (input, 0, place.column);
        let word = *self.loaded.entry(key).or_insert_with(|| b.load_row(Address { base, ..at }));
        let part = b.sand(column, last);
        let above = b.ssub(last, part);
        let amount = b.smul_imm(above, int(32 / packing));
        let amount = b.vsplat(amount);
        let high = b.vshl(word, amount);
        packing::extend(b, high, element)
    }

    /// The dimension of the product that is major dimension `index` of the output.
    fn major(&self, index: usize) -> Option<Dimension> {
        let spec = self.plan.spec;
        let batch = (0..spec.batch.len()).map(Dimension::Batch);
        let m = (0..spec.m.len() - 1).map(Dimension::M);
        let n = (0..spec.n.len() - 1).map(Dimension::N);
        batch.chain(m).chain(n).nth(index)
    }
}

impl Site for OutputSite<'_> {
    fn input(&mut self, b: &mut Builder, input: usize, place: Place) -> Register {
        let Some(input) = input.checked_sub(1) else {
            let columns = self.plan.tiling.columns;
            let at = self.sums.plus((place.row * columns + place.column) * VREG_GRANULES);
            return Register::Vector(b.load(at));
        };
        match self.plan.spec.epilogue.inputs[input].access {
            Access::Matrix(_) => self.tile(b, input, place),
            Access::Row => self.row_value(b, input, place),
            Access::Scalar => self.scalars[&input],
        }
    }

    fn index(&mut self, b: &mut Builder, axis: Axis, place: Place) -> V {
        match axis {
            Axis::Major(index) => {
                let dimension = self.major(index).and_then(|d| self.plan.grid_dimension(d));
                match dimension {
                    Some(d) => b.vsplat(self.step.positions[d]),
                    None => b.i32(0),
                }
            }
            Axis::Row => {
                let row = b.sadd_imm(self.row, int(place.row));
                let first = b.smul_imm(row, int(SUBLANES));
                let (first, sublane) = (b.vsplat(first), b.vsublane());
                b.vadd_s32(first, sublane)
            }
            Axis::Lane => {
                let column = b.sadd_imm(self.column, int(place.column));
                let first = b.smul_imm(column, int(LANES));
                let (first, lane) = (b.vsplat(first), b.vlane());
                b.vadd_s32(first, lane)
            }
        }
    }

    fn is_column(&self, input: usize) -> bool {
        let operand = input.checked_sub(1).map(|i| &self.plan.spec.epilogue.inputs[i].access);
        operand == Some(&Access::Scalar)
    }
}
