//! Registers that the two cores of a chip give each other in the middle of a launch.
//!
//! Each core sends what it has from its VMEM to that of the other and waits for what comes. That
//! takes about as long as the start of a transfer, and much less than another launch would.

use palmetto_isa::{
    DmaDescriptor, MemorySpace,
    memory::{GRANULE_BYTES, VREG_GRANULES},
};

use crate::{
    llo::{Builder, M, S, ScratchId, V},
    operand::int,
};

/// Where registers are put to be sent, and where those of the other core arrive.
pub(crate) struct Exchange {
    outgoing: ScratchId,
    incoming: ScratchId,
    descriptor: u32,
    bytes: usize,
    /// The sync flag of what is sent; the next is that of what arrives.
    flag: i32,
}

impl Exchange {
    /// Sync flags that an exchange takes.
    pub(crate) const N_FLAGS: usize = 2;

    /// An exchange of so many registers. It can take place once in a launch: the other core may be
    /// ahead.
    pub(crate) fn new(b: &mut Builder, n_registers: usize, flag: i32) -> Self {
        let granules = n_registers * VREG_GRANULES;
        let outgoing = b.scratch("outgoing", MemorySpace::Vmem, granules);
        let incoming = b.scratch("incoming", MemorySpace::Vmem, granules);
        let descriptor = b.descriptor(DmaDescriptor {
            source: MemorySpace::Vmem,
            target: MemorySpace::Vmem,
            granules: u32::try_from(granules).expect("VMEM has fewer granules"),
            dimensions: Vec::new(),
        });
        Self { outgoing, incoming, descriptor, bytes: granules * GRANULE_BYTES, flag }
    }

    /// Granules of VMEM that an exchange of so many registers takes.
    pub(crate) fn granules(n_registers: usize) -> usize {
        2 * n_registers * VREG_GRANULES
    }

    /// Gives the other core `values`, and gets as many from it.
    pub(crate) fn swap(&self, b: &mut Builder, values: &[V]) -> Vec<V> {
        let [from, to] = [self.outgoing, self.incoming].map(|scratch| b.start_of(scratch));
        for (n, value) in values.iter().enumerate() {
            b.store(from.plus(n * VREG_GRANULES), *value);
        }
        let [sent, received] = [self.flag, self.flag + 1].map(|flag| b.s(flag));
        let other = other_core(b);
        let from = b.s(b.base(self.outgoing));
        let target = b.s(b.base(self.incoming));
        b.send_dma(self.outgoing, self.descriptor, [from, target, sent, other, received]);
        let bytes = b.s(int(self.bytes));
        b.wait_dma(self.outgoing, sent, bytes);
        b.wait_dma(self.incoming, received, bytes);
        (0..values.len()).map(|n| b.load(to.plus(n * VREG_GRANULES))).collect()
    }
}

/// The number of the other core of the chip.
fn other_core(b: &mut Builder) -> S {
    let (core, one) = (b.score(), b.s(1));
    b.sxor(core, one)
}

/// Whether this is core 0, in every word.
pub(crate) fn is_first_core(b: &mut Builder) -> M {
    let (core, zero) = (b.score(), b.i32(0));
    let core = b.vsplat(core);
    b.vcmp_eq_s32(core, zero)
}
