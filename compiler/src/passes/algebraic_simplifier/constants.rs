//! What is known about values: constants, and facts that follow from how a value is made.
//!
//! Rule: a constant array of one value is a broadcast of a scalar.

use crate::hlo::{ArrayLiteral, ArrayShape, ElementClass, ElementType, InstructionId, Literal, Op};
use crate::passes::site::{Rewritten, Site};

/// How far facts are looked for.
const DEPTH: usize = 8;

/// `constant`.
pub(super) fn constant(site: &mut Site<'_>, literal: &Literal) -> Rewritten {
    let Literal::Array(array) = literal else { return Ok(None) };
    if array.element_count() < 2 || !array.is_splat() {
        return Ok(None);
    }
    let dimensions = array.shape().dimensions().to_vec();
    site.splat(array.element(0).into(), &dimensions).map(Some)
}

/// A float as a scalar of a type, rounded to it.
pub(super) fn float_scalar(element_type: ElementType, value: f64) -> Literal {
    let mut scalar = ArrayLiteral::zeros(&ArrayShape::scalar(element_type));
    scalar.set_f64(0, value);
    scalar.into()
}

/// An integer, or a truth value as 0 or 1, as a scalar of a type.
pub(super) fn integer_scalar(element_type: ElementType, value: i64) -> Literal {
    let mut scalar = ArrayLiteral::zeros(&ArrayShape::scalar(element_type));
    scalar.set_i64(0, value);
    scalar.into()
}

impl Site<'_> {
    /// The value that all elements of an array have, if that is known.
    pub(super) fn splat_of(&self, id: InstructionId) -> Option<ArrayLiteral> {
        let mut id = id;
        for _ in 0..DEPTH {
            match self.op(id) {
                Op::Constant { literal: Literal::Array(array) }
                    if array.element_count() > 0 && array.is_splat() =>
                {
                    return Some(array.element(0));
                }
                Op::Broadcast { .. } | Op::Reshape | Op::Transpose { .. } => {
                    id = self.operand_of(id, 0);
                }
                _ => return None,
            }
        }
        None
    }

    /// The float that all elements are.
    pub(super) fn float_of(&self, id: InstructionId) -> Option<f64> {
        let splat = self.splat_of(id).filter(|splat| splat.element_type().is_float());
        splat.map(|splat| splat.get_f64(0))
    }

    /// The integer that all elements are; truth values are 0 and 1.
    pub(super) fn integer_of(&self, id: InstructionId) -> Option<i64> {
        self.splat_of(id)?.get_i64(0)
    }

    /// Are all elements this float, with this sign?
    pub(super) fn is_float(&self, id: InstructionId, value: f64) -> bool {
        self.float_of(id).is_some_and(|found| found.to_bits() == value.to_bits())
    }

    /// Are all elements this integer or truth value?
    pub(super) fn is_integer(&self, id: InstructionId, value: i64) -> bool {
        self.integer_of(id) == Some(value)
    }

    /// Are all elements this number? A float zero is 0, not -0.
    pub(super) fn is_number(&self, id: InstructionId, value: i32) -> bool {
        self.is_float(id, f64::from(value)) || self.is_integer(id, i64::from(value))
    }

    /// Are all elements integers with every bit set, or true?
    pub(super) fn is_all_ones(&self, id: InstructionId) -> bool {
        self.splat_of(id).is_some_and(|splat| {
            let width = splat.element_type().bit_width();
            !matches!(splat.element_type().class(), ElementClass::Float | ElementClass::Complex)
                && splat.bits(0) == u64::MAX >> (64 - width)
        })
    }

    /// A bound of the elements of an array of unsigned integers that are counted by iotas and
    /// computed from constants, if no step on the way can wrap.
    pub(super) fn most_of(&self, id: InstructionId) -> Option<u64> {
        self.most_within(id, DEPTH)
    }

    fn most_within(&self, id: InstructionId, depth: usize) -> Option<u64> {
        let element_type = self.element_type(id);
        let depth = depth.checked_sub(1).filter(|_| element_type.is_unsigned())?;
        let of = |n| self.most_within(self.operand_of(id, n), depth);
        let most = match self.op(id) {
            Op::Iota { iota_dimension } => {
                self.dimensions(id)[*iota_dimension].saturating_sub(1) as u64
            }
            Op::Constant { literal: Literal::Array(array) } if array.element_count() == 1 => {
                array.bits(0)
            }
            Op::Add => of(0)?.checked_add(of(1)?)?,
            Op::Multiply => of(0)?.checked_mul(of(1)?)?,
            Op::Broadcast { .. } => of(0)?,
            _ => return None,
        };
        (most <= u64::MAX >> (64 - element_type.bit_width())).then_some(most)
    }

    /// The operands of the site, a constant one last, if the op may swap them.
    pub(super) fn with_constant_last(&self) -> [InstructionId; 2] {
        let [lhs, rhs] = [self.operand(0), self.operand(1)];
        if self.splat_of(lhs).is_some() { [rhs, lhs] } else { [lhs, rhs] }
    }

    /// Can no element be -0?
    pub(super) fn is_never_minus_zero(&self, id: InstructionId) -> bool {
        self.never_minus_zero_within(id, DEPTH)
    }

    fn never_minus_zero_within(&self, id: InstructionId, depth: usize) -> bool {
        if !self.element_type(id).is_float() || self.is_not_negative_within(id, depth) {
            return true;
        }
        let Some(depth) = depth.checked_sub(1) else { return false };
        let operand = |n| self.operand_of(id, n);
        match self.op(id) {
            Op::Constant { literal: Literal::Array(array) } => {
                let is_minus_zero = |n| array.get_f64(n).to_bits() == (-0.0f64).to_bits();
                array.element_count() == 1 && !is_minus_zero(0)
            }
            // A sum is -0 only if both terms are.
            Op::Add => {
                self.never_minus_zero_within(operand(0), depth)
                    || self.never_minus_zero_within(operand(1), depth)
            }
            Op::Convert => !self.element_type(operand(0)).is_float(),
            Op::Reduce { to_apply, .. } => {
                let is_sum = super::reduction::reducer(self.module(), *to_apply) == Some(Op::Add);
                self.get(id).operands().len() == 2
                    && is_sum
                    && self.never_minus_zero_within(operand(1), depth)
            }
            Op::Broadcast { .. } | Op::Reshape | Op::Transpose { .. } | Op::Slice { .. } => {
                self.never_minus_zero_within(operand(0), depth)
            }
            _ => false,
        }
    }

    /// Is every element NaN or at least 0, and never -0?
    pub(super) fn is_not_negative(&self, id: InstructionId) -> bool {
        self.is_not_negative_within(id, DEPTH)
    }

    fn is_not_negative_within(&self, id: InstructionId, depth: usize) -> bool {
        let element_type = self.element_type(id);
        if element_type.is_unsigned() || element_type == ElementType::Pred {
            return true;
        }
        let Some(depth) = depth.checked_sub(1) else { return false };
        let operand = |n| self.operand_of(id, n);
        let of = |n| self.is_not_negative_within(operand(n), depth);
        match self.op(id) {
            Op::Constant { literal: Literal::Array(array) } => {
                array.element_count() == 1 && array.get_f64(0).is_sign_positive()
            }
            Op::Iota { .. } => element_type.is_float(),
            Op::Abs => element_type.is_float(),
            Op::Exponential | Op::Logistic => true,
            // Integers wrap.
            Op::Multiply if element_type.is_float() => operand(0) == operand(1) || of(0) && of(1),
            Op::Add | Op::Divide if element_type.is_float() => of(0) && of(1),
            Op::Sqrt | Op::Rsqrt => of(0),
            Op::Maximum => of(0) || of(1),
            Op::Minimum => of(0) && of(1),
            Op::Select => of(1) && of(2),
            Op::Convert => of(0) && element_type.is_float(),
            Op::Broadcast { .. } | Op::Reshape | Op::Transpose { .. } | Op::Slice { .. } => of(0),
            _ => false,
        }
    }
}
