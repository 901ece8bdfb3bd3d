//! Conversions.
//!
//! * To the own type: nothing.
//! * Of a conversion that loses nothing: from the first type at once. (`f32` to `bf16` and back is
//!   not one.)
//! * Of integers to integers that are not wider than the ones between: from the first type at once,
//!   since both wrap.
//! * Of an iota: an iota of the other type, if all its numbers are exact in both.
//! * Of 64-bit sums and products of iotas and constants, to integers: the same of the operands, for
//!   which there are kernels. (`jax.random` numbers the elements of an array so.)

use crate::hlo::{ElementClass, ElementType, InstructionId, Op};
use crate::passes::site::{Rewritten, Site};

/// `convert`.
pub(super) fn convert(site: &mut Site<'_>) -> Rewritten {
    let x = site.operand(0);
    let (between, to) = (site.element_type(x), site.element_type(site.id()));
    if between == to {
        return Ok(site.same_shape(x));
    }
    if let Op::Iota { iota_dimension } = *site.op(x) {
        let most = site.dimensions(x)[iota_dimension].saturating_sub(1);
        if is_exact(most, between) && is_exact(most, to) {
            return site.same(Op::Iota { iota_dimension }, &[]);
        }
    }
    if between.bit_width() == 64 && to.is_integer() && to.bit_width() < 64 {
        let counted = narrowed(site, x, to)?;
        if counted.is_some() {
            return Ok(counted);
        }
    }
    if *site.op(x) != Op::Convert {
        return Ok(None);
    }
    let inner = site.operand_of(x, 0);
    let from = site.element_type(inner);
    let wraps = from.is_integer()
        && between.is_integer()
        && to.is_integer()
        && to.bit_width() <= between.bit_width();
    if loses_nothing(from, between) || wraps {
        return site.same(Op::Convert, &[inner]);
    }
    Ok(None)
}

/// `x` with operands of another integer type, if it is computed from iotas and constants.
fn narrowed(site: &mut Site<'_>, x: InstructionId, to: ElementType) -> Rewritten {
    let op = site.op(x).clone();
    if !matches!(op, Op::Add | Op::Multiply | Op::Broadcast { .. }) || site.most_of(x).is_none() {
        return Ok(None);
    }
    let operands = site.get(x).operands().to_vec();
    let operands = operands.into_iter().map(|operand| site.build().convert(operand, to));
    let operands = operands.collect::<Result<Vec<_>, _>>()?;
    site.same(op, &operands)
}

/// Can every value of `from` be a value of `to`?
fn loses_nothing(from: ElementType, to: ElementType) -> bool {
    let (from_bits, to_bits) = (from.bit_width(), to.bit_width());
    match (from.class(), to.class()) {
        _ if from == to => true,
        _ if to.float_format().is_some() => false,
        // Powers of two reach further than f16 does; the range of bf16 has all narrow floats.
        _ if from == ElementType::F8E8M0FNU && to == ElementType::F16 => false,
        (ElementClass::Token, _) | (_, ElementClass::Token) => false,
        (ElementClass::Pred, _) => true,
        // A real part is rounded as a real number is, and 0 is the imaginary part of all of those.
        (ElementClass::Complex, ElementClass::Complex) => from_bits < to_bits,
        (ElementClass::Complex, _) => false,
        (_, ElementClass::Complex) => loses_nothing(from, to.part()),
        (_, ElementClass::Pred)
        | (ElementClass::Float | ElementClass::Signed, ElementClass::Unsigned)
        | (ElementClass::Float, ElementClass::Signed) => false,
        (ElementClass::Float, ElementClass::Float) => from_bits < to_bits,
        (ElementClass::Signed, ElementClass::Signed)
        | (ElementClass::Unsigned, ElementClass::Unsigned | ElementClass::Signed) => {
            from_bits < to_bits
        }
        (ElementClass::Signed | ElementClass::Unsigned, ElementClass::Float) => {
            from_bits <= precision(to)
        }
    }
}

/// Bits of the significands of a float type.
fn precision(element_type: ElementType) -> u32 {
    match element_type {
        ElementType::BF16 => 8,
        ElementType::F16 => 11,
        ElementType::F32 => 24,
        _ => 53,
    }
}

/// Are all integers up to `most` exact in a type?
fn is_exact(most: usize, element_type: ElementType) -> bool {
    let bits = match element_type.class() {
        ElementClass::Pred | ElementClass::Token => return false,
        ElementClass::Float if element_type.float_format().is_some() => return false,
        ElementClass::Float => precision(element_type),
        ElementClass::Complex => precision(element_type.part()),
        ElementClass::Signed => element_type.bit_width() - 1,
        ElementClass::Unsigned => element_type.bit_width(),
    };
    u32::try_from(most).is_ok_and(|most| u64::from(most) < 1u64 << bits.min(32))
}

/// `bitcast-convert`.
pub(super) fn bitcast_convert(site: &mut Site<'_>) -> Rewritten {
    let x = site.operand(0);
    if site.element_type(x) == site.element_type(site.id()) {
        return Ok(site.same_shape(x));
    }
    if *site.op(x) != Op::BitcastConvert {
        return Ok(None);
    }
    let inner = site.operand_of(x, 0);
    Ok(site.same_shape(inner))
}
