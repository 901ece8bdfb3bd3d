//! One update after the other: slice, combine, put back.

use super::{Scatter, array, reshape};
use crate::frontend::source::SourceResult;
use crate::frontend::stablehlo::body::Body;
use crate::frontend::syntax::Operation;
use crate::hlo::{
    ArrayLiteral, ArrayShape, ComparisonDirection, ComparisonType, ElementType, InstructionId,
    Literal, Op, Shape, SliceDimension,
};

/// Up to so many updates stand one after the other; more are a loop.
const MOST_UNROLLED: usize = 4;

/// The updates as one list.
struct Steps<'s> {
    operation: &'s Operation,
    scatter: &'s Scatter,
    /// The operand's dimensions that an update has coordinates for.
    coordinate_dims: Vec<usize>,
    /// The size of a window in every dimension of the operand.
    window: Vec<usize>,
    count: usize,
}

/// The operand after all updates.
pub(super) fn expand(
    body: &mut Body<'_, '_>,
    operation: &Operation,
    scatter: &Scatter,
) -> SourceResult<InstructionId> {
    let count = scatter.batch_sizes.iter().product::<usize>() * scatter.n_updates;
    let mut window = vec![1; scatter.operand_shape.rank()];
    for (&dimension, &size) in scatter.window_dims.iter().zip(&scatter.window_sizes) {
        window[dimension] = size;
    }
    let coordinate_dims = [&scatter.scattered_dims[..], &scatter.batch_dims].concat();
    let steps = Steps { operation, scatter, coordinate_dims, window, count };
    let coordinates = steps.coordinates(body)?;
    let sizes = [&[count][..], &steps.window].concat();
    let updates = reshape(body, operation, scatter.updates, sizes)?;
    if count > MOST_UNROLLED {
        return steps.repeat(body, [scatter.operand, coordinates, updates]);
    }
    let mut operand = scatter.operand;
    for step in 0..count {
        let rows = [steps.row(body, coordinates, step)?, steps.row(body, updates, step)?];
        operand = steps.apply(body, operand, rows)?;
    }
    Ok(operand)
}

impl Steps<'_> {
    /// Of dimensions updates and coordinates: the scattered ones, then the batch.
    fn coordinates(&self, body: &mut Body<'_, '_>) -> SourceResult<InstructionId> {
        let scatter = self.scatter;
        let given = body.array(self.operation, scatter.indices)?;
        let mut parts = vec![scatter.indices];
        for iota_dimension in 0..scatter.batch_sizes.len() {
            let sizes = [&scatter.batch_sizes[..], &[scatter.n_updates, 1]].concat();
            let shape = array(self.operation, given.element_type(), sizes)?;
            parts.push(body.add_shaped(self.operation, Op::Iota { iota_dimension }, &[], shape)?);
        }
        let all = match parts[..] {
            [only] => only,
            _ => {
                let dimension = given.rank() - 1;
                body.add(self.operation, Op::Concatenate { dimension }, &parts)?
            }
        };
        reshape(body, self.operation, all, vec![self.count, self.coordinate_dims.len()])
    }

    /// One row of a list, whose position is known.
    fn row(
        &self,
        body: &mut Body<'_, '_>,
        list: InstructionId,
        step: usize,
    ) -> SourceResult<InstructionId> {
        if self.count == 1 {
            return Ok(list);
        }
        let sizes = body.array(self.operation, list)?.dimensions().to_vec();
        let whole = sizes.iter().map(|&limit| SliceDimension { start: 0, limit, stride: 1 });
        let mut slice: Vec<_> = whole.collect();
        slice[0] = SliceDimension { start: step, limit: step + 1, stride: 1 };
        body.add(self.operation, Op::Slice { slice }, &[list])
    }

    /// The operand after one update; `coordinates` and `update` have a first dimension of 1.
    fn apply(
        &self,
        body: &mut Body<'_, '_>,
        operand: InstructionId,
        [coordinates, update]: [InstructionId; 2],
    ) -> SourceResult<InstructionId> {
        let operation = self.operation;
        let element_type = body.array(operation, coordinates)?.element_type();
        let zero = self.number(body, element_type, 0)?;
        let mut starts = vec![zero; self.window.len()];
        let mut is_inside = None;
        for (position, &dimension) in self.coordinate_dims.iter().enumerate() {
            let slice = [(0, 1), (position, position + 1)].map(|(start, limit)| SliceDimension {
                start,
                limit,
                stride: 1,
            });
            let op = Op::Slice { slice: slice.to_vec() };
            let start = body.add(operation, op, &[coordinates])?;
            let start = reshape(body, operation, start, Vec::new())?;
            starts[dimension] = start;
            let room = self.scatter.operand_shape.dimensions()[dimension] - self.window[dimension];
            let last = self.number(body, element_type, room)?;
            for (direction, limit) in
                [(ComparisonDirection::Ge, zero), (ComparisonDirection::Le, last)]
            {
                let comparison_type = ComparisonType::natural(element_type);
                let op = Op::Compare { direction, comparison_type };
                let holds = body.add(operation, op, &[start, limit])?;
                is_inside = Some(match is_inside {
                    Some(others) => body.add(operation, Op::And, &[others, holds])?,
                    None => holds,
                });
            }
        }
        let update = reshape(body, operation, update, self.window.clone())?;
        let op = Op::DynamicSlice { dynamic_slice_sizes: self.window.clone() };
        let old = body.add(operation, op, &[&[operand][..], &starts].concat())?;
        let mut new = self.scatter.combine.apply(body, operation, old, update)?;
        if let Some(is_inside) = is_inside {
            let shape = array(operation, ElementType::Pred, self.window.clone())?;
            let op = Op::Broadcast { dimensions: Vec::new() };
            let is_inside = body.add_shaped(operation, op, &[is_inside], shape)?;
            new = body.add(operation, Op::Select, &[is_inside, new, old])?;
        }
        body.add(operation, Op::DynamicUpdateSlice, &[&[operand, new][..], &starts].concat())
    }

    /// A loop over the updates. Its state is the step, the operand, coordinates and updates.
    fn repeat(
        &self,
        body: &mut Body<'_, '_>,
        lists: [InstructionId; 3],
    ) -> SourceResult<InstructionId> {
        let operation = self.operation;
        let first = self.number(body, ElementType::S32, 0)?;
        let state = [&[first][..], &lists].concat();
        let shapes: Vec<Shape> = state.iter().map(|&id| body.shape(id)).collect();

        let mut region = Body::new(body.importer, "scatter_condition");
        let elements = region.tuple_parameter(operation, &shapes)?;
        let count = self.number(&mut region, ElementType::S32, self.count)?;
        let op = Op::Compare {
            direction: ComparisonDirection::Lt,
            comparison_type: ComparisonType::Signed,
        };
        let goes_on = region.add(operation, op, &[elements[0], count])?;
        region.set_results(operation, &[goes_on])?;
        let condition = region.id;

        let mut region = Body::new(body.importer, "scatter_body");
        let elements = region.tuple_parameter(operation, &shapes)?;
        let [step, operand, coordinates, updates] = elements[..] else {
            return super::error(operation, "a loop of four values");
        };
        let rows = [
            self.row_at(&mut region, coordinates, step)?,
            self.row_at(&mut region, updates, step)?,
        ];
        let operand = self.apply(&mut region, operand, rows)?;
        let one = self.number(&mut region, ElementType::S32, 1)?;
        let next = region.add(operation, Op::Add, &[step, one])?;
        region.set_results(operation, &[next, operand, coordinates, updates])?;
        let step = region.id;

        let init = body.add(operation, Op::Tuple, &state)?;
        let end = body.add(operation, Op::While { condition, body: step }, &[init])?;
        body.add(operation, Op::GetTupleElement { index: 1 }, &[end])
    }

    /// One row of a list, whose position is a value.
    fn row_at(
        &self,
        body: &mut Body<'_, '_>,
        list: InstructionId,
        step: InstructionId,
    ) -> SourceResult<InstructionId> {
        let mut dynamic_slice_sizes = body.array(self.operation, list)?.dimensions().to_vec();
        dynamic_slice_sizes[0] = 1;
        let zero = self.number(body, ElementType::S32, 0)?;
        let mut operands = vec![zero; dynamic_slice_sizes.len() + 1];
        (operands[0], operands[1]) = (list, step);
        body.add(self.operation, Op::DynamicSlice { dynamic_slice_sizes }, &operands)
    }

    /// A scalar.
    fn number(
        &self,
        body: &mut Body<'_, '_>,
        element_type: ElementType,
        value: usize,
    ) -> SourceResult<InstructionId> {
        let mut literal = ArrayLiteral::zeros(&ArrayShape::scalar(element_type));
        // The size of an array's dimension, and fits wherever its indices do.
        literal.set_i64(0, i64::try_from(value).unwrap_or(i64::MAX));
        let op = Op::Constant { literal: Literal::Array(literal) };
        body.add(self.operation, op, &[])
    }
}
