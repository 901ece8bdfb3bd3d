//! What the two cores of a chip give each other in the middle of a launch.
//!
//! A core sends from its VMEM to that of the other, which waits for it. That takes about as long as
//! the start of a transfer, and much less than another launch would.

use palmetto_isa::{
    DmaDescriptor, MemorySpace,
    memory::{GRANULE_BYTES, VREG_GRANULES},
};

use crate::{
    llo::{Builder, M, S, ScratchId, V},
    operand::int,
};

/// Of two ways to compute something, that of both cores is taken if it is modelled to take less
/// than so many times as long as that of one.
pub(crate) const ABOUT: f64 = 1.05;

/// A way from a scratch of one core to a scratch of the other. It can be taken once in a launch:
/// the other core may be ahead.
pub(crate) struct Link {
    outgoing: ScratchId,
    /// Where it arrives.
    pub(crate) incoming: ScratchId,
    descriptor: u32,
    bytes: usize,
    /// The sync flag of what is sent; the next is that of what arrives.
    flag: i32,
}

impl Link {
    /// Sync flags that a link takes.
    pub(crate) const N_FLAGS: usize = 2;

    /// For all of `outgoing`, which has so many granules.
    pub(crate) fn new(b: &mut Builder, outgoing: ScratchId, granules: usize, flag: i32) -> Self {
        let incoming = b.scratch("incoming", MemorySpace::Vmem, granules);
        let descriptor = b.descriptor(DmaDescriptor {
            source: MemorySpace::Vmem,
            target: MemorySpace::Vmem,
            granules: u32::try_from(granules).expect("VMEM has fewer granules"),
            dimensions: Vec::new(),
        });
        Self { outgoing, incoming, descriptor, bytes: granules * GRANULE_BYTES, flag }
    }

    /// Sends to `core`.
    pub(crate) fn send(&self, b: &mut Builder, core: S) {
        let [from, to] = [self.outgoing, self.incoming].map(|scratch| b.s(b.base(scratch)));
        let [sent, received] = [self.flag, self.flag + 1].map(|flag| b.s(flag));
        b.send_dma(self.outgoing, self.descriptor, [from, to, sent, core, received]);
    }

    /// The other core sends what the first waits for, which then does `rest`.
    pub(crate) fn gather(&self, b: &mut Builder, rest: impl FnOnce(&mut Builder)) {
        let (core, zero) = (b.score(), b.s(0));
        let (is_first, is_other) = (b.scmp_eq(core, zero), b.scmp_ne(core, zero));
        b.if_then(is_other, |b| {
            self.send(b, zero);
            self.wait_sent(b);
        });
        b.if_then(is_first, |b| {
            self.wait_received(b);
            rest(b);
        });
    }

    /// Waits until what was sent may be overwritten.
    pub(crate) fn wait_sent(&self, b: &mut Builder) {
        let (flag, bytes) = (b.s(self.flag), b.s(int(self.bytes)));
        b.wait_dma(self.outgoing, flag, bytes);
    }

    /// Waits for what the other core sends.
    pub(crate) fn wait_received(&self, b: &mut Builder) {
        let (flag, bytes) = (b.s(self.flag + 1), b.s(int(self.bytes)));
        b.wait_dma(self.incoming, flag, bytes);
    }
}

/// Registers that both cores give each other.
pub(crate) struct Exchange {
    outgoing: ScratchId,
    link: Link,
}

impl Exchange {
    /// An exchange of so many registers.
    pub(crate) fn new(b: &mut Builder, n_registers: usize, flag: i32) -> Self {
        let granules = n_registers * VREG_GRANULES;
        let outgoing = b.scratch("outgoing", MemorySpace::Vmem, granules);
        Self { outgoing, link: Link::new(b, outgoing, granules, flag) }
    }

    /// Granules of VMEM that an exchange of so many registers takes.
    pub(crate) fn granules(n_registers: usize) -> usize {
        2 * n_registers * VREG_GRANULES
    }

    /// Gives the other core `values`, and gets as many from it.
    pub(crate) fn swap(&self, b: &mut Builder, values: &[V]) -> Vec<V> {
        let [from, to] = [self.outgoing, self.link.incoming].map(|scratch| b.start_of(scratch));
        for (n, value) in values.iter().enumerate() {
            b.store(from.plus(n * VREG_GRANULES), *value);
        }
        let other = other_core(b);
        self.link.send(b, other);
        self.link.wait_sent(b);
        self.link.wait_received(b);
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
