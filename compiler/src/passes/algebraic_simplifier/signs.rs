//! Signs and roundings.
//!
//! * Two negations or complements are nothing; |x| and sign(x) are idempotent and |-x| is |x|; |x|
//!   is x where x is not negative.
//! * What is integral need not be rounded.

use crate::hlo::{InstructionId, Op};
use crate::passes::site::{Rewritten, Site};

/// `negate`, `not`, `abs` and `sign`.
pub(super) fn unary(site: &mut Site<'_>) -> Rewritten {
    let op = site.instruction().op().clone();
    let x = site.operand(0);
    let is_repeated = *site.op(x) == op;
    if is_repeated && matches!(op, Op::Negate | Op::Not) {
        return Ok(site.same_shape(site.operand_of(x, 0)));
    }
    if is_repeated {
        return Ok(site.same_shape(x));
    }
    if op == Op::Abs {
        if site.element_type(x).is_float() && site.is_not_negative(x) {
            return Ok(site.same_shape(x));
        }
        if *site.op(x) == Op::Negate {
            let inner = site.operand_of(x, 0);
            return site.same(Op::Abs, &[inner]);
        }
    }
    Ok(None)
}

/// Roundings to integral values.
pub(super) fn round(site: &mut Site<'_>) -> Rewritten {
    let x = site.operand(0);
    if is_integral(site, x) { Ok(site.same_shape(x)) } else { Ok(None) }
}

fn is_integral(site: &Site<'_>, id: InstructionId) -> bool {
    match site.op(id) {
        Op::Ceil | Op::Floor | Op::RoundNearestAfz | Op::RoundNearestEven | Op::Iota { .. } => true,
        Op::Convert => !site.element_type(site.operand_of(id, 0)).is_float(),
        _ => false,
    }
}
