//! The look-up kernel: rows or matrices of a table, by indices known at run time.
//!
//! All indices come to SMEM first, one line after the other. Then each core walks its share of
//! them. Rows of 32-bit elements and whole matrices go from HBM to HBM, many at a time. Rows of
//! narrow elements share granules with their neighbours: the granules that hold them go to VMEM,
//! where they are taken apart and packed ([`packed`]).
//!
//! Indices are clamped to the table, as HLO's gather does.

mod cursor;
mod packed;
mod scatter;

use crate::{
    element::Element,
    llo::{Address, Builder, Function, S, ScratchId},
    transfer::clamped,
};
use cursor::{Cursor, share};
use palmetto_isa::{
    ChipSpec, DmaDescriptor, DmaDimension, MemorySpace,
    memory::{GRANULE_WORDS, LANES, SUBLANES, VREG_GRANULES},
};
pub use scatter::scatter;
use thiserror::Error;

/// Granules of indices that SMEM has room for.
const MAX_INDEX_GRANULES: usize = 1024;
/// Transfers that a core keeps in flight.
const IN_FLIGHT: usize = 64;
/// The sync flag of everything but the windows of packed rows.
const FLAG: i32 = 0;

/// What an index names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slice {
    /// A row of so many columns of 128 lanes, of a table that is one matrix.
    Row(usize),
    /// So many granules, one after the other.
    Granules(usize),
}

/// How the indices lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indices {
    /// So many in lines of 128 lanes.
    Line(usize),
    /// In tiles: matrices, rows, lanes.
    Matrices([usize; 3]),
}

/// A look-up. Launch arguments: the table, the indices, the result, whose major dimensions are
/// those of the indices (the last of them the rows, if slices are rows).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// The name.
    pub name: String,
    /// The type of the table.
    pub element: Element,
    /// The type of the indices: 32-bit integers.
    pub index: Element,
    /// Slices of the table.
    pub table: usize,
    /// What an index names.
    pub slice: Slice,
    /// The indices.
    pub indices: Indices,
    /// Granules behind the last slice that are read with it, and have to be written.
    pub tail: usize,
}

/// Why there is no look-up kernel.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LookupError {
    /// Indices do not fit into SMEM.
    #[error(
        "{granules} granules of indices do not fit into SMEM; \
         at most {MAX_INDEX_GRANULES} are possible"
    )]
    TooManyIndices {
        /// How many.
        granules: usize,
    },
    /// Rows are too long.
    #[error("rows of {columns} columns take {needed} granules of VMEM, of {available}")]
    Vmem {
        /// Columns of a row.
        columns: usize,
        /// Granules needed.
        needed: usize,
        /// Granules there are.
        available: usize,
    },
}

/// Where the indices are in SMEM: lines of whole granules.
#[derive(Clone, Copy, Debug)]
struct Lines {
    /// Groups of lines.
    matrices: usize,
    /// Lines of a group.
    rows: usize,
    /// Lines of a group that there is memory for.
    padded_rows: usize,
    /// Indices of a line.
    lanes: usize,
    /// Granules of a line.
    columns: usize,
}

impl Lines {
    fn of(indices: Indices) -> Self {
        match indices {
            Indices::Line(lanes) => {
                let columns = lanes.div_ceil(LANES);
                Self { matrices: 1, rows: 1, padded_rows: 1, lanes, columns }
            }
            Indices::Matrices([matrices, rows, lanes]) => {
                let (padded_rows, columns) =
                    (rows.next_multiple_of(SUBLANES), lanes.div_ceil(LANES));
                Self { matrices, rows, padded_rows, lanes, columns }
            }
        }
    }

    fn granules(&self) -> usize {
        self.matrices * self.padded_rows * self.columns
    }

    /// The transfer from tiles to lines.
    fn descriptor(&self, target: MemorySpace) -> DmaDescriptor {
        let mut descriptor = DmaDescriptor {
            source: MemorySpace::Hbm,
            target,
            granules: count(self.granules()),
            dimensions: Vec::new(),
        };
        if self.padded_rows > 1 && self.columns > 1 {
            let (tile_row, columns) = (int(self.columns * VREG_GRANULES), int(self.columns));
            descriptor.granules = 1;
            descriptor.dimensions = vec![
                dimension(self.matrices * self.padded_rows / SUBLANES, [tile_row, tile_row]),
                dimension(SUBLANES, [1, columns]),
                dimension(self.columns, [int(VREG_GRANULES), 1]),
            ];
        }
        descriptor
    }
}

impl Lookup {
    /// Whether there is a kernel, without making it.
    ///
    /// # Errors
    /// Why there is none.
    pub fn check(&self, chip: &ChipSpec) -> Result<(), LookupError> {
        let granules = Lines::of(self.indices).granules();
        if granules > MAX_INDEX_GRANULES {
            return Err(LookupError::TooManyIndices { granules });
        }
        match self.slice {
            Slice::Row(columns) if self.element.packing() > 1 => {
                packed::check((self.element, columns), granules, chip)
            }
            Slice::Row(_) | Slice::Granules(_) => Ok(()),
        }
    }

    /// Indices that are looked up at once: those of a tile row of the result, or one.
    fn unit(&self) -> usize {
        match self.slice {
            Slice::Row(_) => SUBLANES,
            Slice::Granules(_) => 1,
        }
    }
}

/// The kernel.
///
/// # Errors
/// If the sizes do not suit it; see [`LookupError`].
pub fn lookup(spec: &Lookup, chip: &ChipSpec) -> Result<Function, LookupError> {
    spec.check(chip)?;
    let mut b = Builder::new(&spec.name, 3);
    let lines = Lines::of(spec.indices);
    let loading = Loading::start(&mut b, &lines, (MemorySpace::Smem, FLAG));
    let kernel = |indices| Kernel { spec, lines, indices, n_cores: chip.n_cores };
    match spec.slice {
        Slice::Row(columns) if spec.element.packing() > 1 => {
            let vectors = Loading::start(&mut b, &lines, (MemorySpace::Vmem, packed::INDEX_FLAG));
            let kernel = kernel(loading.wait(&mut b));
            let vectors = vectors.wait(&mut b);
            packed::emit(&mut b, &kernel, (columns, vectors));
        }
        Slice::Row(_) | Slice::Granules(_) => {
            let indices = loading.wait(&mut b);
            kernel(indices).direct(&mut b);
        }
    }
    Ok(b.finish())
}

fn int(value: usize) -> i32 {
    i32::try_from(value).expect("HBM has fewer than 2^31 granules")
}

fn count(value: usize) -> u32 {
    int(value).cast_unsigned()
}

fn dimension(n: usize, [source_stride, target_stride]: [i32; 2]) -> DmaDimension {
    DmaDimension { count: count(n), source_stride, target_stride }
}

fn bytes(descriptor: &DmaDescriptor) -> i32 {
    i32::try_from(descriptor.total_bytes()).expect("transfers are below 2^31 bytes")
}

/// Indices on their way to SMEM or VMEM, in lines.
struct Loading {
    scratch: ScratchId,
    flag: i32,
    bytes: i32,
}

impl Loading {
    fn start(b: &mut Builder, lines: &Lines, (space, flag): (MemorySpace, i32)) -> Self {
        let scratch = b.scratch("indices", space, lines.granules());
        let descriptor = lines.descriptor(space);
        let bytes = bytes(&descriptor);
        let descriptor = b.descriptor(descriptor);
        let (from, to) = (b.argument(1), b.s(b.base(scratch)));
        let started = b.s(flag);
        b.start_dma(scratch, descriptor, [from, to, started]);
        Self { scratch, flag, bytes }
    }

    fn wait(self, b: &mut Builder) -> ScratchId {
        let (flag, bytes) = (b.s(self.flag), b.s(self.bytes));
        b.wait_dma(self.scratch, flag, bytes);
        self.scratch
    }
}

struct Kernel<'a> {
    spec: &'a Lookup,
    lines: Lines,
    indices: ScratchId,
    n_cores: u32,
}

impl Kernel<'_> {
    /// An index, clamped.
    fn index(&self, b: &mut Builder, cursor: &Cursor, n: usize) -> S {
        let offset = b.first_word(self.indices) + int(n);
        let word = b.load_scalar(Address { scratch: self.indices, base: cursor.word, offset });
        clamped(b, word, self.spec.index, self.spec.table - 1)
    }

    /// The granule in the table of a row: tiles of `columns` columns.
    fn row_granule(&self, b: &mut Builder, index: S, columns: usize) -> S {
        let tile = self.spec.element.tile_granules();
        let (shift, mask) = (b.s(3), b.s(int(SUBLANES - 1)));
        let tile_row = b.sshr(index, shift);
        let first = b.smul_imm(tile_row, int(columns * tile));
        let mut row = b.sand(index, mask);
        if tile < SUBLANES {
            let shift = b.s((SUBLANES / tile).ilog2().cast_signed());
            row = b.sshr(row, shift);
        }
        b.sadd(first, row)
    }

    /// From HBM to HBM.
    fn direct(&self, b: &mut Builder) {
        let unit = self.spec.unit();
        let (descriptor, unit_granules) = self.direct_descriptor();
        let unit_bytes = b.s(bytes(&descriptor) * int(unit));
        let descriptor = b.descriptor(descriptor);
        let (table, result, flag) = (b.argument(0), b.argument(2), b.s(FLAG));
        let (cursor, units) = share(b, &self.lines, (unit, 1), self.n_cores);
        let lag = b.s(int(IN_FLIGHT / unit));
        b.for_loop(units, &cursor.values(), |b, n, carried| {
            let cursor = Cursor::of(carried);
            let is_full = b.scmp_le(lag, n);
            b.if_then(is_full, |b| b.dma_wait(flag, unit_bytes));
            let offset = b.smul_imm(cursor.unit, int(unit_granules));
            let target = b.sadd(result, offset);
            for row in 0..unit {
                let index = self.index(b, &cursor, row);
                let granule = match self.spec.slice {
                    Slice::Row(columns) => self.row_granule(b, index, columns),
                    Slice::Granules(granules) => b.smul_imm(index, int(granules)),
                };
                let (source, target) = (b.sadd(table, granule), b.sadd_imm(target, int(row)));
                b.dma_start(descriptor, source, target, flag);
            }
            cursor.next(b, &self.lines, unit).values()
        });
        let left = b.smin(units, lag);
        let left = b.smul(left, unit_bytes);
        b.dma_wait(flag, left);
        self.fill_tail(b, [table, result]);
    }

    /// The transfer of one slice, and the granules of the result that a unit takes.
    fn direct_descriptor(&self) -> (DmaDescriptor, usize) {
        let stride = int(VREG_GRANULES);
        let (granules, dimensions, unit_granules) = match self.spec.slice {
            Slice::Row(columns) => {
                let columns_apart = vec![dimension(columns, [stride, stride])];
                (1, columns_apart, columns * VREG_GRANULES)
            }
            Slice::Granules(granules) => (granules, Vec::new(), granules),
        };
        let (source, target) = (MemorySpace::Hbm, MemorySpace::Hbm);
        (DmaDescriptor { source, target, granules: count(granules), dimensions }, unit_granules)
    }

    /// Gives the granules behind the last slice some value.
    fn fill_tail(&self, b: &mut Builder, [table, result]: [S; 2]) {
        let Slice::Granules(granules) = self.spec.slice else { return };
        if self.spec.tail == 0 {
            return;
        }
        let descriptor = DmaDescriptor {
            source: MemorySpace::Hbm,
            target: MemorySpace::Hbm,
            granules: count(self.spec.tail),
            dimensions: Vec::new(),
        };
        let bytes = bytes(&descriptor);
        let descriptor = b.descriptor(descriptor);
        let slices = self.lines.matrices * self.lines.rows * self.lines.lanes;
        let (core, zero) = (b.score(), b.s(0));
        let is_first = b.scmp_eq(core, zero);
        b.if_then(is_first, |b| {
            let target = b.sadd_imm(result, int(slices * granules));
            let (flag, bytes) = (b.s(FLAG), b.s(bytes));
            b.dma_start(descriptor, table, target, flag);
            b.dma_wait(flag, bytes);
        });
    }
}

/// Words of a line.
fn line_words(lines: &Lines) -> usize {
    lines.columns * GRANULE_WORDS
}
