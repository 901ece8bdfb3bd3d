//! Arrays without elements are constants: nothing has to be computed, and the device never sees
//! them.
//!
//! Parameters stay, but nobody reads them.

use super::site::{Rewritten, Site, rewrite_module};
use super::{Changed, PassContext, PassError};
use crate::hlo::{ArrayLiteral, Module, Op};

/// See the module.
///
/// # Errors
/// None of its own.
pub fn zero_sized_elimination(module: &mut Module, _: &PassContext) -> Result<Changed, PassError> {
    rewrite_module(module, &mut eliminate)
}

fn eliminate(site: &mut Site<'_>) -> Rewritten {
    let instruction = site.instruction();
    let Some(shape) = instruction.shape().as_array() else { return Ok(None) };
    if shape.element_count() > 0 || matches!(instruction.op(), Op::Constant { .. }) {
        return Ok(None);
    }
    let literal = ArrayLiteral::zeros(shape).into();
    site.same(Op::Constant { literal }, &[])
}
