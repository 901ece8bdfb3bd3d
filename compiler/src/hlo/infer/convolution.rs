//! Inference of convolutions.

use super::super::attribute::{
    ConvolutionDimensionNumbers, MAX_SPATIAL_DIMENSIONS, WindowDimension,
};
use super::super::opcode::Op;
use super::super::shape::ArrayShape;
use super::contraction::sum_type;
use super::{Context, InferError};

/// `convolution`.
pub(super) fn convolution(context: &Context<'_>, op: &Op) -> Result<ArrayShape, InferError> {
    let Op::Convolution { window, dim_labels, feature_group_count, batch_group_count, .. } = op
    else {
        return Err(context.error("opcode", "it is no convolution"));
    };
    let (lhs, rhs) = (context.array(0)?, context.array(1)?);
    require_window(context, window, lhs)?;
    require_numbers(context, dim_labels)?;
    require_groups(context, dim_labels, [*feature_group_count, *batch_group_count])?;
    // convolution (C27)
    let element_type = lhs.element_type();
    context.require(element_type == rhs.element_type(), "convolution (C27)", || {
        format!("operands {lhs} and {rhs} need the same element type")
    })?;
    // convolution (C25), (C26)
    let mut sizes = vec![0; lhs.rank()];
    sizes[dim_labels.output_batch] = lhs.dimensions()[dim_labels.input_batch] / batch_group_count;
    sizes[dim_labels.output_feature] = rhs.dimensions()[dim_labels.kernel_output_feature];
    for (n, dimension) in window.iter().enumerate() {
        // A rule of HLO: the window says the size of the kernel again.
        let of_kernel = rhs.dimensions()[dim_labels.kernel_spatial[n]];
        context.require(dimension.size == of_kernel, "size of the window", || {
            format!("the window has size {} in dimension {n} of kernel {rhs}", dimension.size)
        })?;
        let size = lhs.dimensions()[dim_labels.input_spatial[n]];
        let positions = dimension.positions(size).ok_or_else(|| {
            context.error("size", format!("padding and dilation of {lhs} leave no valid size"))
        })?;
        sizes[dim_labels.output_spatial[n]] = positions;
    }
    context.result(sum_type(context, element_type), sizes)
}

/// The window has one dimension for each spatial one, and moves.
fn require_window(
    context: &Context<'_>,
    window: &[WindowDimension],
    lhs: &ArrayShape,
) -> Result<(), InferError> {
    let (rank, spatial) = (lhs.rank(), window.len());
    // convolution (C1), (C2), (C4), (C5), (C7), (C9)
    let rhs = context.array(1)?;
    context.require(rhs.rank() == rank && rank == spatial + 2, "convolution (C1)", || {
        format!(
            "operands {lhs} and {rhs} with a window of {spatial} dimensions; two more are needed"
        )
    })?;
    context.require(spatial <= MAX_SPATIAL_DIMENSIONS, "spatial dimensions", || {
        format!("{spatial} spatial dimensions; at most {MAX_SPATIAL_DIMENSIONS} are allowed")
    })?;
    for (n, dimension) in window.iter().enumerate() {
        // convolution (C3), (C6), (C8)
        let positive = [
            (dimension.stride, "convolution (C3)", "stride"),
            (dimension.base_dilation, "convolution (C6)", "dilation of the operand"),
            (dimension.window_dilation, "convolution (C8)", "dilation of the kernel"),
        ];
        for (value, constraint, what) in positive {
            context.require(value > 0, constraint, || {
                format!("the {what} in dimension {n} has to be positive")
            })?;
        }
    }
    Ok(())
}

/// Every dimension has one meaning.
fn require_numbers(
    context: &Context<'_>,
    numbers: &ConvolutionDimensionNumbers,
) -> Result<(), InferError> {
    let rank = context.array(0)?.rank();
    let kernel = [numbers.kernel_input_feature, numbers.kernel_output_feature];
    let groups = [
        (
            [numbers.input_batch, numbers.input_feature],
            &numbers.input_spatial,
            ["convolution (C12)", "convolution (C13)"],
            "dimensions of the operand",
        ),
        (
            kernel,
            &numbers.kernel_spatial,
            ["convolution (C17)", "convolution (C18)"],
            "dimensions of the kernel",
        ),
        (
            [numbers.output_batch, numbers.output_feature],
            &numbers.output_spatial,
            ["convolution (C19)", "convolution (C20)"],
            "dimensions of the result",
        ),
    ];
    for (named, spatial, [count, distinct], what) in groups {
        context.require(spatial.len() + 2 == rank, count, || {
            format!("{} spatial {what} for rank {rank}", spatial.len())
        })?;
        let all = [&named[..], spatial].concat();
        context.require_distinct(&all, rank, [distinct; 2], what)?;
    }
    Ok(())
}

/// Groups divide what they are made of.
fn require_groups(
    context: &Context<'_>,
    numbers: &ConvolutionDimensionNumbers,
    [features, batches]: [usize; 2],
) -> Result<(), InferError> {
    let (lhs, rhs) = (context.array(0)?, context.array(1)?);
    // convolution (C21), (C22), (C23)
    context.require(features > 0, "convolution (C21)", || "feature_group_count is 0".into())?;
    context.require(batches > 0, "convolution (C22)", || "batch_group_count is 0".into())?;
    context.require(features == 1 || batches == 1, "convolution (C23)", || {
        format!("feature_group_count {features} and batch_group_count {batches}: one has to be 1")
    })?;
    let batch = lhs.dimensions()[numbers.input_batch];
    let feature = lhs.dimensions()[numbers.input_feature];
    let of_kernel = rhs.dimensions()[numbers.kernel_input_feature];
    let output = rhs.dimensions()[numbers.kernel_output_feature];
    // convolution (C10), (C11), (C15), (C16)
    let divisible = [
        (batch, batches, "convolution (C10)", "batch of the operand"),
        (feature, features, "convolution (C11)", "features of the operand"),
        (output, batches, "convolution (C15)", "output features of the kernel"),
        (output, features, "convolution (C16)", "output features of the kernel"),
    ];
    for (size, groups, constraint, what) in divisible {
        context.require(size.is_multiple_of(groups), constraint, || {
            format!("{size} ({what}) cannot be divided into {groups} groups")
        })?;
    }
    // convolution (C14)
    context.require(of_kernel == feature / features, "convolution (C14)", || {
        format!(
            "kernel {rhs} takes {of_kernel} features, operand {lhs} has {} in each of {features} \
             groups",
            feature / features
        )
    })
}
