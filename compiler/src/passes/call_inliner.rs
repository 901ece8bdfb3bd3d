//! Inlining: calls are replaced by what they call.

use super::{Changed, PassContext, PassError};
use crate::{
    analysis::sequential_computations,
    hlo::{Module, Opcode, rewrite},
};

/// See the module.
///
/// # Errors
/// None; the signature is that of all passes.
pub fn call_inliner(module: &mut Module, _: &PassContext) -> Result<Changed, PassError> {
    let mut changed = Changed::No;
    // Callees come before callers, so what is inlined has no calls left.
    for computation in sequential_computations(module) {
        let calls: Vec<_> = (module.computation(computation).instructions())
            .filter(|(_, instruction)| instruction.opcode() == Opcode::Call)
            .map(|(id, _)| id)
            .collect();
        for call in calls {
            rewrite::inline_call(module, computation, call);
            changed = Changed::Yes;
        }
    }
    rewrite::retain_reachable_computations(module);
    Ok(changed)
}
