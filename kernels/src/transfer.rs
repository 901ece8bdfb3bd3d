//! The transfer kernel: arrays put together from pieces of others, by DMA.
//!
//! A [`Piece`] is a strided walk over granules of a source and of the result. What the DMA engine
//! cannot walk by itself is a loop around it, dealt to the cores. Where pieces lie may depend on
//! scalars in HBM, clamped as HLO's dynamic slices are: a start moves a piece by whole granules,
//! and which row of a tile it hits can choose between pieces ([`Phase::condition`]). A row that
//! shares granules with others is the only thing that passes through registers ([`NarrowRow`]).
//!
//! An update writes over a part of an array where that array is: a copy that came first would have
//! to be complete, on all cores, before anything is written over, and within a launch cores do not
//! wait for each other.

mod narrow;
mod scalar;
mod walk;

use crate::{
    element::Element,
    llo::{Builder, Function, S},
};
pub use narrow::{NarrowRow, RowAction};
use palmetto_isa::{
    ChipSpec, DmaDescriptor, DmaDimension, MemorySpace,
    memory::{SUBLANES, VREG_GRANULES},
};
pub use scalar::ScalarIndex;
use scalar::Scalars;
pub(crate) use scalar::{clamped, splat_word};
use walk::Walk;

/// Transfers that a core keeps in flight for a piece.
const IN_FLIGHT: usize = 64;
/// The sync flag of the transfers.
const FLAG: i32 = 0;

/// A dimension of a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stride {
    /// How often.
    pub count: usize,
    /// Granules from one to the next in the source.
    pub source: i64,
    /// Granules from one to the next in the result.
    pub target: i64,
}

/// What a [`ScalarIndex`] does to the place of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// The scalar.
    pub index: ScalarIndex,
    /// What it counts.
    pub unit: StartUnit,
}

/// What a [`Start`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartUnit {
    /// So many granules.
    Granules(usize),
    /// Whole tile rows of so many granules; the row in the tile is left out.
    TileRows(usize),
    /// Rows of 32-bit elements in tile rows of so many granules. Right for single rows only.
    Rows(usize),
}

/// Where a piece comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// A launch argument.
    Argument(usize),
    /// One granule filled with the scalar, of the type of the result, that is this launch argument:
    /// all strides of the source are 0.
    Splat(usize),
}

/// A strided copy of granules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// What it copies.
    pub from: From,
    /// The first granule in the source.
    pub source: i64,
    /// The first granule in the result.
    pub target: i64,
    /// The dimensions, in any order; the innermost thing is one granule.
    pub strides: Vec<Stride>,
    /// What moves its place in the source.
    pub source_starts: Vec<Start>,
    /// What moves its place in the result.
    pub target_starts: Vec<Start>,
}

impl Piece {
    /// One granule, from the first to the first.
    pub fn of(from: From) -> Self {
        Self {
            from,
            source: 0,
            target: 0,
            strides: Vec::new(),
            source_starts: Vec::new(),
            target_starts: Vec::new(),
        }
    }
}

/// Pieces that do not overlap in the result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Phase {
    /// Only if this start, modulo the rows of a tile, is that.
    pub condition: Option<(ScalarIndex, usize)>,
    /// The pieces.
    pub pieces: Vec<Piece>,
}

/// An array put together. Launch arguments: `n_inputs` arrays and scalars, then the result; of an
/// update, argument 0 is the result too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// The name.
    pub name: String,
    /// The type of the elements.
    pub element: Element,
    /// Arguments before the result.
    pub n_inputs: usize,
    /// Whether the result is input 0 with something written over it: the two are one array in every
    /// launch.
    pub is_update: bool,
    /// What is moved. Phases with different conditions on one start exclude each other; all others
    /// do not overlap.
    pub phases: Vec<Phase>,
    /// A row of narrow elements. What `phases` move does not overlap with it.
    pub row: Option<NarrowRow>,
}

/// The kernel.
pub fn transfer(spec: &Transfer, chip: &ChipSpec) -> Function {
    let n_arguments = u32::try_from(spec.n_inputs + 1).expect("an instruction has few operands");
    let mut b = Builder::new(&spec.name, n_arguments);
    let scalars = Scalars::load(&mut b, spec);
    Emitter { spec, scalars, n_cores: chip.n_cores }.all(&mut b);
    b.finish()
}

/// Granule counts and strides: HBM has fewer than 2^31 granules.
fn int<T: TryInto<i32>>(value: T) -> i32
where
    T::Error: std::fmt::Debug,
{
    value.try_into().expect("HBM has fewer than 2^31 granules")
}

struct Emitter<'a> {
    spec: &'a Transfer,
    scalars: Scalars,
    n_cores: u32,
}

impl Emitter<'_> {
    fn all(&self, b: &mut Builder) {
        for phase in &self.spec.phases {
            match phase.condition {
                None => self.phase(b, phase),
                Some((index, row)) => {
                    let (start, mask) = (self.scalars.index(index), b.s(int(SUBLANES - 1)));
                    let given = b.sand(start, mask);
                    let row = b.s(int(row));
                    let applies = b.scmp_eq(given, row);
                    b.if_then(applies, |b| self.phase(b, phase));
                }
            }
        }
        if let Some(row) = &self.spec.row {
            narrow::emit(b, self, row);
        }
    }

    /// Starts the transfers of a phase, and waits for all of them.
    fn phase(&self, b: &mut Builder, phase: &Phase) {
        let mut outstanding = b.s(0);
        for piece in &phase.pieces {
            for walk in walk::walks(&piece.strides) {
                let bytes = self.walk(b, piece, &walk);
                outstanding = b.sadd(outstanding, bytes);
            }
        }
        let flag = b.s(FLAG);
        b.dma_wait(flag, outstanding);
    }

    /// Starts the transfers of a walk; the bytes that were not waited for.
    fn walk(&self, b: &mut Builder, piece: &Piece, walk: &Walk) -> S {
        let descriptor = descriptor(piece.from, walk);
        let bytes = int(descriptor.total_bytes());
        let descriptor = b.descriptor(descriptor);
        let places = self.places(b, piece, walk);
        let (outer, inner) = walk.loops.split_first().expect("a walk has a loop");
        let n_inner: usize = inner.iter().map(|stride| stride.count).product();
        let core = b.score();
        let trips = share(b, core, outer.count, self.n_cores);
        let lag = b.s(int((IN_FLIGHT / n_inner).max(1)));
        let trip_bytes = b.s(bytes);
        let trip_bytes = b.smul_imm(trip_bytes, int(n_inner));
        b.for_loop(trips, &[], |b, index, _| {
            let is_full = b.scmp_le(lag, index);
            b.if_then(is_full, |b| {
                let flag = b.s(FLAG);
                b.dma_wait(flag, trip_bytes);
            });
            let step = b.smul_imm(index, int(self.n_cores as usize));
            let position = b.sadd(step, core);
            let places = advance(b, places, position, *outer);
            start_all(b, descriptor, places, inner);
            Vec::new()
        });
        let left = b.smin(trips, lag);
        b.smul(left, trip_bytes)
    }

    /// The first granules of a walk in the source and in the result.
    fn places(&self, b: &mut Builder, piece: &Piece, walk: &Walk) -> [S; 2] {
        let source = match piece.from {
            From::Argument(n) => b.argument(n),
            From::Splat(_) => b.s(self.scalars.splat_granule()),
        };
        let target = b.argument(self.spec.n_inputs);
        let mut places = [
            b.sadd_imm(source, int(piece.source + walk.source)),
            b.sadd_imm(target, int(piece.target + walk.target)),
        ];
        for (place, starts) in places.iter_mut().zip([&piece.source_starts, &piece.target_starts]) {
            for start in starts {
                let offset = self.offset(b, *start);
                *place = b.sadd(*place, offset);
            }
        }
        places
    }

    /// The granules by which a scalar moves a piece.
    fn offset(&self, b: &mut Builder, start: Start) -> S {
        let index = self.scalars.index(start.index);
        let (tile_row, has_rows) = match start.unit {
            StartUnit::Granules(granules) => return b.smul_imm(index, int(granules)),
            StartUnit::TileRows(granules) => (granules, false),
            StartUnit::Rows(granules) => (granules, true),
        };
        let shift = b.s(int(SUBLANES.ilog2()));
        let tile = b.sshr(index, shift);
        let first = b.smul_imm(tile, int(tile_row));
        if !has_rows {
            return first;
        }
        let mask = b.s(int(SUBLANES - 1));
        let row = b.sand(index, mask);
        b.sadd(first, row)
    }
}

fn descriptor(from: From, walk: &Walk) -> DmaDescriptor {
    let dimensions = walk.dimensions.iter().map(|stride| DmaDimension {
        count: int(stride.count).cast_unsigned(),
        source_stride: int(stride.source),
        target_stride: int(stride.target),
    });
    let source = match from {
        From::Argument(_) => MemorySpace::Hbm,
        From::Splat(_) => MemorySpace::Vmem,
    };
    DmaDescriptor {
        source,
        target: MemorySpace::Hbm,
        granules: int(walk.granules).cast_unsigned(),
        dimensions: dimensions.collect(),
    }
}

/// Iterations of this core: every `n_cores`-th.
fn share(b: &mut Builder, core: S, total: usize, n_cores: u32) -> S {
    let n_cores = n_cores as usize;
    let mut trips = b.s(int(total.div_ceil(n_cores)));
    for other in 1..n_cores {
        let (number, own) = (b.s(int(other)), b.s(int((total + n_cores - 1 - other) / n_cores)));
        let is_own = b.scmp_eq(core, number);
        trips = b.ssel(is_own, own, trips);
    }
    trips
}

fn advance(b: &mut Builder, [source, target]: [S; 2], index: S, stride: Stride) -> [S; 2] {
    let [from, to] = [stride.source, stride.target].map(|stride| b.smul_imm(index, int(stride)));
    [b.sadd(source, from), b.sadd(target, to)]
}

fn start_all(b: &mut Builder, descriptor: u32, places: [S; 2], loops: &[Stride]) {
    let Some((outer, inner)) = loops.split_first() else {
        let flag = b.s(FLAG);
        b.dma_start(descriptor, places[0], places[1], flag);
        return;
    };
    let times = b.s(int(outer.count));
    b.for_loop(times, &[], |b, index, _| {
        let places = advance(b, places, index, *outer);
        start_all(b, descriptor, places, inner);
        Vec::new()
    });
}

/// Granules of the buffer that holds a scalar in every word.
const SPLAT_GRANULES: usize = VREG_GRANULES;
