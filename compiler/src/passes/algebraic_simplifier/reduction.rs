//! Reductions and dots.
//!
//! * A reduction of empty dimensions is its initial value; of single elements, one step of its
//!   computation.
//! * A reduction of a transpose is one of the operand, if the order of the reduced elements, or
//!   their order does not matter, stays, and so does the order of the others.
//! * A reduction of what is repeated, where once or often is the same, looks at it once.
//! * A dot of a transpose is a dot of the operand with other dimension numbers, if the order of the
//!   free dimensions stays.

use crate::hlo::{ComputationId, DotDimensionNumbers, InstructionId, Module, Op, OperandPrecision};
use crate::passes::site::{Rewritten, Site};

/// The op of a computation that applies one op to its two parameters.
pub(super) fn reducer(module: &Module, id: ComputationId) -> Option<Op> {
    let computation = module.computation(id);
    let root = computation.instruction(computation.root());
    (root.operands() == computation.parameters() && root.operands().len() == 2
        || root.opcode().is_commutative()
            && root.operands().iter().rev().eq(computation.parameters()))
    .then(|| root.op().clone())
}

/// May elements be taken in any order?
fn is_unordered(site: &Site<'_>, op: &Op) -> bool {
    let is_float = site.element_type(site.id()).is_float();
    is_idempotent(op) || !is_float && matches!(op, Op::Add | Op::Multiply | Op::Xor)
}

/// May elements be taken once or often?
fn is_idempotent(op: &Op) -> bool {
    matches!(op, Op::Maximum | Op::Minimum | Op::And | Op::Or)
}

/// `reduce` of one array.
pub(super) fn reduce(
    site: &mut Site<'_>,
    dimensions: &[usize],
    to_apply: ComputationId,
) -> Rewritten {
    let &[x, init] = site.instruction().operands() else { return Ok(None) };
    let sizes = site.dimensions(x).to_vec();
    if dimensions.iter().any(|&d| sizes[d] == 0) {
        let result = site.dimensions(site.id()).to_vec();
        let same_type = site.element_type(init) == site.element_type(site.id());
        return if same_type { site.repeat(init, &result) } else { Ok(None) };
    }
    let Some(op) = reducer(site.module(), to_apply) else { return Ok(None) };
    if site.element_type(x) != site.element_type(site.id()) {
        return Ok(None);
    }
    if dimensions.iter().all(|&d| sizes[d] == 1) {
        return single_step(site, op, x, init);
    }
    match site.op(x).clone() {
        Op::Transpose { dimensions: order } => {
            let operand = site.operand_of(x, 0);
            let kept = (0..sizes.len()).filter(|d| !dimensions.contains(d)).map(|d| order[d]);
            let mut inner: Vec<usize> = dimensions.iter().map(|&d| order[d]).collect();
            let mut in_order = dimensions.to_vec();
            in_order.sort_unstable();
            let stays = in_order.iter().map(|&d| order[d]).is_sorted();
            if !kept.is_sorted() || !(stays || is_unordered(site, &op)) {
                return Ok(None);
            }
            inner.sort_unstable();
            site.same(Op::Reduce { dimensions: inner, to_apply }, &[operand, init])
        }
        Op::Broadcast { dimensions: from } if is_idempotent(&op) => {
            reduce_of_broadcast(site, (dimensions, to_apply), (x, init), &from)
        }
        _ => Ok(None),
    }
}

/// The reduction of single elements: the initial value and the element, combined once.
fn single_step(site: &mut Site<'_>, op: Op, x: InstructionId, init: InstructionId) -> Rewritten {
    let result = site.dimensions(site.id()).to_vec();
    let mut element = x;
    if site.dimensions(x) != result {
        element = site.build().reshape(x, &result)?;
    }
    let Some(init) = site.repeat(init, &result)? else { return Ok(None) };
    site.same(op, &[init, element])
}

/// A reduction over repeated elements, without the repetition.
fn reduce_of_broadcast(
    site: &mut Site<'_>,
    (dimensions, to_apply): (&[usize], ComputationId),
    (x, init): (InstructionId, InstructionId),
    from: &[usize],
) -> Rewritten {
    let sizes = site.dimensions(x).to_vec();
    let is_repeated = |d: &usize| dimensions.contains(d) && !from.contains(d) && sizes[*d] > 1;
    let gone: Vec<usize> = (0..sizes.len()).filter(is_repeated).collect();
    if gone.is_empty() {
        return Ok(None);
    }
    let smaller: Vec<usize> =
        (0..sizes.len()).map(|d| if gone.contains(&d) { 1 } else { sizes[d] }).collect();
    let operand = site.operand_of(x, 0);
    let operand = site.build().broadcast(operand, &smaller, from.to_vec())?;
    site.same(Op::Reduce { dimensions: dimensions.to_vec(), to_apply }, &[operand, init])
}

/// `dot`.
pub(super) fn dot(
    site: &mut Site<'_>,
    numbers: &DotDimensionNumbers,
    operand_precision: OperandPrecision,
) -> Rewritten {
    let mut operands = [site.operand(0), site.operand(1)];
    let mut new = numbers.clone();
    let lists = [
        (&mut new.lhs_batch_dimensions, &mut new.lhs_contracting_dimensions),
        (&mut new.rhs_batch_dimensions, &mut new.rhs_contracting_dimensions),
    ];
    for (operand, (batch, contracting)) in operands.iter_mut().zip(lists) {
        let Op::Transpose { dimensions: order } = site.op(*operand) else { continue };
        let is_free = |d: &usize| !batch.contains(d) && !contracting.contains(d);
        let free = (0..order.len()).filter(is_free).map(|d| order[d]);
        if free.is_sorted() {
            batch.iter_mut().chain(contracting.iter_mut()).for_each(|d| *d = order[*d]);
            *operand = site.operand_of(*operand, 0);
        }
    }
    if operands == [site.operand(0), site.operand(1)] {
        return Ok(None);
    }
    site.same(Op::Dot { dimension_numbers: new, operand_precision }, &operands)
}
