//! Ops that work element by element.
//!
//! An op is a kernel: a function over slices of one element type. The kernel is chosen once per
//! instruction and then run over chunks, on several threads if there are many. Each element is
//! computed alone, so the threads do not change anything.

mod compare;
mod complex;
mod convert;
mod float;
mod integer;

use rayon::prelude::*;

use num_complex::Complex;

use super::element::{Element, Truth, with_class, with_width};
use super::error::Cause;
use crate::hlo::{ArrayLiteral, ArrayShape, ElementType, InferError, Opcode};

pub(super) use compare::compare;
pub(super) use convert::convert;
pub(super) use float::{maximum, minimum};

/// Computes one element from each of one operand.
type Unary<T, U> = fn(&[T], &mut [U]);
/// Computes one element from each of two operands.
type Binary<T, U> = fn(&[T], &[T], &mut [U]);

/// The kernel that computes an expression of `$x`.
macro_rules! map {
    ($x:ident => $result:expr) => {
        |from: &[_], to: &mut [_]| {
            for (to, &$x) in to.iter_mut().zip(from) {
                *to = $result;
            }
        }
    };
}
/// The kernel that computes an expression of `$a` and `$b`.
macro_rules! zip {
    ($a:ident, $b:ident => $result:expr) => {
        |lhs: &[_], rhs: &[_], to: &mut [_]| {
            for ((to, &$a), &$b) in to.iter_mut().zip(lhs).zip(rhs) {
                *to = $result;
            }
        }
    };
}
use {map, zip};

/// The elements that one task computes.
const CHUNK: usize = 1 << 14;

/// An op of one operand, as the type of `operand` defines it.
pub(super) fn unary(
    opcode: Opcode,
    shape: &ArrayShape,
    operand: &ArrayLiteral,
) -> Result<ArrayLiteral, Cause> {
    let result = with_class!(operand.element_type(), T,
        float => if opcode == Opcode::IsFinite {
            Some(run_unary(shape, operand, float::is_finite::<T>()))
        } else {
            float::unary::<T>(opcode).map(|kernel| run_unary(shape, operand, kernel))
        },
        integer => integer::unary::<T>(opcode).map(|kernel| run_unary(shape, operand, kernel)),
        pred => integer::pred_unary(opcode).map(|kernel| run_unary(shape, operand, kernel)),
        complex => match complex::part::<T>(opcode) {
            Some(kernel) => Some(run_unary(shape, operand, kernel)),
            None => complex::unary::<T>(opcode).map(|kernel| run_unary(shape, operand, kernel)),
        },
    );
    result.ok_or_else(|| undefined(opcode, operand))
}

/// An op of two operands of one type, as that type defines it.
pub(super) fn binary(
    opcode: Opcode,
    shape: &ArrayShape,
    lhs: &ArrayLiteral,
    rhs: &ArrayLiteral,
) -> Result<ArrayLiteral, Cause> {
    let result = with_class!(lhs.element_type(), T,
        float => float::binary::<T>(opcode).map(|kernel| run_binary(shape, lhs, rhs, kernel)),
        integer => integer::binary::<T>(opcode).map(|kernel| run_binary(shape, lhs, rhs, kernel)),
        pred => integer::pred_binary(opcode).map(|kernel| run_binary(shape, lhs, rhs, kernel)),
        complex => complex::binary::<T>(opcode).map(|kernel| run_binary(shape, lhs, rhs, kernel)),
    );
    result.ok_or_else(|| undefined(opcode, lhs))
}

/// `complex`: numbers of these parts.
pub(super) fn complex(
    shape: &ArrayShape,
    re: &ArrayLiteral,
    im: &ArrayLiteral,
) -> Result<ArrayLiteral, Cause> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "no other type is that of parts")]
    Ok(match re.element_type() {
        ElementType::F32 => run_binary::<f32, _>(shape, re, im, zip!(a, b => Complex::new(a, b))),
        ElementType::F64 => run_binary::<f64, _>(shape, re, im, zip!(a, b => Complex::new(a, b))),
        _ => return Err(undefined(Opcode::Complex, re)),
    })
}

/// `select`: `on_true` where `pred`, an array or one for all, is true.
pub(super) fn select(
    shape: &ArrayShape,
    pred: &ArrayLiteral,
    on_true: &ArrayLiteral,
    on_false: &ArrayLiteral,
) -> ArrayLiteral {
    if pred.shape().is_scalar() {
        return if pred.bits(0) != 0 { on_true.clone() } else { on_false.clone() };
    }
    let mut result = ArrayLiteral::zeros(shape);
    with_width!(shape.element_type(), T => {
        let (on_true, on_false) = (view::<T>(on_true), view::<T>(on_false));
        let chunks = view_mut::<T>(&mut result).par_chunks_mut(CHUNK);
        let pred = view::<Truth>(pred).par_chunks(CHUNK);
        let operands = pred.zip(on_true.par_chunks(CHUNK)).zip(on_false.par_chunks(CHUNK));
        chunks.zip(operands).for_each(|(to, ((pred, on_true), on_false))| {
            for (((to, &on_true), &on_false), pred) in
                to.iter_mut().zip(on_true).zip(on_false).zip(pred)
            {
                *to = if pred.get() { on_true } else { on_false };
            }
        });
    });
    result
}

/// `clamp`: the smaller of `max` and the larger of `min` and `operand`.
pub(super) fn clamp(
    shape: &ArrayShape,
    min: &ArrayLiteral,
    operand: &ArrayLiteral,
    max: &ArrayLiteral,
) -> Result<ArrayLiteral, Cause> {
    let limit = |limit: &ArrayLiteral| {
        let alone = limit.shape().is_scalar() && !shape.is_scalar();
        let all = || ArrayLiteral::splat(shape, limit).expect("the limit has the operand's type");
        if alone { all() } else { limit.clone() }
    };
    let at_least = binary(Opcode::Maximum, shape, operand, &limit(min))?;
    binary(Opcode::Minimum, shape, &at_least, &limit(max))
}

/// The elements as values of a type of the same width.
pub(super) fn view<T: bytemuck::Pod>(literal: &ArrayLiteral) -> &[T] {
    bytemuck::cast_slice(literal.bytes())
}

/// The elements as values of a type of the same width, to be changed.
pub(super) fn view_mut<T: bytemuck::Pod>(literal: &mut ArrayLiteral) -> &mut [T] {
    bytemuck::cast_slice_mut(literal.bytes_mut())
}

fn run_unary<T: Element, U: Element>(
    shape: &ArrayShape,
    operand: &ArrayLiteral,
    kernel: Unary<T, U>,
) -> ArrayLiteral {
    let mut result = ArrayLiteral::zeros(shape);
    let (from, to) = (view::<T>(operand), view_mut::<U>(&mut result));
    if to.len() <= CHUNK {
        kernel(from, to);
    } else {
        let chunks = to.par_chunks_mut(CHUNK).zip(from.par_chunks(CHUNK));
        chunks.for_each(|(to, from)| kernel(from, to));
    }
    result
}

fn run_binary<T: Element, U: Element>(
    shape: &ArrayShape,
    lhs: &ArrayLiteral,
    rhs: &ArrayLiteral,
    kernel: Binary<T, U>,
) -> ArrayLiteral {
    let mut result = ArrayLiteral::zeros(shape);
    let (lhs, rhs, to) = (view::<T>(lhs), view::<T>(rhs), view_mut::<U>(&mut result));
    if to.len() <= CHUNK {
        kernel(lhs, rhs, to);
    } else {
        let operands = lhs.par_chunks(CHUNK).zip(rhs.par_chunks(CHUNK));
        let chunks = to.par_chunks_mut(CHUNK).zip(operands);
        chunks.for_each(|(to, (lhs, rhs))| kernel(lhs, rhs, to));
    }
    result
}

/// The op is not defined on elements of this type; inference refuses such instructions.
fn undefined(opcode: Opcode, operand: &ArrayLiteral) -> Cause {
    let message = format!("the operand is {}, for which the op is not defined", operand.shape());
    Cause::Illegal(InferError::new(opcode, "(I1)", message))
}
