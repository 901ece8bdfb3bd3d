//! [`Coordinate`]s: where in a dimension of the operand the slices are.

use super::{Gather, array, dimensions, element_type};
use crate::{
    hlo::{
        ArrayLiteral, ArrayShape, ComputationBuilder, ElementType, GatherDimensionNumbers,
        InferError, InstructionId, Op, SliceDimension,
    },
    passes::shaping::{converted, reshaped, sliced, transposed},
};

/// Where along a dimension of the operand: a start for each place, and from there on as many
/// elements as an extent has.
#[derive(Clone, Debug)]
pub(super) struct Coordinate {
    /// The dimension of the operand.
    pub(super) dimension: usize,
    /// Its size.
    pub(super) size: usize,
    /// The starts, an array over the places, not clamped; without it, 0.
    pub(super) start: Option<InstructionId>,
    /// The largest start.
    pub(super) last: usize,
    /// The extent whose index is added.
    pub(super) counted: Option<usize>,
}

impl Coordinate {
    /// All elements, one after the other, along an extent.
    pub(super) fn counted(dimension: usize, size: usize, extent: usize) -> Self {
        Self { dimension, size, start: None, last: 0, counted: Some(extent) }
    }

    /// Whether it depends on indices.
    pub(super) fn is_chosen(&self) -> bool {
        self.start.is_some()
    }
}

/// The components of the indices, each an array over the batch dimensions.
pub(super) struct Starts {
    pub(super) components: Vec<InstructionId>,
    pub(super) sizes: Vec<usize>,
}

/// The components of the indices as arrays.
pub(super) fn starts(
    builder: &mut ComputationBuilder<'_>,
    indices: InstructionId,
    numbers: &GatherDimensionNumbers,
) -> Result<Starts, InferError> {
    let all = dimensions(builder, indices);
    let vector = numbers.index_vector_dim;
    let places: Vec<usize> = (0..all.len()).filter(|d| *d != vector).collect();
    let sizes: Vec<usize> = places.iter().map(|d| all[*d]).collect();
    let count = numbers.start_index_map.len();
    if count == 1 {
        let components = vec![reshaped(builder, indices, &sizes)?];
        return Ok(Starts { components, sizes });
    }
    // Rows are cheaper to take than lanes.
    let indices = transposed(builder, indices, [&[vector], &places[..]].concat())?;
    let mut components = Vec::new();
    for n in 0..count {
        let part = SliceDimension { start: n, limit: n + 1, stride: 1 };
        let component = sliced(builder, indices, &[(0, part)])?;
        components.push(reshaped(builder, component, &sizes)?);
    }
    Ok(Starts { components, sizes })
}

/// An integer as an array.
pub(super) fn splat(
    builder: &mut ComputationBuilder<'_>,
    value: usize,
    (element_type, sizes): (ElementType, &[usize]),
) -> Result<InstructionId, InferError> {
    let mut literal = ArrayLiteral::zeros(&ArrayShape::scalar(element_type));
    literal.set_i64(0, i64::try_from(value).unwrap_or(i64::MAX));
    let scalar = builder.constant(literal.into());
    if sizes.is_empty() { Ok(scalar) } else { builder.broadcast(scalar, sizes, Vec::new()) }
}

/// Starts as s32 from 0 to `last`.
fn clamped(
    builder: &mut ComputationBuilder<'_>,
    start: InstructionId,
    last: usize,
) -> Result<InstructionId, InferError> {
    let (mut start, mut of) = (start, element_type(builder, start));
    let sizes = dimensions(builder, start);
    // Narrow integers could not say how large the operand is.
    if of.bit_width() < 32 {
        of = ElementType::S32;
        start = builder.convert(start, of)?;
    }
    let last = splat(builder, last, (of, &sizes))?;
    if matches!(of, ElementType::U32 | ElementType::U64) {
        start = builder.binary(Op::Minimum, start, last)?;
    } else {
        let zero = splat(builder, 0, (of, &sizes))?;
        start = builder.add(Op::Clamp, &[zero, start, last])?;
    }
    converted(builder, start, ElementType::S32)
}

impl Gather {
    /// The sizes of some extents.
    pub(super) fn sizes_of(&self, extents: &[usize]) -> Vec<usize> {
        extents.iter().map(|extent| self.extents[*extent]).collect()
    }

    /// The number of the element in the operand's dimensions of `coordinates`, taken together in
    /// this order, as an array over `extents`. All places are among these.
    ///
    /// A single index is not clamped: kernels do that, too.
    pub(super) fn number(
        &self,
        builder: &mut ComputationBuilder<'_>,
        coordinates: &[Coordinate],
        extents: &[usize],
    ) -> Result<InstructionId, InferError> {
        if let [Coordinate { start: Some(start), last, counted: None, .. }] = coordinates {
            let has_words =
                matches!(element_type(builder, *start), ElementType::S32 | ElementType::U32);
            let start = if has_words { *start } else { clamped(builder, *start, *last)? };
            return self.spread(builder, start, extents);
        }
        let (mut sum, mut stride) = (None, 1);
        for coordinate in coordinates.iter().rev() {
            let mut parts = Vec::new();
            if let Some(start) = coordinate.start {
                let start = clamped(builder, start, coordinate.last)?;
                parts.push(self.spread(builder, start, extents)?);
            }
            if let Some(extent) = coordinate.counted {
                parts.push(self.counted(builder, extent, extents)?);
            }
            for part in parts {
                let part = scaled(builder, part, stride)?;
                sum = Some(match sum {
                    Some(sum) => builder.binary(Op::Add, sum, part)?,
                    None => part,
                });
            }
            stride *= coordinate.size;
        }
        match sum {
            Some(sum) => Ok(sum),
            None => splat(builder, 0, (ElementType::S32, &self.sizes_of(extents))),
        }
    }

    /// An array over the places as one over `extents`.
    fn spread(
        &self,
        builder: &mut ComputationBuilder<'_>,
        value: InstructionId,
        extents: &[usize],
    ) -> Result<InstructionId, InferError> {
        let order = extents.iter().copied().filter(|extent| *extent < self.n_places).collect();
        let value = transposed(builder, value, order)?;
        if extents.len() == self.n_places {
            return Ok(value);
        }
        let is_place = |n: &usize| extents[*n] < self.n_places;
        let dimensions = (0..extents.len()).filter(is_place).collect();
        builder.broadcast(value, &self.sizes_of(extents), dimensions)
    }

    /// The index along one of the extents.
    fn counted(
        &self,
        builder: &mut ComputationBuilder<'_>,
        extent: usize,
        extents: &[usize],
    ) -> Result<InstructionId, InferError> {
        let iota_dimension = extents.iter().position(|other| *other == extent).unwrap_or(0);
        let shape = array(ElementType::S32, &self.sizes_of(extents))?;
        builder.add_shaped(Op::Iota { iota_dimension }, &[], shape)
    }
}

fn scaled(
    builder: &mut ComputationBuilder<'_>,
    value: InstructionId,
    by: usize,
) -> Result<InstructionId, InferError> {
    if by == 1 {
        return Ok(value);
    }
    let sizes = dimensions(builder, value);
    let by = splat(builder, by, (element_type(builder, value), &sizes))?;
    builder.binary(Op::Multiply, value, by)
}
