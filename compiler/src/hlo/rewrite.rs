//! The only way to change instructions that exist.
//!
//! Every function leaves use lists, parameter lists and roots consistent. New instructions come
//! from [`super::builder`]; the functions here put them in the place of old ones, remove what is no
//! longer needed, and copy instructions between computations. A replacement has to have the shape
//! of what it replaces (layouts may be undecided on one side): anything else is a bug of the
//! caller and panics. What is left to `verify`: that operands form no cycle.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::builder::{ComputationBuilder, Extras, add_computation};
use super::computation::{Computation, ComputationId};
use super::infer::{InferError, agree};
use super::instruction::{Instruction, InstructionId, Metadata, ShardingText};
use super::module::Module;
use super::opcode::{Op, Opcode};
use super::shape::Shape;

/// Makes every user of `old` use `new`, and `new` the root if `old` was. `old` stays.
///
/// # Panics
/// If the shapes differ.
pub fn replace_all_uses(
    module: &mut Module,
    computation: ComputationId,
    old: InstructionId,
    new: InstructionId,
) {
    if old == new {
        return;
    }
    let computation = module.computation_mut(computation);
    computation.require_same_shape(old, new);
    for user in std::mem::take(&mut computation.users[old.index()]) {
        let operands = &mut computation.instruction_mut(user).operands;
        operands.iter_mut().filter(|operand| **operand == old).for_each(|operand| *operand = new);
        computation.users[new.index()].insert(user);
    }
    if computation.root == Some(old) {
        computation.root = Some(new);
    }
}

/// Makes every user of `old` use `new`, which takes over metadata and sharding where it has none,
/// and removes `old` with the operands that only it used.
///
/// # Panics
/// If the shapes differ, or `old` is an operand of `new` (then use [`replace_all_uses`] before
/// `new` uses `old`).
pub fn replace(
    module: &mut Module,
    computation: ComputationId,
    old: InstructionId,
    new: InstructionId,
) {
    if old == new {
        return;
    }
    let instructions = module.computation_mut(computation);
    assert!(
        !instructions.instruction(new).operands.contains(&old),
        "{} would use itself",
        instructions.instruction(new).name
    );
    let (metadata, sharding) = {
        let old = instructions.instruction(old);
        (old.metadata.clone(), old.sharding.clone())
    };
    let target = instructions.instruction_mut(new);
    if target.metadata == Metadata::default() {
        target.metadata = metadata;
    }
    if target.sharding.is_none() {
        target.sharding = sharding;
    }
    replace_all_uses(module, computation, old, new);
    remove_if_dead(module, computation, old);
}

/// Replaces operand number `index` of `user`.
///
/// # Panics
/// If the shapes differ or there is no such operand.
pub fn set_operand(
    module: &mut Module,
    computation: ComputationId,
    user: InstructionId,
    index: usize,
    new: InstructionId,
) {
    let computation = module.computation_mut(computation);
    let old = computation.instruction(user).operands[index];
    computation.require_same_shape(old, new);
    computation.put_operand(user, index, new);
}

/// Like [`set_operand`], for a `new` that may lie in memory in another order.
///
/// # Panics
/// If the shapes differ in more than layouts.
pub fn set_operand_in_any_layout(
    module: &mut Module,
    computation: ComputationId,
    user: InstructionId,
    index: usize,
    new: InstructionId,
) {
    let computation = module.computation_mut(computation);
    let old = computation.instruction(user).operands[index];
    let (old_shape, new_shape) =
        (&computation.instruction(old).shape, &computation.instruction(new).shape);
    assert!(old_shape.same_but_layout(new_shape), "{old_shape} was replaced by {new_shape}");
    computation.put_operand(user, index, new);
}

/// Makes `root` the result of the computation. Its shape may be another one as long as nothing
/// calls the computation.
///
/// # Panics
/// If `root` is not an instruction of the computation.
pub fn set_root(module: &mut Module, computation: ComputationId, root: InstructionId) {
    let computation = module.computation_mut(computation);
    assert!(computation.get(root).is_some(), "{root:?} is not in {}", computation.name);
    computation.root = Some(root);
    computation.root_is_set = true;
}

/// Sets the layouts of an instruction's result.
///
/// # Panics
/// If `shape` differs in more than layouts.
pub fn set_layout(
    module: &mut Module,
    computation: ComputationId,
    id: InstructionId,
    shape: Shape,
) {
    let instruction = module.computation_mut(computation).instruction_mut(id);
    let (name, old) = (&instruction.name, &instruction.shape);
    assert!(shape.same_but_layout(old), "{name} is {old}, its layout was set to {shape}");
    instruction.shape = shape;
}

/// Sets where an instruction comes from.
pub fn set_metadata(
    module: &mut Module,
    computation: ComputationId,
    id: InstructionId,
    metadata: Metadata,
) {
    module.computation_mut(computation).instruction_mut(id).metadata = metadata;
}

/// Sets or removes the sharding of an instruction.
pub fn set_sharding(
    module: &mut Module,
    computation: ComputationId,
    id: InstructionId,
    sharding: Option<ShardingText>,
) {
    module.computation_mut(computation).instruction_mut(id).sharding = sharding;
}

/// Sets the listing order.
///
/// # Panics
/// If `order` is not a permutation of the instructions.
pub fn set_order(module: &mut Module, computation: ComputationId, order: Vec<InstructionId>) {
    let computation = module.computation_mut(computation);
    let mut sorted = order.clone();
    sorted.sort_unstable();
    let complete = sorted.into_iter().eq(computation.instructions.iter().map(|(id, _)| id));
    assert!(complete, "the order of {} is a permutation of its instructions", computation.name);
    computation.order = order;
}

/// Replaces the computations that an instruction calls.
///
/// # Errors
/// The instruction cannot call the new ones; it is unchanged.
pub fn map_called_computations(
    module: &mut Module,
    computation: ComputationId,
    id: InstructionId,
    map: &mut dyn FnMut(ComputationId) -> ComputationId,
) -> Result<(), InferError> {
    let instruction = module.instruction(computation, id);
    let mut op = instruction.op.clone();
    op.map_computations(map);
    let owner = module.computation(computation);
    let operands: Vec<&Shape> =
        instruction.operands.iter().map(|&operand| owner.instruction(operand).shape()).collect();
    super::infer::infer(&op, &operands, Some(&instruction.shape), module)?;
    module.computation_mut(computation).instruction_mut(id).op = op;
    Ok(())
}

/// Removes `id` if it is not needed, and then its operands likewise.
///
/// Needed are: the root, what has users, parameters, and what has a side effect.
pub fn remove_if_dead(module: &mut Module, computation: ComputationId, id: InstructionId) {
    let mut candidates = vec![id];
    while let Some(id) = candidates.pop() {
        let owner = module.computation(computation);
        let Some(instruction) = owner.get(id) else { continue };
        let needed = owner.root == Some(id)
            || !owner.users[id.index()].is_empty()
            || instruction.opcode() == Opcode::Parameter
            || has_side_effect(module, instruction);
        if !needed {
            candidates.extend(module.computation_mut(computation).remove(id).operands);
        }
    }
}

/// Removes an instruction that nobody uses, even if it has a side effect, and then its operands
/// likewise unless they are needed. For what never runs, or whose side effect something else has
/// now.
///
/// # Panics
/// If it is used, or the root.
pub fn remove_unused(module: &mut Module, computation: ComputationId, id: InstructionId) {
    let owner = module.computation_mut(computation);
    let is_used = owner.root == Some(id) || !owner.users[id.index()].is_empty();
    assert!(!is_used, "{} was removed and is used", owner.instruction(id).name);
    for operand in owner.remove(id).operands {
        remove_if_dead(module, computation, operand);
    }
}

/// Removes every instruction that neither the root nor a side effect needs. Parameters stay.
/// Returns how many were removed.
pub fn remove_dead(module: &mut Module, computation: ComputationId) -> usize {
    let effects = side_effects_of(module, module.post_order_from(computation));
    let computation = module.computation_mut(computation);
    let kept = computation.instructions().filter(|(_, instruction)| {
        instruction.opcode() == Opcode::Parameter || effects.contain(instruction)
    });
    let mut pending: Vec<InstructionId> = kept.map(|(id, _)| id).chain(computation.root).collect();
    let mut live = vec![false; computation.instructions.capacity()];
    while let Some(id) = pending.pop() {
        if !std::mem::replace(&mut live[id.index()], true) {
            pending.extend(&computation.instruction(id).operands);
        }
    }
    let ids: Vec<InstructionId> = computation.instructions().map(|(id, _)| id).collect();
    let (order, dead): (Vec<_>, Vec<_>) = ids.into_iter().partition(|id| live[id.index()]);
    computation.order = order;
    for &id in &dead {
        computation.remove(id);
    }
    dead.len()
}

/// The computations that have a side effect, directly or through what they call.
pub fn computations_with_side_effects(module: &Module) -> SideEffects {
    side_effects_of(module, module.post_order())
}

/// Those of `computations` that have a side effect; whoever is called comes before its callers.
fn side_effects_of(module: &Module, computations: Vec<ComputationId>) -> SideEffects {
    let mut found = SideEffects::default();
    for id in computations {
        let mut instructions = module.computation(id).instructions();
        if instructions.any(|(_, instruction)| found.contain(instruction)) {
            found.0.insert(id);
        }
    }
    found
}

/// The computations of a module that have a side effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SideEffects(BTreeSet<ComputationId>);

impl SideEffects {
    /// Those computations.
    pub fn computations(&self) -> &BTreeSet<ComputationId> {
        &self.0
    }

    /// Has the instruction a side effect, itself or through what it calls?
    pub fn contain(&self, instruction: &Instruction) -> bool {
        let mut called = instruction.op.called_computations().into_iter();
        instruction.op.has_side_effect() || called.any(|called| self.0.contains(&called))
    }
}

/// Has the instruction a side effect, itself or through what it calls?
///
/// For a whole computation, [`computations_with_side_effects`] is cheaper.
pub fn has_side_effect(module: &Module, instruction: &Instruction) -> bool {
    let mut called = instruction.op.called_computations().into_iter();
    instruction.op.has_side_effect()
        || called.any(|called| {
            let mut reached = module.post_order_from(called).into_iter();
            reached.any(|id| {
                let mut instructions = module.computation(id).instructions();
                instructions.any(|(_, instruction)| instruction.op.has_side_effect())
            })
        })
}

/// Copies an instruction of `from` to the computation `to`, with new operands.
///
/// # Errors
/// The operands do not fit.
pub fn clone_instruction(
    module: &mut Module,
    (from, id): (ComputationId, InstructionId),
    to: ComputationId,
    operands: &[InstructionId],
) -> Result<InstructionId, InferError> {
    let Instruction { op, shape, name, metadata, sharding, frontend_attributes, .. } =
        module.instruction(from, id).clone();
    let extras = Extras {
        name: Some(name),
        shape: Some(shape),
        metadata: Some(metadata),
        sharding,
        frontend_attributes,
    };
    ComputationBuilder::new(module, to).add_with(op, operands, extras)
}

/// Copies the instructions of `from` into `to`, `arguments` in the place of the parameters, and
/// returns what the root of `from` became. The root of `to` stays.
///
/// # Errors
/// The arguments do not fit.
pub fn inline(
    module: &mut Module,
    from: ComputationId,
    to: ComputationId,
    arguments: &[InstructionId],
) -> Result<InstructionId, InferError> {
    let mut values: BTreeMap<InstructionId, InstructionId> = BTreeMap::new();
    let source = module.computation(from);
    let (given, needed) = (arguments.len(), source.parameters.len());
    if given != needed {
        let message = format!("{} takes {needed} arguments, {given} given", source.name);
        return Err(InferError::new(Opcode::Call, "call arguments", message));
    }
    let (order, root) = (source.post_order(), source.root());
    for id in order {
        let instruction = module.instruction(from, id);
        let value = if let Op::Parameter { number } = *instruction.op() {
            arguments[number]
        } else {
            let operands: Vec<_> = instruction.operands.iter().map(|id| values[id]).collect();
            clone_instruction(module, (from, id), to, &operands)?
        };
        values.insert(id, value);
    }
    Ok(values[&root])
}

/// Puts the body of the called computation in the place of a `call` or `fusion`, and removes that
/// with the operands that only it used.
///
/// # Panics
/// If `call` is neither.
pub fn inline_call(module: &mut Module, computation: ComputationId, call: InstructionId) {
    let instruction = module.instruction(computation, call);
    let (Op::Call { to_apply: callee } | Op::Fusion { calls: callee, .. }) = *instruction.op()
    else {
        panic!("{} was inlined, it is a {}", instruction.name(), instruction.opcode());
    };
    let arguments = instruction.operands().to_vec();
    inline_in_place(module, computation, call, (callee, &arguments));
}

/// Puts the body of `callee`, applied to `arguments`, in the place of the instruction `id`, and
/// removes that with the operands that only it used. Side effects of the body take the place of
/// those that `id` has.
///
/// # Panics
/// If the arguments or the result do not fit.
pub fn inline_in_place(
    module: &mut Module,
    computation: ComputationId,
    id: InstructionId,
    (callee, arguments): (ComputationId, &[InstructionId]),
) {
    let listed = module.computation(computation).order.len();
    let value = inline(module, callee, computation, arguments);
    let value = value.expect("the arguments fit the computation");
    replace_all_uses(module, computation, id, value);
    // Side effects run in listing order, so the copy is listed where the instruction was.
    let order = &mut module.computation_mut(computation).order;
    let copies = order.split_off(listed);
    let place = order.iter().position(|&other| other == id).expect("the instruction is listed");
    order.splice(place..=place, copies);
    // Also if the body has a side effect: that one is in the copy now.
    remove_unused(module, computation, id);
}

/// Adds a copy of a computation to the module. Computations that it calls are shared.
pub fn clone_computation(module: &mut Module, id: ComputationId, name: &str) -> ComputationId {
    let copy = add_computation(module, name);
    let source = module.computation(id);
    let shapes: Vec<(InstructionId, Shape)> = source
        .parameters
        .iter()
        .map(|&parameter| (parameter, source.instruction(parameter).shape.clone()))
        .collect();
    let mut arguments = Vec::with_capacity(shapes.len());
    for (parameter, _) in shapes {
        let cloned = clone_instruction(module, (id, parameter), copy, &[]);
        arguments.push(cloned.expect("a parameter may have any shape"));
    }
    let root = inline(module, id, copy, &arguments).expect("the parameters have the right shapes");
    set_root(module, copy, root);
    copy
}

/// Removes the computations that the entry does not call, directly or not. Returns how many.
pub fn retain_reachable_computations(module: &mut Module) -> usize {
    let reachable: BTreeSet<_> = module.post_order_from(module.entry()).into_iter().collect();
    let all: Vec<ComputationId> = module.computations().map(|(id, _)| id).collect();
    let dead: Vec<_> = all.into_iter().filter(|id| !reachable.contains(id)).collect();
    for &id in &dead {
        module.computations.remove(id);
    }
    dead.len()
}

impl Module {
    fn computation_mut(&mut self, id: ComputationId) -> &mut Computation {
        self.computations
            .get_mut(id)
            .unwrap_or_else(|| panic!("computation {id:?} is not in the module"))
    }
}

impl Computation {
    /// Replaces an operand without looking at shapes.
    fn put_operand(&mut self, user: InstructionId, index: usize, new: InstructionId) {
        let operands = &mut self.instruction_mut(user).operands;
        let old = std::mem::replace(&mut operands[index], new);
        let still_used = operands.contains(&old);
        if !still_used {
            self.users[old.index()].remove(&user);
        }
        self.users[new.index()].insert(user);
    }

    fn instruction_mut(&mut self, id: InstructionId) -> &mut Instruction {
        let name = &self.name;
        let instruction = self.instructions.get_mut(id);
        instruction.unwrap_or_else(|| panic!("instruction {id:?} is not in {name}"))
    }

    fn require_same_shape(&self, old: InstructionId, new: InstructionId) {
        let (old, new) = (self.instruction(old), self.instruction(new));
        let (a, b) = (&old.shape, &new.shape);
        assert!(agree(a, b).is_some(), "{} ({a}) was replaced by {} ({b})", old.name, new.name);
    }

    /// Takes an instruction out of the arena and the use lists.
    fn remove(&mut self, id: InstructionId) -> Instruction {
        let instruction = self.instructions.remove(id).expect("it was looked up before");
        for operand in &instruction.operands {
            self.users[operand.index()].remove(&id);
        }
        self.users[id.index()].clear();
        instruction
    }
}
