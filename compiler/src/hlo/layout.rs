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

/// The most that the entries of all tiles may multiply to.
const MAX_TILE_ELEMENTS: usize = 1 << 20;
/// The most elements that an array may have with its padding: 2^63 bytes.
const MAX_PADDED_ELEMENTS: u128 = 1 << 60;
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

    /// Why this is not a layout of an array with these dimensions, if so.
    pub(crate) fn check(&self, dimensions: &[usize]) -> Result<(), &'static str> {
        let rank = dimensions.len();
        let mut sorted = self.minor_to_major.clone();
        sorted.sort_unstable();
        if !sorted.into_iter().eq(0..rank) {
            return Err("minor_to_major must name every dimension once");
        }
        let mut entries = self.tiles.iter().flatten();
        let product = entries.try_fold(1usize, |product, &t| product.checked_mul(t));
        if product.is_none_or(|product| product == 0 || product > MAX_TILE_ELEMENTS) {
            return Err("tile sizes must be at least 1 and multiply to at most 2^20");
        }
        if self.tiles.iter().any(Vec::is_empty) {
            return Err("a tile needs at least one size");
        }
        let tiled = self.tiled_dimensions(dimensions);
        if tiled.iter().map(|&size| size as u128).product::<u128>() > MAX_PADDED_ELEMENTS {
            return Err("padding makes more than 2^60 elements of it");
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::SourceText;
    use crate::hlo::parse::parse_shape;
    use crate::hlo::shape::Shape;
    use proptest::prelude::*;

    fn array(text: &str) -> ArrayShape {
        let shape = parse_shape(SourceText::new("shape", text));
        let shape = shape.unwrap_or_else(|error| panic!("{error}"));
        shape.as_array().expect("the text is an array").clone()
    }

    /// Where the device has the element: the definition of the tiling, written out.
    fn device_byte(
        shape: &ArrayShape,
        rows: usize,
        columns: usize,
        [m, r, c]: [usize; 3],
    ) -> usize {
        let bytes = shape.element_type().byte_size();
        let per_word = 4 / bytes;
        let (row_tiles, column_tiles) = (rows.div_ceil(8), columns.div_ceil(128));
        let tile = (m * row_tiles + r / 8) * column_tiles + c / 128;
        // A word holds the rows `per_word * n ..`, the first one in its low bytes.
        let (row, lane) = (r % 8, c % 128);
        let word = row / per_word * 128 + lane;
        tile * 8 * 128 * bytes + word * 4 + row % per_word * bytes
    }

    #[test]
    fn the_device_tiling_is_the_one_that_kernels_assume() {
        for element_type in ["f32", "s32", "bf16", "u16", "s8", "pred"] {
            for (rows, columns) in [(8, 128), (1, 1), (9, 129), (16, 256), (3, 300)] {
                let shape = array(&format!("{element_type}[2,{rows},{columns}]"));
                let shape = shape.with_default_tpu_layout();
                let bytes = shape.element_type().byte_size();
                for linear in 0..shape.element_count() {
                    let (m, rest) = (linear / (rows * columns), linear % (rows * columns));
                    let place = [m, rest / columns, rest % columns];
                    let expected = device_byte(&shape, rows, columns, place);
                    assert_eq!(
                        shape.physical_position(linear) * bytes,
                        expected,
                        "{shape} {place:?}"
                    );
                }
                let tiles = 2 * rows.div_ceil(8) * columns.div_ceil(128);
                assert_eq!(shape.physical_byte_size(), tiles * 1024 * bytes, "{shape}");
            }
        }
    }

    #[test]
    fn a_vector_lies_as_rows_of_128() {
        for element_type in ["f32", "bf16", "s8"] {
            let shape = array(&format!("{element_type}[2500]")).with_default_tpu_layout();
            let bytes = shape.element_type().byte_size();
            for element in 0..2500 {
                let expected = device_byte(&shape, 20, 128, [0, element / 128, element % 128]);
                assert_eq!(shape.physical_position(element) * bytes, expected, "{shape} {element}");
            }
            assert_eq!(shape.physical_byte_size(), 3 * 1024 * bytes);
        }
    }

    #[test]
    fn a_scalar_takes_a_granule() {
        for element_type in ["f32", "bf16", "pred"] {
            let shape = array(&format!("{element_type}[]")).with_default_tpu_layout();
            assert_eq!((shape.physical_byte_size(), shape.physical_position(0)), (512, 0));
        }
    }

    #[test]
    fn wide_elements_have_no_tiles() {
        let shape = array("f64[3,5]").with_default_tpu_layout();
        assert_eq!(shape.to_string(), "f64[3,5]{1,0}");
        assert_eq!((shape.physical_byte_size(), shape.physical_position(7)), (120, 7));
    }

    #[test]
    fn the_notation_is_xlas() {
        for text in [
            "bf16[4096,4096]{1,0:T(8,128)(2,1)S(3)}",
            "f32[2,3]{0,1}",
            "f32[]{:T(128)S(6)}",
            "f32[7]{0:T(1024)}",
            "f32[7]{0:S(5)}",
            "f32[]{}",
        ] {
            assert_eq!(array(text).to_string(), text);
        }
        for (element_type, texts) in [
            (ElementType::F32, ["{:T(128)}", "{0:T(1024)}", "{1,0:T(8,128)}"]),
            (ElementType::BF16, ["{:T(256)}", "{0:T(1024)(128)(2,1)}", "{1,0:T(8,128)(2,1)}"]),
            (ElementType::Pred, ["{:T(512)}", "{0:T(1024)(128)(4,1)}", "{1,0:T(8,128)(4,1)}"]),
        ] {
            for (rank, text) in texts.iter().enumerate() {
                let layout = default_tpu_layout(element_type, (0..rank).rev().collect());
                assert_eq!(layout.to_string(), *text);
            }
        }
    }

    #[test]
    fn impossible_layouts_are_refused() {
        let refuse = |text: &str| parse_shape(SourceText::new("s", text)).expect_err("impossible");
        for text in [
            "f32[2,3]{1}",
            "f32[2,3]{1,1}",
            "f32[2,3]{2,0}",
            "f32[2,3]{1,0:T(0,128)}",
            "f32[2,3]{1,0:T()}",
            "f32[2,3]{1,0:T(1048576,2)}",
            "f32[70368744177664,1,1]{2,1,0:T(512,512)}",
            "f32[2,3]{1,0:T(18446744073709551615,2)}",
            "f32[2,3]{1,0:S(4)}",
        ] {
            refuse(text);
        }
    }

    #[test]
    fn the_largest_array_in_the_worst_layout_has_a_size() {
        let shape = ArrayShape::new(ElementType::F64, vec![1 << 46, 1, 1]).expect("it is allowed");
        let tiles = vec![vec![128, 128]];
        let layout = Layout { tiles, ..Layout::descending(3) };
        let shape = shape.with_layout(layout).expect("it is allowed");
        assert_eq!(shape.physical_byte_size(), 1 << 63);
        assert!(ArrayShape::new(ElementType::F64, vec![(1 << 46) + 1]).is_err());
        assert!(Shape::array(ElementType::F64, vec![usize::MAX, usize::MAX, 0]).is_err());
    }

    fn any_layout() -> impl Strategy<Value = (Vec<usize>, Layout)> {
        let dimensions = prop::collection::vec(1usize..7, 0..4);
        let tiles = prop::collection::vec(prop::collection::vec(1usize..5, 1..4), 0..3);
        (dimensions, tiles).prop_flat_map(|(dimensions, tiles)| {
            let order: Vec<usize> = (0..dimensions.len()).collect();
            Just(order).prop_shuffle().prop_map(move |minor_to_major| {
                let layout = Layout { tiles: tiles.clone(), ..Layout::untiled(minor_to_major) };
                (dimensions.clone(), layout)
            })
        })
    }

    proptest! {
        #[test]
        fn positions_are_a_bijection_into_the_padded_space((dimensions, layout) in any_layout()) {
            let shape = ArrayShape::new(ElementType::F32, dimensions).expect("small");
            let shape = shape.with_layout(layout).expect("made to fit");
            let size = shape.physical_byte_size() / 4;
            let mut taken = vec![false; size];
            for linear in 0..shape.element_count() {
                let position = shape.physical_position(linear);
                prop_assert!(position < size, "{} {}", shape, linear);
                prop_assert!(!std::mem::replace(&mut taken[position], true), "{} {}", shape, linear);
            }
            let again = parse_shape(SourceText::new("shape", &shape.to_string()));
            prop_assert_eq!(again, Ok(Shape::Array(shape)));
        }
    }
}
