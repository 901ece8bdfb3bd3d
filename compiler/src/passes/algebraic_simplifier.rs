//! Algebraic simplification: instructions of the same value and less work.
//!
//! Laws of every rule:
//!
//! * The value is the same for all operands, bit by bit, where NaN is NaN whatever its bits: floats
//!   are not reassociated, no rounding is added or left out, -0 is not 0, and 0·x is not 0 since x
//!   may be infinite. What is only true for some operands (x + 0 = x unless x is -0) is used where
//!   that can be seen from the instructions that make x.
//! * There is less to do after it: fewer instructions on the way from the operands, or smaller or
//!   simpler ones. So the pass ends.
//! * Whatever is made keeps where it comes from.
//!
//! Rules are grouped by what they look at; each file begins with its list. Runs before layouts are
//! assigned. Not here: anything that needs a decision about cost, and patterns such as x·σ(x) that
//! would round differently as one op.

mod arithmetic;
mod comparison;
mod constants;
mod conversion;
mod indexing;
mod logic;
mod movement;
mod padding;
mod reduction;
mod signs;
mod slicing;

use super::site::{Rewritten, Site, rewrite_module};
use super::{Changed, PassContext, PassError};
use crate::hlo::{InstructionId, Module, Op, Opcode};

/// See the module.
///
/// # Errors
/// None of its own.
pub fn algebraic_simplifier(module: &mut Module, _: &PassContext) -> Result<Changed, PassError> {
    rewrite_module(module, &mut simplify)
}

/// Is it an elementwise op on complex numbers or narrow floats? The laws of other numbers do not
/// hold for them: complex numbers are not ordered, and products of infinities are not what they are
/// in the parts; narrow floats may lack a zero, a sign or infinities.
fn computes_without_laws(site: &Site<'_>) -> bool {
    let instruction = site.instruction();
    let opcode = instruction.opcode();
    let elementwise = opcode.is_elementwise() && !matches!(opcode, Opcode::Copy | Opcode::Convert);
    let is_special = |&id: &InstructionId| {
        let element_type = site.element_type(id);
        element_type.is_complex() || element_type.float_format().is_some()
    };
    (elementwise || opcode == Opcode::Clamp) && instruction.operands().iter().any(is_special)
}

fn simplify(site: &mut Site<'_>) -> Rewritten {
    if site.instruction().shape().as_array().is_none() || computes_without_laws(site) {
        return Ok(None);
    }
    match site.instruction().op().clone() {
        Op::Add => arithmetic::add(site),
        Op::Subtract => arithmetic::subtract(site),
        Op::Multiply => arithmetic::multiply(site),
        Op::Divide => arithmetic::divide(site),
        Op::Remainder => arithmetic::remainder(site),
        Op::Power => arithmetic::power(site),
        Op::Maximum | Op::Minimum => arithmetic::extremum(site),
        Op::Clamp => arithmetic::clamp(site),
        Op::Negate | Op::Not | Op::Abs | Op::Sign => signs::unary(site),
        Op::Ceil | Op::Floor | Op::RoundNearestAfz | Op::RoundNearestEven => signs::round(site),
        Op::And => logic::and(site),
        Op::Or => logic::or(site),
        Op::Xor => logic::xor(site),
        Op::ShiftLeft | Op::ShiftRightArithmetic | Op::ShiftRightLogical => logic::shift(site),
        Op::Compare { direction, comparison_type } => {
            comparison::compare(site, direction, comparison_type)
        }
        Op::Select => comparison::select(site),
        Op::Convert => conversion::convert(site),
        Op::BitcastConvert => conversion::bitcast_convert(site),
        Op::Constant { literal } => constants::constant(site, &literal),
        Op::Copy => Ok(site.same_shape(site.operand(0))),
        Op::Reshape => movement::reshape(site),
        Op::Transpose { dimensions } => movement::transpose(site, &dimensions),
        Op::Broadcast { dimensions } => movement::broadcast(site, &dimensions),
        Op::Reverse { dimensions } => movement::reverse(site, &dimensions),
        Op::Slice { slice } => slicing::slice(site, &slice),
        Op::Concatenate { dimension } => slicing::concatenate(site, dimension),
        Op::Pad { padding } => padding::pad(site, &padding),
        Op::DynamicSlice { dynamic_slice_sizes } => {
            indexing::dynamic_slice(site, &dynamic_slice_sizes)
        }
        Op::DynamicUpdateSlice => indexing::dynamic_update_slice(site),
        Op::Gather { dimension_numbers, slice_sizes, .. } => {
            indexing::gather(site, &dimension_numbers, &slice_sizes)
        }
        Op::Reduce { dimensions, to_apply } => reduction::reduce(site, &dimensions, to_apply),
        Op::Dot { dimension_numbers, operand_precision } => {
            reduction::dot(site, &dimension_numbers, operand_precision)
        }
        _ => Ok(None),
    }
}
