//! Ops that make and move data.

use super::attributes::{as_word, index, indices, integers, required};
use super::body::Body;
use super::error;
use crate::frontend::source::{SourceError, SourceResult};
use crate::frontend::syntax::Operation;
use crate::hlo::{FftType, InstructionId, Op, PaddingDimension, Shape, SliceDimension};

type Results = SourceResult<Vec<InstructionId>>;

/// `broadcast_in_dim`. HLO's broadcast does not stretch dimensions of size 1, so those are
/// dropped by a reshape before.
pub(super) fn broadcast_in_dim(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let [operand] = body.exactly(operation)?;
    stretched(body, operation, operand)
}

/// The same of a given operand.
pub(super) fn stretched(
    body: &mut Body<'_, '_>,
    operation: &Operation,
    operand: InstructionId,
) -> Results {
    let dimensions = indices(operation, "broadcast_dimensions")?;
    let from = body.array(operation, operand)?;
    let to = body.result_array(operation)?;
    // Inference reports what is wrong with the dimensions.
    let stretched: Vec<bool> = from
        .dimensions()
        .iter()
        .zip(&dimensions)
        .map(|(&size, &dimension)| size == 1 && to.dimensions().get(dimension) != Some(&1))
        .collect();
    let legal = dimensions.len() == from.rank()
        && dimensions.iter().all(|&dimension| dimension < to.rank());
    if !legal || !stretched.contains(&true) {
        return Ok(vec![body.add_result(operation, Op::Broadcast { dimensions }, &[operand])?]);
    }
    let kept = |values: &[usize]| -> Vec<usize> {
        values
            .iter()
            .zip(&stretched)
            .filter(|(_, stretched)| !**stretched)
            .map(|(v, _)| *v)
            .collect()
    };
    let Ok(shape) = Shape::array(from.element_type(), kept(from.dimensions())) else {
        return error(operation, "this operand is too large");
    };
    let reshaped = body.add_shaped(operation, Op::Reshape, &[operand], shape)?;
    let op = Op::Broadcast { dimensions: kept(&dimensions) };
    Ok(vec![body.add_result(operation, op, &[reshaped])?])
}

/// `concatenate`.
pub(super) fn concatenate(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let operands = body.operands(operation)?;
    let dimension = index(operation, "dimension")?;
    Ok(vec![body.add_result(operation, Op::Concatenate { dimension }, &operands)?])
}

/// `fft`.
pub(super) fn fft(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let operands: [InstructionId; 1] = body.exactly(operation)?;
    let attribute = required(operation, "fft_type")?;
    let word = as_word(attribute)?;
    let fft_type = FftType::from_text(word).ok_or_else(|| {
        let message = format!("found '{word}', expected FFT, IFFT, RFFT or IRFFT");
        SourceError::new(attribute.span, message)
    })?;
    let fft_length = indices(operation, "fft_length")?;
    Ok(vec![body.add_result(operation, Op::Fft { fft_type, fft_length }, &operands)?])
}

/// `iota`.
pub(super) fn iota(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let []: [InstructionId; 0] = body.exactly(operation)?;
    let iota_dimension = index(operation, "iota_dimension")?;
    Ok(vec![body.add_result(operation, Op::Iota { iota_dimension }, &[])?])
}

/// `pad`.
pub(super) fn pad(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let operands: [InstructionId; 2] = body.exactly(operation)?;
    let low = integers(operation, "edge_padding_low")?;
    let high = integers(operation, "edge_padding_high")?;
    let interior = indices(operation, "interior_padding")?;
    if low.len() != high.len() || low.len() != interior.len() {
        let (low, high, interior) = (low.len(), high.len(), interior.len());
        let message = format!(
            "stablehlo.pad has {low} low, {high} high and {interior} interior sizes; equal \
             numbers are needed"
        );
        return error(operation, message);
    }
    let padding = low
        .into_iter()
        .zip(high)
        .zip(interior)
        .map(|((low, high), interior)| PaddingDimension { low, high, interior })
        .collect();
    Ok(vec![body.add_result(operation, Op::Pad { padding }, &operands)?])
}

/// `reverse`.
pub(super) fn reverse(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let operands: [InstructionId; 1] = body.exactly(operation)?;
    let dimensions = indices(operation, "dimensions")?;
    Ok(vec![body.add_result(operation, Op::Reverse { dimensions }, &operands)?])
}

/// `slice`.
pub(super) fn slice(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let operands: [InstructionId; 1] = body.exactly(operation)?;
    let starts = indices(operation, "start_indices")?;
    let limits = indices(operation, "limit_indices")?;
    let strides = indices(operation, "strides")?;
    if starts.len() != limits.len() || starts.len() != strides.len() {
        let (starts, limits, strides) = (starts.len(), limits.len(), strides.len());
        let message = format!(
            "stablehlo.slice has {starts} start indices, {limits} limits and {strides} strides; \
             equal numbers are needed"
        );
        return error(operation, message);
    }
    let slice = starts
        .into_iter()
        .zip(limits)
        .zip(strides)
        .map(|((start, limit), stride)| SliceDimension { start, limit, stride })
        .collect();
    Ok(vec![body.add_result(operation, Op::Slice { slice }, &operands)?])
}

/// `transpose`.
pub(super) fn transpose(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let operands: [InstructionId; 1] = body.exactly(operation)?;
    let dimensions = indices(operation, "permutation")?;
    Ok(vec![body.add_result(operation, Op::Transpose { dimensions }, &operands)?])
}

/// `tuple`.
pub(super) fn tuple(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let operands = body.operands(operation)?;
    Ok(vec![body.add_result(operation, Op::Tuple, &operands)?])
}

/// `get_tuple_element`.
pub(super) fn get_tuple_element(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let operands: [InstructionId; 1] = body.exactly(operation)?;
    let index = index(operation, "index")?;
    Ok(vec![body.add_result(operation, Op::GetTupleElement { index }, &operands)?])
}
