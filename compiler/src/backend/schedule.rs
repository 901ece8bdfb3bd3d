//! List scheduling of a segment.
//!
//! Cycle by cycle, each slot takes the most urgent ready op, if the registers allow it
//! ([`Pressure`]). That is done twice. First without a limit of registers, by the longest expected
//! way to the end of the segment: it shows when each op could be issued. Then for real: no op is
//! issued much before the time at which what depends on it would be late in that first schedule, so
//! values are not made long before they are used, and registers go where they hide latency.
//!
//! What the chip is expected to take (FIFOs, busy units) only decides about the order; a bundle is
//! written for a cycle only if it has ops or if the latencies of the instruction set ask for a
//! distance.

mod pressure;
mod units;

use super::{dependence::Graph, flow::Inst, liveness::Variables};
use palmetto_isa::{ChipSpec, Slot};
use pressure::Pressure;
use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
};
use units::Units;

/// Ready ops of a slot that are tried in a cycle before the slot stays empty: so many of the most
/// urgent, and so many of the first in program order.
const TRIES: usize = 6;

/// How many cycles before its time an op may be issued.
const SLACK: u64 = 4;

/// Registers enough for everything.
const UNLIMITED: [i32; 3] = [i32::MAX / 4; 3];

/// Ops of a segment by bundle; a bundle may be empty.
pub(super) type Bundles = Vec<Vec<usize>>;

/// What a segment is scheduled with.
pub(super) struct Context<'a> {
    /// The chip.
    pub chip: &'a ChipSpec,
    /// Live before and after the segment.
    pub live: (&'a Variables, &'a Variables),
    /// Registers of each class.
    pub limits: [i32; 3],
}

/// Schedules `segment`.
pub(super) fn schedule(segment: &[Inst], graph: &Graph, context: &Context<'_>) -> Bundles {
    let eager = Wishes {
        urgency: heights(segment, graph, context.live.1),
        not_before: vec![0; segment.len()],
    };
    let unlimited = Context { limits: UNLIMITED, ..*context };
    let (_, times) = Scheduler::new(segment, graph, &unlimited, eager).run();
    let in_time = Wishes::in_time(graph, &times);
    let (cycles, _) = Scheduler::new(segment, graph, context, in_time).run();
    with_distances(&cycles, graph, segment.len())
}

/// When ops want to be issued.
struct Wishes {
    /// Which of the ready ops comes first: the one with the largest.
    urgency: Vec<u32>,
    /// Cycles in which ops are not issued yet.
    not_before: Vec<u64>,
}

impl Wishes {
    /// As late as keeps what depends on an op at its time of `times`.
    fn in_time(graph: &Graph, times: &[u64]) -> Self {
        let mut latest = times.to_vec();
        for index in (0..times.len()).rev() {
            let after = graph.after(index).iter();
            let needed =
                after.map(|edge| latest[edge.to as usize].saturating_sub(u64::from(edge.cycles)));
            if let Some(needed) = needed.min() {
                latest[index] = latest[index].max(needed);
            }
        }
        let urgency = |time: &u64| u32::MAX - u32::try_from(*time).unwrap_or(u32::MAX);
        Self {
            urgency: latest.iter().map(urgency).collect(),
            not_before: latest.iter().map(|time| time.saturating_sub(SLACK)).collect(),
        }
    }
}

struct Scheduler<'a> {
    segment: &'a [Inst],
    graph: &'a Graph,
    wishes: Wishes,
    n_before: Vec<u32>,
    earliest: Vec<u64>,
    /// Ops whose operands come later, by when.
    waiting: BinaryHeap<Reverse<(u64, usize)>>,
    /// Ops that could be issued, by slot: most urgent first, then in program order.
    ready: [BTreeSet<(Reverse<u32>, usize)>; Slot::ALL.len()],
    /// The same in program order.
    ready_in_order: [BTreeSet<usize>; Slot::ALL.len()],
    pressure: Pressure,
    units: Units<'a>,
    now: u64,
    cycles: Bundles,
    /// When each op was issued.
    times: Vec<u64>,
}

fn slot_index(slot: Slot) -> usize {
    slot as usize
}

impl<'a> Scheduler<'a> {
    fn new(segment: &'a [Inst], graph: &'a Graph, context: &Context<'a>, wishes: Wishes) -> Self {
        let mut scheduler = Self {
            segment,
            graph,
            wishes,
            n_before: graph.n_before.clone(),
            earliest: vec![0; segment.len()],
            waiting: BinaryHeap::new(),
            ready: std::array::from_fn(|_| BTreeSet::new()),
            ready_in_order: std::array::from_fn(|_| BTreeSet::new()),
            pressure: Pressure::new(segment, context.live, context.limits),
            units: Units::new(context.chip),
            now: 0,
            cycles: Vec::new(),
            times: vec![0; segment.len()],
        };
        for index in 0..segment.len() {
            if scheduler.n_before[index] == 0 {
                scheduler.make_ready(index);
            }
        }
        scheduler
    }

    /// The bundles by cycle, and the time of each op.
    fn run(mut self) -> (Bundles, Vec<u64>) {
        let mut left = self.segment.len();
        while left > 0 {
            while let Some(Reverse((when, index))) = self.waiting.peek().copied()
                && when <= self.now
            {
                self.waiting.pop();
                self.make_ready(index);
            }
            let issued = self.cycle();
            left -= issued.len();
            let is_empty = issued.is_empty();
            self.cycles.push(issued);
            self.now = if is_empty { self.next_event() } else { self.now + 1 };
        }
        (self.cycles, self.times)
    }

    fn make_ready(&mut self, index: usize) {
        let when = self.wishes.not_before[index];
        if when > self.now {
            self.waiting.push(Reverse((when, index)));
            return;
        }
        let slot = slot_index(self.segment[index].op.slot());
        self.ready[slot].insert((Reverse(self.wishes.urgency[index]), index));
        self.ready_in_order[slot].insert(index);
    }

    /// Fills the bundle of this cycle.
    fn cycle(&mut self) -> Vec<usize> {
        let mut issued = Vec::new();
        let mut room = Slot::ALL.map(Slot::capacity);
        loop {
            let before = issued.len();
            for (slot, room) in room.iter_mut().enumerate() {
                while *room > 0
                    && let Some(index) = self.choose(slot)
                {
                    self.issue(index);
                    issued.push(index);
                    *room -= 1;
                }
            }
            // What was issued may have made ops ready that may share the bundle.
            if issued.len() == before {
                return issued;
            }
        }
    }

    /// The best op of a slot that may be issued now; it is admitted.
    fn choose(&mut self, slot: usize) -> Option<usize> {
        // The most urgent may be far ahead and need registers that are not there.
        let urgent = self.ready[slot].iter().take(TRIES).map(|(_, index)| *index);
        let nearest = self.ready_in_order[slot].iter().take(TRIES).copied();
        let candidates: Vec<usize> = urgent.chain(nearest).collect();
        for index in candidates {
            let fits = self.units.ready_at(&self.segment[index].op) <= self.now;
            if fits && self.pressure.admit(index) {
                self.ready[slot].remove(&(Reverse(self.wishes.urgency[index]), index));
                self.ready_in_order[slot].remove(&index);
                return Some(index);
            }
        }
        None
    }

    fn issue(&mut self, index: usize) {
        self.times[index] = self.now;
        let waits = self.units.take(&self.segment[index].op, self.now);
        for edge in self.graph.after(index) {
            let to = edge.to as usize;
            let waits = if edge.is_result { waits } else { 0 };
            let when = self.now + u64::from(edge.cycles) + waits;
            self.earliest[to] = self.earliest[to].max(when);
            self.n_before[to] -= 1;
            if self.n_before[to] == 0 {
                if self.earliest[to] <= self.now {
                    self.make_ready(to);
                } else {
                    self.waiting.push(Reverse((self.earliest[to], to)));
                }
            }
        }
    }

    /// The next cycle in which something can change: an operand comes or a unit is free.
    fn next_event(&self) -> u64 {
        let operand = self.waiting.peek().map(|Reverse((when, _))| *when);
        let units = self.ready.iter().flat_map(|ready| ready.iter().take(TRIES));
        let units = units.map(|(_, index)| self.units.ready_at(&self.segment[*index].op));
        let first = self.segment.get(self.pressure.first());
        let first = first.map(|inst| self.units.ready_at(&inst.op));
        let all = units.chain(operand).chain(first);
        all.filter(|when| *when > self.now).min().unwrap_or(self.now + 1)
    }
}

/// The expected cycles from each op to the end of the segment.
fn heights(segment: &[Inst], graph: &Graph, live_out: &Variables) -> Vec<u32> {
    let mut heights = vec![0; segment.len()];
    for index in (0..segment.len()).rev() {
        let inst = &segment[index];
        let outlives = inst.def.is_some_and(|def| live_out.contains(def));
        let own = if outlives { inst.op.latency() } else { 0 };
        let after = graph.after(index).iter();
        let after = after.map(|edge| edge.cycles + heights[edge.to as usize]).max();
        heights[index] = own.max(after.unwrap_or(0));
    }
    heights
}

/// Leaves out cycles without ops, unless a latency asks for the distance.
fn with_distances(cycles: &Bundles, graph: &Graph, n_ops: usize) -> Bundles {
    let mut earliest = vec![0; n_ops];
    let mut bundles: Bundles = Vec::new();
    for ops in cycles.iter().filter(|ops| !ops.is_empty()) {
        let position = ops.iter().map(|op| earliest[*op]).max().unwrap_or(0).max(bundles.len());
        bundles.resize(position, Vec::new());
        for op in ops {
            for edge in graph.after(*op) {
                let to = edge.to as usize;
                earliest[to] = earliest[to].max(position + edge.bundles as usize);
            }
        }
        bundles.push(ops.clone());
    }
    bundles
}
