//! Inference of ops that apply computations to windows: `reduce-window`, `select-and-scatter`.

use super::super::attribute::WindowDimension;
use super::super::computation::ComputationId;
use super::super::shape::{ArrayShape, ElementType, Shape};
use super::contraction::reducer_types;
use super::{Context, InferError};

/// `reduce-window` of n arrays with n initial values.
pub(super) fn reduce_window(
    context: &Context<'_>,
    window: &[WindowDimension],
    to_apply: ComputationId,
) -> Result<Shape, InferError> {
    let arrays = context.arrays()?;
    // reduce_window (C1)
    context.require(arrays.len() % 2 == 0, "reduce_window (C1)", || {
        format!("{} operands given; as many initial values as inputs are needed", arrays.len())
    })?;
    let (inputs, inits) = arrays.split_at(arrays.len() / 2);
    let first = inputs[0];
    // reduce_window (C2)
    for (n, input) in inputs.iter().enumerate() {
        context.require(input.dimensions() == first.dimensions(), "reduce_window (C2)", || {
            format!("input {n} is {input}, input 0 is {first}; they need the same dimensions")
        })?;
    }
    // reduce_window (C3)
    for (input, init) in inputs.iter().zip(inits) {
        let fits = init.is_scalar() && init.element_type() == input.element_type();
        context.require(fits, "reduce_window (C3)", || {
            format!("the initial value of {input} is {init}; a scalar of its type is needed")
        })?;
    }
    let constraints = [
        "reduce_window (C4)",
        "reduce_window (C5)",
        "reduce_window (C7)",
        "reduce_window (C9)",
        "reduce_window (C11)",
    ];
    require_window(context, window, first, constraints)?;
    // reduce_window (C13)
    let types = reducer_types(context, to_apply, inputs, "reduce_window (C13)")?;
    // reduce_window (C14), (C15), (C16)
    let sizes = positions(context, window, first)?;
    let results = types.iter().map(|&t| Ok(Shape::Array(context.result(t, sizes.clone())?)));
    let mut results = results.collect::<Result<Vec<Shape>, InferError>>()?;
    Ok(if results.len() == 1 { results.remove(0) } else { Shape::Tuple(results) })
}

/// One dimension of the window for each of the array, all of them legal. The constraints are those
/// of the count, the sizes, strides, dilations of the array and dilations of the window.
fn require_window(
    context: &Context<'_>,
    window: &[WindowDimension],
    array: &ArrayShape,
    [count, size, stride, base, dilation]: [&'static str; 5],
) -> Result<(), InferError> {
    context.require(window.len() == array.rank(), count, || {
        format!("a window of {} dimensions given for {array}", window.len())
    })?;
    for (n, dimension) in window.iter().enumerate() {
        let positive = [
            (dimension.size, size, "size of the window"),
            (dimension.stride, stride, "stride"),
            (dimension.base_dilation, base, "dilation of the operand"),
            (dimension.window_dilation, dilation, "dilation of the window"),
        ];
        for (value, constraint, what) in positive {
            context.require(value > 0, constraint, || {
                format!("the {what} in dimension {n} has to be positive")
            })?;
        }
        // A rule of HLO: only the kernel of a convolution is turned around.
        context.require(!dimension.reversed, "reversal", || {
            format!("the window is reversed in dimension {n}; only convolutions allow that")
        })?;
    }
    Ok(())
}

/// How many windows there are along each dimension.
fn positions(
    context: &Context<'_>,
    window: &[WindowDimension],
    array: &ArrayShape,
) -> Result<Vec<usize>, InferError> {
    let sizes = window.iter().zip(array.dimensions()).map(|(dimension, &size)| {
        dimension.positions(size).ok_or_else(|| {
            context.error("size", format!("padding and dilation of {array} leave no valid size"))
        })
    });
    sizes.collect()
}

/// `select-and-scatter` of operand, source and initial value.
pub(super) fn select_and_scatter(
    context: &Context<'_>,
    window: &[WindowDimension],
    [select, scatter]: [ComputationId; 2],
) -> Result<ArrayShape, InferError> {
    let (operand, source, init) = (context.array(0)?, context.array(1)?, context.array(2)?);
    // select_and_scatter (C1)
    context.require(
        operand.element_type() == source.element_type(),
        "select_and_scatter (C1)",
        || format!("operand {operand} and source {source} need the same element type"),
    )?;
    // select_and_scatter (C3)
    let fits = init.is_scalar() && init.element_type() == operand.element_type();
    context.require(fits, "select_and_scatter (C3)", || {
        format!("the initial value is {init}; a scalar of the type of {operand} is needed")
    })?;
    // select_and_scatter (C4), (C5), (C7)
    let constraints = [
        "select_and_scatter (C4)",
        "select_and_scatter (C5)",
        "select_and_scatter (C7)",
        "dilation",
        "dilation",
    ];
    require_window(context, window, operand, constraints)?;
    let is_dilated = |d: &WindowDimension| (d.base_dilation, d.window_dilation) != (1, 1);
    context.require(!window.iter().any(is_dilated), "dilation", || {
        "the window of select-and-scatter is not dilated".into()
    })?;
    // select_and_scatter (C2)
    let sizes = positions(context, window, operand)?;
    context.require(source.dimensions() == sizes, "select_and_scatter (C2)", || {
        format!("operand {operand} has {sizes:?} windows, the source is {source}")
    })?;
    // select_and_scatter (C9), (C10)
    let element_type = operand.element_type();
    let computations = [
        (select, ElementType::Pred, "select_and_scatter (C9)"),
        (scatter, element_type, "select_and_scatter (C10)"),
    ];
    for (computation, result, constraint) in computations {
        let program = context.program_shape(computation)?;
        let scalar = Shape::scalar(element_type);
        let fits = program.parameters == [scalar.clone(), scalar]
            && program.result == Shape::scalar(result);
        context.require(fits, constraint, || {
            let name = context.module.computation(computation).name();
            format!("the computation {name} is {program}; two scalars of the type of {operand} to one of {result} are needed")
        })?;
    }
    // select_and_scatter (C11), (C12)
    Ok(operand.without_layout())
}
