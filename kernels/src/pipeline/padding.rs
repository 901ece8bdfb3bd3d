//! Padding that no window covers, and that later kernels read with the tiles before it.

use super::int;
use crate::llo::{Address, Builder};
use palmetto_isa::{
    DmaDescriptor, MemorySpace,
    memory::{GRANULE_BYTES, VREG_GRANULES},
};

/// Granules that are written at a time.
const AT_ONCE: usize = 256;

/// Granules at the end of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Padding {
    /// Which launch argument is the array's first granule.
    pub argument: usize,
    /// The first granule of the padding, from there.
    pub first: usize,
    /// How many granules.
    pub granules: usize,
}

impl Padding {
    /// Emits zeros into the padding, written by the last core, with a sync flag of their own.
    pub fn clear(&self, b: &mut Builder, n_cores: u32, flag: i32) {
        if self.granules == 0 {
            return;
        }
        let at_once = self.granules.min(AT_ONCE);
        let space = at_once.next_multiple_of(VREG_GRANULES);
        let zeros = b.scratch("padding", MemorySpace::Vmem, space);
        let descriptor = b.descriptor(DmaDescriptor {
            source: MemorySpace::Vmem,
            target: MemorySpace::Hbm,
            granules: u32::try_from(at_once).expect("at most 256"),
            dimensions: Vec::new(),
        });
        let (core, last) = (b.score(), b.s(int(n_cores as usize - 1)));
        let is_last = b.scmp_eq(core, last);
        b.if_then(is_last, |b| {
            let (zero, start) = (b.i32(0), b.start_of(zeros));
            let registers = b.s(int(space / VREG_GRANULES));
            b.for_loop(registers, &[], |b, index, _| {
                let base = b.smul_imm(index, int(VREG_GRANULES));
                b.store(Address { base, ..start }, zero);
                Vec::new()
            });
            let array = b.argument(self.argument);
            let from = b.s(b.base(zeros));
            let (flag, bytes) = (b.s(flag), b.s(int(at_once * GRANULE_BYTES)));
            let count = b.s(int(self.granules.div_ceil(at_once)));
            let last = b.s(int(self.granules - at_once));
            b.for_loop(count, &[], |b, index, _| {
                let offset = b.smul_imm(index, int(at_once));
                let offset = b.smin(offset, last);
                let to = b.sadd(array, offset);
                let to = b.sadd_imm(to, int(self.first));
                b.start_dma(zeros, descriptor, [from, to, flag]);
                b.wait_dma(zeros, flag, bytes);
                Vec::new()
            });
        });
    }
}
