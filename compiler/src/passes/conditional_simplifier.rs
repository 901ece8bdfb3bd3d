//! A conditional that always takes the same branch becomes that branch.

use super::{Changed, PassContext, PassError};
use crate::{
    analysis::sequential_computations,
    hlo::{ComputationId, InstructionId, Literal, Module, Op, rewrite},
};

/// See the module.
///
/// # Errors
/// None; the signature is that of all passes.
pub fn conditional_simplifier(module: &mut Module, _: &PassContext) -> Result<Changed, PassError> {
    let mut changed = Changed::No;
    for computation in sequential_computations(module) {
        for id in module.computation(computation).post_order() {
            let Some(branch) = known_branch(module, computation, id) else { continue };
            let (callee, argument) = branch;
            rewrite::inline_in_place(module, computation, id, (callee, &[argument]));
            changed = Changed::Yes;
        }
    }
    rewrite::retain_reachable_computations(module);
    Ok(changed)
}

/// The branch that a conditional always takes, and its operand.
fn known_branch(
    module: &Module,
    computation: ComputationId,
    id: InstructionId,
) -> Option<(ComputationId, InstructionId)> {
    let owner = module.computation(computation);
    let conditional = owner.get(id)?;
    let Op::Conditional { branch_computations } = conditional.op() else { return None };
    let (&selector, operands) = conditional.operands().split_first()?;
    let Op::Constant { literal: Literal::Array(selector) } = owner.instruction(selector).op()
    else {
        return None;
    };
    let value = selector.get_i64(0)?;
    let last = branch_computations.len() - 1;
    let branch = if selector.element_type() == crate::hlo::ElementType::Pred {
        usize::from(value == 0)
    } else {
        usize::try_from(value).map_or(last, |index| index.min(last))
    };
    Some((branch_computations[branch], operands[branch]))
}
