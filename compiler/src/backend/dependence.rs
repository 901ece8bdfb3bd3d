//! What must come before what within a segment.
//!
//! An edge has two distances. `bundles` is the law: so many issued bundles must lie between, or the
//! program is wrong. `cycles` is what the chip is expected to take, FIFOs and busy units included:
//! less only makes the chip wait. Edges lead from an op to a later one in program order.
//!
//! * Variables: a read comes at least the latency after its write; a write may share the bundle of
//!   the last read of what was there before, and comes after the write before is done.
//! * FIFOs: pushes keep their order, pops keep their order. The n-th pop comes after the push that
//!   makes the n-th result. A push comes after the pop that makes room for its results. Since both
//!   follow from counting, a push may move up past pops of older results as far as there is room
//!   (that is what keeps an MXU busy), and a pop past pushes of younger ones. Where what a FIFO
//!   holds is not known, all its pushes and pops keep their order.
//! * MXU weights: pushes into staging and the matmul that latches keep their order.
//! * Memory: accesses that conflict ([`Access::conflicts_with`]) keep their order and are a bundle
//!   apart. DMA ops keep their order.

use super::{
    address::Access,
    fifo::{Fifo, Fifos, Occupancy, Traffic, traffic},
    flow::{Inst, key},
};
use palmetto_isa::{ChipSpec, Slot};
use palmetto_kernels::llo::LloOp;
use std::collections::BTreeMap;

/// That an op comes after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    /// The op that comes first.
    pub from: u32,
    /// The op that comes after.
    pub to: u32,
    /// At least so many issued bundles later.
    pub bundles: u32,
    /// Expected to be useful so many cycles later.
    pub cycles: u32,
    /// Whether it leads from a push to the pop of its result.
    pub is_result: bool,
}

/// The edges of a segment, by where they start and by where they end.
#[derive(Debug, Default)]
pub(super) struct Graph {
    edges: Vec<Edge>,
    /// Where the edges of each op start in `edges`.
    starts: Vec<u32>,
    /// How many edges lead to each op.
    pub n_before: Vec<u32>,
}

impl Graph {
    /// The edges that lead from an op.
    pub(super) fn after(&self, op: usize) -> &[Edge] {
        &self.edges[self.starts[op] as usize..self.starts[op + 1] as usize]
    }

    fn new(n_ops: usize, mut edges: Vec<Edge>) -> Self {
        edges.sort_unstable_by_key(|edge| (edge.from, edge.to));
        let mut starts = vec![0; n_ops + 1];
        let mut n_before = vec![0; n_ops];
        for edge in &edges {
            starts[edge.from as usize + 1] += 1;
            n_before[edge.to as usize] += 1;
        }
        for op in 0..n_ops {
            starts[op + 1] += starts[op];
        }
        Self { edges, starts, n_before }
    }
}

/// The graph of a segment, before which the FIFOs hold `fifos`.
pub(super) fn dependences(segment: &[Inst], fifos: &Fifos, chip: &ChipSpec) -> Graph {
    let mut edges = Edges { chip, list: Vec::with_capacity(segment.len() * 4) };
    edges.of_variables(segment);
    edges.of_memory(segment);
    edges.of_weights(segment);
    for (fifo, occupancy) in fifos {
        edges.of_fifo(segment, *fifo, *occupancy);
    }
    Graph::new(segment.len(), edges.list)
}

struct Edges<'a> {
    chip: &'a ChipSpec,
    list: Vec<Edge>,
}

#[derive(Default)]
struct Uses {
    written: Option<usize>,
    read: Vec<usize>,
}

impl Edges<'_> {
    fn add(&mut self, from: usize, to: usize, bundles: u32) {
        self.add_expected(from, to, bundles, bundles);
    }

    fn add_expected(&mut self, from: usize, to: usize, bundles: u32, cycles: u32) {
        self.list.push(Edge {
            from: number(from),
            to: number(to),
            bundles,
            cycles,
            is_result: false,
        });
    }

    fn of_variables(&mut self, segment: &[Inst]) {
        let n_keys = segment.iter().flat_map(|inst| inst.reads().chain(inst.def)).map(key).max();
        let mut uses: Vec<Uses> = Vec::new();
        uses.resize_with(n_keys.map_or(0, |n| n + 1), Uses::default);
        for (index, inst) in segment.iter().enumerate() {
            for used in inst.reads() {
                let uses = &mut uses[key(used)];
                if let Some(written) = uses.written {
                    self.add(written, index, segment[written].op.latency());
                }
                uses.read.push(index);
            }
            if let Some(def) = inst.def {
                let uses = &mut uses[key(def)];
                if let Some(written) = uses.written {
                    self.add(written, index, segment[written].op.latency());
                }
                for read in uses.read.drain(..).filter(|read| *read != index) {
                    self.add(read, index, 0);
                }
                uses.written = Some(index);
            }
        }
    }

    fn of_memory(&mut self, segment: &[Inst]) {
        // By scratch: what writes and what only reads; `None` is everything.
        let mut seen: BTreeMap<Option<u32>, [Vec<(usize, Access)>; 2]> = BTreeMap::new();
        let mut last_dma = None;
        for (index, inst) in segment.iter().enumerate() {
            let Some(access) = inst.access else { continue };
            let scratch = access.scratch.map(|scratch| scratch.0);
            for (other, lists) in &seen {
                if scratch.is_some() && other.is_some() && *other != scratch {
                    continue;
                }
                let [readers, writers] = lists;
                let readers = readers.iter().filter(|_| access.writes);
                let before = writers.iter().chain(readers);
                let before = before.filter(|(_, other)| other.conflicts_with(&access));
                for (earlier, _) in before {
                    self.add(*earlier, index, 1);
                }
            }
            if access.writes && access.scratch.is_none() {
                // Whatever comes later comes after this one, and so after all that was before.
                seen.clear();
            }
            let lists = seen.entry(scratch).or_default();
            if access.writes && access.place.is_none() {
                lists.iter_mut().for_each(Vec::clear);
            }
            lists[usize::from(access.writes)].push((index, access));
            if inst.op.slot() == Slot::Dma
                && let Some(last) = last_dma.replace(index)
            {
                self.add(last, index, 1);
            }
        }
    }

    fn of_weights(&mut self, segment: &[Inst]) {
        let mut last: BTreeMap<u8, usize> = BTreeMap::new();
        for (index, inst) in segment.iter().enumerate() {
            let (LloOp::MxuPush { mxu, .. }
            | LloOp::MxuPushXpose { mxu, .. }
            | LloOp::MxuMatmulLatch { mxu, .. }) = inst.op
            else {
                continue;
            };
            if let Some(last) = last.insert(mxu, index) {
                self.add(last, index, 1);
            }
        }
    }

    fn of_fifo(&mut self, segment: &[Inst], fifo: Fifo, mut occupancy: Occupancy) {
        let of_fifo = |inst: &Inst| match traffic(&inst.op) {
            Some(Traffic::Push { fifo: other, .. } | Traffic::Pop(other)) if other == fifo => {
                traffic(&inst.op)
            }
            Some(Traffic::Push { .. } | Traffic::Pop(_)) | None => None,
        };
        let ops = segment.iter().enumerate().filter_map(|(i, inst)| Some((i, of_fifo(inst)?)));
        let ops: Vec<(usize, Traffic)> = ops.collect();
        // The push that makes each result, counted from the oldest that is there before the
        // segment.
        let mut makers: Vec<Option<(usize, u32)>> = Vec::new();
        let mut is_known = occupancy.results.is_some();
        if let Some(results) = occupancy.results {
            makers.resize(usize::try_from(results).unwrap_or(0), None);
        }
        let (mut pops, mut last_push): (Vec<usize>, Option<usize>) = (Vec::new(), None);
        let mut last: Option<(usize, Traffic)> = None;
        for (index, traffic) in ops {
            let change = occupancy.step(traffic);
            is_known &= change.is_some();
            if let Some((before, earlier)) = last.replace((index, traffic))
                && !is_known
            {
                let cycles = self.expected(fifo, earlier, traffic);
                self.add_expected(before, index, 1, cycles);
            }
            match traffic {
                Traffic::Push { .. } => {
                    if let Some(last) = last_push.replace(index) {
                        self.add_expected(last, index, 1, self.interval(fifo));
                    }
                    if let Some(pop) = pops.last()
                        && !is_known
                    {
                        self.add(*pop, index, 1);
                    }
                    for n in 0..usize::try_from(change.unwrap_or(0)).unwrap_or(0) {
                        makers.push(Some((index, self.latency(fifo, n))));
                    }
                    let capacity = usize::try_from(fifo.capacity(self.chip)).unwrap_or(0);
                    if let Some(pop) = makers.len().checked_sub(capacity + 1)
                        && is_known
                    {
                        self.add(pops[pop], index, 1);
                    }
                }
                Traffic::Pop(_) => {
                    if let Some(last) = pops.last() {
                        self.add(*last, index, 1);
                    }
                    let maker = makers.get(pops.len()).copied().flatten().filter(|_| is_known);
                    if let Some((push, cycles)) = maker {
                        let (from, to) = (number(push), number(index));
                        self.list.push(Edge { from, to, bundles: 1, cycles, is_result: true });
                    }
                    pops.push(index);
                }
            }
        }
    }

    fn expected(&self, fifo: Fifo, earlier: Traffic, later: Traffic) -> u32 {
        match (earlier, later) {
            (Traffic::Push { .. }, Traffic::Pop(_)) => self.latency(fifo, 0),
            (Traffic::Push { .. }, Traffic::Push { .. }) => self.interval(fifo),
            (Traffic::Pop(_), Traffic::Push { .. } | Traffic::Pop(_)) => 1,
        }
    }

    /// Cycles between two pushes.
    fn interval(&self, fifo: Fifo) -> u32 {
        match fifo {
            Fifo::Eup => self.chip.eup_interval_cycles,
            Fifo::Xlu(_) => self.chip.xlu_interval_cycles,
            Fifo::Mxu(_) => MATMUL_ROWS,
        }
    }

    /// Cycles from a push to its `n`-th result.
    fn latency(&self, fifo: Fifo, n: usize) -> u32 {
        match fifo {
            Fifo::Eup => self.chip.eup_latency_cycles,
            Fifo::Xlu(_) => self.chip.xlu_latency_cycles,
            Fifo::Mxu(_) => self.chip.mxu_latency_cycles + MATMUL_ROWS / 2 * (number(n) + 1),
        }
    }
}

/// Rows that one matmul op streams, one a cycle.
pub(super) const MATMUL_ROWS: u32 = 16;

fn number(index: usize) -> u32 {
    u32::try_from(index).expect("a segment has fewer than 2^32 ops")
}
