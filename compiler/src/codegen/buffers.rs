//! Packs the arrays of intermediate values into one heap, reusing space.
//!
//! Steps are numbered in program order. An array is alive from its first to its last mention; if it
//! is mentioned in a loop and also outside of it, or in an iteration before it is written in it, it
//! is alive for the whole loop.

use std::{collections::BTreeMap, ops::Range};

use palmetto_isa::memory::GRANULE_BYTES;

use crate::{
    executable::{Allocation, AllocationId, AllocationKind, Executable, Slice, Step},
    memory::{BufferRequest, HbmExceeded, assign, check_assignment},
};

/// How many arrays an error names.
const LARGEST: usize = 5;

pub(super) fn pack(mut executable: Executable) -> Result<Executable, HbmExceeded> {
    let mut lifetimes = Lifetimes::default();
    lifetimes.steps(&executable.steps);
    let is_temporary =
        |allocation: &Allocation| matches!(allocation.kind, AllocationKind::Temporary);
    let temporaries: Vec<usize> = (0..executable.allocations.len())
        .filter(|index| is_temporary(&executable.allocations[*index]))
        .collect();
    let requests: Vec<BufferRequest> = temporaries
        .iter()
        .map(|index| BufferRequest {
            granules: executable.allocations[*index].granules,
            live: lifetimes.ranges.get(&AllocationId(*index)).cloned().unwrap_or(0..0),
        })
        .collect();
    let heap = assign(&requests).ok_or_else(|| exceeded(&executable, u64::MAX))?;
    check_assignment(&requests, &heap).expect("the assignment is proved");
    let mut moved: BTreeMap<AllocationId, Slice> = BTreeMap::new();
    let mut kept = Vec::new();
    for (index, allocation) in executable.allocations.iter().enumerate() {
        if !is_temporary(allocation) {
            let slice = Slice { allocation: AllocationId(kept.len()), offset: 0 };
            moved.insert(AllocationId(index), slice);
            kept.push(allocation.clone());
        }
    }
    let allocation = AllocationId(kept.len());
    for (index, offset) in temporaries.iter().zip(&heap.offsets) {
        moved.insert(AllocationId(*index), Slice { allocation, offset: *offset });
    }
    if heap.granules > 0 {
        let name = "temporaries".to_owned();
        let kind = AllocationKind::Temporary;
        kept.push(Allocation { name, granules: heap.granules, kind });
    }
    let needed = kept.iter().map(|a| u64::from(a.granules) * GRANULE_BYTES as u64).sum();
    if needed > executable.chip.hbm_bytes {
        return Err(exceeded(&executable, needed));
    }
    relocate(&mut executable, &moved);
    executable.allocations = kept;
    Ok(executable)
}

fn exceeded(executable: &Executable, needed_bytes: u64) -> HbmExceeded {
    let mut largest: Vec<(u64, &str)> = (executable.allocations.iter())
        .map(|a| (u64::from(a.granules) * GRANULE_BYTES as u64, a.name.as_str()))
        .collect();
    largest.sort_by_key(|(bytes, name)| (std::cmp::Reverse(*bytes), *name));
    let largest: Vec<String> = largest
        .iter()
        .take(LARGEST)
        .map(|(bytes, name)| format!("{name} ({bytes} bytes)"))
        .collect();
    HbmExceeded {
        needed_bytes,
        available_bytes: executable.chip.hbm_bytes,
        largest: largest.join(", "),
    }
}

/// When arrays are alive.
#[derive(Default)]
struct Lifetimes {
    now: usize,
    ranges: BTreeMap<AllocationId, Range<usize>>,
}

impl Lifetimes {
    fn steps(&mut self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Launch(launch) => {
                    launch.arguments.iter().for_each(|slice| self.mention(*slice));
                }
                Step::Modelled(modelled) => {
                    let views = modelled.operands.iter().chain(&modelled.results);
                    views.for_each(|view| self.mention(view.slice));
                }
                Step::Copy { from, to, .. } => {
                    self.mention(from.slice);
                    self.mention(to.slice);
                }
                Step::Send(transfer) | Step::Recv(transfer) => self.mention(transfer.view.slice),
                Step::Check { operands, .. } => {
                    operands.iter().for_each(|view| self.mention(view.slice));
                }
                Step::While { condition, predicate, body, .. } => {
                    self.while_loop((condition, body), predicate.slice);
                }
                Step::Conditional { index, branches, .. } => {
                    self.mention(index.slice);
                    branches.iter().for_each(|branch| self.steps(branch));
                }
            }
            self.now += 1;
        }
    }

    fn while_loop(&mut self, (condition, body): (&[Step], &[Step]), predicate: Slice) {
        let first = self.now;
        let before: Vec<AllocationId> = self.ranges.keys().copied().collect();
        self.steps(condition);
        self.mention(predicate);
        self.now += 1;
        self.steps(body);
        // What was alive before and is used in the loop has to last until the loop ends.
        for id in before {
            let range = self.ranges.get_mut(&id).expect("it was there before");
            if range.end > first {
                range.end = self.now + 1;
            }
        }
        // The predicate is read after each iteration.
        let range = self.ranges.get_mut(&predicate.allocation).expect("mentioned above");
        *range = range.start.min(first)..self.now + 1;
    }

    fn mention(&mut self, slice: Slice) {
        let range = self.ranges.entry(slice.allocation).or_insert(self.now..self.now + 1);
        range.end = range.end.max(self.now + 1);
    }
}

fn relocate(executable: &mut Executable, moved: &BTreeMap<AllocationId, Slice>) {
    let mut relocate = |slice: &mut Slice| {
        let new = moved[&slice.allocation];
        *slice = Slice { allocation: new.allocation, offset: new.offset + slice.offset };
    };
    executable.parameters.iter_mut().for_each(|view| relocate(&mut view.slice));
    executable.results.iter_mut().for_each(|view| relocate(&mut view.slice));
    relocate_steps(&mut executable.steps, &mut relocate);
}

/// Applies a function to every place in steps.
pub(super) fn relocate_steps(steps: &mut [Step], relocate: &mut dyn FnMut(&mut Slice)) {
    for step in steps {
        match step {
            Step::Launch(launch) => launch.arguments.iter_mut().for_each(&mut *relocate),
            Step::Modelled(modelled) => {
                modelled.operands.iter_mut().for_each(|view| relocate(&mut view.slice));
                modelled.results.iter_mut().for_each(|view| relocate(&mut view.slice));
            }
            Step::Copy { from, to, .. } => {
                relocate(&mut from.slice);
                relocate(&mut to.slice);
            }
            Step::Send(transfer) | Step::Recv(transfer) => relocate(&mut transfer.view.slice),
            Step::Check { operands, .. } => {
                operands.iter_mut().for_each(|view| relocate(&mut view.slice));
            }
            Step::While { condition, predicate, body, .. } => {
                relocate_steps(condition, relocate);
                relocate(&mut predicate.slice);
                relocate_steps(body, relocate);
            }
            Step::Conditional { index, branches, .. } => {
                relocate(&mut index.slice);
                branches.iter_mut().for_each(|branch| relocate_steps(branch, relocate));
            }
        }
    }
}
