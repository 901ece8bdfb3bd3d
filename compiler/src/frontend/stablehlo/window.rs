//! `reduce_window`, written as slices and elementwise ops.
//!
//! One dimension after the other: windows of twice the size are two windows of half the size, so
//! that a window of n elements takes about log2 n steps, and a cumulative sum of n elements no
//! more. The reducer has to be one binary op, which may be applied in any order.

use super::attributes::integers;
use super::body::{Body, only_blocks};
use super::scatter::{Combine, combination};
use super::{attributes, error};
use crate::frontend::source::{SourceError, SourceResult};
use crate::frontend::syntax::Operation;
use crate::hlo::{ArrayShape, InstructionId, Op, PaddingDimension, Shape, SliceDimension};

/// One dimension of the windows.
struct Window {
    size: usize,
    stride: usize,
    dilation: usize,
}

impl Window {
    /// From the first element to the last one.
    fn span(&self) -> Option<usize> {
        self.size.checked_sub(1)?.checked_mul(self.dilation)?.checked_add(1)
    }
}

/// `reduce_window` of one operand.
pub(super) fn reduce_window(
    body: &mut Body<'_, '_>,
    operation: &Operation,
) -> SourceResult<Vec<InstructionId>> {
    if operation.operands.len() != 2 {
        let given = operation.operands.len();
        let message = format!(
            "stablehlo.reduce_window is supported for one operand and its initial value; found \
             {given} operands"
        );
        return error(operation, message);
    }
    let [operand, init] = body.exactly(operation)?;
    let [block] = only_blocks(operation)?;
    let Some(Combine::Binary(op, _)) = combination(block) else {
        let message = "stablehlo.reduce_window is supported where its region returns the sum, \
                       product, maximum, minimum, and, or, exclusive or of its arguments";
        return error(operation, message);
    };
    if op == Op::Subtract {
        return error(operation, "stablehlo.reduce_window: a difference has no order of its own");
    }
    let shape = body.array(operation, operand)?;
    let windows = windows(operation, shape.rank())?;
    let padding = padding(operation, shape.rank())?;
    let mut value = operand;
    if padding.iter().any(|dimension| *dimension != PaddingDimension::default()) {
        value = body.add(operation, Op::Pad { padding }, &[operand, init])?;
    }
    for (dimension, window) in windows.iter().enumerate() {
        value = Line { operation, op: &op, dimension }.reduce(body, value, window)?;
    }
    let shape = Shape::Array(body.array(operation, value)?);
    let op_broadcast = Op::Broadcast { dimensions: Vec::new() };
    let init = body.add_shaped(operation, op_broadcast, &[init], shape)?;
    Ok(vec![body.add_result(operation, op, &[init, value])?])
}

/// A list with a value for each dimension; ones if it is not there.
fn list(operation: &Operation, name: &str, rank: usize) -> SourceResult<Vec<usize>> {
    if operation.attribute(name).is_none() {
        return Ok(vec![1; rank]);
    }
    let values = attributes::indices(operation, name)?;
    if values.len() != rank || values.contains(&0) {
        let message = format!(
            "stablehlo.reduce_window: '{name}' has to be {rank} positive numbers, found {values:?}"
        );
        return error(operation, message);
    }
    Ok(values)
}

fn windows(operation: &Operation, rank: usize) -> SourceResult<Vec<Window>> {
    attributes::required(operation, "window_dimensions")?;
    let sizes = list(operation, "window_dimensions", rank)?;
    let strides = list(operation, "window_strides", rank)?;
    let dilations = list(operation, "window_dilations", rank)?;
    let all = sizes.into_iter().zip(strides).zip(dilations);
    Ok(all.map(|((size, stride), dilation)| Window { size, stride, dilation }).collect())
}

fn padding(operation: &Operation, rank: usize) -> SourceResult<Vec<PaddingDimension>> {
    let interior = list(operation, "base_dilations", rank)?;
    let edges = match operation.attribute("padding") {
        Some(_) => integers(operation, "padding")?,
        None => vec![0; 2 * rank],
    };
    if edges.len() != 2 * rank {
        let message =
            format!("stablehlo.reduce_window: 'padding' has to be {rank} pairs of numbers");
        return error(operation, message);
    }
    let dimensions = edges.chunks_exact(2).zip(interior);
    Ok(dimensions
        .map(|(edge, dilation)| PaddingDimension {
            low: edge[0],
            high: edge[1],
            interior: dilation - 1,
        })
        .collect())
}

/// The combination along one dimension.
struct Line<'l> {
    operation: &'l Operation,
    op: &'l Op,
    dimension: usize,
}

impl Line<'_> {
    fn reduce(
        &self,
        body: &mut Body<'_, '_>,
        value: InstructionId,
        window: &Window,
    ) -> SourceResult<InstructionId> {
        if window.size == 1 && window.stride == 1 {
            return Ok(value);
        }
        let shape = body.array(self.operation, value)?;
        let size = shape.dimensions()[self.dimension];
        let positions = window.span().and_then(|span| (size + 1).checked_sub(span));
        let Some(positions @ 1..) = positions else {
            let (dimension, of) = (self.dimension, window.size);
            let message = format!(
                "stablehlo.reduce_window: a window of {of} elements does not fit into the {size} \
                 of dimension {dimension}"
            );
            return Err(SourceError::new(self.operation.span, message));
        };
        // `doubled` holds windows of 2^n elements, `sum` those of the lower bits of the size.
        let (mut doubled, mut doubled_size) = (value, size);
        let (mut width, mut rest, mut done) = (1, window.size, 0);
        let mut sum = None;
        loop {
            if rest & 1 == 1 {
                let part = self.slice(body, doubled, [done, done + positions], 1)?;
                sum = Some(match sum {
                    Some(sum) => body.add(self.operation, self.op.clone(), &[sum, part])?,
                    None => part,
                });
                done += width * window.dilation;
            }
            rest >>= 1;
            if rest == 0 {
                break;
            }
            let step = width * window.dilation;
            let first = self.slice(body, doubled, [0, doubled_size - step], 1)?;
            let second = self.slice(body, doubled, [step, doubled_size], 1)?;
            doubled = body.add(self.operation, self.op.clone(), &[first, second])?;
            doubled_size -= step;
            width *= 2;
        }
        self.slice(body, sum.unwrap_or(value), [0, positions], window.stride)
    }

    /// A part of the dimension, or all of it as it is.
    fn slice(
        &self,
        body: &mut Body<'_, '_>,
        value: InstructionId,
        [start, limit]: [usize; 2],
        stride: usize,
    ) -> SourceResult<InstructionId> {
        let shape: ArrayShape = body.array(self.operation, value)?;
        let sizes = shape.dimensions();
        if start == 0 && limit == sizes[self.dimension] && stride == 1 {
            return Ok(value);
        }
        let all = sizes.iter().map(|&limit| SliceDimension { start: 0, limit, stride: 1 });
        let mut slice: Vec<SliceDimension> = all.collect();
        slice[self.dimension] = SliceDimension { start, limit, stride };
        body.add(self.operation, Op::Slice { slice }, &[value])
    }
}
