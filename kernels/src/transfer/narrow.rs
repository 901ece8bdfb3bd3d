//! Single rows of narrow elements, at places known at run time.
//!
//! Such a row is a part of every word of some granules. These go to VMEM, one per matrix and
//! column; there the part is replaced, or taken out; and they go back, or into the result. The
//! granules are dealt to the cores, so that none is changed by two.

use super::{Emitter, FLAG, ScalarIndex, Start, Stride, int};
use crate::llo::{Address, Builder, S, ScratchId};
use palmetto_isa::{
    DmaDescriptor, DmaDimension, MemorySpace,
    memory::{SUBLANES, VREG_GRANULES},
};

/// The sync flag of the rows that are written into others.
const UPDATE_FLAG: i32 = FLAG + 1;

/// What happens to the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowAction {
    /// It is replaced in the result by the first row of the source.
    Replace,
    /// It is copied from the source to all rows of a tile of the result, of which the first counts.
    Take,
}

/// A row of each of some matrices. What is in VMEM at once limits how many: see
/// [`NarrowRow::MAX_GRANULES`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NarrowRow {
    /// What happens to it.
    pub action: RowAction,
    /// The launch argument that is the source.
    pub argument: usize,
    /// The row in the matrices of the result, if it is replaced, or of the source.
    pub row: ScalarIndex,
    /// Granules of a tile row there.
    pub tile_row: usize,
    /// What else moves the place there.
    pub starts: Vec<Start>,
    /// The walk over matrices and columns, outermost first.
    pub strides: Vec<Stride>,
}

impl NarrowRow {
    /// Granules that hold parts of the row, at most.
    pub const MAX_GRANULES: usize = 8192;

    fn granules(&self) -> usize {
        self.strides.iter().map(|stride| stride.count).product()
    }
}

/// A dimension between HBM and VMEM.
#[derive(Clone, Copy, Debug)]
struct Axis {
    count: usize,
    hbm: i64,
    vmem: usize,
}

/// The granules of a row in HBM, and the buffer for them.
struct Granules {
    axes: Vec<Axis>,
    place: S,
    scratch: ScratchId,
    flag: i32,
}

/// A core's share of a row, and the granules from where the row starts to where its share does.
struct Share {
    row: NarrowRow,
    source: i64,
    target: i64,
}

/// The shares of the cores that have one: parts of the dimension with the most granules.
fn shares(row: &NarrowRow, n_cores: u32) -> Vec<Share> {
    let n_cores = n_cores as usize;
    let longest = (0..row.strides.len()).rev().max_by_key(|n| row.strides[*n].count);
    let Some(longest) = longest else {
        return vec![Share { row: row.clone(), source: 0, target: 0 }];
    };
    let Stride { count, source, target } = row.strides[longest];
    let shares = (0..n_cores).map(|core| {
        let [first, end] = [core, core + 1].map(|n| (count * n).div_ceil(n_cores));
        let mut row = row.clone();
        row.strides[longest].count = end - first;
        let first = i64::from(int(first));
        Share { row, source: source * first, target: target * first }
    });
    shares.filter(|share| share.row.granules() > 0).collect()
}

pub(super) fn emit(b: &mut Builder, emitter: &Emitter<'_>, row: &NarrowRow) {
    let moved = offset(b, emitter, row);
    let core = b.score();
    for (n, share) in shares(row, emitter.n_cores).iter().enumerate() {
        let number = b.s(int(n));
        let is_own = b.scmp_eq(core, number);
        b.if_then(is_own, |b| emit_share(b, emitter, (share, moved)));
    }
}

fn emit_share(b: &mut Builder, emitter: &Emitter<'_>, (share, moved): (&Share, S)) {
    let row = &share.row;
    let source = b.argument(row.argument);
    let source = b.sadd_imm(source, int(share.source));
    let target = b.argument(emitter.spec.n_inputs);
    let target = b.sadd_imm(target, int(share.target));
    let sources = |stride: &Stride| stride.source;
    let targets = |stride: &Stride| stride.target;
    let element = emitter.spec.element;
    let bits = 32 / element.packing();
    let shift = {
        let mask = b.s(int(element.packing() - 1));
        let part = b.sand(emitter.scalars.index(row.row), mask);
        let bits = b.smul_imm(part, int(bits));
        b.vsplat(bits)
    };
    let low = b.bits((1_u32 << bits) - 1);
    match row.action {
        RowAction::Replace => {
            let place = b.sadd(target, moved);
            let old = Granules::new(b, row, (place, &targets), FLAG);
            let new = Granules::new(b, row, (source, &sources), UPDATE_FLAG);
            let (old_bytes, new_bytes) = (old.start(b, true), new.start(b, true));
            old.wait(b, old_bytes);
            new.wait(b, new_bytes);
            let mask = b.vshl(low, shift);
            let ones = b.bits(u32::MAX);
            let rest = b.vxor(mask, ones);
            each_register(b, row, |b, offset| {
                let (to, from) = (old.register(b, offset), new.register(b, offset));
                let (word, update) = (b.load(to), b.load(from));
                let (kept, update) = (b.vand(word, rest), b.vand(update, low));
                let update = b.vshl(update, shift);
                let word = b.vor(kept, update);
                b.store(to, word);
            });
            let bytes = old.start(b, false);
            old.wait(b, bytes);
        }
        RowAction::Take => {
            let place = b.sadd(source, moved);
            let taken = Granules::new(b, row, (place, &sources), FLAG);
            let bytes = taken.start(b, true);
            taken.wait(b, bytes);
            each_register(b, row, |b, offset| {
                let at = taken.register(b, offset);
                let word = b.load(at);
                let word = b.vshr(word, shift);
                let word = b.vand(word, low);
                b.store(at, word);
            });
            let mut bytes = 0;
            for granule in 0..element.tile_granules() {
                let place = b.sadd_imm(target, int(granule));
                let result = Granules { axes: axes(row, &targets), place, ..taken };
                bytes += result.start(b, false);
            }
            taken.wait(b, bytes);
        }
    }
}

/// Granules from the first of an array to the first that holds a part of the row.
fn offset(b: &mut Builder, emitter: &Emitter<'_>, row: &NarrowRow) -> S {
    let index = emitter.scalars.index(row.row);
    let packing = emitter.spec.element.packing();
    let (tile_shift, mask) = (b.s(int(SUBLANES.ilog2())), b.s(int(SUBLANES - 1)));
    let tile = b.sshr(index, tile_shift);
    let first = b.smul_imm(tile, int(row.tile_row));
    let (within, shift) = (b.sand(index, mask), b.s(int(packing.ilog2())));
    let granule = b.sshr(within, shift);
    let mut offset = b.sadd(first, granule);
    for start in &row.starts {
        let further = emitter.offset(b, *start);
        offset = b.sadd(offset, further);
    }
    offset
}

/// Runs `body` for every register of the buffers.
fn each_register(b: &mut Builder, row: &NarrowRow, body: impl FnOnce(&mut Builder, S)) {
    let registers = b.s(int(row.granules().div_ceil(VREG_GRANULES)));
    b.for_loop(registers, &[], |b, n, _| {
        let offset = b.smul_imm(n, int(VREG_GRANULES));
        body(b, offset);
        Vec::new()
    });
}

fn axes(row: &NarrowRow, hbm: &dyn Fn(&Stride) -> i64) -> Vec<Axis> {
    let mut vmem = 1;
    let mut axes: Vec<Axis> = Vec::new();
    for stride in row.strides.iter().rev().filter(|stride| stride.count != 1) {
        let outer = Axis { count: stride.count, hbm: hbm(stride), vmem };
        vmem *= stride.count;
        match axes.last_mut() {
            Some(inner) if outer.hbm == inner.hbm * i64::from(int(inner.count)) => {
                inner.count *= outer.count;
            }
            Some(_) | None => axes.push(outer),
        }
    }
    axes.reverse();
    axes
}

impl Granules {
    fn new(
        b: &mut Builder,
        row: &NarrowRow,
        (place, hbm): (S, &dyn Fn(&Stride) -> i64),
        flag: i32,
    ) -> Self {
        let granules = row.granules().next_multiple_of(VREG_GRANULES);
        let scratch = b.scratch("rows", MemorySpace::Vmem, granules);
        // The last register is computed with as a whole, and may be filled in part only.
        let (at, zero) = (b.start_of(scratch).plus(granules - VREG_GRANULES), b.i32(0));
        b.store(at, zero);
        Self { axes: axes(row, hbm), place, scratch, flag }
    }

    fn register(&self, b: &Builder, offset: S) -> Address {
        Address { scratch: self.scratch, base: offset, offset: b.base(self.scratch) }
    }

    /// Starts the transfers to the buffer (`fetch`) or from it; their bytes.
    fn start(&self, b: &mut Builder, fetch: bool) -> i32 {
        let n_loops = self.axes.len().saturating_sub(DmaDescriptor::MAX_DIMENSIONS);
        let (loops, walked) = self.axes.split_at(n_loops);
        let dimension = |axis: &Axis| {
            let (hbm, vmem) = (int(axis.hbm), int(axis.vmem));
            let [source_stride, target_stride] = if fetch { [hbm, vmem] } else { [vmem, hbm] };
            DmaDimension { count: int(axis.count).cast_unsigned(), source_stride, target_stride }
        };
        let (hbm, vmem) = (MemorySpace::Hbm, MemorySpace::Vmem);
        let [source, target] = if fetch { [hbm, vmem] } else { [vmem, hbm] };
        let dimensions = walked.iter().map(dimension).collect();
        let descriptor = DmaDescriptor { source, target, granules: 1, dimensions };
        let times: usize = loops.iter().map(|axis| axis.count).product();
        let bytes = int(descriptor.total_bytes()) * int(times);
        let descriptor = b.descriptor(descriptor);
        let buffer = b.s(b.base(self.scratch));
        self.start_all(b, (descriptor, fetch), [self.place, buffer], loops);
        bytes
    }

    fn start_all(
        &self,
        b: &mut Builder,
        (descriptor, fetch): (u32, bool),
        [hbm, vmem]: [S; 2],
        loops: &[Axis],
    ) {
        let Some((outer, inner)) = loops.split_first() else {
            let flag = b.s(self.flag);
            let [from, to] = if fetch { [hbm, vmem] } else { [vmem, hbm] };
            b.start_dma(self.scratch, descriptor, [from, to, flag]);
            return;
        };
        let count = b.s(int(outer.count));
        b.for_loop(count, &[], |b, n, _| {
            let (further, offset) = (b.smul_imm(n, int(outer.hbm)), b.smul_imm(n, int(outer.vmem)));
            let places = [b.sadd(hbm, further), b.sadd(vmem, offset)];
            self.start_all(b, (descriptor, fetch), places, inner);
            Vec::new()
        });
    }

    fn wait(&self, b: &mut Builder, bytes: i32) {
        let (flag, bytes) = (b.s(self.flag), b.s(bytes));
        b.wait_dma(self.scratch, flag, bytes);
    }
}
