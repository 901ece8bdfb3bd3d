//! Ops that apply computations to windows.
//!
//! As for reductions: variances of a sum add up, and the largest element of a window is no more
//! uncertain than the most uncertain one. What `select-and-scatter` selects has to be exact.

use std::rc::Rc;

use palmetto_compiler::hlo::{
    ArrayLiteral, ComparisonDirection, ComparisonType, ComputationId, ElementType, Instruction,
    Literal, Module, ModuleBuilder, Op, Shape, WindowDimension,
};

use super::rules::narrow;
use super::structure::{accumulated, evaluate_array, final_rounding, floats, squared};
use super::{Deviation, ToleranceError, Uncertain, no_rule, rounding};

/// The op at the root of a computation.
fn root_of(module: &Module, computation: ComputationId) -> &Op {
    let computation = module.computation(computation);
    computation.instruction(computation.root()).op()
}

/// The deviation of the result of `reduce-window` of one array.
pub(super) fn reduce_window(
    module: &Module,
    instruction: &Instruction,
    operands: &[&Uncertain],
    result: &ArrayLiteral,
) -> Result<Deviation, ToleranceError> {
    let (Op::ReduceWindow { window, to_apply }, [operand, init]) = (instruction.op(), operands)
    else {
        return Err(no_rule(instruction));
    };
    let is_sum = match root_of(module, *to_apply) {
        Op::Add => true,
        Op::Maximum | Op::Minimum => false,
        _ => return Err(no_rule(instruction)),
    };
    if init.deviation.is_some() {
        return Err(no_rule(instruction));
    }
    if !is_sum {
        if operand.deviation.is_none() {
            return Ok(None);
        }
        let largest = reduced(operand.deviations(), window, Op::Maximum)?;
        return Ok(Some(Rc::new(floats(&largest))));
    }
    let variances = reduced(squared(&operand.deviations()), window, Op::Add)?;
    let magnitudes = reduced(squared(&operand.value), window, Op::Add)?;
    let element_type = result.element_type();
    let depth = window.iter().map(|dimension| dimension.size).product();
    let own = accumulated(depth, rounding::unit(element_type));
    let deviation = (0..result.element_count()).map(|n| {
        let sum = result.get_f64(n);
        let variance = variances.get_f64(n) + own * (magnitudes.get_f64(n) + sum * sum);
        narrow((variance + final_rounding(element_type, sum)).sqrt())
    });
    Ok(Some(Rc::new(deviation.collect())))
}

/// The deviation of the result of `select-and-scatter`.
pub(super) fn select_and_scatter(
    module: &Module,
    instruction: &Instruction,
    operands: &[&Uncertain],
    result: &ArrayLiteral,
) -> Result<Deviation, ToleranceError> {
    let (Op::SelectAndScatter { window, select, scatter }, [operand, source, init]) =
        (instruction.op(), operands)
    else {
        return Err(no_rule(instruction));
    };
    let &Op::Compare { direction, .. } = root_of(module, *select) else {
        return Err(no_rule(instruction));
    };
    if !matches!(root_of(module, *scatter), Op::Add) || init.deviation.is_some() {
        return Err(no_rule(instruction));
    }
    if operand.deviation.is_some() {
        let (instruction, opcode) = (instruction.name().to_owned(), instruction.opcode());
        return Err(ToleranceError::Decision { instruction, opcode });
    }
    let values: Vec<f32> =
        (0..operand.value.element_count()).map(|n| narrow(operand.value.get_f64(n))).collect();
    let dimensions = operand.value.shape().dimensions();
    let values = ArrayLiteral::from_slice(dimensions, &values).expect("one number per element");
    let shares = |source| scattered([values.clone(), source], window, direction);
    let variances = shares(squared(&source.deviations()))?;
    let magnitudes = shares(squared(&source.value))?;
    let element_type = result.element_type();
    let overlap = window.iter().map(|d| d.size.div_ceil(d.stride)).product();
    let own = accumulated(overlap, rounding::unit(element_type));
    let deviation = (0..result.element_count()).map(|n| {
        let sum = result.get_f64(n);
        let variance = variances.get_f64(n) + own * (magnitudes.get_f64(n) + sum * sum);
        narrow((variance + final_rounding(element_type, sum)).sqrt())
    });
    Ok(Some(Rc::new(deviation.collect())))
}

/// A computation of two `f32` scalars with one op.
fn combination(builder: &mut ModuleBuilder, op: Op) -> ComputationId {
    let id = builder.add_computation("combine");
    let mut computation = builder.computation(id);
    let scalar = Shape::scalar(ElementType::F32);
    let pair = [computation.parameter(scalar.clone(), "a"), computation.parameter(scalar, "b")];
    computation.add(op, &pair).expect("two scalars combine");
    id
}

/// The windows of an array reduced with `op` (sum or maximum) from 0.
fn reduced(
    operand: ArrayLiteral,
    window: &[WindowDimension],
    op: Op,
) -> Result<ArrayLiteral, ToleranceError> {
    let mut builder = ModuleBuilder::new("reduce_window");
    let to_apply = combination(&mut builder, op);
    let entry = builder.add_computation("entry");
    let mut computation = builder.computation(entry);
    let parameter = computation.parameter(operand.shape().clone().into(), "operand");
    let zero = computation.constant(Literal::scalar(0.0_f32));
    let op = Op::ReduceWindow { window: window.to_vec(), to_apply };
    computation.add(op, &[parameter, zero]).expect("the original was legal");
    let module = builder.finish(entry).expect("every computation has instructions");
    evaluate_array(&module, &[operand.into()])
}

/// `select-and-scatter` of operand and source that compares and adds.
fn scattered(
    operands: [ArrayLiteral; 2],
    window: &[WindowDimension],
    direction: ComparisonDirection,
) -> Result<ArrayLiteral, ToleranceError> {
    let mut builder = ModuleBuilder::new("select_and_scatter");
    let comparison_type = ComparisonType::Float;
    let select = combination(&mut builder, Op::Compare { direction, comparison_type });
    let scatter = combination(&mut builder, Op::Add);
    let entry = builder.add_computation("entry");
    let mut computation = builder.computation(entry);
    let [operand, source] =
        [0, 1].map(|n: usize| computation.parameter(operands[n].shape().clone().into(), "operand"));
    let zero = computation.constant(Literal::scalar(0.0_f32));
    let op = Op::SelectAndScatter { window: window.to_vec(), select, scatter };
    computation.add(op, &[operand, source, zero]).expect("the original was legal");
    let module = builder.finish(entry).expect("every computation has instructions");
    evaluate_array(&module, &operands.map(Literal::Array))
}
