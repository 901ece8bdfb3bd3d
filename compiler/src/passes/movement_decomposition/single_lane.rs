//! A single lane at a place that is known at run time.
//!
//! The index of every lane is compared with the place. An update selects between the operand and
//! the update; a slice replaces all other lanes by zeros and joins their bits. One kernel each, at
//! any rank; no bit of the value changes.

use super::{of_dimensions, swap::of_type};
use crate::{
    hlo::{
        ArrayShape, ComparisonDirection, ComparisonType, ComputationBuilder, ComputationId,
        ElementType, InferError, InstructionId, Literal, Op, Shape, builder::add_computation,
    },
    passes::{
        layout_assignment::with_order,
        reshape_decomposition::wide_type,
        site::{Rewritten, Site},
    },
};

/// The slice or update of a single lane, if the instruction is one, and moves nothing else.
pub(super) fn decompose(site: &mut Site<'_>, op: &Op) -> Rewritten {
    let operands = site.instruction().operands().to_vec();
    let block = match op {
        Op::DynamicSlice { dynamic_slice_sizes } => dynamic_slice_sizes.clone(),
        Op::DynamicUpdateSlice => site.dimensions(operands[1]).to_vec(),
        _ => return Ok(None),
    };
    let sizes = site.dimensions(operands[0]).to_vec();
    let (Some((1, others)), Some((lanes, all))) = (block.split_last(), sizes.split_last()) else {
        return Ok(None);
    };
    if *lanes == 1 || others != all {
        return Ok(None);
    }
    let Some(start) = operands.last().copied() else { return Ok(None) };
    let Some(place) = place(site, start, lanes - 1)? else { return Ok(None) };
    let is_place = is_place(site, &sizes, place)?;
    if *op == Op::DynamicUpdateSlice {
        update(site, is_place, (operands[0], operands[1])).map(Some)
    } else {
        let lane = only(site, is_place, operands[0])?;
        let result = site.array(site.id()).clone();
        site.shaped(Op::Reshape, &[lane], result.into()).map(Some)
    }
}

pub(super) fn array(element_type: ElementType, sizes: &[usize]) -> Shape {
    let order: Vec<usize> = (0..sizes.len()).collect();
    let shape = ArrayShape::new(element_type, sizes.to_vec());
    with_order(&shape.expect("as many words as an operand has elements"), &order).into()
}

/// Starts as s32 from 0 to `max`; nothing if they are of a type that the device has not.
pub(super) fn place(site: &mut Site<'_>, start: InstructionId, max: usize) -> Rewritten {
    let Ok(max) = i32::try_from(max) else { return Ok(None) };
    let sizes = site.dimensions(start).to_vec();
    let s32 = array(ElementType::S32, &sizes);
    match site.element_type(start) {
        ElementType::U32 => {
            let u32 = array(ElementType::U32, &sizes);
            let max = site.build().constant(Literal::scalar(max.cast_unsigned()));
            let repeat = Op::Broadcast { dimensions: Vec::new() };
            let max = site.shaped(repeat, &[max], u32.clone())?;
            let place = site.shaped(Op::Minimum, &[start, max], u32)?;
            site.shaped(Op::Convert, &[place], s32).map(Some)
        }
        ElementType::S64 | ElementType::U64 => Ok(None),
        _ => {
            let start = of_type(site, start, ElementType::S32)?;
            let [zero, max] = [0, max].map(|n| site.build().constant(Literal::scalar(n)));
            site.shaped(Op::Clamp, &[zero, start, max], s32).map(Some)
        }
    }
}

/// Whether an element of an array of these sizes is in the lane; places are one, or one per row.
pub(super) fn is_place(
    site: &mut Site<'_>,
    sizes: &[usize],
    place: InstructionId,
) -> Result<InstructionId, InferError> {
    let indices = array(ElementType::S32, sizes);
    let iota = Op::Iota { iota_dimension: sizes.len() - 1 };
    let lane = site.shaped(iota, &[], indices.clone())?;
    let dimensions = (0..site.dimensions(place).len()).collect();
    let place = site.shaped(Op::Broadcast { dimensions }, &[place], indices)?;
    let equals =
        Op::Compare { direction: ComparisonDirection::Eq, comparison_type: ComparisonType::Signed };
    site.shaped(equals, &[lane, place], array(ElementType::Pred, sizes))
}

fn update(
    site: &mut Site<'_>,
    is_place: InstructionId,
    (operand, update): (InstructionId, InstructionId),
) -> Result<InstructionId, InferError> {
    let result = site.array(site.id()).clone();
    let kept = result.rank() - 1;
    let column = of_dimensions(&result, result.dimensions()[..kept].to_vec());
    let update = site.shaped(Op::Reshape, &[update], column.into())?;
    let repeat = Op::Broadcast { dimensions: (0..kept).collect() };
    let update = site.shaped(repeat, &[update], result.clone().into())?;
    site.shaped(Op::Select, &[is_place, update, operand], result.into())
}

/// Of each row the element in its place.
pub(super) fn only(
    site: &mut Site<'_>,
    is_place: InstructionId,
    operand: InstructionId,
) -> Result<InstructionId, InferError> {
    let (element_type, sizes) = (site.element_type(operand), site.dimensions(operand).to_vec());
    let kept = &sizes[..sizes.len() - 1];
    let wide = wide_type(element_type);
    let operand = of_type(site, operand, wide)?;
    let word = if wide.is_float() { ElementType::U32 } else { wide };
    let bits = array(word, &sizes);
    let operand = as_type(site, operand, (word, &sizes))?;
    let zero =
        if word == ElementType::S32 { Literal::scalar(0_i32) } else { Literal::scalar(0_u32) };
    let zero = site.build().constant(zero);
    let zeros = site.shaped(Op::Broadcast { dimensions: Vec::new() }, &[zero], bits.clone())?;
    let only = site.shaped(Op::Select, &[is_place, operand, zeros], bits)?;
    let to_apply = or(site, word)?;
    let join = Op::Reduce { dimensions: vec![kept.len()], to_apply };
    let joined = site.shaped(join, &[only, zero], array(word, kept))?;
    let value = as_type(site, joined, (wide, kept))?;
    of_type(site, value, element_type)
}

/// The same bits as words of another type.
fn as_type(
    site: &mut Site<'_>,
    value: InstructionId,
    (element_type, sizes): (ElementType, &[usize]),
) -> Result<InstructionId, InferError> {
    if site.element_type(value) == element_type {
        return Ok(value);
    }
    site.shaped(Op::BitcastConvert, &[value], array(element_type, sizes))
}

/// A computation that joins the bits of two words.
fn or(site: &mut Site<'_>, word: ElementType) -> Result<ComputationId, InferError> {
    let computation = add_computation(site.module_mut(), "or");
    let mut builder = ComputationBuilder::new(site.module_mut(), computation);
    let [x, y] = ["x", "y"].map(|name| builder.parameter(array(word, &[]), name));
    let root = builder.binary(Op::Or, x, y)?;
    builder.set_root(root);
    Ok(computation)
}
