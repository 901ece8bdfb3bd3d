//! [`Site`]: an instruction under consideration, and what it takes to put another in its place.
//!
//! A *rule* looks at a site and gives the instruction that has the same value, an older one or one
//! that it made. [`rewrite_module`] applies a rule everywhere, operands first, until it finds
//! nothing more.

use super::{Changed, PassError};
use crate::hlo::{
    ArrayShape, Computation, ComputationBuilder, ComputationId, ElementType, Extras, InferError,
    Instruction, InstructionId, Literal, Module, Op, Shape, rewrite,
};

/// The same value, found or made by a rule; `None` if the rule does not apply.
pub(super) type Rewritten = Result<Option<InstructionId>, InferError>;

/// How often a rule may be applied to its own results before the sweep goes on.
const CHAIN_LIMIT: usize = 64;
/// How often a computation is swept before the rest is left to the next run of the pass.
const SWEEP_LIMIT: usize = 32;

/// An instruction that a rule looks at.
pub(super) struct Site<'m> {
    module: &'m mut Module,
    computation: ComputationId,
    id: InstructionId,
}

impl<'m> Site<'m> {
    pub(super) fn new(
        module: &'m mut Module,
        computation: ComputationId,
        id: InstructionId,
    ) -> Self {
        Self { module, computation, id }
    }

    pub(super) fn id(&self) -> InstructionId {
        self.id
    }

    pub(super) fn module(&self) -> &Module {
        self.module
    }

    /// The module, to add computations to it.
    pub(super) fn module_mut(&mut self) -> &mut Module {
        self.module
    }

    pub(super) fn computation(&self) -> &Computation {
        self.module.computation(self.computation)
    }

    /// The instruction itself.
    pub(super) fn instruction(&self) -> &Instruction {
        self.get(self.id)
    }

    /// Any instruction of the computation.
    pub(super) fn get(&self, id: InstructionId) -> &Instruction {
        self.computation().instruction(id)
    }

    /// What an instruction does.
    pub(super) fn op(&self, id: InstructionId) -> &Op {
        self.get(id).op()
    }

    /// Operand `n` of the site.
    pub(super) fn operand(&self, n: usize) -> InstructionId {
        self.instruction().operands()[n]
    }

    /// Operand `n` of any instruction.
    pub(super) fn operand_of(&self, id: InstructionId, n: usize) -> InstructionId {
        self.get(id).operands()[n]
    }

    /// The shape of an array.
    pub(super) fn array(&self, id: InstructionId) -> &ArrayShape {
        self.get(id).array_shape()
    }

    pub(super) fn dimensions(&self, id: InstructionId) -> &[usize] {
        self.array(id).dimensions()
    }

    pub(super) fn element_type(&self, id: InstructionId) -> ElementType {
        self.array(id).element_type()
    }

    /// Does an instruction have the shape of the site, layouts included?
    pub(super) fn fits(&self, id: InstructionId) -> bool {
        let (own, other) = (self.instruction().shape(), self.get(id).shape());
        own == other || own.same_but_layout(other) && !has_layout(own)
    }

    /// `id` if it can take the place of the site.
    pub(super) fn same_shape(&self, id: InstructionId) -> Option<InstructionId> {
        self.fits(id).then_some(id)
    }

    /// Makes instructions that come from where the site comes from.
    pub(super) fn build(&mut self) -> ComputationBuilder<'_> {
        let metadata = self.instruction().metadata().clone();
        ComputationBuilder::new(self.module, self.computation).with_metadata(metadata)
    }

    /// Makes an instruction of the shape of the site.
    pub(super) fn same(&mut self, op: Op, operands: &[InstructionId]) -> Rewritten {
        let shape = self.instruction().shape().without_layout();
        self.shaped(op, operands, shape).map(Some)
    }

    /// Makes an instruction with a stated shape.
    pub(super) fn shaped(
        &mut self,
        op: Op,
        operands: &[InstructionId],
        shape: Shape,
    ) -> Result<InstructionId, InferError> {
        let extras = Extras { shape: Some(shape), ..Extras::default() };
        self.build().add_with(op, operands, extras)
    }

    /// An array of `dimensions` whose elements all are `value`.
    pub(super) fn splat(
        &mut self,
        value: Literal,
        dimensions: &[usize],
    ) -> Result<InstructionId, InferError> {
        let mut builder = self.build();
        let scalar = builder.constant(value);
        if dimensions.is_empty() {
            return Ok(scalar);
        }
        builder.broadcast(scalar, dimensions, Vec::new())
    }
}

fn has_layout(shape: &Shape) -> bool {
    shape.leaves().iter().any(|leaf| leaf.layout().is_some())
}

/// Applies `rule` to every instruction of the module, called computations first.
pub(super) fn rewrite_module(
    module: &mut Module,
    rule: &mut dyn FnMut(&mut Site<'_>) -> Rewritten,
) -> Result<Changed, PassError> {
    let mut changed = Changed::No;
    for computation in module.post_order() {
        changed |= rewrite_computation(module, computation, rule)?;
    }
    Ok(changed)
}

/// Applies `rule` to every instruction of a computation, and to what it makes.
pub(super) fn rewrite_computation(
    module: &mut Module,
    computation: ComputationId,
    rule: &mut dyn FnMut(&mut Site<'_>) -> Rewritten,
) -> Result<Changed, PassError> {
    let mut changed = Changed::No;
    for _ in 0..SWEEP_LIMIT {
        let mut sweep = Changed::No;
        for id in module.computation(computation).post_order() {
            sweep |= rewrite_instruction(module, computation, id, rule)?;
        }
        if sweep == Changed::No {
            break;
        }
        changed = Changed::Yes;
        rewrite::remove_dead(module, computation);
    }
    Ok(changed)
}

fn rewrite_instruction(
    module: &mut Module,
    computation: ComputationId,
    mut id: InstructionId,
    rule: &mut dyn FnMut(&mut Site<'_>) -> Rewritten,
) -> Result<Changed, PassError> {
    let mut changed = Changed::No;
    for _ in 0..CHAIN_LIMIT {
        let owner = module.computation(computation);
        if owner.users(id).is_empty() && owner.root() != id {
            break;
        }
        let newest = owner.id_capacity();
        let mut site = Site::new(module, computation, id);
        let rewritten = rule(&mut site).map_err(|cause| {
            let instruction = module.instruction(computation, id).name().to_owned();
            PassError::Rewrite { instruction, cause }
        })?;
        let Some(new) = rewritten.filter(|&new| new != id) else { break };
        put_in_place(module, computation, id, new, newest);
        changed = Changed::Yes;
        if new.index() < newest {
            break;
        }
        id = new;
    }
    Ok(changed)
}

/// Makes `new` take the place of `old`. If a rule made it, it gets sharding and layout of `old`.
fn put_in_place(
    module: &mut Module,
    computation: ComputationId,
    old: InstructionId,
    new: InstructionId,
    newest: usize,
) {
    let instruction = module.instruction(computation, old);
    let (shape, sharding) = (instruction.shape().clone(), instruction.sharding().cloned());
    if new.index() >= newest {
        let made = module.instruction(computation, new);
        if has_layout(&shape) && !has_layout(made.shape()) {
            rewrite::set_layout(module, computation, new, shape);
        }
        if sharding.is_some() {
            rewrite::set_sharding(module, computation, new, sharding);
        }
    }
    rewrite::replace_all_uses(module, computation, old, new);
}

/// Lists `new`, which has the side effects now, where `old` is, and `old` last.
pub(super) fn take_place(
    module: &mut Module,
    computation: ComputationId,
    (old, new): (InstructionId, InstructionId),
) {
    let ids = module.computation(computation).instructions().map(|(id, _)| id);
    let mut order: Vec<InstructionId> = ids.filter(|&id| id != new).collect();
    if let Some(place) = order.iter().position(|&id| id == old) {
        order[place] = new;
        order.push(old);
    }
    rewrite::set_order(module, computation, order);
}
