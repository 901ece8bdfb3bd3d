//! Lane interleaving: lanes that are some apart, taken from rows or brought together to rows.
//!
//! Rotary embeddings split a head into its even and its odd lanes, and stack what they make of them
//! beside each other again. Both are gathers of lanes within a row, of indices that are computed on
//! the way; without this pass the first is a transpose before and after, and the second an array of
//! two lanes, of which each fills a tile.

use palmetto_isa::memory::LANES;

use super::{
    Changed, PassContext, PassError,
    gather_expander::of_lanes,
    shaping::{reshaped, sliced},
    site::{Rewritten, Site, rewrite_module},
};
use crate::hlo::{
    ArrayShape, ElementType, InferError, InstructionId, Literal, Module, Op, SliceDimension,
};
use crate::lowering::copy_element;

/// Lanes of the longest rows: each column of a result is looked for in all columns of its row.
const LONGEST_ROW: usize = 8 * LANES;

/// See the module's comment.
///
/// # Errors
/// None of its own.
pub fn lane_interleaving(module: &mut Module, _: &PassContext) -> Result<Changed, PassError> {
    rewrite_module(module, &mut rewrite)
}

fn rewrite(site: &mut Site<'_>) -> Rewritten {
    let Some(array) = site.instruction().shape().as_array() else { return Ok(None) };
    // Only what has kernels: others would become more modelled launches than they are.
    let element_type = array.element_type();
    let is_gathered = copy_element(element_type).is_some() && !element_type.is_narrow();
    if !is_gathered || array.rank() < 2 || array.element_count() == 0 {
        return Ok(None);
    }
    match site.instruction().op().clone() {
        Op::Slice { slice } => apart(site, &slice),
        Op::Reshape => together(site),
        _ => Ok(None),
    }
}

/// A slice with a stride along the lanes.
fn apart(site: &mut Site<'_>, slice: &[SliceDimension]) -> Rewritten {
    let Some((lanes, others)) = slice.split_last() else { return Ok(None) };
    let operand = site.operand(0);
    let lane = others.len();
    let is_long = site.dimensions(operand)[lane] > LONGEST_ROW;
    if lanes.stride == 1 || is_long || others.iter().any(|slice| slice.stride != 1) {
        return Ok(None);
    }
    let others: Vec<(usize, SliceDimension)> = others.iter().copied().enumerate().collect();
    let rows = sliced(&mut site.build(), operand, &others)?;
    let sizes = site.dimensions(site.id()).to_vec();
    let place = iota(site, &sizes)?;
    let apart = splat(site, lanes.stride, &sizes)?;
    let first = splat(site, lanes.start, &sizes)?;
    let index = site.build().add(Op::Multiply, &[place, apart])?;
    let index = site.build().add(Op::Add, &[index, first])?;
    of_lanes(&mut site.build(), rows, index).map(Some)
}

/// Arrays that are stacked along a new last dimension, which then becomes one with the lanes.
fn together(site: &mut Site<'_>) -> Rewritten {
    let (stack, sizes) = (site.operand(0), site.dimensions(site.id()).to_vec());
    let [majors @ .., lanes] = sizes.as_slice() else { return Ok(None) };
    let Op::Concatenate { dimension } = *site.op(stack) else { return Ok(None) };
    let arrays = site.get(stack).operands().to_vec();
    let n_arrays = arrays.len();
    let [before @ .., each, _] = site.dimensions(stack) else { return Ok(None) };
    let is_single = |array: &InstructionId| site.dimensions(*array).last() == Some(&1);
    let is_stack = dimension == sizes.len() && before == majors && arrays.iter().all(is_single);
    if !is_stack || each * n_arrays != *lanes || *lanes > LONGEST_ROW || *each == 1 {
        return Ok(None);
    }
    // Else places would be divided by what is no shift.
    if !n_arrays.is_power_of_two() {
        return Ok(None);
    }
    let (each, rows) = (*each, [majors, &[*each]].concat());
    let mut beside = Vec::new();
    for array in arrays {
        let is_reshape = matches!(site.op(array), Op::Reshape);
        let inner = is_reshape.then(|| site.operand_of(array, 0));
        let inner = inner.filter(|inner| site.dimensions(*inner) == rows);
        beside.push(match inner {
            Some(inner) => inner,
            None => reshaped(&mut site.build(), array, &rows)?,
        });
    }
    let joined = site.build().add(Op::Concatenate { dimension: majors.len() }, &beside)?;
    // Lane j is lane j / n of array j mod n.
    let place = iota(site, &sizes)?;
    let shift = splat(site, n_arrays.ilog2() as usize, &sizes)?;
    let (mask, apart) = (splat(site, n_arrays - 1, &sizes)?, splat(site, each, &sizes)?);
    let mut builder = site.build();
    let within = builder.add(Op::ShiftRightLogical, &[place, shift])?;
    let array = builder.add(Op::And, &[place, mask])?;
    let first = builder.add(Op::Multiply, &[array, apart])?;
    let index = builder.add(Op::Add, &[first, within])?;
    of_lanes(&mut builder, joined, index).map(Some)
}

/// The number of the lane, everywhere.
fn iota(site: &mut Site<'_>, sizes: &[usize]) -> Result<InstructionId, InferError> {
    let shape = ArrayShape::new(ElementType::S32, sizes.to_vec());
    let shape = shape.expect("as many elements as an array of the program");
    let iota_dimension = sizes.len() - 1;
    site.build().add_shaped(Op::Iota { iota_dimension }, &[], shape.into())
}

fn splat(site: &mut Site<'_>, value: usize, sizes: &[usize]) -> Result<InstructionId, InferError> {
    let value = i32::try_from(value).expect("rows are short");
    site.splat(Literal::scalar(value), sizes)
}
