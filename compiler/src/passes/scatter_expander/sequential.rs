//! One update after the other: slice, combine, put back.

use super::{Scatter, array, element_type, number};
use crate::{
    hlo::{
        ComparisonDirection, ComputationBuilder, ComputationId, ElementType, InferError,
        InstructionId, Op, Shape, SliceDimension, builder::add_computation,
    },
    passes::{
        shaping::{reshaped, sliced},
        site::Site,
    },
};

/// Up to so many updates stand one after the other; more are a loop.
const MOST_UNROLLED: usize = 4;

/// The updates as one list.
struct Steps<'s> {
    scatter: &'s Scatter,
    /// The operand's dimensions that an update has coordinates for.
    coordinate_dims: Vec<usize>,
    /// The size of a window in every dimension of the operand.
    window: Vec<usize>,
    count: usize,
}

/// What a step works on: the operands so far, coordinates and updates.
struct Lists {
    operands: Vec<InstructionId>,
    coordinates: InstructionId,
    updates: Vec<InstructionId>,
}

impl Lists {
    fn all(&self) -> Vec<InstructionId> {
        [&self.operands[..], &[self.coordinates], &self.updates].concat()
    }

    fn from_all(all: &[InstructionId]) -> Self {
        let n = all.len() / 2;
        let (operands, updates) = (all[..n].to_vec(), all[n + 1..].to_vec());
        Self { operands, coordinates: all[n], updates }
    }
}

/// The operands after all updates.
pub(super) fn expand(
    site: &mut Site<'_>,
    scatter: &Scatter,
) -> Result<Vec<InstructionId>, InferError> {
    let count = scatter.batch_sizes.iter().product::<usize>() * scatter.n_updates;
    let mut window = vec![1; scatter.sizes.len()];
    for (&dimension, &size) in scatter.window_dims.iter().zip(&scatter.window_sizes) {
        window[dimension] = size;
    }
    let coordinate_dims = [&scatter.scattered_dims[..], &scatter.batch_dims].concat();
    let steps = Steps { scatter, coordinate_dims, window, count };
    let mut builder = site.build();
    let coordinates = steps.coordinates(&mut builder)?;
    let sizes = [&[count][..], &steps.window].concat();
    let mut updates = Vec::new();
    for update in &scatter.updates {
        updates.push(reshaped(&mut builder, *update, &sizes)?);
    }
    let mut lists = Lists { operands: scatter.operands.clone(), coordinates, updates };
    if count > MOST_UNROLLED {
        return steps.repeat(site, &lists);
    }
    for step in 0..count {
        let mut row = |list: &InstructionId| steps.row(&mut builder, *list, step);
        let coordinates = row(&lists.coordinates)?;
        let updates = lists.updates.iter().map(&mut row).collect::<Result<Vec<_>, _>>()?;
        lists.operands = steps.apply(&mut builder, &lists.operands, (coordinates, &updates))?;
    }
    Ok(lists.operands)
}

impl Steps<'_> {
    /// Of dimensions updates and coordinates: the scattered ones, then the batch.
    fn coordinates(
        &self,
        builder: &mut ComputationBuilder<'_>,
    ) -> Result<InstructionId, InferError> {
        let scatter = self.scatter;
        let element_type = element_type(builder, scatter.indices);
        let mut parts = vec![scatter.indices];
        for iota_dimension in 0..scatter.batch_sizes.len() {
            let sizes = [&scatter.batch_sizes[..], &[scatter.n_updates, 1]].concat();
            let shape = array(element_type, &sizes)?;
            parts.push(builder.add_shaped(Op::Iota { iota_dimension }, &[], shape)?);
        }
        let all = match parts[..] {
            [only] => only,
            _ => {
                let dimension = scatter.batch_sizes.len() + 1;
                builder.add(Op::Concatenate { dimension }, &parts)?
            }
        };
        reshaped(builder, all, &[self.count, self.coordinate_dims.len()])
    }

    /// One row of a list, whose position is known.
    fn row(
        &self,
        builder: &mut ComputationBuilder<'_>,
        list: InstructionId,
        step: usize,
    ) -> Result<InstructionId, InferError> {
        if self.count == 1 {
            return Ok(list);
        }
        let row = SliceDimension { start: step, limit: step + 1, stride: 1 };
        sliced(builder, list, &[(0, row)])
    }

    /// The operands after one update; coordinates and updates have a first dimension of 1.
    fn apply(
        &self,
        builder: &mut ComputationBuilder<'_>,
        operands: &[InstructionId],
        (coordinates, updates): (InstructionId, &[InstructionId]),
    ) -> Result<Vec<InstructionId>, InferError> {
        let (starts, is_inside) = self.starts(builder, coordinates)?;
        let mut old = Vec::new();
        for operand in operands {
            let op = Op::DynamicSlice { dynamic_slice_sizes: self.window.clone() };
            old.push(builder.add(op, &[&[*operand][..], &starts].concat())?);
        }
        let mut arguments = old.clone();
        for update in updates {
            arguments.push(reshaped(builder, *update, &self.window)?);
        }
        let new = self.scatter.combine.apply(builder, &arguments, &self.window)?;
        let is_inside = match is_inside {
            Some(inside) if !self.window.is_empty() => {
                Some(builder.broadcast(inside, &self.window, Vec::new())?)
            }
            other => other,
        };
        let mut results = Vec::new();
        for ((operand, mut new), old) in operands.iter().zip(new).zip(old) {
            if let Some(is_inside) = is_inside {
                new = builder.add(Op::Select, &[is_inside, new, old])?;
            }
            let all = [&[*operand, new][..], &starts].concat();
            results.push(builder.add(Op::DynamicUpdateSlice, &all)?);
        }
        Ok(results)
    }

    /// Where a window begins in each dimension, and whether it is wholly inside.
    fn starts(
        &self,
        builder: &mut ComputationBuilder<'_>,
        coordinates: InstructionId,
    ) -> Result<(Vec<InstructionId>, Option<InstructionId>), InferError> {
        let element_type = element_type(builder, coordinates);
        let zero = number(builder, element_type, 0);
        let mut starts = vec![zero; self.window.len()];
        let mut is_inside = None;
        for (position, &dimension) in self.coordinate_dims.iter().enumerate() {
            let slice = [(0, 1), (position, position + 1)].map(|(start, limit)| SliceDimension {
                start,
                limit,
                stride: 1,
            });
            let start = builder.add(Op::Slice { slice: slice.to_vec() }, &[coordinates])?;
            let start = reshaped(builder, start, &[])?;
            starts[dimension] = start;
            let room = self.scatter.sizes[dimension] - self.window[dimension];
            let last = number(builder, element_type, room);
            for (direction, limit) in
                [(ComparisonDirection::Ge, zero), (ComparisonDirection::Le, last)]
            {
                let holds = builder.compare(direction, start, limit)?;
                is_inside = Some(match is_inside {
                    Some(others) => builder.add(Op::And, &[others, holds])?,
                    None => holds,
                });
            }
        }
        Ok((starts, is_inside))
    }

    /// A loop over the updates. Its state is the step and the lists.
    fn repeat(&self, site: &mut Site<'_>, lists: &Lists) -> Result<Vec<InstructionId>, InferError> {
        let first = number(&mut site.build(), ElementType::S32, 0);
        let state = [&[first][..], &lists.all()].concat();
        let shapes: Vec<Shape> =
            state.iter().map(|id| site.get(*id).shape().without_layout()).collect();
        let condition = self.condition(site, &shapes)?;
        let body = self.body(site, &shapes)?;
        let mut builder = site.build();
        let init = builder.tuple(&state);
        let end = builder.add(Op::While { condition, body }, &[init])?;
        (1..=lists.operands.len()).map(|index| builder.get_tuple_element(end, index)).collect()
    }

    fn condition(
        &self,
        site: &mut Site<'_>,
        shapes: &[Shape],
    ) -> Result<ComputationId, InferError> {
        let module = site.module_mut();
        let id = add_computation(module, "scatter_condition");
        let mut builder = ComputationBuilder::new(module, id);
        let state = builder.parameter(Shape::Tuple(shapes.to_vec()), "state");
        let step = builder.get_tuple_element(state, 0)?;
        let count = number(&mut builder, ElementType::S32, self.count);
        let goes_on = builder.compare(ComparisonDirection::Lt, step, count)?;
        builder.set_root(goes_on);
        Ok(id)
    }

    fn body(&self, site: &mut Site<'_>, shapes: &[Shape]) -> Result<ComputationId, InferError> {
        let metadata = site.instruction().metadata().clone();
        let module = site.module_mut();
        let id = add_computation(module, "scatter_body");
        let mut builder = ComputationBuilder::new(module, id).with_metadata(metadata);
        let state = builder.parameter(Shape::Tuple(shapes.to_vec()), "state");
        let elements = (0..shapes.len()).map(|n| builder.get_tuple_element(state, n));
        let elements: Vec<InstructionId> = elements.collect::<Result<_, _>>()?;
        let (step, mut lists) = (elements[0], Lists::from_all(&elements[1..]));
        let coordinates = row_at(&mut builder, lists.coordinates, step)?;
        let mut updates = Vec::new();
        for update in &lists.updates {
            updates.push(row_at(&mut builder, *update, step)?);
        }
        lists.operands = self.apply(&mut builder, &lists.operands, (coordinates, &updates))?;
        let one = number(&mut builder, ElementType::S32, 1);
        let next = builder.add(Op::Add, &[step, one])?;
        let root = builder.tuple(&[&[next][..], &lists.all()].concat());
        builder.set_root(root);
        Ok(id)
    }
}

/// One row of a list, whose position is a value.
fn row_at(
    builder: &mut ComputationBuilder<'_>,
    list: InstructionId,
    step: InstructionId,
) -> Result<InstructionId, InferError> {
    let mut dynamic_slice_sizes = super::dimensions(builder, list);
    dynamic_slice_sizes[0] = 1;
    let zero = number(builder, ElementType::S32, 0);
    let mut operands = vec![zero; dynamic_slice_sizes.len() + 1];
    (operands[0], operands[1]) = (list, step);
    builder.add(Op::DynamicSlice { dynamic_slice_sizes }, &operands)
}
