//! Common subexpression elimination: what is computed twice from the same operands is computed
//! once.
//!
//! Instructions with effects, parameters, and calls of computations are left alone; nothing is
//! merged across an `opt-barrier`, since its results are values of their own.

use std::collections::BTreeMap;

use super::{Changed, PassContext, PassError};
use crate::{
    analysis::sequential_computations,
    hlo::{Instruction, InstructionId, Module, Op, rewrite},
};

/// Constants with more elements are not compared.
const LARGEST_CONSTANT: usize = 1024;

/// See the module.
///
/// # Errors
/// None; the signature is that of all passes.
pub fn cse(module: &mut Module, _: &PassContext) -> Result<Changed, PassError> {
    let mut changed = Changed::No;
    for computation in sequential_computations(module) {
        let mut known: BTreeMap<String, InstructionId> = BTreeMap::new();
        for id in module.computation(computation).post_order() {
            let Some(key) = key_of(module.instruction(computation, id)) else { continue };
            match known.get(&key) {
                Some(first) => {
                    rewrite::replace(module, computation, id, *first);
                    changed = Changed::Yes;
                }
                None => {
                    known.insert(key, id);
                }
            }
        }
    }
    Ok(changed)
}

/// Equal for instructions of equal value.
fn key_of(instruction: &Instruction) -> Option<String> {
    match instruction.op() {
        Op::Parameter { .. } | Op::CustomCall { .. } | Op::OptBarrier | Op::While { .. } => None,
        Op::Call { .. } | Op::Conditional { .. } | Op::Fusion { .. } => None,
        Op::Constant { literal }
            if literal.as_array().is_ok_and(|a| a.element_count() > LARGEST_CONSTANT) =>
        {
            None
        }
        op => Some(format!("{op:?} {:?} {}", instruction.operands(), instruction.shape())),
    }
}
