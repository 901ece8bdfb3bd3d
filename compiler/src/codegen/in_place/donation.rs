//! Which results may lie where donated parameters are.
//!
//! A parameter that is an alias of a result gives its memory to that result; a donor gives it to
//! any one result of its size. Intermediate values may lie there too, as in every array that they
//! share.

use std::collections::{BTreeMap, BTreeSet};

use super::Wish;
use crate::{
    executable::{AllocationId, AllocationKind, Executable},
    hlo::AliasConfig,
};

/// Who may have whose memory.
#[derive(Debug, Default)]
pub(super) struct Donations {
    /// By the array of a parameter: the arrays of the results that may lie there.
    takers: BTreeMap<AllocationId, BTreeSet<AllocationId>>,
    /// The parameters that a result lies in.
    taken: BTreeSet<AllocationId>,
}

impl Donations {
    /// What a module allows.
    pub(super) fn of(executable: &Executable, aliases: &AliasConfig) -> Self {
        let parameter = |number: usize| executable.parameters[number].slice.allocation;
        let result = |number: usize| executable.results[number].slice.allocation;
        let is_result =
            |id: AllocationId| matches!(executable.allocations[id.0].kind, AllocationKind::Result);
        let granules = |id: AllocationId| executable.allocations[id.0].granules;
        let mut takers: BTreeMap<AllocationId, BTreeSet<AllocationId>> = BTreeMap::new();
        for (&number, &from) in &aliases.results {
            let (donated, taker) = (parameter(from), result(number));
            takers.entry(donated).or_default().insert(taker);
        }
        let promised: BTreeSet<AllocationId> = takers.values().flatten().copied().collect();
        for &donor in &aliases.donors {
            let donated = parameter(donor);
            let free = (0..executable.results.len()).map(result);
            let free = free.filter(|&id| {
                is_result(id) && !promised.contains(&id) && granules(id) == granules(donated)
            });
            takers.entry(donated).or_default().extend(free);
        }
        Self { takers, taken: BTreeSet::new() }
    }

    /// Every result had better lie where it may.
    pub(super) fn wishes(&self) -> Vec<Wish> {
        let pairs = self.takers.iter().flat_map(|(&from, results)| {
            results.iter().map(move |&to| Wish { depth: 0, from, to })
        });
        pairs.collect()
    }

    /// May the result lie where the parameter is?
    pub(super) fn may_take(&self, result: AllocationId, parameter: AllocationId) -> bool {
        !self.taken.contains(&parameter)
            && self.takers.get(&parameter).is_some_and(|takers| takers.contains(&result))
    }

    /// May anything lie where the parameter is?
    pub(super) fn is_donated(&self, parameter: AllocationId) -> bool {
        self.takers.contains_key(&parameter)
    }

    /// `other` now lies where `kept` is.
    pub(super) fn joined(&mut self, other: AllocationId, kept: AllocationId) {
        let is_taker = |takers: &BTreeSet<AllocationId>| takers.contains(&other);
        if self.takers.get(&kept).is_some_and(is_taker) {
            self.taken.insert(kept);
        }
    }
}

/// The numbers of the parameters that something else lies in.
pub(super) fn overwritten(
    executable: &Executable,
    places: &BTreeMap<AllocationId, AllocationId>,
) -> Vec<usize> {
    let shared: BTreeSet<AllocationId> =
        places.iter().filter(|(id, place)| id != place).map(|(_, place)| *place).collect();
    let parameters = executable.parameters.iter().enumerate();
    parameters.filter(|(_, view)| shared.contains(&view.slice.allocation)).map(|(n, _)| n).collect()
}
