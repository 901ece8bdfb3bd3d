//! Ops that make, move and reinterpret data without computing anything.

use super::element::with_width;
use super::elementwise::{view, view_mut};
use super::error::Cause;
use super::strided::{Walk, copy};
use crate::hlo::{ArrayLiteral, ArrayShape, Op, PaddingDimension, Shape, SliceDimension};

/// The result of an op that moves elements and computes nothing; `None` if it is another.
pub(super) fn evaluate(
    op: &Op,
    shape: &ArrayShape,
    operand_shapes: &[&Shape],
    operands: &[ArrayLiteral],
) -> Result<Option<ArrayLiteral>, Cause> {
    let result = match (op, operands) {
        (Op::Bitcast, [operand]) => {
            let from = operand_shapes.first().and_then(|shape| shape.as_array());
            bitcast(shape, from.unwrap_or(operand.shape()), operand)?
        }
        (Op::BitcastConvert, [operand]) => bitcast_convert(shape, operand),
        (Op::Broadcast { dimensions }, [operand]) => broadcast(shape, operand, dimensions),
        (Op::Concatenate { dimension }, operands) => concatenate(shape, operands, *dimension),
        (Op::Iota { iota_dimension }, []) => iota(shape, *iota_dimension),
        (Op::Pad { padding }, [operand, value]) => pad(shape, operand, value, padding),
        (Op::Reshape, [operand]) => reshape(shape, operand),
        (Op::Reverse { dimensions }, [operand]) => reverse(shape, operand, dimensions),
        (Op::Slice { slice: parts }, [operand]) => slice(shape, operand, parts),
        (Op::Transpose { dimensions }, [operand]) => transpose(shape, operand, dimensions),
        _ => return Ok(None),
    };
    Ok(Some(result))
}

/// The elements of `operand` that `walk` visits, as an array of `shape`.
pub(super) fn read(shape: &ArrayShape, operand: &ArrayLiteral, walk: &Walk) -> ArrayLiteral {
    let mut result = ArrayLiteral::zeros(shape);
    let all = Walk::all(&shape.strides());
    with_width!(shape.element_type(), T => {
        let to = view_mut::<T>(&mut result);
        copy(shape.dimensions(), (to, &all), (view::<T>(operand), walk));
    });
    result
}

/// Overwrites the elements of `target` that `walk` visits with those of `source`.
pub(super) fn write(target: &mut ArrayLiteral, walk: &Walk, source: &ArrayLiteral) {
    let all = Walk::all(&source.shape().strides());
    with_width!(source.element_type(), T => {
        let from = view::<T>(source);
        copy(source.shape().dimensions(), (view_mut::<T>(target), walk), (from, &all));
    });
}

/// `broadcast`.
pub(super) fn broadcast(
    shape: &ArrayShape,
    operand: &ArrayLiteral,
    dimensions: &[usize],
) -> ArrayLiteral {
    let mut strides = vec![0; shape.rank()];
    for (&dimension, stride) in dimensions.iter().zip(operand.shape().strides()) {
        strides[dimension] = stride.cast_signed();
    }
    read(shape, operand, &Walk { offset: 0, strides })
}

/// `transpose`.
pub(super) fn transpose(
    shape: &ArrayShape,
    operand: &ArrayLiteral,
    dimensions: &[usize],
) -> ArrayLiteral {
    if dimensions.is_sorted() {
        return operand.clone();
    }
    let strides = operand.shape().strides();
    let strides = dimensions.iter().map(|&dimension| strides[dimension].cast_signed()).collect();
    read(shape, operand, &Walk { offset: 0, strides })
}

/// `slice`.
pub(super) fn slice(
    shape: &ArrayShape,
    operand: &ArrayLiteral,
    slice: &[SliceDimension],
) -> ArrayLiteral {
    let mut walk = Walk::all(&operand.shape().strides());
    if shape.element_count() == 0 {
        return ArrayLiteral::zeros(shape);
    }
    let counts = shape.dimensions();
    for ((stride, dimension), &count) in walk.strides.iter_mut().zip(slice).zip(counts) {
        walk.offset += *stride * dimension.start.cast_signed();
        // The step of a dimension without neighbours may be absurdly large.
        *stride *= if count > 1 { dimension.stride.cast_signed() } else { 1 };
    }
    read(shape, operand, &walk)
}

/// `reverse`.
pub(super) fn reverse(
    shape: &ArrayShape,
    operand: &ArrayLiteral,
    dimensions: &[usize],
) -> ArrayLiteral {
    let mut walk = Walk::all(&shape.strides());
    for &dimension in dimensions {
        let last = shape.dimensions()[dimension].saturating_sub(1);
        walk.offset += walk.strides[dimension] * last.cast_signed();
        walk.strides[dimension] *= -1;
    }
    read(shape, operand, &walk)
}

/// `concatenate`.
pub(super) fn concatenate(
    shape: &ArrayShape,
    operands: &[ArrayLiteral],
    dimension: usize,
) -> ArrayLiteral {
    let mut result = ArrayLiteral::zeros(shape);
    let mut walk = Walk::all(&shape.strides());
    for operand in operands {
        write(&mut result, &walk, operand);
        let size = operand.shape().dimensions()[dimension];
        walk.offset += walk.strides[dimension] * size.cast_signed();
    }
    result
}

/// `pad`: elements that negative padding moves out of the result are dropped.
pub(super) fn pad(
    shape: &ArrayShape,
    operand: &ArrayLiteral,
    value: &ArrayLiteral,
    padding: &[PaddingDimension],
) -> ArrayLiteral {
    let mut result = ArrayLiteral::splat(shape, value).expect("the value has the operand's type");
    let mut source = Walk::all(&operand.shape().strides());
    let mut target = Walk::all(&shape.strides());
    let mut counts = Vec::with_capacity(shape.rank());
    for (n, &padding) in padding.iter().enumerate() {
        let kept = kept_elements(operand.shape().dimensions()[n], shape.dimensions()[n], padding);
        source.offset += source.strides[n] * kept.first.cast_signed();
        target.offset += target.strides[n] * kept.place.cast_signed();
        target.strides[n] *= kept.step.cast_signed();
        counts.push(kept.count);
    }
    with_width!(shape.element_type(), T => {
        copy(&counts, (view_mut::<T>(&mut result), &target), (view::<T>(operand), &source));
    });
    result
}

/// The elements of one dimension that padding keeps.
struct Kept {
    /// The first one.
    first: usize,
    /// How many.
    count: usize,
    /// Where the first one goes.
    place: usize,
    /// How far apart they are in the result.
    step: usize,
}

fn kept_elements(size: usize, padded: usize, padding: PaddingDimension) -> Kept {
    // In 128 bits, where no sum of sizes and paddings can overflow.
    let (low, step) = (i128::from(padding.low), padding.interior as i128 + 1);
    let place = |n: i128| low + n * step;
    let first = (-low).max(0).div_euclid(step) + i128::from((-low).max(0).rem_euclid(step) != 0);
    let room = padded as i128 - place(first);
    let fitting = if room > 0 { (room - 1) / step + 1 } else { 0 };
    let count = fitting.min(size as i128 - first);
    if count <= 0 {
        return Kept { first: 0, count: 0, place: 0, step: 0 };
    }
    let within = |value: i128| usize::try_from(value).expect("it is a position in an array");
    // The step matters between neighbours only, and may not fit anything without them.
    let step = if count > 1 { within(step) } else { 0 };
    Kept { first: within(first), count: within(count), place: within(place(first)), step }
}

/// `iota`.
pub(super) fn iota(shape: &ArrayShape, dimension: usize) -> ArrayLiteral {
    let line = ArrayShape::new(shape.element_type(), vec![shape.dimensions()[dimension]]);
    let line = line.expect("it is smaller than the whole");
    broadcast(shape, &ArrayLiteral::iota(&line, 0), &[dimension])
}

/// `reshape`: the same bytes under other dimensions.
pub(super) fn reshape(shape: &ArrayShape, operand: &ArrayLiteral) -> ArrayLiteral {
    operand.reshape(shape.dimensions()).expect("inference compares the numbers of elements")
}

/// `bitcast-convert`: the same bytes as other elements, since literals are little-endian. Elements
/// of fewer than 8 bits are put together first, the first of them lowest, or taken apart.
pub(super) fn bitcast_convert(shape: &ArrayShape, operand: &ArrayLiteral) -> ArrayLiteral {
    let widths = [operand.element_type(), shape.element_type()].map(|t| t.bit_width() as usize);
    if widths[0] != widths[1] && (widths[0] < 8 || widths[1] < 8) {
        let bit = |literal: &ArrayLiteral, width: usize, n: usize| {
            // Elements of 8 bits and more have no gaps, others a byte each.
            let place = if width < 8 { n / width * 8 + n % width } else { n };
            (literal.bytes()[place / 8] >> (place % 8)) & 1
        };
        let mut result = ArrayLiteral::zeros(shape);
        let [from, to] = widths;
        for n in 0..shape.element_count() * to {
            let place = if to < 8 { n / to * 8 + n % to } else { n };
            result.bytes_mut()[place / 8] |= bit(operand, from, n) << (place % 8);
        }
        return result;
    }
    let bytes = ArrayLiteral::from_bytes(shape.clone(), operand.bytes());
    bytes.expect("inference compares the numbers of bytes")
}

/// `bitcast`: the same memory under another shape and layout.
///
/// Without layouts, or with plain row-major ones, that is `reshape`. Otherwise each element of the
/// result is the one that lies at the same position in memory.
pub(super) fn bitcast(
    shape: &ArrayShape,
    operand_shape: &ArrayShape,
    operand: &ArrayLiteral,
) -> Result<ArrayLiteral, Cause> {
    if is_row_major(shape) && is_row_major(operand_shape) {
        return Ok(reshape(shape, operand));
    }
    let physical_elements = operand_shape.physical_byte_size() / shape.element_type().byte_size();
    let mut element_at = vec![usize::MAX; physical_elements];
    for element in 0..operand_shape.element_count() {
        element_at[operand_shape.physical_position(element)] = element;
    }
    let mut result = ArrayLiteral::zeros(shape);
    for element in 0..shape.element_count() {
        let from = element_at.get(shape.physical_position(element)).copied();
        let from = from.filter(|&from| from != usize::MAX).ok_or_else(|| {
            let (from, to) = (operand_shape.clone(), shape.clone());
            Cause::BitcastOfPadding {
                from: Box::new(Shape::Array(from)),
                to: Box::new(Shape::Array(to)),
            }
        })?;
        result.set_element(element, &operand.element(from));
    }
    Ok(result)
}

fn is_row_major(shape: &ArrayShape) -> bool {
    shape.layout().is_none_or(|layout| {
        layout.tiles.is_empty() && layout.minor_to_major.iter().rev().is_sorted()
    })
}
