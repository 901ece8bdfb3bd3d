//! `sort`.
//!
//! Always stable, by merging: an element changes places with an earlier one only if the comparator
//! says that it comes first. A comparator without a consistent order (comparing floats as numbers
//! where there are NaNs) gives some permutation, always the same one.
//!
//! Comparators that compare a function of one element with the same function of the other, as most
//! do, are computed for all elements at once; see [`key`]. Others are called for each comparison.

mod key;

use rayon::prelude::*;

use super::element::with_width;
use super::elementwise::{view, view_mut};
use super::error::EvaluationError;
use super::interpreter::{Interpreter, State};
use super::movement::transpose;
use crate::hlo::{ArrayLiteral, ArrayShape, ComputationId, Instruction, Literal, Shape};
use key::columns;

/// The bytes that sorting operands of this shape needs beside its results: rows, orders and keys.
pub(super) fn scratch_bytes(result: &Shape) -> u64 {
    let leaves = result.leaves();
    let elements = leaves.first().map_or(0, |leaf| leaf.element_count() as u64);
    let bytes: u64 = leaves.iter().map(|leaf| leaf.byte_size() as u64).sum();
    (2 * bytes).saturating_add(elements.saturating_mul(32))
}

/// `sort` of operands along a dimension by a computation.
pub(super) fn sort(
    interpreter: &Interpreter<'_>,
    state: &mut State,
    instruction: &Instruction,
    (operands, dimension, to_apply): (&[ArrayLiteral], usize, ComputationId),
) -> Result<Literal, EvaluationError> {
    let shape = operands[0].shape();
    let length = shape.dimensions()[dimension];
    let mut to_rows: Vec<usize> = (0..shape.rank()).filter(|&d| d != dimension).collect();
    to_rows.push(dimension);
    let rows: Vec<ArrayLiteral> = operands.iter().map(|each| permuted(each, &to_rows)).collect();
    let mut order: Vec<usize> = (0..shape.element_count()).collect();
    if length > 1 {
        let computation = interpreter.module.computation(to_apply);
        if let Some(columns) = columns(computation, &rows) {
            order.par_chunks_mut(length).for_each(|line| {
                let Ok(()) = merge_sort(line, &mut |a, b| Ok::<_, Never>(columns.less(a, b)));
            });
        } else {
            for line in order.chunks_mut(length) {
                merge_sort(line, &mut |a, b| {
                    let pairs = rows.iter().flat_map(|row| [scalar(row, a), scalar(row, b)]);
                    let answer =
                        interpreter.call_from(state, instruction, to_apply, pairs.collect())?;
                    Ok::<_, EvaluationError>(answer.as_array().is_ok_and(|it| it.bits(0) != 0))
                })?;
            }
        }
    }
    let mut back = vec![0; to_rows.len()];
    to_rows.iter().enumerate().for_each(|(place, &d)| back[d] = place);
    let sorted = rows.iter().map(|row| Literal::Array(permuted(&picked(row, &order), &back)));
    let mut sorted: Vec<Literal> = sorted.collect();
    Ok(match instruction.shape() {
        Shape::Array(_) => sorted.swap_remove(0),
        Shape::Tuple(_) => Literal::Tuple(sorted),
    })
}

/// No error.
enum Never {}

/// Sorts `line`, keeping the order of what is not less.
fn merge_sort<E>(
    line: &mut [usize],
    less: &mut impl FnMut(usize, usize) -> Result<bool, E>,
) -> Result<(), E> {
    let mut from = line.to_vec();
    let mut width = 1;
    while width < line.len() {
        for (to, from) in line.chunks_mut(2 * width).zip(from.chunks(2 * width)) {
            let (first, second) = from.split_at(width.min(from.len()));
            merge(to, first, second, less)?;
        }
        from.copy_from_slice(line);
        width *= 2;
    }
    Ok(())
}

fn merge<E>(
    to: &mut [usize],
    first: &[usize],
    second: &[usize],
    less: &mut impl FnMut(usize, usize) -> Result<bool, E>,
) -> Result<(), E> {
    let (mut a, mut b) = (0, 0);
    for to in to {
        let takes_second = match (first.get(a), second.get(b)) {
            (Some(&first), Some(&second)) => less(second, first)?,
            (first, _) => first.is_none(),
        };
        if takes_second {
            *to = second[b];
            b += 1;
        } else {
            *to = first[a];
            a += 1;
        }
    }
    Ok(())
}

fn scalar(rows: &ArrayLiteral, element: usize) -> Literal {
    let mut scalar = ArrayLiteral::zeros(&ArrayShape::scalar(rows.element_type()));
    scalar.set_bits(0, rows.bits(element));
    Literal::Array(scalar)
}

/// The elements in another order.
fn picked(from: &ArrayLiteral, order: &[usize]) -> ArrayLiteral {
    let mut result = ArrayLiteral::zeros(from.shape());
    with_width!(from.element_type(), T => {
        let (to, from) = (view_mut::<T>(&mut result), view::<T>(from));
        to.iter_mut().zip(order).for_each(|(to, &place)| *to = from[place]);
    });
    result
}

fn permuted(array: &ArrayLiteral, order: &[usize]) -> ArrayLiteral {
    let sizes = order.iter().map(|&dimension| array.shape().dimensions()[dimension]).collect();
    let shape = ArrayShape::new(array.element_type(), sizes);
    transpose(&shape.expect("it has the same number of elements"), array, order)
}
