//! Gathers of single elements.
//!
//! Of a line: it becomes rows of one lane, which are looked up. Of a matrix: rows are looked up,
//! and in each of them a lane is found. Of rows that have an index each: only the lane is found.

use super::{
    of_dimensions,
    single_lane::{array, is_place, only, place},
    swap::of_type,
};
use crate::{
    analysis::granules_of,
    hlo::{ElementType, GatherDimensionNumbers, InferError, InstructionId, Op, SliceDimension},
    passes::site::{Rewritten, Site},
};

/// Granules of the largest table of rows of one lane.
const MAX_GRANULES: u32 = 1 << 21;

/// The gather by other instructions, if it is one of single elements.
pub(super) fn decompose(site: &mut Site<'_>, op: &Op) -> Rewritten {
    let Op::Gather { dimension_numbers: numbers, slice_sizes, .. } = op else { return Ok(None) };
    let [table, indices] = [0, 1].map(|n| site.operand(n));
    let (sizes, places) = (site.dimensions(table).to_vec(), site.dimensions(indices).to_vec());
    let is_long = site.element_type(indices).byte_size() > 4;
    let is_slice = slice_sizes.iter().any(|size| *size != 1) || !numbers.offset_dims.is_empty();
    if is_long || is_slice || sizes.contains(&0) {
        return Ok(None);
    }
    let result = site.array(site.id()).clone();
    let count = result.element_count();
    let vector = numbers.index_vector_dim;
    let is_last = vector + 1 == places.len() || vector == places.len();
    let found = match sizes.as_slice() {
        [_] if is_last => of_line(site, (table, indices), count)?,
        [_, _] if vector + 1 == places.len() && numbers.operand_batching_dims.is_empty() => {
            of_matrix(site, (table, indices), (count, &numbers.start_index_map))?
        }
        [rows @ .., lanes] if is_last && has_index_per_row(numbers, rows, count) => {
            let index = reshaped(site, indices, rows)?;
            of_rows(site, (table, index), *lanes)?
        }
        _ => None,
    };
    let Some(found) = found else { return Ok(None) };
    site.shaped(Op::Reshape, &[found], result.into()).map(Some)
}

/// Whether each row of the table has one index of its own, in the same order.
fn has_index_per_row(numbers: &GatherDimensionNumbers, rows: &[usize], count: usize) -> bool {
    let in_order = |dimensions: &[usize]| dimensions.iter().copied().eq(0..rows.len());
    in_order(&numbers.operand_batching_dims)
        && in_order(&numbers.start_indices_batching_dims)
        && rows.iter().product::<usize>() == count
}

fn of_line(
    site: &mut Site<'_>,
    (table, indices): (InstructionId, InstructionId),
    count: usize,
) -> Rewritten {
    let rows = site.dimensions(table)[0];
    if granules_of(&of_dimensions(site.array(table), vec![rows, 1])) > MAX_GRANULES {
        return Ok(None);
    }
    let table = reshaped(site, table, &[rows, 1])?;
    let indices = reshaped(site, indices, &[count])?;
    look_up(site, table, indices).map(Some)
}

fn of_matrix(
    site: &mut Site<'_>,
    (table, indices): (InstructionId, InstructionId),
    (count, map): (usize, &[usize]),
) -> Rewritten {
    let lanes = site.dimensions(table)[1];
    if map.len() != 2 {
        return Ok(None);
    }
    let indices = reshaped(site, indices, &[count, 2])?;
    let mut of = |dimension: usize| {
        let start = map.iter().position(|d| *d == dimension).unwrap_or(0);
        let whole = SliceDimension::whole(count);
        let slice = vec![whole, SliceDimension { start, limit: start + 1, stride: 1 }];
        let shape = array(site.element_type(indices), &[count, 1]);
        let column = site.shaped(Op::Slice { slice }, &[indices], shape)?;
        reshaped(site, column, &[count])
    };
    let (row, lane) = (of(0)?, of(1)?);
    let rows = look_up(site, table, row)?;
    of_rows(site, (rows, lane), lanes)
}

/// Of each row the element with its index.
fn of_rows(
    site: &mut Site<'_>,
    (rows, index): (InstructionId, InstructionId),
    lanes: usize,
) -> Rewritten {
    let sizes = site.dimensions(rows).to_vec();
    let Some(place) = place(site, index, lanes - 1)? else { return Ok(None) };
    let is_place = is_place(site, &sizes, place)?;
    only(site, is_place, rows).map(Some)
}

/// Whole rows of a matrix.
fn look_up(
    site: &mut Site<'_>,
    table: InstructionId,
    mut indices: InstructionId,
) -> Result<InstructionId, InferError> {
    if site.element_type(indices) != ElementType::U32 {
        indices = of_type(site, indices, ElementType::S32)?;
    }
    let (lanes, count) = (site.dimensions(table)[1], site.dimensions(indices)[0]);
    let dimension_numbers = GatherDimensionNumbers {
        offset_dims: vec![1],
        collapsed_slice_dims: vec![0],
        operand_batching_dims: Vec::new(),
        start_indices_batching_dims: Vec::new(),
        start_index_map: vec![0],
        index_vector_dim: 1,
    };
    let slice_sizes = vec![1, lanes];
    let op = Op::Gather { dimension_numbers, slice_sizes, indices_are_sorted: false };
    let shape = of_dimensions(site.array(table), vec![count, lanes]);
    site.shaped(op, &[table, indices], shape.into())
}

/// The same elements in other dimensions.
fn reshaped(
    site: &mut Site<'_>,
    value: InstructionId,
    sizes: &[usize],
) -> Result<InstructionId, InferError> {
    if site.dimensions(value) == sizes {
        return Ok(value);
    }
    let shape = of_dimensions(site.array(value), sizes.to_vec());
    site.shaped(Op::Reshape, &[value], shape.into())
}
