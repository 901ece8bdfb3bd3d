//! Puts groups into computations of their own.

use std::collections::BTreeMap;

use super::plan::{Group, Positions};
use crate::{
    hlo::{
        ComputationBuilder, ComputationId, Extras, FusionKind, InstructionId, Module, Op, Opcode,
        Shape, builder::add_computation, rewrite,
    },
    lowering::is_generator,
};

/// Puts groups into computations of their own, and fusions in the place of their roots.
///
/// Several groups may compute the same instruction, of which one stores it: all are copied before
/// any is replaced.
pub(super) fn outline(
    module: &mut Module,
    computation: ComputationId,
    groups: &[Group],
    positions: &Positions,
) {
    let mut made = Vec::new();
    for group in groups {
        made.extend(fusion_of(module, computation, group, positions));
    }
    for (root, new) in made {
        // A root that only other roots used is gone with them.
        if module.computation(computation).get(root).is_some() {
            rewrite::replace(module, computation, root, new);
        }
    }
}

/// Makes the fusion of a group; the roots, and what has their values then. Of several roots the
/// fusion's result is a tuple.
fn fusion_of(
    module: &mut Module,
    computation: ComputationId,
    group: &Group,
    positions: &Positions,
) -> Vec<(InstructionId, InstructionId)> {
    let body = add_computation(module, "fused_computation");
    let mut values: BTreeMap<InstructionId, InstructionId> = BTreeMap::new();
    let mut operands: Vec<InstructionId> = Vec::new();
    for id in inside_in_order(module, computation, group, positions) {
        for operand in module.instruction(computation, id).operands().to_vec() {
            if values.contains_key(&operand) {
                continue;
            }
            let shape = module.instruction(computation, operand).shape().clone();
            let name = format!("param_{}", operands.len());
            let mut builder = ComputationBuilder::new(module, body);
            values.insert(operand, builder.parameter(shape, &name));
            operands.push(operand);
        }
        let inner: Vec<InstructionId> =
            module.instruction(computation, id).operands().iter().map(|o| values[o]).collect();
        let clone = rewrite::clone_instruction(module, (computation, id), body, &inner);
        values.insert(id, clone.expect("a clone is as legal as the original"));
    }
    let mut roots = group.roots.clone();
    roots.sort_by_key(|id| positions[id]);
    let last = *roots.last().expect("a group has a root");
    let extras = Extras {
        name: Some(fusion_name(module, computation, group, positions)),
        metadata: Some(module.instruction(computation, last).metadata().clone()),
        ..Extras::default()
    };
    let op = Op::Fusion { kind: kind_of(module, computation, group), calls: body };
    if roots.len() == 1 {
        rewrite::set_root(module, body, values[&last]);
        let shape = Some(module.instruction(computation, last).shape().clone());
        let mut builder = ComputationBuilder::new(module, computation);
        let fusion = builder.add_with(op, &operands, Extras { shape, ..extras });
        let fusion = fusion.expect("the operands fit the body");
        return vec![(last, fusion)];
    }
    let results: Vec<InstructionId> = roots.iter().map(|root| values[root]).collect();
    let shapes = roots.iter().map(|root| module.instruction(computation, *root).shape().clone());
    let shape = Some(Shape::Tuple(shapes.collect()));
    let mut builder = ComputationBuilder::new(module, body);
    let tuple = Extras { shape: shape.clone(), ..Extras::default() };
    let tuple = builder.add_with(Op::Tuple, &results, tuple).expect("a tuple takes anything");
    rewrite::set_root(module, body, tuple);
    let mut builder = ComputationBuilder::new(module, computation);
    let fusion = builder.add_with(op, &operands, Extras { shape, ..extras });
    let fusion = fusion.expect("the operands fit the body");
    let element = |(index, root): (usize, InstructionId)| {
        let shape = Some(module.instruction(computation, root).shape().clone());
        let mut builder = ComputationBuilder::new(module, computation);
        let op = Op::GetTupleElement { index };
        let element = builder.add_with(op, &[fusion], Extras { shape, ..Extras::default() });
        let element = element.expect("the tuple has as many elements as there are roots");
        (root, element)
    };
    roots.into_iter().enumerate().map(element).collect()
}

/// The group and the generators that it needs, operands first.
fn inside_in_order(
    module: &Module,
    id: ComputationId,
    group: &Group,
    positions: &Positions,
) -> Vec<InstructionId> {
    let computation = module.computation(id);
    let mut needed = group.inside.clone();
    let mut open: Vec<InstructionId> = needed.iter().copied().collect();
    while let Some(id) = open.pop() {
        for operand in computation.instruction(id).operands() {
            if is_generator(computation, *operand) && needed.insert(*operand) {
                open.push(*operand);
            }
        }
    }
    let mut needed: Vec<InstructionId> = needed.into_iter().collect();
    needed.sort_by_key(|id| positions[id]);
    needed
}

fn kind_of(module: &Module, computation: ComputationId, group: &Group) -> FusionKind {
    let opcode = |id: &InstructionId| module.instruction(computation, *id).opcode();
    if group.inside.iter().any(|id| opcode(id) == Opcode::Dot) {
        FusionKind::Output
    } else if group.roots.iter().any(|root| opcode(root) == Opcode::Reduce) {
        FusionKind::Input
    } else {
        FusionKind::Loop
    }
}

/// A name that says what is in the group: `dot_multiply_fusion`.
fn fusion_name(
    module: &Module,
    computation: ComputationId,
    group: &Group,
    positions: &Positions,
) -> String {
    let mut inside: Vec<InstructionId> = group.inside.iter().copied().collect();
    inside.sort_by_key(|id| positions[id]);
    let mut parts: Vec<&str> = Vec::new();
    for id in inside {
        let opcode = module.instruction(computation, id).opcode();
        let is_telling = matches!(
            opcode,
            Opcode::Dot | Opcode::Reduce | Opcode::Exponential | Opcode::Concatenate
        );
        let part = opcode.text();
        if (is_telling || group.roots.contains(&id)) && !parts.contains(&part) {
            parts.push(part);
        }
    }
    format!("{}_fusion", parts.join("_").replace('-', "_"))
}
