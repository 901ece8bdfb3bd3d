//! Inference of `scatter`.

use super::super::attribute::ScatterDimensionNumbers;
use super::super::computation::ComputationId;
use super::super::shape::{ArrayShape, Shape};
use super::contraction::reducer_types;
use super::{Context, InferError};

/// The operands of `scatter` by what they are.
struct Arrays<'a> {
    inputs: Vec<&'a ArrayShape>,
    indices: &'a ArrayShape,
    updates: Vec<&'a ArrayShape>,
}

/// `scatter` of n arrays, indices and n arrays of updates.
pub(super) fn scatter(
    context: &Context<'_>,
    numbers: &ScatterDimensionNumbers,
    to_apply: ComputationId,
) -> Result<Shape, InferError> {
    let arrays = context.arrays()?;
    // scatter (C5)
    context.require(arrays.len() % 2 == 1, "scatter (C5)", || {
        format!(
            "{} operands given; the indices are between as many arrays and arrays of updates",
            arrays.len()
        )
    })?;
    let n = arrays.len() / 2;
    let arrays = Arrays {
        inputs: arrays[..n].to_vec(),
        indices: arrays[n],
        updates: arrays[n + 1..].to_vec(),
    };
    require_alike(context, &arrays)?;
    require_dimensions(context, numbers, &arrays)?;
    require_indices(context, numbers, &arrays)?;
    require_sizes(context, numbers, &arrays)?;
    // scatter (C23)
    let types = reducer_types(context, to_apply, &arrays.inputs, "scatter (C23)")?;
    // scatter (C24), (C25)
    let sizes = arrays.inputs[0].dimensions();
    let results = types.iter().map(|&t| Ok(Shape::Array(context.result(t, sizes.to_vec())?)));
    let mut results = results.collect::<Result<Vec<Shape>, InferError>>()?;
    Ok(if results.len() == 1 { results.remove(0) } else { Shape::Tuple(results) })
}

fn require_alike(context: &Context<'_>, arrays: &Arrays<'_>) -> Result<(), InferError> {
    // scatter (C1), (C3)
    for (all, constraint) in [(&arrays.inputs, "scatter (C1)"), (&arrays.updates, "scatter (C3)")] {
        for (n, array) in all.iter().enumerate() {
            context.require(array.dimensions() == all[0].dimensions(), constraint, || {
                format!(
                    "array {n} is {array}, the first one {}; they need the same dimensions",
                    all[0]
                )
            })?;
        }
    }
    // scatter (C6)
    for (input, update) in arrays.inputs.iter().zip(&arrays.updates) {
        context.require(input.element_type() == update.element_type(), "scatter (C6)", || {
            format!("operand {input} and updates {update} need the same element type")
        })?;
    }
    // scatter (I2)
    context.require(arrays.indices.element_type().is_integer(), "scatter (I2)", || {
        format!("the indices are {}; integers are needed", arrays.indices)
    })
}

fn require_dimensions(
    context: &Context<'_>,
    numbers: &ScatterDimensionNumbers,
    arrays: &Arrays<'_>,
) -> Result<(), InferError> {
    let (input, update) = (arrays.inputs[0], arrays.updates[0]);
    let ScatterDimensionNumbers {
        update_window_dims: window,
        inserted_window_dims: inserted,
        scatter_dims_to_operand_dims: scattered,
        input_batching_dims: batching,
        ..
    } = numbers;
    // scatter (C2)
    let (given, rank) = (window.len() + inserted.len() + batching.len(), input.rank());
    context.require(given == rank, "scatter (C2)", || {
        format!(
            "update_window_dims, inserted_window_dims and input_batching_dims have {given} \
             entries together; operand {input} needs {rank}"
        )
    })?;
    // scatter (C7), (C8)
    let of_updates = update.rank();
    let constraints = ["scatter (C7)", "scatter (C8)"];
    context.require_distinct(window, of_updates, constraints, "update_window_dims")?;
    // scatter (C9), (C11), (C13)
    let constraints = ["scatter (C9)", "scatter (C11)"];
    context.require_distinct(inserted, rank, constraints, "inserted_window_dims")?;
    let constraints = ["scatter (C9)", "scatter (C13)"];
    context.require_distinct(batching, rank, constraints, "input_batching_dims")?;
    let both = [&inserted[..], batching].concat();
    let what = "inserted_window_dims with input_batching_dims";
    context.require_distinct(&both, rank, ["scatter (C9)"; 2], what)?;
    // scatter (C7), (C10), (C12)
    let sorted = [
        (window, "scatter (C7)", "update_window_dims"),
        (inserted, "scatter (C10)", "inserted_window_dims"),
        (batching, "scatter (C12)", "input_batching_dims"),
    ];
    for (dimensions, constraint, what) in sorted {
        context.require(dimensions.is_sorted(), constraint, || {
            format!("{what} {dimensions:?} have to be sorted")
        })?;
    }
    // scatter (C20), (C21)
    let constraints = ["scatter (C20)", "scatter (C21)"];
    let both = [&scattered[..], batching].concat();
    let what = "scatter_dims_to_operand_dims with input_batching_dims";
    context.require_distinct(&both, rank, constraints, what)
}

fn require_indices(
    context: &Context<'_>,
    numbers: &ScatterDimensionNumbers,
    arrays: &Arrays<'_>,
) -> Result<(), InferError> {
    let (input, indices) = (arrays.inputs[0], arrays.indices);
    let (vector, rank) = (numbers.index_vector_dim, indices.rank());
    // scatter (C22)
    context.require(vector <= rank, "scatter (C22)", || {
        format!("index_vector_dim {vector} of {indices}; at most {rank} is allowed")
    })?;
    // scatter (C14), (C15), (C16), (C17)
    let batching = &numbers.scatter_indices_batching_dims;
    let what = "scatter_indices_batching_dims";
    context.require_distinct(batching, rank, ["scatter (C14)", "scatter (C15)"], what)?;
    context.require(!batching.contains(&vector), "scatter (C16)", || {
        format!("{what} contain index_vector_dim {vector}")
    })?;
    let (a, b) = (numbers.input_batching_dims.len(), batching.len());
    context
        .require(a == b, "scatter (C17)", || format!("{a} input_batching_dims and {b} {what}"))?;
    // scatter (C18)
    for (&of_input, &of_indices) in numbers.input_batching_dims.iter().zip(batching) {
        let sizes = (input.dimensions()[of_input], indices.dimensions()[of_indices]);
        context.require(sizes.0 == sizes.1, "scatter (C18)", || {
            format!(
                "batching dimension {of_input} of {input} and {of_indices} of {indices} need the \
                 same size"
            )
        })?;
    }
    // scatter (C19)
    let components = indices.dimensions().get(vector).copied().unwrap_or(1);
    let given = numbers.scatter_dims_to_operand_dims.len();
    context.require(given == components, "scatter (C19)", || {
        format!(
            "scatter_dims_to_operand_dims has {given} entries, an index has {components} components"
        )
    })
}

fn require_sizes(
    context: &Context<'_>,
    numbers: &ScatterDimensionNumbers,
    arrays: &Arrays<'_>,
) -> Result<(), InferError> {
    let (input, indices, update) = (arrays.inputs[0], arrays.indices, arrays.updates[0]);
    // scatter (C4)
    let rows = (0..indices.rank()).filter(|d| *d != numbers.index_vector_dim);
    let rows: Vec<usize> = rows.map(|d| indices.dimensions()[d]).collect();
    let is_window = |d: &usize| numbers.update_window_dims.contains(d);
    let of_updates = (0..update.rank()).filter(|d| !is_window(d));
    let given: Vec<usize> = of_updates.map(|d| update.dimensions()[d]).collect();
    context.require(rows == given, "scatter (C4)", || {
        format!("indices {indices} are for windows {rows:?}, updates {update} are of {given:?}")
    })?;
    let room = numbers.window_dims(input.rank());
    let mut sizes = numbers.update_window_dims.iter().zip(room);
    let fits = sizes.all(|(u, d)| update.dimensions()[*u] <= input.dimensions()[d]);
    context.require(fits, "scatter (C4)", || {
        format!("the windows of updates {update} do not fit into operand {input}")
    })
}
