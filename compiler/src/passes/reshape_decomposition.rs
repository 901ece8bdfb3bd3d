//! Reshape decomposition: rows of one length become rows of another by way of a line.
//!
//! There are kernels that put the rows of a matrix into an array of rank 1, and that cut such an
//! array into rows; and matrices of rows of one length are joined and cut without looking into the
//! rows. A reshape that changes the length of rows becomes a chain of these. Narrow elements go
//! through it as words of 32 bits: they are converted before and after. A reshape and its reverse
//! are nothing; one with the transpose that makes matrices of heads has a kernel. A column of
//! single lanes becomes a line by way of one row.

use palmetto_isa::memory::{LANES, SUBLANES};

use super::{
    Changed, PassContext, PassError,
    layout_assignment::with_order,
    site::{Rewritten, Site, rewrite_computation},
};
use crate::{
    analysis::{is_free_reshape, sequential_computations},
    hlo::{ArrayShape, ComputationId, ElementType, InferError, InstructionId, Module, Op},
    lowering::is_of_heads,
};

/// See the module. Expects normalised layouts.
///
/// # Errors
/// None but for a bug: what is made is as large as what was there.
pub fn reshape_decomposition(module: &mut Module, _: &PassContext) -> Result<Changed, PassError> {
    let mut changed = Changed::No;
    for computation in sequential_computations(module) {
        let mut rule = |site: &mut Site<'_>| decompose(site, computation);
        changed |= rewrite_computation(module, computation, &mut rule)?;
    }
    Ok(changed)
}

fn decompose(site: &mut Site<'_>, computation: ComputationId) -> Rewritten {
    if !matches!(site.instruction().op(), Op::Reshape) {
        return Ok(None);
    }
    let operand = site.operand(0);
    if matches!(site.op(operand), Op::Reshape) {
        let before = site.operand_of(operand, 0);
        if site.fits(before) {
            return Ok(Some(before));
        }
    }
    if is_of_heads(site.module(), computation, site.id()) {
        return Ok(None);
    }
    let (from, to) = (site.array(operand).clone(), site.array(site.id()).clone());
    let bytes = from.element_type().byte_size();
    let wide = wide_type(from.element_type());
    if bytes > 4 || to.element_count() == 0 || is_free_reshape(&from, &to) {
        return Ok(None);
    }
    let is_column = column_and_line(from.dimensions(), to.dimensions());
    let steps = steps_of(from.dimensions(), to.dimensions());
    if !is_column && steps.len() == 1 && (bytes == 4 || !moves_within_columns(&from, &to)) {
        return Ok(None);
    }
    let mut value = operand;
    if from.element_type() != wide {
        value = step(site, Op::Convert, value, (wide, from.dimensions()))?;
    }
    if is_column {
        value = turned(site, value, wide)?;
    } else {
        for dimensions in steps {
            value = step(site, Op::Reshape, value, (wide, &dimensions))?;
        }
    }
    if from.element_type() != wide {
        value = step(site, Op::Convert, value, (from.element_type(), to.dimensions()))?;
    }
    Ok(Some(value))
}

/// Whether a column of one lane becomes a line, or a line one: each lane comes from a tile of its
/// own, or fills one.
fn column_and_line(from: &[usize], to: &[usize]) -> bool {
    matches!((from, to), ([n, 1], [_]) | ([_], [n, 1]) if *n >= LANES)
}

/// A column as a line, or a line as a column, by way of one row: rows and lanes change places.
fn turned(
    site: &mut Site<'_>,
    value: InstructionId,
    wide: ElementType,
) -> Result<InstructionId, InferError> {
    let swap = || Op::Transpose { dimensions: vec![1, 0] };
    if let [n, 1] = *site.dimensions(value) {
        let row = step(site, swap(), value, (wide, &[1, n]))?;
        return step(site, Op::Reshape, row, (wide, &[n]));
    }
    let n = site.array(value).element_count();
    let row = step(site, Op::Reshape, value, (wide, &[1, n]))?;
    step(site, swap(), row, (wide, &[n, 1]))
}

fn step(
    site: &mut Site<'_>,
    op: Op,
    value: InstructionId,
    (element_type, dimensions): (ElementType, &[usize]),
) -> Result<InstructionId, InferError> {
    let shape = ArrayShape::new(element_type, dimensions.to_vec());
    let shape = shape.expect("an array of the device is far below 2^63 bytes");
    let order: Vec<usize> = (0..dimensions.len()).collect();
    site.shaped(op, &[value], with_order(&shape, &order).into())
}

/// Rows and lanes; a line has no rows.
fn rows_of(dimensions: &[usize]) -> Option<(usize, usize, usize)> {
    match dimensions {
        [] | [_] => None,
        [majors @ .., rows, lanes] => Some((majors.iter().product(), *rows, *lanes)),
    }
}

/// Whether rows of one of the two are of another length than the other's, and not of whole columns.
fn moves_within_columns(from: &ArrayShape, to: &ArrayShape) -> bool {
    let [from, to] = [from, to].map(|shape| rows_of(shape.dimensions()).map(|rows| rows.2));
    from != to && [from, to].into_iter().flatten().any(|lanes| !lanes.is_multiple_of(LANES))
}

/// The dimensions of what is made one after the other, the last of them `to`.
fn steps_of(from: &[usize], to: &[usize]) -> Vec<Vec<usize>> {
    let (source, target) = (rows_of(from), rows_of(to));
    if source.map(|(_, _, lanes)| lanes) == target.map(|(_, _, lanes)| lanes) {
        return equal_rows(source, target, to);
    }
    let mut steps: Vec<Vec<usize>> = Vec::new();
    if let Some((majors, rows, lanes)) = source {
        if !is_full((majors, rows)) {
            steps.push(vec![majors * rows, lanes]);
        }
        steps.push(vec![from.iter().product()]);
    }
    if let Some((majors, rows, lanes)) = target {
        if !is_full((majors, rows)) {
            steps.push(vec![majors * rows, lanes]);
        }
        steps.push(to.to_vec());
    }
    steps
}

/// Matrices of rows of one length: joined to one, then cut, if neither divides the other.
fn equal_rows(
    source: Option<(usize, usize, usize)>,
    target: Option<(usize, usize, usize)>,
    to: &[usize],
) -> Vec<Vec<usize>> {
    match (source, target) {
        (Some((majors, rows, lanes)), Some((_, new, _)))
            if !rows.is_multiple_of(new) && !new.is_multiple_of(rows) =>
        {
            vec![vec![majors * rows, lanes], to.to_vec()]
        }
        _ => vec![to.to_vec()],
    }
}

/// Whether rows follow each other in memory.
fn is_full((majors, rows): (usize, usize)) -> bool {
    majors == 1 || rows.is_multiple_of(SUBLANES)
}

/// The type of 32 bits that has all values of a type.
pub(super) fn wide_type(element_type: ElementType) -> ElementType {
    match element_type {
        ElementType::BF16 | ElementType::F16 => ElementType::F32,
        ElementType::S8 | ElementType::S16 => ElementType::S32,
        ElementType::U8 | ElementType::U16 | ElementType::Pred => ElementType::U32,
        other => other,
    }
}
