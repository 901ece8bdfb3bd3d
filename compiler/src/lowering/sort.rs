//! Sorts along the last two dimensions, and the first elements of them: the sort kernel.

use palmetto_isa::TPU_V4;
use palmetto_kernels::{
    element::Element,
    pipeline::check_arrays,
    sort::{Along, Comparator, Operand, Sort},
};

use super::{Choice, Kernel, Refusal, Region, expression::Translator};
use crate::hlo::{InstructionId, Op, Opcode};

/// The sort of a region, if there is one.
pub(super) fn find(region: &Region<'_>) -> Option<InstructionId> {
    region.inside().find(|id| region.instruction(*id).opcode() == Opcode::Sort)
}

/// The sort kernel of a region: of the sort alone, or of slices of some of its results that have
/// the first elements.
pub(super) fn choose(region: &Region<'_>, sort: InstructionId) -> Result<Choice, Refusal> {
    let instruction = region.instruction(sort);
    let Op::Sort { dimension, to_apply, .. } = instruction.op() else {
        return region.refuse(sort, "a sort of another kind");
    };
    let dimensions = region.instruction(instruction.operands()[0]).array_shape().dimensions();
    let (keep, results) = kept(region, sort, (*dimension, dimensions))?;
    let along = match dimensions.len().checked_sub(*dimension) {
        Some(1) => Along::Lanes,
        Some(2) => Along::Rows,
        _ => return region.refuse(sort, "a sort along a dimension before the last two"),
    };
    let (mut operands, mut inputs) = (Vec::new(), Vec::new());
    for id in instruction.operands() {
        let element = region.element(*id)?;
        let is_position = matches!(region.instruction(*id).op(),
            Op::Iota { iota_dimension } if iota_dimension == dimension);
        if is_position && matches!(element, Element::S32 | Element::U32) {
            operands.push(Operand::Position(element));
        } else {
            operands.push(Operand::Array(element));
            inputs.push(*id);
        }
    }
    // A flag is for padding that is cleared.
    check_arrays(inputs.len() + results.len(), 1, &TPU_V4)?;
    let comparator = Region::of_computation(region.module(), *to_apply);
    let mut translator = Translator::new(&comparator, &[], &[]);
    for parameter in region.module().computation(*to_apply).parameters() {
        translator.leaf(*parameter, &[])?;
    }
    let is_before = translator.scalar(comparator.roots()[0])?;
    let spec = Sort {
        name: region.name().to_owned(),
        dimensions: dimensions.to_vec(),
        along,
        operands,
        comparator: Comparator { expression: translator.expression, is_before },
        keep,
        results,
    };
    spec.check(&TPU_V4)?;
    Ok(Choice { kernel: Kernel::Sort(spec), inputs })
}

/// How many elements of each series are needed, and of which operands: all, or those that the
/// roots are, slices of the results in their order.
fn kept(
    region: &Region<'_>,
    sort: InstructionId,
    (dimension, sizes): (usize, &[usize]),
) -> Result<(usize, Vec<usize>), Refusal> {
    let n_results = region.instruction(sort).operands().len();
    if region.roots() == [sort] {
        return Ok((sizes[dimension], (0..n_results).collect()));
    }
    let (mut keep, mut results) = (None, Vec::new());
    for root in region.roots() {
        let instruction = region.instruction(*root);
        let Op::Slice { slice } = instruction.op() else {
            return region.refuse(*root, "what is made of the results of a sort");
        };
        let of = instruction.operands()[0];
        let result = match region.instruction(of).op() {
            Op::GetTupleElement { index } if region.instruction(of).operands() == [sort] => *index,
            _ if of == sort => 0,
            _ => return region.refuse(*root, "a slice of something computed besides a sort"),
        };
        let limit = slice[dimension].limit;
        let is_front = slice.iter().zip(sizes).enumerate().all(|(d, (part, size))| {
            let is_from_start = part.start == 0 && part.stride == 1;
            is_from_start && (d == dimension || part.limit == *size)
        });
        if !is_front || keep.is_some_and(|keep| keep != limit) {
            return region.refuse(*root, "a part of the results of a sort that is not their front");
        }
        keep = Some(limit);
        results.push(result);
    }
    match keep {
        Some(keep) => Ok((keep, results)),
        None => region.refuse(sort, "a sort without results"),
    }
}
