//! Inference of ops whose windows are chosen at run time.

use super::super::attribute::GatherDimensionNumbers;
use super::super::shape::ArrayShape;
use super::{Context, InferError};

/// `dynamic-slice`.
pub(super) fn dynamic_slice(
    context: &Context<'_>,
    sizes: &[usize],
) -> Result<ArrayShape, InferError> {
    let operand = context.array(0)?;
    // dynamic_slice (C2), (C3)
    require_start_indices(context, 1, operand, ["dynamic_slice (C2)", "dynamic_slice (C3)"])?;
    let rank = operand.rank();
    context.require(sizes.len() == rank, "dynamic_slice (C2)", || {
        format!("sizes {sizes:?} given for {operand}; {rank} are needed")
    })?;
    // dynamic_slice (C4)
    let fits = sizes.iter().zip(operand.dimensions()).all(|(size, limit)| size <= limit);
    context.require(fits, "dynamic_slice (C4)", || {
        format!("sizes {sizes:?} are larger than the operand {operand}")
    })?;
    // dynamic_slice (C1), (C5)
    context.result(operand.element_type(), sizes.to_vec())
}

/// `dynamic-update-slice`.
pub(super) fn dynamic_update_slice(context: &Context<'_>) -> Result<ArrayShape, InferError> {
    let (operand, update) = (context.array(0)?, context.array(1)?);
    // dynamic_update_slice (C2)
    context.require(
        operand.element_type() == update.element_type(),
        "dynamic_update_slice (C2)",
        || format!("operand {operand} and update {update} need the same element type"),
    )?;
    // dynamic_update_slice (C3)
    context.require(operand.rank() == update.rank(), "dynamic_update_slice (C3)", || {
        format!("operand {operand} and update {update} need the same rank")
    })?;
    // dynamic_update_slice (C4), (C5)
    let constraints = ["dynamic_update_slice (C4)", "dynamic_update_slice (C5)"];
    require_start_indices(context, 2, operand, constraints)?;
    // dynamic_update_slice (C6)
    let mut sizes = update.dimensions().iter().zip(operand.dimensions());
    context.require(
        sizes.all(|(size, limit)| size <= limit),
        "dynamic_update_slice (C6)",
        || format!("the update {update} is larger than the operand {operand}"),
    )?;
    // dynamic_update_slice (C1)
    Ok(operand.without_layout())
}

/// One scalar of integer type for each dimension of `operand`, all of one type.
fn require_start_indices(
    context: &Context<'_>,
    first: usize,
    operand: &ArrayShape,
    [count, types]: [&'static str; 2],
) -> Result<(), InferError> {
    let (given, rank) = (context.operands.len() - first, operand.rank());
    context.require(given == rank, count, || {
        format!("{given} start indices given for {operand}; {rank} are needed")
    })?;
    let indices = &context.arrays()?[first..];
    let legal = indices.iter().all(|index| {
        index.is_scalar() && index.element_type().is_integer() && index.same_but_layout(indices[0])
    });
    context.require(legal, types, || {
        let given: Vec<String> = indices.iter().map(ToString::to_string).collect();
        format!("start indices are {given:?}; integer scalars of one type are needed")
    })
}

/// `gather`.
pub(super) fn gather(
    context: &Context<'_>,
    numbers: &GatherDimensionNumbers,
    slice_sizes: &[usize],
) -> Result<ArrayShape, InferError> {
    let (operand, indices) = (context.array(0)?, context.array(1)?);
    require_gather_indices(context, numbers)?;
    require_gather_dimensions(context, numbers)?;
    require_gather_batching(context, numbers)?;
    require_gather_slices(context, numbers, slice_sizes)?;
    // gather (C22), (C23)
    let batch = indices.dimensions().iter().enumerate();
    let mut batch = batch.filter(|&(d, _)| d != numbers.index_vector_dim).map(|(_, &size)| size);
    let dropped = |d: usize| {
        numbers.collapsed_slice_dims.contains(&d) || numbers.operand_batching_dims.contains(&d)
    };
    let offsets = slice_sizes.iter().enumerate();
    let mut offsets = offsets.filter(|&(d, _)| !dropped(d)).map(|(_, &size)| size);
    let rank = gather_result_rank(indices, numbers);
    let pick = |d: usize| {
        let is_offset = numbers.offset_dims.contains(&d);
        if is_offset { offsets.next() } else { batch.next() }
    };
    let sizes: Option<Vec<usize>> = (0..rank).map(pick).collect();
    let sizes = sizes.expect("offset and batch dimensions were counted");
    context.result(operand.element_type(), sizes)
}

/// The batch dimensions of the result are those of the indices without the index vector.
fn gather_result_rank(indices: &ArrayShape, numbers: &GatherDimensionNumbers) -> usize {
    let has_vector = numbers.index_vector_dim < indices.rank();
    indices.rank() - usize::from(has_vector) + numbers.offset_dims.len()
}

fn require_gather_indices(
    context: &Context<'_>,
    numbers: &GatherDimensionNumbers,
) -> Result<(), InferError> {
    let indices = context.array(1)?;
    // gather (I2)
    context.require(indices.element_type().is_integer(), "gather (I2)", || {
        format!("start indices are {indices}; integers are needed")
    })?;
    // gather (C2)
    let (vector, rank) = (numbers.index_vector_dim, indices.rank());
    context.require(vector <= rank, "gather (C2)", || {
        format!("index_vector_dim {vector} of {indices}; at most {rank} is allowed")
    })?;
    // gather (C3)
    let components = indices.dimensions().get(vector).copied().unwrap_or(1);
    let given = numbers.start_index_map.len();
    context.require(given == components, "gather (C3)", || {
        format!("start_index_map has {given} entries, an index has {components} components")
    })
}

fn require_gather_dimensions(
    context: &Context<'_>,
    numbers: &GatherDimensionNumbers,
) -> Result<(), InferError> {
    let (operand, indices) = (context.array(0)?, context.array(1)?);
    let GatherDimensionNumbers { offset_dims, collapsed_slice_dims, start_index_map, .. } = numbers;
    let operand_batching = &numbers.operand_batching_dims;
    // gather (C1)
    let (given, rank) =
        (offset_dims.len() + collapsed_slice_dims.len() + operand_batching.len(), operand.rank());
    context.require(given == rank, "gather (C1)", || {
        format!(
            "offset_dims, collapsed_slice_dims and operand_batching_dims have {given} entries \
             together; operand {operand} needs {rank}"
        )
    })?;
    // gather (C4), (C5)
    let result_rank = gather_result_rank(indices, numbers);
    context.require_distinct(
        offset_dims,
        result_rank,
        ["gather (C4)", "gather (C5)"],
        "offset_dims",
    )?;
    context.require(offset_dims.is_sorted(), "gather (C4)", || {
        format!("offset_dims {offset_dims:?} have to be sorted")
    })?;
    // gather (C6), (C7), (C8), (C11)
    let what = "collapsed_slice_dims";
    context.require_distinct(collapsed_slice_dims, rank, ["gather (C6)", "gather (C8)"], what)?;
    let what = "operand_batching_dims";
    context.require_distinct(operand_batching, rank, ["gather (C6)", "gather (C11)"], what)?;
    let dropped = [collapsed_slice_dims.as_slice(), operand_batching].concat();
    let what = "collapsed_slice_dims with operand_batching_dims";
    context.require_distinct(&dropped, rank, ["gather (C6)"; 2], what)?;
    context.require(collapsed_slice_dims.is_sorted(), "gather (C7)", || {
        format!("collapsed_slice_dims {collapsed_slice_dims:?} have to be sorted")
    })?;
    // gather (C18), (C19)
    let mapped = [start_index_map.as_slice(), operand_batching].concat();
    let what = "start_index_map with operand_batching_dims";
    context.require_distinct(&mapped, rank, ["gather (C18)", "gather (C19)"], what)
}

fn require_gather_batching(
    context: &Context<'_>,
    numbers: &GatherDimensionNumbers,
) -> Result<(), InferError> {
    let (operand, indices) = (context.array(0)?, context.array(1)?);
    let operand_batching = &numbers.operand_batching_dims;
    let indices_batching = &numbers.start_indices_batching_dims;
    // gather (C10)
    context.require(operand_batching.is_sorted(), "gather (C10)", || {
        format!("operand_batching_dims {operand_batching:?} have to be sorted")
    })?;
    // gather (C13), (C14)
    let what = "start_indices_batching_dims";
    context.require_distinct(
        indices_batching,
        indices.rank(),
        ["gather (C13)", "gather (C14)"],
        what,
    )?;
    // gather (C15)
    let vector = numbers.index_vector_dim;
    context.require(!indices_batching.contains(&vector), "gather (C15)", || {
        format!("start_indices_batching_dims contain index_vector_dim {vector}")
    })?;
    // gather (C16)
    let (a, b) = (operand_batching.len(), indices_batching.len());
    context.require(a == b, "gather (C16)", || {
        format!("{a} operand_batching_dims and {b} start_indices_batching_dims")
    })?;
    // gather (C17)
    for (&of_operand, &of_indices) in operand_batching.iter().zip(indices_batching) {
        let sizes = (operand.dimensions()[of_operand], indices.dimensions()[of_indices]);
        context.require(sizes.0 == sizes.1, "gather (C17)", || {
            format!(
                "batching dimension {of_operand} of {operand} and {of_indices} of {indices} \
                 need the same size"
            )
        })?;
    }
    Ok(())
}

fn require_gather_slices(
    context: &Context<'_>,
    numbers: &GatherDimensionNumbers,
    slice_sizes: &[usize],
) -> Result<(), InferError> {
    let operand = context.array(0)?;
    let rank = operand.rank();
    // gather (C20)
    context.require(slice_sizes.len() == rank, "gather (C20)", || {
        format!("slice_sizes {slice_sizes:?} given for {operand}; {rank} are needed")
    })?;
    // gather (C21)
    let mut sizes = slice_sizes.iter().zip(operand.dimensions());
    context.require(sizes.all(|(size, limit)| size <= limit), "gather (C21)", || {
        format!("slice_sizes {slice_sizes:?} are larger than the operand {operand}")
    })?;
    // gather (C9), (C12)
    let dropped = [
        (&numbers.collapsed_slice_dims, "gather (C9)"),
        (&numbers.operand_batching_dims, "gather (C12)"),
    ];
    for (dimensions, constraint) in dropped {
        for &dimension in dimensions {
            let size = slice_sizes[dimension];
            context.require(size <= 1, constraint, || {
                format!("slices have {size} elements along the dropped dimension {dimension}")
            })?;
        }
    }
    Ok(())
}
