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

/// The deviation of the result of `scatter` into one array.
pub(super) fn scatter(
    module: &Module,
    instruction: &Instruction,
    operands: &[&Uncertain],
    result: &ArrayLiteral,
) -> Result<Deviation, ToleranceError> {
    let (Op::Scatter { to_apply, .. }, [operand, indices, updates]) = (instruction.op(), operands)
    else {
        return Err(no_rule(instruction));
    };
    let root = root_of(module, *to_apply);
    // The update itself is the second parameter.
    let is_moved = matches!(root, Op::Parameter { number: 1 });
    if !is_moved && !matches!(root, Op::Add | Op::Maximum | Op::Minimum) {
        return Err(no_rule(instruction));
    }
    let with = |operand, updates, op: Option<Op>| {
        scattered_updates(instruction, [operand, indices.value.clone(), updates], op)
    };
    if !matches!(root, Op::Add) {
        if operand.deviation.is_none() && updates.deviation.is_none() {
            return Ok(None);
        }
        let op = if is_moved { None } else { Some(Op::Maximum) };
        let largest = with(operand.deviations(), updates.deviations(), op)?;
        return Ok(Some(Rc::new(floats(&largest))));
    }
    let squares = [operand, updates].map(|array| squared(&array.deviations()));
    let [of_operand, of_updates] = squares;
    let variances = with(of_operand, of_updates, Some(Op::Add))?;
    let [of_operand, of_updates] = [operand, updates].map(|array| squared(&array.value));
    let magnitudes = with(of_operand, of_updates, Some(Op::Add))?;
    let element_type = result.element_type();
    let own = accumulated(updates.value.element_count(), rounding::unit(element_type));
    let deviation = (0..result.element_count()).map(|n| {
        let sum = result.get_f64(n);
        let variance = variances.get_f64(n) + own * (magnitudes.get_f64(n) + sum * sum);
        narrow((variance + final_rounding(element_type, sum)).sqrt())
    });
    Ok(Some(Rc::new(deviation.collect())))
}

/// The scatter of an instruction with other operands and another op, or the updates themselves.
fn scattered_updates(
    instruction: &Instruction,
    operands: [ArrayLiteral; 3],
    op: Option<Op>,
) -> Result<ArrayLiteral, ToleranceError> {
    let mut builder = ModuleBuilder::new("scatter");
    let id = match op {
        Some(op) => combination(&mut builder, op),
        None => second(&mut builder),
    };
    let mut op = instruction.op().clone();
    if let Op::Scatter { to_apply, .. } = &mut op {
        *to_apply = id;
    }
    let entry = builder.add_computation("entry");
    let mut computation = builder.computation(entry);
    let parameters = [0, 1, 2]
        .map(|n: usize| computation.parameter(operands[n].shape().clone().into(), "operand"));
    computation.add(op, &parameters).expect("the original was legal");
    let module = builder.finish(entry).expect("every computation has instructions");
    evaluate_array(&module, &operands.map(Literal::Array))
}

/// A computation of two `f32` scalars that gives the second.
fn second(builder: &mut ModuleBuilder) -> ComputationId {
    let id = builder.add_computation("second");
    let mut computation = builder.computation(id);
    let scalar = Shape::scalar(ElementType::F32);
    computation.parameter(scalar.clone(), "a");
    let update = computation.parameter(scalar, "b");
    computation.set_root(update);
    id
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
