//! Ops that move elements or combine many of them.
//!
//! What an op does to elements, it does to their deviations, so data movement is evaluated once
//! more with deviations in place of values. Sums and dots are evaluated on squares.

use std::rc::Rc;

use palmetto_compiler::evaluator::{EvaluatorOptions, evaluate};
use palmetto_compiler::hlo::{
    ArrayLiteral, ArrayShape, ElementType, Instruction, Literal, Module, ModuleBuilder, Op,
    OperandPrecision, Precision, Shape,
};

use super::rules::narrow;
use super::{Deviation, ToleranceError, Uncertain, no_rule, rounding, window};

/// Relative error of one f32 addition.
const F32_UNIT: f64 = 1.0 / (1 << 24) as f64;

/// The deviation of the result of a structural op.
pub(super) fn propagate(
    module: &Module,
    instruction: &Instruction,
    operands: &[&Uncertain],
    result: &ArrayLiteral,
) -> Result<Deviation, ToleranceError> {
    if !result.element_type().is_float() {
        let exact = operands.iter().all(|operand| operand.deviation.is_none());
        return if exact { Ok(None) } else { Err(no_rule(instruction)) };
    }
    #[expect(clippy::wildcard_enum_match_arm, reason = "the rest only moves elements")]
    match instruction.op() {
        Op::Convolution { .. } | Op::Dot { .. } => sum_of_products(instruction, operands, result),
        Op::Reduce { .. } => reduce(module, instruction, operands, result),
        Op::ReduceWindow { .. } => window::reduce_window(module, instruction, operands, result),
        Op::Scatter { .. } => window::scatter(module, instruction, operands, result),
        Op::SelectAndScatter { .. } => {
            window::select_and_scatter(module, instruction, operands, result)
        }
        _ => movement(instruction, operands),
    }
}

/// The same op on deviations; operands that are no floats (indices) keep their values.
fn movement(
    instruction: &Instruction,
    operands: &[&Uncertain],
) -> Result<Deviation, ToleranceError> {
    if operands.iter().all(|operand| operand.deviation.is_none()) {
        return Ok(None);
    }
    let operand = |operand: &&Uncertain| match operand.value.element_type().is_float() {
        true => operand.deviations(),
        false => operand.value.clone(),
    };
    let operands: Vec<ArrayLiteral> = operands.iter().map(operand).collect();
    let shape = instruction.array_shape().without_layout().with_element_type(ElementType::F32);
    let moved = one_op(instruction.op().clone(), operands, shape)?;
    Ok(Some(Rc::new(floats(&moved))))
}

/// Deviations of a sum add up by their squares, those of a product relative to the factors; the
/// largest of several is no more uncertain than the most uncertain one.
fn reduce(
    module: &Module,
    instruction: &Instruction,
    operands: &[&Uncertain],
    result: &ArrayLiteral,
) -> Result<Deviation, ToleranceError> {
    let Op::Reduce { dimensions, to_apply } = instruction.op() else { unreachable!("a reduce") };
    let [operand, _init] = operands else { return Err(no_rule(instruction)) };
    let reducer = module.computation(*to_apply);
    let reducer = reducer.instruction(reducer.root()).op();
    if matches!(reducer, Op::Multiply) {
        return product(instruction, operand, dimensions, result);
    }
    let is_sum = matches!(reducer, Op::Add);
    if !is_sum && !matches!(reducer, Op::Maximum | Op::Minimum) {
        return Err(no_rule(instruction));
    }
    if !is_sum && operand.deviation.is_none() {
        return Ok(None);
    }
    if !is_sum {
        let largest = reduced(operand.deviations(), dimensions, Op::Maximum)?;
        return Ok(Some(Rc::new(floats(&largest))));
    }
    let squares = reduced(squared(&operand.deviations()), dimensions, Op::Add)?;
    let magnitudes = reduced(squared(&operand.value), dimensions, Op::Add)?;
    let depth = operand.value.element_count() / result.element_count().max(1);
    let element_type = result.element_type();
    // A sum may be kept in its own type.
    let step = rounding::unit(element_type);
    let own = accumulated(depth, step);
    let deviation = (0..result.element_count()).map(|n| {
        let sum = result.get_f64(n);
        let variance = squares.get_f64(n) + own * (magnitudes.get_f64(n) + sum * sum);
        narrow((variance + final_rounding(element_type, sum)).sqrt())
    });
    Ok(Some(Rc::new(deviation.collect())))
}

/// The relative variances of the factors and of the roundings add up.
fn product(
    instruction: &Instruction,
    operand: &Uncertain,
    dimensions: &[usize],
    result: &ArrayLiteral,
) -> Result<Deviation, ToleranceError> {
    let mut relative = Vec::new();
    for (n, deviation) in floats(&operand.deviations()).into_iter().enumerate() {
        let factor = operand.value.get_f64(n);
        if deviation > 0.0 && factor == 0.0 {
            return Err(no_rule(instruction));
        }
        let error = if deviation > 0.0 { f64::from(deviation) / factor } else { 0.0 };
        relative.push(narrow(error.powi(2)));
    }
    let relative = literal(operand.value.shape(), relative);
    let variances = reduced(relative, dimensions, Op::Add)?;
    let depth = operand.value.element_count() / result.element_count().max(1);
    let element_type = result.element_type();
    let own = accumulated(depth, rounding::unit(element_type));
    let deviation = (0..result.element_count()).map(|n| {
        let product = result.get_f64(n);
        let variance = (variances.get_f64(n) + own) * product * product;
        // Small products lose digits on the way: by less than the least deviation there is.
        narrow((variance + final_rounding(element_type, product)).sqrt()).max(f32::from_bits(1))
    });
    Ok(Some(Rc::new(deviation.collect())))
}

/// Each product of uncertain factors adds `a^2 var(b) + b^2 var(a)`.
fn sum_of_products(
    instruction: &Instruction,
    operands: &[&Uncertain],
    result: &ArrayLiteral,
) -> Result<Deviation, ToleranceError> {
    let (Op::Dot { operand_precision, .. } | Op::Convolution { operand_precision, .. }) =
        instruction.op()
    else {
        unreachable!("a dot or a convolution")
    };
    let [lhs, rhs] = operands else { return Err(no_rule(instruction)) };
    let depth = depth(instruction, [lhs.value.shape(), rhs.value.shape()]);
    let own = accumulated(depth, F32_UNIT);
    let OperandPrecision { lhs: left, rhs: right } = *operand_precision;
    // The error of accumulation is put on one side: it is relative to the products.
    let left_variance = variance(lhs, product_error(lhs, left).powi(2) + own);
    let shape = result.shape().with_element_type(ElementType::F32);
    let mut total = floats(&one_op(
        on_squares(instruction),
        vec![left_variance, squared(&rhs.value)],
        shape.clone(),
    )?);
    let right_error = product_error(rhs, right).powi(2);
    if rhs.deviation.is_some() || right_error > 0.0 {
        let other = vec![squared(&lhs.value), variance(rhs, right_error)];
        let other = floats(&one_op(on_squares(instruction), other, shape)?);
        total.iter_mut().zip(other).for_each(|(total, other)| *total += other);
    }
    let deviation = total.iter().enumerate().map(|(n, &products)| {
        let sum = result.get_f64(n);
        let variance = f64::from(products) + own * sum * sum;
        narrow((variance + final_rounding(result.element_type(), sum)).sqrt())
    });
    Ok(Some(Rc::new(deviation.collect())))
}

/// How many products each element of a dot or a convolution is the sum of.
fn depth(instruction: &Instruction, [lhs, rhs]: [&ArrayShape; 2]) -> usize {
    #[expect(clippy::wildcard_enum_match_arm, reason = "nothing else sums products")]
    match instruction.op() {
        Op::Dot { dimension_numbers, .. } => {
            let contracted = dimension_numbers.lhs_contracting_dimensions.iter();
            contracted.map(|&dimension| lhs.dimensions()[dimension]).product()
        }
        Op::Convolution { dim_labels, .. } => {
            let features = rhs.dimensions()[dim_labels.kernel_output_feature];
            rhs.element_count() / features.max(1)
        }
        _ => unreachable!("a dot or a convolution"),
    }
}

/// The dot or convolution of an instruction, for operands that are squares: computed as exactly as
/// f32 allows.
fn on_squares(instruction: &Instruction) -> Op {
    let mut op = instruction.op().clone();
    if let Op::Dot { operand_precision, .. } | Op::Convolution { operand_precision, .. } = &mut op {
        *operand_precision = OperandPrecision { lhs: Precision::Highest, rhs: Precision::Highest };
    }
    op
}

/// Relative error that an operand gets on its way into the MXU: f32 is cut into bf16 pieces.
fn product_error(operand: &Uncertain, precision: Precision) -> f64 {
    if operand.value.element_type() != ElementType::F32 {
        return 0.0;
    }
    let pieces = match precision {
        Precision::Default => 1,
        Precision::High => 2,
        Precision::Highest => 3,
    };
    rounding::unit(ElementType::BF16).powi(pieces)
}

/// The variance of a sum of `depth` terms by its own roundings, relative to the squares of the
/// terms and of the sum: partial sums grow like random walks or straight, and every one is rounded
/// in both executions.
pub(super) fn accumulated(depth: usize, unit: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let depth = depth as f64;
    2.0 * depth * unit * unit / 3.0
}

pub(super) fn final_rounding(element_type: ElementType, value: f64) -> f64 {
    rounding::deviation(rounding::ulp(element_type, value)).powi(2)
}

/// The square of each element.
pub(super) fn squared(array: &ArrayLiteral) -> ArrayLiteral {
    let square = |n| narrow(array.get_f64(n).powi(2));
    literal(array.shape(), (0..array.element_count()).map(square).collect())
}

/// The variance of each element, plus a part relative to its square.
fn variance(operand: &Uncertain, relative: f64) -> ArrayLiteral {
    let value = &operand.value;
    let variance = |n: usize| {
        let deviation = operand.deviation.as_ref().map_or(0.0, |deviation| f64::from(deviation[n]));
        narrow(deviation.powi(2) + relative * value.get_f64(n).powi(2))
    };
    literal(value.shape(), (0..value.element_count()).map(variance).collect())
}

impl Uncertain {
    /// The deviations as an array like the value.
    pub(super) fn deviations(&self) -> ArrayLiteral {
        let shape = self.value.shape();
        match &self.deviation {
            Some(deviation) => literal(shape, deviation.to_vec()),
            None => ArrayLiteral::zeros(&shape.with_element_type(ElementType::F32)),
        }
    }
}

fn literal(shape: &ArrayShape, data: Vec<f32>) -> ArrayLiteral {
    ArrayLiteral::from_slice(shape.dimensions(), &data).expect("one number per element")
}

pub(super) fn floats(array: &ArrayLiteral) -> Vec<f32> {
    array.as_slice::<f32>().expect("deviations are f32").to_vec()
}

/// Reduces with `combine` (sum or maximum) from 0.
fn reduced(
    operand: ArrayLiteral,
    dimensions: &[usize],
    combine: Op,
) -> Result<ArrayLiteral, ToleranceError> {
    let mut builder = ModuleBuilder::new("reduce");
    let scalar = Shape::scalar(ElementType::F32);
    let to_apply = builder.add_computation("combine");
    let mut reducer = builder.computation(to_apply);
    let pair = [reducer.parameter(scalar.clone(), "a"), reducer.parameter(scalar, "b")];
    reducer.add(combine, &pair).expect("two scalars combine");
    let entry = builder.add_computation("entry");
    let mut computation = builder.computation(entry);
    let parameter = computation.parameter(operand.shape().clone().into(), "operand");
    let zero = computation.constant(Literal::scalar(0.0_f32));
    let reduce = computation.reduce(parameter, zero, dimensions.to_vec(), to_apply);
    reduce.expect("the original was legal");
    let module = builder.finish(entry).expect("every computation has instructions");
    evaluate_array(&module, &[operand.into()])
}

/// One op on its operands.
fn one_op(
    op: Op,
    operands: Vec<ArrayLiteral>,
    shape: ArrayShape,
) -> Result<ArrayLiteral, ToleranceError> {
    let mut builder = ModuleBuilder::new("op");
    let entry = builder.add_computation("entry");
    let mut computation = builder.computation(entry);
    let parameters: Vec<_> = operands
        .iter()
        .map(|operand| computation.parameter(operand.shape().clone().into(), "operand"))
        .collect();
    computation.add_shaped(op, &parameters, shape.into()).expect("the original was legal");
    let module = builder.finish(entry).expect("the entry has instructions");
    let operands: Vec<Literal> = operands.into_iter().map(Literal::Array).collect();
    evaluate_array(&module, &operands)
}

pub(super) fn evaluate_array(
    module: &Module,
    inputs: &[Literal],
) -> Result<ArrayLiteral, ToleranceError> {
    match evaluate(module, inputs, &EvaluatorOptions::default())?.result {
        Literal::Array(array) => Ok(array),
        Literal::Tuple(_) => unreachable!("the op has one result"),
    }
}
