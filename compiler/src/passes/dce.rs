//! Dead code elimination: what nothing needs and has no effect goes away, and computations that
//! nothing calls.

use super::{Changed, PassContext, PassError};
use crate::{
    analysis::sequential_computations,
    hlo::{Module, rewrite},
};

/// See the module.
///
/// # Errors
/// None; the signature is that of all passes.
pub fn dce(module: &mut Module, _: &PassContext) -> Result<Changed, PassError> {
    let mut removed = 0;
    for computation in sequential_computations(module) {
        removed += rewrite::remove_dead(module, computation);
    }
    removed += rewrite::retain_reachable_computations(module);
    Ok(if removed > 0 { Changed::Yes } else { Changed::No })
}
