//! Movement decomposition: lanes move in one instruction, everything else in another.
//!
//! The row kernel slices, joins, pads and reverses rows along their lanes. What has no kernel as it
//! stands because other dimensions move at the same time becomes two instructions; an array of rank
//! 1 that is reversed or moves by steps or to a place known at run time, which lies in rows of 128
//! lanes, becomes one row first and a line again after. A single lane at a place known at run time
//! is found or replaced by comparing each lane's index, which is also how single elements are found
//! in rows that were looked up. Of many arrays, some at a time are joined, and then what came of
//! them. What is left of the lanes moves as rows, between two transposes.

mod elements;
mod single_lane;
mod swap;

use palmetto_isa::memory::LANES;

use super::{
    Changed, PassContext, PassError,
    layout_assignment::with_order,
    site::{Rewritten, Site, rewrite_computation},
};
use crate::{
    analysis::sequential_computations,
    hlo::{
        ArrayShape, ComputationId, InstructionId, Module, Op, PaddingDimension, SliceDimension,
        rewrite,
    },
    lowering::{Region, choose_kernel, is_generator},
};

/// The padding of a dimension that stays as it is.
const NOTHING: PaddingDimension = PaddingDimension { low: 0, high: 0, interior: 0 };

/// Arrays that are joined in one instruction, where all do not fit into one kernel.
const MAX_JOINED: usize = 24;

/// See the module. Expects normalised layouts.
///
/// # Errors
/// None but for a bug: what is made is as large as what was there.
pub fn movement_decomposition(module: &mut Module, _: &PassContext) -> Result<Changed, PassError> {
    let mut changed = Changed::No;
    for computation in sequential_computations(module) {
        let mut rule = |site: &mut Site<'_>| decompose(site, computation);
        changed |= rewrite_computation(module, computation, &mut rule)?;
        // What was tried in vain.
        rewrite::remove_dead(module, computation);
    }
    Ok(changed)
}

fn decompose(site: &mut Site<'_>, computation: ComputationId) -> Rewritten {
    let op = site.instruction().op().clone();
    let moves = matches!(
        op,
        Op::Slice { .. }
            | Op::Concatenate { .. }
            | Op::Pad { .. }
            | Op::Reverse { .. }
            | Op::DynamicSlice { .. }
            | Op::DynamicUpdateSlice
            | Op::Gather { .. }
    );
    if !moves || is_generator(site.computation(), site.id()) {
        return Ok(None);
    }
    let shape = site.array(site.id()).clone();
    let region = Region::of_instruction(site.module(), computation, site.id());
    if shape.element_type().byte_size() > 4
        || shape.element_count() == 0
        || choose_kernel(&region).is_ok()
    {
        return Ok(None);
    }
    if matches!(op, Op::Gather { .. }) {
        return elements::decompose(site, &op);
    }
    if shape.rank() == 0 {
        return Ok(None);
    }
    if let Op::Pad { padding } = &op
        && let Some(made) = fill_column(site, padding)?
    {
        return Ok(Some(made));
    }
    if let Some(made) = single_lane::decompose(site, &op)? {
        return Ok(Some(made));
    }
    if shape.rank() == 1 {
        return as_one_row(site, &op);
    }
    if let Op::Concatenate { dimension } = op
        && site.instruction().operands().len() > MAX_JOINED
    {
        return join_in_parts(site, dimension);
    }
    let split = if op == Op::DynamicUpdateSlice { split_update(site) } else { split(site, &op) }?;
    if split.is_some() { Ok(split) } else { swap::decompose(site, computation, &op) }
}

/// The op on arrays of one row.
fn as_one_row(site: &mut Site<'_>, op: &Op) -> Rewritten {
    let whole = SliceDimension::whole(1);
    let op = match op {
        Op::Slice { slice } => Op::Slice { slice: vec![whole, slice[0]] },
        Op::Pad { padding } => Op::Pad { padding: vec![NOTHING, padding[0]] },
        Op::Concatenate { .. } => Op::Concatenate { dimension: 1 },
        Op::Reverse { .. } => Op::Reverse { dimensions: vec![1] },
        Op::DynamicSlice { dynamic_slice_sizes: sizes } => {
            Op::DynamicSlice { dynamic_slice_sizes: vec![1, sizes[0]] }
        }
        Op::DynamicUpdateSlice => Op::DynamicUpdateSlice,
        _ => return Ok(None),
    };
    let mut operands = site.instruction().operands().to_vec();
    if matches!(op, Op::DynamicSlice { .. } | Op::DynamicUpdateSlice) {
        // Of one row it is always the first: any start will do.
        operands.extend(operands.last().copied());
    }
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

/// A pad by whole columns, and behind by some lanes too, of what is filled up to whole columns
/// first: then no lane changes its place in a column.
fn fill_column(site: &mut Site<'_>, padding: &[PaddingDimension]) -> Rewritten {
    let operand = site.operand(0);
    let mut sizes = site.dimensions(operand).to_vec();
    let lane = sizes.len() - 1;
    let PaddingDimension { low, high, interior } = padding[lane];
    let filled = sizes[lane].next_multiple_of(LANES);
    let keeps_places = usize::try_from(low).is_ok_and(|low| low.is_multiple_of(LANES));
    let Ok(more) = i64::try_from(filled - sizes[lane]) else { return Ok(None) };
    // Lines have a kernel for that.
    if lane == 0 || !keeps_places || interior != 0 || more == 0 || high < more {
        return Ok(None);
    }
    let (mut first, mut then) = (vec![NOTHING; sizes.len()], padding.to_vec());
    (first[lane].high, then[lane].high) = (more, high - more);
    if then.iter().all(|padding| *padding == NOTHING) {
        return Ok(None);
    }
    sizes[lane] = filled;
    let result = site.array(site.id()).clone();
    let shape = of_dimensions(&result, sizes);
    let value = site.operand(1);
    let filled = site.shaped(Op::Pad { padding: first }, &[operand, value], shape.into())?;
    site.shaped(Op::Pad { padding: then }, &[filled, value], result.into()).map(Some)
}

/// A concatenation of concatenations: as few as there can be of [`MAX_JOINED`] arrays each, and
/// about equally large.
fn join_in_parts(site: &mut Site<'_>, dimension: usize) -> Rewritten {
    let operands = site.instruction().operands().to_vec();
    let n_parts = operands.len().div_ceil(MAX_JOINED);
    let result = site.array(site.id()).clone();
    let mut joined = Vec::new();
    for part in operands.chunks(operands.len().div_ceil(n_parts)) {
        let mut sizes = result.dimensions().to_vec();
        sizes[dimension] = part.iter().map(|id| site.dimensions(*id)[dimension]).sum();
        let shape = of_dimensions(&result, sizes);
        joined.push(site.shaped(Op::Concatenate { dimension }, part, shape.into())?);
    }
    site.shaped(Op::Concatenate { dimension }, &joined, result.into()).map(Some)
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
            let whole = SliceDimension::whole;
            let mut others = slice.clone();
            others[lane] = whole(sizes[lane]);
            let mut lanes: Vec<SliceDimension> = between.iter().map(|size| whole(*size)).collect();
            lanes[lane] = slice[lane];
            [Op::Slice { slice: others }, Op::Slice { slice: lanes }]
        }
        Op::Pad { padding } => {
            let mut others = padding.clone();
            others[lane] = NOTHING;
            let mut lanes = vec![NOTHING; sizes.len()];
            lanes[lane] = padding[lane];
            [Op::Pad { padding: others }, Op::Pad { padding: lanes }]
        }
        // What is whole along a dimension starts at 0, whatever the start is.
        Op::DynamicSlice { dynamic_slice_sizes } => [&between, dynamic_slice_sizes]
            .map(|sizes| Op::DynamicSlice { dynamic_slice_sizes: sizes.clone() }),
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

/// An update of a part of the lanes and of other dimensions: of a block that is taken and put back.
fn split_update(site: &mut Site<'_>) -> Rewritten {
    let operands = site.instruction().operands().to_vec();
    let (operand, update, starts) = (operands[0], operands[1], &operands[2..]);
    let (sizes, mut block) = (site.dimensions(operand).to_vec(), site.dimensions(update).to_vec());
    let lane = sizes.len() - 1;
    if sizes[lane] == block[lane] || sizes[..lane] == block[..lane] {
        return Ok(None);
    }
    block[lane] = sizes[lane];
    let result = site.array(site.id()).clone();
    let shape = of_dimensions(&result, block.clone());
    let with = |values: &[InstructionId]| [values, starts].concat();
    let take = Op::DynamicSlice { dynamic_slice_sizes: block };
    let block = site.shaped(take, &with(&[operand]), shape.clone().into())?;
    let block = site.shaped(Op::DynamicUpdateSlice, &with(&[block, update]), shape.into())?;
    site.shaped(Op::DynamicUpdateSlice, &with(&[operand, block]), result.into()).map(Some)
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
        Op::DynamicSlice { dynamic_slice_sizes } => dynamic_slice_sizes == sizes,
        _ => false,
    }
}

/// An array of the same type with other dimensions.
fn of_dimensions(like: &ArrayShape, dimensions: Vec<usize>) -> ArrayShape {
    let order: Vec<usize> = (0..dimensions.len()).collect();
    let shape = ArrayShape::new(like.element_type(), dimensions);
    with_order(&shape.expect("no larger than operand and result together"), &order)
}
