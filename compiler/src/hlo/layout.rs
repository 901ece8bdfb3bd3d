//! Layouts: where each element of an array lies in memory.
//!
//! A layout orders the dimensions (`minor_to_major`), cuts the result into tiles, and names the
//! memory. In XLA's notation `{1,0:T(8,128)(2,1)S(3)}`: dimension 1 is the most minor, tiles of
//! 8 rows by 128 lanes, pairs of rows packed into 32-bit words, in CMEM.
//!
//! The meaning of tiles: write the dimensions from major to minor. A tile `(t_1, .., t_k)` applies
//! to the last k of them: each becomes (⌈d/t⌉, t), and all t move to the end. The next tile applies
//! to the dimensions that result. Missing leading dimensions count as 1. Padding has undefined
//! content.
//!
//! [`default_tpu_layout`] gives the device's tiling, whose tile is always 8 rows by 128 lanes, also
//! when the second minor dimension has fewer than 8 rows: one shape of tile keeps kernels simple,
//! and short arrays pay with padding. 64-bit elements have no device tiling.

use std::fmt;

use super::shape::{ArrayShape, ElementType};

/// The most elements that one element may become through padding.
const MAX_PADDING: usize = 1 << 14;
/// The most that the sizes of all tiles may multiply to, so that nothing overflows on the way.
const MAX_TILE_PRODUCT: usize = 1 << 32;
/// The bytes that a scalar takes on the device.
const SCALAR_BYTES: usize = 512;
/// Rows of a tile.
pub const TILE_ROWS: usize = 8;
/// Lanes of a tile.
pub const TILE_LANES: usize = 128;

/// Which memory an array is in, with the number of XLA's `S(..)` suffix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemorySpace {
    /// High-bandwidth memory of the chip; not written in the text.
    #[default]
    Hbm,
    /// Vector memory of a core, `S(1)`.
    Vmem,
    /// Sync flags, `S(2)`.
    SyncFlag,
    /// Common memory of the chip, `S(3)`.
    Cmem,
    /// Host memory, `S(5)`.
    Host,
    /// Scalar memory of a core, `S(6)`.
    Smem,
}

impl MemorySpace {
    /// Every memory space.
    pub const ALL: &[Self] =
        &[Self::Hbm, Self::Vmem, Self::SyncFlag, Self::Cmem, Self::Host, Self::Smem];

    /// The number in `S(..)`.
    pub fn number(self) -> usize {
        match self {
            Self::Hbm => 0,
            Self::Vmem => 1,
            Self::SyncFlag => 2,
            Self::Cmem => 3,
            Self::Host => 5,
            Self::Smem => 6,
        }
    }

    /// The space with this number.
    pub fn from_number(number: usize) -> Option<Self> {
        Self::ALL.iter().copied().find(|space| space.number() == number)
    }
}

/// Order of the dimensions, tiles and memory space.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Layout {
    /// The dimensions, the most minor one first.
    pub minor_to_major: Vec<usize>,
    /// Tiles, applied one after the other.
    pub tiles: Vec<Vec<usize>>,
    /// The memory.
    pub memory_space: MemorySpace,
}

impl Layout {
    /// Row-major without tiles: the order of a host buffer.
    pub fn descending(rank: usize) -> Self {
        Self::untiled((0..rank).rev().collect())
    }

    /// The given order without tiles.
    pub fn untiled(minor_to_major: Vec<usize>) -> Self {
        Self { minor_to_major, tiles: Vec::new(), memory_space: MemorySpace::Hbm }
    }

    /// Why this is not a layout of an array of rank `rank`, if so.
    pub(crate) fn check(&self, rank: usize) -> Result<(), &'static str> {
        let mut sorted = self.minor_to_major.clone();
        sorted.sort_unstable();
        if !sorted.into_iter().eq(0..rank) {
            return Err("minor_to_major must name every dimension once");
        }
        let mut entries = self.tiles.iter().flatten();
        let product = entries.try_fold(1usize, |product, &t| product.checked_mul(t));
        if product.is_none_or(|product| product == 0 || product > MAX_TILE_PRODUCT) {
            return Err("tile sizes must be at least 1 and multiply to at most 2^32");
        }
        if self.tiles.iter().any(Vec::is_empty) {
            return Err("a tile needs at least one size");
        }
        // A tile that splits the one before it pads nothing; an array of one element pads most.
        if self.padded_element_count(&vec![1; rank]) > MAX_PADDING {
            return Err("tiles may pad one element to at most 2^14");
        }
        Ok(())
    }

    /// The dimensions of `dimensions` in memory order, major first, before tiling.
    pub fn physical_dimensions(&self, dimensions: &[usize]) -> Vec<usize> {
        self.minor_to_major.iter().rev().map(|&dimension| dimensions[dimension]).collect()
    }

    /// The padded dimensions after all tiles, major first: the array as it lies in memory.
    pub fn tiled_dimensions(&self, dimensions: &[usize]) -> Vec<usize> {
        let mut result = self.physical_dimensions(dimensions);
        for tile in &self.tiles {
            let start = split_for_tile(&mut result, tile.len(), 1);
            let inner = result[start..].iter_mut().zip(tile);
            inner.for_each(|(dimension, &t)| *dimension = dimension.div_ceil(t));
            result.extend_from_slice(tile);
        }
        result
    }

    /// The elements with padding.
    pub fn padded_element_count(&self, dimensions: &[usize]) -> usize {
        self.tiled_dimensions(dimensions).iter().product()
    }

    /// The position in memory, in elements, of the element at `index`.
    ///
    /// Distinct indices have distinct positions below [`Self::padded_element_count`].
    pub fn position(&self, dimensions: &[usize], index: &[usize]) -> usize {
        let mut sizes = self.physical_dimensions(dimensions);
        let mut place = self.physical_dimensions(index);
        for tile in &self.tiles {
            let start = split_for_tile(&mut sizes, tile.len(), 1);
            split_for_tile(&mut place, tile.len(), 0);
            for (n, &t) in tile.iter().enumerate() {
                let within = place[start + n] % t;
                sizes[start + n] = sizes[start + n].div_ceil(t);
                place[start + n] /= t;
                sizes.push(t);
                place.push(within);
            }
        }
        place.iter().zip(&sizes).fold(0, |position, (&place, &size)| position * size + place)
    }
}

/// Where the last `tile_rank` dimensions start, after padding at the front up to that rank.
fn split_for_tile(dimensions: &mut Vec<usize>, tile_rank: usize, padding: usize) -> usize {
    if let Some(missing) = tile_rank.checked_sub(dimensions.len()) {
        dimensions.splice(0..0, std::iter::repeat_n(padding, missing));
    }
    dimensions.len() - tile_rank
}

/// The device's tiling of an array whose dimensions are ordered as given.
///
/// | bits | rank 0 | rank 1 | rank 2 and more |
/// |---|---|---|---|
/// | 32 | `T(128)` | `T(1024)` | `T(8,128)` |
/// | 16 | `T(256)` | `T(1024)(128)(2,1)` | `T(8,128)(2,1)` |
/// | 8, pred | `T(512)` | `T(1024)(128)(4,1)` | `T(8,128)(4,1)` |
/// | 64 | none | none | none |
///
/// An array of rank 1 lies as rows of 128 elements, 8 rows to a tile.
pub fn default_tpu_layout(element_type: ElementType, minor_to_major: Vec<usize>) -> Layout {
    let bytes = element_type.byte_size();
    let tiles = match minor_to_major.len() {
        _ if bytes > 4 => Vec::new(),
        0 => vec![vec![SCALAR_BYTES / bytes]],
        rank => {
            let mut tiles = vec![vec![TILE_ROWS, TILE_LANES]];
            if rank == 1 {
                tiles = vec![vec![TILE_ROWS * TILE_LANES]];
            }
            if rank == 1 && bytes < 4 {
                tiles.push(vec![TILE_LANES]);
            }
            if bytes < 4 {
                tiles.push(vec![4 / bytes, 1]);
            }
            tiles
        }
    };
    Layout { minor_to_major, tiles, memory_space: MemorySpace::Hbm }
}

impl ArrayShape {
    /// The bytes that the array takes in memory, padding included.
    ///
    /// Without a layout these are the bytes of a host buffer.
    pub fn physical_byte_size(&self) -> usize {
        let count = match self.layout() {
            Some(layout) => layout.padded_element_count(self.dimensions()),
            None => self.element_count(),
        };
        count * self.element_type().byte_size()
    }

    /// The position in memory, in elements, of the element with row-major number `linear`.
    ///
    /// # Panics
    /// If `linear` is not below the number of elements.
    pub fn physical_position(&self, linear: usize) -> usize {
        assert!(linear < self.element_count(), "element {linear} of {self}");
        let Some(layout) = self.layout() else { return linear };
        let mut rest = linear;
        let mut index = vec![0; self.rank()];
        for (place, &size) in index.iter_mut().zip(self.dimensions()).rev() {
            *place = rest % size;
            rest /= size;
        }
        layout.position(self.dimensions(), &index)
    }

    /// The same shape in the device's tiling, dimensions in descending order.
    #[must_use]
    pub fn with_default_tpu_layout(self) -> Self {
        let minor_to_major = (0..self.rank()).rev().collect();
        let layout = default_tpu_layout(self.element_type(), minor_to_major);
        self.with_layout(layout).expect("the device's layout names every dimension once")
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        write_list(f, &self.minor_to_major)?;
        if !self.tiles.is_empty() || self.memory_space != MemorySpace::Hbm {
            f.write_str(":")?;
        }
        for (n, tile) in self.tiles.iter().enumerate() {
            f.write_str(if n == 0 { "T(" } else { "(" })?;
            write_list(f, tile)?;
            f.write_str(")")?;
        }
        if self.memory_space != MemorySpace::Hbm {
            write!(f, "S({})", self.memory_space.number())?;
        }
        f.write_str("}")
    }
}

fn write_list(f: &mut fmt::Formatter<'_>, list: &[usize]) -> fmt::Result {
    for (n, item) in list.iter().enumerate() {
        write!(f, "{}{item}", if n == 0 { "" } else { "," })?;
    }
    Ok(())
}
