//! Removes dimensions of size 1 from intermediate values: `[512,1]` becomes `[512]`.
//!
//! Every value exists in its *squeezed* form, without dimensions of size 1, and in other forms only
//! where something needs them: parameters, results, tuples, calls and loops keep their shapes, with
//! one `reshape` between. Operations are done on squeezed forms, so that no `reshape` or
//! `broadcast` that only adds or drops such dimensions is left between them. Where an operation
//! itself makes a dimension of size 1 or needs one (a slice of one element, concatenation of single
//! rows), that one stays there.
//!
//! Values do not change. Runs before layouts are assigned; computations of fusions are left alone.

mod data;
mod kept;

use std::collections::BTreeMap;

use super::{Changed, PassContext, PassError};
use crate::hlo::{
    ComputationBuilder, ComputationId, Extras, InferError, Instruction, InstructionId, Literal,
    Module, Op, Opcode, Shape, rewrite,
};
use kept::Kept;

/// See the module's comment.
///
/// # Errors
/// None of its own.
pub fn degenerate_dimension_remover(
    module: &mut Module,
    _context: &PassContext,
) -> Result<Changed, PassError> {
    let mut changed = Changed::No;
    let fused: Vec<ComputationId> = module
        .computations()
        .flat_map(|(_, computation)| computation.instructions())
        .filter(|(_, instruction)| instruction.opcode() == Opcode::Fusion)
        .flat_map(|(_, instruction)| instruction.op().called_computations())
        .collect();
    for computation in module.post_order() {
        if !fused.contains(&computation) && has_degenerate(module, computation) {
            changed |= remove_from(module, computation)?;
        }
    }
    Ok(changed)
}

fn has_degenerate(module: &Module, computation: ComputationId) -> bool {
    let mut instructions = module.computation(computation).instructions();
    instructions.any(|(_, instruction)| {
        instruction.shape().as_array().is_some_and(|array| array.dimensions().contains(&1))
    })
}

fn remove_from(module: &mut Module, computation: ComputationId) -> Result<Changed, PassError> {
    let root = module.computation(computation).root();
    let mut remover = Remover {
        module,
        computation,
        values: Vec::new(),
        value_of: BTreeMap::new(),
        changed: Changed::No,
    };
    for id in remover.module.computation(computation).post_order() {
        remover.visit(id).map_err(|cause| {
            let instruction = remover.module.instruction(computation, id).name().to_owned();
            PassError::Rewrite { instruction, cause }
        })?;
    }
    let new_root = remover.original_form(root).map_err(|cause| {
        let instruction = remover.module.instruction(computation, root).name().to_owned();
        PassError::Rewrite { instruction, cause }
    })?;
    let changed = remover.changed | Changed::from(new_root != root);
    rewrite::set_root(module, computation, new_root);
    if changed == Changed::Yes {
        rewrite::remove_dead(module, computation);
    }
    Ok(changed)
}

/// A value in the forms that exist so far; they differ in dimensions of size 1 only.
struct Value {
    /// The instruction that computes it.
    source: InstructionId,
    /// The instructions that have it, by their dimensions.
    forms: BTreeMap<Vec<usize>, InstructionId>,
}

/// How an instruction is to be done without dimensions of size 1.
enum Plan {
    /// As this op on these operands, with a result of these dimensions.
    Op(Op, Vec<InstructionId>, Vec<usize>),
    /// It has the value of one of its operands, in another form.
    Operand(usize),
    /// As it is, on operands as they were.
    AsItIs,
}

struct Remover<'m> {
    module: &'m mut Module,
    computation: ComputationId,
    values: Vec<Value>,
    /// The value of every array among the old instructions.
    value_of: BTreeMap<InstructionId, usize>,
    changed: Changed,
}

impl Remover<'_> {
    fn instruction(&self, id: InstructionId) -> &Instruction {
        self.module.instruction(self.computation, id)
    }

    fn dimensions(&self, id: InstructionId) -> &[usize] {
        self.instruction(id).array_shape().dimensions()
    }

    fn visit(&mut self, id: InstructionId) -> Result<(), InferError> {
        match self.plan(id)? {
            Plan::Op(op, operands, dimensions) => {
                let new = self.make(id, op, &operands, dimensions)?;
                self.add_value(id, new);
            }
            Plan::Operand(n) => self.add_form(id, n),
            Plan::AsItIs => {
                for n in 0..self.instruction(id).operands().len() {
                    let old = self.instruction(id).operands()[n];
                    let form = self.original_form(old)?;
                    if form != old {
                        rewrite::set_operand(self.module, self.computation, id, n, form);
                        self.changed = Changed::Yes;
                    }
                }
                if self.instruction(id).shape().as_array().is_some() {
                    self.add_value(id, id);
                }
            }
        }
        Ok(())
    }

    /// Notes that the old instruction `id` has the value that `source` computes.
    fn add_value(&mut self, id: InstructionId, source: InstructionId) {
        let forms = BTreeMap::from([(self.dimensions(source).to_vec(), source)]);
        self.value_of.insert(id, self.values.len());
        self.values.push(Value { source, forms });
    }

    /// Notes that the old instruction `id` has the value of its operand `n`.
    fn add_form(&mut self, id: InstructionId, n: usize) {
        let operand = self.instruction(id).operands()[n];
        let value = self.value_of[&operand];
        self.value_of.insert(id, value);
        let (dimensions, of_operand) =
            (self.dimensions(id).to_vec(), self.dimensions(operand).to_vec());
        let forms = &mut self.values[value].forms;
        let operand_stays = forms.get(&of_operand) == Some(&operand);
        if operand_stays
            && self.module.instruction(self.computation, id).opcode() == Opcode::Reshape
        {
            forms.entry(dimensions).or_insert(id);
        }
    }

    /// The value of an old instruction in the shape that it had.
    fn original_form(&mut self, old: InstructionId) -> Result<InstructionId, InferError> {
        let Some(array) = self.instruction(old).shape().as_array() else { return Ok(old) };
        let dimensions = array.dimensions().to_vec();
        self.form(old, dimensions)
    }

    /// The value of an old instruction without dimensions of size 1.
    fn squeezed(&mut self, old: InstructionId) -> Result<InstructionId, InferError> {
        let squeezed = Kept::larger_than_one(self.dimensions(old)).of(self.dimensions(old));
        self.form(old, squeezed)
    }

    /// The value of an old instruction in a form with these dimensions.
    fn form(
        &mut self,
        old: InstructionId,
        dimensions: Vec<usize>,
    ) -> Result<InstructionId, InferError> {
        let value = &self.values[self.value_of[&old]];
        if let Some(&form) = value.forms.get(&dimensions) {
            return Ok(form);
        }
        let source = value.source;
        let metadata = self.instruction(source).metadata().clone();
        let mut builder =
            ComputationBuilder::new(self.module, self.computation).with_metadata(metadata);
        let form = builder.reshape(source, &dimensions)?;
        self.changed = Changed::Yes;
        self.values[self.value_of[&old]].forms.insert(dimensions, form);
        Ok(form)
    }

    /// The instruction that does the work of the old instruction `id` in this way; that may be
    /// `id` itself.
    fn make(
        &mut self,
        id: InstructionId,
        op: Op,
        operands: &[InstructionId],
        dimensions: Vec<usize>,
    ) -> Result<InstructionId, InferError> {
        let old = self.instruction(id);
        let element_type = old.array_shape().element_type();
        let same_dimensions = old.array_shape().dimensions() == dimensions;
        if same_dimensions && *old.op() == op && old.operands() == operands {
            return Ok(id);
        }
        let shape = Shape::array(element_type, dimensions)
            .map_err(|error| InferError::new(op.opcode(), "size", error.to_string()))?;
        let extras = Extras {
            name: Some(old.name().to_owned()),
            shape: Some(shape),
            metadata: Some(old.metadata().clone()),
            sharding: old.sharding().filter(|_| same_dimensions).cloned(),
            frontend_attributes: old.frontend_attributes().clone(),
        };
        self.changed = Changed::Yes;
        ComputationBuilder::new(self.module, self.computation).add_with(op, operands, extras)
    }

    /// How to do an instruction.
    fn plan(&mut self, id: InstructionId) -> Result<Plan, InferError> {
        let instruction = self.instruction(id);
        let Some(result) = instruction.shape().as_array() else { return Ok(Plan::AsItIs) };
        let kept = Kept::larger_than_one(result.dimensions());
        let squeezed = kept.of(result.dimensions());
        let op = instruction.op().clone();
        if op.opcode().is_elementwise() || matches!(op, Op::Clamp | Op::Select) {
            return self.elementwise(id, op, squeezed);
        }
        #[expect(clippy::wildcard_enum_match_arm, reason = "what is not known keeps its form")]
        Ok(match op {
            Op::Constant { literal: Literal::Array(array) } => {
                let array = array.reshape(&squeezed);
                let array = array.expect("dimensions of size 1 do not count");
                Plan::Op(Op::Constant { literal: array.into() }, Vec::new(), squeezed)
            }
            Op::BitcastConvert => {
                let operand = instruction.operands()[0];
                let (from, to) = (self.instruction(operand).array_shape(), result);
                if from.element_type().bit_width() != to.element_type().bit_width() {
                    return Ok(Plan::AsItIs);
                }
                return self.elementwise(id, Op::BitcastConvert, squeezed);
            }
            Op::Iota { iota_dimension } => self.iota(id, iota_dimension, &kept)?,
            Op::Reshape => self.reshape(id, squeezed)?,
            Op::Broadcast { dimensions } => self.broadcast(id, &dimensions, &kept)?,
            Op::Transpose { dimensions } => self.transpose(id, &dimensions)?,
            Op::Slice { slice } => self.slice(id, &slice)?,
            Op::Pad { padding } => self.pad(id, &padding)?,
            Op::Concatenate { dimension } => self.concatenate(id, dimension)?,
            Op::Reverse { dimensions } => self.reverse(id, &dimensions)?,
            Op::DynamicSlice { dynamic_slice_sizes } => {
                self.dynamic_slice(id, &dynamic_slice_sizes)?
            }
            Op::DynamicUpdateSlice => self.dynamic_update_slice(id)?,
            Op::Gather { dimension_numbers, slice_sizes, indices_are_sorted } => {
                self.gather(id, &dimension_numbers, slice_sizes, indices_are_sorted)?
            }
            Op::Reduce { dimensions, to_apply } => self.reduce(id, &dimensions, to_apply)?,
            Op::Dot { dimension_numbers, operand_precision } => {
                self.dot(id, &dimension_numbers, operand_precision)?
            }
            _ => Plan::AsItIs,
        })
    }

    fn elementwise(
        &mut self,
        id: InstructionId,
        op: Op,
        squeezed: Vec<usize>,
    ) -> Result<Plan, InferError> {
        let operands = self.instruction(id).operands().to_vec();
        let operands = operands.into_iter().map(|operand| self.squeezed(operand));
        Ok(Plan::Op(op, operands.collect::<Result<_, _>>()?, squeezed))
    }
}
