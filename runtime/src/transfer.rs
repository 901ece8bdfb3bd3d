//! Host layout to device layout and back.
//!
//! A host array is row-major without gaps; on the device it lies as its [`Layout`] says: dimensions
//! reordered, cut into tiles, padded. Tiling splits each dimension's index into digits, and every
//! digit has its own stride; so the position of an element is a sum with one term per dimension.
//! A transfer computes each dimension's terms once (one table per dimension) and then moves rows:
//! whole runs where a row is contiguous on the device, single elements where it is not.
//!
//! Padding has no meaning. It is filled with a byte that the caller chooses, so that a strict run
//! can make a program stumble that depends on it.

use palmetto_compiler::hlo::{ArrayLiteral, ArrayShape, Layout, LiteralError};

/// The shortest average run that is worth block copies.
const MIN_RUN: usize = 16;

/// The bytes of `literal` in the layout of `shape`, with `padding` in the gaps.
///
/// # Panics
/// If the literal is not of `shape`: the caller has compared them.
pub fn to_device(literal: &ArrayLiteral, shape: &ArrayShape, padding: u8) -> Vec<u8> {
    assert!(literal.shape().same_but_layout(shape), "{} for {shape}", literal.shape());
    let mut device = vec![padding; shape.physical_byte_size()];
    move_elements(shape, Scatter { host: literal.bytes(), device: &mut device });
    device
}

/// The array that `device` holds in the layout of `shape`.
///
/// # Errors
/// The device's bytes are fewer than the array takes, or a `pred` is neither 0 nor 1.
pub fn from_device(device: &[u8], shape: &ArrayShape) -> Result<ArrayLiteral, LiteralError> {
    let (needed, given) = (shape.physical_byte_size(), device.len());
    if given < needed {
        return Err(LiteralError::ByteCount { shape: Box::new(shape.clone()), needed, given });
    }
    let mut host = vec![0; shape.byte_size()];
    move_elements(shape, Gather { host: &mut host, device });
    ArrayLiteral::from_bytes(shape.clone(), &host)
}

/// One direction of a transfer. Positions are in elements.
trait Direction {
    /// Moves everything: both sides have the same order.
    fn move_all(&mut self, bytes: usize);
    /// Moves one host row, which starts at element `host`; its element n is at `device + row[n]`.
    fn move_row<const SIZE: usize>(&mut self, host: usize, device: usize, row: &[usize]);
    /// The same for a row that consists of runs: (start in the row, offset on the device, length).
    fn move_runs<const SIZE: usize>(&mut self, host: usize, device: usize, runs: &[Run]);
}

/// Neighbours in a row that are neighbours on the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    start: usize,
    offset: usize,
    length: usize,
}

/// Host to device.
struct Scatter<'a> {
    host: &'a [u8],
    device: &'a mut [u8],
}

/// Device to host.
struct Gather<'a> {
    host: &'a mut [u8],
    device: &'a [u8],
}

impl Direction for Scatter<'_> {
    fn move_all(&mut self, bytes: usize) {
        self.device[..bytes].copy_from_slice(&self.host[..bytes]);
    }

    fn move_row<const SIZE: usize>(&mut self, host: usize, device: usize, row: &[usize]) {
        let from = &self.host.as_chunks::<SIZE>().0[host..][..row.len()];
        let to = &mut self.device.as_chunks_mut::<SIZE>().0[device..];
        from.iter().zip(row).for_each(|(&element, &offset)| to[offset] = element);
    }

    fn move_runs<const SIZE: usize>(&mut self, host: usize, device: usize, runs: &[Run]) {
        for run in runs {
            let from = &self.host[(host + run.start) * SIZE..][..run.length * SIZE];
            self.device[(device + run.offset) * SIZE..][..run.length * SIZE].copy_from_slice(from);
        }
    }
}

impl Direction for Gather<'_> {
    fn move_all(&mut self, bytes: usize) {
        self.host[..bytes].copy_from_slice(&self.device[..bytes]);
    }

    fn move_row<const SIZE: usize>(&mut self, host: usize, device: usize, row: &[usize]) {
        let to = &mut self.host.as_chunks_mut::<SIZE>().0[host..][..row.len()];
        let from = &self.device.as_chunks::<SIZE>().0[device..];
        to.iter_mut().zip(row).for_each(|(element, &offset)| *element = from[offset]);
    }

    fn move_runs<const SIZE: usize>(&mut self, host: usize, device: usize, runs: &[Run]) {
        for run in runs {
            let from = &self.device[(device + run.offset) * SIZE..][..run.length * SIZE];
            self.host[(host + run.start) * SIZE..][..run.length * SIZE].copy_from_slice(from);
        }
    }
}

fn move_elements(shape: &ArrayShape, mut direction: impl Direction) {
    if shape.element_count() == 0 {
        return;
    }
    if is_dense_vector(shape) {
        direction.move_all(shape.byte_size());
        return;
    }
    match shape.element_type().byte_size() {
        1 => move_sized::<1>(shape, direction),
        2 => move_sized::<2>(shape, direction),
        4 => move_sized::<4>(shape, direction),
        8 => move_sized::<8>(shape, direction),
        16 => move_sized::<16>(shape, direction),
        size => unreachable!("no element type has {size} bytes"),
    }
}

/// Whether a vector lies on the device as on the host: in tiles of one dimension, which do not
/// change the order. Its table of positions would be larger than itself.
fn is_dense_vector(shape: &ArrayShape) -> bool {
    let tiles = shape.layout().map_or(&[][..], |layout| &layout.tiles);
    shape.rank() == 1 && tiles.len() <= 1 && tiles.iter().all(|tile| tile.len() == 1)
}

fn move_sized<const SIZE: usize>(shape: &ArrayShape, mut direction: impl Direction) {
    let tables = match shape.layout() {
        Some(layout) => position_tables(layout, shape.dimensions()),
        None => position_tables(&Layout::descending(shape.rank()), shape.dimensions()),
    };
    let scalar = vec![0];
    let (row, major) = tables.split_last().map_or((&scalar, &[][..]), |(row, major)| (row, major));
    let runs = runs(row);
    let by_runs = row.len() >= MIN_RUN * runs.len();
    for (number, device) in Positions::new(major).enumerate() {
        let host = number * row.len();
        if by_runs {
            direction.move_runs::<SIZE>(host, device, &runs);
        } else {
            direction.move_row::<SIZE>(host, device, row);
        }
    }
}

/// For each dimension and each index in it: what that index adds to the position on the device.
fn position_tables(layout: &Layout, dimensions: &[usize]) -> Vec<Vec<usize>> {
    let mut tables: Vec<Vec<usize>> = dimensions.iter().map(|&size| vec![0; size]).collect();
    let mut stride = 1;
    for digit in digits(layout, dimensions).iter().rev() {
        if let Some(dimension) = digit.dimension {
            let terms = tables[dimension].iter_mut().zip(&digit.values);
            terms.for_each(|(term, value)| *term += value * stride);
        }
        stride *= digit.size;
    }
    tables
}

/// A dimension of the tiled array: which dimension of the array it comes from (none for padding up
/// to the rank of a tile), and its value for each index of that.
struct Digit {
    dimension: Option<usize>,
    size: usize,
    values: Vec<usize>,
}

/// The dimensions of the tiled array, most major first.
fn digits(layout: &Layout, dimensions: &[usize]) -> Vec<Digit> {
    let whole = |&dimension: &usize| {
        let size = dimensions[dimension];
        Digit { dimension: Some(dimension), size, values: (0..size).collect() }
    };
    let mut digits: Vec<Digit> = layout.minor_to_major.iter().rev().map(whole).collect();
    for tile in &layout.tiles {
        let missing = tile.len().saturating_sub(digits.len());
        let padding = || Digit { dimension: None, size: 1, values: Vec::new() };
        digits.splice(0..0, std::iter::repeat_with(padding).take(missing));
        let start = digits.len() - tile.len();
        for (n, &size) in tile.iter().enumerate() {
            let outer = &mut digits[start + n];
            let values = outer.values.iter().map(|value| value % size).collect();
            let inner = Digit { dimension: outer.dimension, size, values };
            outer.values.iter_mut().for_each(|value| *value /= size);
            outer.size = outer.size.div_ceil(size);
            digits.push(inner);
        }
    }
    digits
}

fn runs(row: &[usize]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (start, &offset) in row.iter().enumerate() {
        match runs.last_mut() {
            Some(run) if run.offset + run.length == offset => run.length += 1,
            Some(_) | None => runs.push(Run { start, offset, length: 1 }),
        }
    }
    runs
}

/// Where each row starts on the device, in row-major order of the major dimensions.
struct Positions<'a> {
    tables: &'a [Vec<usize>],
    index: Vec<usize>,
    done: bool,
}

impl<'a> Positions<'a> {
    fn new(tables: &'a [Vec<usize>]) -> Self {
        Self { tables, index: vec![0; tables.len()], done: false }
    }
}

impl Iterator for Positions<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.done {
            return None;
        }
        let position = self.tables.iter().zip(&self.index).map(|(table, &index)| table[index]);
        let position = position.sum();
        self.done = true;
        for (index, table) in self.index.iter_mut().zip(self.tables).rev() {
            *index += 1;
            if *index < table.len() {
                self.done = false;
                break;
            }
            *index = 0;
        }
        Some(position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeded;
    use palmetto_compiler::hlo::{ElementType, default_tpu_layout};
    use proptest::prelude::*;

    /// Shapes with up to 4 dimensions, in any order, in the device's tiling or in odd tilings.
    fn shapes() -> impl Strategy<Value = ArrayShape> {
        let dimensions = prop::collection::vec(0..20_usize, 0..4);
        let tiles = prop::collection::vec(prop::collection::vec(1..6_usize, 1..4), 0..3);
        (dimensions, 0..ElementType::ALL.len(), tiles, any::<u64>(), any::<bool>()).prop_map(
            |(mut dimensions, element_type, tiles, order, default)| {
                // Something longer than a tile, so that rows cross tiles.
                if order % 3 == 0 {
                    dimensions.push(150);
                }
                let element_type = ElementType::ALL[element_type];
                if element_type == ElementType::Token {
                    dimensions.clear();
                }
                let mut minor_to_major: Vec<usize> = (0..dimensions.len()).collect();
                minor_to_major.sort_by_key(|&n| (order >> (8 * n)) & 0xff);
                let layout = if default {
                    default_tpu_layout(element_type, minor_to_major)
                } else {
                    Layout { tiles, ..Layout::untiled(minor_to_major) }
                };
                let shape = ArrayShape::new(element_type, dimensions).expect("a small shape");
                shape.with_layout(layout).expect("the tiles are small")
            },
        )
    }

    proptest! {
        #[test]
        fn a_round_trip_changes_nothing(shape in shapes(), padding: u8) {
            let literal = seeded::literal(1, 2, &shape, seeded::UNIT);
            let device = to_device(&literal, &shape, padding);
            prop_assert_eq!(from_device(&device, &shape).expect("enough bytes"), literal);
        }

        #[test]
        fn elements_are_where_the_layout_says(shape in shapes(), padding: u8) {
            let literal = seeded::literal(1, 2, &shape, seeded::UNIT);
            let mut device = to_device(&literal, &shape, padding);
            let size = shape.element_type().byte_size();
            for element in 0..shape.element_count() {
                let place = shape.physical_position(element) * size..;
                let expected = &literal.bytes()[element * size..][..size];
                let given = &mut device[place][..size];
                prop_assert_eq!(&*given, expected, "element {} of {}", element, shape);
                given.fill(padding);
            }
            prop_assert!(device.iter().all(|&byte| byte == padding), "gaps hold the padding");
        }
    }

    #[test]
    fn too_few_bytes_are_an_error() {
        let shape = ArrayShape::new(ElementType::F32, vec![3, 5]).expect("a small shape");
        let shape = shape.with_default_tpu_layout();
        let error = from_device(&[0; 4095], &shape).expect_err("one byte is missing");
        assert!(matches!(error, LiteralError::ByteCount { needed: 4096, given: 4095, .. }));
    }
}
