//! What moves: the steps of a kernel, and the windows of its arrays.

use super::int;
use crate::{
    element::Element,
    llo::{Builder, S},
};
use palmetto_isa::{DmaDescriptor, DmaDimension, MemorySpace, memory::VREG_GRANULES};

/// A dimension of the grid, in units of its own (tile rows, columns, whole matrices).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GridDimension {
    /// Units in all.
    pub extent: usize,
    /// Units of a window; at most the extent.
    pub block: usize,
}

impl GridDimension {
    /// Steps along this dimension.
    pub fn count(self) -> usize {
        self.extent.div_ceil(self.block)
    }
}

/// The steps of a kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grid {
    /// The dimensions, slowest first.
    pub dimensions: Vec<GridDimension>,
    /// How many of them, at the end, are of a reduction.
    pub n_reduced: usize,
    /// Dimensions that walk the inside of another's windows.
    pub inner: Vec<InnerDimension>,
    /// Whether the steps of a reduction, the only one, are dealt to the cores. The first core
    /// writes the result.
    pub is_split: bool,
}

/// A dimension that walks what a window along another one holds, unit by unit. Where the last
/// window holds fewer units, the last unit is walked several times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InnerDimension {
    /// The dimension, of windows of one unit.
    pub dimension: usize,
    /// The dimension whose windows it walks; each of its units is as many as `dimension` has.
    pub of: usize,
    /// Units in all.
    pub extent: usize,
}

impl Grid {
    /// Steps along the parallel dimensions.
    pub fn parallel_steps(&self) -> usize {
        let parallel = &self.dimensions[..self.dimensions.len() - self.n_reduced];
        parallel.iter().map(|dimension| dimension.count()).product()
    }

    /// Steps of a reduction.
    pub fn reduced_steps(&self) -> usize {
        let reduced = &self.dimensions[self.dimensions.len() - self.n_reduced..];
        reduced.iter().map(|dimension| dimension.count()).product()
    }
}

/// A block of tiles of an array, and how it lies in VMEM: groups of `packing` tile rows, in each
/// group the columns in order, each one register's worth (8 granules).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileBlock {
    /// The type of the array.
    pub element: Element,
    /// Tile rows of the block, a multiple of the packing.
    pub rows: usize,
    /// Columns (of 128 lanes) of the block.
    pub columns: usize,
    /// Columns of the array.
    pub array_columns: usize,
}

impl TileBlock {
    /// Groups of `packing` tile rows.
    pub fn groups(&self) -> usize {
        self.rows / self.element.packing()
    }

    /// Granules of VMEM.
    pub fn granules(&self) -> usize {
        self.groups() * self.columns * VREG_GRANULES
    }

    /// Granules from the start of the block to the register of a group and a column.
    pub fn offset(&self, group: usize, column: usize) -> usize {
        (group * self.columns + column) * VREG_GRANULES
    }

    /// The same with every tile row in registers of its own.
    fn walk_separately(&self, rows: usize, columns: usize) -> Walked {
        let tile = self.element.tile_granules();
        let of_rows = (rows, self.array_columns * tile, self.columns * VREG_GRANULES);
        Walked { dimensions: vec![of_rows, (columns, tile, VREG_GRANULES)], piece: tile }
    }

    /// The strided walk of a transfer of the first `rows` and `columns`.
    fn walk(&self, rows: usize, columns: usize) -> Walked {
        let tile = self.element.tile_granules();
        let packing = self.element.packing();
        let row = self.array_columns * tile;
        let group = self.columns * VREG_GRANULES;
        if packing == 1 {
            let piece = columns * VREG_GRANULES;
            return Walked { dimensions: vec![(rows, row, group)], piece };
        }
        let groups = (rows / packing, packing * row, group);
        let dimensions = vec![groups, (packing, row, tile), (columns, tile, VREG_GRANULES)];
        Walked { dimensions, piece: tile }
    }
}

/// What a window holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// Tiles of an array.
    Tiles(TileBlock),
    /// Tiles of an array of which every tile row is in registers of its own, at part 0, also where
    /// the element type packs several: for matrices whose tile rows do not fill packed registers.
    Separate(TileBlock),
    /// The same tiles of several matrices.
    Matrices {
        /// Those of one.
        tiles: TileBlock,
        /// How many matrices.
        count: usize,
        /// Granules of HBM from one to the next.
        stride: usize,
    },
    /// Granules in their order.
    Linear(usize),
}

/// A strided walk over granules: dimensions as (count, stride in HBM, stride in VMEM), outermost
/// first, then the contiguous piece.
struct Walked {
    dimensions: Vec<(usize, usize, usize)>,
    piece: usize,
}

impl Block {
    /// Granules of VMEM.
    pub fn granules(&self) -> usize {
        match self {
            Self::Tiles(tiles) => tiles.granules(),
            Self::Matrices { tiles, count, .. } => count * tiles.granules(),
            Self::Separate(tiles) => tiles.rows * tiles.columns * VREG_GRANULES,
            Self::Linear(granules) => *granules,
        }
    }

    /// Tile rows that share a register.
    pub fn packing(&self) -> usize {
        match self {
            Self::Tiles(tiles) | Self::Matrices { tiles, .. } => tiles.element.packing(),
            Self::Separate(_) | Self::Linear(_) => 1,
        }
    }

    /// Whether some words of its registers are never moved.
    pub(super) fn has_gaps(&self) -> bool {
        matches!(self, Self::Separate(tiles) if tiles.element.packing() > 1)
    }

    /// The tiles.
    ///
    /// # Panics
    /// If the window is of another kind.
    pub fn tiles(&self) -> &TileBlock {
        match self {
            Self::Tiles(tiles) | Self::Separate(tiles) | Self::Matrices { tiles, .. } => tiles,
            Self::Linear(_) => panic!("a window of granules has no tiles"),
        }
    }

    pub(super) fn descriptor(&self, fetch: bool, edges: &[Edge]) -> DmaDescriptor {
        let cut = |axis: TileAxis, whole: usize| {
            let edges = edges.iter().filter(|edge| edge.axis == axis);
            edges.map(|edge| edge.count).fold(whole, usize::min)
        };
        let Walked { dimensions, piece } = match self {
            Self::Tiles(tiles) => {
                let rows = cut(TileAxis::Rows, tiles.rows);
                tiles.walk(rows, cut(TileAxis::Columns, tiles.columns))
            }
            Self::Matrices { tiles, count, stride } => {
                let rows = cut(TileAxis::Rows, tiles.rows);
                let mut walked = tiles.walk(rows, cut(TileAxis::Columns, tiles.columns));
                walked.dimensions.insert(0, (*count, *stride, tiles.granules()));
                walked
            }
            Self::Separate(tiles) => {
                let rows = cut(TileAxis::Rows, tiles.rows);
                tiles.walk_separately(rows, cut(TileAxis::Columns, tiles.columns))
            }
            Self::Linear(granules) => {
                let piece = cut(TileAxis::Rows, *granules);
                Walked { dimensions: Vec::new(), piece }
            }
        };
        let count = |value: usize| u32::try_from(value).expect("windows are below 2^31 granules");
        let mut descriptor = DmaDescriptor {
            source: if fetch { MemorySpace::Hbm } else { MemorySpace::Vmem },
            target: if fetch { MemorySpace::Vmem } else { MemorySpace::Hbm },
            granules: count(piece),
            dimensions: Vec::new(),
        };
        for (n, hbm, vmem) in dimensions.into_iter().rev().filter(|(n, _, _)| *n != 1) {
            let is_contiguous = descriptor.dimensions.is_empty() && hbm == vmem;
            if is_contiguous && hbm == descriptor.granules as usize {
                descriptor.granules *= count(n);
                continue;
            }
            let (source, target) = if fetch { (hbm, vmem) } else { (vmem, hbm) };
            let (source_stride, target_stride) = (int(source), int(target));
            let dimension = DmaDimension { count: count(n), source_stride, target_stride };
            descriptor.dimensions.insert(0, dimension);
        }
        descriptor
    }
}

/// What a window may have less of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TileAxis {
    /// Tile rows; granules of a block that is linear.
    Rows,
    /// Columns of 128 lanes.
    Columns,
}

/// The last window along a dimension of the grid has fewer rows or columns than its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The dimension of the grid; `None` if every window is cut.
    pub dimension: Option<usize>,
    /// What there is less of.
    pub axis: TileAxis,
    /// How many there are: tile rows (a multiple of the block's packing), columns or granules.
    pub count: usize,
}

/// The window of one array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// A name for dumps.
    pub name: String,
    /// Which launch argument is the array's first granule.
    pub argument: usize,
    /// The block.
    pub block: Block,
    /// Granules of HBM per unit of each dimension of the grid; 0 where the window does not depend
    /// on it.
    pub strides: Vec<usize>,
    /// Where it is cut. What was cut off an input holds zeros or what was there in an earlier step.
    pub edges: Vec<Edge>,
    /// Where its windows lie.
    pub places: Places,
}

/// Where the windows of an array lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Places {
    /// At the units of the grid.
    Strided,
    /// Along the first dimension of the grid, at other units.
    Skewed(Skew),
    /// Along the last dimension of the grid, at these units.
    Listed(Vec<usize>),
}

/// Windows that are no whole number of units apart: window `i` starts at unit
/// `i * numerator / denominator` or a little before, and not behind the last place where it fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skew {
    whole: usize,
    part: usize,
    shift: usize,
    last: usize,
}

impl Skew {
    /// The places of `n_windows`, of which the last possible one is `last`.
    pub fn new((numerator, denominator): (usize, usize), n_windows: usize, last: usize) -> Self {
        let shift = Self::shift(n_windows);
        let (whole, rest) = (numerator / denominator, numerator % denominator);
        Self { whole, part: (rest << shift) / denominator, shift, last }
    }

    /// Units that one of so many windows may start too early.
    pub fn early(n_windows: usize) -> usize {
        1 + (n_windows >> Self::shift(n_windows))
    }

    /// Bits of the fraction of a unit: as many as products with the number of a window leave.
    fn shift(n_windows: usize) -> usize {
        let bits = (n_windows + 1).ilog2() as usize + 1;
        30_usize.saturating_sub(bits)
    }

    /// The first unit of window `index`.
    pub fn position(&self, b: &mut Builder, index: S) -> S {
        let (units, part) = (b.smul_imm(index, int(self.whole)), b.smul_imm(index, int(self.part)));
        let shift = b.s(int(self.shift));
        let more = b.sshr(part, shift);
        let (position, last) = (b.sadd(units, more), b.s(int(self.last)));
        b.smin(position, last)
    }
}

impl Window {
    /// Granules of VMEM that it takes in [`pipeline`](super::pipeline): two buffers, unless it
    /// never changes.
    pub fn buffered_granules(&self) -> usize {
        let slots = if self.strides.iter().all(|stride| *stride == 0) { 1 } else { 2 };
        slots * self.block.granules()
    }
}
