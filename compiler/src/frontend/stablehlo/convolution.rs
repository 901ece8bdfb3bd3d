//! `convolution`.

use super::attributes::{as_index, as_indices, index, required};
use super::body::Body;
use super::contraction::operand_precision;
use super::window::{check_count, pad, set_padding};
use crate::frontend::source::{SourceError, SourceResult};
use crate::frontend::syntax::{Attribute, NamedAttribute, Operation};
use crate::hlo::{ConvolutionDimensionNumbers, InstructionId, Op, WindowDimension};

/// `convolution`.
pub(super) fn convolution(
    body: &mut Body<'_, '_>,
    operation: &Operation,
) -> SourceResult<Vec<InstructionId>> {
    let operands: [InstructionId; 2] = body.exactly(operation)?;
    with_padding(body, operation, (operands, None))
}

/// The same of given operands, with the padding before and after each dimension, if that is no
/// attribute.
pub(super) fn with_padding(
    body: &mut Body<'_, '_>,
    operation: &Operation,
    (operands, padding): ([InstructionId; 2], Option<&[i64]>),
) -> SourceResult<Vec<InstructionId>> {
    let dim_labels = dimension_numbers(required(operation, "dimension_numbers")?)?;
    let kernel = body.array(operation, operands[1])?;
    let sizes = dim_labels.kernel_spatial.iter().map(|&d| kernel.dimensions().get(d).copied());
    // Inference reports dimensions that the kernel does not have.
    let mut window: Vec<_> = sizes.map(|n| WindowDimension::of_size(n.unwrap_or(0))).collect();
    set(operation, &mut window, "window_strides", |d, value| d.stride = value)?;
    set(operation, &mut window, "lhs_dilation", |d, value| d.base_dilation = value)?;
    set(operation, &mut window, "rhs_dilation", |d, value| d.window_dilation = value)?;
    match padding {
        Some(padding) => pad(operation, &mut window, padding)?,
        None => set_padding(operation, &mut window)?,
    }
    set_reversal(operation, &mut window)?;
    let op = Op::Convolution {
        window,
        dim_labels: Box::new(dim_labels),
        feature_group_count: index(operation, "feature_group_count")?,
        batch_group_count: index(operation, "batch_group_count")?,
        operand_precision: operand_precision(operation)?,
    };
    Ok(vec![body.add_result(operation, op, &operands)?])
}

/// Hands each dimension of the window its values of a list that may be left out.
fn set(
    operation: &Operation,
    window: &mut [WindowDimension],
    name: &str,
    set: impl Fn(&mut WindowDimension, usize),
) -> SourceResult<()> {
    let Some(attribute) = operation.attribute(name) else { return Ok(()) };
    let values = as_indices(attribute)?;
    check_count(operation, name, (values.len(), window.len()))?;
    window.iter_mut().zip(values).for_each(|(dimension, value)| set(dimension, value));
    Ok(())
}

fn set_reversal(operation: &Operation, window: &mut [WindowDimension]) -> SourceResult<()> {
    let Some(attribute) = operation.attribute("window_reversal") else { return Ok(()) };
    let values = match &attribute.value {
        Attribute::BoolArray(values) => values.clone(),
        other => other
            .as_integers()
            .ok_or_else(|| {
                let message = "the attribute 'window_reversal' has to be a list of booleans";
                SourceError::new(attribute.span, message)
            })?
            .into_iter()
            .map(|value| value != 0)
            .collect(),
    };
    check_count(operation, "window_reversal", (values.len(), window.len()))?;
    window.iter_mut().zip(values).for_each(|(dimension, value)| dimension.reversed = value);
    Ok(())
}

/// `#stablehlo.conv<[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]>`, or the fields of
/// `#stablehlo.conv<raw …>`.
fn dimension_numbers(attribute: &NamedAttribute) -> SourceResult<ConvolutionDimensionNumbers> {
    match &attribute.value {
        Attribute::Other(text) => {
            let inside = text.strip_prefix("#stablehlo.conv<").and_then(|t| t.strip_suffix('>'));
            inside.and_then(labels)
        }
        Attribute::Struct { name, fields, .. } if name == "conv" => return raw(fields),
        _ => None,
    }
    .ok_or_else(|| {
        let message = "the attribute 'dimension_numbers' has to be a #stablehlo.conv<…> such as \
                       #stablehlo.conv<[b, 0, f]x[0, i, o]->[b, 0, f]>";
        SourceError::new(attribute.span, message)
    })
}

fn labels(text: &str) -> Option<ConvolutionDimensionNumbers> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let inside = plain.strip_prefix('[')?.strip_suffix(']')?;
    let (operands, output) = inside.split_once("]->[")?;
    let (input, kernel) = operands.split_once("]x[")?;
    let [input, kernel, output] = [input, kernel, output].map(|list| list.replace(',', ""));
    crate::hlo::attribute::convolution_dimension_numbers(&format!("{input}_{kernel}->{output}"))
}

fn raw(fields: &[NamedAttribute]) -> SourceResult<ConvolutionDimensionNumbers> {
    let mut numbers = ConvolutionDimensionNumbers::default();
    for field in fields {
        match field.name.as_str() {
            "input_batch_dimension" => numbers.input_batch = as_index(field)?,
            "input_feature_dimension" => numbers.input_feature = as_index(field)?,
            "input_spatial_dimensions" => numbers.input_spatial = as_indices(field)?,
            "kernel_input_feature_dimension" => numbers.kernel_input_feature = as_index(field)?,
            "kernel_output_feature_dimension" => numbers.kernel_output_feature = as_index(field)?,
            "kernel_spatial_dimensions" => numbers.kernel_spatial = as_indices(field)?,
            "output_batch_dimension" => numbers.output_batch = as_index(field)?,
            "output_feature_dimension" => numbers.output_feature = as_index(field)?,
            "output_spatial_dimensions" => numbers.output_spatial = as_indices(field)?,
            other => {
                let message = format!("unknown convolution dimensions '{other}'");
                return Err(SourceError::new(field.span, message));
            }
        }
    }
    Ok(numbers)
}
