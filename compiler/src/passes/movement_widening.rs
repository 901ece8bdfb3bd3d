//! Movement widening: what cannot be moved as narrow elements is moved as words of 32 bits.
//!
//! Rows of narrow elements share granules, so that they cannot be moved one by one; those of 32-bit
//! elements can. Where no kernel moves an array as it is and one moves its elements as f32 or
//! 32-bit integers, the operands are converted before and the result after: neighbouring kernels
//! convert in passing. Every value of a narrow type is one of the wide type.

use super::{Changed, PassContext, PassError, layout_assignment::with_order};
use crate::{
    analysis::{is_free_reshape, sequential_computations},
    hlo::{
        ArrayShape, ComputationBuilder, ComputationId, ElementType, Extras, InferError,
        InstructionId, Module, Op, rewrite,
    },
    lowering::{Region, choose_kernel, is_generator},
};

/// See the module. Expects normalised layouts.
///
/// # Errors
/// None but for a bug: the wide instruction is as legal as the narrow one.
pub fn movement_widening(module: &mut Module, _: &PassContext) -> Result<Changed, PassError> {
    let mut changed = Changed::No;
    for computation in sequential_computations(module) {
        for id in module.computation(computation).post_order() {
            if !is_stuck(module, computation, id) {
                continue;
            }
            let widened = widen(module, computation, id).map_err(|cause| {
                let instruction = module.instruction(computation, id).name().to_owned();
                PassError::Rewrite { instruction, cause }
            })?;
            if let Some(new) = widened {
                rewrite::replace_all_uses(module, computation, id, new);
                changed = Changed::Yes;
            }
        }
        rewrite::remove_dead(module, computation);
    }
    Ok(changed)
}

/// Whether an instruction moves narrow elements and no kernel does that.
fn is_stuck(module: &Module, computation: ComputationId, id: InstructionId) -> bool {
    let instruction = module.instruction(computation, id);
    if moved_operands(instruction.op()) == 0 || is_generator(module.computation(computation), id) {
        return false;
    }
    let shape = instruction.array_shape();
    let operand = module.instruction(computation, instruction.operands()[0]).array_shape();
    let is_nothing = matches!(instruction.op(), Op::Reshape) && is_free_reshape(operand, shape);
    wide_type(shape.element_type()).is_some() && !is_nothing && !has_kernel(module, computation, id)
}

fn has_kernel(module: &Module, computation: ComputationId, id: InstructionId) -> bool {
    choose_kernel(&Region::of_instruction(module, computation, id)).is_ok()
}

/// How many operands, from the first on, an instruction moves to its result.
fn moved_operands(op: &Op) -> usize {
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other ops move nothing")]
    match op {
        Op::Broadcast { .. }
        | Op::Copy
        | Op::DynamicSlice { .. }
        | Op::Reshape
        | Op::Reverse { .. }
        | Op::Slice { .. }
        | Op::Transpose { .. } => 1,
        Op::DynamicUpdateSlice | Op::Pad { .. } => 2,
        Op::Concatenate { .. } => usize::MAX,
        _ => 0,
    }
}

/// The type of 32 bits that has all values of a narrow one.
fn wide_type(element_type: ElementType) -> Option<ElementType> {
    match element_type {
        ElementType::BF16 | ElementType::F16 => Some(ElementType::F32),
        ElementType::S8 | ElementType::S16 => Some(ElementType::S32),
        ElementType::U8 | ElementType::U16 | ElementType::Pred => Some(ElementType::U32),
        ElementType::F32
        | ElementType::S32
        | ElementType::U32
        | ElementType::S64
        | ElementType::U64
        | ElementType::F64
        | ElementType::C64
        | ElementType::C128 => None,
    }
}

/// The same array of another type.
fn of_type(shape: &ArrayShape, element_type: ElementType) -> ArrayShape {
    let dimensions = shape.dimensions().to_vec();
    let order: Vec<usize> = (0..dimensions.len()).collect();
    let array = ArrayShape::new(element_type, dimensions);
    with_order(&array.expect("an array of the device is far below 2^63 bytes"), &order)
}

/// The value of `id` by a wide movement; none if there is no kernel for that either.
fn widen(
    module: &mut Module,
    computation: ComputationId,
    id: InstructionId,
) -> Result<Option<InstructionId>, InferError> {
    let instruction = module.instruction(computation, id);
    let (op, shape) = (instruction.op().clone(), instruction.array_shape().clone());
    let (metadata, mut operands) =
        (instruction.metadata().clone(), instruction.operands().to_vec());
    let Some(wide) = wide_type(shape.element_type()) else { return Ok(None) };
    let shaped = |shape: ArrayShape| {
        let metadata = Some(metadata.clone());
        Extras { shape: Some(shape.into()), metadata, ..Extras::default() }
    };
    let n_moved = moved_operands(&op).min(operands.len());
    for operand in &mut operands[..n_moved] {
        let from = of_type(module.instruction(computation, *operand).array_shape(), wide);
        let mut builder = ComputationBuilder::new(module, computation);
        *operand = builder.add_with(Op::Convert, &[*operand], shaped(from))?;
    }
    let mut builder = ComputationBuilder::new(module, computation);
    let moved = builder.add_with(op, &operands, shaped(of_type(&shape, wide)))?;
    if !has_kernel(module, computation, moved) {
        return Ok(None);
    }
    let mut builder = ComputationBuilder::new(module, computation);
    builder.add_with(Op::Convert, &[moved], shaped(shape)).map(Some)
}
