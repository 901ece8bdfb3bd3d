//! `scatter`, written as ops that HLO has.
//!
//! * Sums over one dimension, what the gradients of look-ups are, become one-hot products: every
//!   update meets every row, and the chip does that faster than one row after the other. An update
//!   that is infinite or NaN makes the same elements of other rows NaN too.
//! * Everything else becomes a slice, the combination and an update of the slice for each index,
//!   in the order of the indices; for more than a few in a loop.
//!
//! A window that is not wholly inside the operand is not applied. Combinations are the update
//! itself or one binary op.

mod one_hot;
mod sequential;

use super::attributes::{as_index, as_indices, fields};
use super::body::{Body, only_blocks};
use super::{error, error_at};
use crate::frontend::source::{SourceError, SourceResult};
use crate::frontend::syntax::{Block, Operation};
use crate::hlo::{ArrayShape, ElementType, InstructionId, Op, Shape};

/// The dimension numbers as the program has them.
#[derive(Default)]
struct Numbers {
    update_window_dims: Vec<usize>,
    inserted_window_dims: Vec<usize>,
    input_batching_dims: Vec<usize>,
    scatter_indices_batching_dims: Vec<usize>,
    scatter_dims_to_operand_dims: Vec<usize>,
    index_vector_dim: usize,
}

/// A scatter whose indices and updates are in a standard order.
struct Scatter {
    operand: InstructionId,
    operand_shape: ArrayShape,
    /// Of dimensions batch.., updates, coordinates.
    indices: InstructionId,
    /// Of dimensions batch.., updates, window...
    updates: InstructionId,
    /// The operand's batch dimensions, and their sizes.
    batch_dims: Vec<usize>,
    batch_sizes: Vec<usize>,
    /// How many updates each batch has.
    n_updates: usize,
    /// The operand's dimensions that the coordinates are for.
    scattered_dims: Vec<usize>,
    /// The operand's dimensions that windows have, and the sizes of the windows.
    window_dims: Vec<usize>,
    window_sizes: Vec<usize>,
    combine: Combine,
}

/// What an element and its update become.
pub(super) enum Combine {
    Replace,
    /// The op of the element and the update, or of these in the other order.
    Binary(Op, bool),
}

/// `scatter` of one operand.
pub(super) fn scatter(
    body: &mut Body<'_, '_>,
    operation: &Operation,
) -> SourceResult<Vec<InstructionId>> {
    if operation.operands.len() != 3 {
        let given = operation.operands.len();
        let message = format!(
            "stablehlo.scatter is supported for one operand, its indices and its updates; found \
             {given} operands"
        );
        return error(operation, message);
    }
    let [operand, indices, updates] = body.exactly(operation)?;
    let [block] = only_blocks(operation)?;
    let Some(combine) = combination(block) else {
        let message = "stablehlo.scatter is supported where its region returns the update, or the \
                       sum, product, difference, maximum, minimum, and, or, exclusive or of \
                       element and update";
        return error(operation, message);
    };
    let numbers = numbers(operation)?;
    let shapes = [operand, indices, updates].map(|id| body.array(operation, id));
    let [operand_shape, indices_shape, updates_shape] = shapes;
    let shapes = [operand_shape?, indices_shape?, updates_shape?];
    numbers
        .check(&shapes)
        .map_err(|what| SourceError::new(operation.span, format!("stablehlo.scatter: {what}")))?;
    let declared = body.result_shape(operation)?;
    body.check_type(operation, &declared, operand)?;
    if shapes[0].element_count() == 0 || shapes[2].element_count() == 0 {
        return Ok(vec![operand]);
    }
    let scatter =
        numbers.normalize(body, operation, [operand, indices, updates], &shapes, combine)?;
    let result = if scatter.is_one_hot() {
        one_hot::expand(body, operation, &scatter)?
    } else {
        sequential::expand(body, operation, &scatter)?
    };
    Ok(vec![result])
}

/// What a region of two scalars does, if it is one of the combinations.
pub(super) fn combination(block: &Block) -> Option<Combine> {
    let [element, update] = block.arguments.as_slice() else { return None };
    let [rest @ .., end] = block.operations.as_slice() else { return None };
    let [returned] = end.operands.as_slice() else { return None };
    let only = match rest {
        [] if returned.value == update.value => return Some(Combine::Replace),
        [only] if only.results == [returned.value] => only,
        _ => return None,
    };
    let op = match only.name.as_str() {
        "stablehlo.add" => Op::Add,
        "stablehlo.multiply" => Op::Multiply,
        "stablehlo.subtract" => Op::Subtract,
        "stablehlo.maximum" => Op::Maximum,
        "stablehlo.minimum" => Op::Minimum,
        "stablehlo.and" => Op::And,
        "stablehlo.or" => Op::Or,
        "stablehlo.xor" => Op::Xor,
        _ => return None,
    };
    let operands: Vec<_> = only.operands.iter().map(|operand| operand.value).collect();
    let is_swapped = operands == [update.value, element.value];
    let is_known = is_swapped || operands == [element.value, update.value];
    is_known.then_some(Combine::Binary(op, is_swapped))
}

fn numbers(operation: &Operation) -> SourceResult<Numbers> {
    let mut numbers = Numbers::default();
    for field in fields(operation, "scatter_dimension_numbers", "scatter")? {
        match field.name.as_str() {
            "update_window_dims" => numbers.update_window_dims = as_indices(field)?,
            "inserted_window_dims" => numbers.inserted_window_dims = as_indices(field)?,
            "input_batching_dims" => numbers.input_batching_dims = as_indices(field)?,
            "scatter_indices_batching_dims" => {
                numbers.scatter_indices_batching_dims = as_indices(field)?;
            }
            "scatter_dims_to_operand_dims" => {
                numbers.scatter_dims_to_operand_dims = as_indices(field)?;
            }
            "index_vector_dim" => numbers.index_vector_dim = as_index(field)?,
            other => return error_at(field.span, format!("unknown scatter dimensions '{other}'")),
        }
    }
    Ok(numbers)
}

/// The dimensions below `rank` that are not in `taken`.
fn others(rank: usize, taken: &[usize]) -> Vec<usize> {
    (0..rank).filter(|dimension| !taken.contains(dimension)).collect()
}

fn sizes_of(shape: &ArrayShape, dimensions: &[usize]) -> Vec<usize> {
    dimensions.iter().map(|&dimension| shape.dimensions()[dimension]).collect()
}

/// An error unless these are different dimensions below `rank`.
fn check_dimensions(name: &str, dimensions: &[usize], rank: usize) -> Result<(), String> {
    for (position, dimension) in dimensions.iter().enumerate() {
        if *dimension >= rank || dimensions[..position].contains(dimension) {
            return Err(format!(
                "{name} {dimensions:?} has to be different dimensions below {rank}"
            ));
        }
    }
    Ok(())
}

impl Numbers {
    /// An error unless the numbers fit the shapes of operand, indices and updates.
    fn check(&self, [operand, indices, updates]: &[ArrayShape; 3]) -> Result<(), String> {
        let taken = [&self.inserted_window_dims[..], &self.input_batching_dims].concat();
        check_dimensions("inserted_window_dims and input_batching_dims", &taken, operand.rank())?;
        check_dimensions("update_window_dims", &self.update_window_dims, updates.rank())?;
        let targets = [&self.scatter_dims_to_operand_dims[..], &self.input_batching_dims].concat();
        let name = "scatter_dims_to_operand_dims and input_batching_dims";
        check_dimensions(name, &targets, operand.rank())?;
        if self.index_vector_dim > indices.rank() {
            return Err(format!(
                "index_vector_dim is {}, beyond the indices",
                self.index_vector_dim
            ));
        }
        let vectors = [&self.scatter_indices_batching_dims[..], &[self.index_vector_dim]].concat();
        let name = "scatter_indices_batching_dims and index_vector_dim";
        check_dimensions(name, &vectors, indices.rank() + 1)?;
        if !indices.element_type().is_integer() {
            return Err(format!("the indices are {indices}, not integers"));
        }
        if operand.element_type() != updates.element_type() {
            return Err(format!("the operand is {operand} and the updates are {updates}"));
        }
        let n_coordinates = indices.dimensions().get(self.index_vector_dim).copied().unwrap_or(1);
        let n_targets = self.scatter_dims_to_operand_dims.len();
        if n_coordinates != n_targets {
            return Err(format!("{n_coordinates} coordinates for {n_targets} dimensions"));
        }
        self.check_sizes(operand, indices, updates)
    }

    fn check_sizes(
        &self,
        operand: &ArrayShape,
        indices: &ArrayShape,
        updates: &ArrayShape,
    ) -> Result<(), String> {
        let rows = sizes_of(indices, &others(indices.rank(), &[self.index_vector_dim]));
        let given = sizes_of(updates, &others(updates.rank(), &self.update_window_dims));
        if rows != given {
            return Err(format!("indices for {rows:?} windows, but updates for {given:?}"));
        }
        let room = sizes_of(operand, &self.window_dims(operand.rank()));
        let window = sizes_of(updates, &self.update_window_dims);
        let fits = room.len() == window.len() && room.iter().zip(&window).all(|(r, w)| w <= r);
        if !fits {
            return Err(format!("windows of {window:?} do not fit into {room:?}"));
        }
        let batch = sizes_of(operand, &self.input_batching_dims);
        let given = sizes_of(indices, &self.scatter_indices_batching_dims);
        if batch != given {
            return Err(format!("batches of {batch:?} in the operand, {given:?} in the indices"));
        }
        Ok(())
    }

    /// The operand's dimensions that windows have.
    fn window_dims(&self, operand_rank: usize) -> Vec<usize> {
        let taken = [&self.inserted_window_dims[..], &self.input_batching_dims].concat();
        others(operand_rank, &taken)
    }

    fn normalize(
        &self,
        body: &mut Body<'_, '_>,
        operation: &Operation,
        [operand, mut indices, mut updates]: [InstructionId; 3],
        [operand_shape, indices_shape, updates_shape]: &[ArrayShape; 3],
        combine: Combine,
    ) -> SourceResult<Scatter> {
        let batch_sizes = sizes_of(operand_shape, &self.input_batching_dims);
        let n_coordinates = self.scatter_dims_to_operand_dims.len();
        // The indices' dimensions without that of the vectors, batches first.
        let vector = self.index_vector_dim;
        let taken = [&self.scatter_indices_batching_dims[..], &[vector]].concat();
        let rest = others(indices_shape.rank(), &taken);
        let n_updates = sizes_of(indices_shape, &rest).iter().product();
        let rows = [&self.scatter_indices_batching_dims[..], &rest].concat();
        let mut order = rows.clone();
        order.extend((vector < indices_shape.rank()).then_some(vector));
        indices = transpose(body, operation, indices, order)?;
        let sizes = [&batch_sizes[..], &[n_updates, n_coordinates]].concat();
        indices = reshape(body, operation, indices, sizes)?;
        // Narrow integers could not say how large the operand is.
        if indices_shape.element_type().bit_width() < 32 {
            let shape = body.array(operation, indices)?.with_element_type(ElementType::S32);
            indices = body.add_shaped(operation, Op::Convert, &[indices], Shape::Array(shape))?;
        }
        let scatter_dims = others(updates_shape.rank(), &self.update_window_dims);
        let mut order: Vec<usize> =
            rows.iter().map(|&row| scatter_dims[row - usize::from(row > vector)]).collect();
        order.extend(&self.update_window_dims);
        let window_sizes = sizes_of(updates_shape, &self.update_window_dims);
        updates = transpose(body, operation, updates, order)?;
        let sizes = [&batch_sizes[..], &[n_updates], &window_sizes].concat();
        updates = reshape(body, operation, updates, sizes)?;
        Ok(Scatter {
            operand,
            operand_shape: operand_shape.without_layout(),
            indices,
            updates,
            batch_dims: self.input_batching_dims.clone(),
            batch_sizes,
            n_updates,
            scattered_dims: self.scatter_dims_to_operand_dims.clone(),
            window_dims: self.window_dims(operand_shape.rank()),
            window_sizes,
            combine,
        })
    }
}

impl Combine {
    fn apply(
        &self,
        body: &mut Body<'_, '_>,
        operation: &Operation,
        element: InstructionId,
        update: InstructionId,
    ) -> SourceResult<InstructionId> {
        match self {
            Self::Replace => Ok(update),
            Self::Binary(op, false) => body.add(operation, op.clone(), &[element, update]),
            Self::Binary(op, true) => body.add(operation, op.clone(), &[update, element]),
        }
    }
}

/// A transposition, or nothing where the order is that already.
fn transpose(
    body: &mut Body<'_, '_>,
    operation: &Operation,
    value: InstructionId,
    dimensions: Vec<usize>,
) -> SourceResult<InstructionId> {
    if dimensions.is_sorted() {
        return Ok(value);
    }
    body.add(operation, Op::Transpose { dimensions }, &[value])
}

/// A reshape, or nothing where the sizes are these already.
fn reshape(
    body: &mut Body<'_, '_>,
    operation: &Operation,
    value: InstructionId,
    sizes: Vec<usize>,
) -> SourceResult<InstructionId> {
    let from = body.array(operation, value)?;
    if from.dimensions() == sizes {
        return Ok(value);
    }
    let shape = array(operation, from.element_type(), sizes)?;
    body.add_shaped(operation, Op::Reshape, &[value], shape)
}

/// The shape of an array, unless it is too large.
fn array(operation: &Operation, element: ElementType, sizes: Vec<usize>) -> SourceResult<Shape> {
    Shape::array(element, sizes)
        .map_err(|error| SourceError::new(operation.span, error.to_string()))
}
