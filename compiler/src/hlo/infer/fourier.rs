//! Inference of `fft`.

use super::super::attribute::FftType;
use super::super::shape::ArrayShape;
use super::{Context, InferError};

/// `fft` along the last dimensions, of these lengths.
pub(super) fn fft(
    context: &Context<'_>,
    kind: FftType,
    length: &[usize],
) -> Result<ArrayShape, InferError> {
    let operand = context.array(0)?;
    // fft (C3)
    context.require((1..=3).contains(&length.len()), "fft (C3)", || {
        format!("fft_length is {length:?}; 1 to 3 dimensions are transformed")
    })?;
    // fft (C1)
    let outer = operand.rank().checked_sub(length.len()).ok_or_else(|| {
        let message = format!("fft_length is {length:?} for {operand}, which has fewer dimensions");
        context.error("fft (C1)", message)
    })?;
    // fft (C2)
    let given = operand.element_type();
    let result_type = match kind {
        FftType::Fft | FftType::Ifft if given.is_complex() => Some(given),
        FftType::Irfft if given.is_complex() => Some(given.part()),
        FftType::Rfft if given.is_float() => given.complex(),
        FftType::Fft | FftType::Ifft | FftType::Rfft | FftType::Irfft => None,
    };
    let result_type = result_type.ok_or_else(|| {
        let allowed = if kind == FftType::Rfft { "f32 or f64" } else { "c64 or c128" };
        let message = format!("the operand of {} is {operand}; {allowed} is needed", kind.text());
        context.error("fft (C2)", message)
    })?;
    // fft (C4); for complex arrays a rule of HLO
    let mut expected = length.to_vec();
    let last = length.len() - 1;
    let half = if length[last] == 0 { 0 } else { length[last] / 2 + 1 };
    if kind == FftType::Irfft {
        expected[last] = half;
    }
    let transformed = &operand.dimensions()[outer..];
    // Of no numbers, half of a spectrum is nothing or, as JAX counts, one number.
    let is_nothing = kind == FftType::Irfft && length[last] == 0 && transformed[last] == 1;
    let fits = transformed[..last] == expected[..last]
        && (transformed[last] == expected[last] || is_nothing);
    context.require(fits, "fft (C4)", || {
        format!(
            "the last dimensions of {operand} have to be {expected:?} for {} with fft_length {length:?}",
            kind.text()
        )
    })?;
    // fft (C5)
    let mut sizes = [&operand.dimensions()[..outer], length].concat();
    if kind == FftType::Rfft {
        sizes[outer + last] = half;
    }
    context.result(result_type, sizes)
}
