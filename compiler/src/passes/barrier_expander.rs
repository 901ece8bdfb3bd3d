//! Removes `opt-barrier`s, when nothing that they held back runs any more.
//!
//! Behind it, no pass may merge or move computations: what was to be computed twice would be
//! computed once.

use super::site::rewrite_module;
use super::{Changed, PassContext, PassError};
use crate::hlo::{Module, Op};

/// See the module.
///
/// # Errors
/// None of its own.
pub fn barrier_expander(module: &mut Module, _: &PassContext) -> Result<Changed, PassError> {
    rewrite_module(module, &mut |site| {
        let is_barrier = *site.instruction().op() == Op::OptBarrier;
        Ok(is_barrier.then(|| site.operand(0)))
    })
}
