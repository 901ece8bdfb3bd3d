//! Sums as products with one-hot rows.

use super::{Scatter, array, dimensions, element_type, sizes_of};
use crate::{
    hlo::{
        ArrayLiteral, ArrayShape, ComparisonDirection, ComputationBuilder, DotDimensionNumbers,
        ElementType, InferError, InstructionId, Op, OperandPrecision, Precision,
    },
    passes::{
        dot_canonicalization::add_reducer,
        shaping::{reshaped, transposed},
        site::Site,
    },
};

/// The most elements of one-hot rows; more would be too much memory.
const MOST_ELEMENTS: usize = 1 << 28;

impl Scatter {
    /// Is this a sum over whole rows of one dimension?
    pub(super) fn is_one_hot(&self, site: &Site<'_>) -> bool {
        let ([dimension], [operand]) = (&self.scattered_dims[..], &self.operands[..]) else {
            return false;
        };
        let is_sum = self.combine.single_op() == Some(&Op::Add);
        let element_type = site.element_type(*operand);
        let is_number = element_type.is_float() || element_type.is_integer();
        let has_whole_windows = sizes_of(&self.sizes, &self.window_dims) == self.window_sizes;
        let n_others = self.window_dims.len() + self.batch_dims.len();
        let is_only = !self.window_dims.contains(dimension) && n_others + 1 == self.sizes.len();
        let rows = self.batch_sizes.iter().product::<usize>().checked_mul(self.n_updates);
        let elements = rows.and_then(|n| n.checked_mul(self.sizes[*dimension]));
        // One row is less work alone.
        let is_worth_it = self.n_updates > 1 || !self.batch_dims.is_empty();
        let fits = elements.is_some_and(|elements| elements <= MOST_ELEMENTS);
        is_sum && is_number && has_whole_windows && is_only && is_worth_it && fits
    }
}

/// The operand plus the sum of the updates of each row.
pub(super) fn expand(site: &mut Site<'_>, scatter: &Scatter) -> Result<InstructionId, InferError> {
    let element_type = site.element_type(scatter.operands[0]);
    let one_hot = one_hot(&mut site.build(), scatter)?;
    let (updates, n_batch) = (scatter.updates[0], scatter.batch_sizes.len());
    let products = Products { updates, n_batch, one_hot, element_type };
    let sums = if scatter.window_dims.is_empty() {
        products.select_and_add(site)?
    } else {
        products.multiply(&mut site.build())?
    };
    // The sums have the operand's batch dimensions, the scattered one and the window's.
    let order = [&scatter.batch_dims[..], &scatter.scattered_dims, &scatter.window_dims].concat();
    let inverse = (0..order.len()).filter_map(|d| order.iter().position(|&from| from == d));
    let mut builder = site.build();
    let sums = transposed(&mut builder, sums, inverse.collect())?;
    builder.add(Op::Add, &[scatter.operands[0], sums])
}

/// The batch dimensions, updates and rows: is this update for this row?
fn one_hot(
    builder: &mut ComputationBuilder<'_>,
    scatter: &Scatter,
) -> Result<InstructionId, InferError> {
    let mut sizes = [&scatter.batch_sizes[..], &[scatter.n_updates]].concat();
    let indices = reshaped(builder, scatter.indices, &sizes)?;
    let of_indices: Vec<usize> = (0..sizes.len()).collect();
    let iota_dimension = sizes.len();
    sizes.extend(sizes_of(&scatter.sizes, &scatter.scattered_dims));
    let shape = array(element_type(builder, indices), &sizes)?;
    let indices = builder.broadcast(indices, &sizes, of_indices)?;
    let rows = builder.add_shaped(Op::Iota { iota_dimension }, &[], shape)?;
    builder.compare(ComparisonDirection::Eq, indices, rows)
}

/// Products of the one-hot rows with something of the shape of the updates.
pub(super) struct Products {
    /// Of dimensions batch.., updates, window...
    pub(super) updates: InstructionId,
    pub(super) n_batch: usize,
    /// Of dimensions batch.., updates, rows.
    pub(super) one_hot: InstructionId,
    pub(super) element_type: ElementType,
}

impl Products {
    /// Updates of one element: the sum of those that are for the row.
    fn select_and_add(&self, site: &mut Site<'_>) -> Result<InstructionId, InferError> {
        let update_dim = self.n_batch;
        let reducer = add_reducer(site, self.element_type)?;
        let mut builder = site.build();
        let sizes = dimensions(&builder, self.one_hot);
        let of_updates = (0..=update_dim).collect();
        let updates = builder.broadcast(self.updates, &sizes, of_updates)?;
        let zero =
            builder.constant(ArrayLiteral::zeros(&ArrayShape::scalar(self.element_type)).into());
        let zeros = builder.broadcast(zero, &sizes, Vec::new())?;
        let chosen = builder.add(Op::Select, &[self.one_hot, updates, zeros])?;
        builder.reduce(chosen, zero, vec![update_dim], reducer)
    }

    /// Updates of several elements: a product of matrices. One factor is 0 or 1, and the precision
    /// keeps all bits of the other. Infinities and NaN would make NaN of the rows that they are not
    /// for: they count as 0, and are put back where another product finds them.
    pub(super) fn multiply(
        &self,
        builder: &mut ComputationBuilder<'_>,
    ) -> Result<InstructionId, InferError> {
        let updates = self.updates;
        if !self.element_type.is_float() {
            return self.with(builder, updates, Precision::Highest);
        }
        let is_finite = builder.add(Op::IsFinite, &[updates])?;
        let zeros = self.splat(builder, 0.0, updates)?;
        let finite = builder.add(Op::Select, &[is_finite, updates, zeros])?;
        let sums = self.with(builder, finite, Precision::Highest)?;
        let up = self.reach_beyond(builder, (ComparisonDirection::Lt, f64::INFINITY))?;
        let down = self.reach_beyond(builder, (ComparisonDirection::Gt, f64::NEG_INFINITY))?;
        let nan = self.splat(builder, f64::NAN, sums)?;
        let highest = self.splat(builder, f64::INFINITY, sums)?;
        let lowest = self.splat(builder, f64::NEG_INFINITY, sums)?;
        let if_up = builder.add(Op::Select, &[down, nan, highest])?;
        let if_not_up = builder.add(Op::Select, &[down, lowest, sums])?;
        builder.add(Op::Select, &[up, if_up, if_not_up])
    }

    fn with(
        &self,
        builder: &mut ComputationBuilder<'_>,
        rhs: InstructionId,
        precision: Precision,
    ) -> Result<InstructionId, InferError> {
        let factor = builder.convert(self.one_hot, self.element_type)?;
        let update_dim = self.n_batch;
        let batch: Vec<usize> = (0..update_dim).collect();
        let dimension_numbers = DotDimensionNumbers {
            lhs_batch_dimensions: batch.clone(),
            rhs_batch_dimensions: batch,
            lhs_contracting_dimensions: vec![update_dim],
            rhs_contracting_dimensions: vec![update_dim],
        };
        let operand_precision = OperandPrecision { lhs: precision, rhs: precision };
        builder.dot([factor, rhs], dimension_numbers, operand_precision, self.element_type)
    }

    /// Where an update of the row is not on the finite side of a limit; NaN never is.
    fn reach_beyond(
        &self,
        builder: &mut ComputationBuilder<'_>,
        (direction, limit): (ComparisonDirection, f64),
    ) -> Result<InstructionId, InferError> {
        let updates = self.updates;
        let limit = self.splat(builder, limit, updates)?;
        let inside = builder.compare(direction, updates, limit)?;
        let beyond = builder.add(Op::Not, &[inside])?;
        let ones = builder.convert(beyond, self.element_type)?;
        let counts = self.with(builder, ones, Precision::Default)?;
        let zeros = self.splat(builder, 0.0, counts)?;
        builder.compare(ComparisonDirection::Gt, counts, zeros)
    }

    /// One value in every place of an array like another.
    fn splat(
        &self,
        builder: &mut ComputationBuilder<'_>,
        value: f64,
        like: InstructionId,
    ) -> Result<InstructionId, InferError> {
        let mut literal = ArrayLiteral::zeros(&ArrayShape::scalar(self.element_type));
        literal.set_f64(0, value);
        let value = builder.constant(literal.into());
        let sizes = dimensions(builder, like);
        builder.broadcast(value, &sizes, Vec::new())
    }
}
