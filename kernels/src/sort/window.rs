//! Between the windows and the columns of registers that are sorted.

use palmetto_isa::memory::{LANES, SUBLANES, VREG_GRANULES};

use super::{Operand, network::Kernel, plan::Extent};
use crate::{
    element::Element,
    expression::Register,
    llo::{Address, Builder, S, V},
    operand::int,
    packing,
    pipeline::{Step, Window},
};

impl Kernel<'_> {
    /// Fills all registers once: what no window fills is beyond the ends of series, and is there
    /// again after they were sorted.
    pub(super) fn fill(&self, b: &mut Builder) {
        let zero = b.i32(0);
        let count = b.s(int(self.plan.n_registers));
        b.for_loop(count, &[], |b, register, _| {
            let operands = vec![zero; self.plan.spec.operands.len()];
            self.put(b, register, operands);
            Vec::new()
        });
    }

    /// Takes a window to registers.
    pub(super) fn unpack(&self, b: &mut Builder, step: &Step) {
        self.each_group(b, self.plan.extent, |kernel, b, group, column, parts| {
            for part in 0..parts {
                let mut inputs = kernel.plan.inputs.iter().zip(&step.inputs);
                let mut operands = Vec::new();
                for operand in &kernel.plan.spec.operands {
                    operands.push(match operand {
                        // It is replaced by the position.
                        Operand::Position(_) => b.i32(0),
                        Operand::Array(element) => {
                            let (window, at) = inputs.next().expect("a window for each array");
                            let at = kernel.in_window(b, (window, *at), (group, part), column);
                            let packed = b.load(at);
                            let part = part % window.block.packing();
                            let value = packing::unpack(b, packed, *element, part);
                            value.word(b)
                        }
                    });
                }
                let register = kernel.register(b, (group, part), column);
                kernel.put(b, register, operands);
            }
        });
    }

    /// Takes registers to the windows of the results.
    pub(super) fn pack(&self, b: &mut Builder, step: &Step) {
        self.each_group(b, self.plan.kept, |kernel, b, group, column, parts| {
            let mut values: Vec<Vec<V>> = Vec::new();
            for part in 0..parts {
                let register = kernel.register(b, (group, part), column);
                values.push(kernel.load_all(b, register));
            }
            for (n, window) in kernel.plan.outputs.iter().enumerate() {
                let operand = kernel.plan.spec.results[n];
                let element: Element = kernel.plan.spec.operands[operand].element();
                let packing = window.block.packing();
                for first in (0..parts).step_by(packing) {
                    let parts = first..parts.min(first + packing);
                    let parts: Vec<Register> =
                        parts.map(|part| Register::Vector(values[part][operand])).collect();
                    let packed = packing::pack(b, element, &parts);
                    let at = (window, step.outputs[n]);
                    let at = kernel.in_window(b, at, (group, first), column);
                    b.store(at, packed);
                }
            }
        });
    }

    /// Runs `body` for each group of tile rows and each column, with the number of tile rows that
    /// the group has.
    fn each_group(
        &self,
        b: &mut Builder,
        extent: Extent,
        body: impl Fn(&Self, &mut Builder, S, S, usize),
    ) {
        let packing = self.plan.packing;
        let columns = b.s(int(extent.columns));
        let (whole, rest) = (extent.rows / packing, extent.rows % packing);
        let groups = b.s(int(whole));
        b.for_loop(columns, &[], |b, column, _| {
            b.for_loop(groups, &[], |b, group, _| {
                body(self, b, group, column, packing);
                Vec::new()
            });
            if rest > 0 {
                let last = b.s(int(whole));
                body(self, b, last, column, rest);
            }
            Vec::new()
        });
    }

    /// The register of a tile row, part of a group, and a column.
    fn register(&self, b: &mut Builder, (group, part): (S, usize), column: S) -> S {
        let extent = self.plan.extent;
        let of_group = b.smul_imm(group, int(self.plan.packing * extent.row_stride));
        let of_column = b.smul_imm(column, int(extent.column_stride));
        let register = b.sadd(of_group, of_column);
        b.sadd_imm(register, int(part * extent.row_stride))
    }

    /// Where a window has them.
    fn in_window(
        &self,
        b: &mut Builder,
        (window, at): (&Window, Address),
        (group, part): (S, usize),
        column: S,
    ) -> Address {
        let (tiles, packing) = (window.block.tiles(), window.block.packing());
        let per_group = self.plan.packing / packing;
        let row = tiles.columns * VREG_GRANULES;
        let of_group = b.smul_imm(group, int(per_group * row));
        let of_column = b.smul_imm(column, int(VREG_GRANULES));
        let offset = b.sadd(of_group, of_column);
        let base = b.sadd(at.base, offset);
        Address { base, ..at }.plus(part / packing * row)
    }

    /// Puts elements into a register, with their keys and positions.
    fn put(&self, b: &mut Builder, register: S, mut operands: Vec<V>) {
        let position = self.positions(b, register);
        for (value, operand) in operands.iter_mut().zip(&self.plan.spec.operands) {
            if matches!(operand, Operand::Position(_)) {
                *value = position;
            }
        }
        let comparator = &self.plan.spec.comparator;
        let all = self.plan.order.complete(b, comparator, (&operands, position));
        self.store_all(b, register, &all);
    }

    /// The place in its series of each element of a register.
    fn positions(&self, b: &mut Builder, register: S) -> V {
        let bits = self.plan.bits;
        let within = self.in_series(b, register);
        let first = b.smul_imm(within, int(1 << bits.inner()));
        let (first, inside) = (b.vsplat(first), self.inside(b));
        b.vadd_s32(first, inside)
    }

    /// The place of each element within a register.
    pub(super) fn inside(&self, b: &mut Builder) -> V {
        match (self.plan.bits.lanes, self.plan.bits.sublanes) {
            (0, _) => b.vsublane(),
            (_, 0) => b.vlane(),
            (_, _) => {
                let (lane, sublane, lanes) = (b.vlane(), b.vsublane(), b.i32(int(LANES)));
                debug_assert_eq!(1 << self.plan.bits.sublanes, SUBLANES);
                let first = b.vmul_s32(sublane, lanes);
                b.vadd_s32(first, lane)
            }
        }
    }
}
