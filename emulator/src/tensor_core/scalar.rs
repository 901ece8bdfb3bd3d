//! The scalar unit: 32-bit integers, SMEM, and where the program continues.

use super::{Next, TensorCore};
use crate::fault::{FaultKind, Outcome, trouble};
use palmetto_isa::{Op, SReg};

impl TensorCore {
    /// Executes an op of the scalar slot.
    pub(super) fn execute_scalar(&mut self, op: &Op) -> Outcome {
        #[expect(clippy::wildcard_enum_match_arm, reason = "the rest is arithmetic")]
        match *op {
            Op::Sld { dst, base, offset } => {
                let word = self.smem.word(self.registers.address(base, offset))?;
                if let Some(shadow) = &self.smem.shadow {
                    shadow.read(word..word + 1)?;
                }
                self.registers.set_scalar(dst, self.smem.words[word]);
            }
            Op::Sst { base, offset, src } => {
                let word = self.smem.word(self.registers.address(base, offset))?;
                if let Some(shadow) = &mut self.smem.shadow {
                    shadow.write(word..word + 1)?;
                }
                self.smem.words[word] = self.registers.scalar(src);
            }
            _ => {
                let Some((dst, value)) = self.scalar_result(op) else {
                    return trouble(FaultKind::IllegalProgram, "the scalar unit has no such op");
                };
                self.registers.set_scalar(dst, value);
            }
        }
        Ok(())
    }

    /// The result of an op without memory, and its register.
    fn scalar_result(&self, op: &Op) -> Option<(SReg, u32)> {
        let u = |register| self.registers.scalar(register);
        let s = |register| self.registers.scalar(register).cast_signed();
        #[expect(clippy::wildcard_enum_match_arm, reason = "other slots have their own units")]
        Some(match *op {
            Op::SmovImm { dst, value } => (dst, value.cast_unsigned()),
            Op::Smov { dst, src } => (dst, u(src)),
            Op::Sadd { dst, lhs, rhs } => (dst, u(lhs).wrapping_add(u(rhs))),
            Op::SaddImm { dst, src, value } => (dst, u(src).wrapping_add_signed(value)),
            Op::Ssub { dst, lhs, rhs } => (dst, u(lhs).wrapping_sub(u(rhs))),
            Op::Smul { dst, lhs, rhs } => (dst, u(lhs).wrapping_mul(u(rhs))),
            Op::SmulImm { dst, src, value } => (dst, u(src).wrapping_mul(value.cast_unsigned())),
            Op::Sand { dst, lhs, rhs } => (dst, u(lhs) & u(rhs)),
            Op::Sor { dst, lhs, rhs } => (dst, u(lhs) | u(rhs)),
            Op::Sxor { dst, lhs, rhs } => (dst, u(lhs) ^ u(rhs)),
            Op::Sshl { dst, src, amount } => (dst, u(src).checked_shl(u(amount)).unwrap_or(0)),
            Op::Sshr { dst, src, amount } => (dst, u(src).checked_shr(u(amount)).unwrap_or(0)),
            Op::Ssra { dst, src, amount } => (dst, (s(src) >> u(amount).min(31)).cast_unsigned()),
            Op::Smin { dst, lhs, rhs } => (dst, s(lhs).min(s(rhs)).cast_unsigned()),
            Op::Smax { dst, lhs, rhs } => (dst, s(lhs).max(s(rhs)).cast_unsigned()),
            Op::ScmpEq { dst, lhs, rhs } => (dst, u32::from(u(lhs) == u(rhs))),
            Op::ScmpNe { dst, lhs, rhs } => (dst, u32::from(u(lhs) != u(rhs))),
            Op::ScmpLt { dst, lhs, rhs } => (dst, u32::from(s(lhs) < s(rhs))),
            Op::ScmpLe { dst, lhs, rhs } => (dst, u32::from(s(lhs) <= s(rhs))),
            Op::Ssel { dst, condition, on_true, on_false } => {
                (dst, if u(condition) != 0 { u(on_true) } else { u(on_false) })
            }
            Op::Score { dst } => (dst, self.index),
            _ => return None,
        })
    }

    /// Where an op of the branch slot continues.
    pub(super) fn execute_branch(&self, op: &Op) -> Outcome<Next> {
        let taken =
            |condition, target| if condition { Next::Jump(target) } else { Next::Following };
        #[expect(clippy::wildcard_enum_match_arm, reason = "other slots have their own units")]
        match *op {
            Op::Br { target } => Ok(Next::Jump(target)),
            Op::BrNz { condition, target } => {
                Ok(taken(self.registers.scalar(condition) != 0, target))
            }
            Op::BrZ { condition, target } => {
                Ok(taken(self.registers.scalar(condition) == 0, target))
            }
            Op::Halt {} => Ok(Next::Halt),
            _ => trouble(FaultKind::IllegalProgram, "the scalar unit has no such branch"),
        }
    }
}
