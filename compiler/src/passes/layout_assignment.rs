//! Layout assignment: the order of dimensions of every array, and its tiling.
//!
//! From users to operands: the entry root is row-major, and every instruction asks its operands for
//! the order that makes its own kernel simple. Elementwise ops and broadcasts want the order of
//! their result; a transpose wants the order that makes it move nothing, unless it merges heads
//! (`lowering/heads.rs`); a dot wants, in the two tiled dimensions, a free and a contracted one of
//! each operand. The first user that asks is heard; where another wants something else, a `copy` is
//! inserted. Entry parameters take the order
//! that is wanted of them if the options leave it to the compiler, or else are row-major too.
//!
//! Not a constraint solver: conflicts are settled by order, not by cost.

use std::collections::BTreeMap;

use super::{Changed, PassContext, PassError};
use crate::hlo::{
    ArrayShape, ComputationBuilder, ComputationId, DotDimensionNumbers, Extras, InstructionId,
    Module, Op, Shape, default_tpu_layout, rewrite,
};
use crate::{analysis::sequential_computations, lowering::is_before_heads, options::EntryLayout};

/// Dimensions from major to minor.
pub(super) type Order = Vec<usize>;

/// See the module.
///
/// # Errors
/// None; the signature is that of all passes.
pub fn layout_assignment(module: &mut Module, context: &PassContext) -> Result<Changed, PassError> {
    let entry = module.entry();
    for computation in sequential_computations(module) {
        let free_parameters =
            computation == entry && context.options.entry_layout == EntryLayout::Auto;
        let orders = assign(module, computation, free_parameters);
        insert_copies(module, computation, &orders);
    }
    Ok(Changed::Yes)
}

/// Makes every array without a layout row-major: what passes after this one begin with when they
/// are run alone.
pub(crate) fn assign_missing_layouts(module: &mut Module) {
    for computation in sequential_computations(module) {
        for id in module.computation(computation).post_order() {
            let shape = module.instruction(computation, id).shape();
            let complete = row_major_where_missing(shape);
            if complete != *shape {
                rewrite::set_layout(module, computation, id, complete);
            }
        }
    }
}

fn row_major_where_missing(shape: &Shape) -> Shape {
    match shape {
        Shape::Array(array) if array.layout().is_some() => shape.clone(),
        Shape::Array(array) => with_order(array, &row_major(array)).into(),
        Shape::Tuple(elements) => {
            Shape::Tuple(elements.iter().map(row_major_where_missing).collect())
        }
    }
}

fn row_major(shape: &ArrayShape) -> Order {
    (0..shape.rank()).collect()
}

fn array(module: &Module, computation: ComputationId, id: InstructionId) -> Option<&ArrayShape> {
    module.instruction(computation, id).shape().as_array()
}

/// The order of each array of a computation.
fn assign(
    module: &Module,
    computation: ComputationId,
    free_parameters: bool,
) -> BTreeMap<InstructionId, Order> {
    let mut orders: BTreeMap<InstructionId, Order> = BTreeMap::new();
    for id in module.computation(computation).post_order().into_iter().rev() {
        let Some(shape) = array(module, computation, id) else { continue };
        let instruction = module.instruction(computation, id);
        let is_free = match instruction.op() {
            Op::Parameter { .. } => free_parameters,
            op => is_flexible(op),
        };
        let mut order = match orders.get(&id) {
            Some(order) if is_free => order.clone(),
            _ => row_major(shape),
        };
        if let Op::Dot { dimension_numbers, .. } = instruction.op() {
            let dot = Dot::new(module, (computation, id), dimension_numbers);
            if dot.axes(&order).is_none() {
                order = dot.own_order();
            }
        }
        for (n, operand) in instruction.operands().iter().enumerate() {
            if let Some(wanted) = wanted(module, (computation, id), &order, n) {
                orders.entry(*operand).or_insert(wanted);
            }
        }
        orders.insert(id, order);
    }
    orders
}

/// Whether an instruction can produce any order.
fn is_flexible(op: &Op) -> bool {
    if let Op::Constant { literal } = op {
        return literal.as_array().is_ok_and(|array| array.is_splat());
    }
    let is_arranged = matches!(
        op,
        Op::Broadcast { .. }
            | Op::Clamp
            | Op::Concatenate { .. }
            | Op::Copy
            | Op::Dot { .. }
            | Op::Iota { .. }
            | Op::Pad { .. }
            | Op::Reduce { .. }
            | Op::Reverse { .. }
            | Op::Select
            | Op::Slice { .. }
            | Op::Transpose { .. }
    );
    is_arranged || op.opcode().is_elementwise() && !matches!(op, Op::BitcastConvert)
}

/// The order that an instruction whose result is in `order` wants of operand `n`; nothing of
/// tuples.
fn wanted(
    module: &Module,
    (computation, id): (ComputationId, InstructionId),
    order: &[usize],
    n: usize,
) -> Option<Order> {
    let instruction = module.instruction(computation, id);
    let shape = array(module, computation, instruction.operands()[n])?;
    let order = match instruction.op() {
        Op::Broadcast { dimensions } => {
            let place = |d: &usize| order.iter().position(|other| *other == dimensions[*d]);
            let mut wanted = row_major(shape);
            wanted.sort_by_key(place);
            wanted
        }
        Op::Transpose { .. } if is_before_heads(module, computation, id) => row_major(shape),
        Op::Transpose { dimensions } => order.iter().map(|d| dimensions[*d]).collect(),
        // The result of several arrays is a tuple, which has no order.
        Op::Reduce { dimensions, .. } if instruction.shape().as_array().is_some() => {
            let kept: Vec<usize> = (0..shape.rank()).filter(|d| !dimensions.contains(d)).collect();
            let mut in_order = order.iter().map(|d| kept[*d]);
            let place =
                |d| if dimensions.contains(&d) { d } else { in_order.next().expect("kept") };
            (0..shape.rank()).map(place).collect()
        }
        Op::Dot { dimension_numbers, .. } => {
            Dot::new(module, (computation, id), dimension_numbers).wanted(order, n)
        }
        op if is_flexible(op) && shape.rank() == order.len() => order.to_vec(),
        _ => row_major(shape),
    };
    Some(order)
}

/// A dot with the places of its dimensions.
struct Dot<'m> {
    shapes: [&'m ArrayShape; 2],
    contracting: [&'m [usize]; 2],
    /// Per dimension of the result, the operand and its dimension; `None` for batch dimensions.
    result: Vec<Option<(usize, usize)>>,
}

impl<'m> Dot<'m> {
    fn new(
        module: &'m Module,
        (computation, id): (ComputationId, InstructionId),
        numbers: &'m DotDimensionNumbers,
    ) -> Self {
        let operands = module.instruction(computation, id).operands();
        let shapes = [0, 1].map(|n| {
            array(module, computation, operands[n]).expect("the operands of a dot are arrays")
        });
        let contracting: [&[usize]; 2] =
            [&numbers.lhs_contracting_dimensions, &numbers.rhs_contracting_dimensions];
        let batch = [&numbers.lhs_batch_dimensions, &numbers.rhs_batch_dimensions];
        let mut result = vec![None; batch[0].len()];
        for n in 0..2 {
            let is_free = |d: &usize| !contracting[n].contains(d) && !batch[n].contains(d);
            result.extend((0..shapes[n].rank()).filter(is_free).map(|d| Some((n, d))));
        }
        Self { shapes, contracting, result }
    }

    /// The free dimensions that are tiled in a result of this order, by operand, if there is one of
    /// each.
    fn axes(&self, order: &[usize]) -> Option<[usize; 2]> {
        let [.., row, lane] = order else { return None };
        match (self.result[*row]?, self.result[*lane]?) {
            ((0, m), (1, n)) | ((1, n), (0, m)) => Some([m, n]),
            _ => None,
        }
    }

    /// A result order with one free dimension of each operand in its tiles: the largest ones.
    fn own_order(&self) -> Order {
        let rank = self.result.len();
        let largest = |n: usize| {
            (0..rank)
                .filter(|d| self.result[*d].is_some_and(|(operand, _)| operand == n))
                .max_by_key(|d| {
                    let (operand, dimension) = self.result[*d].expect("filtered");
                    self.shapes[operand].dimensions()[dimension]
                })
        };
        let tiled: Vec<usize> = [0, 1].iter().filter_map(|n| largest(*n)).collect();
        let majors = (0..rank).filter(|d| !tiled.contains(d));
        majors.chain(tiled.iter().copied()).collect()
    }

    /// The order that suits operand `n` for a result in `order`: its free and its contracted
    /// dimension in the tiles, the contracted one in the lanes of the operand that gives the rows.
    fn wanted(&self, order: &[usize], n: usize) -> Order {
        let shape = self.shapes[n];
        let largest = |pair: &usize| shape.dimensions()[self.contracting[n][*pair]];
        let pair = (0..self.contracting[n].len()).max_by_key(largest);
        let (Some(axes), Some(pair)) = (self.axes(order), pair) else {
            return row_major(shape);
        };
        let (free, contracted) = (axes[n], self.contracting[n][pair]);
        let row = order[order.len() - 2];
        let gives_rows = self.result[row].is_some_and(|(operand, _)| operand == n);
        let tiled =
            if gives_rows || free < contracted { [free, contracted] } else { [contracted, free] };
        let majors = (0..shape.rank()).filter(|d| !tiled.contains(d));
        majors.chain(tiled).collect()
    }

    /// Whether operand `n` may be in `operand_order` for a result in `order`.
    fn accepts(&self, order: &[usize], n: usize, operand_order: &[usize]) -> bool {
        let wanted = self.wanted(order, n);
        let tiled = |order: &[usize]| {
            let mut tiled = order[order.len().saturating_sub(2)..].to_vec();
            tiled.sort_unstable();
            tiled
        };
        tiled(&wanted) == tiled(operand_order)
    }
}

/// Writes the layouts down, with a copy wherever a user wants another order.
fn insert_copies(
    module: &mut Module,
    computation: ComputationId,
    orders: &BTreeMap<InstructionId, Order>,
) {
    let ids: Vec<InstructionId> = module.computation(computation).post_order();
    for id in &ids {
        set_order(module, computation, (*id, orders.get(id)));
    }
    let mut copies: BTreeMap<(InstructionId, Order), InstructionId> = BTreeMap::new();
    for id in ids {
        let own = orders.get(&id).cloned().unwrap_or_default();
        for n in 0..module.instruction(computation, id).operands().len() {
            let operand = module.instruction(computation, id).operands()[n];
            let Some(wanted) = wanted(module, (computation, id), &own, n) else { continue };
            let instruction = module.instruction(computation, id);
            let is_right = match instruction.op() {
                Op::Dot { dimension_numbers, .. } => {
                    let dot = Dot::new(module, (computation, id), dimension_numbers);
                    dot.accepts(&own, n, &orders[&operand])
                }
                _ => wanted == orders[&operand],
            };
            if is_right {
                continue;
            }
            let key = (operand, wanted);
            let copy = match copies.get(&key) {
                Some(copy) => *copy,
                None => add_copy(module, computation, &key),
            };
            copies.insert(key, copy);
            rewrite::set_operand_in_any_layout(module, computation, id, n, copy);
        }
    }
    let root = module.computation(computation).root();
    let Some(shape) = array(module, computation, root) else { return };
    let wanted = row_major(shape);
    if orders[&root] != wanted {
        let copy = add_copy(module, computation, &(root, wanted));
        rewrite::set_root(module, computation, copy);
    }
}

fn add_copy(
    module: &mut Module,
    computation: ComputationId,
    (operand, order): &(InstructionId, Order),
) -> InstructionId {
    let instruction = module.instruction(computation, *operand);
    let metadata = instruction.metadata().clone();
    let shape = with_order(instruction.array_shape(), order);
    let extras =
        Extras { shape: Some(shape.into()), metadata: Some(metadata), ..Extras::default() };
    let mut builder = ComputationBuilder::new(module, computation);
    builder.add_with(Op::Copy, &[*operand], extras).expect("a copy fits everything")
}

fn set_order(
    module: &mut Module,
    computation: ComputationId,
    (id, order): (InstructionId, Option<&Order>),
) {
    let shape = match (module.instruction(computation, id).shape(), order) {
        (Shape::Array(shape), Some(order)) => with_order(shape, order).into(),
        (other, _) => row_major_everywhere(other),
    };
    rewrite::set_layout(module, computation, id, shape);
}

fn row_major_everywhere(shape: &Shape) -> Shape {
    match shape {
        Shape::Array(array) => with_order(array, &row_major(array)).into(),
        Shape::Tuple(elements) => Shape::Tuple(elements.iter().map(row_major_everywhere).collect()),
    }
}

/// The shape with the device's tiling and its dimensions in `order`.
pub(super) fn with_order(shape: &ArrayShape, order: &[usize]) -> ArrayShape {
    let minor_to_major = order.iter().rev().copied().collect();
    let layout = default_tpu_layout(shape.element_type(), minor_to_major);
    shape.without_layout().with_layout(layout).expect("an order is a permutation")
}
