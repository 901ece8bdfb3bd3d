//! Regions that the row kernel computes.

use palmetto_isa::{TPU_V4, memory::LANES};
use palmetto_kernels::{
    pipeline::check_arrays,
    rowwise::{Input, Rowwise},
};

use super::{Choice, Kernel, Refusal, Region, access::access, expression::Translator};

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
    // A flag is for padding that is cleared.
    check_arrays(translator.leaves.len() + outputs.len(), 1, &TPU_V4)?;
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
    spec.check(&TPU_V4)?;
    let inputs = translator.leaves.iter().map(|leaf| leaf.id).collect();
    Ok(Choice { kernel: Kernel::Rowwise(spec), inputs })
}
