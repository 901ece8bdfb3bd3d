//! Comparisons and selections.
//!
//! * Integers: x compared with itself is known; an iota, or an unsigned number, compared with a
//!   constant that its range does not reach is known.
//! * Truth values: x = true and x ≠ false are x, x = false and x ≠ true are !x.
//! * A selection between equal arms, or by a known predicate, is an arm; by !p, the arms swap;
//!   between true and false, it is the predicate.

use std::cmp::Ordering;

use crate::hlo::{ComparisonDirection, ComparisonType, ElementType, InstructionId, Op};
use crate::passes::site::{Rewritten, Site};

use super::constants::integer_scalar;

/// `compare`.
pub(super) fn compare(
    site: &mut Site<'_>,
    direction: ComparisonDirection,
    comparison_type: ComparisonType,
) -> Rewritten {
    let (x, y) = (site.operand(0), site.operand(1));
    let element_type = site.element_type(x);
    if element_type.is_float() || comparison_type == ComparisonType::TotalOrder {
        return Ok(None);
    }
    if x == y {
        return truth(site, holds(direction, Ordering::Equal));
    }
    if element_type == ElementType::Pred {
        return compare_truth(site, direction);
    }
    let known = site.integer_of(y).and_then(|y| in_range(site, x, y, direction));
    let mirrored = || site.integer_of(x).and_then(|x| in_range(site, y, x, direction.mirrored()));
    match known.or_else(mirrored) {
        Some(known) => truth(site, known),
        None => Ok(None),
    }
}

fn truth(site: &mut Site<'_>, value: bool) -> Rewritten {
    let dimensions = site.dimensions(site.id()).to_vec();
    site.splat(integer_scalar(ElementType::Pred, i64::from(value)), &dimensions).map(Some)
}

/// `compare` of truth values with a constant, for equality.
fn compare_truth(site: &mut Site<'_>, direction: ComparisonDirection) -> Rewritten {
    let [x, y] = site.with_constant_last();
    let Some(value) = site.integer_of(y) else { return Ok(None) };
    let keeps = match direction {
        ComparisonDirection::Eq => value == 1,
        ComparisonDirection::Ne => value == 0,
        ComparisonDirection::Ge
        | ComparisonDirection::Gt
        | ComparisonDirection::Le
        | ComparisonDirection::Lt => return Ok(None),
    };
    if keeps { Ok(site.same_shape(x)) } else { site.same(Op::Not, &[x]) }
}

fn holds(direction: ComparisonDirection, ordering: Ordering) -> bool {
    match direction {
        ComparisonDirection::Eq => ordering == Ordering::Equal,
        ComparisonDirection::Ne => ordering != Ordering::Equal,
        ComparisonDirection::Ge => ordering != Ordering::Less,
        ComparisonDirection::Gt => ordering == Ordering::Greater,
        ComparisonDirection::Le => ordering != Ordering::Greater,
        ComparisonDirection::Lt => ordering == Ordering::Less,
    }
}

/// Whether `x direction y` holds, if that is the same for all values that `x` can have.
fn in_range(
    site: &Site<'_>,
    x: InstructionId,
    y: i64,
    direction: ComparisonDirection,
) -> Option<bool> {
    let (least, most) = range(site, x)?;
    let with_least = holds(direction, least.cmp(&y));
    let with_most = holds(direction, most.cmp(&y));
    // In between, equality may come and go.
    let is_between = least < y && y < most;
    let is_equality = matches!(direction, ComparisonDirection::Eq | ComparisonDirection::Ne);
    (with_least == with_most && !(is_between && is_equality)).then_some(with_least)
}

/// The range of an array of integers, if it is smaller than that of the type or starts at 0.
fn range(site: &Site<'_>, id: InstructionId) -> Option<(i64, i64)> {
    let shape = site.array(id);
    let width = shape.element_type().bit_width();
    let type_most = if shape.element_type().is_signed() {
        i64::MAX >> (64 - width)
    } else {
        // Of u64, numbers that are no i64 exist.
        i64::try_from(u64::MAX >> (64 - width)).ok()?
    };
    match site.op(id) {
        Op::Iota { iota_dimension } => {
            let most = i64::try_from(shape.dimensions()[*iota_dimension]).ok()?.checked_sub(1)?;
            (most >= 0 && most <= type_most).then_some((0, most))
        }
        Op::Broadcast { .. } => range(site, site.operand_of(id, 0)),
        _ => shape.element_type().is_unsigned().then_some((0, type_most)),
    }
}

/// `select`.
pub(super) fn select(site: &mut Site<'_>) -> Rewritten {
    let (predicate, on_true, on_false) = (site.operand(0), site.operand(1), site.operand(2));
    if on_true == on_false {
        return Ok(site.same_shape(on_true));
    }
    if let Some(predicate) = site.integer_of(predicate) {
        return Ok(site.same_shape(if predicate == 1 { on_true } else { on_false }));
    }
    if *site.op(predicate) == Op::Not {
        let predicate = site.operand_of(predicate, 0);
        return site.same(Op::Select, &[predicate, on_false, on_true]);
    }
    let has_shape = site.fits(predicate);
    if has_shape && site.is_integer(on_true, 1) && site.is_integer(on_false, 0) {
        return Ok(Some(predicate));
    }
    if has_shape && site.is_integer(on_true, 0) && site.is_integer(on_false, 1) {
        return site.same(Op::Not, &[predicate]);
    }
    Ok(None)
}
