//! Leaves only dots that are worth a matrix unit.
//!
//! * Without contracted dimensions, or with those of size 1, a dot is a product of two broadcast
//!   operands.
//! * If an operand has nothing but batch and contracted dimensions (matrix times vector, vector
//!   times vector), it is a product and a sum, which reads the other operand once, in the order in
//!   which it lies. But if the sum would not run along the last dimensions of the other operand,
//!   the vector becomes a matrix of one row, for which the other need not be transposed.
//! * A sum over nothing is 0.
//!
//! What the operands' precision means is kept: `f32` operands are rounded to one or two `bf16`
//! first. Products of `bf16` or `f16` values are exact in `f32`, in which sums are made as in a
//! matrix unit; products of `f32` values are rounded to `f32`. So results agree within what the
//! order of the sum makes uncertain, and one rounding per product.

use super::shaping::converted;
use super::site::{Rewritten, Site, rewrite_module};
use super::{Changed, PassContext, PassError};
use crate::hlo::{
    ArrayLiteral, ArrayShape, ComputationBuilder, ComputationId, DotDimensionNumbers, ElementType,
    InferError, InstructionId, Module, Op, Precision, Shape, builder::add_computation,
};

/// See the module's comment.
///
/// # Errors
/// None of its own.
pub fn dot_canonicalization(
    module: &mut Module,
    _context: &PassContext,
) -> Result<Changed, PassError> {
    rewrite_module(module, &mut canonicalize)
}

fn canonicalize(site: &mut Site<'_>) -> Rewritten {
    let Op::Dot { dimension_numbers, .. } = site.instruction().op() else { return Ok(None) };
    let numbers = dimension_numbers.clone();
    let contracted: Vec<usize> = {
        let sizes = site.dimensions(site.operand(0));
        numbers.lhs_contracting_dimensions.iter().map(|&d| sizes[d]).collect()
    };
    if contracted.contains(&0) {
        let shape = site.instruction().array_shape().clone();
        let zero = ArrayLiteral::zeros(&ArrayShape::scalar(shape.element_type()));
        return site.splat(zero.into(), shape.dimensions()).map(Some);
    }
    if contracted.contains(&1) {
        return drop_dimensions(site, &numbers, [false, false]).map(Some);
    }
    if contracted.is_empty() {
        return outer_product(site, &numbers);
    }
    let free = [0, 1].map(|n| free_sizes(site, &numbers, n));
    let is_vector = [0, 1].map(|n: usize| free[n].iter().all(|&size| size == 1));
    let large = match is_vector {
        [_, true] => 0,
        [true, false] => 1,
        [false, false] => return Ok(None),
    };
    if is_vector[large] || sums_last_dimensions(site, &numbers, large) {
        if free[1 - large].is_empty() && (free[large].is_empty() || !is_vector[large]) {
            return sum_of_products(site, &numbers, large).map(Some);
        }
        return drop_dimensions(site, &numbers, is_vector).map(Some);
    }
    if free[1 - large].is_empty() {
        return vector_as_matrix(site, &numbers, 1 - large).map(Some);
    }
    Ok(None)
}

/// The sizes of the dimensions of operand `n` that are neither batch nor contracted.
fn free_sizes(site: &Site<'_>, numbers: &DotDimensionNumbers, n: usize) -> Vec<usize> {
    let (batch, contracting) = of_operand(numbers, n);
    let sizes = site.dimensions(site.operand(n)).iter().enumerate();
    let free = sizes.filter(|(d, _)| !batch.contains(d) && !contracting.contains(d));
    free.map(|(_, &size)| size).collect()
}

/// Are the contracted dimensions of operand `n` its last ones?
fn sums_last_dimensions(site: &Site<'_>, numbers: &DotDimensionNumbers, n: usize) -> bool {
    let (_, contracting) = of_operand(numbers, n);
    let rank = site.dimensions(site.operand(n)).len();
    contracting.iter().all(|&d| d + contracting.len() >= rank)
}

/// The dimensions of operand `n` that are batch and contracted.
fn of_operand(numbers: &DotDimensionNumbers, n: usize) -> (&[usize], &[usize]) {
    if n == 0 {
        (&numbers.lhs_batch_dimensions, &numbers.lhs_contracting_dimensions)
    } else {
        (&numbers.rhs_batch_dimensions, &numbers.rhs_contracting_dimensions)
    }
}

/// The same dot without contracted dimensions of size 1, and without free ones of the operands that
/// are vectors.
fn drop_dimensions(
    site: &mut Site<'_>,
    numbers: &DotDimensionNumbers,
    is_vector: [bool; 2],
) -> Result<InstructionId, InferError> {
    let mut operands = [site.operand(0), site.operand(1)];
    let mut new = [(Vec::new(), Vec::new()), (Vec::new(), Vec::new())];
    for (n, operand) in operands.iter_mut().enumerate() {
        let (batch, contracting) = of_operand(numbers, n);
        let sizes = site.dimensions(*operand).to_vec();
        let stays = |d: &usize| {
            sizes[*d] != 1 || batch.contains(d) || !contracting.contains(d) && !is_vector[n]
        };
        let kept: Vec<usize> = (0..sizes.len()).filter(stays).collect();
        let renumber = |dimensions: &[usize]| -> Vec<usize> {
            dimensions.iter().filter_map(|d| kept.iter().position(|kept| kept == d)).collect()
        };
        new[n] = (renumber(batch), renumber(contracting));
        let kept: Vec<usize> = kept.iter().map(|&d| sizes[d]).collect();
        if kept != sizes {
            *operand = site.build().reshape(*operand, &kept)?;
        }
    }
    dot_of(site, operands, new)
}

/// The same dot with an additional dimension of size 1 in operand `n`, before the contracted ones.
fn vector_as_matrix(
    site: &mut Site<'_>,
    numbers: &DotDimensionNumbers,
    n: usize,
) -> Result<InstructionId, InferError> {
    let mut operands = [site.operand(0), site.operand(1)];
    let mut sizes = site.dimensions(operands[n]).to_vec();
    let (_, contracting) = of_operand(numbers, n);
    let place = contracting.iter().min().copied().unwrap_or(0);
    sizes.insert(place, 1);
    operands[n] = site.build().reshape(operands[n], &sizes)?;
    let renumber = |dimensions: &[usize]| -> Vec<usize> {
        dimensions.iter().map(|&d| if d >= place { d + 1 } else { d }).collect()
    };
    let new = [0, 1].map(|m| {
        let (batch, contracting) = of_operand(numbers, m);
        if m == n {
            (renumber(batch), renumber(contracting))
        } else {
            (batch.to_vec(), contracting.to_vec())
        }
    });
    dot_of(site, operands, new)
}

/// The dot of the site with other operands and, for each, batch and contracted dimensions; in the
/// shape of the site.
fn dot_of(
    site: &mut Site<'_>,
    operands: [InstructionId; 2],
    [lhs, rhs]: [(Vec<usize>, Vec<usize>); 2],
) -> Result<InstructionId, InferError> {
    let Op::Dot { operand_precision, .. } = *site.instruction().op() else {
        return Ok(site.id());
    };
    let numbers = DotDimensionNumbers {
        lhs_batch_dimensions: lhs.0,
        lhs_contracting_dimensions: lhs.1,
        rhs_batch_dimensions: rhs.0,
        rhs_contracting_dimensions: rhs.1,
    };
    let wanted = site.instruction().array_shape().clone();
    let mut builder = site.build();
    let dot = builder.dot(operands, numbers, operand_precision, wanted.element_type())?;
    if builder.shape(dot).as_array().is_some_and(|shape| shape.dimensions() == wanted.dimensions())
    {
        return Ok(dot);
    }
    builder.reshape(dot, wanted.dimensions())
}

/// `dot` without contracted dimensions.
fn outer_product(site: &mut Site<'_>, numbers: &DotDimensionNumbers) -> Rewritten {
    let result = site.instruction().array_shape().clone();
    let computed = product_type(site);
    let batch_count = numbers.lhs_batch_dimensions.len();
    let mut next_free = batch_count;
    let mut factors = Vec::with_capacity(2);
    for n in 0..2 {
        let factor = factor(site, n, computed)?;
        let (batch, _) = of_operand(numbers, n);
        let mut places = Vec::new();
        for d in 0..site.dimensions(factor).len() {
            places.push(batch.iter().position(|&b| b == d).unwrap_or_else(|| {
                next_free += 1;
                next_free - 1
            }));
        }
        factors.push(broadcast_sorted(site, factor, result.dimensions(), &places)?);
    }
    let product = site.build().add(Op::Multiply, &factors)?;
    converted(&mut site.build(), product, result.element_type()).map(Some)
}

/// `dot` of which operand `1 - large` has no dimensions of its own.
fn sum_of_products(
    site: &mut Site<'_>,
    numbers: &DotDimensionNumbers,
    large: usize,
) -> Result<InstructionId, InferError> {
    let computed = product_type(site);
    let mut factors = [factor(site, 0, computed)?, factor(site, 1, computed)?];
    let sizes = site.dimensions(factors[large]).to_vec();
    let (batch, contracting) = of_operand(numbers, large);
    let (small_batch, small_contracting) = of_operand(numbers, 1 - large);
    let places: Vec<usize> = (0..site.dimensions(factors[1 - large]).len())
        .filter_map(|d| {
            let in_batch = small_batch.iter().position(|&b| b == d).map(|n| batch[n]);
            let contracted = small_contracting.iter().position(|&c| c == d).map(|n| contracting[n]);
            in_batch.or(contracted)
        })
        .collect();
    factors[1 - large] = broadcast_sorted(site, factors[1 - large], &sizes, &places)?;
    let mut dimensions = contracting.to_vec();
    dimensions.sort_unstable();
    let sum = add_reducer(site, computed)?;
    let mut builder = site.build();
    let product = builder.add(Op::Multiply, &factors)?;
    let zero = ArrayLiteral::zeros(&ArrayShape::scalar(computed));
    let zero = builder.constant(zero.into());
    let mut value = builder.reduce(product, zero, dimensions, sum)?;
    // The sum has its dimensions in the order of the operand; the dot has the batch first.
    let left: Vec<usize> = (0..sizes.len()).filter(|d| !contracting.contains(d)).collect();
    let free = left.iter().filter(|d| !batch.contains(d));
    let wanted = batch.iter().chain(free);
    let order: Vec<usize> = wanted.filter_map(|d| left.iter().position(|left| left == d)).collect();
    if !order.is_sorted() {
        value = builder.transpose(value, order)?;
    }
    let element_type = site.element_type(site.id());
    converted(&mut site.build(), value, element_type)
}

/// The type in which the products of a dot or a convolution are made and added up.
pub(super) fn product_type(site: &Site<'_>) -> ElementType {
    let result = site.element_type(site.id());
    let operand = site.element_type(site.operand(0));
    if !operand.is_float() {
        return result;
    }
    let is_double = result == ElementType::F64 || operand == ElementType::F64;
    if is_double { ElementType::F64 } else { ElementType::F32 }
}

/// Operand `n` as what the dot takes it for, in the type `computed`.
fn factor(
    site: &mut Site<'_>,
    n: usize,
    computed: ElementType,
) -> Result<InstructionId, InferError> {
    let operand = site.operand(n);
    let Op::Dot { operand_precision, .. } = *site.instruction().op() else { return Ok(operand) };
    let precision = if n == 0 { operand_precision.lhs } else { operand_precision.rhs };
    as_factor(site, operand, (precision, computed))
}

/// A value as what an operand of that precision is taken for, in the type `computed`.
pub(super) fn as_factor(
    site: &mut Site<'_>,
    operand: InstructionId,
    (precision, computed): (Precision, ElementType),
) -> Result<InstructionId, InferError> {
    if site.element_type(operand) != ElementType::F32 {
        return converted(&mut site.build(), operand, computed);
    }
    let value = match precision {
        Precision::Default => rounded_to_bf16(site, operand)?,
        Precision::High => {
            let high = rounded_to_bf16(site, operand)?;
            let rest = site.build().add(Op::Subtract, &[operand, high])?;
            let low = rounded_to_bf16(site, rest)?;
            let mut builder = site.build();
            let both = builder.add(Op::Add, &[high, low])?;
            // Of an infinity there is no rest.
            let is_finite = builder.add(Op::IsFinite, &[high])?;
            builder.add(Op::Select, &[is_finite, both, high])?
        }
        Precision::Highest => operand,
    };
    converted(&mut site.build(), value, computed)
}

/// The nearest `bf16` values, as `f32`.
fn rounded_to_bf16(
    site: &mut Site<'_>,
    operand: InstructionId,
) -> Result<InstructionId, InferError> {
    let mut builder = site.build();
    let rounded = builder.convert(operand, ElementType::BF16)?;
    builder.convert(rounded, ElementType::F32)
}

/// `value` repeated to `sizes`, its dimension `i` at `places[i]`; transposed first if the places
/// are not in order.
pub(super) fn broadcast_sorted(
    site: &mut Site<'_>,
    value: InstructionId,
    sizes: &[usize],
    places: &[usize],
) -> Result<InstructionId, InferError> {
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_unstable_by_key(|&d| places[d]);
    let sorted: Vec<usize> = order.iter().map(|&d| places[d]).collect();
    let mut builder = site.build();
    let value = if order.is_sorted() { value } else { builder.transpose(value, order)? };
    if sorted.len() == sizes.len() {
        return Ok(value);
    }
    builder.broadcast(value, sizes, sorted)
}

/// A computation that adds two scalars.
pub(super) fn add_reducer(
    site: &mut Site<'_>,
    element_type: ElementType,
) -> Result<ComputationId, InferError> {
    let module = site.module_mut();
    let id = add_computation(module, "add");
    let mut builder = ComputationBuilder::new(module, id);
    let sum = builder.parameter(Shape::scalar(element_type), "sum");
    let element = builder.parameter(Shape::scalar(element_type), "element");
    builder.add(Op::Add, &[sum, element])?;
    Ok(id)
}
