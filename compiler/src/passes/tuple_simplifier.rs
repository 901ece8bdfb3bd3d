//! Takes tuples apart where they are put together only for that.
//!
//! An element of a `tuple` is the operand; a `tuple` of all elements of a tuple is that tuple.
//! Nothing is seen through `opt-barrier`, loops or calls.

use super::site::{Rewritten, Site, rewrite_module};
use super::{Changed, PassContext, PassError};
use crate::hlo::{Module, Op};

/// See the module's comment.
///
/// # Errors
/// None of its own.
pub fn tuple_simplifier(module: &mut Module, _context: &PassContext) -> Result<Changed, PassError> {
    rewrite_module(module, &mut simplify_tuples)
}

/// The rule.
pub(super) fn simplify_tuples(site: &mut Site<'_>) -> Rewritten {
    let instruction = site.instruction();
    if let Op::GetTupleElement { index } = *instruction.op() {
        let tuple = site.get(site.operand(0));
        let element = (*tuple.op() == Op::Tuple).then(|| tuple.operands()[index]);
        return Ok(element.filter(|&element| site.fits(element)));
    }
    if *instruction.op() == Op::Tuple {
        let mut whole = None;
        for (n, &element) in instruction.operands().iter().enumerate() {
            let element = site.get(element);
            let of =
                (*element.op() == Op::GetTupleElement { index: n }).then(|| element.operands()[0]);
            if of.is_none() || whole.is_some_and(|whole| Some(whole) != of) {
                return Ok(None);
            }
            whole = of;
        }
        return Ok(whole.filter(|&whole| site.fits(whole)));
    }
    Ok(None)
}
