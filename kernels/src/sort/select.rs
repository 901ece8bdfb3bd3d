//! The first few elements of each series, without sorting the others.
//!
//! Blocks of as many elements as are needed, rounded up to a power of two, are sorted, half of them
//! descending. Then two blocks at a time become one: of each two elements at the same place in the
//! two, of which one ascends and one descends, the one that comes first is kept. Those are the
//! first of both blocks, rotated so that they rise and fall once; the last levels of a merge sort
//! them. What is left of a series is halved every time, so that sorting the blocks takes longest.

use super::network::{Active, Kernel, choose};
use crate::{
    llo::{Builder, S},
    operand::int,
};

/// Pairs of registers that a loop body works on.
const PAIRS: usize = 4;

impl Kernel<'_> {
    /// Brings the first `2^kept` elements of each series to its front.
    pub(super) fn select(&self, b: &mut Builder, kept: usize) {
        let bits = self.plan.bits;
        let shift = bits.registers().ilog2() as usize;
        let all = self.active(b, shift);
        let (levels, top) = (b.s(int(kept)), self.after(b, bits.all, kept));
        b.for_loop(levels, &[], |b, stage, _| {
            let level = b.sadd_imm(stage, 1);
            // Blocks that will be merged with each other first differ in the highest bit.
            let is_last = b.scmp_eq(level, levels);
            let next = b.ssel(is_last, top, level);
            self.lane_levels(b, (next, level), all);
            Vec::new()
        });
        let unrolled = self.plan.unrolled.ilog2() as usize;
        let many = b.s(int(shift.saturating_sub(unrolled)));
        let last = b.s(int(shift) - 1);
        b.for_loop(many, &[], |b, n, _| {
            let shift = b.ssub(last, n);
            let active = self.active_of(shift);
            let next = b.sadd_imm(shift, int(bits.inner()) - 1);
            self.halve(b, active, (next, levels));
            Vec::new()
        });
        for shift in (0..shift.min(unrolled)).rev() {
            let active = self.active(b, shift);
            let next = self.after(b, bits.inner() + shift, kept);
            self.halve(b, active, (next, levels));
        }
        let active = self.active(b, 0);
        for bit in (kept..bits.inner().min(bits.all)).rev() {
            // The one that comes first goes where the bit is 0, everywhere and in both halves.
            let none = b.s(int(bits.all + 1));
            if bit >= bits.lanes {
                self.sublane_levels(b, none, &[bit], active);
            } else {
                let level = b.s(int(bit));
                self.lane_level(b, (none, level), active);
            }
            let next = self.after(b, bit, kept);
            self.lane_levels(b, (next, levels), active);
        }
    }

    /// The bit in which blocks differ that are merged after those that differ in `bit`; after the
    /// last ones, one that is never set.
    fn after(&self, b: &mut Builder, bit: usize, kept: usize) -> S {
        b.s(int(if bit > kept { bit - 1 } else { self.plan.bits.all }))
    }

    /// Keeps of twice as many registers as will be active what comes first, and sorts its blocks.
    fn halve(&self, b: &mut Builder, active: Active, (next, levels): (S, S)) {
        self.each(b, active, PAIRS, |b, first, offsets| {
            let one = b.s(1);
            let apart = b.sshl(one, active.shift);
            let high = b.sadd(first, apart);
            let (low, high) = (self.at(b, first), self.at(b, high));
            let pairs: Vec<_> = (offsets.iter())
                .map(|n| (self.load_from(b, low, *n), self.load_from(b, high, *n)))
                .collect();
            for (n, (x, y)) in offsets.iter().zip(pairs) {
                let is_before = self.plan.order.is_before(b, &y, &x);
                let kept = choose(b, is_before, &y, &x);
                self.store_to(b, low, *n, &kept);
            }
        });
        self.lane_levels(b, (next, levels), active);
    }
}
