//! How operands lie in the iteration space of a kernel.

use palmetto_isa::memory::LANES;
use palmetto_kernels::operand::Access;

use super::{Refusal, Region, expression::Leaf};

/// How an operand lies in the iteration space.
pub(super) fn access(region: &Region<'_>, space: &[usize], leaf: &Leaf) -> Result<Access, Refusal> {
    let rank = space.len();
    let dimensions = region.instruction(leaf.id).array_shape().dimensions();
    if !leaf.mapping.is_sorted_by(|a, b| a < b) {
        return region.refuse(leaf.id, "a transposed operand");
    }
    let fits = |(axis, size): (&usize, &usize)| *axis + 1 == rank || space[*axis] == *size;
    if !leaf.mapping.iter().zip(dimensions).all(fits) {
        return region.refuse(leaf.id, "an operand of other dimensions");
    }
    let majors = (0..rank.saturating_sub(2)).map(|axis| leaf.mapping.contains(&axis)).collect();
    let last = || *dimensions.last().expect("it has lanes");
    let has = |from_last: usize| {
        rank.checked_sub(from_last).is_some_and(|axis| leaf.mapping.contains(&axis))
    };
    Ok(match (rank, has(2), has(1)) {
        (0, ..) => Access::Tiles { majors, lanes: 1 },
        (1, _, true) => Access::Tiles { majors, lanes: LANES },
        (_, true, true) => Access::Tiles { majors, lanes: last() },
        (_, false, true) => Access::Row { majors, lanes: last() },
        (_, true, false) => Access::Column { majors },
        (_, false, false) => Access::Scalar { majors },
    })
}
