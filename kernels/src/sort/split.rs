//! A sort of series that are all of one window in two launches, so that both cores have a share.
//!
//! [`halves`] sorts on each core a half of every series; those of the second half descend. What it
//! gives are the columns of both halves as whole registers, with keys and positions. [`merge`] is
//! the last stage of the network: each core compares the two halves place by place, keeps what
//! belongs to its half of the result, and sorts that. Of the first few elements of series the
//! second launch is so little that one core does it.

use palmetto_isa::{ChipSpec, memory::VREG_GRANULES};

use super::{
    Sort, SortError,
    network::{Kernel, choose},
    plan::{self, Part},
};
use crate::{
    llo::{Address, Builder, Function},
    operand::int,
    pipeline::{Step, pipeline},
};

/// Registers times levels of the network from which on two launches take less time than one:
/// measured.
const PAYS_FROM: usize = 300;

impl Sort {
    /// Registers of the array between the launches, if it pays to make two of this sort.
    pub fn split(&self, chip: &ChipSpec) -> Option<usize> {
        let whole = plan::plan(self, Part::Whole, chip).ok()?;
        let is_one_step = whole.grid.parallel_steps() == 1 && chip.n_cores == 2;
        if !is_one_step || whole.bits.registers() < 2 * whole.packing {
            return None;
        }
        let [halves, merge] = [Part::Halves, Part::Merge].map(|part| plan::plan(self, part, chip));
        let (halves, merge) = (halves.ok()?, merge.ok()?);
        let pays = whole.n_registers * whole.levels() >= PAYS_FROM;
        let is_possible =
            halves.grid.parallel_steps() == 2 && halves.n_between() == merge.n_between();
        (pays && is_possible).then(|| 2 * halves.n_between() * halves.order.columns.len())
    }
}

/// The first launch. Launch arguments are the operands that are arrays, then the array of the
/// halves.
///
/// # Errors
/// If the shapes do not suit the kernel; see [`SortError`].
pub fn halves(spec: &Sort, chip: &ChipSpec) -> Result<Function, SortError> {
    let plan = plan::plan(spec, Part::Halves, chip)?;
    let mut b = plan.builder();
    let kernel = Kernel::new(&mut b, &plan);
    kernel.fill(&mut b);
    let windows = (plan.inputs.as_slice(), plan.outputs.as_slice());
    pipeline(&mut b, (&plan.grid, chip.n_cores), windows, |b, step| {
        kernel.unpack(b, step);
        kernel.sort(b);
        kernel.store_half(b, step);
    });
    Ok(b.finish())
}

/// The second launch. Launch arguments are the array of the halves, then the results.
///
/// # Errors
/// If the shapes do not suit the kernel; see [`SortError`].
pub fn merge(spec: &Sort, chip: &ChipSpec) -> Result<Function, SortError> {
    let plan = plan::plan(spec, Part::Merge, chip)?;
    let mut b = plan.builder();
    let kernel = Kernel::new(&mut b, &plan);
    let windows = (plan.inputs.as_slice(), plan.outputs.as_slice());
    pipeline(&mut b, (&plan.grid, chip.n_cores), windows, |b, step| {
        kernel.load_halves(b, step);
        let registers = plan.bits.registers().ilog2() as usize;
        let (all, levels) = (kernel.active(b, registers), b.s(int(registers)));
        match plan.kept_bits {
            Some(kept) => {
                let (none, kept) = (b.s(int(plan.bits.all)), b.s(int(kept)));
                kernel.lane_levels(b, (none, kept), all);
            }
            None => kernel.merge(b, levels, all),
        }
        kernel.pack(b, step);
    });
    Ok(b.finish())
}

impl Kernel<'_> {
    /// The sorted registers, column by column, to the array between the launches.
    fn store_half(&self, b: &mut Builder, step: &Step) {
        let (of_column, stride) = self.between();
        let count = b.s(int(self.plan.n_between()));
        b.for_loop(count, &[], |b, n, _| {
            let register = b.smul_imm(n, int(stride));
            let values = self.load_all(b, register);
            let offset = self.at(b, n);
            let at = Address { base: b.sadd(step.outputs[0].base, offset), ..step.outputs[0] };
            for (column, value) in values.iter().enumerate() {
                b.store(at.plus(column * of_column), *value);
            }
            Vec::new()
        });
    }

    /// Of each two elements at the same place in the two halves the one that belongs to the half
    /// of the result that is this core's: there they rise and fall once.
    fn load_halves(&self, b: &mut Builder, step: &Step) {
        let (of_column, _) = self.between();
        let n_columns = self.plan.order.columns.len();
        let (core, zero) = (b.score(), b.i32(0));
        let core = b.vsplat(core);
        let takes_last = b.vcmp_ne_s32(core, zero);
        let count = b.s(int(self.plan.n_between()));
        b.for_loop(count, &[], |b, n, _| {
            let offset = self.at(b, n);
            let at = Address { base: b.sadd(step.inputs[0].base, offset), ..step.inputs[0] };
            let [x, y] = [0, n_columns * of_column].map(|half| {
                let columns = 0..n_columns;
                columns.map(|c| b.load(at.plus(half + c * of_column))).collect::<Vec<_>>()
            });
            let is_before = self.plan.order.is_before(b, &y, &x);
            let takes_second = b.vmxor(is_before, takes_last);
            let kept = choose(b, takes_second, &y, &x);
            self.store_all(b, n, &kept);
            Vec::new()
        });
    }

    /// Granules of a column between the launches, and registers of the network from one that is
    /// stored there to the next.
    fn between(&self) -> (usize, usize) {
        let stride = self.plan.n_registers / self.plan.n_between();
        (self.plan.n_between() * VREG_GRANULES, stride)
    }
}
