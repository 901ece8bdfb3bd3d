//! `reduce`.
//!
//! The meaning: start from the initial values, then combine with the elements in row-major order of
//! the reduced dimensions. Two kinds of combination are computed in a way of their own:
//!
//! * a plain sum, product, maximum, minimum, and, or, xor of one operand. Sums and products of
//!   floats accumulate in `f64` and are rounded once, at the end; the others are exact anyway;
//! * a computation of elementwise ops on scalars runs on whole arrays of accumulators.
//!
//! Any other computation is called for every element.

use rayon::prelude::*;

use num_complex::Complex;

use super::element::{ComplexNumber, Element, Float, Integer, Truth, with_class};
use super::elementwise::{convert, maximum, minimum, view, view_mut};
use super::error::EvaluationError;
use super::interpreter::{Interpreter, State};
use super::lifted::Lifted;
use super::movement::transpose;
use super::narrow;
use crate::hlo::{
    ArrayLiteral, ArrayShape, Computation, ComputationId, Instruction, Literal, Opcode, Shape,
};

/// `reduce` of (operands and initial values) along dimensions with a computation.
pub(super) fn reduce(
    interpreter: &Interpreter<'_>,
    state: &mut State,
    instruction: &Instruction,
    (operands, dimensions, to_apply): (&[ArrayLiteral], &[usize], ComputationId),
) -> Result<Literal, EvaluationError> {
    let computation = interpreter.module.computation(to_apply);
    let results = instruction.shape().leaves();
    let operands = promote(operands, &results);
    let (inputs, inits) = operands.split_at(operands.len() / 2);
    if let ([input], [init], Some(opcode)) = (inputs, inits, plain_combination(computation))
        && let Some(result) = reduce_plainly(opcode, results[0], input, init, dimensions)
    {
        return Ok(Literal::Array(result));
    }
    let steps = Steps::new(inputs, dimensions);
    let accumulators = match Lifted::new(computation, steps.kept_elements) {
        Some(lifted) => reduce_lifted(&lifted, &steps, inits),
        None => {
            let call = |state: &mut State, arguments| {
                interpreter.call_from(state, instruction, to_apply, arguments)
            };
            reduce_by_calls(state, &call, &steps, inits)?
        }
    };
    let reshaped = accumulators.into_iter().zip(&results).map(|(accumulator, shape)| {
        let reshaped = accumulator.reshape(shape.dimensions());
        Literal::Array(reshaped.expect("there is one accumulator per result element"))
    });
    let mut reshaped: Vec<Literal> = reshaped.collect();
    Ok(match instruction.shape() {
        Shape::Array(_) => reshaped.swap_remove(0),
        Shape::Tuple(_) => Literal::Tuple(reshaped),
    })
}

/// Inputs and initial values as elements of the type that the computation works on.
pub(super) fn promote(operands: &[ArrayLiteral], results: &[&ArrayShape]) -> Vec<ArrayLiteral> {
    let types = results.iter().chain(results).map(|result| result.element_type());
    let promoted = operands.iter().zip(types).map(|(operand, element_type)| {
        convert(&operand.shape().with_element_type(element_type), operand)
    });
    promoted.collect()
}

/// The op, if the computation is one op on its two parameters.
pub(super) fn plain_combination(computation: &Computation) -> Option<Opcode> {
    let root = computation.instruction(computation.root());
    let [a, b] = computation.parameters() else { return None };
    let both = root.operands() == [*a, *b] || root.operands() == [*b, *a];
    let alone = computation.instructions().all(|(_, other)| !other.op().has_side_effect());
    (both && alone && root.opcode().is_commutative()).then(|| root.opcode())
}

fn reduce_plainly(
    opcode: Opcode,
    shape: &ArrayShape,
    input: &ArrayLiteral,
    init: &ArrayLiteral,
    dimensions: &[usize],
) -> Option<ArrayLiteral> {
    if shape.element_type().is_narrow() {
        let (input, init) = (narrow::widened(input), narrow::widened(init));
        let wide = shape.without_layout().with_element_type(input.element_type());
        let result = reduce_plainly(opcode, &wide, &input, &init, dimensions)?;
        return Some(narrow::narrowed(&shape.without_layout(), &result));
    }
    let (kept, reduced) = split_dimensions(input.shape(), dimensions);
    let rows = permuted(input, &[kept, reduced].concat());
    let length = input.element_count() / shape.element_count().max(1);
    let mut result = ArrayLiteral::zeros(shape);
    with_class!(shape.element_type(), T,
        float => {
            let (combine, init) = (float_combination(opcode)?, view::<T>(init)[0].to_f64());
            let combine = |sum, &element: &T| combine(sum, element.to_f64());
            fold_rows::<T>(&mut result, &rows, length, |row| {
                T::rounded(row.iter().fold(init, combine))
            });
        },
        integer => {
            let (combine, init) = (integer_combination::<T>(opcode)?, view::<T>(init)[0]);
            let combine = |sum, &element: &T| combine(sum, element);
            fold_rows::<T>(&mut result, &rows, length, |row| row.iter().fold(init, combine));
        },
        pred => {
            let (combine, init) = (truth_combination(opcode)?, view::<Truth>(init)[0].get());
            let combine = |sum, element: &Truth| combine(sum, element.get());
            fold_rows::<Truth>(&mut result, &rows, length, |row| {
                Truth::new(row.iter().fold(init, combine))
            });
        },
        complex => {
            let (combine, init) =
                (complex_combination(opcode)?, view::<T>(init)[0].to_complex());
            let combine = |sum, &element: &T| combine(sum, element.to_complex());
            fold_rows::<T>(&mut result, &rows, length, |row| {
                T::rounded(row.iter().fold(init, combine))
            });
        },
    );
    Some(result)
}

fn fold_rows<T: Element>(
    result: &mut ArrayLiteral,
    rows: &ArrayLiteral,
    length: usize,
    fold: impl Fn(&[T]) -> T + Sync,
) {
    let (to, from) = (view_mut::<T>(result), view::<T>(rows));
    let row = |n: usize| &from[n * length..][..length];
    to.par_iter_mut().enumerate().for_each(|(n, to)| *to = fold(row(n)));
}

pub(super) fn float_combination(opcode: Opcode) -> Option<fn(f64, f64) -> f64> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "no other op combines floats")]
    Some(match opcode {
        Opcode::Add => |a, b| a + b,
        Opcode::Multiply => |a, b| a * b,
        Opcode::Maximum => maximum,
        Opcode::Minimum => minimum,
        _ => return None,
    })
}

/// How two complex numbers become one.
type ComplexCombination = fn(Complex<f64>, Complex<f64>) -> Complex<f64>;

pub(super) fn complex_combination(opcode: Opcode) -> Option<ComplexCombination> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "other ops are taken one by one")]
    Some(match opcode {
        Opcode::Add => |a, b| a + b,
        Opcode::Multiply => |a, b| a * b,
        _ => return None,
    })
}

pub(super) fn integer_combination<T: Integer>(opcode: Opcode) -> Option<fn(T, T) -> T> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "no other op combines integers")]
    Some(match opcode {
        Opcode::Add => |a, b| T::from_bits(T::to_bits(a).wrapping_add(b.to_bits())),
        Opcode::Multiply => |a, b| T::from_bits(T::to_bits(a).wrapping_mul(b.to_bits())),
        Opcode::Maximum => Ord::max,
        Opcode::Minimum => Ord::min,
        Opcode::And => |a, b| T::from_bits(T::to_bits(a) & b.to_bits()),
        Opcode::Or => |a, b| T::from_bits(T::to_bits(a) | b.to_bits()),
        Opcode::Xor => |a, b| T::from_bits(T::to_bits(a) ^ b.to_bits()),
        _ => return None,
    })
}

pub(super) fn truth_combination(opcode: Opcode) -> Option<fn(bool, bool) -> bool> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "no other op combines truth values")]
    Some(match opcode {
        Opcode::Add | Opcode::Maximum | Opcode::Or => |a, b| a | b,
        Opcode::And | Opcode::Minimum | Opcode::Multiply => |a, b| a & b,
        Opcode::Xor => |a, b| a ^ b,
        _ => return None,
    })
}

/// Inputs arranged so that each step combines with a contiguous piece of them.
struct Steps {
    inputs: Vec<ArrayLiteral>,
    kept_elements: usize,
    count: usize,
}

impl Steps {
    fn new(inputs: &[ArrayLiteral], dimensions: &[usize]) -> Self {
        let shape = inputs[0].shape();
        let (kept, reduced) = split_dimensions(shape, dimensions);
        let elements = |dimensions: &[usize]| {
            dimensions.iter().map(|&dimension| shape.dimensions()[dimension]).product()
        };
        let (kept_elements, count) = (elements(&kept), elements(&reduced));
        let order = [reduced, kept].concat();
        let inputs = inputs.iter().map(|input| permuted(input, &order)).collect();
        Self { inputs, kept_elements, count }
    }

    /// What the accumulators are combined with in step `n`, as lines of elements.
    fn elements(&self, n: usize) -> impl Iterator<Item = ArrayLiteral> {
        self.inputs.iter().map(move |input| {
            let size = self.kept_elements * input.element_type().byte_size();
            let line = ArrayShape::new(input.element_type(), vec![self.kept_elements]);
            let line = line.expect("it is a part of an array");
            let piece = ArrayLiteral::from_bytes(line, &input.bytes()[n * size..][..size]);
            piece.expect("the size was computed from the shape")
        })
    }

    /// The accumulators at the start.
    fn start(&self, inits: &[ArrayLiteral]) -> Vec<ArrayLiteral> {
        let line = |init: &ArrayLiteral| {
            let shape = ArrayShape::new(init.element_type(), vec![self.kept_elements]);
            let shape = shape.expect("it is a part of an array");
            ArrayLiteral::splat(&shape, init).expect("the initial value has the operand's type")
        };
        inits.iter().map(line).collect()
    }
}

fn reduce_lifted(lifted: &Lifted<'_>, steps: &Steps, inits: &[ArrayLiteral]) -> Vec<ArrayLiteral> {
    let mut accumulators = steps.start(inits);
    if steps.kept_elements == 0 {
        return accumulators;
    }
    for n in 0..steps.count {
        accumulators.extend(steps.elements(n));
        accumulators = lifted.run(accumulators);
    }
    accumulators
}

type Call<'a> = &'a dyn Fn(&mut State, Vec<Literal>) -> Result<Literal, EvaluationError>;

fn reduce_by_calls(
    state: &mut State,
    call: Call<'_>,
    steps: &Steps,
    inits: &[ArrayLiteral],
) -> Result<Vec<ArrayLiteral>, EvaluationError> {
    let mut results = steps.start(inits);
    for element in 0..steps.kept_elements {
        let mut accumulators: Vec<Literal> = inits.iter().cloned().map(Literal::Array).collect();
        for n in 0..steps.count {
            accumulators.extend(
                steps
                    .inputs
                    .iter()
                    .map(|input| Literal::Array(input.element(n * steps.kept_elements + element))),
            );
            accumulators = match call(state, accumulators)? {
                Literal::Tuple(elements) => elements,
                array @ Literal::Array(_) => vec![array],
            };
        }
        for (result, accumulator) in results.iter_mut().zip(&accumulators) {
            let accumulator = accumulator.as_array().expect("the results are scalars");
            result.set_element(element, accumulator);
        }
    }
    Ok(results)
}

/// The dimensions that stay and those that are reduced, each in order.
fn split_dimensions(shape: &ArrayShape, dimensions: &[usize]) -> (Vec<usize>, Vec<usize>) {
    (0..shape.rank()).partition(|dimension| !dimensions.contains(dimension))
}

fn permuted(array: &ArrayLiteral, order: &[usize]) -> ArrayLiteral {
    let sizes = order.iter().map(|&dimension| array.shape().dimensions()[dimension]).collect();
    let shape = ArrayShape::new(array.element_type(), sizes);
    transpose(&shape.expect("it has the same number of elements"), array, order)
}
