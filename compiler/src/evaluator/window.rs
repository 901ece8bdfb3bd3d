//! `reduce-window` and `select-and-scatter`.
//!
//! `reduce-window`: the operand is padded and spread out with the initial value; each result starts
//! from the initial value and is combined with the elements of its window in row-major order. Plain
//! sums, products and so on of floats accumulate in `f64`, one dimension after the other, and are
//! rounded once, as those of `reduce`.
//!
//! `select-and-scatter`: in each window, row-major and without padding, an element stays selected
//! as long as `select` of it and the next one holds. The source's elements are scattered to the
//! selected places in row-major order; one whose window is all padding is dropped.

use rayon::prelude::*;

use super::element::{ComplexNumber, Float, Truth, with_class};
use super::elementwise::{view, view_mut};
use super::error::EvaluationError;
use super::interpreter::{Interpreter, State};
use super::lifted::Lifted;
use super::movement::{pad, slice};
use super::reduction::{
    complex_combination, float_combination, integer_combination, plain_combination, promote,
    truth_combination,
};
use crate::hlo::{
    ArrayLiteral, ArrayShape, ComputationId, Instruction, Literal, Opcode, PaddingDimension, Shape,
    SliceDimension, WindowDimension,
};

/// `reduce-window` of (operands and initial values) with a computation.
pub(super) fn reduce_window(
    interpreter: &Interpreter<'_>,
    state: &mut State,
    instruction: &Instruction,
    (operands, window, to_apply): (&[ArrayLiteral], &[WindowDimension], ComputationId),
) -> Result<Literal, EvaluationError> {
    let computation = interpreter.module.computation(to_apply);
    let results = instruction.shape().leaves();
    let operands = promote(operands, &results);
    let (inputs, inits) = operands.split_at(operands.len() / 2);
    let padded: Vec<ArrayLiteral> =
        inputs.iter().zip(inits).map(|(input, init)| padded(input, init, window)).collect();
    if let ([input], [init], Some(opcode)) = (&padded[..], inits, plain_combination(computation))
        && let Some(result) = combine_plainly(opcode, results[0], [input, init], window)
    {
        return Ok(Literal::Array(result));
    }
    let apply = Apply { interpreter, instruction, to_apply };
    let mut values: Vec<ArrayLiteral> = inits
        .iter()
        .zip(&results)
        .map(|(init, shape)| {
            let line = line(init, shape.element_count());
            ArrayLiteral::splat(&line, init).expect("the initial value has the operand's type")
        })
        .collect();
    let lifted = Lifted::new(computation, results[0].element_count());
    for position in positions(window) {
        for (input, shape) in padded.iter().zip(&results) {
            let shape = shape.with_element_type(input.element_type());
            let part = slice(&shape, input, &part(window, &position, shape.dimensions()));
            values.push(flat(&part));
        }
        values = apply.on_lines(state, lifted.as_ref(), values)?;
    }
    let reshaped = values.into_iter().zip(&results).map(|(value, shape)| {
        let reshaped = value.reshape(shape.dimensions());
        Literal::Array(reshaped.expect("there is one value per window"))
    });
    let mut reshaped: Vec<Literal> = reshaped.collect();
    Ok(match instruction.shape() {
        Shape::Array(_) => reshaped.swap_remove(0),
        Shape::Tuple(_) => Literal::Tuple(reshaped),
    })
}

/// The bytes that [`reduce_window`] needs beside operands and results.
pub(super) fn scratch_bytes(shape: &ArrayShape, window: &[WindowDimension]) -> u64 {
    let mut sizes = window.iter().zip(shape.dimensions());
    let elements = sizes
        .try_fold(1_usize, |product, (window, &size)| product.checked_mul(window.padded(size)?));
    elements.map_or(u64::MAX, |elements| (elements as u64).saturating_mul(16))
}

/// A computation on scalars, applied to lines of them.
pub(super) struct Apply<'i, 'm> {
    pub(super) interpreter: &'i Interpreter<'m>,
    pub(super) instruction: &'i Instruction,
    pub(super) to_apply: ComputationId,
}

impl Apply<'_, '_> {
    /// The results for lines of arguments: by lines if it can be lifted, else one by one.
    pub(super) fn on_lines(
        &self,
        state: &mut State,
        lifted: Option<&Lifted<'_>>,
        arguments: Vec<ArrayLiteral>,
    ) -> Result<Vec<ArrayLiteral>, EvaluationError> {
        let length = arguments[0].element_count();
        match lifted {
            Some(lifted) if length > 0 => return Ok(lifted.run(arguments)),
            _ => {}
        }
        let mut lines: Vec<ArrayLiteral> = Vec::new();
        for n in 0..length {
            let scalars = arguments.iter().map(|line| scalar(line, n)).collect();
            let result = self.on_scalars(state, scalars)?;
            if lines.is_empty() {
                lines = result.iter().map(|r| ArrayLiteral::zeros(&line(r, length))).collect();
            }
            lines.iter_mut().zip(&result).for_each(|(line, r)| line.set_bits(n, r.bits(0)));
        }
        // Without elements nothing says how many results there are but the accumulators.
        let count = arguments.len() / 2;
        Ok(if length == 0 { arguments.into_iter().take(count).collect() } else { lines })
    }

    fn on_scalars(
        &self,
        state: &mut State,
        scalars: Vec<ArrayLiteral>,
    ) -> Result<Vec<ArrayLiteral>, EvaluationError> {
        let arguments = scalars.into_iter().map(Literal::Array).collect();
        let called =
            self.interpreter.call_from(state, self.instruction, self.to_apply, arguments)?;
        let array = |literal| match literal {
            Literal::Array(array) => array,
            Literal::Tuple(_) => unreachable!("inference demands scalars"),
        };
        Ok(match called {
            Literal::Tuple(elements) => elements.into_iter().map(array).collect(),
            single @ Literal::Array(_) => vec![array(single)],
        })
    }
}

fn scalar(line: &ArrayLiteral, element: usize) -> ArrayLiteral {
    let mut scalar = ArrayLiteral::zeros(&ArrayShape::scalar(line.element_type()));
    scalar.set_bits(0, line.bits(element));
    scalar
}

/// The shape of `length` elements like those of an array.
fn line(like: &ArrayLiteral, length: usize) -> ArrayShape {
    ArrayShape::new(like.element_type(), vec![length]).expect("it is as large as a result")
}

fn flat(array: &ArrayLiteral) -> ArrayLiteral {
    array.reshape(&[array.element_count()]).expect("it has the same number of elements")
}

/// The operand, spread out and padded with the initial value.
fn padded(input: &ArrayLiteral, init: &ArrayLiteral, window: &[WindowDimension]) -> ArrayLiteral {
    let padding: Vec<PaddingDimension> = window.iter().map(WindowDimension::padding).collect();
    if padding.iter().all(|padding| *padding == PaddingDimension::default()) {
        return input.clone();
    }
    let sizes = window.iter().zip(input.shape().dimensions());
    let sizes = sizes.map(|(window, &size)| window.padded(size).expect("inference counted it"));
    let shape = ArrayShape::new(input.element_type(), sizes.collect());
    pad(&shape.expect("the memory it needs was found"), input, init, &padding)
}

/// All positions in a window, row-major.
fn positions(window: &[WindowDimension]) -> impl Iterator<Item = Vec<usize>> {
    let sizes: Vec<usize> = window.iter().map(|dimension| dimension.size).collect();
    (0..sizes.iter().product::<usize>()).map(move |n| {
        let mut rest = n;
        let mut position = vec![0; sizes.len()];
        for (place, size) in position.iter_mut().zip(&sizes).rev() {
            *place = rest % size;
            rest /= size;
        }
        position
    })
}

/// What is at a position of all windows.
fn part(window: &[WindowDimension], position: &[usize], sizes: &[usize]) -> Vec<SliceDimension> {
    let all = window.iter().zip(position).zip(sizes);
    all.map(|((window, &position), &size)| {
        let start = position * window.window_dilation;
        let limit = if size > 0 { start + (size - 1) * window.stride + 1 } else { start };
        SliceDimension { start, limit, stride: window.stride }
    })
    .collect()
}

fn combine_plainly(
    opcode: Opcode,
    shape: &ArrayShape,
    [input, init]: [&ArrayLiteral; 2],
    window: &[WindowDimension],
) -> Option<ArrayLiteral> {
    let mut result = ArrayLiteral::zeros(shape);
    let sizes = input.shape().dimensions();
    with_class!(shape.element_type(), T,
        float => {
            let (combine, init) = (float_combination(opcode)?, view::<T>(init)[0].to_f64());
            let values = view::<T>(input).iter().map(|value| value.to_f64()).collect();
            let values = windows(values, sizes, window, &combine);
            let to = view_mut::<T>(&mut result).iter_mut().zip(values);
            to.for_each(|(to, value)| *to = T::rounded(combine(init, value)));
        },
        integer => {
            let (combine, init) = (integer_combination::<T>(opcode)?, view::<T>(init)[0]);
            let values = windows(view::<T>(input).to_vec(), sizes, window, &combine);
            let to = view_mut::<T>(&mut result).iter_mut().zip(values);
            to.for_each(|(to, value)| *to = combine(init, value));
        },
        pred => {
            let (combine, init) = (truth_combination(opcode)?, view::<Truth>(init)[0].get());
            let values = view::<Truth>(input).iter().map(|value| value.get()).collect();
            let values = windows(values, sizes, window, &combine);
            let to = view_mut::<Truth>(&mut result).iter_mut().zip(values);
            to.for_each(|(to, value)| *to = Truth::new(combine(init, value)));
        },
        complex => {
            let (combine, init) = (complex_combination(opcode)?, view::<T>(init)[0].to_complex());
            let values = view::<T>(input).iter().map(|value| value.to_complex()).collect();
            let values = windows(values, sizes, window, &combine);
            let to = view_mut::<T>(&mut result).iter_mut().zip(values);
            to.for_each(|(to, value)| *to = T::rounded(combine(init, value)));
        },
    );
    Some(result)
}

/// The combination of each window, one dimension after the other.
fn windows<T: Copy + Send + Sync>(
    mut values: Vec<T>,
    sizes: &[usize],
    window: &[WindowDimension],
    combine: &(impl Fn(T, T) -> T + Sync),
) -> Vec<T> {
    let mut sizes = sizes.to_vec();
    for (d, dimension) in window.iter().enumerate() {
        let span = (dimension.size - 1) * dimension.window_dilation + 1;
        let count = if span > sizes[d] { 0 } else { (sizes[d] - span) / dimension.stride + 1 };
        if dimension.size == 1 && dimension.stride == 1 {
            continue;
        }
        let inner: usize = sizes[d + 1..].iter().product();
        let outer: usize = sizes[..d].iter().product();
        let element = |n: usize| {
            let (of_outer, rest) = (n / (count * inner), n % (count * inner));
            let first = rest / inner * dimension.stride;
            let at = |k: usize| {
                let along = first + k * dimension.window_dilation;
                values[(of_outer * sizes[d] + along) * inner + rest % inner]
            };
            (1..dimension.size).fold(at(0), |sum, k| combine(sum, at(k)))
        };
        let next = (0..outer * count * inner).into_par_iter().map(element).collect();
        values = next;
        sizes[d] = count;
    }
    values
}

/// `select-and-scatter` of operand, source and initial value.
pub(super) fn select_and_scatter(
    interpreter: &Interpreter<'_>,
    state: &mut State,
    instruction: &Instruction,
    (operands, window, [select, scatter]): (
        &[ArrayLiteral],
        &[WindowDimension],
        [ComputationId; 2],
    ),
) -> Result<Literal, EvaluationError> {
    let [operand, source, init] = operands else { unreachable!("it has three operands") };
    let windows = Windows { window, operand: operand.shape(), source: source.shape() };
    let apply = Apply { interpreter, instruction, to_apply: select };
    let chosen = windows.choose(state, &apply, operand)?;
    let mut result = ArrayLiteral::splat(operand.shape(), init)
        .expect("the initial value has the operand's type");
    let apply = Apply { interpreter, instruction, to_apply: scatter };
    for (element, place) in chosen.into_iter().enumerate() {
        let Some(place) = place else { continue };
        let arguments = vec![scalar(source, element), scalar(&result, place)];
        let combined = apply.on_scalars(state, arguments)?;
        result.set_bits(place, combined[0].bits(0));
    }
    Ok(Literal::Array(result))
}

/// The windows of `select-and-scatter`.
struct Windows<'a> {
    window: &'a [WindowDimension],
    operand: &'a ArrayShape,
    source: &'a ArrayShape,
}

impl Windows<'_> {
    /// For each element of the source, the element of the operand that is selected in its window.
    fn choose(
        &self,
        state: &mut State,
        select: &Apply<'_, '_>,
        operand: &ArrayLiteral,
    ) -> Result<Vec<Option<usize>>, EvaluationError> {
        let mut chosen: Vec<Option<usize>> = vec![None; self.source.element_count()];
        let computation = select.interpreter.module.computation(select.to_apply);
        for position in positions(self.window) {
            // The source's elements that have to decide: their own element and the next one.
            let (mut undecided, mut next) = (Vec::new(), Vec::new());
            for (n, chosen) in chosen.iter_mut().enumerate() {
                let Some(place) = self.place(n, &position) else { continue };
                if chosen.is_some() {
                    undecided.push(n);
                    next.push(place);
                } else {
                    *chosen = Some(place);
                }
            }
            if undecided.is_empty() {
                continue;
            }
            let own = undecided.iter().filter_map(|&n| chosen[n]);
            let arguments = vec![gathered(operand, own), gathered(operand, next.iter().copied())];
            let lifted = Lifted::new(computation, undecided.len());
            let stays = select.on_lines(state, lifted.as_ref(), arguments)?;
            for (n, (element, place)) in undecided.into_iter().zip(next).enumerate() {
                if stays[0].bits(n) == 0 {
                    chosen[element] = Some(place);
                }
            }
        }
        Ok(chosen)
    }

    /// The operand's element at a position of the window of a source's element; none on padding.
    fn place(&self, element: usize, position: &[usize]) -> Option<usize> {
        let mut rest = element;
        let (mut place, mut step) = (0, 1);
        let sizes = self.source.dimensions().iter().zip(self.operand.dimensions());
        for ((&count, &size), (window, &position)) in
            sizes.zip(self.window.iter().zip(position)).rev()
        {
            let index = (rest % count * window.stride + position) as i128;
            rest /= count;
            let along = usize::try_from(index - i128::from(window.padding_low)).ok()?;
            if along >= size {
                return None;
            }
            place += along * step;
            step *= size;
        }
        Some(place)
    }
}

/// Some elements of an array as a line.
pub(super) fn gathered(array: &ArrayLiteral, places: impl Iterator<Item = usize>) -> ArrayLiteral {
    let places: Vec<usize> = places.collect();
    let mut result = ArrayLiteral::zeros(&line(array, places.len()));
    for (n, place) in places.into_iter().enumerate() {
        result.set_bits(n, array.bits(place));
    }
    result
}
