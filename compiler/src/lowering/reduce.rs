//! Regions whose root is a reduction: the reduction kernel, with what it reduces computed in it.

use palmetto_kernels::reduce::{Dimension, Input, Reduce};

use super::{
    Choice, Kernel, Refusal, Region,
    access::access,
    expression::{Translator, is_identity, reducer_for},
};
use crate::hlo::{Op, Opcode};

/// Whether the region's only root is a reduction.
pub(super) fn is_at_root(region: &Region<'_>) -> bool {
    let [root] = region.roots() else { return false };
    region.instruction(*root).opcode() == Opcode::Reduce
}

/// The reduction kernel of a region with a reduction at its root.
pub(super) fn choose(region: &Region<'_>) -> Result<Choice, Refusal> {
    let root = region.roots()[0];
    let instruction = region.instruction(root);
    let Op::Reduce { dimensions, to_apply } = instruction.op() else {
        return region.refuse(root, "a root that is no reduction");
    };
    let &[operand, initial] = instruction.operands() else {
        return region.refuse(root, "a reduction of several arrays");
    };
    let space = region.instruction(operand).array_shape().dimensions().to_vec();
    if space.is_empty() || space.contains(&0) {
        return region.refuse(root, "a reduction of a scalar or of nothing");
    }
    let element = region.element(root)?;
    if region.element(operand)? != element || region.element(initial)? != element {
        return region.refuse(root, "a reduction that converts");
    }
    let Some((reducer, _)) = reducer_for(region.module(), *to_apply, element) else {
        return region.refuse(root, "a reduction with another computation");
    };
    let mut translator = Translator::new(region, &space, &[]);
    let value = translator.root(operand)?;
    let is_identity = is_identity(region, initial, reducer);
    let initial = if is_identity { None } else { Some(translator.scalar(initial)?) };
    let mut inputs = Vec::new();
    for leaf in &translator.leaves {
        let access = access(region, &space, leaf)?;
        inputs.push(Input { element: region.element(leaf.id)?, access });
    }
    let is_reduced = |d: &usize| dimensions.contains(d);
    let dimensions = space.iter().enumerate();
    let dimensions =
        dimensions.map(|(d, size)| Dimension { size: *size, is_reduced: is_reduced(&d) });
    let spec = Reduce {
        name: region.name().to_owned(),
        dimensions: dimensions.collect(),
        expression: translator.expression,
        inputs,
        value,
        reducer,
        initial,
    };
    spec.check(&palmetto_isa::TPU_V4)?;
    let inputs = translator.leaves.iter().map(|leaf| leaf.id).collect();
    Ok(Choice { kernel: Kernel::Reduce(spec), inputs })
}
