//! Movement decomposition: lanes move in one instruction, everything else in another.
//!
//! The row kernel slices, joins, pads and reverses rows along their lanes. What has no kernel as it
//! stands because other dimensions move at the same time becomes two instructions; an array of rank
//! 1, which lies in rows of 128 lanes, becomes one row first and a line again after.

use super::{
    Changed, PassContext, PassError,
    layout_assignment::with_order,
    site::{Rewritten, Site, rewrite_computation},
};
use crate::{
    analysis::sequential_computations,
    hlo::{ArrayShape, ComputationId, InstructionId, Module, Op, PaddingDimension, SliceDimension},
    lowering::{Region, choose_kernel, is_generator},
};

/// See the module. Expects normalised layouts.
///
/// # Errors
/// None but for a bug: what is made is as large as what was there.
pub fn movement_decomposition(module: &mut Module, _: &PassContext) -> Result<Changed, PassError> {
    let mut changed = Changed::No;
    for computation in sequential_computations(module) {
        let mut rule = |site: &mut Site<'_>| decompose(site, computation);
        changed |= rewrite_computation(module, computation, &mut rule)?;
    }
    Ok(changed)
}

fn decompose(site: &mut Site<'_>, computation: ComputationId) -> Rewritten {
    let op = site.instruction().op().clone();
    let moves = matches!(
        op,
        Op::Slice { .. } | Op::Concatenate { .. } | Op::Pad { .. } | Op::Reverse { .. }
    );
    if !moves || is_generator(site.computation(), site.id()) {
        return Ok(None);
    }
    let shape = site.array(site.id());
    let region = Region::of_instruction(site.module(), computation, site.id());
    if shape.element_type().byte_size() > 4
        || shape.element_count() == 0
        || choose_kernel(&region).is_ok()
    {
        return Ok(None);
    }
    if shape.rank() == 1 { as_one_row(site, &op) } else { split(site, &op) }
}

/// The op on arrays of one row.
fn as_one_row(site: &mut Site<'_>, op: &Op) -> Rewritten {
    let whole = SliceDimension { start: 0, limit: 1, stride: 1 };
    let nothing = PaddingDimension { low: 0, high: 0, interior: 0 };
    let op = match op {
        Op::Slice { slice } => Op::Slice { slice: vec![whole, slice[0]] },
        Op::Pad { padding } => Op::Pad { padding: vec![nothing, padding[0]] },
        Op::Concatenate { .. } => Op::Concatenate { dimension: 1 },
        Op::Reverse { .. } => Op::Reverse { dimensions: vec![1] },
        _ => return Ok(None),
    };
    let mut operands = site.instruction().operands().to_vec();
    for operand in &mut operands {
        let shape = site.array(*operand).clone();
        if let [lanes] = shape.dimensions() {
            let row = of_dimensions(&shape, vec![1, *lanes]);
            *operand = site.shaped(Op::Reshape, &[*operand], row.into())?;
        }
    }
    let shape = site.array(site.id()).clone();
    let row = of_dimensions(&shape, vec![1, shape.dimensions()[0]]);
    let moved = site.shaped(op, &operands, row.into())?;
    site.shaped(Op::Reshape, &[moved], shape.into()).map(Some)
}

/// The op along other dimensions than the lanes, then along the lanes; nothing if it moves only one
/// of them.
fn split(site: &mut Site<'_>, op: &Op) -> Rewritten {
    let operand = site.operand(0);
    let sizes = site.dimensions(operand).to_vec();
    let result = site.array(site.id()).clone();
    let lane = sizes.len() - 1;
    let mut between = result.dimensions().to_vec();
    between[lane] = sizes[lane];
    let [others, lanes] = match op {
        Op::Slice { slice } => {
            let whole = |size: usize| SliceDimension { start: 0, limit: size, stride: 1 };
            let mut others = slice.clone();
            others[lane] = whole(sizes[lane]);
            let mut lanes: Vec<SliceDimension> = between.iter().map(|size| whole(*size)).collect();
            lanes[lane] = slice[lane];
            [Op::Slice { slice: others }, Op::Slice { slice: lanes }]
        }
        Op::Pad { padding } => {
            let nothing = PaddingDimension { low: 0, high: 0, interior: 0 };
            let mut others = padding.clone();
            others[lane] = nothing;
            let mut lanes = vec![nothing; sizes.len()];
            lanes[lane] = padding[lane];
            [Op::Pad { padding: others }, Op::Pad { padding: lanes }]
        }
        Op::Reverse { dimensions } if dimensions.contains(&lane) => {
            let others = dimensions.iter().copied().filter(|d| *d != lane).collect();
            [Op::Reverse { dimensions: others }, Op::Reverse { dimensions: vec![lane] }]
        }
        _ => return Ok(None),
    };
    if is_nothing(&others, &sizes) || is_nothing(&lanes, &between) {
        return Ok(None);
    }
    let rest = site.instruction().operands()[1..].to_vec();
    let operands = |first: InstructionId| [&[first], rest.as_slice()].concat();
    let between = of_dimensions(&result, between);
    let moved = site.shaped(others, &operands(operand), between.into())?;
    site.shaped(lanes, &operands(moved), result.into()).map(Some)
}

/// Whether an op leaves an array of these sizes as it is.
fn is_nothing(op: &Op, sizes: &[usize]) -> bool {
    match op {
        Op::Slice { slice } => slice
            .iter()
            .zip(sizes)
            .all(|(slice, size)| slice.start == 0 && slice.limit == *size && slice.stride == 1),
        Op::Pad { padding } => padding.iter().all(|p| (p.low, p.high, p.interior) == (0, 0, 0)),
        Op::Reverse { dimensions } => dimensions.is_empty(),
        _ => false,
    }
}

/// An array of the same type with other dimensions.
fn of_dimensions(like: &ArrayShape, dimensions: Vec<usize>) -> ArrayShape {
    let order: Vec<usize> = (0..dimensions.len()).collect();
    let shape = ArrayShape::new(like.element_type(), dimensions);
    with_order(&shape.expect("no larger than operand and result together"), &order)
}
