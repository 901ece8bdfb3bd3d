//! Transposes that swap rows and lanes.

use palmetto_kernels::transpose::Transpose;

use super::{Choice, Kernel, Refusal, Region};
use crate::hlo::Op;

/// The permutation of a region that is one `transpose` which moves lanes.
pub(super) fn find<'m>(region: &Region<'m>) -> Option<&'m [usize]> {
    let [root] = region.roots() else { return None };
    let Op::Transpose { dimensions } = region.instruction(*root).op() else { return None };
    let keeps_lanes = dimensions.last().is_none_or(|last| *last + 1 == dimensions.len());
    (!keeps_lanes && region.inside().count() == 1).then_some(dimensions)
}

/// The transpose kernel of a region that is one `transpose` by `permutation`.
pub(super) fn choose(region: &Region<'_>, permutation: &[usize]) -> Result<Choice, Refusal> {
    let root = region.roots()[0];
    let rank = permutation.len();
    if !is_swap(permutation) {
        return region.refuse(root, "a transpose of other dimensions than the last two");
    }
    let operand = region.instruction(root).operands()[0];
    let dimensions = region.instruction(operand).array_shape().dimensions();
    let spec = Transpose {
        name: region.name().to_owned(),
        element: region.element(root)?,
        majors: dimensions[..rank - 2].iter().product(),
        rows: dimensions[rank - 2],
        lanes: dimensions[rank - 1],
    };
    spec.check()?;
    Ok(Choice { kernel: Kernel::Transpose(spec), inputs: vec![operand] })
}

/// Whether the last two dimensions change places, and nothing else does.
fn is_swap(permutation: &[usize]) -> bool {
    match permutation {
        [majors @ .., row, lane] => {
            *row == lane + 1 && *lane == majors.len() && majors.is_sorted_by(|a, b| a < b)
        }
        _ => false,
    }
}
