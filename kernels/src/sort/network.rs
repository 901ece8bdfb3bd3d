//! The bitonic network.
//!
//! Stage `t` makes sorted blocks of `2^(t+1)` elements of sorted blocks of half the size, one of
//! each pair of which descends: its levels `t` to 0 compare elements whose places differ in one
//! bit, and put the one that comes first where the bit is 0, or where it is 1 in blocks that are to
//! descend. Those are the blocks with bit `t + 1` of their places set; of the last stage there is
//! none.
//!
//! What a bit is decides what a level does: registers are compared with registers, or with
//! themselves after sublanes or lanes changed places.

use palmetto_isa::{
    MemorySpace,
    memory::{LANES, VREG_GRANULES},
};

use super::{
    order::Registers,
    plan::{Part, Plan},
};
use crate::{
    llo::{Address, Builder, M, S, ScratchId, V},
    operand::int,
};

/// Pairs of registers that a loop body works on.
const PAIRS: usize = 4;
/// Registers whose sublanes a loop body works on.
const SUBLANES_UNROLLED: usize = 4;
/// Registers that the cross-lane units are given at a time: as many as their results have room for.
const IN_FLIGHT: usize = 48;

/// The first registers of each series, `2^shift` of them, as far as they are still needed.
#[derive(Clone, Copy)]
pub(super) struct Active {
    pub(super) shift: S,
    /// How many a loop body works on, at most, and how many of these are of one series.
    at_once: usize,
    run: usize,
}

pub(super) struct Kernel<'a> {
    pub(super) plan: &'a Plan<'a>,
    /// The half of the series that the registers hold, if they hold only halves.
    half: Option<S>,
    /// Of each column, its registers.
    columns: Vec<ScratchId>,
}

impl<'a> Kernel<'a> {
    pub(super) fn new(b: &mut Builder, plan: &'a Plan<'a>) -> Self {
        let granules = plan.n_registers * VREG_GRANULES;
        let columns = plan.order.columns.iter();
        let columns = columns.map(|_| b.scratch("column", MemorySpace::Vmem, granules)).collect();
        // There are as many halves as cores: each core has one.
        let half = (plan.part == Part::Halves).then(|| b.score());
        Self { plan, half, columns }
    }

    /// Sorts all series.
    pub(super) fn sort(&self, b: &mut Builder) {
        if let Some(kept) = self.plan.kept_bits {
            self.select(b, kept);
            return;
        }
        let bits = self.plan.bits;
        let all = self.active(b, bits.registers().ilog2() as usize);
        // Stages of the lanes.
        let of_lanes = b.s(int(bits.lanes.min(bits.all)));
        if bits.lanes > 0 {
            b.for_loop(of_lanes, &[], |b, stage, _| {
                let next = b.sadd_imm(stage, 1);
                self.lane_levels(b, (next, next), all);
                Vec::new()
            });
        }
        let lanes = b.s(int(bits.lanes));
        for stage in bits.lanes..bits.inner().min(bits.all) {
            let levels: Vec<usize> = (bits.lanes..=stage).rev().collect();
            let next = b.s(int(stage + 1));
            self.sublane_levels(b, next, &levels, all);
            self.lane_levels(b, (next, lanes), all);
        }
        if bits.all <= bits.inner() {
            return;
        }
        let stages = b.s(int(bits.all - bits.inner()));
        b.for_loop(stages, &[], |b, n, _| {
            let levels = b.sadd_imm(n, 1);
            self.merge(b, levels, all);
            Vec::new()
        });
    }

    /// The levels of a stage that begins with so many levels of registers.
    pub(super) fn merge(&self, b: &mut Builder, levels: S, all: Active) {
        let bits = self.plan.bits;
        let next = b.sadd_imm(levels, int(bits.inner()));
        b.for_loop(levels, &[], |b, n, _| {
            let (above, one) = (b.ssub(levels, n), b.s(1));
            let level = b.ssub(above, one);
            self.register_level(b, levels, level);
            Vec::new()
        });
        let of_sublanes: Vec<usize> = (bits.lanes..bits.inner()).rev().collect();
        self.sublane_levels(b, next, &of_sublanes, all);
        let lanes = b.s(int(bits.lanes));
        self.lane_levels(b, (next, lanes), all);
    }

    /// The number in its series of a register.
    pub(super) fn in_series(&self, b: &mut Builder, register: S) -> S {
        let registers = self.plan.bits.registers();
        let last = b.s(int(registers - 1));
        let number = b.sand(register, last);
        let Some(half) = self.half else { return number };
        let before = b.smul_imm(half, int(registers));
        b.sadd(before, number)
    }

    /// All of the first `2^shift` registers of each series.
    pub(super) fn active(&self, b: &mut Builder, shift: usize) -> Active {
        let per_series = 1 << shift;
        let all = self.plan.n_series() * per_series;
        let mut at_once = self.plan.unrolled;
        while !all.is_multiple_of(at_once) {
            at_once /= 2;
        }
        Active { shift: b.s(int(shift)), at_once, run: at_once.min(per_series) }
    }

    /// The first `2^shift` registers of each series, at least as many as a loop body works on.
    pub(super) fn active_of(&self, shift: S) -> Active {
        let at_once = self.plan.unrolled;
        Active { shift, at_once, run: at_once }
    }

    /// Runs `body` for all active registers, `at_once` of them or a part of that at a time: with
    /// the first of them, and how far each is from it.
    pub(super) fn each(
        &self,
        b: &mut Builder,
        active: Active,
        at_once: usize,
        body: impl FnOnce(&mut Builder, S, &[usize]),
    ) {
        let at_once = at_once.min(active.at_once);
        let run = at_once.min(active.run);
        let registers = self.plan.bits.registers();
        let offsets: Vec<usize> = (0..at_once).map(|n| n / run * registers + n % run).collect();
        let n_series = b.s(int(self.plan.n_series()));
        let all = b.sshl(n_series, active.shift);
        let unit = b.s(int(at_once.ilog2() as usize));
        let trips = b.sshr(all, unit);
        b.for_loop(trips, &[], |b, index, _| {
            let first = b.smul_imm(index, int(at_once));
            let first = self.number(b, first, active.shift);
            body(b, first, &offsets);
            Vec::new()
        });
    }

    /// The number of active register `index`.
    pub(super) fn number(&self, b: &mut Builder, index: S, shift: S) -> S {
        let one = b.s(1);
        let per_series = b.sshl(one, shift);
        let last = b.ssub(per_series, one);
        let (series, within) = (b.sshr(index, shift), b.sand(index, last));
        let first = b.smul_imm(series, int(self.plan.bits.registers()));
        b.sadd(first, within)
    }

    pub(super) fn at(&self, b: &mut Builder, register: S) -> S {
        b.smul_imm(register, int(VREG_GRANULES))
    }

    fn address(&self, b: &mut Builder, column: usize, base: S) -> Address {
        Address { base, ..b.start_of(self.columns[column]) }
    }

    /// All columns of a register.
    pub(super) fn load_all(&self, b: &mut Builder, register: S) -> Registers {
        let base = self.at(b, register);
        self.load_from(b, base, 0)
    }

    pub(super) fn store_all(&self, b: &mut Builder, register: S, values: &[V]) {
        let base = self.at(b, register);
        self.store_to(b, base, 0, values);
    }

    /// All columns of the register `n` behind the one at granule `base`.
    pub(super) fn load_from(&self, b: &mut Builder, base: S, n: usize) -> Registers {
        let columns = 0..self.columns.len();
        columns
            .map(|c| {
                let at = self.address(b, c, base).plus(n * VREG_GRANULES);
                b.load(at)
            })
            .collect()
    }

    pub(super) fn store_to(&self, b: &mut Builder, base: S, n: usize, values: &[V]) {
        for (column, value) in values.iter().enumerate() {
            let at = self.address(b, column, base).plus(n * VREG_GRANULES);
            b.store(at, *value);
        }
    }

    /// Compares registers whose numbers differ in bit `level`, where blocks descend whose numbers
    /// have bit `next` set.
    fn register_level(&self, b: &mut Builder, next: S, level: S) {
        let pairs = self.plan.n_registers / 2;
        let at_once = if pairs.is_multiple_of(PAIRS) { PAIRS } else { 1 };
        let (one, zero) = (b.s(1), b.i32(0));
        let distance = b.sshl(one, level);
        let below = b.ssub(distance, one);
        let trips = b.s(int(pairs / at_once));
        let apart = b.smul_imm(distance, int(VREG_GRANULES));
        b.for_loop(trips, &[], |b, index, _| {
            let first = b.smul_imm(index, int(at_once));
            let mut loaded = Vec::new();
            for n in 0..at_once {
                let pair = b.sadd_imm(first, int(n));
                // Bit `level` of the number is put in, as 0.
                let (above, within) = (b.sshr(pair, level), b.sand(pair, below));
                let (above, one) = (b.sshl(above, level), b.s(1));
                let above = b.sshl(above, one);
                let number = b.sor(above, within);
                let of_series = self.in_series(b, number);
                let block = b.sshr(of_series, next);
                let descends = b.sand(block, one);
                let low = self.at(b, number);
                let high = b.sadd(low, apart);
                let (x, y) = (self.load_from(b, low, 0), self.load_from(b, high, 0));
                loaded.push((low, high, descends, x, y));
            }
            for (low, high, descends, x, y) in loaded {
                let descends = b.vsplat(descends);
                let descends = b.vcmp_ne_s32(descends, zero);
                let is_before = self.plan.order.is_before(b, &y, &x);
                let swaps = b.vmxor(is_before, descends);
                let first = choose(b, swaps, &y, &x);
                let second = choose(b, swaps, &x, &y);
                self.store_to(b, low, 0, &first);
                self.store_to(b, high, 0, &second);
            }
            Vec::new()
        });
    }

    /// 1 for elements that get the one that comes last of a comparison of those whose places differ
    /// in bit `level`, where blocks with bit `next` set descend, as far as places within a register
    /// say; else 0.
    fn takes_last(&self, b: &mut Builder, next: S, level: S) -> V {
        let inside = self.inside(b);
        let one = b.i32(1);
        let (level, next) = (b.vsplat(level), b.vsplat(next));
        let (is_high, descends) = (b.vshr(inside, level), b.vshr(inside, next));
        let either = b.vxor(is_high, descends);
        b.vand(either, one)
    }

    /// Bit `next` of the places of a register's elements, if it is a bit of the number of the
    /// register, else 0.
    fn descends(&self, b: &mut Builder, next: S, register: S) -> S {
        let bits = self.plan.bits;
        let (one, of_series) = (b.s(1), self.in_series(b, register));
        let first = b.smul_imm(of_series, int(1 << bits.inner()));
        let block = b.sshr(first, next);
        b.sand(block, one)
    }

    /// Compares elements whose places differ in a bit of the sublanes, in each of the `levels`.
    pub(super) fn sublane_levels(
        &self,
        b: &mut Builder,
        next: S,
        levels: &[usize],
        active: Active,
    ) {
        if levels.is_empty() {
            return;
        }
        let takes_last: Vec<V> = (levels.iter())
            .map(|level| {
                let level = b.s(int(*level));
                self.takes_last(b, next, level)
            })
            .collect();
        self.each(b, active, SUBLANES_UNROLLED, |b, first, offsets| {
            let base = self.at(b, first);
            let registers: Vec<Registers> =
                offsets.iter().map(|n| self.load_from(b, base, *n)).collect();
            for (n, mut own) in offsets.iter().zip(registers) {
                let register = b.sadd_imm(first, int(*n));
                let descends = self.descends(b, next, register);
                let descends = b.vsplat(descends);
                for (level, takes_last) in levels.iter().zip(&takes_last) {
                    let bit = level - self.plan.bits.lanes;
                    let other = other_sublanes(b, bit, &own);
                    own = self.exchanged(b, (&own, &other), (*takes_last, descends));
                }
                self.store_to(b, base, *n, &own);
            }
        });
    }

    /// Compares elements whose places differ in a bit of the lanes: in the lowest `levels` of them.
    pub(super) fn lane_levels(&self, b: &mut Builder, (next, levels): (S, S), active: Active) {
        if self.plan.bits.lanes == 0 {
            return;
        }
        b.for_loop(levels, &[], |b, n, _| {
            let one = b.s(1);
            let level = b.ssub(levels, n);
            let level = b.ssub(level, one);
            self.lane_level(b, (next, level), active);
            Vec::new()
        });
    }

    /// Compares elements whose places differ in bit `level`, of the lanes.
    pub(super) fn lane_level(&self, b: &mut Builder, (next, level): (S, S), active: Active) {
        let mut at_once = active.at_once;
        while at_once > 1 && at_once * self.columns.len() > IN_FLIGHT {
            at_once /= 2;
        }
        let (one, lane) = (b.s(1), b.vlane());
        let distance = b.sshl(one, level);
        let distance = b.vsplat(distance);
        let partner = b.vxor(lane, distance);
        let takes_last = self.takes_last(b, next, level);
        self.each(b, active, at_once, |b, first, offsets| {
            let base = self.at(b, first);
            let owns: Vec<Registers> =
                offsets.iter().map(|n| self.load_from(b, base, *n)).collect();
            let unit = |n: usize| u8::from(n % 2 == 1);
            for (n, value) in owns.iter().flatten().enumerate() {
                b.xlu_gather(unit(n), *value, partner);
            }
            for (n, offset) in offsets.iter().enumerate() {
                let popped = n * self.columns.len()..(n + 1) * self.columns.len();
                let other: Registers = popped.map(|n| b.xlu_pop(unit(n))).collect();
                let own = self.load_from(b, base, *offset);
                let register = b.sadd_imm(first, int(*offset));
                let descends = self.descends(b, next, register);
                let descends = b.vsplat(descends);
                let own = self.exchanged(b, (&own, &other), (takes_last, descends));
                self.store_to(b, base, *offset, &own);
            }
        });
    }

    /// Of each element and its partner the one that belongs at its place.
    fn exchanged(
        &self,
        b: &mut Builder,
        (own, other): (&[V], &[V]),
        (takes_last, descends): (V, V),
    ) -> Registers {
        let takes_last: M = b.vcmp_ne_s32(takes_last, descends);
        let is_before = self.plan.order.is_before(b, other, own);
        let takes_other = b.vmxor(is_before, takes_last);
        choose(b, takes_other, other, own)
    }
}

/// `x` where the mask is set, else `y`.
pub(super) fn choose(b: &mut Builder, mask: M, x: &[V], y: &[V]) -> Registers {
    x.iter().zip(y).map(|(x, y)| b.vsel(mask, *x, *y)).collect()
}

/// Sublanes from those whose numbers differ in bit `bit`.
fn other_sublanes(b: &mut Builder, bit: usize, values: &[V]) -> Registers {
    let distance = 1_u8 << bit;
    let (sublane, mask, zero) = (b.vsublane(), b.i32(i32::from(distance)), b.i32(0));
    let here = b.vand(sublane, mask);
    let is_low = b.vcmp_eq_s32(here, zero);
    let moved = values.iter().map(|value| {
        let up = b.vrot_sublane(*value, distance);
        if distance == 4 {
            return up;
        }
        let down = b.vrot_sublane(*value, 8 - distance);
        b.vsel(is_low, down, up)
    });
    moved.collect()
}

const _: () = assert!(LANES == 128, "the lanes are seven bits of a place");
