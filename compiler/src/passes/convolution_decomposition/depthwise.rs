//! Convolutions in which every feature is its own group.

use super::{Convolution, MAX_SLICES, Spatial};
use crate::{
    hlo::{ArrayLiteral, ArrayShape, ElementType, InferError, InstructionId, Op, SliceDimension},
    passes::{
        dot_canonicalization::{add_reducer, as_factor, broadcast_sorted, product_type},
        shaping::{converted, indices, reshaped, sliced, transposed},
        site::{Rewritten, Site},
    },
};

/// The convolution by products and sums, if every feature is its own group.
pub(super) fn decompose(site: &mut Site<'_>, convolution: &Convolution) -> Rewritten {
    let numbers = &convolution.numbers;
    let (lhs, rhs) = (site.dimensions(site.operand(0)), site.dimensions(site.operand(1)));
    let outputs = rhs[numbers.kernel_output_feature];
    let [batch, features] = [lhs[numbers.input_batch], lhs[numbers.input_feature]];
    if outputs == 1 {
        // One group of one feature is no group at all.
        return Ok(None);
    }
    if features == convolution.feature_groups && outputs == features {
        return by_window(site, convolution);
    }
    if batch == convolution.batch_groups && outputs == batch {
        return by_position(site, convolution);
    }
    Ok(None)
}

/// All combinations of indices below the sizes, in order; none if they are too many.
fn combinations(sizes: &[usize]) -> Option<Vec<Vec<usize>>> {
    let count = sizes.iter().try_fold(1_usize, |product, size| product.checked_mul(*size))?;
    if count > MAX_SLICES {
        return None;
    }
    Some(indices(sizes))
}

/// Both operands as what their precision takes them for, the first one padded.
fn factors(
    site: &mut Site<'_>,
    convolution: &Convolution,
) -> Result<(ElementType, [InstructionId; 2]), InferError> {
    let computed = product_type(site);
    let (lhs, rhs) = (convolution.padded(site)?, site.operand(1));
    let lhs = as_factor(site, lhs, (convolution.precision.lhs, computed))?;
    let rhs = as_factor(site, rhs, (convolution.precision.rhs, computed))?;
    Ok((computed, [lhs, rhs]))
}

/// Feature groups: the sum over the window's positions of slice times element of the kernel.
fn by_window(site: &mut Site<'_>, convolution: &Convolution) -> Rewritten {
    let numbers = &convolution.numbers;
    let sizes: Vec<usize> = convolution.spatial.iter().map(|s| s.window.size).collect();
    let Some(positions) = combinations(&sizes) else { return Ok(None) };
    let (_, [lhs, rhs]) = factors(site, convolution)?;
    let mut sum = None;
    for position in positions {
        let each = || convolution.spatial.iter().zip(&position);
        let of_operand: Vec<(usize, SliceDimension)> = (each().zip(&numbers.input_spatial))
            .map(|((spatial, n), d)| (*d, spatial.of_window(*n)))
            .collect();
        let of_kernel: Vec<(usize, SliceDimension)> =
            (position.iter().zip(&numbers.kernel_spatial))
                .map(|(n, d)| (*d, SliceDimension { start: *n, limit: n + 1, stride: 1 }))
                .collect();
        let slice = sliced(&mut site.build(), lhs, &of_operand)?;
        let element = sliced(&mut site.build(), rhs, &of_kernel)?;
        let features = site.dimensions(element).iter().product();
        let element = reshaped(&mut site.build(), element, &[features])?;
        let sizes = site.dimensions(slice).to_vec();
        let mut builder = site.build();
        let element = builder.broadcast(element, &sizes, vec![numbers.input_feature])?;
        let product = builder.add(Op::Multiply, &[slice, element])?;
        sum = Some(match sum {
            Some(sum) => builder.add(Op::Add, &[sum, product])?,
            None => product,
        });
    }
    let Some(sum) = sum else { return Ok(None) };
    let mut order = vec![0; numbers.input_spatial.len() + 2];
    order[numbers.output_batch] = numbers.input_batch;
    order[numbers.output_feature] = numbers.input_feature;
    for (to, from) in numbers.output_spatial.iter().zip(&numbers.input_spatial) {
        order[*to] = *from;
    }
    let element_type = site.element_type(site.id());
    let sum = converted(&mut site.build(), sum, element_type)?;
    transposed(&mut site.build(), sum, order).map(Some)
}

/// Batch groups: for each position of the result, the products of window and kernel summed over
/// what is no group.
fn by_position(site: &mut Site<'_>, convolution: &Convolution) -> Rewritten {
    let numbers = &convolution.numbers;
    let sizes: Vec<usize> = convolution.spatial.iter().map(|s| s.positions).collect();
    let Some(positions) = combinations(&sizes) else { return Ok(None) };
    let (computed, [lhs, rhs]) = factors(site, convolution)?;
    let rhs = turned(site, convolution, rhs)?;
    let rank = numbers.input_spatial.len() + 2;
    let mut places = vec![0; rank];
    places[numbers.kernel_input_feature] = numbers.input_feature;
    places[numbers.kernel_output_feature] = numbers.input_batch;
    for (from, to) in numbers.kernel_spatial.iter().zip(&numbers.input_spatial) {
        places[*from] = *to;
    }
    let summed: Vec<usize> = (0..rank).filter(|d| *d != numbers.input_batch).collect();
    let reducer = add_reducer(site, computed)?;
    let groups = convolution.batch_groups;
    let mut rows = Vec::new();
    for position in positions {
        let each = convolution.spatial.iter().zip(&position).zip(&numbers.input_spatial);
        let slice: Vec<(usize, SliceDimension)> =
            each.map(|((spatial, n), d)| (*d, spatial.of_position(*n))).collect();
        let slice = sliced(&mut site.build(), lhs, &slice)?;
        let sizes = site.dimensions(slice).to_vec();
        let kernel = broadcast_sorted(site, rhs, &sizes, &places)?;
        let mut builder = site.build();
        let product = builder.add(Op::Multiply, &[slice, kernel])?;
        let zero = ArrayLiteral::zeros(&ArrayShape::scalar(computed));
        let zero = builder.constant(zero.into());
        let sum = builder.reduce(product, zero, summed.clone(), reducer)?;
        rows.push(builder.reshape(sum, &[1, groups])?);
    }
    let rows = match rows.as_slice() {
        [only] => *only,
        several => site.build().add(Op::Concatenate { dimension: 0 }, several)?,
    };
    let element_type = site.element_type(site.id());
    let rows = converted(&mut site.build(), rows, element_type)?;
    // Of dimensions spatial.., batch, features.
    let split = [&sizes[..], &[1, groups]].concat();
    let rows = reshaped(&mut site.build(), rows, &split)?;
    let mut order = vec![0; rank];
    order[numbers.output_batch] = rank - 2;
    order[numbers.output_feature] = rank - 1;
    for (n, to) in numbers.output_spatial.iter().enumerate() {
        order[*to] = n;
    }
    transposed(&mut site.build(), rows, order).map(Some)
}

/// The kernel with its reversed dimensions turned around.
fn turned(
    site: &mut Site<'_>,
    convolution: &Convolution,
    kernel: InstructionId,
) -> Result<InstructionId, InferError> {
    let is_reversed = |(spatial, _): &(&Spatial, &usize)| spatial.window.reversed;
    let dimensions = convolution.spatial.iter().zip(&convolution.numbers.kernel_spatial);
    let dimensions: Vec<usize> = dimensions.filter(is_reversed).map(|(_, d)| *d).collect();
    if dimensions.is_empty() {
        return Ok(kernel);
    }
    site.build().add(Op::Reverse { dimensions }, &[kernel])
}
