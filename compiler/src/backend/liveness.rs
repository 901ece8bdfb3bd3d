//! Which variables are live where.
//!
//! Points are counted along the code: everything at position `p` reads at point `2 p` and writes at
//! point `2 p + 1`. A range is half-open; it starts at a write and ends after the last read of what
//! was written. A variable may have several ranges, with holes between them.

use super::flow::{Code, Inst, key, of_key};
use palmetto_kernels::llo::Value;

/// A set of variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Variables(Vec<u64>);

impl Variables {
    /// The empty set.
    pub(super) fn new(n_keys: usize) -> Self {
        Self(vec![0; n_keys.div_ceil(64)])
    }

    /// Adds a variable.
    pub(super) fn insert(&mut self, value: Value) {
        let key = key(value);
        self.0[key / 64] |= 1 << (key % 64);
    }

    /// Removes a variable.
    pub(super) fn remove(&mut self, value: Value) {
        let key = key(value);
        self.0[key / 64] &= !(1 << (key % 64));
    }

    /// Whether it has a variable.
    pub(super) fn contains(&self, value: Value) -> bool {
        let key = key(value);
        self.0[key / 64] >> (key % 64) & 1 == 1
    }

    /// Adds all of `other`.
    fn extend(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word |= other;
        }
    }

    /// The variables in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Value> {
        self.0.iter().enumerate().flat_map(|(index, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros() as usize;
                (rest != 0).then(|| {
                    rest &= rest - 1;
                    of_key(index * 64 + bit)
                })
            })
        })
    }
}

/// What is live at the borders of the segments.
#[derive(Debug)]
pub(super) struct Liveness {
    /// Live before each segment.
    pub live_in: Vec<Variables>,
    /// Live after each segment, what its branch reads included.
    pub live_out: Vec<Variables>,
}

impl Liveness {
    /// Computes it.
    pub(super) fn of(code: &Code) -> Self {
        let empty = vec![Variables::new(code.n_keys()); code.segments.len()];
        let mut liveness = Self { live_in: empty.clone(), live_out: empty };
        // Each round carries facts around one more loop border, so rounds end with the nesting.
        let mut changed = true;
        while changed {
            changed = false;
            for index in (0..code.segments.len()).rev() {
                let mut live = liveness.live_out[index].clone();
                for successor in code.successors(index) {
                    live.extend(&liveness.live_in[successor]);
                }
                if let Some(condition) = code.branch_reads(index) {
                    live.insert(condition);
                }
                liveness.live_out[index].clone_from(&live);
                for inst in code.segments[index].iter().rev() {
                    step_back(&mut live, inst);
                }
                changed |= live != liveness.live_in[index];
                liveness.live_in[index] = live;
            }
        }
        liveness
    }
}

fn step_back(live: &mut Variables, inst: &Inst) {
    if let Some(def) = inst.def {
        live.remove(def);
    }
    for used in inst.reads() {
        live.insert(used);
    }
}

/// Removes ops whose results nobody reads.
pub(super) fn remove_dead(code: &mut Code) {
    loop {
        let liveness = Liveness::of(code);
        let mut removed = false;
        for (segment, live_out) in code.segments.iter_mut().zip(&liveness.live_out) {
            let mut live = live_out.clone();
            let mut kept = Vec::with_capacity(segment.len());
            for inst in segment.iter().rev() {
                if inst.has_effect() || inst.def.is_some_and(|def| live.contains(def)) {
                    step_back(&mut live, inst);
                    kept.push(*inst);
                } else {
                    removed = true;
                }
            }
            kept.reverse();
            *segment = kept;
        }
        if !removed {
            return;
        }
    }
}

/// A half-open range of points.
pub(super) type Range = (u32, u32);

/// The ops of a segment and the positions that it covers.
pub(super) struct Placed<'a> {
    /// The first position.
    pub start: u32,
    /// The position after the last.
    pub end: u32,
    /// The ops with their positions, in order.
    pub insts: Vec<(u32, &'a Inst)>,
}

/// The segments of `code`, one op at a position.
pub(super) fn in_program_order(code: &Code) -> Vec<Placed<'_>> {
    let mut position = 0;
    code.segments
        .iter()
        .map(|segment| {
            let start = position;
            let insts = segment
                .iter()
                .map(|inst| {
                    position += 1;
                    (position - 1, inst)
                })
                .collect();
            // A position of its own at the end: that is where the branch reads.
            position += 1;
            Placed { start, end: position, insts }
        })
        .collect()
}

/// The ranges of all variables, by their keys, in order. What is written but never read keeps its
/// register until the write is done.
pub(super) fn live_ranges(
    placed: &[Placed<'_>],
    liveness: &Liveness,
    n_keys: usize,
) -> Vec<Vec<Range>> {
    let mut ranges: Vec<Vec<Range>> = vec![Vec::new(); n_keys];
    let mut open: Vec<Option<u32>> = vec![None; n_keys];
    for (index, segment) in placed.iter().enumerate().rev() {
        for value in liveness.live_out[index].iter() {
            open[key(value)] = Some(2 * segment.end);
        }
        for bundle in segment.insts.chunk_by(|a, b| a.0 == b.0).rev() {
            for (position, inst) in bundle {
                if let Some(def) = inst.def {
                    let end = open[key(def)].take();
                    let end = end.unwrap_or(2 * (position + inst.op.latency()));
                    add_before(&mut ranges[key(def)], (2 * position + 1, end));
                }
            }
            for (position, inst) in bundle {
                for used in inst.reads() {
                    open[key(used)].get_or_insert(2 * position + 1);
                }
            }
        }
        for value in liveness.live_in[index].iter() {
            if let Some(end) = open[key(value)].take() {
                add_before(&mut ranges[key(value)], (2 * segment.start, end));
            }
        }
    }
    for list in &mut ranges {
        list.reverse();
    }
    ranges
}

/// Adds a range that lies before those that `list` has, latest first.
fn add_before(list: &mut Vec<Range>, (start, end): Range) {
    match list.last_mut() {
        Some(next) if next.0 <= end => next.0 = next.0.min(start),
        _ => list.push((start, end)),
    }
}

/// Whether two sorted lists of ranges have a point in common.
pub(super) fn overlap(a: &[Range], b: &[Range]) -> bool {
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        if a[i].0 < b[j].1 && b[j].0 < a[i].1 {
            return true;
        }
        if a[i].1 <= b[j].1 { i += 1 } else { j += 1 }
    }
    false
}

/// The union of two sorted lists of ranges.
pub(super) fn merged(a: &[Range], b: &[Range]) -> Vec<Range> {
    let mut all: Vec<Range> = a.iter().chain(b).copied().collect();
    all.sort_unstable();
    let mut result: Vec<Range> = Vec::with_capacity(all.len());
    for (start, end) in all {
        match result.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => result.push((start, end)),
        }
    }
    result
}
