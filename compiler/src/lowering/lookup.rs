//! Gathers that look up whole rows or matrices of a table.

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
        ([_, majors @ .., rows, lanes], _) => {
            let tile_rows = majors.iter().product::<usize>() * rows.div_ceil(SUBLANES);
            let tile_row = lanes.div_ceil(LANES) * element.tile_granules();
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
