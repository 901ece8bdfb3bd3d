//! Computations on scalars, written on arrays: elementwise ops mean the same on both.

use super::site::Site;
use crate::hlo::{
    Computation, ComputationBuilder, ComputationId, InferError, Instruction, InstructionId, Op,
    Shape,
};
use std::collections::BTreeMap;

/// A computation of elementwise ops on scalars.
pub(super) struct Lifted {
    instructions: Vec<(InstructionId, Instruction)>,
    root: InstructionId,
}

impl Lifted {
    /// The computation, if it can be written on arrays.
    pub(super) fn new(site: &Site<'_>, computation: ComputationId) -> Option<Self> {
        let computation = site.module().computation(computation);
        let order = computation.root_post_order();
        let all = computation.instructions();
        let is_pure = |instruction: &Instruction| {
            !instruction.op().has_side_effect() && instruction.op().called_computations().is_empty()
        };
        let fits = all.into_iter().all(|(_, other)| is_pure(other))
            && order.iter().all(|id| is_liftable(computation, *id));
        let root = computation.root();
        let instructions = order.into_iter().map(|id| (id, computation.instruction(id).clone()));
        fits.then(|| Self { instructions: instructions.collect(), root })
    }

    /// The op, if the computation is one op on its two parameters, in either order.
    pub(super) fn single_op(&self) -> Option<&Op> {
        let is_parameter =
            |(_, each): &&(InstructionId, Instruction)| matches!(each.op(), Op::Parameter { .. });
        let (_, root) = self.instructions.iter().find(|(id, _)| *id == self.root)?;
        let parameters = self.instructions.iter().filter(is_parameter).count();
        let is_single = self.instructions.len() == 3
            && parameters == 2
            && root.operands().len() == 2
            && root.operands()[0] != root.operands()[1];
        is_single.then(|| root.op())
    }

    /// Whether the computation gives parameter `number` as it is.
    pub(super) fn is_parameter(&self, number: usize) -> bool {
        let root = self.instructions.iter().find(|(id, _)| *id == self.root);
        root.is_some_and(|(_, root)| *root.op() == Op::Parameter { number })
    }

    /// The results for arrays of `dimensions`, which are the arguments; scalars are repeated.
    pub(super) fn apply(
        &self,
        builder: &mut ComputationBuilder<'_>,
        arguments: &[InstructionId],
        dimensions: &[usize],
    ) -> Result<Vec<InstructionId>, InferError> {
        let mut values: BTreeMap<InstructionId, InstructionId> = BTreeMap::new();
        for (id, instruction) in &self.instructions {
            let operands: Vec<InstructionId> =
                instruction.operands().iter().map(|operand| values[operand]).collect();
            #[expect(clippy::wildcard_enum_match_arm, reason = "all others are elementwise ops")]
            let value = match instruction.op() {
                Op::Parameter { number } => arguments[*number],
                Op::Tuple => return Ok(operands),
                Op::Constant { .. } => {
                    let scalar = builder.add(instruction.op().clone(), &[])?;
                    if dimensions.is_empty() {
                        scalar
                    } else {
                        builder.broadcast(scalar, dimensions, Vec::new())?
                    }
                }
                op => {
                    let element_type = instruction.array_shape().element_type();
                    let shape = Shape::array(element_type, dimensions.to_vec());
                    let shape = shape
                        .map_err(|error| InferError::new(op.opcode(), "size", error.to_string()))?;
                    builder.add_shaped(op.clone(), &operands, shape)?
                }
            };
            values.insert(*id, value);
        }
        Ok(vec![values[&self.root]])
    }
}

fn is_liftable(computation: &Computation, id: InstructionId) -> bool {
    let instruction = computation.instruction(id);
    let op = instruction.op();
    if matches!(op, Op::Tuple) {
        return id == computation.root();
    }
    let is_scalar = instruction.shape().as_array().is_some_and(|shape| shape.is_scalar());
    let is_leaf = matches!(op, Op::Parameter { .. } | Op::Constant { .. });
    let is_elementwise = op.opcode().is_elementwise() || matches!(op, Op::Select | Op::Clamp);
    is_scalar && (is_leaf || is_elementwise)
}
