//! Regions that the row kernel computes.

use palmetto_isa::memory::LANES;
use palmetto_kernels::rowwise::{Access, Input, Rowwise};

use super::{
    Choice, Kernel, Refusal, Region,
    expression::{Leaf, Translator},
};

/// The row kernel of a region: all its roots have the dimensions of the iteration space.
pub(super) fn choose(region: &Region<'_>) -> Result<Choice, Refusal> {
    let root = region.roots()[0];
    let space = region.instruction(root).array_shape().dimensions().to_vec();
    if space.contains(&0) {
        return region.refuse(root, "an array without elements");
    }
    let mut translator = Translator::new(region, &space, &[]);
    let mut outputs = Vec::new();
    for root in region.roots() {
        if region.instruction(*root).array_shape().dimensions() != space {
            return region.refuse(*root, "results of different dimensions");
        }
        outputs.push(translator.root(*root)?);
    }
    let mut inputs = Vec::new();
    for leaf in &translator.leaves {
        let access = access(region, &space, leaf)?;
        inputs.push(Input { element: region.element(leaf.id)?, access });
    }
    let (majors, rows, lanes) = match space.as_slice() {
        [] => (Vec::new(), 1, 1),
        [n] => (Vec::new(), n.div_ceil(LANES), LANES),
        [majors @ .., rows, lanes] => (majors.to_vec(), *rows, *lanes),
    };
    let spec = Rowwise {
        name: region.name().to_owned(),
        majors,
        rows,
        lanes,
        expression: translator.expression,
        inputs,
        outputs,
    };
    spec.check(&palmetto_isa::TPU_V4)?;
    let inputs = translator.leaves.iter().map(|leaf| leaf.id).collect();
    Ok(Choice { kernel: Kernel::Rowwise(spec), inputs })
}

/// How an operand lies in the iteration space.
fn access(region: &Region<'_>, space: &[usize], leaf: &Leaf) -> Result<Access, Refusal> {
    let rank = space.len();
    let dimensions = region.instruction(leaf.id).array_shape().dimensions();
    if !leaf.mapping.is_sorted_by(|a, b| a < b) {
        return region.refuse(leaf.id, "a transposed operand");
    }
    let fits = |(axis, size): (&usize, &usize)| *axis + 1 == rank || space[*axis] == *size;
    if !leaf.mapping.iter().zip(dimensions).all(fits) {
        return region.refuse(leaf.id, "an operand of other dimensions");
    }
    let all = Access::Tiles { majors: vec![true; rank.saturating_sub(2)], lanes: LANES };
    match (rank, leaf.mapping.as_slice()) {
        (0, _) => Ok(Access::Tiles { majors: Vec::new(), lanes: 1 }),
        (_, []) => Ok(Access::Scalar),
        (1, _) => Ok(all),
        (_, [axis]) if *axis + 1 == rank => Ok(Access::Row { lanes: dimensions[0] }),
        (_, [majors @ .., row, lane]) if *row + 2 == rank && *lane + 1 == rank => {
            let majors = (0..rank - 2).map(|axis| majors.contains(&axis)).collect();
            let lanes = *dimensions.last().expect("it has lanes");
            Ok(Access::Tiles { majors, lanes })
        }
        (_, [majors @ .., row]) if *row + 2 == rank => {
            let majors = (0..rank - 2).map(|axis| majors.contains(&axis)).collect();
            Ok(Access::Column { majors })
        }
        _ => region.refuse(leaf.id, "an operand that lacks rows or lanes"),
    }
}
