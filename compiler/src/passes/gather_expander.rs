//! `gather` by the two gathers that have kernels: of whole rows of a table, and of lanes.
//!
//! * What slices have one element of has a *coordinate*: it is clamped, and what has several
//!   coordinates becomes a table with one. Parts of a dimension are its elements, each with a
//!   coordinate of its own.
//! * Rows: what slices have as a whole lies behind the coordinates, and is looked up.
//! * Lanes: the coordinate is the last dimension, and every row of the operand has its own indices.
//! * Both: rows are looked up, then lanes in them.
//!
//! Often several of these would do, each with its transposes; the cheapest one is taken ([`cost`]).
//!
//! Left as they are: gathers of one slice, which are dynamic slices; 64-bit and complex elements,
//! which have no kernels; and what has its form already.

mod coordinate;
mod cost;
mod lanes;
mod rows;

pub(super) use lanes::of_lanes;

use super::{
    Changed, PassContext, PassError,
    shaping::{reshaped, sliced, transposed},
    site::{Rewritten, Site, rewrite_module},
};
use crate::hlo::{
    ArrayShape, ComputationBuilder, ElementType, GatherDimensionNumbers, InferError, InstructionId,
    Module, Op, Opcode, Shape, SliceDimension,
};
use coordinate::Coordinate;
use cost::Way;

/// See the module's comment.
///
/// # Errors
/// What is made would be too large.
pub fn gather_expander(module: &mut Module, _: &PassContext) -> Result<Changed, PassError> {
    rewrite_module(module, &mut expand)
}

fn expand(site: &mut Site<'_>) -> Rewritten {
    let Op::Gather { dimension_numbers, slice_sizes, .. } = site.instruction().op() else {
        return Ok(None);
    };
    let (numbers, slice_sizes) = (dimension_numbers.clone(), slice_sizes.clone());
    let (operand, result) = (site.array(site.operand(0)), site.array(site.id()));
    let is_wide = operand.element_type().byte_size() > 4;
    let is_empty = operand.element_count() == 0 || result.element_count() == 0;
    let slice: usize = slice_sizes.iter().product();
    let is_one = result.element_count() == slice && numbers.operand_batching_dims.is_empty();
    if is_wide || is_empty || is_one || has_its_form(site, &numbers, &slice_sizes) {
        return Ok(None);
    }
    let sizes = result.dimensions().to_vec();
    let mut gather = Gather::new(site, &numbers, &slice_sizes)?;
    let value = gather.expand(&mut site.build())?;
    let mut builder = site.build();
    let permutation = gather.order.iter().map(|axis| place_of(&value.axes, *axis)).collect();
    let value = transposed(&mut builder, value.id, permutation)?;
    reshaped(&mut builder, value, &sizes).map(Some)
}

/// Is this a gather that has a kernel, or one that a later pass makes to what has?
fn has_its_form(site: &Site<'_>, numbers: &GatherDimensionNumbers, slice_sizes: &[usize]) -> bool {
    let (table, indices) = (site.dimensions(site.operand(0)), site.dimensions(site.operand(1)));
    let has_words =
        matches!(site.element_type(site.operand(1)), ElementType::S32 | ElementType::U32);
    let vector = numbers.index_vector_dim;
    let (lane, rank) = (table.len().saturating_sub(1), site.dimensions(site.id()).len());
    let is_before = |dimensions: &[usize]| dimensions.iter().copied().eq(0..lane);
    let of_lanes = has_words
        && lane > 0
        && vector == indices.len()
        && numbers.start_index_map == [lane]
        && is_before(&numbers.operand_batching_dims)
        && is_before(&numbers.start_indices_batching_dims)
        && if rank == lane {
            !cost::finds_one(table[lane])
        } else {
            rank == lane + 1 && cost::fits_lanes(table, indices)
        };
    let places = &indices[..vector.min(indices.len())];
    let of_rows = has_words
        && table.len() > 1
        && vector + 1 >= indices.len()
        && numbers.start_index_map == [0]
        && numbers.collapsed_slice_dims == [0]
        && numbers.operand_batching_dims.is_empty()
        && slice_sizes[1..] == table[1..]
        && numbers.offset_dims.iter().copied().eq(places.len()..rank)
        && rows::fits(places);
    of_lanes || of_rows
}

/// A dimension of what is made: of the operand's *whole* dimensions, or of the *extents*: first the
/// batch dimensions of the indices, then the elements of parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Axis {
    Extent(usize),
    Whole(usize),
}

/// Where an axis is among some; all that are asked for are there.
fn place_of(axes: &[Axis], axis: Axis) -> usize {
    axes.iter().position(|other| *other == axis).unwrap_or(0)
}

/// An array, and what its dimensions are.
struct Value {
    id: InstructionId,
    axes: Vec<Axis>,
}

/// A gather in terms of coordinates.
#[derive(Clone)]
struct Gather {
    operand: InstructionId,
    /// The operand's sizes.
    sizes: Vec<usize>,
    /// The dimensions of the operand that have coordinates; all others are whole.
    coordinates: Vec<Coordinate>,
    /// The sizes of the extents.
    extents: Vec<usize>,
    /// How many of them are batch dimensions of the indices.
    n_places: usize,
    /// The axes in the order of the result, which may have further dimensions of size 1.
    order: Vec<Axis>,
}

impl Gather {
    fn new(
        site: &mut Site<'_>,
        numbers: &GatherDimensionNumbers,
        slice_sizes: &[usize],
    ) -> Result<Self, InferError> {
        let (given, indices) = (site.operand(0), site.operand(1));
        let result_rank = site.dimensions(site.id()).len();
        let given_sizes = site.dimensions(given).to_vec();
        let mut builder = site.build();
        let starts = coordinate::starts(&mut builder, indices, numbers)?;
        let mut extents = starts.sizes.clone();
        let n_places = extents.len();
        let is_dropped = |d: usize| {
            numbers.collapsed_slice_dims.contains(&d) || numbers.operand_batching_dims.contains(&d)
        };
        let (mut sizes, mut coordinates, mut cut) = (Vec::new(), Vec::new(), Vec::new());
        let mut of_slice = Vec::new();
        for (d, (&size, &part)) in given_sizes.iter().zip(slice_sizes).enumerate() {
            let dimension = sizes.len();
            let batch = numbers.operand_batching_dims.iter().position(|of| *of == d);
            let start = numbers.start_index_map.iter().position(|of| *of == d);
            let mut axis = None;
            if let Some(n) = batch {
                let of_indices = numbers.start_indices_batching_dims[n];
                let place = of_indices - usize::from(of_indices > numbers.index_vector_dim);
                coordinates.push(Coordinate::counted(dimension, size, place));
            } else if let Some(n) = start.filter(|_| part < size) {
                let counted = (part > 1).then_some(extents.len());
                extents.extend(counted.map(|_| part));
                axis = counted.map(Axis::Extent);
                let (start, last) = (Some(starts.components[n]), size - part);
                coordinates.push(Coordinate { dimension, size, start, last, counted });
            } else {
                let first = SliceDimension { start: 0, limit: part, stride: 1 };
                cut.push((d, first));
                if is_dropped(d) {
                    continue;
                }
                axis = Some(Axis::Whole(dimension));
            }
            sizes.push(if axis == Some(Axis::Whole(dimension)) { part } else { size });
            of_slice.extend((!is_dropped(d)).then_some(axis));
        }
        let operand = sliced(&mut builder, given, &cut)?;
        let operand = reshaped(&mut builder, operand, &sizes)?;
        let (mut of_slice, mut places) = (of_slice.into_iter(), (0..n_places).map(Axis::Extent));
        let order = (0..result_rank).filter_map(|d| {
            if numbers.offset_dims.contains(&d) { of_slice.next()? } else { places.next() }
        });
        let order = order.collect();
        Ok(Self { operand, sizes, coordinates, extents, n_places, order })
    }

    fn expand(&mut self, builder: &mut ComputationBuilder<'_>) -> Result<Value, InferError> {
        match self.cheapest_way(builder) {
            Way::Repeat => self.repeat(builder),
            Way::Rows => self.rows(builder),
            Way::RowsOfMore => {
                self.count_leading();
                self.rows(builder)
            }
            Way::Lanes => self.lanes(builder),
            Way::FlatLanes => self.flat_lanes(builder),
            Way::RowsThenLanes { of_more } => self.rows_then_lanes(builder, of_more),
            Way::Line => self.line(builder),
        }
    }

    /// The operand's dimensions that have no coordinates.
    fn whole(&self) -> Vec<usize> {
        let has = |d: usize| self.coordinates.iter().any(|coordinate| coordinate.dimension == d);
        (0..self.sizes.len()).filter(|d| !has(*d)).collect()
    }

    /// Nothing is chosen: batch dimensions of the operand are those of the result, and along the
    /// others it is repeated.
    fn repeat(&self, builder: &mut ComputationBuilder<'_>) -> Result<Value, InferError> {
        let whole = self.whole();
        let mut coordinates = self.coordinates.clone();
        coordinates.sort_by_key(|coordinate| coordinate.counted);
        let order = coordinates.iter().map(|coordinate| coordinate.dimension);
        let order = order.chain(whole.iter().copied()).collect();
        let operand = transposed(builder, self.operand, order)?;
        let n = self.extents.len();
        let dimensions = coordinates.iter().filter_map(|coordinate| coordinate.counted);
        let dimensions = dimensions.chain(n..n + whole.len()).collect();
        let of_whole = whole.iter().map(|d| self.sizes[*d]);
        let sizes: Vec<usize> = self.extents.iter().copied().chain(of_whole).collect();
        let id = builder.broadcast(operand, &sizes, dimensions)?;
        let extents = (0..n).map(Axis::Extent);
        Ok(Value { id, axes: extents.chain(whole.into_iter().map(Axis::Whole)).collect() })
    }

    /// Whole dimensions before the last coordinate get coordinates that count their elements.
    fn count_leading(&mut self) {
        let last = self.coordinates.iter().map(|coordinate| coordinate.dimension).max();
        for d in self.whole() {
            if last.is_some_and(|last| d < last) {
                let extent = self.extents.len();
                self.extents.push(self.sizes[d]);
                self.coordinates.push(Coordinate::counted(d, self.sizes[d], extent));
                let axes = self.order.iter_mut().filter(|axis| **axis == Axis::Whole(d));
                axes.for_each(|axis| *axis = Axis::Extent(extent));
            }
        }
        self.coordinates.sort_by_key(|coordinate| coordinate.dimension);
    }

    /// Rows are looked up as if the last dimension were whole, then lanes in them.
    fn rows_then_lanes(
        &mut self,
        builder: &mut ComputationBuilder<'_>,
        of_more: bool,
    ) -> Result<Value, InferError> {
        let lane = self.sizes.len() - 1;
        let mut rows = self.clone();
        let last = rows.coordinates.iter().position(|coordinate| coordinate.dimension == lane);
        let Some(last) = last.map(|n| rows.coordinates.remove(n)) else {
            return self.rows(builder);
        };
        if of_more {
            rows.count_leading();
            (self.extents, self.order) = (rows.extents.clone(), rows.order.clone());
        }
        let found = rows.rows_but(builder, last.counted)?;
        self.operand = found.id;
        self.sizes = dimensions(builder, found.id);
        self.coordinates.clear();
        for (d, axis) in found.axes.iter().enumerate() {
            if let Axis::Extent(extent) = *axis {
                self.coordinates.push(Coordinate::counted(d, self.sizes[d], extent));
            }
        }
        for axis in &mut self.order {
            if matches!(axis, Axis::Whole(_)) {
                *axis = Axis::Whole(place_of(&found.axes, *axis));
            }
        }
        self.coordinates.push(Coordinate { dimension: found.axes.len() - 1, ..last });
        self.lanes(builder)
    }
}

/// The element type of an array.
fn element_type(builder: &ComputationBuilder<'_>, id: InstructionId) -> ElementType {
    builder.shape(id).as_array().map_or(ElementType::Pred, ArrayShape::element_type)
}

/// The sizes of an array.
fn dimensions(builder: &ComputationBuilder<'_>, id: InstructionId) -> Vec<usize> {
    builder.shape(id).as_array().map_or(Vec::new(), |shape| shape.dimensions().to_vec())
}

/// The shape of an array, unless it is too large.
fn array(element_type: ElementType, sizes: &[usize]) -> Result<Shape, InferError> {
    Shape::array(element_type, sizes.to_vec())
        .map_err(|error| InferError::new(Opcode::Gather, "size", error.to_string()))
}
