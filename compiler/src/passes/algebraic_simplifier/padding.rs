//! Pads.
//!
//! * A pad by nothing is nothing; of an empty array, or of an array of the padding value, it is the
//!   value repeated; of a pad with the same value, one pad.
//! * What is removed at the ends by negative padding is a slice, before what is added.

use crate::hlo::{InstructionId, Op, PaddingDimension, SliceDimension};
use crate::passes::site::{Rewritten, Site};

/// `pad`.
pub(super) fn pad(site: &mut Site<'_>, padding: &[PaddingDimension]) -> Rewritten {
    let (x, value) = (site.operand(0), site.operand(1));
    let adds_nothing = |padding: &PaddingDimension| padding.low == 0 && padding.high == 0;
    if padding.iter().all(adds_nothing) && site.fits(x) {
        return Ok(Some(x));
    }
    let is_value = repeats(site, x, value);
    if site.dimensions(x).contains(&0) || is_value {
        let sizes = site.dimensions(site.id()).to_vec();
        return site.repeat(value, &sizes);
    }
    if padding.iter().any(|padding| padding.low < 0 || padding.high < 0) {
        return slice_and_pad(site, x, value, padding);
    }
    if let Op::Pad { padding: inner } = site.op(x).clone()
        && same_value(site, site.operand_of(x, 1), value)
        && inner.iter().chain(padding).all(|padding| padding.interior == 0)
        && inner.iter().all(|padding| padding.low >= 0 && padding.high >= 0)
    {
        let both = inner.iter().zip(padding).map(|(inner, outer)| PaddingDimension {
            low: inner.low + outer.low,
            high: inner.high + outer.high,
            interior: 0,
        });
        let operand = site.operand_of(x, 0);
        return site.same(Op::Pad { padding: both.collect() }, &[operand, value]);
    }
    Ok(None)
}

fn same_value(site: &Site<'_>, a: InstructionId, b: InstructionId) -> bool {
    a == b || site.splat_of(a).is_some_and(|a| site.splat_of(b) == Some(a))
}

/// Is `x` the scalar `value` repeated?
fn repeats(site: &Site<'_>, x: InstructionId, value: InstructionId) -> bool {
    let is_broadcast = matches!(site.op(x), Op::Broadcast { dimensions } if dimensions.is_empty());
    is_broadcast && same_value(site, site.operand_of(x, 0), value)
}

/// Negative padding without interior padding, as a slice and a pad.
fn slice_and_pad(
    site: &mut Site<'_>,
    x: InstructionId,
    value: InstructionId,
    padding: &[PaddingDimension],
) -> Rewritten {
    let sizes = site.dimensions(x).to_vec();
    let mut slice = Vec::with_capacity(padding.len());
    let mut added = Vec::with_capacity(padding.len());
    for (&size, padding) in sizes.iter().zip(padding) {
        let removed = |n: i64| usize::try_from(-n.min(0)).unwrap_or(usize::MAX);
        let (start, end) = (removed(padding.low), removed(padding.high));
        // With gaps, or if one end removes padding of the other, it is not that simple.
        if padding.interior != 0 || start.saturating_add(end) > size {
            return Ok(None);
        }
        slice.push(SliceDimension { start, limit: size - end, stride: 1 });
        let (low, high) = (padding.low.max(0), padding.high.max(0));
        added.push(PaddingDimension { low, high, interior: 0 });
    }
    let inner = site.build().add(Op::Slice { slice }, &[x])?;
    if added.iter().all(|padding| padding.low == 0 && padding.high == 0) {
        return Ok(site.same_shape(inner));
    }
    site.same(Op::Pad { padding: added }, &[inner, value])
}
