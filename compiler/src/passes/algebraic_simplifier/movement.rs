//! Reshapes, transposes, broadcasts and reversals.
//!
//! * To the same dimensions, in the same order, of nothing: nothing.
//! * Two of a kind in a row are one; two reversals of a dimension are none.
//! * Of an array of one value, or an iota: that in the new dimensions.
//! * A transpose of a broadcast is a broadcast, if it need not transpose itself.

use crate::hlo::{InstructionId, Op, Shape};
use crate::passes::site::{Rewritten, Site};

/// The scalar that a broadcast repeats, if `id` is such a broadcast.
fn repeated_scalar(site: &Site<'_>, id: InstructionId) -> Option<InstructionId> {
    let is_scalar = matches!(site.op(id), Op::Broadcast { dimensions } if dimensions.is_empty());
    is_scalar.then(|| site.operand_of(id, 0))
}

/// `reshape`.
pub(super) fn reshape(site: &mut Site<'_>) -> Rewritten {
    let x = site.operand(0);
    if site.fits(x) {
        return Ok(Some(x));
    }
    if *site.op(x) == Op::Reshape {
        let inner = site.operand_of(x, 0);
        return site.same(Op::Reshape, &[inner]);
    }
    if let Some(scalar) = repeated_scalar(site, x) {
        if site.dimensions(site.id()).is_empty() {
            return Ok(site.same_shape(scalar));
        }
        return site.same(Op::Broadcast { dimensions: Vec::new() }, &[scalar]);
    }
    Ok(None)
}

/// `transpose`.
pub(super) fn transpose(site: &mut Site<'_>, dimensions: &[usize]) -> Rewritten {
    let x = site.operand(0);
    if dimensions.is_sorted() {
        return Ok(site.same_shape(x));
    }
    match site.op(x).clone() {
        Op::Transpose { dimensions: inner } => {
            let both = dimensions.iter().map(|&d| inner[d]).collect();
            let operand = site.operand_of(x, 0);
            site.same(Op::Transpose { dimensions: both }, &[operand])
        }
        Op::Iota { iota_dimension } => {
            let place = dimensions.iter().position(|&d| d == iota_dimension);
            place.map_or(Ok(None), |iota_dimension| site.same(Op::Iota { iota_dimension }, &[]))
        }
        Op::Broadcast { dimensions: inner } => {
            let place = |d: &usize| dimensions.iter().position(|of_result| of_result == d);
            let moved: Option<Vec<usize>> = inner.iter().map(place).collect();
            let Some(moved) = moved.filter(|moved| moved.is_sorted()) else { return Ok(None) };
            let operand = site.operand_of(x, 0);
            site.same(Op::Broadcast { dimensions: moved }, &[operand])
        }
        _ => Ok(None),
    }
}

/// `broadcast`.
pub(super) fn broadcast(site: &mut Site<'_>, dimensions: &[usize]) -> Rewritten {
    let x = site.operand(0);
    if dimensions.is_sorted() && site.fits(x) {
        return Ok(Some(x));
    }
    match site.op(x).clone() {
        Op::Broadcast { dimensions: inner } => {
            let both = inner.iter().map(|&d| dimensions[d]).collect();
            let operand = site.operand_of(x, 0);
            site.same(Op::Broadcast { dimensions: both }, &[operand])
        }
        Op::Iota { iota_dimension } => {
            site.same(Op::Iota { iota_dimension: dimensions[iota_dimension] }, &[])
        }
        _ if !site.dimensions(x).is_empty() => match site.splat_of(x) {
            Some(value) => {
                let sizes = site.dimensions(site.id()).to_vec();
                site.splat(value.into(), &sizes).map(Some)
            }
            None => Ok(None),
        },
        _ => Ok(None),
    }
}

/// `reverse`.
pub(super) fn reverse(site: &mut Site<'_>, dimensions: &[usize]) -> Rewritten {
    let x = site.operand(0);
    let is_uniform = |d: usize| match site.op(x) {
        Op::Broadcast { dimensions: from } => !from.contains(&d),
        Op::Iota { iota_dimension } => d != *iota_dimension,
        _ => false,
    };
    let sizes = site.dimensions(x);
    let matters = |&&d: &&usize| sizes[d] > 1 && !is_uniform(d);
    let mut left: Vec<usize> = dimensions.iter().filter(matters).copied().collect();
    if site.splat_of(x).is_some() || left.is_empty() {
        return Ok(site.same_shape(x));
    }
    if let Op::Reverse { dimensions: inner } = site.op(x).clone() {
        let operand = site.operand_of(x, 0);
        let once = left.iter().filter(|d| !inner.contains(d));
        let of_inner = inner.iter().filter(|d| !left.contains(d));
        let mut both: Vec<usize> = once.chain(of_inner).copied().collect();
        both.sort_unstable();
        return site.same(Op::Reverse { dimensions: both }, &[operand]);
    }
    if left.len() == dimensions.len() {
        return Ok(None);
    }
    left.sort_unstable();
    site.same(Op::Reverse { dimensions: left }, &[x])
}

impl Site<'_> {
    /// An array without values of the site's own: `value` repeated to other dimensions.
    pub(super) fn repeat(&mut self, value: InstructionId, sizes: &[usize]) -> Rewritten {
        if sizes.is_empty() {
            return Ok(Some(value));
        }
        let shape = self.array(value).clone();
        let shape = Shape::array(shape.element_type(), sizes.to_vec());
        let Ok(shape) = shape else { return Ok(None) };
        self.shaped(Op::Broadcast { dimensions: Vec::new() }, &[value], shape).map(Some)
    }
}
