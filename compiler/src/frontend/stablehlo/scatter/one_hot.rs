//! Sums as products with one-hot rows.

use super::{Combine, Scatter, array, reshape, sizes_of, transpose};
use crate::frontend::source::SourceResult;
use crate::frontend::stablehlo::body::Body;
use crate::frontend::syntax::Operation;
use crate::hlo::{
    ArrayLiteral, ArrayShape, ComparisonDirection, ComparisonType, DotDimensionNumbers,
    InstructionId, Literal, Op, OperandPrecision, Precision, Shape,
};

/// The most elements of one-hot rows; more would be too much memory.
const MOST_ELEMENTS: usize = 1 << 28;

impl Scatter {
    /// Is this a sum over whole rows of one dimension?
    pub(super) fn is_one_hot(&self) -> bool {
        let [dimension] = self.scattered_dims[..] else { return false };
        let is_sum = matches!(self.combine, Combine::Binary(Op::Add, _));
        let element_type = self.operand_shape.element_type();
        let is_number = element_type.is_float() || element_type.is_integer();
        let sizes = sizes_of(&self.operand_shape, &self.window_dims);
        let has_whole_windows = sizes == self.window_sizes;
        let n_others = self.window_dims.len() + self.batch_dims.len();
        let is_only =
            !self.window_dims.contains(&dimension) && n_others + 1 == self.operand_shape.rank();
        let rows = self.batch_sizes.iter().product::<usize>().checked_mul(self.n_updates);
        let elements = rows.and_then(|n| n.checked_mul(self.operand_shape.dimensions()[dimension]));
        // One row is less work alone.
        let is_worth_it = self.n_updates > 1 || !self.batch_dims.is_empty();
        let fits = elements.is_some_and(|elements| elements <= MOST_ELEMENTS);
        is_sum && is_number && has_whole_windows && is_only && is_worth_it && fits
    }
}

/// The operand plus the sum of the updates of each row.
pub(super) fn expand(
    body: &mut Body<'_, '_>,
    operation: &Operation,
    scatter: &Scatter,
) -> SourceResult<InstructionId> {
    let one_hot = one_hot(body, operation, scatter)?;
    let sums = if scatter.window_dims.is_empty() {
        select_and_add(body, operation, scatter, one_hot)?
    } else {
        multiply(body, operation, scatter, one_hot)?
    };
    // The sums have the operand's batch dimensions, the scattered one and the window's.
    let order = [&scatter.batch_dims[..], &scatter.scattered_dims, &scatter.window_dims].concat();
    let inverse = (0..order.len()).filter_map(|d| order.iter().position(|&from| from == d));
    let sums = transpose(body, operation, sums, inverse.collect())?;
    body.add(operation, Op::Add, &[scatter.operand, sums])
}

/// The batch dimensions, updates and rows: is this update for this row?
fn one_hot(
    body: &mut Body<'_, '_>,
    operation: &Operation,
    scatter: &Scatter,
) -> SourceResult<InstructionId> {
    let mut sizes = [&scatter.batch_sizes[..], &[scatter.n_updates]].concat();
    let indices = reshape(body, operation, scatter.indices, sizes.clone())?;
    let dimensions: Vec<usize> = (0..sizes.len()).collect();
    let iota_dimension = sizes.len();
    sizes.extend(sizes_of(&scatter.operand_shape, &scatter.scattered_dims));
    let element_type = body.array(operation, indices)?.element_type();
    let shape = array(operation, element_type, sizes)?;
    let indices =
        body.add_shaped(operation, Op::Broadcast { dimensions }, &[indices], shape.clone())?;
    let rows = body.add_shaped(operation, Op::Iota { iota_dimension }, &[], shape)?;
    let comparison_type = ComparisonType::natural(element_type);
    let op = Op::Compare { direction: ComparisonDirection::Eq, comparison_type };
    body.add(operation, op, &[indices, rows])
}

/// Updates of one element: the sum of those that are for the row.
fn select_and_add(
    body: &mut Body<'_, '_>,
    operation: &Operation,
    scatter: &Scatter,
    one_hot: InstructionId,
) -> SourceResult<InstructionId> {
    let element_type = scatter.operand_shape.element_type();
    let shape = Shape::Array(body.array(operation, one_hot)?.with_element_type(element_type));
    let update_dim = scatter.batch_sizes.len();
    let op = Op::Broadcast { dimensions: (0..=update_dim).collect() };
    let updates = body.add_shaped(operation, op, &[scatter.updates], shape.clone())?;
    let scalar = ArrayShape::scalar(element_type);
    let literal = Literal::Array(ArrayLiteral::zeros(&scalar));
    let zero = body.add(operation, Op::Constant { literal }, &[])?;
    let op = Op::Broadcast { dimensions: Vec::new() };
    let zeros = body.add_shaped(operation, op, &[zero], shape)?;
    let chosen = body.add(operation, Op::Select, &[one_hot, updates, zeros])?;
    let mut region = Body::new(body.importer, "sum");
    let operands =
        ["lhs", "rhs"].map(|name| region.builder().parameter(Shape::Array(scalar.clone()), name));
    let sum = region.add(operation, Op::Add, &operands)?;
    region.builder().set_root(sum);
    let op = Op::Reduce { dimensions: vec![update_dim], to_apply: region.id };
    body.add(operation, op, &[chosen, zero])
}

/// Updates of several elements: a product of matrices. One factor is 0 or 1, and the precision
/// keeps all bits of the other.
fn multiply(
    body: &mut Body<'_, '_>,
    operation: &Operation,
    scatter: &Scatter,
    one_hot: InstructionId,
) -> SourceResult<InstructionId> {
    let element_type = scatter.operand_shape.element_type();
    let shape = body.array(operation, one_hot)?.with_element_type(element_type);
    let factor = body.add_shaped(operation, Op::Convert, &[one_hot], Shape::Array(shape))?;
    let update_dim = scatter.batch_sizes.len();
    let batch: Vec<usize> = (0..update_dim).collect();
    let dimension_numbers = DotDimensionNumbers {
        lhs_batch_dimensions: batch.clone(),
        rhs_batch_dimensions: batch,
        lhs_contracting_dimensions: vec![update_dim],
        rhs_contracting_dimensions: vec![update_dim],
    };
    let operand_precision = OperandPrecision { lhs: Precision::Highest, rhs: Precision::Highest };
    let rows = sizes_of(&scatter.operand_shape, &scatter.scattered_dims);
    let sizes = [&scatter.batch_sizes[..], &rows, &scatter.window_sizes].concat();
    let shape = array(operation, element_type, sizes)?;
    let op = Op::Dot { dimension_numbers, operand_precision };
    body.add_shaped(operation, op, &[factor, scatter.updates], shape)
}
