//! `reduce_window` and `select_and_scatter`.

use super::attributes::{indices, integers, required};
use super::body::{Body, only_blocks};
use super::control::closed_region;
use super::error;
use crate::frontend::source::SourceResult;
use crate::frontend::syntax::Operation;
use crate::hlo::{InstructionId, Op, WindowDimension};

/// `reduce_window`.
pub(super) fn reduce_window<'p>(
    body: &mut Body<'_, 'p>,
    operation: &'p Operation,
) -> SourceResult<Vec<InstructionId>> {
    let operands = body.operands(operation)?;
    let [block] = only_blocks(operation)?;
    let window = window(operation)?;
    let op =
        Op::ReduceWindow { window, to_apply: closed_region(body, operation, block, "reducer")? };
    if operation.results.len() == 1 {
        return Ok(vec![body.add_result(operation, op, &operands)?]);
    }
    let tuple = body.add(operation, op, &operands)?;
    body.elements(operation, tuple)
}

/// `select_and_scatter`.
pub(super) fn select_and_scatter<'p>(
    body: &mut Body<'_, 'p>,
    operation: &'p Operation,
) -> SourceResult<Vec<InstructionId>> {
    let operands: [InstructionId; 3] = body.exactly(operation)?;
    let [select, scatter] = only_blocks(operation)?;
    let rank = body.array(operation, operands[0])?.rank();
    // A window without sizes is of single elements.
    let window = match operation.attribute("window_dimensions") {
        Some(_) => window(operation)?,
        None => with_lists(operation, vec![WindowDimension::of_size(1); rank])?,
    };
    let select = closed_region(body, operation, select, "select")?;
    let scatter = closed_region(body, operation, scatter, "scatter")?;
    let op = Op::SelectAndScatter { window, select, scatter };
    Ok(vec![body.add_result(operation, op, &operands)?])
}

fn window(operation: &Operation) -> SourceResult<Vec<WindowDimension>> {
    required(operation, "window_dimensions")?;
    let sizes = indices(operation, "window_dimensions")?;
    with_lists(operation, sizes.into_iter().map(WindowDimension::of_size).collect())
}

/// The window with what the other lists say, which may be left out. Inference checks the values.
fn with_lists(
    operation: &Operation,
    mut window: Vec<WindowDimension>,
) -> SourceResult<Vec<WindowDimension>> {
    type Set = fn(&mut WindowDimension, usize);
    let lists: [(&str, Set); 3] = [
        ("window_strides", |dimension, value| dimension.stride = value),
        ("base_dilations", |dimension, value| dimension.base_dilation = value),
        ("window_dilations", |dimension, value| dimension.window_dilation = value),
    ];
    for (name, set) in lists {
        if operation.attribute(name).is_some() {
            let values = indices(operation, name)?;
            check_count(operation, name, (values.len(), window.len()))?;
            window.iter_mut().zip(values).for_each(|(dimension, value)| set(dimension, value));
        }
    }
    set_padding(operation, &mut window)?;
    Ok(window)
}

/// Sets the padding of each dimension, if there is any.
pub(super) fn set_padding(
    operation: &Operation,
    window: &mut [WindowDimension],
) -> SourceResult<()> {
    if operation.attribute("padding").is_none() {
        return Ok(());
    }
    pad(operation, window, &integers(operation, "padding")?)
}

/// Sets the padding of each dimension: before, then after.
pub(super) fn pad(
    operation: &Operation,
    window: &mut [WindowDimension],
    values: &[i64],
) -> SourceResult<()> {
    check_count(operation, "padding", (values.len(), 2 * window.len()))?;
    for (dimension, pair) in window.iter_mut().zip(values.chunks_exact(2)) {
        (dimension.padding_low, dimension.padding_high) = (pair[0], pair[1]);
    }
    Ok(())
}

/// An error unless a list has as many values as are needed.
pub(super) fn check_count(
    operation: &Operation,
    name: &str,
    (given, needed): (usize, usize),
) -> SourceResult<()> {
    if given == needed {
        return Ok(());
    }
    let what = &operation.name;
    error(operation, format!("{what}: '{name}' has {given} values; {needed} are needed"))
}
