//! The ops that compute one array from arrays: which family each belongs to.

use super::error::Cause;
use super::{
    EvaluatorOptions, contraction, convolution, elementwise, fourier, indexing, movement, narrow,
};
use crate::hlo::{ArrayLiteral, ArrayShape, InferError, Op, Opcode, Precision, Shape};

/// The bytes that an op needs beside operands and result, if they are worth mentioning.
pub(super) fn scratch_bytes(op: &Op, shape: &Shape, operands: &[&Shape]) -> u64 {
    let arrays: Vec<&ArrayShape> = operands.iter().filter_map(|shape| shape.as_array()).collect();
    match (op, shape, &arrays[..]) {
        (Op::Dot { dimension_numbers, .. }, Shape::Array(shape), [lhs, rhs]) => {
            contraction::scratch_bytes(shape, [lhs, rhs], dimension_numbers)
        }
        (Op::Convolution { .. }, Shape::Array(shape), [lhs, rhs]) => {
            convolution::scratch_bytes(shape, [lhs, rhs])
        }
        (Op::Fft { .. }, Shape::Array(shape), [operand]) => fourier::scratch_bytes(shape, operand),
        (Op::Bitcast, Shape::Array(_), [operand]) => (operand.physical_byte_size() as u64) * 8,
        (Op::Clamp, Shape::Array(shape), _) => (shape.byte_size() as u64) * 3,
        _ => 0,
    }
}

/// The array of `shape` that `op` computes from `operands`.
///
/// `operand_shapes` are the operands' shapes with their layouts, which literals do not have. The
/// instruction has to be one that inference accepts.
pub(super) fn evaluate(
    op: &Op,
    shape: &ArrayShape,
    operand_shapes: &[&Shape],
    mut operands: Vec<ArrayLiteral>,
    options: &EvaluatorOptions,
) -> Result<ArrayLiteral, Cause> {
    let opcode = op.opcode();
    if let Some(result) = narrow::evaluate(op, shape, operand_shapes, &operands, options)? {
        return Ok(result);
    }
    if let Some(result) = movement::evaluate(op, shape, operand_shapes, &operands)? {
        return Ok(result);
    }
    #[rustfmt::skip]
    let result = match (op, &operands[..]) {
        (Op::Abs | Op::Cbrt | Op::Ceil | Op::Copy | Op::Cosine | Op::CountLeadingZeros
        | Op::Exponential | Op::ExponentialMinusOne | Op::Floor | Op::IsFinite | Op::Log
        | Op::LogPlusOne | Op::Logistic | Op::Negate | Op::Not | Op::Popcnt | Op::RoundNearestAfz
        | Op::RoundNearestEven | Op::Rsqrt | Op::Sign | Op::Sine | Op::Sqrt | Op::Tan
        | Op::Tanh | Op::Real | Op::Imag, [operand]) => elementwise::unary(opcode, shape, operand)?,
        (Op::Add | Op::And | Op::Atan2 | Op::Divide | Op::Maximum | Op::Minimum | Op::Multiply
        | Op::Or | Op::Power | Op::Remainder | Op::ShiftLeft | Op::ShiftRightArithmetic
        | Op::ShiftRightLogical | Op::Subtract | Op::Xor, [lhs, rhs]) => {
            elementwise::binary(opcode, shape, lhs, rhs)?
        }
        (Op::ReducePrecision { exponent_bits, mantissa_bits }, [operand]) => {
            elementwise::reduce_precision(shape, operand, [*exponent_bits, *mantissa_bits])
        }
        (Op::Complex, [re, im]) => elementwise::complex(shape, re, im)?,
        (Op::Convert, [operand]) => elementwise::convert(shape, operand),
        (Op::Compare { direction, comparison_type }, [lhs, rhs]) => {
            elementwise::compare(shape, *direction, *comparison_type, [lhs, rhs])
        }
        (Op::Select, [pred, on_true, on_false]) => {
            elementwise::select(shape, pred, on_true, on_false)
        }
        (Op::Clamp, [min, operand, max]) => elementwise::clamp(shape, min, operand, max)?,
        (Op::DynamicSlice { .. }, [operand, starts @ ..]) => {
            indexing::dynamic_slice(shape, operand, starts)
        }
        (Op::DynamicUpdateSlice, [_, _, ..]) => {
            let starts = operands.split_off(2);
            let update = operands.pop();
            let (operand, update) = operands.pop().zip(update).expect("two operands were counted");
            indexing::dynamic_update_slice(operand, &update, &starts)
        }
        (Op::Gather { dimension_numbers, slice_sizes, .. }, [operand, indices]) => {
            indexing::gather(shape, [operand, indices], dimension_numbers, slice_sizes)
        }
        (Op::Convolution { operand_precision, .. }, [lhs, rhs]) => {
            let precisions = [operand_precision.lhs, operand_precision.rhs];
            let precisions = precisions.map(|precision| meant_precision(precision, options));
            convolution::convolution(shape, [lhs, rhs], op, precisions)
        }
        (Op::Fft { fft_type, fft_length }, [operand]) => {
            fourier::fft(shape, operand, *fft_type, fft_length.len())
        }
        (Op::Dot { dimension_numbers, operand_precision }, [lhs, rhs]) => {
            let precisions = [operand_precision.lhs, operand_precision.rhs];
            let precisions = precisions.map(|precision| meant_precision(precision, options));
            contraction::dot(shape, [lhs, rhs], dimension_numbers, precisions)
        }
        _ => return Err(not_an_array_op(opcode, operands.len())),
    };
    Ok(result)
}

fn meant_precision(precision: Precision, options: &EvaluatorOptions) -> Precision {
    match precision {
        Precision::Default => options.default_dot_precision,
        Precision::High | Precision::Highest => precision,
    }
}

fn not_an_array_op(opcode: Opcode, operands: usize) -> Cause {
    let message = format!("with {operands} operands it does not compute an array");
    Cause::Illegal(InferError::new(opcode, "operand count", message))
}
