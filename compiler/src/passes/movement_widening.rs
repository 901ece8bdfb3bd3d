//! Movement widening: what cannot be moved as narrow elements is moved as words of 32 bits.
//!
//! Rows of narrow elements share granules, so that they cannot be moved one by one; those of 32-bit
//! elements can. Where no kernel moves an array as it is and one moves its elements as f32 or
//! 32-bit integers, the operands are converted before and the result after: neighbouring kernels
//! convert in passing. Every value of a narrow type is one of the wide type.
//!
//! So are the operands of dots: where matrices of narrow elements lie one behind the other, each
//! has to fill whole registers (16 rows), or the next one begins within one.

use super::{
    Changed, PassContext, PassError,
    layout_assignment::with_order,
    layout_normalization::{is_row_major, order_of, physical},
};
use crate::{
    analysis::{is_free_reshape, sequential_computations},
    hlo::{
        ArrayShape, ComputationBuilder, ComputationId, ElementType, Extras, InferError,
        InstructionId, Module, Op, OperandPrecision, Precision, rewrite,
    },
    lowering::{Region, choose_kernel, is_generator, is_of_heads},
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

/// Whether an instruction moves or multiplies narrow elements and no kernel does that.
fn is_stuck(module: &Module, computation: ComputationId, id: InstructionId) -> bool {
    let instruction = module.instruction(computation, id);
    if matches!(instruction.op(), Op::Dot { .. }) {
        let is_narrow = |id: &InstructionId| {
            let shape = module.instruction(computation, *id).array_shape();
            wide_type(shape.element_type()) == Some(ElementType::F32)
        };
        let is_some_narrow = instruction.operands().iter().chain([&id]).any(is_narrow);
        return is_some_narrow && !has_kernel(module, computation, id);
    }
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
        || is_of_heads(module, computation, id)
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
        Op::Dot { .. } | Op::DynamicUpdateSlice | Op::Pad { .. } => 2,
        Op::Concatenate { .. } => usize::MAX,
        _ => 0,
    }
}

/// The type of 32 bits that has all values of a narrow one.
fn wide_type(element_type: ElementType) -> Option<ElementType> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the device computes with no other types")]
    match element_type {
        ElementType::BF16 | ElementType::F16 => Some(ElementType::F32),
        ElementType::S8 | ElementType::S16 => Some(ElementType::S32),
        ElementType::U8 | ElementType::U16 | ElementType::Pred => Some(ElementType::U32),
        _ => None,
    }
}

/// The same op for wide operands. Those of dots are as exact as bf16 where they were bf16; f16 is
/// two such parts.
fn wide_op(op: Op, operand_type: ElementType) -> Op {
    let Op::Dot { dimension_numbers, operand_precision } = op else { return op };
    let each = match operand_type {
        ElementType::BF16 => Precision::Default,
        ElementType::F16 => Precision::Highest,
        _ => return Op::Dot { dimension_numbers, operand_precision },
    };
    Op::Dot { dimension_numbers, operand_precision: OperandPrecision { lhs: each, rhs: each } }
}

/// The same array of another type. The result of a dot may be in any order.
fn of_type(shape: &ArrayShape, element_type: ElementType) -> ArrayShape {
    let dimensions = shape.dimensions().to_vec();
    let order = order_of(shape);
    let array = ArrayShape::new(element_type, dimensions);
    with_order(&array.expect("an array of the device is far below 2^63 bytes"), &order)
}

/// The value of `id` by a wide movement or dot; none if there is no kernel for that either.
fn widen(
    module: &mut Module,
    computation: ComputationId,
    id: InstructionId,
) -> Result<Option<InstructionId>, InferError> {
    let instruction = module.instruction(computation, id);
    let (op, shape) = (instruction.op().clone(), instruction.array_shape().clone());
    let (metadata, mut operands) =
        (instruction.metadata().clone(), instruction.operands().to_vec());
    let operand_type = module.instruction(computation, operands[0]).array_shape().element_type();
    let wide = wide_type(operand_type).or_else(|| wide_type(shape.element_type()));
    let Some(wide) = wide else { return Ok(None) };
    let op = wide_op(op, operand_type);
    let shaped = |shape: ArrayShape| {
        let metadata = Some(metadata.clone());
        Extras { shape: Some(shape.into()), metadata, ..Extras::default() }
    };
    let n_moved = moved_operands(&op).min(operands.len());
    for operand in &mut operands[..n_moved] {
        let narrow = module.instruction(computation, *operand).array_shape();
        if narrow.element_type() == wide {
            continue;
        }
        let from = of_type(narrow, wide);
        let mut builder = ComputationBuilder::new(module, computation);
        *operand = builder.add_with(Op::Convert, &[*operand], shaped(from))?;
    }
    let mut builder = ComputationBuilder::new(module, computation);
    let moved = builder.add_with(op, &operands, shaped(of_type(&shape, wide)))?;
    if !has_kernel(module, computation, moved) {
        return Ok(None);
    }
    if shape.element_type() == wide {
        return Ok(Some(moved));
    }
    let mut builder = ComputationBuilder::new(module, computation);
    if is_row_major(&shape) {
        return builder.add_with(Op::Convert, &[moved], shaped(shape)).map(Some);
    }
    // A dot whose result is in another order; all else computes on row-major arrays.
    let narrow = physical(&shape);
    let of_memory = builder.add_with(Op::Bitcast, &[moved], shaped(of_type(&narrow, wide)))?;
    let converted = builder.add_with(Op::Convert, &[of_memory], shaped(narrow))?;
    builder.add_with(Op::Bitcast, &[converted], shaped(shape)).map(Some)
}
