//! Heads: lanes that are split into dimensions of their own, or joined, while rows stay rows.

use std::collections::BTreeSet;

use palmetto_isa::memory::SUBLANES;
use palmetto_kernels::heads::{Heads, Way};

use super::{Choice, Kernel, Refusal, Region};
use crate::hlo::{Computation, ComputationId, InstructionId, Module, Op, Opcode};

/// A region that is one reshape and one transpose, whichever comes first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    operand: InstructionId,
    /// The transpose.
    transpose: InstructionId,
    way: Way,
}

/// The two instructions of a region that splits or merges heads.
pub(super) fn find(region: &Region<'_>) -> Option<Pair> {
    let [root] = region.roots() else { return None };
    let last = region.instruction(*root);
    let inner = *last.operands().first()?;
    if !region.contains(inner) || region.inside().count() != 2 {
        return None;
    }
    let operand = *region.instruction(inner).operands().first()?;
    match (last.opcode(), region.instruction(inner).opcode()) {
        (Opcode::Transpose, Opcode::Reshape) => {
            Some(Pair { operand, transpose: *root, way: Way::Split })
        }
        (Opcode::Reshape, Opcode::Transpose) => {
            Some(Pair { operand, transpose: inner, way: Way::Merge })
        }
        _ => None,
    }
}

/// The heads kernel of a region that is such a pair.
pub(super) fn choose(region: &Region<'_>, pair: Pair) -> Result<Choice, Refusal> {
    let (Pair { operand, transpose, way }, root) = (pair, region.roots()[0]);
    let sizes = |id: InstructionId| region.instruction(id).array_shape().dimensions();
    let swaps = matches!(region.instruction(transpose).op(),
        Op::Transpose { dimensions } if is_swap(dimensions));
    let (matrices, joined) = match way {
        Way::Split => (sizes(root), sizes(operand)),
        Way::Merge => (sizes(operand), sizes(root)),
    };
    let ([majors @ .., heads, rows, lanes], true) = (matrices, swaps) else {
        return region.refuse(root, "a reshape and a transpose of other dimensions than heads");
    };
    let majors = majors.iter().product::<usize>();
    let [before @ .., all_rows, all_lanes] = joined else {
        return region.refuse(root, "heads of an array of rank 1");
    };
    let is_joined = *all_lanes == heads * lanes
        && before.iter().product::<usize>() * all_rows == majors * rows
        && (all_rows == rows || [all_rows, rows].iter().all(|n| n.is_multiple_of(SUBLANES)));
    if !is_joined {
        return region.refuse(root, "a reshape that does more than split or join lanes");
    }
    let (name, element) = (region.name().to_owned(), region.element(root)?);
    let spec = Heads { name, element, way, majors, rows: *rows, heads: *heads, lanes: *lanes };
    spec.check()?;
    Ok(Choice { kernel: Kernel::Heads(spec), inputs: vec![operand] })
}

/// Whether the two dimensions before the lanes change places, and nothing else does.
fn is_swap(permutation: &[usize]) -> bool {
    let Some((majors, [a, b, lane])) = permutation.split_last_chunk::<3>() else { return false };
    let first = majors.len();
    majors.is_sorted_by(|a, b| a < b) && [*a, *b, *lane] == [first + 1, first, first + 2]
}

/// The other instruction of a pair with a heads kernel, of which `root` is the second.
pub fn shown_heads(
    module: &Module,
    computation: ComputationId,
    root: InstructionId,
) -> Option<InstructionId> {
    let body: &Computation = module.computation(computation);
    let is_second = matches!(body.instruction(root).opcode(), Opcode::Reshape | Opcode::Transpose);
    let inner = *body.instruction(root).operands().first().filter(|_| is_second)?;
    if body.users(inner).len() != 1 || body.root() == inner {
        return None;
    }
    let region = Region::new(module, computation, BTreeSet::from([inner, root]), vec![root]);
    let pair = find(&region)?;
    choose(&region, pair).is_ok().then_some(inner)
}

/// Whether an instruction is the first of such a pair.
pub fn is_before_heads(module: &Module, computation: ComputationId, id: InstructionId) -> bool {
    let users = module.computation(computation).users(id);
    users.iter().any(|user| shown_heads(module, computation, *user) == Some(id))
}

/// Whether an instruction is one of such a pair.
pub fn is_of_heads(module: &Module, computation: ComputationId, id: InstructionId) -> bool {
    shown_heads(module, computation, id).is_some() || is_before_heads(module, computation, id)
}
