//! A computation on scalars, run on many scalars at once.
//!
//! Elementwise ops mean the same on arrays as on each of their elements, so a computation that is
//! made of them can be run on lines of elements as well as on single ones.

use super::{EvaluatorOptions, array_op};
use crate::hlo::{ArrayLiteral, ArrayShape, Computation, Instruction, InstructionId, Literal, Op};

/// A computation of elementwise ops on scalars, for lines of a certain length.
pub(super) struct Lifted<'c> {
    computation: &'c Computation,
    root: InstructionId,
    order: Vec<InstructionId>,
    /// The constants as lines, by instruction.
    constants: Vec<Option<ArrayLiteral>>,
    length: usize,
    options: EvaluatorOptions,
}

impl<'c> Lifted<'c> {
    /// The computation for lines of `length` scalars, if it can be lifted.
    pub(super) fn new(computation: &'c Computation, length: usize) -> Option<Self> {
        Self::of(computation, computation.root(), length)
    }

    /// The same for what only `root` and its operands compute.
    pub(super) fn of(
        computation: &'c Computation,
        root: InstructionId,
        length: usize,
    ) -> Option<Self> {
        let order = computation.post_order_of(root);
        let liftable = |id: InstructionId| {
            let instruction = computation.instruction(id);
            let scalar = instruction.shape().as_array().is_some_and(ArrayShape::is_scalar);
            let tuple = id == root && matches!(instruction.op(), Op::Tuple);
            tuple || scalar && is_liftable(instruction.op())
        };
        let effects = computation.instructions().any(|(_, other)| {
            other.op().has_side_effect() || !other.op().called_computations().is_empty()
        });
        if effects || !order.iter().all(|&id| liftable(id)) {
            return None;
        }
        let mut constants = vec![None; computation.id_capacity()];
        for &id in &order {
            if let Op::Constant { literal: Literal::Array(scalar) } =
                computation.instruction(id).op()
            {
                let line = line(computation.instruction(id), length);
                constants[id.index()] = ArrayLiteral::splat(&line, scalar).ok();
            }
        }
        let options = EvaluatorOptions::default();
        Some(Self { computation, root, order, constants, length, options })
    }

    /// The results for lines of arguments.
    pub(super) fn run(&self, arguments: Vec<ArrayLiteral>) -> Vec<ArrayLiteral> {
        let mut values = self.constants.clone();
        for &id in &self.order {
            let instruction = self.computation.instruction(id);
            let operands = instruction.operands().iter();
            let operands = operands.map(|operand| {
                values[operand.index()].clone().expect("operands are evaluated before users")
            });
            #[expect(clippy::wildcard_enum_match_arm, reason = "all others are elementwise ops")]
            let value = match instruction.op() {
                Op::Constant { .. } => continue,
                Op::Parameter { number } => arguments[*number].clone(),
                Op::Tuple => return operands.collect(),
                op => {
                    let (operands, line) = (operands.collect(), line(instruction, self.length));
                    let value = array_op::evaluate(op, &line, &[], operands, &self.options);
                    value.expect("elementwise ops cannot fail")
                }
            };
            values[id.index()] = Some(value);
        }
        values.swap_remove(self.root.index()).into_iter().collect()
    }
}

fn is_liftable(op: &Op) -> bool {
    let leaf = matches!(op, Op::Parameter { .. } | Op::Constant { .. });
    leaf || op.opcode().is_elementwise() || matches!(op, Op::Select | Op::Clamp)
}

/// The shape of a line of an instruction's values.
fn line(instruction: &Instruction, length: usize) -> ArrayShape {
    let element_type = instruction.array_shape().element_type();
    ArrayShape::new(element_type, vec![length]).expect("the accumulators are as many")
}
