//! Fusion: what one kernel can compute becomes one instruction.
//!
//! From users to operands, a producer joins the group of its users if [`choose_kernel`] has a
//! kernel for the larger group ([`plan`]):
//!
//! * If all its users are in one group, it becomes part of it. Converts, broadcasts and slices that
//!   several groups use are computed in each.
//! * If it is needed elsewhere too, the group may store it besides its own result: then the fusion
//!   is of a tuple. That saves reading it back.
//! * What a dot's operand is computed from joins the dot's group all at once, if the kernel that
//!   computes it again for every window is modelled to be faster than a kernel of its own
//!   ([`operands`]).
//! * In the end, groups that read the same array and do not depend on each other become one
//!   ([`siblings`]).
//! * Before all that, sorts of which only the first elements are used are found ([`sorts`]).
//!
//! Values that are made of nothing (iotas, constants repeated) need not be in a group: kernels make
//! them where they need them. A group has at most [`MAX_INSTRUCTIONS`] instructions and
//! [`MAX_ARRAYS`] operands and results.
//!
//! [`choose_kernel`]: crate::lowering::choose_kernel

mod operands;
mod outline;
mod plan;
mod siblings;
mod sorts;

use super::{Changed, PassContext, PassError};
use crate::{analysis::sequential_computations, hlo::Module, hlo::rewrite};
use plan::Planner;

/// Arrays that a kernel can have.
const MAX_ARRAYS: usize = 16;

/// Instructions of a group. A register's worth of an array takes about 13 cycles each way between
/// HBM and a core, in which the vector unit does some 25 ops: beyond that, computing hides what
/// another launch transfers, and more code only costs registers and bundle memory. The limit leaves
/// room for ops that cost nothing (broadcasts, converts of constants) and keeps planning linear.
const MAX_INSTRUCTIONS: usize = 128;

/// See the module. Expects normalised layouts.
///
/// # Errors
/// None; the signature is that of all passes.
pub fn fusion(module: &mut Module, context: &PassContext) -> Result<Changed, PassError> {
    let mut changed = Changed::No;
    for computation in sequential_computations(module) {
        changed |= sorts::fuse_sorts(module, computation).into();
        let Planner { mut groups, positions, .. } =
            Planner::plan(module, computation, &context.options.chip);
        groups.retain(|group| group.inside.len() > 1);
        outline::outline(module, computation, &groups, &positions);
        changed |= (!groups.is_empty()).into();
        rewrite::remove_dead(module, computation);
    }
    Ok(changed)
}
