//! Lanes: the coordinate is the last dimension, and each row of the operand has its own indices.

use super::{Axis, Coordinate, Gather, Value, array, cost, dimensions, element_type};
use crate::{
    hlo::{
        ArrayLiteral, ArrayShape, ComputationBuilder, GatherDimensionNumbers, InferError,
        InstructionId, Op, PaddingDimension, SliceDimension,
    },
    passes::shaping::{reshaped, sliced, transposed},
};
use palmetto_isa::memory::LANES;

impl Gather {
    /// The gather whose only chosen coordinate becomes the lanes.
    pub(super) fn lanes(&self, builder: &mut ComputationBuilder<'_>) -> Result<Value, InferError> {
        let is_chosen = |d: &usize| {
            let found = self.coordinates.iter().find(|coordinate| coordinate.dimension == *d);
            found.is_some_and(Coordinate::is_chosen)
        };
        let rank = self.sizes.len();
        let mut order: Vec<usize> = (0..rank).filter(|d| !is_chosen(d)).collect();
        let rows: Vec<Axis> = order.iter().map(|d| self.axis_of(*d)).collect();
        order.extend((0..rank).filter(is_chosen));
        let operand = transposed(builder, self.operand, order)?;
        self.in_lanes(builder, operand, &rows)
    }

    /// Single elements of a small operand: all that is chosen from becomes the lanes.
    pub(super) fn flat_lanes(
        &self,
        builder: &mut ComputationBuilder<'_>,
    ) -> Result<Value, InferError> {
        let (chosen, batch): (Vec<Coordinate>, Vec<Coordinate>) =
            self.coordinates.iter().cloned().partition(Coordinate::is_chosen);
        let order = batch.iter().chain(&chosen).map(|coordinate| coordinate.dimension);
        let operand = transposed(builder, self.operand, order.collect())?;
        let lanes: usize = chosen.iter().map(|coordinate| coordinate.size).product();
        let of_batch = batch.iter().map(|coordinate| coordinate.size);
        let sizes: Vec<usize> = of_batch.chain([lanes]).collect();
        let operand = reshaped(builder, operand, &sizes)?;
        if batch.is_empty() {
            return self.in_lanes_of_line(builder, operand);
        }
        let rows: Vec<Axis> = batch.iter().map(|one| self.axis_of(one.dimension)).collect();
        self.in_lanes(builder, operand, &rows)
    }

    /// What a dimension of the operand, of which nothing is chosen, is in the result.
    fn axis_of(&self, dimension: usize) -> Axis {
        let coordinate = self.coordinates.iter().find(|other| other.dimension == dimension);
        let counted = coordinate.and_then(|coordinate| coordinate.counted);
        counted.map_or(Axis::Whole(dimension), Axis::Extent)
    }

    /// Lanes of an operand whose other dimensions are `rows`.
    fn in_lanes(
        &self,
        builder: &mut ComputationBuilder<'_>,
        operand: InstructionId,
        rows: &[Axis],
    ) -> Result<Value, InferError> {
        let extent = |axis: &Axis| match axis {
            Axis::Extent(extent) => Some(*extent),
            Axis::Whole(_) => None,
        };
        let of_rows: Vec<usize> = rows.iter().filter_map(extent).collect();
        let others: Vec<usize> =
            (0..self.extents.len()).filter(|extent| !of_rows.contains(extent)).collect();
        let chosen: Vec<Coordinate> =
            self.coordinates.iter().filter(|one| one.is_chosen()).cloned().collect();
        let extents = [&of_rows[..], &others].concat();
        let mut index = self.number(builder, &chosen, &extents)?;
        let (mut sizes, each) = (dimensions(builder, operand), self.sizes_of(&others));
        let finds_one = sizes.pop().is_some_and(cost::finds_one);
        let n_rows = sizes.len();
        let lanes = Some(each.iter().product::<usize>()).filter(|n| *n > 1 || finds_one);
        let of_index: Vec<usize> = self.sizes_of(&of_rows).into_iter().chain(lanes).collect();
        index = reshaped(builder, index, &of_index)?;
        if rows.len() > of_rows.len() {
            let has = (0..n_rows).filter(|n| extent(&rows[*n]).is_some());
            let dimensions = has.chain(lanes.map(|_| n_rows)).collect();
            let all: Vec<usize> = sizes.iter().copied().chain(lanes).collect();
            index = builder.broadcast(index, &all, dimensions)?;
        }
        let id = of_lanes(builder, operand, index)?;
        sizes.extend(each);
        let id = reshaped(builder, id, &sizes)?;
        let axes = rows.iter().copied().chain(others.into_iter().map(Axis::Extent));
        Ok(Value { id, axes: axes.collect() })
    }

    /// Lanes of a line: the indices are rows of 128, and all look at the same line.
    fn in_lanes_of_line(
        &self,
        builder: &mut ComputationBuilder<'_>,
        line: InstructionId,
    ) -> Result<Value, InferError> {
        let size = dimensions(builder, line)[0];
        let extents: Vec<usize> = (0..self.extents.len()).collect();
        let count: usize = self.extents.iter().product();
        let all = count.next_multiple_of(LANES);
        let (rows, lanes) = if count <= LANES { (1, count) } else { (all / LANES, LANES) };
        let mut index = self.number(builder, &self.coordinates, &extents)?;
        index = reshaped(builder, index, &[count])?;
        index = padded(builder, index, rows * lanes)?;
        index = reshaped(builder, index, &[rows, lanes])?;
        let operand = builder.broadcast(line, &[rows, size], vec![1])?;
        let found = of_lanes(builder, operand, index)?;
        let found = reshaped(builder, found, &[rows * lanes])?;
        let found =
            sliced(builder, found, &[(0, SliceDimension { start: 0, limit: count, stride: 1 })])?;
        let id = reshaped(builder, found, &self.extents)?;
        Ok(Value { id, axes: extents.into_iter().map(Axis::Extent).collect() })
    }
}

/// Zeros behind a line.
pub(super) fn padded(
    builder: &mut ComputationBuilder<'_>,
    line: InstructionId,
    size: usize,
) -> Result<InstructionId, InferError> {
    let missing = size - dimensions(builder, line)[0];
    if missing == 0 {
        return Ok(line);
    }
    let zero = ArrayLiteral::zeros(&ArrayShape::scalar(element_type(builder, line)));
    let zero = builder.constant(zero.into());
    let high = i64::try_from(missing).unwrap_or(0);
    let padding = vec![PaddingDimension { low: 0, high, interior: 0 }];
    builder.add(Op::Pad { padding }, &[line, zero])
}

/// Of each row of `operand` the lanes that the same row of `index` names: many if `index` has as
/// many dimensions, else one. Of so many that no kernel would be long enough, some after the
/// others.
pub(in crate::passes) fn of_lanes(
    builder: &mut ComputationBuilder<'_>,
    operand: InstructionId,
    index: InstructionId,
) -> Result<InstructionId, InferError> {
    let (sizes, of_index) = (dimensions(builder, operand), dimensions(builder, index));
    let lane = sizes.len() - 1;
    let most = cost::most_lanes(sizes[lane]);
    let Some(&count) = of_index.get(lane).filter(|count| **count > most) else {
        return at_once(builder, operand, index);
    };
    let mut found = Vec::new();
    for start in (0..count).step_by(most) {
        let part = SliceDimension { start, limit: count.min(start + most), stride: 1 };
        let index = sliced(builder, index, &[(lane, part)])?;
        found.push(at_once(builder, operand, index)?);
    }
    builder.add(Op::Concatenate { dimension: lane }, &found)
}

fn at_once(
    builder: &mut ComputationBuilder<'_>,
    operand: InstructionId,
    index: InstructionId,
) -> Result<InstructionId, InferError> {
    let (rank, of_index) = (dimensions(builder, operand).len(), dimensions(builder, index));
    let rows: Vec<usize> = (0..rank - 1).collect();
    let dimension_numbers = GatherDimensionNumbers {
        offset_dims: Vec::new(),
        collapsed_slice_dims: vec![rank - 1],
        operand_batching_dims: rows.clone(),
        start_indices_batching_dims: rows,
        start_index_map: vec![rank - 1],
        index_vector_dim: of_index.len(),
    };
    let slice_sizes = vec![1; rank];
    let op = Op::Gather { dimension_numbers, slice_sizes, indices_are_sorted: false };
    let shape = array(element_type(builder, operand), &of_index)?;
    builder.add_shaped(op, &[operand, index], shape)
}
