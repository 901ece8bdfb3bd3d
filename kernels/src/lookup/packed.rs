//! Rows of narrow elements.
//!
//! `p` tile rows of the result (`p` rows share a word) are made at once. Row `k` of tile row `u`
//! belongs into part `k % p` of the words of sublane `u * 8 / p + k / p`. So the granules that hold
//! the wanted rows are fetched into `p` registers per column by their parts; each word is shifted
//! so that the wanted part of it comes first, and the registers are put together.

use super::{Cursor, FLAG, Kernel, LookupError, bytes, count, dimension, int, share};
use crate::{
    element::Element,
    llo::{Address, Builder, S, ScratchId, V, Value},
};
use palmetto_isa::{
    ChipSpec, DmaDescriptor, MemorySpace,
    memory::{GRANULE_BYTES, GRANULE_WORDS, SUBLANES, VREG_GRANULES},
};

/// Windows of fetched granules.
const N_SLOTS: u8 = 4;
/// The sync flag of the indices on their way to VMEM, behind those of the windows.
pub(super) const INDEX_FLAG: i32 = 7;
/// Columns that are put together without a loop.
const MAX_UNROLLED: usize = 8;

/// Whether everything fits into VMEM.
pub(super) fn check(
    (element, columns): (Element, usize),
    index_granules: usize,
    chip: &ChipSpec,
) -> Result<(), LookupError> {
    let packed = columns * VREG_GRANULES;
    let needed = usize::from(N_SLOTS) * packed * element.packing() + 2 * packed + index_granules;
    let available = usize::try_from(chip.vmem_bytes).unwrap_or(usize::MAX) / GRANULE_BYTES;
    if needed > available {
        return Err(LookupError::Vmem { columns, needed, available });
    }
    Ok(())
}

/// The slot after the last is the first.
fn wrapped(b: &mut Builder, slot: S) -> S {
    let slots = b.s(i32::from(N_SLOTS));
    let over = b.ssub(slot, slots);
    let is_below = b.scmp_lt(slot, slots);
    b.ssel(is_below, slot, over)
}

struct Packed<'a> {
    kernel: &'a Kernel<'a>,
    columns: usize,
    /// Rows that share a word.
    packing: usize,
    /// The indices in VMEM.
    indices: ScratchId,
    fetched: ScratchId,
    made: ScratchId,
    /// The transfer of a row's granules, and the bytes of all that a window holds.
    fetch: (u32, i32),
    /// The transfer of a window to the result.
    store: (u32, i32),
}

pub(super) fn emit(b: &mut Builder, kernel: &Kernel<'_>, (columns, indices): (usize, ScratchId)) {
    let element = kernel.spec.element;
    let (packing, tile) = (element.packing(), element.tile_granules());
    let window = columns * VREG_GRANULES;
    let fetched = b.scratch("fetched", MemorySpace::Vmem, usize::from(N_SLOTS) * window * packing);
    let made = b.scratch("made", MemorySpace::Vmem, 2 * window);
    let fetch = DmaDescriptor {
        source: MemorySpace::Hbm,
        target: MemorySpace::Vmem,
        granules: 1,
        dimensions: vec![dimension(columns, [int(tile), int(packing * VREG_GRANULES)])],
    };
    let store = DmaDescriptor {
        source: MemorySpace::Vmem,
        target: MemorySpace::Hbm,
        granules: count(tile),
        dimensions: vec![
            dimension(packing, [int(tile), int(columns * tile)]),
            dimension(columns, [int(VREG_GRANULES), int(tile)]),
        ],
    };
    let (fetch_bytes, store_bytes) = (bytes(&fetch) * int(packing * SUBLANES), bytes(&store));
    let fetch = (b.descriptor(fetch), fetch_bytes);
    let store = (b.descriptor(store), store_bytes);
    Packed { kernel, columns, packing, indices, fetched, made, fetch, store }.walk(b);
}

impl Packed<'_> {
    fn walk(&self, b: &mut Builder) {
        let units = (SUBLANES, self.packing);
        let (first, groups) = share(b, &self.kernel.lines, units, self.kernel.n_cores);
        let mut ahead = first;
        for slot in 0..N_SLOTS - 1 {
            let slot = b.s(i32::from(slot));
            let is_any = b.scmp_lt(slot, groups);
            let next = self.fetch(b, ahead, slot, is_any);
            ahead = next;
        }
        let zero = b.s(0);
        let mut carried = first.values();
        carried.extend(ahead.values());
        carried.push(Value::S(zero));
        b.for_loop(groups, &carried, |b, n, carried| {
            let (now, ahead) = (Cursor::of(carried), Cursor::of(&carried[4..]));
            let Value::S(slot) = carried[8] else { panic!("a slot is a scalar") };
            let cursors = self.cursors(b, now);
            self.push_indices(b, &cursors[..self.packing]);
            // Into the window of the group before, while the indices cross the lanes.
            let later = b.sadd_imm(n, i32::from(N_SLOTS - 1));
            let is_any = b.scmp_lt(later, groups);
            let last = b.s(i32::from(N_SLOTS - 1));
            let free = b.sadd(slot, last);
            let free = wrapped(b, free);
            let ahead = self.fetch(b, ahead, free, is_any);
            let shifts = self.shifts(b);
            self.group(b, (now, &shifts), [n, slot]);
            let next = b.sadd_imm(slot, 1);
            let mut carried = cursors[self.packing].values();
            carried.extend(ahead.values());
            carried.push(Value::S(wrapped(b, next)));
            carried
        });
        for n in 1..3 {
            let n = b.s(n);
            let is_any = b.scmp_le(n, groups);
            let last = b.ssub(groups, n);
            b.if_then(is_any, |b| self.wait_stored(b, last));
        }
    }

    /// Flags of the windows of results: those before are of the fetched ones.
    fn store_flag(&self, b: &mut Builder, group: S) -> (S, S) {
        let one = b.s(1);
        let slot = b.sand(group, one);
        (slot, b.sadd_imm(slot, FLAG + 1 + i32::from(N_SLOTS)))
    }

    fn wait_stored(&self, b: &mut Builder, group: S) {
        let (_, flag) = self.store_flag(b, group);
        let bytes = b.s(self.store.1);
        b.wait_dma(self.made, flag, bytes);
    }

    /// Starts to fetch the rows of the group at `cursor` into `slot` if there `is_any`; the place
    /// of the group after.
    fn fetch(&self, b: &mut Builder, cursor: Cursor, slot: S, is_any: S) -> Cursor {
        let cursors = self.cursors(b, cursor);
        b.if_then(is_any, |b| {
            let window = b.smul_imm(slot, int(self.columns * self.packing * VREG_GRANULES));
            let window = b.sadd_imm(window, b.base(self.fetched));
            let (table, flag) = (b.argument(0), b.sadd_imm(slot, FLAG + 1));
            for (unit, cursor) in cursors[..self.packing].iter().enumerate() {
                for row in 0..SUBLANES {
                    let index = self.kernel.index(b, cursor, row);
                    let granule = self.kernel.row_granule(b, index, self.columns);
                    let from = b.sadd(table, granule);
                    let (part, sublane) = (row % self.packing, row / self.packing);
                    let sublane = unit * SUBLANES / self.packing + sublane;
                    let to = b.sadd_imm(window, int(part * VREG_GRANULES + sublane));
                    b.start_dma(self.fetched, self.fetch.0, [from, to, flag]);
                }
            }
        });
        cursors[self.packing]
    }

    /// The units of a group, and the first of the next.
    fn cursors(&self, b: &mut Builder, first: Cursor) -> Vec<Cursor> {
        let mut cursors = vec![first];
        for n in 0..self.packing {
            let next = cursors[n].next_or_last(b, &self.kernel.lines, SUBLANES);
            cursors.push(next);
        }
        cursors
    }

    /// Makes the rows of group `n` of this core, fetched into `slot`.
    fn group(&self, b: &mut Builder, (cursor, shifts): (Cursor, &[V]), [n, slot]: [S; 2]) {
        let (flag, bytes) = (b.sadd_imm(slot, FLAG + 1), b.s(self.fetch.1));
        b.wait_dma(self.fetched, flag, bytes);
        let two = b.s(2);
        let is_full = b.scmp_le(two, n);
        b.if_then(is_full, |b| self.wait_stored(b, n));
        let (made_slot, made_flag) = self.store_flag(b, n);
        let from = b.smul_imm(slot, int(self.columns * self.packing * VREG_GRANULES));
        let to = b.smul_imm(made_slot, int(self.columns * VREG_GRANULES));
        let from = Address { scratch: self.fetched, base: from, offset: b.base(self.fetched) };
        let to = Address { scratch: self.made, base: to, offset: b.base(self.made) };
        self.all_columns(b, shifts, [from, to]);
        let tile_row = self.columns * self.kernel.spec.element.tile_granules();
        let offset = b.smul_imm(cursor.unit, int(tile_row));
        let result = b.argument(2);
        let (result, window) = (b.sadd(result, offset), b.sadd_imm(to.base, to.offset));
        b.start_dma(self.made, self.store.0, [window, result, made_flag]);
    }

    /// Pushes, by part, the index of the row that each sublane is for.
    fn push_indices(&self, b: &mut Builder, cursors: &[Cursor]) {
        let per_unit = SUBLANES / self.packing;
        let sublane = b.vsublane();
        let (mut words, mut lanes) = (b.i32(0), b.i32(0));
        for (unit, cursor) in cursors.iter().enumerate() {
            let (shift, mask) =
                (b.s(GRANULE_WORDS.ilog2().cast_signed()), b.s(int(GRANULE_WORDS - 1)));
            let granule = b.sshr(cursor.word, shift);
            let offset = b.base(self.indices);
            let line = b.load_row(Address { scratch: self.indices, base: granule, offset });
            let lane = b.sand(cursor.word, mask);
            let lane = b.vsplat(lane);
            if unit == 0 {
                (words, lanes) = (line, lane);
                continue;
            }
            let first = b.i32(int(unit * per_unit - 1));
            let is_here = b.vcmp_lt_s32(first, sublane);
            words = b.vsel(is_here, line, words);
            lanes = b.vsel(is_here, lane, lanes);
        }
        let (mask, scale) = (b.i32(int(per_unit - 1)), b.i32(int(self.packing)));
        let row = b.vand(sublane, mask);
        let row = b.vmul_s32(row, scale);
        let lanes = b.vadd_s32(lanes, row);
        for part in 0..self.packing {
            let part = b.i32(int(part));
            let lane = b.vadd_s32(lanes, part);
            b.xlu_gather(0, words, lane);
        }
    }

    /// By part: how far the wanted part of each word is from the lowest bit.
    fn shifts(&self, b: &mut Builder) -> Vec<V> {
        let indices: Vec<V> = (0..self.packing).map(|_| b.xlu_pop(0)).collect();
        indices.into_iter().map(|index| self.shift(b, index)).collect()
    }

    fn shift(&self, b: &mut Builder, index: V) -> V {
        let (zero, last) = (b.i32(0), b.i32(int(self.kernel.spec.table - 1)));
        let index = if self.kernel.spec.index == Element::U32 {
            b.vmin_u32(index, last)
        } else {
            let index = b.vmin_s32(index, last);
            b.vmax_s32(index, zero)
        };
        let mask = b.i32(int(self.packing - 1));
        let part = b.vand(index, mask);
        let bits = b.i32(int((32 / self.packing).ilog2() as usize));
        b.vshl(part, bits)
    }

    fn all_columns(&self, b: &mut Builder, shifts: &[V], [from, to]: [Address; 2]) {
        let unrolled = (1..=MAX_UNROLLED).rev().find(|n| self.columns.is_multiple_of(*n));
        let unrolled = unrolled.expect("1 divides everything");
        let times = b.s(int(self.columns / unrolled));
        b.for_loop(times, &[], |b, n, _| {
            let fetched = b.smul_imm(n, int(unrolled * self.packing * VREG_GRANULES));
            let made = b.smul_imm(n, int(unrolled * VREG_GRANULES));
            let from = Address { base: b.sadd(from.base, fetched), ..from };
            let to = Address { base: b.sadd(to.base, made), ..to };
            for column in 0..unrolled {
                let from = from.plus(column * self.packing * VREG_GRANULES);
                let value = self.column(b, shifts, from);
                b.store(to.plus(column * VREG_GRANULES), value);
            }
            Vec::new()
        });
    }

    fn column(&self, b: &mut Builder, shifts: &[V], from: Address) -> V {
        let bits = 32 / self.packing;
        let mask = b.bits((1_u32 << bits) - 1);
        let mut all = b.i32(0);
        for (part, shift) in shifts.iter().enumerate() {
            let word = b.load(from.plus(part * VREG_GRANULES));
            let wanted = b.vshr(word, *shift);
            let wanted = b.vand(wanted, mask);
            if part == 0 {
                all = wanted;
                continue;
            }
            let place = b.i32(int(part * bits));
            let placed = b.vshl(wanted, place);
            all = b.vor(all, placed);
        }
        all
    }
}
