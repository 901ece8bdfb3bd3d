//! Bits and truth values.
//!
//! * x & x, x | x, x & 1…1, x | 0, x ^ 0 are x; x & 0, x ^ x are 0; x | 1…1 is 1…1; x ^ 1…1 is !x.
//! * A shift by 0 is nothing; a shift to the right of numbers that are known to be too small is 0.

use crate::hlo::Op;
use crate::passes::site::{Rewritten, Site};

use super::constants::integer_scalar;

/// `and`, and `multiply` of truth values.
pub(super) fn and(site: &mut Site<'_>) -> Rewritten {
    let [x, y] = site.with_constant_last();
    if x == y || site.is_all_ones(y) {
        return Ok(site.same_shape(x));
    }
    if site.is_integer(y, 0) { Ok(site.same_shape(y)) } else { Ok(None) }
}

/// `or`, and `add` of truth values.
pub(super) fn or(site: &mut Site<'_>) -> Rewritten {
    let [x, y] = site.with_constant_last();
    if x == y || site.is_integer(y, 0) {
        return Ok(site.same_shape(x));
    }
    if site.is_all_ones(y) { Ok(site.same_shape(y)) } else { Ok(None) }
}

/// `xor`.
pub(super) fn xor(site: &mut Site<'_>) -> Rewritten {
    let [x, y] = site.with_constant_last();
    if x == y {
        let shape = site.instruction().array_shape().clone();
        let zero = integer_scalar(shape.element_type(), 0);
        return site.splat(zero, shape.dimensions()).map(Some);
    }
    if site.is_integer(y, 0) {
        return Ok(site.same_shape(x));
    }
    if site.is_all_ones(y) { site.same(Op::Not, &[x]) } else { Ok(None) }
}

/// The shifts.
pub(super) fn shift(site: &mut Site<'_>) -> Rewritten {
    let (x, distance) = (site.operand(0), site.operand(1));
    if site.is_integer(distance, 0) {
        return Ok(site.same_shape(x));
    }
    let leaves = match (site.most_of(x), site.integer_of(distance)) {
        (Some(most), Some(distance @ 1..64)) => most >> distance,
        _ => return Ok(None),
    };
    if leaves > 0 || *site.instruction().op() == Op::ShiftLeft {
        return Ok(None);
    }
    let shape = site.instruction().array_shape().clone();
    let zero = integer_scalar(shape.element_type(), 0);
    site.splat(zero, shape.dimensions()).map(Some)
}
