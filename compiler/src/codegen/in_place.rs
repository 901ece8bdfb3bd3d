//! Lets arrays share memory where that makes copies superfluous.
//!
//! Steps are made as if every value had an array of its own: the state of a loop is copied in, the
//! next state is copied at the end of the body, the result of a branch is copied to that of the
//! conditional. A copy goes if its source and its target can be one array: if neither is written
//! while the other is still needed ([`interference`]). So an element of the state is computed where
//! the old one was if nothing reads the old one later, and the step that computes it may write what
//! it reads: a kernel whose windows of the two are the same, or a modelled launch, which has read
//! everything before it writes. Copies in inner loops come first, of them those of large arrays.
//!
//! An update of a part of an array (`dynamic-update-slice`) is a copy of the array and a kernel
//! that writes over a part of it, which has to have its operand where its result is. A modelled
//! update is treated like a copy.
//!
//! Constants and entry parameters stay as they are, and share with nothing, except for parameters
//! that are donated: a result, and what it is made in, may lie there ([`donation`]). [`checker`]
//! proves the result.

mod checker;
mod donation;
mod interference;

use std::collections::BTreeMap;

use crate::{
    executable::{Allocation, AllocationId, AllocationKind, Executable, Slice, Step, View},
    hlo::{AliasConfig, Op},
};
use donation::Donations;
use interference::Interference;

/// What sharing has to know of a program.
#[derive(Clone, Debug)]
pub(super) struct ProgramFacts {
    /// The pairs of an operand and a result that may be one array.
    pub(super) shareable: Vec<(usize, usize)>,
    /// Whether it only copies its operand.
    pub(super) is_copy: bool,
    /// Whether it replaces a part of operand 0, which has to be one array with the result.
    pub(super) is_update: bool,
}

/// What a step that is not control flow does to arrays.
#[derive(Debug, Default)]
struct Effects<'a> {
    reads: Vec<AllocationId>,
    writes: Vec<AllocationId>,
    /// Whether it may write what it reads, operand by result.
    shareable: Shareable<'a>,
    /// Whether it only writes a part of its first result, which is its first operand.
    is_update: bool,
    /// Whether the array written has the value of the array read.
    is_copy: bool,
}

#[derive(Debug, Default)]
enum Shareable<'a> {
    /// These operands with these results.
    Pairs(&'a [(usize, usize)]),
    /// Everything is read before anything is written.
    #[default]
    All,
}

impl Effects<'_> {
    /// May operand `read` and result `write` be one array?
    fn may_share(&self, read: usize, write: usize) -> bool {
        match self.shareable {
            Shareable::Pairs(pairs) => pairs.contains(&(read, write)),
            Shareable::All => true,
        }
    }
}

/// The effects of a step; `None` of control flow. Arrays without elements do not count.
fn effects<'a>(step: &Step, facts: &'a [ProgramFacts]) -> Option<Effects<'a>> {
    let used = |views: &[View]| -> Vec<AllocationId> {
        let used = views.iter().filter(|view| view.shape.holds_data());
        used.map(|view| view.slice.allocation).collect()
    };
    Some(match step {
        Step::Launch(launch) => {
            let arguments: Vec<AllocationId> =
                launch.arguments.iter().map(|slice| slice.allocation).collect();
            let (reads, writes) = arguments.split_at(arguments.len() - launch.n_results);
            let facts = &facts[launch.program];
            Effects {
                reads: reads.to_vec(),
                writes: writes.to_vec(),
                shareable: Shareable::Pairs(&facts.shareable),
                is_update: facts.is_update,
                is_copy: facts.is_copy,
            }
        }
        Step::Modelled(modelled) => Effects {
            reads: used(&modelled.operands),
            writes: used(&modelled.results),
            ..Effects::default()
        },
        Step::Copy { from, to, .. } => Effects {
            reads: used(std::slice::from_ref(from)),
            writes: used(std::slice::from_ref(to)),
            is_copy: true,
            ..Effects::default()
        },
        Step::Send(transfer) => {
            Effects { reads: used(std::slice::from_ref(&transfer.view)), ..Effects::default() }
        }
        Step::Recv(transfer) => {
            Effects { writes: used(std::slice::from_ref(&transfer.view)), ..Effects::default() }
        }
        Step::Check { operands, .. } => Effects { reads: used(operands), ..Effects::default() },
        Step::While { .. } | Step::Conditional { .. } => return None,
    })
}

/// Removes copies by letting arrays share memory; see the module.
pub(super) fn share_arrays(
    executable: &mut Executable,
    facts: &[ProgramFacts],
    aliases: &AliasConfig,
) {
    let donations = Donations::of(executable, aliases);
    let mut wishes = donations.wishes();
    collect_wishes(&executable.steps, facts, 0, &mut wishes);
    let granules = |id: AllocationId| executable.allocations[id.0].granules;
    wishes.sort_by_key(|wish| std::cmp::Reverse((wish.depth, granules(wish.from))));
    let interference = Interference::of(executable, facts, &wishes);
    let mut classes = Classes { interference, donations, parents: BTreeMap::new() };
    for wish in &wishes {
        classes.merge(&executable.allocations, wish.from, wish.to);
    }
    let places: BTreeMap<AllocationId, AllocationId> = (0..executable.allocations.len())
        .map(AllocationId)
        .map(|id| (id, classes.find(id)))
        .collect();
    checker::check_places(executable, facts, &places).expect("sharing is proved");
    executable.overwritten = donation::overwritten(executable, &places);
    apply(executable, facts, &places);
}

/// Two arrays that had better be one.
struct Wish {
    /// In how many loops.
    depth: usize,
    from: AllocationId,
    to: AllocationId,
}

fn collect_wishes(steps: &[Step], facts: &[ProgramFacts], depth: usize, wishes: &mut Vec<Wish>) {
    for step in steps {
        match step {
            Step::While { condition, body, .. } => {
                collect_wishes(condition, facts, depth + 1, wishes);
                collect_wishes(body, facts, depth + 1, wishes);
            }
            Step::Conditional { branches, .. } => {
                branches.iter().for_each(|branch| collect_wishes(branch, facts, depth, wishes));
            }
            Step::Launch(_)
            | Step::Modelled(_)
            | Step::Copy { .. }
            | Step::Send(_)
            | Step::Recv(_)
            | Step::Check { .. } => {
                if let Some((from, to)) = wish_of(step, facts) {
                    wishes.push(Wish { depth, from, to });
                }
            }
        }
    }
}

fn wish_of(step: &Step, facts: &[ProgramFacts]) -> Option<(AllocationId, AllocationId)> {
    let is_update = match step {
        Step::Modelled(modelled) => {
            let owner = modelled.module.computation(modelled.computation);
            *owner.instruction(modelled.instruction).op() == Op::DynamicUpdateSlice
        }
        _ => false,
    };
    let effects = effects(step, facts)?;
    let (&from, &to) = (effects.reads.first()?, effects.writes.first()?);
    (from != to && (is_update || effects.is_copy)).then_some((from, to))
}

/// Which arrays are one.
struct Classes {
    /// Between representatives.
    interference: Interference,
    donations: Donations,
    parents: BTreeMap<AllocationId, AllocationId>,
}

impl Classes {
    /// The array that stands for the class.
    fn find(&self, mut id: AllocationId) -> AllocationId {
        while let Some(&parent) = self.parents.get(&id) {
            id = parent;
        }
        id
    }

    /// Makes two arrays one, if that is possible.
    fn merge(&mut self, allocations: &[Allocation], from: AllocationId, to: AllocationId) {
        let (from, to) = (self.find(from), self.find(to));
        let (old, new) = (&allocations[from.0], &allocations[to.0]);
        // A result has to stay one, a parameter too.
        let (other, kept) = match (&old.kind, &new.kind) {
            (_, AllocationKind::Parameter(_)) => (from, to),
            (AllocationKind::Parameter(_) | AllocationKind::Result, _) => (to, from),
            _ => (from, to),
        };
        let is_possible = from != to
            && self.may_join(allocations, other, kept)
            && old.granules == new.granules
            && !self.interference.between(from, to);
        if is_possible {
            self.interference.merge(other, kept);
            self.parents.insert(other, kept);
            self.donations.joined(other, kept);
        }
    }

    /// May `other` lie where `kept` is, as far as that depends on what they are?
    fn may_join(
        &self,
        allocations: &[Allocation],
        other: AllocationId,
        kept: AllocationId,
    ) -> bool {
        use AllocationKind::{Parameter, Result, Temporary};
        match (&allocations[other.0].kind, &allocations[kept.0].kind) {
            (Temporary, Temporary | Result) => true,
            (Temporary, Parameter(_)) => self.donations.is_donated(kept),
            (Result, Parameter(_)) => self.donations.may_take(other, kept),
            _ => false,
        }
    }
}

/// Puts every array in its place, and removes the copies of arrays to themselves and the
/// allocations that nobody mentions.
fn apply(
    executable: &mut Executable,
    facts: &[ProgramFacts],
    places: &BTreeMap<AllocationId, AllocationId>,
) {
    let mut numbers = BTreeMap::new();
    let mut kept = Vec::new();
    for (n, allocation) in executable.allocations.drain(..).enumerate() {
        if places[&AllocationId(n)] == AllocationId(n) {
            numbers.insert(AllocationId(n), AllocationId(kept.len()));
            kept.push(allocation);
        }
    }
    executable.allocations = kept;
    let mut relocate = |slice: &mut Slice| slice.allocation = numbers[&places[&slice.allocation]];
    executable.parameters.iter_mut().for_each(|view| relocate(&mut view.slice));
    executable.results.iter_mut().for_each(|view| relocate(&mut view.slice));
    super::buffers::relocate_steps(&mut executable.steps, &mut relocate);
    remove_copies(&mut executable.steps, facts);
}

fn remove_copies(steps: &mut Vec<Step>, facts: &[ProgramFacts]) {
    steps.retain_mut(|step| match step {
        Step::While { condition, body, .. } => {
            remove_copies(condition, facts);
            remove_copies(body, facts);
            true
        }
        Step::Conditional { branches, .. } => {
            branches.iter_mut().for_each(|branch| remove_copies(branch, facts));
            true
        }
        Step::Launch(launch) => {
            !facts[launch.program].is_copy || launch.arguments[0] != launch.arguments[1]
        }
        Step::Copy { from, to, .. } => from.slice != to.slice,
        Step::Modelled(_) | Step::Send(_) | Step::Recv(_) | Step::Check { .. } => true,
    });
}
