//! Lanes as rows: an instruction that moves lanes, between transposes, is one that moves rows.

use super::of_dimensions;
use crate::{
    analysis::granules_of,
    hlo::{ArrayShape, ComputationId, ElementType, InferError, InstructionId, Op},
    lowering::{Region, choose_kernel},
    passes::{
        layout_assignment::with_order,
        reshape_decomposition::wide_type,
        site::{Rewritten, Site},
    },
};

/// Granules of the largest transposed array: few rows take much more room as lanes.
const MAX_GRANULES: u32 = 1 << 21;

/// The instruction by way of transposes, if it moves lanes and nothing else, and rows can be moved
/// in that way. Elements are words of 32 bits meanwhile: their rows do not share granules.
pub(super) fn decompose(site: &mut Site<'_>, computation: ComputationId, op: &Op) -> Rewritten {
    let mut operands = site.instruction().operands().to_vec();
    let Some(n_moved) = moved_operands(site, op) else { return Ok(None) };
    let result = site.array(site.id()).clone();
    let wide = wide_type(result.element_type());
    let is_too_large = |id: InstructionId| {
        let (shape, _) = swapped_shape(site.array(id), wide);
        granules_of(&shape) > MAX_GRANULES
    };
    if operands[..n_moved].iter().copied().any(is_too_large) || is_too_large(site.id()) {
        return Ok(None);
    }
    for operand in &mut operands[..n_moved] {
        *operand = of_type(site, *operand, wide)?;
        let (shape, dimensions) = swapped_shape(site.array(*operand), wide);
        *operand = site.shaped(Op::Transpose { dimensions }, &[*operand], shape.into())?;
    }
    let (shape, dimensions) = swapped_shape(&result, wide);
    let value = (matches!(op, Op::Pad { .. })).then(|| operands[1]);
    if let Some(value) = value {
        operands[1] = of_type(site, value, wide)?;
    }
    let op = swapped_op(op, &mut operands);
    let moved = site.shaped(op, &operands, shape.into())?;
    if choose_kernel(&Region::of_instruction(site.module(), computation, moved)).is_err() {
        return Ok(None);
    }
    let shape = with_type(&result, wide);
    let back = site.shaped(Op::Transpose { dimensions }, &[moved], shape.into())?;
    of_type(site, back, result.element_type()).map(Some)
}

/// How many operands, from the first on, the instruction moves; nothing unless it moves lanes.
fn moved_operands(site: &Site<'_>, op: &Op) -> Option<usize> {
    let operands = site.instruction().operands();
    let sizes = site.dimensions(operands[0]);
    let lane = sizes.len() - 1;
    let (moves, n_moved) = match op {
        Op::Slice { slice } => (slice[lane].stride != 1 || sizes != site.dimensions(site.id()), 1),
        Op::Reverse { dimensions } => (*dimensions == [lane], 1),
        Op::Concatenate { dimension } => (*dimension == lane, operands.len()),
        Op::Pad { padding } => {
            (padding[..lane].iter().all(|p| (p.low, p.high, p.interior) == (0, 0, 0)), 1)
        }
        Op::DynamicSlice { dynamic_slice_sizes } => (sizes[lane] != dynamic_slice_sizes[lane], 1),
        Op::DynamicUpdateSlice => (sizes[lane] != site.dimensions(operands[1])[lane], 2),
        _ => return None,
    };
    let result = site.dimensions(site.id());
    (moves && lane > 0 && sizes[..lane] == result[..lane]).then_some(n_moved)
}

/// The instruction of which rows are lanes and lanes are rows.
fn swapped_op(op: &Op, operands: &mut [InstructionId]) -> Op {
    let mut op = op.clone();
    match &mut op {
        Op::Slice { slice } => swap_last(slice),
        Op::Pad { padding } => swap_last(padding),
        Op::Reverse { dimensions } => dimensions.iter_mut().for_each(|d| *d -= 1),
        Op::Concatenate { dimension } => *dimension -= 1,
        Op::DynamicSlice { dynamic_slice_sizes } => {
            swap_last(dynamic_slice_sizes);
            swap_last(operands);
        }
        Op::DynamicUpdateSlice => swap_last(operands),
        _ => {}
    }
    op
}

/// Swaps the last two.
fn swap_last<T>(items: &mut [T]) {
    let n = items.len();
    items.swap(n - 2, n - 1);
}

/// An array of this type with its last two dimensions swapped, and the permutation that does it.
fn swapped_shape(of: &ArrayShape, element_type: ElementType) -> (ArrayShape, Vec<usize>) {
    let mut sizes = of.dimensions().to_vec();
    let mut permutation: Vec<usize> = (0..sizes.len()).collect();
    swap_last(&mut sizes);
    swap_last(&mut permutation);
    (with_type(&of_dimensions(of, sizes), element_type), permutation)
}

fn with_type(of: &ArrayShape, element_type: ElementType) -> ArrayShape {
    let order: Vec<usize> = (0..of.rank()).collect();
    with_order(&of.without_layout().with_element_type(element_type), &order)
}

/// The value of another type, if it is not of this one.
pub(super) fn of_type(
    site: &mut Site<'_>,
    value: InstructionId,
    element_type: ElementType,
) -> Result<InstructionId, InferError> {
    if site.element_type(value) == element_type {
        return Ok(value);
    }
    let shape = with_type(site.array(value), element_type);
    site.shaped(Op::Convert, &[value], shape.into())
}
