//! Gathers that look up whole rows or matrices of a table, and scatters that replace them.

use palmetto_isa::memory::{LANES, SUBLANES};
use palmetto_kernels::{
    element::Element,
    lookup::{Indices, Lookup, Slice},
};

use super::{Choice, Kernel, Refusal, Region};
use crate::hlo::{GatherDimensionNumbers, Instruction, Op};

/// The look-up kernel of a region that is one `gather`; nothing for other regions.
pub(super) fn choose(region: &Region<'_>) -> Option<Result<Choice, Refusal>> {
    let gather = region.instruction(region.roots()[0]);
    let Op::Gather { dimension_numbers, slice_sizes, .. } = gather.op() else { return None };
    if is_lane_gather(gather) {
        return None;
    }
    Some(of_gather(region, gather, (dimension_numbers, slice_sizes)))
}

/// The tile rows of matrices, and the granules of each.
fn tiles_of(sizes: &[usize], element: Element) -> (usize, usize) {
    let [majors @ .., rows, lanes] = sizes else { return (1, 1) };
    let tile_rows = majors.iter().product::<usize>() * rows.div_ceil(SUBLANES);
    (tile_rows, lanes.div_ceil(LANES) * element.tile_granules())
}

/// The kernel of a region that is one `scatter` of whole slices, which replace what is there and
/// have indices that differ, or are outside; nothing for regions without a scatter.
pub(super) fn choose_scatter(region: &Region<'_>) -> Option<Result<Choice, Refusal>> {
    let scatter = region.instruction(region.roots()[0]);
    matches!(scatter.op(), Op::Scatter { .. }).then(|| of_scatter(region, scatter))
}

fn of_scatter(region: &Region<'_>, scatter: &Instruction) -> Result<Choice, Refusal> {
    let root = region.roots()[0];
    let (
        Op::Scatter { dimension_numbers, unique_indices, to_apply, .. },
        &[array, indices, updates],
    ) = (scatter.op(), scatter.operands())
    else {
        return region.refuse(root, "a scatter into several arrays");
    };
    let combination = region.module().computation(*to_apply);
    let takes_update =
        *combination.instruction(combination.root()).op() == Op::Parameter { number: 1 };
    if region.inside().count() != 1 || !unique_indices || !takes_update {
        return region.refuse(root, "a scatter that combines");
    }
    let [sizes, places, new] =
        [array, indices, updates].map(|id| region.instruction(id).array_shape().dimensions());
    let numbers = dimension_numbers;
    let by_slices = numbers.inserted_window_dims == [0]
        && numbers.scatter_dims_to_operand_dims == [0]
        && numbers.input_batching_dims.is_empty()
        && numbers.index_vector_dim == 1
        && numbers.update_window_dims.iter().copied().eq(1..sizes.len());
    let (&[count], true) = (places, by_slices && new[1..] == sizes[1..]) else {
        return region.refuse(root, "a scatter of something else than whole slices");
    };
    if sizes.contains(&0) || count == 0 {
        return region.refuse(root, "an array without elements");
    }
    let (element, index) = (region.element(array)?, region.element(indices)?);
    if !matches!(index, Element::S32 | Element::U32) {
        return region.refuse(root, "a scatter by indices that have not 32 bits");
    }
    let slice = match sizes {
        [_, lanes] if element.packing() == 1 => Slice::Row(lanes.div_ceil(LANES)),
        [_, _] => return region.refuse(root, "a scatter of rows that share granules"),
        [_, matrices @ ..] => {
            let (tile_rows, tile_row) = tiles_of(matrices, element);
            Slice::Granules(tile_rows * tile_row)
        }
        [] => return region.refuse(root, "a scatter of single elements"),
    };
    if sizes.len() == 1 {
        return region.refuse(root, "a scatter of single elements");
    }
    let (name, table, indices) = (region.name().to_owned(), sizes[0], Indices::Line(count));
    let spec = Lookup { name, element, index, table, slice, indices, tail: 0 };
    spec.check(&palmetto_isa::TPU_V4)?;
    Ok(Choice { kernel: Kernel::Scatter(spec), inputs: scatter.operands().to_vec() })
}

/// Is this a gather of lanes: of each row of the first operand the lanes that the same row of the
/// second one names?
pub fn is_lane_gather(instruction: &Instruction) -> bool {
    let Op::Gather { dimension_numbers: numbers, .. } = instruction.op() else { return false };
    let Some(lane) = numbers.index_vector_dim.checked_sub(1) else { return false };
    let is_before = |dimensions: &[usize]| dimensions.iter().copied().eq(0..lane);
    lane > 0
        && numbers.start_index_map == [lane]
        && numbers.collapsed_slice_dims == [lane]
        && is_before(&numbers.operand_batching_dims)
        && is_before(&numbers.start_indices_batching_dims)
        && instruction.array_shape().rank() == lane + 1
}

fn of_gather(
    region: &Region<'_>,
    gather: &Instruction,
    (numbers, slice_sizes): (&GatherDimensionNumbers, &[usize]),
) -> Result<Choice, Refusal> {
    let root = region.roots()[0];
    let [table, indices] = [0, 1].map(|n| gather.operands()[n]);
    if region.inside().count() != 1 {
        return region.refuse(root, "a look-up together with other instructions");
    }
    let sizes = region.instruction(table).array_shape().dimensions();
    let places = region.instruction(indices).array_shape().dimensions();
    let result = gather.array_shape().dimensions();
    if result.contains(&0) || sizes.contains(&0) {
        return region.refuse(root, "an array without elements");
    }
    let is_whole = slice_sizes[0] == 1 && slice_sizes[1..] == sizes[1..];
    let by_rows = numbers.start_index_map == [0] && numbers.collapsed_slice_dims == [0];
    if !is_whole || !by_rows || !numbers.operand_batching_dims.is_empty() {
        return region.refuse(root, "a gather of something else than whole slices of a table");
    }
    let is_trailing = numbers.offset_dims.iter().copied().eq(places.len()..result.len());
    if numbers.index_vector_dim != places.len() || !is_trailing {
        return region.refuse(root, "a gather whose indices or slices are transposed");
    }
    let (element, index) = (region.element(table)?, region.element(indices)?);
    if !matches!(index, Element::S32 | Element::U32) {
        return region.refuse(root, "a gather by indices that have not 32 bits");
    }
    let (slice, tail) = match (sizes, places) {
        ([] | [_], _) => return region.refuse(root, "a gather of single elements"),
        ([_, _], []) => return region.refuse(root, "a gather of one row as a line"),
        ([_, lanes], _) => (Slice::Row(lanes.div_ceil(LANES)), 0),
        ([_, matrices @ ..], _) => {
            let (tile_rows, tile_row) = tiles_of(matrices, element);
            let all = tile_rows * places.iter().product::<usize>();
            let tail = (all.next_multiple_of(element.packing()) - all) * tile_row;
            (Slice::Granules(tile_rows * tile_row), tail)
        }
    };
    let indices = match places {
        [] => Indices::Line(1),
        [n] => Indices::Line(*n),
        [majors @ .., rows, lanes] => Indices::Matrices([majors.iter().product(), *rows, *lanes]),
    };
    let (name, table) = (region.name().to_owned(), sizes[0]);
    let spec = Lookup { name, element, index, table, slice, indices, tail };
    spec.check(&palmetto_isa::TPU_V4)?;
    Ok(Choice { kernel: Kernel::Lookup(spec), inputs: gather.operands().to_vec() })
}
