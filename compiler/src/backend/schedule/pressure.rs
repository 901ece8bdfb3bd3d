//! How many registers a partly scheduled segment still needs.
//!
//! Keeps, for each class, the number of live variables after each op that is not yet scheduled, if
//! the rest were issued in program order. An op is admitted out of order only if that profile stays
//! within the registers. So the rest can always be issued in program order: scheduling never gets
//! stuck, and never needs more registers than the limit if the program order does not.

use super::super::flow::{Inst, MAX_USES, class, key};
use super::super::liveness::Variables;

/// Ops that far from the next one in program order are near.
const NEAR: usize = 32;
/// Ops that are not near leave this fraction of the registers to those that are. Without it pops,
/// which are ready early, would take every register, and what they wait for would come one by one.
const KEPT_FOR_NEAR: i32 = 3;
/// The class that this is about.
const VECTORS: usize = 0;

/// Sums over a range of positions are changed and their maximum is asked for, in logarithmic time.
#[derive(Debug)]
struct Profile {
    size: usize,
    maximum: Vec<i32>,
    added: Vec<i32>,
}

impl Profile {
    fn new(values: &[i32]) -> Self {
        let size = values.len().next_power_of_two();
        let mut maximum = vec![i32::MIN / 2; 2 * size];
        maximum[size..size + values.len()].copy_from_slice(values);
        for node in (1..size).rev() {
            maximum[node] = maximum[2 * node].max(maximum[2 * node + 1]);
        }
        Self { size, maximum, added: vec![0; 2 * size] }
    }

    /// Adds `change` to positions `from .. to`.
    fn add(&mut self, from: usize, to: usize, change: i32) {
        if from >= to {
            return;
        }
        let (mut low, mut high) = (from + self.size, to + self.size);
        let (first, last) = (low, high - 1);
        while low < high {
            if low % 2 == 1 {
                self.apply(low, change);
                low += 1;
            }
            if high % 2 == 1 {
                high -= 1;
                self.apply(high, change);
            }
            (low, high) = (low / 2, high / 2);
        }
        self.rebuild(first);
        self.rebuild(last);
    }

    fn apply(&mut self, node: usize, change: i32) {
        self.maximum[node] += change;
        self.added[node] += change;
    }

    fn rebuild(&mut self, mut node: usize) {
        while node > 1 {
            node /= 2;
            let below = self.maximum[2 * node].max(self.maximum[2 * node + 1]);
            self.maximum[node] = below + self.added[node];
        }
    }

    /// The maximum over positions `from .. to`.
    fn maximum(&self, from: usize, to: usize) -> i32 {
        self.maximum_in(1, (0, self.size), (from, to))
    }

    fn maximum_in(&self, node: usize, (low, high): (usize, usize), range: (usize, usize)) -> i32 {
        if range.1 <= low || high <= range.0 {
            return i32::MIN / 2;
        }
        if range.0 <= low && high <= range.1 {
            return self.maximum[node];
        }
        let middle = (low + high) / 2;
        let below = self.maximum_in(2 * node, (low, middle), range);
        below.max(self.maximum_in(2 * node + 1, (middle, high), range)) + self.added[node]
    }
}

/// What one write makes, until it is read for the last time.
#[derive(Debug, Default)]
struct Instance {
    class: usize,
    /// Ops that read it and are not scheduled, in program order.
    readers: Vec<usize>,
    /// Whether it is read after the segment.
    outlives: bool,
}

/// The state of a segment that is being scheduled.
#[derive(Debug)]
pub(super) struct Pressure {
    profiles: [Profile; 3],
    limits: [i32; 3],
    instances: Vec<Instance>,
    /// The instances that each op reads.
    read: Vec<[Option<usize>; MAX_USES]>,
    /// The instance that each op makes.
    made: Vec<Option<usize>>,
    scheduled: Vec<bool>,
    first: usize,
}

impl Pressure {
    /// Before anything is scheduled. Position `i` of a profile stands before op `i` of the program.
    pub(super) fn new(
        segment: &[Inst],
        (live_in, live_out): (&Variables, &Variables),
        limits: [i32; 3],
    ) -> Self {
        let mut instances: Vec<Instance> = Vec::new();
        let n_keys = segment.iter().flat_map(|inst| inst.reads().chain(inst.def)).map(key).max();
        let mut current: Vec<Option<usize>> = vec![None; n_keys.map_or(0, |n| n + 1)];
        let mut counts = [0_i32; 3];
        for value in live_in.iter() {
            counts[class(value)] += 1;
            if let Some(slot) = current.get_mut(key(value)) {
                *slot = Some(instances.len());
                instances.push(Instance { class: class(value), ..Instance::default() });
            }
        }
        let (mut read, mut made) = (Vec::new(), Vec::new());
        for (index, inst) in segment.iter().enumerate() {
            let mut reads = [None; MAX_USES];
            for (place, used) in reads.iter_mut().zip(inst.reads()) {
                *place = current[key(used)];
                if let Some(instance) = *place {
                    instances[instance].readers.push(index);
                }
            }
            read.push(reads);
            made.push(inst.def.map(|def| {
                current[key(def)] = Some(instances.len());
                instances.push(Instance { class: class(def), ..Instance::default() });
                instances.len() - 1
            }));
        }
        for value in live_out.iter() {
            if let Some(Some(instance)) = current.get(key(value)) {
                instances[*instance].outlives = true;
            }
        }
        let profiles = Self::profiles(counts, &instances, &read, &made).map(|p| Profile::new(&p));
        let scheduled = vec![false; segment.len()];
        let limits = std::array::from_fn(|class| {
            limits[class].max(profiles[class].maximum(0, segment.len() + 1))
        });
        Self { profiles, limits, instances, read, made, scheduled, first: 0 }
    }

    fn profiles(
        mut counts: [i32; 3],
        instances: &[Instance],
        read: &[[Option<usize>; MAX_USES]],
        made: &[Option<usize>],
    ) -> [Vec<i32>; 3] {
        let mut profiles = counts.map(|count| vec![count]);
        for index in 0..read.len() {
            let mut ending: Vec<usize> = read[index].iter().flatten().copied().collect();
            ending.sort_unstable();
            ending.dedup();
            for instance in ending {
                let instance = &instances[instance];
                if !instance.outlives && instance.readers.last() == Some(&index) {
                    counts[instance.class] -= 1;
                }
            }
            if let Some(made) = made[index].map(|made| &instances[made])
                && (made.outlives || !made.readers.is_empty())
            {
                counts[made.class] += 1;
            }
            for (profile, count) in profiles.iter_mut().zip(counts) {
                profile.push(count);
            }
        }
        profiles
    }

    /// The first op in program order that is not scheduled.
    pub(super) fn first(&self) -> usize {
        self.first
    }

    /// Schedules op `index` if the rest of the segment stays within the registers.
    pub(super) fn admit(&mut self, index: usize) -> bool {
        if index != self.first {
            let changes = self.changes(index);
            for (class, from, change) in &changes {
                self.profiles[*class].add(*from, index + 1, *change);
            }
            let is_far = index - self.first > NEAR;
            let fits = (0..3).all(|class| {
                let limit = self.limits[class];
                let limit =
                    if is_far && class == VECTORS { limit - limit / KEPT_FOR_NEAR } else { limit };
                self.profiles[class].maximum(self.first, index + 1) <= limit
            });
            if !fits {
                for (class, from, change) in &changes {
                    self.profiles[*class].add(*from, index + 1, -change);
                }
                return false;
            }
        }
        self.forget(index);
        true
    }

    /// What moving op `index` up to now adds to the profiles: class, from where, how much.
    fn changes(&self, index: usize) -> Vec<(usize, usize, i32)> {
        let mut changes = Vec::with_capacity(4);
        if let Some(made) = self.made[index].map(|made| &self.instances[made])
            && (made.outlives || !made.readers.is_empty())
        {
            changes.push((made.class, self.first, 1));
        }
        for (place, instance) in self.read[index].iter().enumerate() {
            let Some(number) = *instance else { continue };
            if self.read[index][..place].contains(instance) {
                continue;
            }
            let instance = &self.instances[number];
            if instance.outlives || instance.readers.last() != Some(&index) {
                continue;
            }
            // It now ends with the reader before this one, or at once if there is none.
            let is_left = |reader: &&usize| **reader != index && !self.scheduled[**reader];
            let before = instance.readers.iter().rev().find(is_left);
            changes.push((instance.class, before.map_or(self.first, |reader| reader + 1), -1));
        }
        changes
    }

    fn forget(&mut self, index: usize) {
        self.scheduled[index] = true;
        for instance in self.read[index].into_iter().flatten() {
            let readers = &mut self.instances[instance].readers;
            while readers.last().is_some_and(|reader| self.scheduled[*reader]) {
                readers.pop();
            }
        }
        while self.scheduled.get(self.first) == Some(&true) {
            self.first += 1;
        }
    }
}
