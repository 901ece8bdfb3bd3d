//! From sums to outputs: evaluates the expression on one register after another.

use super::{
    Access, Scratches,
    geometry::{Dimension, Plan},
    nest::Sums,
    site::{Array, Cover, WindowSite},
};
use crate::{
    element::{Class, Element},
    expression::{Emitter, Expression, NodeId, NodeOp, Place, Register, Unary},
    llo::{Address, Builder, S, ScratchId},
    operand::{int, largest_divisor},
    packing,
    pipeline::{Step, TileBlock},
};
use palmetto_isa::memory::VREG_GRANULES;

/// Where the sums of a step are.
pub(super) fn sums(b: &mut Builder, plan: &Plan<'_>, scratch: &Scratches, step: &Step) -> Sums {
    if plan.sums_in_output() { step.outputs[0] } else { b.start_of(scratch.sums) }
}

/// Emits the epilogue, which runs in the last step of a reduction.
pub(super) fn epilogue(b: &mut Builder, plan: &Plan<'_>, sums: Sums, step: &Step) {
    let kernel = Kernel::new(plan);
    let site = site(b, plan, sums, step);
    kernel.rows(b, &site);
}

/// Adds the sums that the other core has sent.
pub(super) fn add_theirs(b: &mut Builder, plan: &Plan<'_>, [own, theirs]: [ScratchId; 2]) {
    let at_once = largest_divisor(plan.sums(), 8);
    let trips = b.s(int(plan.sums() / at_once));
    b.for_loop(trips, &[], |b, index, _| {
        let offset = b.smul_imm(index, int(at_once * VREG_GRANULES));
        let [own, theirs] = [own, theirs].map(|scratch| {
            let start = b.start_of(scratch);
            Address { base: b.sadd(start.base, offset), ..start }
        });
        for register in 0..at_once {
            let at = register * VREG_GRANULES;
            let (first, second) = (b.load(own.plus(at)), b.load(theirs.plus(at)));
            let sum = b.vadd_f32(first, second);
            b.store(own.plus(at), sum);
        }
        Vec::new()
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
    ops_under(&epilogue.expression, &roots)
}

/// Nodes under `roots` that are computed.
pub(super) fn ops_under(expression: &Expression, roots: &[NodeId]) -> usize {
    let is_op =
        |id: &&NodeId| !matches!(expression.node(**id).op, NodeOp::Input(_) | NodeOp::Constant(_));
    expression.reachable(roots).iter().filter(is_op).count()
}

/// Whether packing into `element` rounds as a conversion to the type of `node` does; then what it
/// converts, else the node itself.
pub(super) fn unrounded(expression: &Expression, node: NodeId) -> NodeId {
    let NodeOp::Unary(Unary::Convert, operand) = expression.node(node).op else { return node };
    let rounds = matches!(expression.node(node).element, Element::Bf16 | Element::F16);
    let is_float = expression.node(operand).element.class() == Class::Float;
    if rounds && is_float { operand } else { node }
}

/// The output window and what lies over it: the sums are input 0.
fn site(b: &mut Builder, plan: &Plan<'_>, sums: Sums, step: &Step) -> WindowSite {
    let spec = plan.spec;
    let tiling = &plan.tiling;
    let block = TileBlock {
        element: Element::F32,
        rows: tiling.rows,
        columns: tiling.columns,
        array_columns: tiling.columns,
    };
    let mut inputs = vec![Array { cover: Cover::Tiles, block, at: sums }];
    let first = plan.first_epilogue_input();
    let windows = plan.inputs[first..].iter().zip(&step.inputs[first..]);
    for (input, (window, at)) in spec.epilogue.inputs.iter().zip(windows) {
        let cover = input.access.cover();
        inputs.push(Array { cover, block: *window.block.tiles(), at: *at });
    }
    let outputs = plan.outputs.iter().zip(&step.outputs);
    let outputs = outputs.map(|(window, at)| {
        let block = *window.block.tiles();
        Array { cover: Cover::Tiles, block, at: *at }
    });
    let outputs = outputs.collect();
    let first = [
        first_of(b, plan, step, (Dimension::M(spec.m.len() - 1), tiling.rows)),
        first_of(b, plan, step, (Dimension::N(spec.n.len() - 1), tiling.columns)),
    ];
    let batch = (0..spec.batch.len()).map(Dimension::Batch);
    let m = (0..spec.m.len() - 1).map(Dimension::M);
    let n = (0..spec.n.len() - 1).map(Dimension::N);
    let index = |d: Dimension| plan.grid_dimension(d).map(|d| step.positions[d]);
    let majors = batch.chain(m).chain(n).map(index).collect();
    WindowSite::new(b, (inputs, outputs), first, majors)
}

/// The first unit of a step's window along a dimension of which a window holds `block` units.
pub(super) fn first_of(
    b: &mut Builder,
    plan: &Plan<'_>,
    step: &Step,
    (dimension, block): (Dimension, usize),
) -> S {
    match plan.grid_dimension(dimension) {
        Some(d) => b.smul_imm(step.positions[d], int(block)),
        None => b.s(0),
    }
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
        let first = plan.first_epilogue_input();
        let blocks = plan.inputs[first..].iter().zip(&plan.spec.epilogue.inputs);
        let inputs = blocks.filter(|(_, input)| matches!(input.access, Access::Matrix(_)));
        let inputs = inputs.map(|(window, _)| window);
        let windows = inputs.chain(&plan.outputs);
        let packing = windows.map(|window| window.block.tiles().element.packing());
        let packing = packing.fold(1, usize::max);
        let columns = largest_divisor(plan.tiling.columns, unrolled / packing);
        let packs = largest_divisor(plan.tiling.rows / packing, unrolled / (packing * columns));
        Self { plan, rows: packs * packing, columns }
    }

    fn rows(&self, b: &mut Builder, site: &WindowSite) {
        let tiling = &self.plan.tiling;
        let (outer, inner) =
            (b.s(int(tiling.rows / self.rows)), b.s(int(tiling.columns / self.columns)));
        b.for_loop(outer, &[], |b, row, _| {
            let site = site.at_rows(b, row, self.rows);
            b.for_loop(inner, &[], |b, column, _| {
                let mut site = site.at_columns(b, column, self.columns);
                self.registers(b, &mut site);
                Vec::new()
            });
            Vec::new()
        });
    }

    fn registers(&self, b: &mut Builder, site: &mut WindowSite) {
        let epilogue = &self.plan.spec.epilogue;
        let mut emitter = Emitter::new(&epilogue.expression, site);
        for column in 0..self.columns {
            for (n, (node, _)) in epilogue.outputs.iter().enumerate() {
                let Array { block, at, .. } = site.outputs[n];
                let node = unrounded(&epilogue.expression, *node);
                let packing = block.element.packing();
                for group in 0..self.rows / packing {
                    let parts: Vec<Register> = (0..packing)
                        .map(|part| {
                            let row = group * packing + part;
                            emitter.emit(b, site, node, Place { row, column })
                        })
                        .collect();
                    let packed = packing::pack(b, block.element, &parts);
                    b.store(at.plus(block.offset(group, column)), packed);
                }
            }
        }
    }
}
