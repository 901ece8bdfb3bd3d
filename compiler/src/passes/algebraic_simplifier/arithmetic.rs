//! Sums, products, quotients, powers and extrema.
//!
//! * x + 0, x - 0, x·1, x/1 are x; x·-1, x/-1, -0 - x are -x; integers: 0·x and x - x are 0, 0 - x
//!   is -x, x % 1 is 0, (x + a) + b is x + (a + b).
//! * x + -y is x - y, x - -y is x + y, -x + y is y - x, -x·-y is x·y.
//! * x / 2^n is x·2^-n.
//! * x^0, x^1, x^2, x^-1 are 1, x, x·x, 1/x; x^0.5 and x^-0.5 are roots where x is not negative.
//! * An extremum of x and x, or of x and what is beyond the range of the type, is x; two extrema
//!   with constants are one; one of what is not negative and a constant up to 0 is known; a clamp
//!   to the whole range is nothing.

use crate::hlo::{ElementType, InstructionId, Op};
use crate::passes::site::{Rewritten, Site};

use super::constants::{float_scalar, integer_scalar};

fn is_integer_site(site: &Site<'_>) -> bool {
    site.element_type(site.id()).is_integer()
}

/// An array like the site, full of an integer.
fn integers(site: &mut Site<'_>, value: i64) -> Rewritten {
    let shape = site.instruction().array_shape().clone();
    site.splat(integer_scalar(shape.element_type(), value), shape.dimensions()).map(Some)
}

/// The operand of a `negate`.
fn negated(site: &Site<'_>, id: InstructionId) -> Option<InstructionId> {
    (*site.op(id) == Op::Negate).then(|| site.operand_of(id, 0))
}

/// `add`.
pub(super) fn add(site: &mut Site<'_>) -> Rewritten {
    if site.element_type(site.id()) == ElementType::Pred {
        return super::logic::or(site);
    }
    let [x, y] = site.with_constant_last();
    let adds_nothing = site.is_integer(y, 0)
        || site.is_float(y, -0.0)
        || site.is_float(y, 0.0) && site.is_never_minus_zero(x);
    if adds_nothing {
        return Ok(site.same_shape(x));
    }
    if let Some(y) = negated(site, y) {
        return site.same(Op::Subtract, &[x, y]);
    }
    if let Some(x) = negated(site, x) {
        return site.same(Op::Subtract, &[y, x]);
    }
    if is_integer_site(site) && *site.op(x) == Op::Add {
        let (inner, a) = (site.operand_of(x, 0), site.operand_of(x, 1));
        if let (Some(a), Some(b)) = (site.integer_of(a), site.integer_of(y)) {
            let Some(sum) = integers(site, a.wrapping_add(b))? else { return Ok(None) };
            return site.same(Op::Add, &[inner, sum]);
        }
    }
    // The constant goes last, so that chains of constants meet.
    let is_swapped = x != site.operand(0) && site.splat_of(x).is_none();
    if is_swapped { site.same(Op::Add, &[x, y]) } else { Ok(None) }
}

/// `subtract`.
pub(super) fn subtract(site: &mut Site<'_>) -> Rewritten {
    let (x, y) = (site.operand(0), site.operand(1));
    if site.is_number(y, 0) || site.is_float(y, -0.0) && site.is_never_minus_zero(x) {
        return Ok(site.same_shape(x));
    }
    if site.is_integer(x, 0) || site.is_float(x, -0.0) {
        return site.same(Op::Negate, &[y]);
    }
    if let Some(y) = negated(site, y) {
        return site.same(Op::Add, &[x, y]);
    }
    if is_integer_site(site) && x == y {
        return integers(site, 0);
    }
    Ok(None)
}

/// `multiply`.
pub(super) fn multiply(site: &mut Site<'_>) -> Rewritten {
    if site.element_type(site.id()) == ElementType::Pred {
        return super::logic::and(site);
    }
    let [x, y] = site.with_constant_last();
    if site.is_number(y, 1) {
        return Ok(site.same_shape(x));
    }
    if site.is_number(y, -1) {
        return site.same(Op::Negate, &[x]);
    }
    if site.is_integer(y, 0) {
        return Ok(site.same_shape(y));
    }
    if let (Some(x), Some(y)) = (negated(site, x), negated(site, y)) {
        return site.same(Op::Multiply, &[x, y]);
    }
    Ok(None)
}

/// `divide`.
pub(super) fn divide(site: &mut Site<'_>) -> Rewritten {
    let (x, y) = (site.operand(0), site.operand(1));
    if site.is_number(y, 1) {
        return Ok(site.same_shape(x));
    }
    if site.is_float(y, -1.0) {
        return site.same(Op::Negate, &[x]);
    }
    let shape = site.instruction().array_shape().clone();
    let divisor = site.float_of(y);
    let Some(reciprocal) = divisor.and_then(|y| exact_reciprocal(shape.element_type(), y)) else {
        return Ok(None);
    };
    let factor = float_scalar(shape.element_type(), reciprocal);
    let factor = site.splat(factor, shape.dimensions())?;
    site.same(Op::Multiply, &[x, factor])
}

/// 1 / `value`, if both are powers of two and normal numbers of the type.
fn exact_reciprocal(element_type: ElementType, value: f64) -> Option<f64> {
    let is_power_of_two = |value: f64| value.is_normal() && value.to_bits() << 12 == 0;
    // Exponents of the smallest normal numbers.
    let least = match element_type {
        ElementType::F16 => -14,
        ElementType::BF16 | ElementType::F32 => -126,
        _ => -1022,
    };
    let smallest = 2f64.powi(least);
    let reciprocal = 1.0 / value;
    let is_in_range = |value: f64| value.abs() >= smallest && value.abs() <= 1.0 / smallest;
    let is_exact = is_power_of_two(value) && is_power_of_two(reciprocal);
    (is_exact && is_in_range(value) && is_in_range(reciprocal)).then_some(reciprocal)
}

/// `remainder`.
pub(super) fn remainder(site: &mut Site<'_>) -> Rewritten {
    if site.is_integer(site.operand(1), 1) { integers(site, 0) } else { Ok(None) }
}

/// `power`.
pub(super) fn power(site: &mut Site<'_>) -> Rewritten {
    let (x, exponent) = (site.operand(0), site.operand(1));
    let shape = site.instruction().array_shape().clone();
    if site.is_number(exponent, 1) {
        return Ok(site.same_shape(x));
    }
    // The results of the evaluator are rounded correctly, but for f64.
    let is_rounded = shape.element_type() != ElementType::F64;
    if site.is_number(exponent, 2) && is_rounded {
        return site.same(Op::Multiply, &[x, x]);
    }
    if site.is_integer(exponent, 0) {
        return integers(site, 1);
    }
    if !shape.element_type().is_float() || !is_rounded {
        return Ok(None);
    }
    let one = float_scalar(shape.element_type(), 1.0);
    if site.float_of(exponent).is_some_and(|exponent| exponent.abs().to_bits() == 0) {
        return site.splat(one, shape.dimensions()).map(Some);
    }
    if site.is_float(exponent, -1.0) {
        let one = site.splat(one, shape.dimensions())?;
        return site.same(Op::Divide, &[one, x]);
    }
    if site.is_float(exponent, 0.5) && site.is_not_negative(x) {
        return site.same(Op::Sqrt, &[x]);
    }
    if site.is_float(exponent, -0.5) && site.is_not_negative(x) {
        return site.same(Op::Rsqrt, &[x]);
    }
    Ok(None)
}

/// `maximum` and `minimum`.
pub(super) fn extremum(site: &mut Site<'_>) -> Rewritten {
    let op = site.instruction().op().clone();
    let is_maximum = op == Op::Maximum;
    let [x, y] = site.with_constant_last();
    if x == y || is_beyond(site, y, !is_maximum) {
        return Ok(site.same_shape(x));
    }
    if !site.element_type(y).is_float() && is_beyond(site, y, is_maximum) {
        return Ok(site.same_shape(y));
    }
    let is_up_to_zero = site.float_of(y).is_some_and(|y| y <= 0.0);
    if is_maximum && is_up_to_zero && site.is_not_negative(x) {
        return Ok(site.same_shape(x));
    }
    if *site.op(x) == op {
        let [inner, a] = [site.operand_of(x, 0), site.operand_of(x, 1)];
        let [inner, a] = if site.splat_of(inner).is_some() { [a, inner] } else { [inner, a] };
        let both = [a, y].map(|id| site.splat_of(id));
        if let [Some(a_value), Some(b_value)] = both {
            let (a_value, b_value) = (a_value.get_f64(0), b_value.get_f64(0));
            // Large integers may be equal as f64; NaN and zeros are left alone.
            let keeps_a = if is_maximum { a_value > b_value } else { a_value < b_value };
            let keeps_b = if is_maximum { a_value < b_value } else { a_value > b_value };
            if keeps_a || keeps_b {
                return site.same(op, &[inner, if keeps_a { a } else { y }]);
            }
        }
    }
    Ok(None)
}

/// Are all elements at the upper or lower end of the type's range?
fn is_beyond(site: &Site<'_>, id: InstructionId, upper: bool) -> bool {
    let Some(splat) = site.splat_of(id) else { return false };
    let element_type = splat.element_type();
    if element_type.is_float() {
        let end = if upper { f64::INFINITY } else { f64::NEG_INFINITY };
        return site.is_float(id, end);
    }
    let ones = u64::MAX >> (64 - element_type.bit_width());
    let end = match (element_type.is_signed(), upper) {
        (false, true) => ones,
        (false, false) => 0,
        (true, true) => ones >> 1,
        (true, false) => ones ^ (ones >> 1),
    };
    splat.bits(0) == end
}

/// `clamp`.
pub(super) fn clamp(site: &mut Site<'_>) -> Rewritten {
    let (low, x, high) = (site.operand(0), site.operand(1), site.operand(2));
    if is_beyond(site, low, false) && is_beyond(site, high, true) {
        return Ok(site.same_shape(x));
    }
    Ok(None)
}
