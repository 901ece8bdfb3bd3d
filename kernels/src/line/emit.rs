//! Emits a planned line kernel: where rows are in the line, and what is copied.

use super::{Plan, WORDS, Way};
use crate::{
    llo::{Address, Builder, S, ScratchId},
    operand::int,
    pipeline::Step,
};
use palmetto_isa::{
    MemorySpace,
    memory::{LANES, SUBLANES, VREG_GRANULES},
};

/// Registers that are copied or cleared at a time.
const AT_ONCE: usize = 8;

/// The kernel, with its scratch.
pub(super) struct Kernel<'a> {
    pub(super) plan: &'a Plan<'a>,
    /// The rows of a window, if they are long.
    pub(super) rows: ScratchId,
    /// The line of a window.
    pub(super) line: ScratchId,
}

/// Where a row is in the line.
pub(super) struct Row {
    /// The granule of the line that it starts in, as an address in the scratch.
    pub(super) granule: S,
    /// The lane of that granule.
    pub(super) lane: S,
}

impl<'a> Kernel<'a> {
    /// Makes the scratch, and makes it defined.
    pub(super) fn new(b: &mut Builder, plan: &'a Plan<'a>) -> Self {
        let rows = b.scratch("rows", MemorySpace::Vmem, plan.rows_granules());
        let line = b.scratch("line", MemorySpace::Vmem, plan.line_granules());
        for (scratch, granules) in [(rows, plan.rows_granules()), (line, plan.line_granules())] {
            let (zero, start) = (b.i32(0), b.start_of(scratch));
            each_register(b, granules / VREG_GRANULES, |b, offset| {
                let at = further(b, start, offset);
                b.store(at, zero);
            });
        }
        Self { plan, rows, line }
    }

    pub(super) fn window(&self, b: &mut Builder, step: &Step) {
        let plan = self.plan;
        let line = b.start_of(self.line).plus(plan.line_slack());
        let distance = self.distance(b, step);
        if plan.spec.way == Way::FromLine {
            copy(b, plan.registers, step.inputs[0], line);
        }
        if plan.spec.is_short() {
            self.tile_rows(b, step, distance);
        } else {
            self.long_rows(b, step, distance);
        }
        if plan.spec.way == Way::ToLine {
            copy(b, plan.registers, line, step.outputs[0]);
        }
    }

    /// Elements from the start of the line's window to that of the rows' window: a small number,
    /// whatever overflows on the way.
    fn distance(&self, b: &mut Builder, step: &Step) -> S {
        let plan = self.plan;
        let per_tile_row = int(SUBLANES * plan.spec.lanes);
        let index = step.indices[0];
        let skewed = plan.skew.position(b, index);
        match plan.spec.way {
            Way::ToLine => {
                let rows = b.smul_imm(skewed, per_tile_row);
                let line = b.smul_imm(index, int(plan.registers * WORDS));
                b.ssub(rows, line)
            }
            Way::FromLine => {
                let rows = b.smul_imm(index, int(plan.tile_rows).wrapping_mul(per_tile_row));
                let line = b.smul_imm(skewed, int(LANES));
                let columns = b.smul_imm(step.indices[1], int(plan.columns * LANES));
                let rows = b.sadd(rows, columns);
                b.ssub(rows, line)
            }
        }
    }

    /// The row whose first element is so many elements from the start of the line's window.
    pub(super) fn row(&self, b: &mut Builder, position: S) -> Row {
        let plan = self.plan;
        let (seven, mask) = (b.s(int(LANES.ilog2() as usize)), b.s(int(LANES - 1)));
        let lane = b.sand(position, mask);
        // Rows that are not in the window of the line are beside it, wherever they would be.
        let granule = b.ssra(position, seven);
        let (before, behind) = (-int(plan.row_granules()), int(plan.registers * VREG_GRANULES));
        let (before, behind) = (b.s(before), b.s(behind));
        let granule = b.smax(granule, before);
        let granule = b.smin(granule, behind);
        Row { granule: b.sadd_imm(granule, self.line_start(b)), lane }
    }

    /// The first granule of the window of the line in the scratch.
    pub(super) fn line_start(&self, b: &Builder) -> i32 {
        b.base(self.line) + int(self.plan.line_slack())
    }
}

/// Copies registers.
pub(super) fn copy(b: &mut Builder, registers: usize, from: Address, to: Address) {
    each_register(b, registers, |b, offset| {
        let source = further(b, from, offset);
        let value = b.load(source);
        let target = further(b, to, offset);
        b.store(target, value);
    });
}

/// What is done for each of so many registers, with its granules from the first: several at a time,
/// some twice.
fn each_register(b: &mut Builder, registers: usize, body: impl Fn(&mut Builder, S)) {
    let at_once = AT_ONCE.min(registers);
    if at_once == 0 {
        return;
    }
    let (count, last) = (b.s(int(registers.div_ceil(at_once))), b.s(int(registers - at_once)));
    b.for_loop(count, &[], |b, index, _| {
        let first = b.smul_imm(index, int(at_once));
        let first = b.smin(first, last);
        let offset = b.smul_imm(first, int(VREG_GRANULES));
        for register in 0..at_once {
            let offset = b.sadd_imm(offset, int(register * VREG_GRANULES));
            body(b, offset);
        }
        Vec::new()
    });
}

fn further(b: &mut Builder, at: Address, offset: S) -> Address {
    Address { base: b.sadd(at.base, offset), ..at }
}
