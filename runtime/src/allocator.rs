//! [`Allocator`]: who has which granules of a device's HBM.
//!
//! Best fit: of the free ranges that are large enough the smallest, of equal ones the lowest. Freed
//! ranges grow together with their free neighbours. The same calls give the same addresses.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A range of granules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Range {
    pub(crate) start: u32,
    pub(crate) granules: u32,
}

impl Range {
    pub(crate) fn end(self) -> u32 {
        self.start + self.granules
    }
}

/// What an allocation is for, as messages say it.
pub(crate) type Name = Arc<str>;

/// The state of a device's HBM.
#[derive(Debug)]
pub(crate) struct Allocator {
    capacity: u32,
    /// Length by start.
    free: BTreeMap<u32, u32>,
    /// The same ranges as (length, start).
    by_size: BTreeSet<(u32, u32)>,
    live: BTreeMap<u32, (u32, Name)>,
    in_use: u64,
    peak: u64,
    largest: u32,
    n_allocations: u64,
}

impl Allocator {
    pub(crate) fn new(capacity: u32) -> Self {
        let mut allocator = Self {
            capacity,
            free: BTreeMap::new(),
            by_size: BTreeSet::new(),
            live: BTreeMap::new(),
            in_use: 0,
            peak: 0,
            largest: 0,
            n_allocations: 0,
        };
        allocator.add_free(0, capacity);
        allocator
    }

    /// A range of `granules`, at least 1; nothing if no free range is large enough.
    pub(crate) fn allocate(&mut self, granules: u32, name: &Name) -> Option<Range> {
        let granules = granules.max(1);
        let &(length, start) = self.by_size.range((granules, 0)..).next()?;
        self.remove_free(start, length);
        self.add_free(start + granules, length - granules);
        self.live.insert(start, (granules, Arc::clone(name)));
        self.in_use += u64::from(granules);
        self.peak = self.peak.max(self.in_use);
        self.largest = self.largest.max(granules);
        self.n_allocations += 1;
        Some(Range { start, granules })
    }

    /// Gives a range back.
    ///
    /// # Panics
    /// If it was not allocated: then memory of someone else would become free.
    pub(crate) fn free(&mut self, range: Range) {
        let (granules, _) = self.live.remove(&range.start).expect("what is freed was allocated");
        assert_eq!(granules, range.granules, "a range is freed as it was allocated");
        self.in_use -= u64::from(granules);
        let (mut start, mut length) = (range.start, granules);
        if let Some((&before, &size)) = self.free.range(..start).next_back()
            && before + size == start
        {
            self.remove_free(before, size);
            (start, length) = (before, size + length);
        }
        if let Some(&size) = self.free.get(&(start + length)) {
            self.remove_free(start + length, size);
            length += size;
        }
        self.add_free(start, length);
    }

    /// Calls a live range something else.
    pub(crate) fn rename(&mut self, range: Range, name: &Name) {
        if let Some((_, old)) = self.live.get_mut(&range.start) {
            *old = Arc::clone(name);
        }
    }

    /// The free ranges, lowest first.
    pub(crate) fn free_ranges(&self) -> impl Iterator<Item = Range> {
        self.free.iter().map(|(&start, &granules)| Range { start, granules })
    }

    /// The largest `count` live ranges: granules, how many there are of that name and size, name.
    pub(crate) fn largest_live(&self, count: usize) -> Vec<(u32, usize, Name)> {
        let mut groups: BTreeMap<(Reverse<u32>, &Name), usize> = BTreeMap::new();
        for (granules, name) in self.live.values() {
            *groups.entry((Reverse(*granules), name)).or_default() += 1;
        }
        let groups = groups.into_iter().take(count);
        groups.map(|((granules, name), n)| (granules.0, n, Arc::clone(name))).collect()
    }

    pub(crate) fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Granules in use.
    pub(crate) fn in_use(&self) -> u64 {
        self.in_use
    }

    /// The most granules that were in use at one time.
    pub(crate) fn peak(&self) -> u64 {
        self.peak
    }

    pub(crate) fn reset_peak(&mut self) {
        self.peak = self.in_use;
    }

    /// Granules of the largest allocation so far.
    pub(crate) fn largest(&self) -> u32 {
        self.largest
    }

    /// Live allocations.
    pub(crate) fn n_live(&self) -> usize {
        self.live.len()
    }

    /// Allocations so far.
    pub(crate) fn n_allocations(&self) -> u64 {
        self.n_allocations
    }

    /// Granules of the largest free range.
    pub(crate) fn largest_free(&self) -> u32 {
        self.by_size.last().map_or(0, |&(length, _)| length)
    }

    /// The end of the highest live range.
    pub(crate) fn end(&self) -> u32 {
        self.live.last_key_value().map_or(0, |(start, (granules, _))| start + granules)
    }

    fn add_free(&mut self, start: u32, length: u32) {
        if length > 0 {
            self.free.insert(start, length);
            self.by_size.insert((length, start));
        }
    }

    fn remove_free(&mut self, start: u32, length: u32) {
        self.free.remove(&start);
        self.by_size.remove(&(length, start));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(text: &str) -> Name {
        Arc::from(text)
    }

    #[test]
    fn the_smallest_gap_that_fits_is_taken() {
        let mut allocator = Allocator::new(100);
        let ranges: Vec<Range> = [10, 1, 20, 1, 12, 1]
            .iter()
            .map(|&granules| allocator.allocate(granules, &name("x")).expect("there is room"))
            .collect();
        for n in [0, 2, 4] {
            allocator.free(ranges[n]);
        }
        assert_eq!(allocator.allocate(11, &name("y")), Some(Range { start: 32, granules: 11 }));
        assert_eq!(allocator.allocate(11, &name("z")), Some(Range { start: 11, granules: 11 }));
        assert_eq!(allocator.allocate(60, &name("large")), None);
        assert_eq!(allocator.largest_free(), 55);
    }

    #[test]
    fn the_largest_live_ranges_are_named() {
        let mut allocator = Allocator::new(100);
        for (granules, text) in [(5, "b"), (9, "a"), (5, "b"), (5, "a"), (1, "c")] {
            allocator.allocate(granules, &name(text)).expect("there is room");
        }
        let expected = [(9, 1, name("a")), (5, 1, name("a")), (5, 2, name("b"))];
        assert_eq!(allocator.largest_live(3), expected);
    }

    proptest! {
        /// Ranges never overlap, and when all are freed one free range is left.
        #[test]
        fn random_calls_keep_the_books(
            calls in prop::collection::vec((1..40_u32, any::<u16>()), 1..200)
        ) {
            let mut allocator = Allocator::new(500);
            let mut live: Vec<Range> = Vec::new();
            for (granules, choice) in calls {
                if choice % 3 == 0 && !live.is_empty() {
                    allocator.free(live.swap_remove(usize::from(choice) % live.len()));
                } else if let Some(range) = allocator.allocate(granules, &name("x")) {
                    prop_assert!(range.end() <= 500 && range.granules == granules);
                    let apart = |other: &Range| {
                        range.end() <= other.start || other.end() <= range.start
                    };
                    prop_assert!(live.iter().all(apart), "{range:?} overlaps");
                    live.push(range);
                }
                let free = allocator.free_ranges().map(|range| u64::from(range.granules));
                let free: u64 = free.sum();
                let used: u64 = live.iter().map(|range| u64::from(range.granules)).sum();
                prop_assert_eq!((allocator.in_use(), free), (used, 500 - used));
                prop_assert!(allocator.peak() >= used && allocator.n_live() == live.len());
            }
            live.into_iter().for_each(|range| allocator.free(range));
            prop_assert_eq!(allocator.largest_free(), 500);
        }
    }
}
