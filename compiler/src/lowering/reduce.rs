//! Regions whose root is a reduction: the reduction kernel, with what it reduces computed in it.

use palmetto_isa::TPU_V4;
use palmetto_kernels::{
    element::Element,
    pipeline::check_arrays,
    reduce::{Computation, Dimension, Input, Reduce, Region as Combination},
};

use super::{
    Choice, Kernel, Refusal, Region,
    access::access,
    expression::{Translator, is_identity, reducer_for},
};
use crate::hlo::{ComputationId, InstructionId, Op, Opcode};

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
    let (operands, starts) = instruction.operands().split_at(instruction.operands().len() / 2);
    let space = region.instruction(operands[0]).array_shape().dimensions().to_vec();
    if space.is_empty() || space.contains(&0) {
        return region.refuse(root, "a reduction of a scalar or of nothing");
    }
    let elements = elements_of(region, root)?;
    let mut translator = Translator::new(region, &space, &[]);
    let values: Result<Vec<_>, _> = operands.iter().map(|id| translator.root(*id)).collect();
    let is_neutral;
    let computation = match (elements.as_slice(), operands, starts) {
        ([element], [_], [start])
            if let Some((reducer, _)) = reducer_for(region.module(), *to_apply, *element) =>
        {
            is_neutral = is_identity(region, *start, reducer);
            Computation::Op(reducer)
        }
        _ => {
            is_neutral = false;
            let position = position(region, operands, dimensions);
            Computation::Region(combination(region, *to_apply, position)?)
        }
    };
    let starts = if is_neutral { &[] } else { starts };
    let initials: Result<Vec<_>, _> = starts.iter().map(|id| translator.scalar(*id)).collect();
    // Flags are for padding that is cleared, and two for what the cores exchange.
    check_arrays(translator.leaves.len() + operands.len(), 3, &TPU_V4)?;
    let mut inputs = Vec::new();
    for leaf in &translator.leaves {
        let access = access(region, &space, leaf)?;
        inputs.push(Input { element: region.element(leaf.id)?, access });
    }
    let is_reduced = |d: &usize| dimensions.contains(d);
    let sizes = space.iter().enumerate();
    let sizes = sizes.map(|(d, size)| Dimension { size: *size, is_reduced: is_reduced(&d) });
    let spec = Reduce {
        name: region.name().to_owned(),
        dimensions: sizes.collect(),
        expression: translator.expression,
        inputs,
        values: values?,
        computation,
        initials: initials?,
    };
    spec.check(&TPU_V4)?;
    let inputs = translator.leaves.iter().map(|leaf| leaf.id).collect();
    Ok(Choice { kernel: Kernel::Reduce(spec), inputs })
}

/// The types of the results, if they are those of operands and initial values.
fn elements_of(region: &Region<'_>, root: InstructionId) -> Result<Vec<Element>, Refusal> {
    let instruction = region.instruction(root);
    let results = instruction.shape().leaves();
    for (n, operand) in instruction.operands().iter().enumerate() {
        let of = region.instruction(*operand).array_shape().element_type();
        if of != results[n % results.len()].element_type() {
            return region.refuse(root, "a reduction that converts");
        }
    }
    let operands = &instruction.operands()[..results.len()];
    operands.iter().map(|id| region.element(*id)).collect()
}

/// The operand that is the position along the only dimension that is reduced.
fn position(
    region: &Region<'_>,
    operands: &[InstructionId],
    dimensions: &[usize],
) -> Option<usize> {
    let is_position = |id: &InstructionId| {
        let instruction = region.instruction(*id);
        let Op::Iota { iota_dimension } = instruction.op() else { return false };
        let is_word =
            region.element(*id).is_ok_and(|element| matches!(element, Element::S32 | Element::U32));
        is_word && dimensions == [*iota_dimension]
    };
    operands.iter().position(is_position)
}

/// What a computation of scalars does.
fn combination(
    region: &Region<'_>,
    computation: ComputationId,
    position: Option<usize>,
) -> Result<Combination, Refusal> {
    let body = Region::of_computation(region.module(), computation);
    let mut translator = Translator::new(&body, &[], &[]);
    for parameter in region.module().computation(computation).parameters() {
        translator.leaf(*parameter, &[])?;
    }
    let results =
        body.roots().iter().map(|root| translator.scalar(*root)).collect::<Result<_, _>>();
    Ok(Combination { results: results?, expression: translator.expression, position })
}
