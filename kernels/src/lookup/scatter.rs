//! The way back: rows or matrices of an array replaced by others, at indices known at run time.
//!
//! The array is written where it is. An index that is not one of the array replaces nothing, as in
//! HLO's scatter. The rest have to be different: rows go from HBM to HBM, many at a time and from
//! both cores, and what is written twice would be a race.

use super::{Cursor, FLAG, IN_FLIGHT, Indices, Kernel, Lines, Loading, Lookup, LookupError, Slice};
use super::{bytes, int, share};
use crate::llo::{Address, Builder, Function, S, Value};
use palmetto_isa::{ChipSpec, MemorySpace, memory::SUBLANES};

/// Replaces slices. Launch arguments: the array, the indices, which are a line, the new slices,
/// whose first dimension is that of the indices, and the array again. Single rows have 32-bit
/// elements.
///
/// # Errors
/// If the sizes do not suit it; see [`LookupError`].
///
/// # Panics
/// If the indices are no line: nobody should ask for that.
pub fn scatter(spec: &Lookup, chip: &ChipSpec) -> Result<Function, LookupError> {
    spec.check(chip)?;
    let Indices::Line(count) = spec.indices else { panic!("indices of a scatter are a line") };
    let mut b = Builder::new(&spec.name, 4);
    let lines = Lines::of(spec.indices);
    let loading = Loading::start(&mut b, &lines, (MemorySpace::Smem, FLAG));
    let indices = loading.wait(&mut b);
    Kernel { spec, lines, indices, n_cores: chip.n_cores }.replace(&mut b, count);
    Ok(b.finish())
}

impl Kernel<'_> {
    /// Starts the transfers of one unit after the other. When many are in flight, half of them are
    /// waited for.
    fn replace(&self, b: &mut Builder, count: usize) {
        let unit = self.spec.unit();
        let (descriptor, _) = self.direct_descriptor();
        let slice_bytes = bytes(&descriptor);
        let descriptor = b.descriptor(descriptor);
        let flag = b.s(FLAG);
        let (cursor, units) = share(b, &self.lines, (unit, 1), self.n_cores);
        let (zero, half) = (b.s(0), b.s(int(IN_FLIGHT / 2)));
        let half_bytes = b.smul_imm(half, slice_bytes);
        let mut carried = cursor.values();
        carried.push(Value::S(zero));
        let end = b.for_loop(units, &carried, |b, _, carried| {
            let cursor = Cursor::of(carried);
            let mut in_flight = scalar(carried);
            for row in 0..unit {
                let started = self.replace_one(b, (&cursor, row), (count, descriptor));
                in_flight = b.sadd(in_flight, started);
            }
            let most = b.s(int(IN_FLIGHT - unit));
            let is_full = b.scmp_lt(most, in_flight);
            b.if_then(is_full, |b| b.dma_wait(flag, half_bytes));
            let waited_for = b.ssel(is_full, half, zero);
            let in_flight = b.ssub(in_flight, waited_for);
            let mut next = cursor.next(b, &self.lines, unit).values();
            next.push(Value::S(in_flight));
            next
        });
        let left = b.smul_imm(scalar(&end), slice_bytes);
        b.dma_wait(flag, left);
    }

    /// Starts the transfer of slice `n` of the unit if its index is one of the array; 1 if it is.
    fn replace_one(
        &self,
        b: &mut Builder,
        (cursor, n): (&Cursor, usize),
        (count, descriptor): (usize, u32),
    ) -> S {
        let unit = self.spec.unit();
        let offset = b.first_word(self.indices) + int(n);
        let index = b.load_scalar(Address { scratch: self.indices, base: cursor.word, offset });
        // An unsigned index beyond 2^31 looks negative.
        let (zero, size) = (b.s(0), b.s(int(self.spec.table)));
        let is_low = b.scmp_le(zero, index);
        let is_high = b.scmp_lt(index, size);
        let mut is_there = b.sand(is_low, is_high);
        let number = b.smul_imm(cursor.unit, int(unit));
        let number = b.sadd_imm(number, int(n));
        if !count.is_multiple_of(unit) {
            let count = b.s(int(count));
            let is_given = b.scmp_lt(number, count);
            is_there = b.sand(is_there, is_given);
        }
        let (rows, array, flag) = (b.argument(2), b.argument(3), b.s(FLAG));
        b.if_then(is_there, |b| {
            let mut granule = |slice: S| match self.spec.slice {
                Slice::Row(columns) => self.row_granule(b, slice, columns),
                Slice::Granules(granules) => b.smul_imm(slice, int(granules)),
            };
            let (from, to) = (granule(number), granule(index));
            let (source, target) = (b.sadd(rows, from), b.sadd(array, to));
            b.dma_start(descriptor, source, target, flag);
        });
        is_there
    }
}

/// The number of transfers in flight, which a loop carries behind its cursor.
fn scalar(carried: &[Value]) -> S {
    match carried.last() {
        Some(Value::S(s)) => *s,
        _ => panic!("the last value of the loop is a scalar"),
    }
}

const _: () = assert!(IN_FLIGHT >= 2 * SUBLANES);
