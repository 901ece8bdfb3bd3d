//! What happens to a fragment in VMEM: its lanes are turned, and put into the window.

use super::{
    TOGETHER,
    emit::{Fragment, Kernel},
};
use crate::{
    llo::{Address, Builder, S, V},
    operand::int,
};
use palmetto_isa::memory::{LANES, VREG_GRANULES};

/// How the words of two granules, a granule apart, make those of the result.
struct Turn {
    /// By how many lanes both are turned.
    lanes: S,
    /// By how many bits the word of the first is moved down.
    down: V,
    /// By how many bits that of the second is moved up.
    up: V,
}

/// Which elements of a register are of the fragment.
struct Bounds {
    /// Per word, how many elements its first one is behind the start of the fragment.
    from_start: V,
    /// The same of the end.
    from_end: V,
}

impl Kernel<'_> {
    /// Puts a fragment into its window; the slots of operand and result begin at these granules.
    pub(super) fn turn(&self, b: &mut Builder, fragment: &Fragment, [from, to]: [S; 2]) {
        let per_register = self.plan.spec.per_register();
        // Where the window begins, counted in elements from the start of what was fetched.
        let fetched = b.smul_imm(fragment.first, int(per_register));
        let window = b.sadd(fragment.window, fragment.distance);
        let window = b.ssub(window, fetched);
        let (start, end) =
            (b.ssub(fragment.start, fragment.window), b.ssub(fragment.end, fragment.window));
        let first = self.register(b, start);
        let rounded = b.sadd_imm(end, int(per_register - 1));
        let behind = self.register(b, rounded);
        let count = b.ssub(behind, first);
        let count = b.sadd_imm(count, int(TOGETHER - 1));
        let shift = b.s(int(TOGETHER.ilog2() as usize));
        let trips = b.sshr(count, shift);
        let trips = b.smul(trips, fragment.is_line);
        let (granule, turn) = self.turn_of(b, window);
        let before = b.smul_imm(first, int(VREG_GRANULES));
        let (from, to) = (b.sadd(from, granule), b.sadd(to, before));
        let from = b.sadd(from, before);
        b.for_loop(trips, &[], |b, index, _| {
            let offset = b.smul_imm(index, int(TOGETHER * VREG_GRANULES));
            let (from, to) = (b.sadd(from, offset), b.sadd(to, offset));
            let from = Address { scratch: self.input, base: from, offset: 0 };
            let to = Address { scratch: self.output, base: to, offset: 0 };
            let register = b.smul_imm(index, int(TOGETHER));
            let register = b.sadd(register, first);
            let position = b.smul_imm(register, int(per_register));
            let bounds = self.bounds(b, (start, end), position);
            self.registers(b, (from, to), &turn, bounds);
            Vec::new()
        });
    }

    /// How a window that begins so many elements behind a granule is turned, and the granule that
    /// its first is made of.
    fn turn_of(&self, b: &mut Builder, window: S) -> (S, Turn) {
        let packing = self.plan.spec.element.packing();
        let (seven, lanes) = (b.s(int(LANES.ilog2() as usize)), b.s(int(LANES - 1)));
        let (run, lane) = (b.ssra(window, seven), b.sand(window, lanes));
        let (shift, parts) = (b.s(int(packing.ilog2() as usize)), b.s(int(packing - 1)));
        let (granule, part) = (b.ssra(run, shift), b.sand(run, parts));
        let size = b.s(int(LANES));
        let back = b.ssub(size, lane);
        let own = b.smul_imm(part, int(32 / packing));
        let next = b.sadd_imm(own, int(32 / packing));
        let (own, next, boundary, number) =
            (b.vsplat(own), b.vsplat(next), b.vsplat(back), b.vlane());
        let is_own = b.vcmp_lt_s32(number, boundary);
        let down = b.vsel(is_own, own, next);
        let word = b.i32(32);
        let up = b.vsub_s32(word, down);
        (granule, Turn { lanes: back, down, up })
    }

    /// The bounds of the register of a window that begins at a position of it.
    fn bounds(&self, b: &mut Builder, (start, end): (S, S), position: S) -> Bounds {
        let packing = self.plan.spec.element.packing();
        let (lane, sublane) = (b.vlane(), b.vsublane());
        let size = b.i32(int(LANES * packing));
        let within = b.vmul_s32(sublane, size);
        let within = b.vadd_s32(within, lane);
        let [from_start, from_end] = [start, end].map(|bound| {
            let distance = b.ssub(position, bound);
            let distance = b.vsplat(distance);
            b.vadd_s32(within, distance)
        });
        Bounds { from_start, from_end }
    }

    /// Turns registers of the operand and stores what is of the fragment.
    fn registers(
        &self,
        b: &mut Builder,
        (from, to): (Address, Address),
        turn: &Turn,
        mut bounds: Bounds,
    ) {
        for n in 0..TOGETHER {
            let from = from.plus(n * VREG_GRANULES);
            let (own, next) = (b.load(from), b.load(from.plus(1)));
            b.xlu_rot(0, own, turn.lanes);
            b.xlu_rot(1, next, turn.lanes);
        }
        let size = b.i32(int(self.plan.spec.per_register()));
        for n in 0..TOGETHER {
            let (own, next) = (b.xlu_pop(0), b.xlu_pop(1));
            let (own, next) = (b.vshr(own, turn.down), b.vshl(next, turn.up));
            let value = b.vor(own, next);
            self.store(b, to.plus(n * VREG_GRANULES), &bounds, value);
            bounds = Bounds {
                from_start: b.vadd_s32(bounds.from_start, size),
                from_end: b.vadd_s32(bounds.from_end, size),
            };
        }
    }

    /// Stores what is within the bounds.
    fn store(&self, b: &mut Builder, at: Address, bounds: &Bounds, value: V) {
        let packing = self.plan.spec.element.packing();
        let zero = b.i32(0);
        if packing == 1 {
            let is_behind = b.vcmp_le_s32(zero, bounds.from_start);
            let is_before = b.vcmp_lt_s32(bounds.from_end, zero);
            let is_within = b.vmand(is_behind, is_before);
            b.store_masked(at, is_within, value);
            return;
        }
        // The bits of a word from the first run on that is behind a bound.
        let bits = 32 / packing;
        let (ones, last) = (b.i32(-1), b.i32(int(LANES - 1)));
        let shift = b.i32(int((LANES / bits).ilog2() as usize));
        let whole = b.i32(-int(bits));
        let [behind_start, behind_end] = [bounds.from_start, bounds.from_end].map(|distance| {
            let missing = b.vsub_s32(last, distance);
            let amount = b.vsra(missing, shift);
            let amount = b.vand(amount, whole);
            let amount = b.vmax_s32(amount, zero);
            b.vshl(ones, amount)
        });
        let mask = b.vxor(behind_start, behind_end);
        let old = b.load(at);
        let changed = b.vxor(old, value);
        let changed = b.vand(changed, mask);
        let new = b.vxor(old, changed);
        b.store(at, new);
    }
}
