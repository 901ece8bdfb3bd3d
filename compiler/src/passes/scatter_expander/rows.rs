//! Whole rows or matrices at a time: updates of one row are put together first, so that each row is
//! written once, and rows are written by a kernel.
//!
//! Of updates for the same row the last one stands for all: to it the others are added by a product
//! with the matrix that says which updates are for the same row, or, where updates replace rows, it
//! is the one that counts. All others get an index that is nowhere. What is left is a scatter whose
//! indices differ. There are too many pairs in all updates together, so they come in blocks, one
//! after the other.

use super::{Scatter, array, dimensions, element_type, number, one_hot::Products, sizes_of};
use crate::{
    hlo::{
        ComparisonDirection, ComputationBuilder, ComputationId, ElementType,
        GatherDimensionNumbers, InferError, InstructionId, Op, ScatterDimensionNumbers, Shape,
        SliceDimension, builder::add_computation,
    },
    passes::{
        dot_canonicalization::add_reducer,
        reshape_decomposition::wide_type,
        shaping::{converted, reshaped, sliced, transposed},
        site::Site,
    },
};

/// So many updates are better made one after the other.
const FEWEST: usize = 4;
/// Updates of a block, if that makes no more than so many blocks.
const BLOCK: usize = 1024;
const MOST_BLOCKS: usize = 16;
/// Updates of the largest block.
const MOST_OF_BLOCK: usize = 8192;
/// The most updates that replace rows in a block: there is no product.
const REPLACING: usize = 4096;

/// What updates do to rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Combination {
    Sum,
    Replacement,
}

impl Scatter {
    /// What updates do, if there is a way by whole rows.
    pub(super) fn by_rows(&self, site: &Site<'_>) -> Option<Combination> {
        let [operand] = self.operands[..] else { return None };
        let element_type = site.element_type(operand);
        let is_number = element_type.is_float() || element_type.is_integer();
        let combination = if self.combine.is_parameter(1) {
            Combination::Replacement
        } else if self.combine.single_op() == Some(&Op::Add) && is_number {
            Combination::Sum
        } else {
            return None;
        };
        let n_others = self.window_dims.len() + self.batch_dims.len();
        let has_whole_windows = sizes_of(&self.sizes, &self.window_dims) == self.window_sizes
            && n_others + self.scattered_dims.len() == self.sizes.len()
            && !self.window_dims.is_empty()
            && !self.scattered_dims.iter().any(|d| self.window_dims.contains(d));
        let rows = self.n_rows();
        let count = self.count();
        let fits = i32::try_from(rows).is_ok() && count <= MOST_BLOCKS * MOST_OF_BLOCK;
        (element_type.byte_size() <= 4 && has_whole_windows && count > FEWEST && fits)
            .then_some(combination)
    }

    fn count(&self) -> usize {
        self.batch_sizes.iter().product::<usize>() * self.n_updates
    }

    fn n_rows(&self) -> usize {
        let dimensions = self.batch_dims.iter().chain(&self.scattered_dims);
        dimensions.map(|d| self.sizes[*d]).product()
    }

    /// The updates of a block.
    fn block(&self, combination: Combination) -> usize {
        let count = self.count();
        let least = match combination {
            Combination::Sum => BLOCK,
            Combination::Replacement => REPLACING,
        };
        count.div_ceil(MOST_BLOCKS).max(least).min(count)
    }

    /// Whether sums by rows take less than a product with all rows of the operand: a model.
    #[expect(clippy::cast_precision_loss, reason = "a model's figures are far below 2^53")]
    pub(super) fn is_faster_by_rows(&self, site: &Site<'_>) -> bool {
        // Multiplications with additions, of eight passes, per cycle; bytes per cycle; cycles of a
        // block's launches, and of an update.
        let (products, bytes, launches, update) = (131_072.0 / 8.0, 1100.0, 8000.0, 20.0);
        let float = |value: usize| value as f64;
        let width = float(self.window_sizes.iter().product());
        let (count, rows) = (float(self.count()), float(self.n_rows()));
        let block = self.block(Combination::Sum);
        let mut by_rows = count * (update + float(block) * width / products)
            + float(self.count().div_ceil(block)) * launches;
        let order = [&self.batch_dims[..], &self.scattered_dims, &self.window_dims].concat();
        let moves = site.element_type(self.operands[0]).byte_size() < 4 || !order.is_sorted();
        if moves {
            by_rows += 4.0 * rows * width * 4.0 / bytes;
        }
        let own = float(sizes_of(&self.sizes, &self.scattered_dims).iter().product());
        let product = count * own * width / products;
        by_rows < product + 3.0 * rows * width * 4.0 / bytes
    }
}

/// The operand after all updates.
pub(super) fn expand(
    site: &mut Site<'_>,
    scatter: &Scatter,
    (combination, is_unique): (Combination, bool),
) -> Result<InstructionId, InferError> {
    // Of indices that differ there are no pairs to count.
    let counter = if is_unique { None } else { Some(add_reducer(site, ElementType::S32)?) };
    let replace = takes_update(site, scatter)?;
    let mut builder = site.build();
    let order = [&scatter.batch_dims[..], &scatter.scattered_dims, &scatter.window_dims].concat();
    let in_order = sizes_of(&scatter.sizes, &order);
    let own_type = element_type(&builder, scatter.operands[0]);
    let rows = Rows { scatter, combination, counter, replace };
    let table = rows.table(&mut builder, &order)?;
    let wide = element_type(&builder, table);
    let sizes = [&[scatter.count()][..], &scatter.window_sizes].concat();
    let updates = reshaped(&mut builder, scatter.updates[0], &sizes)?;
    let updates = converted(&mut builder, updates, wide)?;
    let numbers = rows.numbers(&mut builder)?;
    let table = rows.all(&mut builder, table, (numbers, updates))?;
    let table = converted(&mut builder, table, own_type)?;
    let table = reshaped(&mut builder, table, &in_order)?;
    let inverse = (0..order.len()).filter_map(|d| order.iter().position(|&from| from == d));
    transposed(&mut builder, table, inverse.collect())
}

struct Rows<'s> {
    scatter: &'s Scatter,
    combination: Combination,
    /// Counts updates for the same row; none if there are no such updates.
    counter: Option<ComputationId>,
    /// The combination that takes the update.
    replace: ComputationId,
}

impl Rows<'_> {
    /// The operand as rows or matrices that do not share granules.
    fn table(
        &self,
        builder: &mut ComputationBuilder<'_>,
        order: &[usize],
    ) -> Result<InstructionId, InferError> {
        let scatter = self.scatter;
        let table = transposed(builder, scatter.operands[0], order.to_vec())?;
        let sizes = [&[scatter.n_rows()][..], &scatter.window_sizes].concat();
        let table = reshaped(builder, table, &sizes)?;
        let own = element_type(builder, table);
        let is_shared = scatter.window_sizes.len() == 1;
        converted(builder, table, if is_shared { wide_type(own) } else { own })
    }

    /// For each update, the row of the table; -1 for one that is outside.
    fn numbers(&self, builder: &mut ComputationBuilder<'_>) -> Result<InstructionId, InferError> {
        let scatter = self.scatter;
        let sizes = [&scatter.batch_sizes[..], &[scatter.n_updates]].concat();
        let all = dimensions(builder, scatter.indices);
        let component_dim = all.len() - 1;
        let of_index = element_type(builder, scatter.indices);
        let (mut sum, mut is_inside) = (None, None);
        let mut stride = 1;
        for (n, &d) in scatter.scattered_dims.iter().enumerate().rev() {
            let part = SliceDimension { start: n, limit: n + 1, stride: 1 };
            let index = sliced(builder, scatter.indices, &[(component_dim, part)])?;
            let index = reshaped(builder, index, &sizes)?;
            let zero = splat(builder, (of_index, 0), &sizes)?;
            let last = splat(builder, (of_index, scatter.sizes[d] - 1), &sizes)?;
            for (direction, limit) in
                [(ComparisonDirection::Ge, zero), (ComparisonDirection::Le, last)]
            {
                let holds = builder.compare(direction, index, limit)?;
                is_inside = Some(both(builder, Op::And, is_inside, holds)?);
            }
            let index = converted(builder, index, ElementType::S32)?;
            let index = scaled(builder, index, stride)?;
            sum = Some(both(builder, Op::Add, sum, index)?);
            stride *= scatter.sizes[d];
        }
        for (iota_dimension, size) in scatter.batch_sizes.iter().enumerate().rev() {
            let shape = array(ElementType::S32, &sizes)?;
            let batch = builder.add_shaped(Op::Iota { iota_dimension }, &[], shape)?;
            let batch = scaled(builder, batch, stride)?;
            sum = Some(both(builder, Op::Add, sum, batch)?);
            stride *= size;
        }
        let zeros = splat(builder, (ElementType::S32, 0), &sizes)?;
        let mut numbers = sum.unwrap_or(zeros);
        if let Some(is_inside) = is_inside {
            let nowhere = nowhere(builder, &sizes)?;
            numbers = builder.add(Op::Select, &[is_inside, numbers, nowhere])?;
        }
        reshaped(builder, numbers, &[scatter.count()])
    }

    /// The table after all blocks.
    fn all(
        &self,
        builder: &mut ComputationBuilder<'_>,
        mut table: InstructionId,
        (numbers, updates): (InstructionId, InstructionId),
    ) -> Result<InstructionId, InferError> {
        let (count, block) = (self.scatter.count(), self.scatter.block(self.combination));
        for start in (0..count).step_by(block) {
            let part = SliceDimension { start, limit: count.min(start + block), stride: 1 };
            let numbers = sliced(builder, numbers, &[(0, part)])?;
            let updates = sliced(builder, updates, &[(0, part)])?;
            table = self.one(builder, table, (numbers, updates))?;
        }
        Ok(table)
    }

    /// The table after one block.
    fn one(
        &self,
        builder: &mut ComputationBuilder<'_>,
        table: InstructionId,
        (numbers, mut updates): (InstructionId, InstructionId),
    ) -> Result<InstructionId, InferError> {
        let mut targets = numbers;
        if let Some(counter) = self.counter {
            let is_same = pairs(builder, numbers)?;
            targets = last_of_each(builder, (numbers, is_same), counter)?;
            if self.combination == Combination::Sum {
                let element_type = element_type(builder, updates);
                let products = Products { updates, n_batch: 0, one_hot: is_same, element_type };
                updates = products.multiply(builder)?;
            }
        }
        if self.combination == Combination::Sum {
            let old = look_up(builder, table, numbers)?;
            updates = builder.binary(Op::Add, old, updates)?;
        }
        let rank = dimensions(builder, table).len();
        let dimension_numbers = ScatterDimensionNumbers {
            update_window_dims: (1..rank).collect(),
            inserted_window_dims: vec![0],
            scatter_dims_to_operand_dims: vec![0],
            index_vector_dim: 1,
            ..ScatterDimensionNumbers::default()
        };
        let op = Op::Scatter {
            dimension_numbers: Box::new(dimension_numbers),
            indices_are_sorted: false,
            unique_indices: true,
            to_apply: self.replace,
        };
        builder.add(op, &[table, targets, updates])
    }
}

/// The numbers, but only of the last update for each row.
fn last_of_each(
    builder: &mut ComputationBuilder<'_>,
    (numbers, is_same): (InstructionId, InstructionId),
    counter: ComputationId,
) -> Result<InstructionId, InferError> {
    let (sizes, pairs) = (dimensions(builder, numbers), dimensions(builder, is_same));
    let shape = array(ElementType::S32, &pairs)?;
    let [this, other] = [0, 1]
        .map(|iota_dimension| builder.add_shaped(Op::Iota { iota_dimension }, &[], shape.clone()));
    let is_later = builder.compare(ComparisonDirection::Gt, other?, this?)?;
    let is_later = builder.binary(Op::And, is_same, is_later)?;
    let ones = builder.convert(is_later, ElementType::S32)?;
    let zero = number(builder, ElementType::S32, 0);
    let later = builder.reduce(ones, zero, vec![1], counter)?;
    let none = splat(builder, (ElementType::S32, 0), &sizes)?;
    let is_last = builder.compare(ComparisonDirection::Eq, later, none)?;
    let nowhere = nowhere(builder, &sizes)?;
    builder.add(Op::Select, &[is_last, numbers, nowhere])
}

/// A computation that gives the update.
fn takes_update(site: &mut Site<'_>, scatter: &Scatter) -> Result<ComputationId, InferError> {
    let own = site.element_type(scatter.operands[0]);
    let element_type = if scatter.window_sizes.len() == 1 { wide_type(own) } else { own };
    let module = site.module_mut();
    let id = add_computation(module, "replace");
    let mut builder = ComputationBuilder::new(module, id);
    builder.parameter(Shape::scalar(element_type), "old");
    let new = builder.parameter(Shape::scalar(element_type), "new");
    builder.set_root(new);
    Ok(id)
}

/// Whether two of the numbers are the same, for all pairs.
fn pairs(
    builder: &mut ComputationBuilder<'_>,
    numbers: InstructionId,
) -> Result<InstructionId, InferError> {
    let count = dimensions(builder, numbers)[0];
    let a = builder.broadcast(numbers, &[count, count], vec![0])?;
    let b = builder.broadcast(numbers, &[count, count], vec![1])?;
    builder.compare(ComparisonDirection::Eq, a, b)
}

/// Rows of a table, any for numbers that are nowhere.
fn look_up(
    builder: &mut ComputationBuilder<'_>,
    table: InstructionId,
    numbers: InstructionId,
) -> Result<InstructionId, InferError> {
    let mut slice_sizes = dimensions(builder, table);
    let sizes = [&dimensions(builder, numbers), &slice_sizes[1..]].concat();
    slice_sizes[0] = 1;
    let dimension_numbers = GatherDimensionNumbers {
        offset_dims: (1..sizes.len()).collect(),
        collapsed_slice_dims: vec![0],
        start_index_map: vec![0],
        index_vector_dim: 1,
        ..GatherDimensionNumbers::default()
    };
    let op = Op::Gather { dimension_numbers, slice_sizes, indices_are_sorted: false };
    let shape = array(element_type(builder, table), &sizes)?;
    builder.add_shaped(op, &[table, numbers], shape)
}

fn both(
    builder: &mut ComputationBuilder<'_>,
    op: Op,
    first: Option<InstructionId>,
    second: InstructionId,
) -> Result<InstructionId, InferError> {
    match first {
        Some(first) => builder.binary(op, first, second),
        None => Ok(second),
    }
}

fn splat(
    builder: &mut ComputationBuilder<'_>,
    (element_type, value): (ElementType, usize),
    sizes: &[usize],
) -> Result<InstructionId, InferError> {
    let value = number(builder, element_type, value);
    builder.broadcast(value, sizes, Vec::new())
}

/// The index of no row.
fn nowhere(
    builder: &mut ComputationBuilder<'_>,
    sizes: &[usize],
) -> Result<InstructionId, InferError> {
    let value = builder.constant(crate::hlo::Literal::scalar(-1_i32));
    builder.broadcast(value, sizes, Vec::new())
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
    let by = splat(builder, (ElementType::S32, by), &sizes)?;
    builder.binary(Op::Multiply, value, by)
}
