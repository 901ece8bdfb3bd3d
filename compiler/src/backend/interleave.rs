//! Independent chains through a FIFO take turns.
//!
//! A FIFO gives results in the order of its pushes. A program that computes one value after the
//! other (the exponential and then the reciprocal of the first, the exponential and then the
//! reciprocal of the second) would therefore wait for the unit between all of them. Here the pushes
//! of a segment change places, together with their pops: within windows of a few, those that wait
//! for fewer results come first. The rest of the segment keeps its order as far as that allows.
//!
//! Only FIFOs that are empty before and after the segment are looked at.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, VecDeque},
};

use palmetto_isa::ChipSpec;

use super::{
    dependence::{Graph, dependences},
    fifo::{Fifo, Fifos, Occupancy, Traffic, traffic},
    flow::{Code, Inst},
};

/// Pushes that may change places: enough chains to hide the latency of the unit, few enough to keep
/// what they work on in registers.
const WINDOW: usize = 8;

/// The push of a result, and its pop.
#[derive(Clone, Copy, Debug)]
struct Pair {
    push: usize,
    pop: usize,
}

/// Reorders the segments of `code`; `fifos` is what the FIFOs hold before each.
pub(super) fn interleave(code: &mut Code, fifos: &[Fifos], chip: &ChipSpec) {
    for (segment, fifos) in code.segments.iter_mut().zip(fifos) {
        if let Some(order) = better_order(segment, fifos, chip) {
            *segment = order.into_iter().map(|index| segment[index]).collect();
        }
    }
}

/// The ops of the segment in another order; none if this is as good, or if the wishes of several
/// FIFOs contradict each other.
fn better_order(segment: &[Inst], fifos: &Fifos, chip: &ChipSpec) -> Option<Vec<usize>> {
    let mut kept = fifos.clone();
    let mut queues: Vec<Vec<Pair>> = Vec::new();
    for (fifo, occupancy) in fifos {
        let pairs = pairs(segment, *fifo, *occupancy);
        if let Some(pairs) = pairs.filter(|pairs| pairs.len() > 1) {
            queues.push(pairs);
            kept.remove(fifo);
        }
    }
    if queues.is_empty() {
        return None;
    }
    let graph = dependences(segment, &kept, chip);
    let mut edges: Vec<(usize, usize)> = Vec::new();
    for pairs in &mut queues {
        edges.extend(pairs.iter().map(|pair| (pair.push, pair.pop)));
    }
    let results: Vec<Vec<usize>> = after(&graph, &edges, segment.len());
    let mut is_changed = false;
    for pairs in &mut queues {
        let depths = depths(pairs, &results);
        let before: Vec<usize> = pairs.iter().map(|pair| pair.push).collect();
        for (window, depths) in pairs.chunks_mut(WINDOW).zip(depths.chunks(WINDOW)) {
            let mut ordered: Vec<(usize, Pair)> =
                depths.iter().copied().zip(window.iter().copied()).collect();
            ordered.sort_by_key(|(depth, _)| *depth);
            window.iter_mut().zip(ordered).for_each(|(place, (_, pair))| *place = pair);
        }
        is_changed |= pairs.iter().map(|pair| pair.push).ne(before);
        for next in pairs.windows(2) {
            edges.push((next[0].push, next[1].push));
            edges.push((next[0].pop, next[1].pop));
        }
    }
    is_changed.then(|| in_order(&after(&graph, &edges, segment.len()))).flatten()
}

/// The pushes of a FIFO with their pops, if it is empty before and after the segment, and every
/// push makes one result.
fn pairs(segment: &[Inst], fifo: Fifo, before: Occupancy) -> Option<Vec<Pair>> {
    if before != Occupancy::EMPTY {
        return None;
    }
    let (mut pairs, mut waiting) = (Vec::new(), VecDeque::new());
    for (index, inst) in segment.iter().enumerate() {
        match traffic(&inst.op) {
            Some(Traffic::Push { fifo: of, results, .. }) if of == fifo => {
                if results != 1 {
                    return None;
                }
                waiting.push_back(index);
            }
            Some(Traffic::Pop(of)) if of == fifo => {
                pairs.push(Pair { push: waiting.pop_front()?, pop: index });
            }
            Some(Traffic::Push { .. } | Traffic::Pop(_)) | None => {}
        }
    }
    waiting.is_empty().then_some(pairs)
}

/// What comes after each op, by the graph and by further edges.
fn after(graph: &Graph, edges: &[(usize, usize)], n_ops: usize) -> Vec<Vec<usize>> {
    let own = |op| graph.after(op).iter().map(|edge| edge.to as usize).collect();
    let mut after: Vec<Vec<usize>> = (0..n_ops).map(own).collect();
    edges.iter().for_each(|(from, to)| after[*from].push(*to));
    after
}

/// For how many results of its window each push waits, one after the other.
fn depths(pairs: &[Pair], after: &[Vec<usize>]) -> Vec<usize> {
    let push_of: BTreeMap<usize, usize> =
        pairs.iter().enumerate().map(|(n, pair)| (pair.push, n)).collect();
    let pop_of: BTreeMap<usize, usize> =
        pairs.iter().enumerate().map(|(n, pair)| (pair.pop, n)).collect();
    // Per op, the last window that it waits for, and for how many results of it.
    let mut waits = vec![(0, 0); after.len()];
    let mut depths = vec![0; pairs.len()];
    for op in 0..after.len() {
        if let Some(n) = push_of.get(&op) {
            let (window, results) = waits[op];
            depths[*n] = if window == n / WINDOW { results } else { 0 };
        }
        if let Some(n) = pop_of.get(&op) {
            waits[op] = (n / WINDOW, depths[*n] + 1).max(waits[op]);
        }
        for next in &after[op] {
            waits[*next] = waits[*next].max(waits[op]);
        }
    }
    depths
}

/// The ops so that each comes after what leads to it, otherwise in the order of the program; none
/// if that is impossible.
fn in_order(after: &[Vec<usize>]) -> Option<Vec<usize>> {
    let mut n_before = vec![0; after.len()];
    after.iter().flatten().for_each(|to| n_before[*to] += 1);
    let ready = (0..after.len()).filter(|op| n_before[*op] == 0);
    let mut ready: BinaryHeap<Reverse<usize>> = ready.map(Reverse).collect();
    let mut order = Vec::with_capacity(after.len());
    while let Some(Reverse(op)) = ready.pop() {
        order.push(op);
        for next in &after[op] {
            n_before[*next] -= 1;
            if n_before[*next] == 0 {
                ready.push(Reverse(*next));
            }
        }
    }
    (order.len() == after.len()).then_some(order)
}
