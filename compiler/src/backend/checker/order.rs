//! The order of the ops of a segment: FIFOs, weights, memory, transfers.

use super::super::{
    address::Access,
    fifo::{Fifo, Occupancy, Traffic, traffic},
};
use palmetto_isa::{ChipSpec, Slot};
use palmetto_kernels::llo::{Block, LloOp, S, Statement};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// An op of a segment: what it is and in which bundle it was found.
pub(super) struct Issued<'a> {
    /// The op as LLO has it.
    pub op: &'a LloOp,
    /// What it does to memory.
    pub access: Option<Access>,
    /// The bundle.
    pub bundle: usize,
}

/// What each FIFO holds.
pub(super) type Held = BTreeMap<Fifo, Occupancy>;

/// What FIFOs hold after a block of LLO. `constant` gives the trip counts that are known.
pub(super) fn after(block: &Block, mut held: Held, constant: &impl Fn(S) -> Option<i64>) -> Held {
    for statement in block {
        match statement {
            Statement::Op { op, .. } => step(&mut held, op),
            Statement::Loop(l) => {
                held = after_loop(&l.body, held, constant(l.trip_count), constant)
            }
        }
    }
    held
}

/// What FIFOs hold after a loop.
pub(super) fn after_loop(
    body: &Block,
    held: Held,
    times: Option<i64>,
    constant: &impl Fn(S) -> Option<i64>,
) -> Held {
    let once = after(body, held.clone(), constant);
    if times == Some(1) {
        return once;
    }
    let mut result = Held::new();
    for (fifo, after) in once {
        let before = held.get(&fifo).copied().unwrap_or(EMPTY);
        let change = after.results.zip(before.results).map(|(after, before)| after - before);
        let results = match (change, times) {
            (Some(0), _) => before.results,
            (Some(change), Some(times)) => before.results.map(|b| b + change * times.max(0)),
            _ => None,
        };
        let phase = if after.phase == before.phase { before.phase } else { None };
        let results = results.filter(|_| phase.is_some());
        result.insert(fifo, Occupancy { results, phase });
    }
    result
}

/// What FIFOs hold in every iteration of a loop, before its body.
pub(super) fn inside_loop(
    body: &Block,
    held: &Held,
    runs_again: bool,
    constant: &impl Fn(S) -> Option<i64>,
) -> Held {
    if !runs_again {
        return held.clone();
    }
    let once = after(body, held.clone(), constant);
    let mut result = held.clone();
    for (fifo, after) in once {
        let before = held.get(&fifo).copied().unwrap_or(EMPTY);
        let inside = if after == before { before } else { Occupancy::default() };
        result.insert(fifo, inside);
    }
    result
}

const EMPTY: Occupancy = Occupancy { results: Some(0), phase: Some(0) };

fn fifo_of(traffic: Traffic) -> Fifo {
    match traffic {
        Traffic::Push { fifo, .. } | Traffic::Pop(fifo) => fifo,
    }
}

/// What FIFOs hold after `op`.
pub(super) fn step(held: &mut Held, op: &LloOp) {
    if let Some(traffic) = traffic(op) {
        held.entry(fifo_of(traffic)).or_insert(EMPTY).step(traffic);
    }
}

/// Checks the order of the ops of a segment, given in the order of LLO. `held` is what FIFOs hold
/// before it.
pub(super) fn check(
    issued: &[Issued<'_>],
    held: &Held,
    chip: &ChipSpec,
) -> Result<(), (usize, String)> {
    check_sequences(issued, held)?;
    check_memory(issued)?;
    let fifos: BTreeMap<Fifo, ()> =
        issued.iter().filter_map(|i| Some((fifo_of(traffic(i.op)?), ()))).collect();
    for fifo in fifos.into_keys() {
        let before = held.get(&fifo).copied().unwrap_or(EMPTY);
        let ops = issued.iter().filter_map(|i| Some((i.bundle, traffic(i.op)?)));
        let ops: Vec<_> = ops.filter(|(_, traffic)| fifo_of(*traffic) == fifo).collect();
        check_fifo(fifo, &ops, before, chip)?;
    }
    Ok(())
}

/// Whether the pushes of a FIFO, with their pops, may be in another order than in LLO: each push
/// makes one result, which is popped in the same segment.
fn may_change(issued: &[Issued<'_>], held: &Held, fifo: Fifo) -> bool {
    let before = held.get(&fifo).copied().unwrap_or(EMPTY);
    let mut waiting = 0_i64;
    let is_simple = issued.iter().filter_map(|i| traffic(i.op)).all(|traffic| match traffic {
        Traffic::Push { fifo: of, results, .. } if of == fifo => {
            waiting += 1;
            results == 1
        }
        Traffic::Pop(of) if of == fifo => {
            waiting -= 1;
            waiting >= 0
        }
        Traffic::Push { .. } | Traffic::Pop(_) => true,
    });
    before == EMPTY && is_simple && waiting == 0
}

/// Checks that every pop takes the result of the push that is its in LLO.
fn check_pairs(issued: &[Issued<'_>], fifo: Fifo) -> Result<(), (usize, String)> {
    let (mut n_pushes, mut n_pops) = (0, 0);
    // Bundle, whether it is a push (pops come first), and which push of LLO it belongs to.
    let mut ops: Vec<(usize, bool, usize)> = Vec::new();
    for Issued { op, bundle, .. } in issued {
        match traffic(op) {
            Some(Traffic::Push { fifo: of, .. }) if of == fifo => {
                ops.push((*bundle, true, n_pushes));
                n_pushes += 1;
            }
            Some(Traffic::Pop(of)) if of == fifo => {
                ops.push((*bundle, false, n_pops));
                n_pops += 1;
            }
            Some(Traffic::Push { .. } | Traffic::Pop(_)) | None => {}
        }
    }
    ops.sort_unstable();
    let mut waiting = VecDeque::new();
    let mut last = [None; 2];
    for (bundle, is_push, push) in ops {
        if last[usize::from(is_push)].replace(bundle) == Some(bundle) {
            return Err((bundle, format!("{fifo} is used twice in a bundle")));
        }
        if is_push {
            waiting.push_back(push);
        } else if waiting.pop_front() != Some(push) {
            return Err((bundle, format!("a pop from {fifo} takes the result of another push")));
        }
    }
    Ok(())
}

/// What must be issued in the order of LLO, each op in a later bundle than the one before.
fn sequences(op: &LloOp, ordered: &BTreeSet<Fifo>) -> Vec<String> {
    let mut sequences = Vec::new();
    let traffic = traffic(op).filter(|traffic| ordered.contains(&fifo_of(*traffic)));
    match traffic {
        Some(Traffic::Push { fifo, .. }) => sequences.push(format!("pushes into {fifo}")),
        Some(Traffic::Pop(fifo)) => sequences.push(format!("pops from {fifo}")),
        None => {}
    }
    if let LloOp::MxuPush { mxu, .. }
    | LloOp::MxuPushXpose { mxu, .. }
    | LloOp::MxuMatmulLatch { mxu, .. } = op
    {
        sequences.push(format!("weights of MXU {mxu}"));
    }
    if op.slot() == Slot::Dma {
        sequences.push("transfers and waits".to_owned());
    }
    sequences
}

fn check_sequences(issued: &[Issued<'_>], held: &Held) -> Result<(), (usize, String)> {
    let fifos: BTreeSet<Fifo> =
        issued.iter().filter_map(|i| Some(fifo_of(traffic(i.op)?))).collect();
    let (free, ordered): (BTreeSet<Fifo>, BTreeSet<Fifo>) =
        fifos.into_iter().partition(|fifo| may_change(issued, held, *fifo));
    for fifo in free {
        check_pairs(issued, fifo)?;
    }
    let mut last: BTreeMap<String, usize> = BTreeMap::new();
    for Issued { op, bundle, .. } in issued {
        for sequence in sequences(op, &ordered) {
            if last.get(&sequence).is_some_and(|last| last >= bundle) {
                return Err((*bundle, format!("`{}`: {sequence} out of order", op.name())));
            }
            last.insert(sequence, *bundle);
        }
    }
    Ok(())
}

fn check_memory(issued: &[Issued<'_>]) -> Result<(), (usize, String)> {
    let accesses: Vec<_> = issued.iter().filter_map(|i| Some((i, i.access?))).collect();
    for (n, (later, access)) in accesses.iter().enumerate() {
        for (earlier, before) in &accesses[..n] {
            if earlier.bundle >= later.bundle && before.conflicts_with(access) {
                let (before, op) = (earlier.op.name(), later.op.name());
                let problem = format!("`{op}` is not after the `{before}` that it must follow");
                return Err((later.bundle, problem));
            }
        }
    }
    Ok(())
}

/// Checks that no pop comes before its result and no push without room. `ops` are in LLO order.
fn check_fifo(
    fifo: Fifo,
    ops: &[(usize, Traffic)],
    before: Occupancy,
    chip: &ChipSpec,
) -> Result<(), (usize, String)> {
    let is_pop = |traffic: &Traffic| matches!(traffic, Traffic::Pop(_));
    let mut known = before;
    let is_known = ops.iter().all(|(_, traffic)| known.step(*traffic).is_some());
    if !is_known || known.results.is_none() {
        // Pairs follow from the order alone.
        let wrong = ops.windows(2).find(|pair| pair[0].0 >= pair[1].0);
        return wrong.map_or(Ok(()), |pair| {
            Err((pair[1].0, format!("pushes into and pops from {fifo} out of order")))
        });
    }
    // In a bundle, pops come before pushes.
    let mut order: Vec<_> = ops.iter().collect();
    order.sort_by_key(|(bundle, traffic)| (*bundle, !is_pop(traffic)));
    let mut now = before;
    for (bundle, traffic) in order {
        now.step(*traffic);
        let results = now.results.unwrap_or(0);
        if results < 0 {
            return Err((*bundle, format!("a pop from {fifo} before its result is pushed")));
        }
        if results > fifo.capacity(chip) {
            return Err((*bundle, format!("{results} results do not fit into the FIFO of {fifo}")));
        }
    }
    Ok(())
}
