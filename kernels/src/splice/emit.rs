//! Emits a planned splice kernel: the walk of the fragments, and their transfers.

use super::{Placed, Plan, Share, Source};
use crate::{
    llo::{Address, Builder, S, ScratchId, V, Value},
    operand::int,
    transfer::splat_word,
};
use palmetto_isa::{
    DmaDescriptor, MemorySpace,
    memory::{GRANULE_BYTES, VREG_GRANULES},
};

/// Registers of a transfer; what is left is transferred register by register.
const BURST: usize = 8;
/// The sync flag of what is fetched into the first slot; that of the second is the next.
const FETCHED: i32 = 0;
/// The sync flag of what is written out of the first slot; that of the second is the next.
const WRITTEN: i32 = 2;
/// Words of a part in the table.
const TABLE_WORDS: usize = 4;
/// Registers that are set at a time.
const AT_ONCE: usize = 8;

/// The kernel, with its scratch.
pub(super) struct Kernel<'a> {
    pub(super) plan: &'a Plan<'a>,
    /// Per part: the first granule of the operand or -1, the end, and what is added to a position
    /// in the result to make it one in the operand.
    table: ScratchId,
    /// Two slots of what was fetched.
    pub(super) input: ScratchId,
    /// Two slots of windows of the result.
    pub(super) output: ScratchId,
    /// What windows are filled with, if anything.
    fill: Option<V>,
}

/// What a part and a window have in common. Positions are elements of the result.
#[derive(Clone, Copy)]
pub(super) struct Fragment {
    /// The first granule of the operand.
    operand: S,
    /// What makes a position one in the operand.
    pub(super) distance: S,
    /// The first position of the window.
    pub(super) window: S,
    /// The first position.
    pub(super) start: S,
    /// The position after the last one.
    pub(super) end: S,
    /// Whether its part ends with it.
    ends_part: S,
    /// Whether its window ends with it.
    ends_window: S,
    /// 1 if it is of an operand, 0 if it is filled.
    pub(super) is_line: S,
    /// The first register of the operand that it needs something of.
    pub(super) first: S,
    /// Registers of the operand that it needs something of; none if it is filled.
    registers: S,
}

/// Registers that lie one after the other in HBM and in VMEM.
#[derive(Clone, Copy)]
struct Run {
    hbm: S,
    vmem: S,
    registers: S,
    flag: S,
}

impl<'a> Kernel<'a> {
    pub(super) fn new(b: &mut Builder, plan: &'a Plan<'a>) -> Self {
        let fill = plan.spec.fill.map(|argument| {
            let word = splat_word(b, argument, plan.spec.element);
            b.vsplat(word)
        });
        let words = plan.parts.len() * TABLE_WORDS;
        let granules = (words * 4).div_ceil(GRANULE_BYTES);
        let table = b.scratch("parts", MemorySpace::Smem, granules);
        let input = b.scratch("operand", MemorySpace::Vmem, 2 * plan.input_granules());
        let output = b.scratch("result", MemorySpace::Vmem, 2 * plan.output_granules());
        let kernel = Self { plan, table, input, output, fill };
        kernel.write_table(b);
        kernel
    }

    fn write_table(&self, b: &mut Builder) {
        let base = b.s(b.first_word(self.table));
        let mut start = 0;
        for (n, Placed { source, end }) in self.plan.parts.iter().enumerate() {
            let (operand, distance) = match source {
                Source::Line { argument, first } => {
                    (b.argument(*argument), int(*first) - int(start))
                }
                Source::Fill => (b.s(-1), 0),
            };
            let words = [operand, b.s(int(*end)), b.s(distance)];
            for (word, value) in words.into_iter().enumerate() {
                let offset = int(n * TABLE_WORDS + word);
                b.store_scalar(Address { scratch: self.table, base, offset }, value);
            }
            start = *end;
        }
    }

    /// Everything that a core does.
    pub(super) fn all(&self, b: &mut Builder) {
        let plan = self.plan;
        let of_core = |b: &mut Builder, value: &dyn Fn(&Share) -> i32| {
            let values: Vec<i32> = plan.shares.iter().map(value).collect();
            by_core(b, &values)
        };
        let part = of_core(b, &|share| int(share.part));
        let position = of_core(b, &|share| int(share.window * plan.window_elements()));
        let fragments = of_core(b, &|share| int(share.fragments));
        let zero = b.s(0);
        // Nothing that is addressed is undefined, whether it is used or not.
        let value = b.i32(0);
        self.set(b, self.input, (zero, 2 * plan.input_granules()), value);
        let is_any = b.scmp_lt(zero, fragments);
        let first = self.fragment(b, part, (position, position));
        self.fetch(b, &first, (zero, is_any));
        self.set(b, self.output, (zero, 2 * plan.output_granules()), value);
        let last = b.sadd_imm(fragments, -1);
        let initial = [part, position, position, zero, zero].map(Value::S);
        b.for_loop(fragments, &initial, |b, index, carried| {
            let has_next = b.scmp_lt(index, last);
            self.step(b, carried, (position, has_next)).map(Value::S).to_vec()
        });
        self.drain(b);
    }

    /// One fragment: the carried values of the next. They are its part, the first position of its
    /// window, its own, and the slots of operand and result.
    fn step(&self, b: &mut Builder, carried: &[Value], (first, has_next): (S, S)) -> [S; 5] {
        let carried: Vec<S> = carried.iter().map(|value| scalar(*value)).collect();
        let [part, window, start, from, to] = carried[..] else {
            panic!("five values are carried")
        };
        let fragment = self.fragment(b, part, (window, start));
        let next_part = b.sadd(part, fragment.ends_part);
        let last_part = b.s(int(self.plan.parts.len() - 1));
        let next_part = b.smin(next_part, last_part);
        let advance = b.smul_imm(fragment.ends_window, int(self.plan.window_elements()));
        let next_window = b.sadd(window, advance);
        let next = self.fragment(b, next_part, (next_window, fragment.end));
        let one = b.s(1);
        let other = b.sxor(from, one);
        self.fetch(b, &next, (other, has_next));
        let flag = b.sadd_imm(from, FETCHED);
        let bytes = b.smul_imm(fragment.registers, int(VREG_GRANULES * GRANULE_BYTES));
        b.wait_dma(self.input, flag, bytes);
        let is_fresh = b.scmp_eq(start, window);
        b.if_then(is_fresh, |b| self.begin_window(b, (first, window), to));
        let slots = [self.slot(b, self.input, from), self.slot(b, self.output, to)];
        self.turn(b, &fragment, slots);
        b.if_then(fragment.ends_window, |b| self.write(b, window, to));
        [next_part, next_window, fragment.end, other, b.sxor(to, fragment.ends_window)]
    }

    /// The fragment of a part and a window that begins at a position.
    fn fragment(&self, b: &mut Builder, part: S, (window, start): (S, S)) -> Fragment {
        let two = b.s(int(TABLE_WORDS.ilog2() as usize));
        let entry = b.sshl(part, two);
        let base = b.sadd_imm(entry, b.first_word(self.table));
        let [operand, part_end, distance] =
            [0, 1, 2].map(|offset| b.load_scalar(Address { scratch: self.table, base, offset }));
        let window_end = b.sadd_imm(window, int(self.plan.window_elements()));
        let end = b.smin(window_end, part_end);
        let (ends_part, ends_window) = (b.scmp_eq(end, part_end), b.scmp_eq(end, window_end));
        let zero = b.s(0);
        let is_line = b.scmp_le(zero, operand);
        let (first, last) = (b.sadd(start, distance), b.sadd(end, distance));
        let last = b.sadd_imm(last, -1);
        let (first, last) = (self.register(b, first), self.register(b, last));
        let registers = b.ssub(last, first);
        let registers = b.sadd_imm(registers, 1);
        let registers = b.smul(registers, is_line);
        Fragment {
            operand,
            distance,
            window,
            start,
            end,
            ends_part,
            ends_window,
            is_line,
            first,
            registers,
        }
    }

    /// The register that a position is in.
    pub(super) fn register(&self, b: &mut Builder, position: S) -> S {
        let shift = b.s(int(self.plan.spec.per_register().ilog2() as usize));
        b.sshr(position, shift)
    }

    /// The first granule of a slot that is not only addressed.
    fn slot(&self, b: &mut Builder, scratch: ScratchId, slot: S) -> S {
        let (granules, before) = if scratch == self.input {
            (self.plan.input_granules(), VREG_GRANULES)
        } else {
            (self.plan.output_granules(), 0)
        };
        let offset = b.smul_imm(slot, int(granules));
        b.sadd_imm(offset, b.base(scratch) + int(before))
    }

    /// Starts to fetch what a fragment needs, if the condition is 1.
    fn fetch(&self, b: &mut Builder, fragment: &Fragment, (slot, condition): (S, S)) {
        let offset = b.smul_imm(fragment.first, int(VREG_GRANULES));
        let hbm = b.sadd(fragment.operand, offset);
        let vmem = self.slot(b, self.input, slot);
        let registers = b.smul(fragment.registers, condition);
        let flag = b.sadd_imm(slot, FETCHED);
        transfer(b, self.input, MemorySpace::Hbm, Run { hbm, vmem, registers, flag });
    }

    /// Waits for the window before the last one, whose slot this is, and fills the slot.
    fn begin_window(&self, b: &mut Builder, (first, window): (S, S), slot: S) {
        let third = b.sadd_imm(first, int(2 * self.plan.window_elements()));
        let is_used = b.scmp_le(third, window);
        let bytes = b.smul_imm(is_used, bytes(self.plan.window));
        let flag = b.sadd_imm(slot, WRITTEN);
        b.wait_dma(self.output, flag, bytes);
        if let Some(fill) = self.fill {
            let offset = b.smul_imm(slot, int(self.plan.output_granules()));
            self.set(b, self.output, (offset, self.plan.window * VREG_GRANULES), fill);
        }
    }

    /// Starts to write a window.
    fn write(&self, b: &mut Builder, window: S, slot: S) {
        let first = self.register(b, window);
        let (all, most) = (b.s(int(self.plan.registers)), b.s(int(self.plan.window)));
        let left = b.ssub(all, first);
        let registers = b.smin(left, most);
        let result = b.argument(self.plan.spec.n_inputs);
        let offset = b.smul_imm(first, int(VREG_GRANULES));
        let hbm = b.sadd(result, offset);
        let vmem = self.slot(b, self.output, slot);
        let flag = b.sadd_imm(slot, WRITTEN);
        transfer(b, self.output, MemorySpace::Vmem, Run { hbm, vmem, registers, flag });
    }

    /// Waits for the last windows.
    fn drain(&self, b: &mut Builder) {
        let plan = self.plan;
        let in_flight = |share: &Share, slot: usize| {
            let is_there = |back: &usize| *back < share.windows;
            let back = (0..2).filter(is_there).find(|back| (share.windows - 1 - back) % 2 == slot);
            let window = back.map(|back| share.window + share.windows - 1 - back);
            window.map_or(0, |window| bytes(plan.registers_of(window)))
        };
        for slot in 0..2 {
            let values: Vec<i32> = plan.shares.iter().map(|share| in_flight(share, slot)).collect();
            let (bytes, flag) = (by_core(b, &values), b.s(WRITTEN + int(slot)));
            b.wait_dma(self.output, flag, bytes);
        }
    }

    /// Sets whole registers of a scratch.
    fn set(&self, b: &mut Builder, scratch: ScratchId, (from, granules): (S, usize), value: V) {
        let trips = b.s(int(granules / VREG_GRANULES / AT_ONCE));
        let start = b.sadd_imm(from, b.base(scratch));
        b.for_loop(trips, &[], |b, index, _| {
            let offset = b.smul_imm(index, int(VREG_GRANULES * AT_ONCE));
            let base = b.sadd(start, offset);
            for register in 0..AT_ONCE {
                let at = Address { scratch, base, offset: 0 }.plus(register * VREG_GRANULES);
                b.store(at, value);
            }
            Vec::new()
        });
        for register in granules / VREG_GRANULES / AT_ONCE * AT_ONCE..granules / VREG_GRANULES {
            let at = Address { scratch, base: start, offset: 0 }.plus(register * VREG_GRANULES);
            b.store(at, value);
        }
    }
}

/// The value of this core.
fn by_core(b: &mut Builder, values: &[i32]) -> S {
    let core = b.score();
    let mut value = b.s(values[0]);
    for (number, other) in values.iter().enumerate().skip(1) {
        let (number, other) = (b.s(int(number)), b.s(*other));
        let is_other = b.scmp_eq(core, number);
        value = b.ssel(is_other, other, value);
    }
    value
}

/// Bytes of registers.
fn bytes(registers: usize) -> i32 {
    int(registers * VREG_GRANULES * GRANULE_BYTES)
}

/// Starts the transfers of a run, from one memory to the other.
fn transfer(b: &mut Builder, scratch: ScratchId, source: MemorySpace, run: Run) {
    let is_fetched = source == MemorySpace::Hbm;
    let target = if is_fetched { MemorySpace::Vmem } else { MemorySpace::Hbm };
    let (shift, mask) = (b.s(int(BURST.ilog2() as usize)), b.s(int(BURST - 1)));
    let (bursts, rest) = (b.sshr(run.registers, shift), b.sand(run.registers, mask));
    let before = b.smul_imm(bursts, int(BURST * VREG_GRANULES));
    let zero = b.s(0);
    for (trips, registers, before) in [(bursts, BURST, zero), (rest, 1, before)] {
        let granules = registers * VREG_GRANULES;
        let descriptor = b.descriptor(DmaDescriptor {
            source,
            target,
            granules: u32::try_from(granules).expect("a burst is short"),
            dimensions: Vec::new(),
        });
        b.for_loop(trips, &[], |b, index, _| {
            let offset = b.smul_imm(index, int(granules));
            let offset = b.sadd(offset, before);
            let (hbm, vmem) = (b.sadd(run.hbm, offset), b.sadd(run.vmem, offset));
            let [from, to] = if is_fetched { [hbm, vmem] } else { [vmem, hbm] };
            b.start_dma(scratch, descriptor, [from, to, run.flag]);
            Vec::new()
        });
    }
}

fn scalar(value: Value) -> S {
    match value {
        Value::S(s) => s,
        Value::V(_) | Value::M(_) => panic!("the walk carries scalars only"),
    }
}
