//! A reduction to one block of which both cores have a share.
//!
//! Each core reduces its steps to slots: whole registers of 32-bit words, not combined across
//! sublanes and lanes and not rounded yet. The other core sends its slots to the first, which
//! combines the two and makes the result.

use palmetto_isa::{
    ChipSpec, DmaDescriptor, MemorySpace,
    memory::{GRANULE_BYTES, VREG_GRANULES},
};

use super::{
    Reduce, ReduceError,
    accumulate::{Count, Kernel, repeat},
    cost,
    plan::{self, Plan},
};
use crate::{
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

/// Where the first core gets the slots of the other one.
pub(super) struct Gathering {
    incoming: ScratchId,
    descriptor: u32,
    bytes: usize,
    /// The sync flag of what is sent; the next is that of what arrives.
    flag: i32,
}

impl Gathering {
    pub(super) fn new(b: &mut Builder, plan: &Plan<'_>, flag: i32) -> Self {
        let granules = plan.slots_granules();
        let incoming = b.scratch("incoming", MemorySpace::Vmem, granules);
        let descriptor = b.descriptor(DmaDescriptor {
            source: MemorySpace::Vmem,
            target: MemorySpace::Vmem,
            granules: u32::try_from(granules).expect("VMEM has fewer granules"),
            dimensions: Vec::new(),
        });
        Self { incoming, descriptor, bytes: granules * GRANULE_BYTES, flag }
    }

    /// After a core's last step: the other core sends its slots, the first makes the result.
    pub(super) fn finish(&self, b: &mut Builder, kernel: &Kernel<'_>, step: &Step) {
        let (core, zero) = (b.score(), b.s(0));
        let (is_first, is_other) = (b.scmp_eq(core, zero), b.scmp_ne(core, zero));
        let [sent, received] = [self.flag, self.flag + 1].map(|flag| b.s(flag));
        let bytes = b.s(int(self.bytes));
        b.if_then(is_other, |b| {
            let [from, to] = [kernel.slots, self.incoming].map(|scratch| b.s(b.base(scratch)));
            b.send_dma(kernel.slots, self.descriptor, [from, to, sent, zero, received]);
            b.wait_dma(kernel.slots, sent, bytes);
        });
        b.if_then(is_first, |b| {
            b.wait_dma(self.incoming, received, bytes);
            self.combine(b, kernel);
            kernel.finish(b, step);
        });
    }

    /// Combines the slots with those of the other core.
    fn combine(&self, b: &mut Builder, kernel: &Kernel<'_>) {
        repeat(b, Count::Known(kernel.plan.n_slots()), Vec::new(), |b, index, _| {
            let offset = b.smul_imm(index, int(VREG_GRANULES));
            let [mine, theirs] = [kernel.slots, self.incoming].map(|slots| at(b, slots, offset));
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
