//! Layout normalisation: every array in row-major order of its *physical* dimensions.
//!
//! After it, the dimensions of a shape are in the order in which they lie in memory, so that
//! kernels need not think about layouts. What was a transpose between two orders is a transpose of
//! physical dimensions, or nothing. `bitcast`s stand where an order is not free: behind entry
//! parameters and behind dots, whose result order is what their dimension numbers say.

use std::collections::BTreeMap;

use super::{
    Changed, PassContext, PassError,
    layout_assignment::{Order, with_order},
};
use crate::analysis::sequential_computations;
use crate::hlo::{
    ArrayShape, ComputationBuilder, ComputationId, DotDimensionNumbers, Extras, InstructionId,
    Module, Op, Shape, rewrite,
};

/// See the module. Expects that layouts are assigned.
///
/// # Errors
/// None; the signature is that of all passes.
pub fn layout_normalization(module: &mut Module, _: &PassContext) -> Result<Changed, PassError> {
    for computation in sequential_computations(module) {
        let root = module.computation(computation).root();
        let mut normal = Normalizer { module, computation, values: BTreeMap::new() };
        for id in normal.module.computation(computation).post_order() {
            let value = normal.instruction(id);
            normal.values.insert(id, value);
        }
        let new_root = normal.values[&root];
        if new_root != root {
            rewrite::replace_all_uses(module, computation, root, new_root);
        }
        rewrite::remove_dead(module, computation);
    }
    Ok(Changed::Yes)
}

struct Normalizer<'m> {
    module: &'m mut Module,
    computation: ComputationId,
    /// Per instruction, the one that has its value in physical order.
    values: BTreeMap<InstructionId, InstructionId>,
}

/// The dimensions of a shape from major to minor in memory.
pub(super) fn order_of(shape: &ArrayShape) -> Order {
    let layout = shape.layout().expect("layouts are assigned");
    layout.minor_to_major.iter().rev().copied().collect()
}

/// The shape whose dimensions are the physical ones of `shape`.
pub(super) fn physical(shape: &ArrayShape) -> ArrayShape {
    let dimensions = order_of(shape).iter().map(|d| shape.dimensions()[*d]).collect();
    let physical = ArrayShape::new(shape.element_type(), dimensions);
    let physical = physical.expect("a permuted shape is as large as before");
    let order: Order = (0..physical.rank()).collect();
    with_order(&physical, &order)
}

pub(super) fn is_row_major(shape: &ArrayShape) -> bool {
    order_of(shape).is_sorted()
}

/// Where each dimension is in memory: the inverse of an order.
fn places(order: &[usize]) -> Vec<usize> {
    let mut places = vec![0; order.len()];
    for (place, d) in order.iter().enumerate() {
        places[*d] = place;
    }
    places
}

impl Normalizer<'_> {
    fn shape(&self, id: InstructionId) -> &ArrayShape {
        self.module.instruction(self.computation, id).array_shape()
    }

    fn instruction(&mut self, id: InstructionId) -> InstructionId {
        let instruction = self.module.instruction(self.computation, id);
        let op = instruction.op().clone();
        let old_operands = instruction.operands().to_vec();
        let operands: Vec<InstructionId> = old_operands.iter().map(|o| self.values[o]).collect();
        let Shape::Array(shape) = instruction.shape().clone() else {
            return self.with_operands(id, &operands);
        };
        let orders: Vec<Option<Order>> = (old_operands.iter())
            .map(|o| self.module.instruction(self.computation, *o).shape().as_array().map(order_of))
            .collect();
        let order = order_of(&shape);
        let place = places(&order);
        let op = match op {
            Op::Parameter { .. } if !is_row_major(&shape) => {
                return self.add(id, Op::Bitcast, &[id], &shape);
            }
            Op::Transpose { dimensions } => {
                let operand_order = orders[0].as_ref().expect("an array");
                let permutation: Vec<usize> = order.iter().map(|d| dimensions[*d]).collect();
                return self.transpose(id, operands[0], (operand_order, &permutation));
            }
            Op::Copy => {
                let operand_order = orders[0].as_ref().expect("an array");
                return self.transpose(id, operands[0], (operand_order, &order));
            }
            Op::Dot { dimension_numbers, operand_precision } => {
                let orders = [0, 1].map(|n| orders[n].clone().expect("an array"));
                let (numbers, result) = physical_dot(&dimension_numbers, &orders, &shape);
                let op = Op::Dot { dimension_numbers: numbers, operand_precision };
                let dot = self.add_shaped(id, op, &operands, result.clone());
                return if is_row_major(&result) {
                    dot
                } else {
                    self.add(id, Op::Bitcast, &[dot], &shape)
                };
            }
            Op::Broadcast { dimensions } => {
                let operand_order = orders[0].as_ref().expect("an array");
                let dimensions = operand_order.iter().map(|d| place[dimensions[*d]]).collect();
                Op::Broadcast { dimensions }
            }
            Op::Reduce { dimensions, to_apply } => {
                let operand = places(orders[0].as_ref().expect("an array"));
                let mut dimensions: Vec<usize> = dimensions.iter().map(|d| operand[*d]).collect();
                dimensions.sort_unstable();
                Op::Reduce { dimensions, to_apply }
            }
            Op::Concatenate { dimension } => Op::Concatenate { dimension: place[dimension] },
            Op::Iota { iota_dimension } => Op::Iota { iota_dimension: place[iota_dimension] },
            Op::Reverse { dimensions } => {
                Op::Reverse { dimensions: dimensions.iter().map(|d| place[*d]).collect() }
            }
            Op::Slice { slice } => Op::Slice { slice: order.iter().map(|d| slice[*d]).collect() },
            Op::Pad { padding } => Op::Pad { padding: order.iter().map(|d| padding[*d]).collect() },
            Op::Constant { literal } if !is_row_major(&shape) => {
                // Only constants of one value take part: all orders of them are alike.
                let array = literal.as_array().expect("an array constant");
                let dimensions = physical(&shape).dimensions().to_vec();
                let literal = array.reshape(&dimensions).expect("as large as before");
                Op::Constant { literal: literal.into() }
            }
            op if is_row_major(&shape) && !op.opcode().is_elementwise() => {
                return self.with_operands(id, &operands);
            }
            op => op,
        };
        self.add(id, op, &operands, &shape)
    }

    /// The instruction itself, with other operands.
    fn with_operands(&mut self, id: InstructionId, operands: &[InstructionId]) -> InstructionId {
        for (n, operand) in operands.iter().enumerate() {
            rewrite::set_operand(self.module, self.computation, id, n, *operand);
        }
        id
    }

    /// `operand` with its dimensions, which lie in `from`, in the order `to` instead.
    fn transpose(
        &mut self,
        id: InstructionId,
        operand: InstructionId,
        (from, to): (&[usize], &[usize]),
    ) -> InstructionId {
        let place = places(from);
        let permutation: Vec<usize> = to.iter().map(|d| place[*d]).collect();
        if permutation.is_sorted() {
            return operand;
        }
        let shape = self.shape(id).clone();
        self.add(id, Op::Transpose { dimensions: permutation }, &[operand], &shape)
    }

    /// An instruction in place of `like`, with the physical dimensions of `shape`.
    fn add(
        &mut self,
        like: InstructionId,
        op: Op,
        operands: &[InstructionId],
        shape: &ArrayShape,
    ) -> InstructionId {
        self.add_shaped(like, op, operands, physical(shape))
    }

    fn add_shaped(
        &mut self,
        like: InstructionId,
        op: Op,
        operands: &[InstructionId],
        shape: ArrayShape,
    ) -> InstructionId {
        let old = self.module.instruction(self.computation, like);
        let is_same_op = old.opcode() == op.opcode();
        let extras = Extras {
            name: is_same_op.then(|| old.name().to_owned()),
            shape: Some(shape.into()),
            metadata: Some(old.metadata().clone()),
            ..Extras::default()
        };
        let mut builder = ComputationBuilder::new(self.module, self.computation);
        builder.add_with(op, operands, extras).expect("the same op in other dimensions is legal")
    }
}

/// The dimension numbers over the physical dimensions of the operands, and the shape that such a
/// dot has, with the layout that puts its dimensions where those of `shape` are.
fn physical_dot(
    numbers: &DotDimensionNumbers,
    orders: &[Order; 2],
    shape: &ArrayShape,
) -> (DotDimensionNumbers, ArrayShape) {
    let place = [places(&orders[0]), places(&orders[1])];
    let at = |n: usize, dimensions: &[usize]| dimensions.iter().map(|d| place[n][*d]).collect();
    let new = DotDimensionNumbers {
        lhs_batch_dimensions: at(0, &numbers.lhs_batch_dimensions),
        rhs_batch_dimensions: at(1, &numbers.rhs_batch_dimensions),
        lhs_contracting_dimensions: at(0, &numbers.lhs_contracting_dimensions),
        rhs_contracting_dimensions: at(1, &numbers.rhs_contracting_dimensions),
    };
    // The logical dimension of the old result that each dimension of the new one is.
    let n_batch = numbers.lhs_batch_dimensions.len();
    let mut old_of_new: Vec<usize> = (0..n_batch).collect();
    let bound = [
        (&numbers.lhs_batch_dimensions, &numbers.lhs_contracting_dimensions),
        (&numbers.rhs_batch_dimensions, &numbers.rhs_contracting_dimensions),
    ];
    let mut first = n_batch;
    for n in 0..2 {
        let is_free = |d: &usize| !bound[n].0.contains(d) && !bound[n].1.contains(d);
        let mut logical: Vec<usize> = orders[n].clone();
        logical.sort_unstable();
        let logical: Vec<usize> = logical.into_iter().filter(is_free).collect();
        let in_memory = orders[n].iter().copied().filter(is_free);
        let rank_of = |d: usize| logical.iter().position(|other| *other == d).expect("free");
        old_of_new.extend(in_memory.map(|d| first + rank_of(d)));
        first += logical.len();
    }
    let dimensions = old_of_new.iter().map(|d| shape.dimensions()[*d]).collect();
    let result = ArrayShape::new(shape.element_type(), dimensions).expect("as large as before");
    let new_of_old = places(&old_of_new);
    let order: Order = order_of(shape).iter().map(|d| new_of_old[*d]).collect();
    (new, with_order(&result, &order))
}
