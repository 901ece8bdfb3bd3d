//! Reshapes between an array of rank 1 and rows of any length.

use palmetto_isa::memory::SUBLANES;
use palmetto_kernels::line::{Line, Way};

use super::{Choice, Kernel, Refusal, Region};
use crate::hlo::{InstructionId, Op};

/// The operand of a region that is one `reshape` to or from rank 1.
pub(super) fn find(region: &Region<'_>) -> Option<InstructionId> {
    let [root] = region.roots() else { return None };
    let instruction = region.instruction(*root);
    let operand = *instruction.operands().first()?;
    let ranks = [operand, *root].map(|id| region.instruction(id).array_shape().rank());
    let is_line = ranks.contains(&1) && ranks.iter().any(|rank| *rank > 1);
    let is_alone = region.inside().count() == 1;
    (matches!(instruction.op(), Op::Reshape) && is_line && is_alone).then_some(operand)
}

/// The line kernel of a region that is one `reshape` of `operand`.
pub(super) fn choose(region: &Region<'_>, operand: InstructionId) -> Result<Choice, Refusal> {
    let root = region.roots()[0];
    let [from, to] = [operand, root].map(|id| region.instruction(id).array_shape().dimensions());
    let (way, matrices) = if to.len() == 1 { (Way::ToLine, from) } else { (Way::FromLine, to) };
    let [majors @ .., rows, lanes] = matrices else {
        return region.refuse(root, "a reshape of a line to a line");
    };
    if region.element(root)?.packing() != 1 {
        return region.refuse(root, "narrow elements that are put into lines");
    }
    let majors = majors.iter().product::<usize>();
    if majors != 1 && !rows.is_multiple_of(SUBLANES) {
        return region.refuse(root, "lines of matrices whose tiles are not full");
    }
    let spec = Line { name: region.name().to_owned(), way, rows: majors * rows, lanes: *lanes };
    spec.check(&palmetto_isa::TPU_V4)?;
    Ok(Choice { kernel: Kernel::Line(spec), inputs: vec![operand] })
}
