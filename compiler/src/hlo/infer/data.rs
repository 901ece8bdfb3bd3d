//! Inference of ops that make, move and reinterpret data.

use super::super::attribute::{PaddingDimension, SliceDimension};
use super::super::literal::Literal;
use super::super::opcode::Op;
use super::super::shape::{ArrayShape, Shape};
use super::{Context, InferError};

/// The result of an op that moves elements and computes nothing.
pub(super) fn moved(op: &Op, context: &Context<'_>) -> Result<ArrayShape, InferError> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "only these come here")]
    match op {
        Op::Bitcast => bitcast(context),
        Op::BitcastConvert => bitcast_convert(context),
        Op::Broadcast { dimensions } => broadcast(context, dimensions),
        Op::Concatenate { dimension } => concatenate(context, *dimension),
        Op::Iota { iota_dimension } => iota(context, *iota_dimension),
        Op::Pad { padding } => pad(context, padding),
        Op::Reshape => reshape(context),
        Op::Reverse { dimensions } => reverse(context, dimensions),
        Op::Slice { slice: parts } => slice(context, parts),
        Op::Transpose { dimensions } => transpose(context, dimensions),
        _ => unreachable!("{} does more than move elements", context.opcode),
    }
}

/// `constant`: the shape of its value, in which there are no tokens.
pub(super) fn constant(context: &Context<'_>, literal: &Literal) -> Result<Shape, InferError> {
    let shape = literal.shape();
    let has_token = shape.leaves().into_iter().any(ArrayShape::is_token);
    context.require(!has_token, "constant value", || {
        format!("the value is {shape}; a token is no value, after-all makes one")
    })?;
    Ok(shape)
}

/// `bitcast`: a rule of HLO, not of StableHLO.
pub(super) fn bitcast(context: &Context<'_>) -> Result<ArrayShape, InferError> {
    let (operand, stated) = (context.array(0)?, context.stated_array()?);
    context.require(operand.element_type() == stated.element_type(), "bitcast type", || {
        format!("operand {operand} and result {stated} need the same element type")
    })?;
    context.require(operand.element_count() == stated.element_count(), "bitcast size", || {
        format!("operand {operand} and result {stated} need the same number of elements")
    })?;
    let (from, to) = (operand.physical_byte_size(), stated.physical_byte_size());
    let decided = operand.layout().is_some() && stated.layout().is_some();
    context.require(!decided || from == to, "bitcast size", || {
        format!("operand {operand} takes {from} bytes in memory and result {stated} takes {to}")
    })?;
    Ok(stated.without_layout())
}

/// `bitcast-convert`.
pub(super) fn bitcast_convert(context: &Context<'_>) -> Result<ArrayShape, InferError> {
    let (operand, stated) = (context.array(0)?, context.stated_array()?);
    let (from, to) = (operand.element_type().bit_width(), stated.element_type().bit_width());
    // bitcast_convert (C1)
    let fits = match from.cmp(&to) {
        std::cmp::Ordering::Equal => operand.dimensions() == stated.dimensions(),
        std::cmp::Ordering::Less => {
            split_last(operand, to / from, to % from) == Some(stated.dimensions())
        }
        std::cmp::Ordering::Greater => {
            split_last(stated, from / to, from % to) == Some(operand.dimensions())
        }
    };
    context.require(fits, "bitcast_convert (C1)", || {
        format!(
            "{operand} has {from} bits per element, {stated} has {to}; the narrower one needs a \
             last dimension that makes up for the ratio"
        )
    })?;
    // A rule of HLO: pred takes a byte, so its bits are not the bits of anything else.
    let pred = from == 1 || to == 1;
    context.require(!pred || from == to, "bitcast-convert of pred", || {
        format!("{operand} to {stated}: pred converts only to pred")
    })?;
    Ok(stated.without_layout())
}

/// The leading dimensions of `narrow`, if its last one is `ratio` and nothing remains.
fn split_last(narrow: &ArrayShape, ratio: u32, remainder: u32) -> Option<&[usize]> {
    let (last, leading) = narrow.dimensions().split_last()?;
    (remainder == 0 && *last == ratio as usize).then_some(leading)
}

/// `broadcast`, which is StableHLO's `broadcast_in_dim` without stretched dimensions.
pub(super) fn broadcast(
    context: &Context<'_>,
    dimensions: &[usize],
) -> Result<ArrayShape, InferError> {
    let (operand, stated) = (context.array(0)?, context.stated_array()?);
    // broadcast_in_dim (C1)
    context.require(
        operand.element_type() == stated.element_type(),
        "broadcast_in_dim (C1)",
        || format!("operand {operand} and result {stated} need the same element type"),
    )?;
    // broadcast_in_dim (C2)
    context.require(dimensions.len() == operand.rank(), "broadcast_in_dim (C2)", || {
        format!("dimensions {dimensions:?} given for operand {operand}; one for each is needed")
    })?;
    // broadcast_in_dim (C3), (C4)
    context.require_distinct(
        dimensions,
        stated.rank(),
        ["broadcast_in_dim (C4)", "broadcast_in_dim (C3)"],
        "dimensions",
    )?;
    // broadcast_in_dim (C5); HLO does not stretch dimensions of size 1
    for (n, &dimension) in dimensions.iter().enumerate() {
        let (from, to) = (operand.dimensions()[n], stated.dimensions()[dimension]);
        context.require(from == to, "broadcast_in_dim (C5)", || {
            format!(
                "dimension {n} of operand {operand} becomes dimension {dimension} of {stated}; \
                 the sizes {from} and {to} have to be equal"
            )
        })?;
    }
    Ok(stated.without_layout())
}

/// `concatenate`.
pub(super) fn concatenate(
    context: &Context<'_>,
    dimension: usize,
) -> Result<ArrayShape, InferError> {
    // concatenate (C3): the arity of the opcode
    let operands = context.arrays()?;
    let first = operands[0];
    let rank = first.rank();
    // concatenate (C4)
    context.require(dimension < rank, "concatenate (C4)", || {
        format!("dimension {dimension} of operands like {first}; it has to be below {rank}")
    })?;
    let mut result = first.dimensions().to_vec();
    for (n, other) in operands.iter().enumerate().skip(1) {
        // concatenate (C1)
        context.require(
            other.element_type() == first.element_type(),
            "concatenate (C1)",
            || {
                format!(
                    "operand {n} is {other}, operand 0 is {first}; they need the same element type"
                )
            },
        )?;
        // concatenate (C2)
        let sizes = |shape: &ArrayShape| {
            let sizes = shape.dimensions().iter().enumerate();
            sizes.filter(|&(d, _)| d != dimension).map(|(_, &size)| size).collect::<Vec<_>>()
        };
        let agree = other.rank() == rank && sizes(first) == sizes(other);
        context.require(agree, "concatenate (C2)", || {
            format!("operand {n} is {other}, operand 0 is {first}; only dimension {dimension} may differ")
        })?;
        // concatenate (C6); sizes below 2^46 do not overflow a sum
        result[dimension] = result[dimension].saturating_add(other.dimensions()[dimension]);
    }
    // concatenate (C5)
    context.result(first.element_type(), result)
}

/// `iota`.
pub(super) fn iota(context: &Context<'_>, dimension: usize) -> Result<ArrayShape, InferError> {
    let stated = context.stated_array()?;
    // iota (C1)
    let rank = stated.rank();
    context.require(dimension < rank, "iota (C1)", || {
        format!("iota_dimension {dimension} of {stated}; it has to be below {rank}")
    })?;
    Ok(stated.without_layout())
}

/// `pad`.
pub(super) fn pad(
    context: &Context<'_>,
    padding: &[PaddingDimension],
) -> Result<ArrayShape, InferError> {
    let (operand, value) = (context.array(0)?, context.array(1)?);
    // pad (C1), (I2)
    let fits = value.is_scalar() && value.element_type() == operand.element_type();
    context.require(fits, "pad (C1)", || {
        format!("the padding value is {value}; a scalar of the type of {operand} is needed")
    })?;
    // pad (C2); (C3), interior >= 0, holds by type
    let (given, rank) = (padding.len(), operand.rank());
    context.require(given == rank, "pad (C2)", || {
        format!("padding of {given} dimensions given for {operand}; {rank} are needed")
    })?;
    // pad (C4)
    let sizes = operand.dimensions().iter().zip(padding).map(|(&size, padding)| {
        padded_size(size, *padding).ok_or_else(|| {
            let PaddingDimension { low, high, interior } = padding;
            context.error(
                "pad (C4)",
                format!("padding {low}_{high}_{interior} of {size} elements leaves no valid size"),
            )
        })
    });
    let sizes = sizes.collect::<Result<_, _>>()?;
    context.result(operand.element_type(), sizes)
}

/// The size of a padded dimension; `None` if it would be negative or absurd.
pub(crate) fn padded_size(size: usize, padding: PaddingDimension) -> Option<usize> {
    let gaps = size.saturating_sub(1).checked_mul(padding.interior)?;
    let inner = i64::try_from(size.checked_add(gaps)?).ok()?;
    usize::try_from(inner.checked_add(padding.low)?.checked_add(padding.high)?).ok()
}

/// `reshape`.
pub(super) fn reshape(context: &Context<'_>) -> Result<ArrayShape, InferError> {
    let (operand, stated) = (context.array(0)?, context.stated_array()?);
    // reshape (C1)
    context.require(operand.element_type() == stated.element_type(), "reshape (C1)", || {
        format!("operand {operand} and result {stated} need the same element type")
    })?;
    // reshape (C2)
    let (from, to) = (operand.element_count(), stated.element_count());
    context.require(from == to, "reshape (C2)", || {
        format!("operand {operand} has {from} elements, the result {stated} has {to}")
    })?;
    Ok(stated.without_layout())
}

/// `reverse`.
pub(super) fn reverse(
    context: &Context<'_>,
    dimensions: &[usize],
) -> Result<ArrayShape, InferError> {
    let operand = context.array(0)?;
    // reverse (C2), (C3)
    context.require_distinct(
        dimensions,
        operand.rank(),
        ["reverse (C2)", "reverse (C3)"],
        "dimensions",
    )?;
    // reverse (C1)
    Ok(operand.without_layout())
}

/// `slice`.
pub(super) fn slice(
    context: &Context<'_>,
    slice: &[SliceDimension],
) -> Result<ArrayShape, InferError> {
    let operand = context.array(0)?;
    // slice (C2)
    let (given, rank) = (slice.len(), operand.rank());
    context.require(given == rank, "slice (C2)", || {
        format!("{given} dimensions given for {operand}; {rank} are needed")
    })?;
    let mut result = Vec::with_capacity(rank);
    for (&SliceDimension { start, limit, stride }, &size) in slice.iter().zip(operand.dimensions())
    {
        // slice (C3)
        context.require(start <= limit && limit <= size, "slice (C3)", || {
            format!("[{start}:{limit}] of {size} elements; 0 <= start <= limit <= size is needed")
        })?;
        // slice (C4)
        context.require(stride >= 1, "slice (C4)", || "stride 0; at least 1 is needed".into())?;
        // slice (C5)
        result.push((limit - start).div_ceil(stride));
    }
    // slice (C1)
    context.result(operand.element_type(), result)
}

/// `transpose`.
pub(super) fn transpose(
    context: &Context<'_>,
    dimensions: &[usize],
) -> Result<ArrayShape, InferError> {
    let operand = context.array(0)?;
    let rank = operand.rank();
    // transpose (C2)
    context.require(dimensions.len() == rank, "transpose (C2)", || {
        format!("dimensions {dimensions:?} given for {operand}; {rank} are needed")
    })?;
    context.require_distinct(dimensions, rank, ["transpose (C2)"; 2], "dimensions")?;
    // transpose (C1), (C3)
    let sizes = dimensions.iter().map(|&dimension| operand.dimensions()[dimension]).collect();
    context.result(operand.element_type(), sizes)
}
