//! Slices and concatenations.
//!
//! * A slice of everything is nothing; of a slice, one slice; of a concatenation, of the one
//!   operand that it reaches; of a pad, of the operand if it reaches nothing else, or the padding
//!   value; of a broadcast, a broadcast of a slice; of an iota from its start, a shorter iota.
//! * A concatenation of one operand is it; in a concatenation, empty operands go, one along the
//!   same dimension is flattened, adjacent slices of one array are one slice; of nothing but one
//!   repeated scalar it is that.

use crate::hlo::{InferError, InstructionId, Op, PaddingDimension, SliceDimension};
use crate::passes::site::{Rewritten, Site};

fn is_whole(slice: &SliceDimension, size: usize) -> bool {
    slice.start == 0 && slice.limit == size && slice.stride == 1
}

/// How many elements a slice takes.
fn count(slice: &SliceDimension) -> usize {
    (slice.limit - slice.start).div_ceil(slice.stride)
}

/// One past the last element that a slice takes; it takes some.
fn end(slice: &SliceDimension) -> usize {
    slice.start + (count(slice) - 1) * slice.stride + 1
}

/// `slice`.
pub(super) fn slice(site: &mut Site<'_>, slice: &[SliceDimension]) -> Rewritten {
    let x = site.operand(0);
    if site.fits(x) {
        return Ok(Some(x));
    }
    if site.dimensions(site.id()).contains(&0) {
        return Ok(None);
    }
    match site.op(x).clone() {
        Op::Slice { slice: inner } => {
            let both = inner.iter().zip(slice).map(|(inner, outer)| SliceDimension {
                start: inner.start + outer.start * inner.stride,
                limit: inner.start + (end(outer) - 1) * inner.stride + 1,
                stride: inner.stride * outer.stride,
            });
            let op = Op::Slice { slice: both.collect() };
            let operand = site.operand_of(x, 0);
            site.same(op, &[operand])
        }
        Op::Concatenate { dimension } => slice_of_concatenation(site, slice, dimension),
        Op::Pad { padding } => slice_of_pad(site, slice, &padding),
        Op::Broadcast { dimensions } => {
            let operand = site.operand_of(x, 0);
            let inner: Vec<SliceDimension> = dimensions.iter().map(|&d| slice[d]).collect();
            let sizes = site.dimensions(operand).iter();
            let operand = if inner.iter().zip(sizes).all(|(slice, &size)| is_whole(slice, size)) {
                operand
            } else {
                site.build().add(Op::Slice { slice: inner }, &[operand])?
            };
            site.same(Op::Broadcast { dimensions }, &[operand])
        }
        Op::Iota { iota_dimension } => {
            let along = slice[iota_dimension];
            let is_prefix = along.start == 0 && (along.stride == 1 || count(&along) == 1);
            if is_prefix { site.same(Op::Iota { iota_dimension }, &[]) } else { Ok(None) }
        }
        _ => Ok(None),
    }
}

fn slice_of_concatenation(
    site: &mut Site<'_>,
    slice: &[SliceDimension],
    dimension: usize,
) -> Rewritten {
    let along = slice[dimension];
    let pieces = site.get(site.operand(0)).operands().to_vec();
    let mut first = 0;
    for piece in pieces {
        let next = first + site.dimensions(piece)[dimension];
        if first <= along.start && end(&along) <= next {
            let mut inner = slice.to_vec();
            inner[dimension] = SliceDimension {
                start: along.start - first,
                limit: end(&along) - first,
                stride: along.stride,
            };
            return site.same(Op::Slice { slice: inner }, &[piece]);
        }
        first = next;
    }
    Ok(None)
}

fn slice_of_pad(
    site: &mut Site<'_>,
    slice: &[SliceDimension],
    padding: &[PaddingDimension],
) -> Rewritten {
    let pad = site.operand(0);
    let (operand, value) = (site.operand_of(pad, 0), site.operand_of(pad, 1));
    let sizes = site.dimensions(operand).to_vec();
    let mut inner = Vec::with_capacity(slice.len());
    for ((slice, padding), &size) in slice.iter().zip(padding).zip(&sizes) {
        let (Ok(low), true) = (usize::try_from(padding.low), padding.interior == 0) else {
            return Ok(None);
        };
        if end(slice) <= low || slice.start >= low + size {
            let sizes = site.dimensions(site.id()).to_vec();
            return site.repeat(value, &sizes);
        }
        if slice.start >= low && end(slice) <= low + size {
            inner.push(SliceDimension {
                start: slice.start - low,
                limit: end(slice) - low,
                ..*slice
            });
        }
    }
    if inner.len() < slice.len() {
        return Ok(None);
    }
    site.same(Op::Slice { slice: inner }, &[operand])
}

/// `concatenate`.
pub(super) fn concatenate(site: &mut Site<'_>, dimension: usize) -> Rewritten {
    let operands = site.instruction().operands().to_vec();
    if let [one] = operands.as_slice() {
        return Ok(site.same_shape(*one));
    }
    let mut pieces = Vec::with_capacity(operands.len());
    for &operand in &operands {
        match site.op(operand) {
            Op::Concatenate { dimension: inner } if *inner == dimension => {
                pieces.extend_from_slice(site.get(operand).operands());
            }
            _ => pieces.push(operand),
        }
    }
    pieces.retain(|&piece| site.dimensions(piece)[dimension] != 0);
    if pieces.is_empty() {
        return Ok(site.same_shape(operands[0]));
    }
    let splats: Option<Vec<_>> = pieces.iter().map(|&piece| site.splat_of(piece)).collect();
    if let Some(splats) = splats
        && splats.iter().all(|splat| *splat == splats[0])
    {
        let sizes = site.dimensions(site.id()).to_vec();
        return site.splat(splats[0].clone().into(), &sizes).map(Some);
    }
    let joined = join_slices(site, &pieces, dimension)?;
    if joined == operands {
        return Ok(None);
    }
    match joined.as_slice() {
        [one] => Ok(site.same_shape(*one)),
        _ => site.same(Op::Concatenate { dimension }, &joined),
    }
}

/// The pieces, with adjacent slices of one array along `dimension` as one slice.
fn join_slices(
    site: &mut Site<'_>,
    pieces: &[InstructionId],
    dimension: usize,
) -> Result<Vec<InstructionId>, InferError> {
    let mut joined: Vec<InstructionId> = Vec::with_capacity(pieces.len());
    for &piece in pieces {
        let both = joined.last().and_then(|&last| adjacent(site, last, piece, dimension));
        let Some((operand, slice)) = both else {
            joined.push(piece);
            continue;
        };
        let slice = site.build().add(Op::Slice { slice }, &[operand])?;
        joined.pop();
        joined.push(slice);
    }
    Ok(joined)
}

/// The slice that gives what two slices give one after the other.
fn adjacent(
    site: &Site<'_>,
    first: InstructionId,
    second: InstructionId,
    dimension: usize,
) -> Option<(InstructionId, Vec<SliceDimension>)> {
    let (Op::Slice { slice: a }, Op::Slice { slice: b }) = (site.op(first), site.op(second)) else {
        return None;
    };
    let operand = site.operand_of(first, 0);
    let others_agree = (0..a.len()).all(|d| d == dimension || a[d] == b[d]);
    let meets = a[dimension].stride == 1
        && b[dimension].stride == 1
        && a[dimension].limit == b[dimension].start;
    if operand != site.operand_of(second, 0) || !others_agree || !meets {
        return None;
    }
    let mut both = a.clone();
    both[dimension].limit = b[dimension].limit;
    Some((operand, both))
}
