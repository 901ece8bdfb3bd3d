//! Fusion: what one kernel can compute becomes one instruction.
//!
//! From users to operands: a producer joins the group of its users if all of them are in one group
//! and [`choose_kernel`] has a kernel for the larger group. Values that are made of nothing (iotas,
//! constants repeated) need not be in a group: kernels make them where they need them. Converts and
//! broadcasts that several groups use are computed in each. A group never gets a second value that
//! is needed outside.

use std::collections::{BTreeMap, BTreeSet};

use super::{Changed, PassContext, PassError};
use crate::{
    analysis::sequential_computations,
    hlo::{
        Computation, ComputationBuilder, ComputationId, Extras, FusionKind, InstructionId, Module,
        Op, Opcode, builder::add_computation, rewrite,
    },
    lowering::{Region, choose_kernel, is_generator},
};

/// Operands that a kernel can have.
const MAX_INPUTS: usize = 16;

/// See the module. Expects normalised layouts.
///
/// # Errors
/// None; the signature is that of all passes.
pub fn fusion(module: &mut Module, _: &PassContext) -> Result<Changed, PassError> {
    let mut changed = Changed::No;
    for computation in sequential_computations(module) {
        for group in groups(module, computation) {
            if group.inside.len() > 1 {
                outline(module, computation, &group);
                changed = Changed::Yes;
            }
        }
        rewrite::remove_dead(module, computation);
    }
    Ok(changed)
}

/// Instructions that one kernel will compute.
struct Group {
    root: InstructionId,
    inside: BTreeSet<InstructionId>,
}

/// The groups of a computation, users before producers.
fn groups(module: &Module, id: ComputationId) -> Vec<Group> {
    let computation = module.computation(id);
    let mut groups: Vec<Group> = Vec::new();
    // Per instruction, the groups that compute it.
    let mut member_of: BTreeMap<InstructionId, BTreeSet<usize>> = BTreeMap::new();
    for producer in computation.post_order().into_iter().rev() {
        let instruction = computation.instruction(producer);
        let shown_dot = shown_dot(computation, producer);
        let is_candidate = is_fusible(instruction.opcode()) || shown_dot.is_some();
        if !is_candidate || is_generator(computation, producer) || member_of.contains_key(&producer)
        {
            continue;
        }
        let members = || std::iter::once(producer).chain(shown_dot);
        let users = computation.users(producer);
        let mut consumers: BTreeSet<usize> = BTreeSet::new();
        let mut is_needed = producer == computation.root() || users.is_empty();
        for user in users {
            match member_of.get(user) {
                Some(groups) => consumers.extend(groups),
                None => is_needed = true,
            }
        }
        let may_join = !is_needed && (consumers.len() == 1 || is_cheap(instruction.opcode()));
        for consumer in &consumers {
            let group = &mut groups[*consumer];
            let mut larger = group.inside.clone();
            larger.extend(members());
            let region = Region::new(module, id, larger.clone(), vec![group.root]);
            let choice = if may_join { choose_kernel(&region).ok() } else { None };
            if choice.is_some_and(|choice| choice.inputs.len() <= MAX_INPUTS) {
                group.inside = larger;
                for member in members() {
                    member_of.entry(member).or_default().insert(*consumer);
                }
            } else {
                is_needed = true;
            }
        }
        if is_needed {
            for member in members() {
                member_of.entry(member).or_default().insert(groups.len());
            }
            groups.push(Group { root: producer, inside: members().collect() });
        }
    }
    groups
}

/// The dot of which `id` is the bitcast that shows its dimensions in memory order: the two are one.
fn shown_dot(computation: &Computation, id: InstructionId) -> Option<InstructionId> {
    let instruction = computation.instruction(id);
    let dot = *instruction.operands().first()?;
    let is_shown = instruction.opcode() == Opcode::Bitcast
        && computation.instruction(dot).opcode() == Opcode::Dot
        && computation.users(dot).len() == 1;
    is_shown.then_some(dot)
}

fn is_fusible(opcode: Opcode) -> bool {
    let is_known = matches!(
        opcode,
        Opcode::Broadcast
            | Opcode::Clamp
            | Opcode::Concatenate
            | Opcode::Dot
            | Opcode::Pad
            | Opcode::Reduce
            | Opcode::Reverse
            | Opcode::Select
            | Opcode::Slice
    );
    is_known || opcode.is_elementwise()
}

/// Whether it costs next to nothing to compute it several times.
fn is_cheap(opcode: Opcode) -> bool {
    matches!(opcode, Opcode::Broadcast | Opcode::Convert | Opcode::Slice)
}

/// Puts a group into a computation of its own, and a fusion in its place.
fn outline(module: &mut Module, computation: ComputationId, group: &Group) {
    let body = add_computation(module, "fused_computation");
    let mut values: BTreeMap<InstructionId, InstructionId> = BTreeMap::new();
    let mut operands: Vec<InstructionId> = Vec::new();
    for id in inside_in_order(module, computation, group) {
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
    rewrite::set_root(module, body, values[&group.root]);
    let kind = kind_of(module, computation, group);
    let root = module.instruction(computation, group.root);
    let extras = Extras {
        name: Some(fusion_name(module, computation, group)),
        shape: Some(root.shape().clone()),
        metadata: Some(root.metadata().clone()),
        ..Extras::default()
    };
    let mut builder = ComputationBuilder::new(module, computation);
    let op = Op::Fusion { kind, calls: body };
    let fusion = builder.add_with(op, &operands, extras).expect("the operands fit the body");
    rewrite::replace(module, computation, group.root, fusion);
}

/// The group and the generators that it needs, operands first.
fn inside_in_order(module: &Module, id: ComputationId, group: &Group) -> Vec<InstructionId> {
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
    computation.post_order().into_iter().filter(|id| needed.contains(id)).collect()
}

fn kind_of(module: &Module, computation: ComputationId, group: &Group) -> FusionKind {
    let opcode = |id: &InstructionId| module.instruction(computation, *id).opcode();
    if group.inside.iter().any(|id| opcode(id) == Opcode::Dot) {
        FusionKind::Output
    } else if opcode(&group.root) == Opcode::Reduce {
        FusionKind::Input
    } else {
        FusionKind::Loop
    }
}

/// A name that says what is in the group: `dot_multiply_fusion`.
fn fusion_name(module: &Module, computation: ComputationId, group: &Group) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for id in module.computation(computation).post_order() {
        let opcode = module.instruction(computation, id).opcode();
        let is_telling = matches!(
            opcode,
            Opcode::Dot | Opcode::Reduce | Opcode::Exponential | Opcode::Concatenate
        );
        let part = opcode.text();
        if group.inside.contains(&id) && (is_telling || id == group.root) && !parts.contains(&part)
        {
            parts.push(part);
        }
    }
    format!("{}_fusion", parts.join("_").replace('-', "_"))
}
