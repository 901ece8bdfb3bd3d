//! Rows of a table: what slices have as a whole, behind one coordinate.

use super::{
    Axis, Gather, Value, array,
    coordinate::splat,
    dimensions, element_type,
    lanes::{of_lanes, padded},
};
use crate::{
    hlo::{
        ComputationBuilder, ElementType, GatherDimensionNumbers, InferError, InstructionId, Op,
        SliceDimension,
    },
    passes::shaping::{converted, reshaped, sliced, transposed},
};
use palmetto_isa::memory::{LANES, SUBLANES};

/// Granules of indices that a look-up has room for, and how many indices these are.
const MOST_GRANULES: usize = 1024;
const MOST_INDICES: usize = MOST_GRANULES * LANES;

/// Does a look-up have room for indices of these sizes as they lie?
pub(super) fn fits(sizes: &[usize]) -> bool {
    let granules = match sizes {
        [] => 1,
        [lanes] => lanes.div_ceil(LANES),
        [majors @ .., rows, lanes] => {
            let lines = majors.iter().product::<usize>() * rows.next_multiple_of(SUBLANES);
            lines * lanes.div_ceil(LANES)
        }
    };
    granules <= MOST_GRANULES
}

impl Gather {
    /// The whole dimensions of the operand by the number that the coordinates make.
    pub(super) fn rows(&self, builder: &mut ComputationBuilder<'_>) -> Result<Value, InferError> {
        self.rows_but(builder, None)
    }

    /// The same with all extents but one, which no coordinate counts.
    pub(super) fn rows_but(
        &self,
        builder: &mut ComputationBuilder<'_>,
        without: Option<usize>,
    ) -> Result<Value, InferError> {
        let extents: Vec<usize> =
            (0..self.extents.len()).filter(|extent| Some(*extent) != without).collect();
        let whole = self.whole();
        let table = self.table(builder, &whole)?;
        let number = self.number(builder, &self.coordinates, &extents)?;
        let id = look_up(builder, table, number)?;
        let axes = extents.into_iter().map(Axis::Extent);
        Ok(Value { id, axes: axes.chain(whole.into_iter().map(Axis::Whole)).collect() })
    }

    /// The operand with the coordinates' dimensions as one, and then those of `rest`.
    fn table(
        &self,
        builder: &mut ComputationBuilder<'_>,
        rest: &[usize],
    ) -> Result<InstructionId, InferError> {
        let chosen = self.coordinates.iter().map(|coordinate| coordinate.dimension);
        let order = chosen.chain(rest.iter().copied()).collect();
        let count = self.coordinates.iter().map(|coordinate| coordinate.size).product();
        let of_rest = rest.iter().map(|d| self.sizes[*d]);
        let sizes: Vec<usize> = std::iter::once(count).chain(of_rest).collect();
        let table = transposed(builder, self.operand, order)?;
        reshaped(builder, table, &sizes)
    }

    /// Single elements of all of the operand as a line: in rows of 128 lanes, in which a lane is
    /// found.
    pub(super) fn line(&self, builder: &mut ComputationBuilder<'_>) -> Result<Value, InferError> {
        let line = self.table(builder, &[])?;
        let given = dimensions(builder, line)[0];
        let size = given.next_multiple_of(LANES);
        let line = padded(builder, line, size)?;
        let rows = builder.reshape(line, &[size / LANES, LANES])?;
        let extents: Vec<usize> = (0..self.extents.len()).collect();
        let number = self.number(builder, &self.coordinates, &extents)?;
        let count = self.extents.iter().product();
        let number = reshaped(builder, number, &[count])?;
        let last = splat(builder, given - 1, (element_type(builder, number), &[count]))?;
        let mut number = builder.binary(Op::Minimum, number, last)?;
        if element_type(builder, number) == ElementType::U32 {
            number = converted(builder, number, ElementType::S32)?;
        } else {
            let zero = splat(builder, 0, (ElementType::S32, &[count]))?;
            number = builder.binary(Op::Maximum, number, zero)?;
        }
        let found = by_chunks(builder, number, &mut |builder, number| {
            let sizes = dimensions(builder, number);
            let of = (ElementType::S32, sizes.as_slice());
            let bits = LANES.trailing_zeros() as usize;
            let (bits, mask) = (splat(builder, bits, of)?, splat(builder, LANES - 1, of)?);
            let row = builder.binary(Op::ShiftRightLogical, number, bits)?;
            let lane = builder.binary(Op::And, number, mask)?;
            let found = look_up(builder, rows, row)?;
            of_lanes(builder, found, lane)
        })?;
        let id = reshaped(builder, found, &self.extents)?;
        Ok(Value { id, axes: extents.into_iter().map(Axis::Extent).collect() })
    }
}

/// Whole slices of a table by their numbers, an array of any dimensions.
fn look_up(
    builder: &mut ComputationBuilder<'_>,
    table: InstructionId,
    number: InstructionId,
) -> Result<InstructionId, InferError> {
    let places = dimensions(builder, number);
    if fits(&places) {
        return look_up_at_once(builder, table, number);
    }
    let count = places.iter().product();
    let line = reshaped(builder, number, &[count])?;
    let found =
        by_chunks(builder, line, &mut |builder, number| look_up_at_once(builder, table, number))?;
    let sizes = [&places, &dimensions(builder, table)[1..]].concat();
    reshaped(builder, found, &sizes)
}

fn look_up_at_once(
    builder: &mut ComputationBuilder<'_>,
    table: InstructionId,
    number: InstructionId,
) -> Result<InstructionId, InferError> {
    let places = dimensions(builder, number);
    let mut slice_sizes = dimensions(builder, table);
    slice_sizes[0] = 1;
    let sizes = [&places, &slice_sizes[1..]].concat();
    let dimension_numbers = GatherDimensionNumbers {
        offset_dims: (places.len()..sizes.len()).collect(),
        collapsed_slice_dims: vec![0],
        operand_batching_dims: Vec::new(),
        start_indices_batching_dims: Vec::new(),
        start_index_map: vec![0],
        index_vector_dim: places.len(),
    };
    let op = Op::Gather { dimension_numbers, slice_sizes, indices_are_sorted: false };
    let shape = array(element_type(builder, table), &sizes)?;
    builder.add_shaped(op, &[table, number], shape)
}

/// What `f` makes of so many of the numbers that a look-up has room for them, one after the other.
fn by_chunks(
    builder: &mut ComputationBuilder<'_>,
    numbers: InstructionId,
    f: &mut dyn FnMut(
        &mut ComputationBuilder<'_>,
        InstructionId,
    ) -> Result<InstructionId, InferError>,
) -> Result<InstructionId, InferError> {
    let count = dimensions(builder, numbers)[0];
    let mut found = Vec::new();
    for start in (0..count).step_by(MOST_INDICES) {
        let part = SliceDimension { start, limit: count.min(start + MOST_INDICES), stride: 1 };
        let chunk = sliced(builder, numbers, &[(0, part)])?;
        found.push(f(builder, chunk)?);
    }
    match found[..] {
        [only] => Ok(only),
        _ => builder.add(Op::Concatenate { dimension: 0 }, &found),
    }
}
