//! A reduction to one block of which both cores have a share.
//!
//! Each core reduces its steps to slots: whole registers of 32-bit words, not combined across
//! sublanes and lanes and not rounded yet. The other core sends its slots to the first, which
//! combines the two and makes the result.

use palmetto_isa::{ChipSpec, memory::VREG_GRANULES};

use super::{
    Reduce, ReduceError,
    accumulate::{Count, Kernel, repeat},
    cost,
    plan::{self, Plan},
};
use crate::{
    exchange::Link,
    llo::{Address, Builder, S, ScratchId},
    operand::int,
    pipeline::{Step, Window},
};

/// The plan of a reduction, split between the cores if that pays.
///
/// # Errors
/// If the shapes do not suit the kernel; see [`ReduceError`].
pub(super) fn plan<'a>(spec: &'a Reduce, chip: &ChipSpec) -> Result<Plan<'a>, ReduceError> {
    let whole = plan::plan(spec, chip, false)?;
    if whole.grid.parallel_steps() > 1 || chip.n_cores != 2 {
        return Ok(whole);
    }
    match plan::plan(spec, chip, true) {
        Ok(mut split) if is_possible(&split, chip) && cost::pays((&whole, &split), chip) => {
            split.grid.is_split = true;
            Ok(split)
        }
        _ => Ok(whole),
    }
}

/// Whether there is one block, every core gets a share of its steps, and there is VMEM for the
/// slots of the other core too.
fn is_possible(plan: &Plan<'_>, chip: &ChipSpec) -> bool {
    let outputs = plan.windows();
    let windows = plan.inputs.iter().chain(&outputs);
    let windows = windows.map(Window::buffered_granules).sum::<usize>();
    let needed = windows + 2 * plan.slots_granules();
    let is_shared = plan.grid.parallel_steps() == 1 && plan.grid.reduced_steps() > 1;
    is_shared && needed <= plan::available_granules(chip)
}

/// How the first core gets the slots of the other one.
pub(super) struct Gathering(Link);

impl Gathering {
    pub(super) fn new(b: &mut Builder, kernel: &Kernel<'_>, flag: i32) -> Self {
        Self(Link::new(b, kernel.slots, kernel.plan.slots_granules(), flag))
    }

    /// After a core's last step: the other core sends its slots, the first makes the result.
    pub(super) fn finish(&self, b: &mut Builder, kernel: &Kernel<'_>, step: &Step) {
        self.0.gather(b, |b| {
            self.combine(b, kernel);
            kernel.finish(b, step);
        });
    }

    /// Combines the slots with those of the other core.
    fn combine(&self, b: &mut Builder, kernel: &Kernel<'_>) {
        repeat(b, Count::Known(kernel.plan.n_slots()), Vec::new(), |b, index, _| {
            let offset = b.smul_imm(index, int(VREG_GRANULES));
            let [mine, theirs] = [kernel.slots, self.0.incoming].map(|slots| at(b, slots, offset));
            let first = kernel.load_partial(b, mine);
            let second = kernel.load_partial(b, theirs);
            let both = kernel.plan.spec.combine(b, &first, &second);
            kernel.store_partial(b, mine, &both);
            Vec::new()
        });
    }
}

/// The place so many granules from the start of a scratch.
fn at(b: &mut Builder, scratch: ScratchId, offset: S) -> Address {
    Address { base: offset, ..b.start_of(scratch) }
}
