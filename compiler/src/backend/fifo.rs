//! FIFOs: which pop takes which push, and how many results may wait.
//!
//! The n-th pop of a FIFO takes the n-th result that was ever pushed, so what a FIFO holds before
//! each segment has to be known to move pops and pushes past each other. Results may stay in a FIFO
//! from one iteration to the next. [`Occupancy`] is followed through the code: a loop whose body
//! takes as many results as it pushes leaves it as it was; one that does not and runs a known
//! number of times changes it by a known amount, but is unknown inside. Where it is unknown, the
//! pushes and pops of a segment keep their order.
//!
//! A segment that pushes more than the FIFO holds before it pops is put in order first: pops have
//! no operands, so the pop that makes room can always come before the push that needs it.

use super::{
    BackendError,
    flow::{Code, Inst},
    interleave::interleave,
};
use palmetto_isa::ChipSpec;
use palmetto_kernels::llo::LloOp;
use std::{collections::BTreeMap, fmt};

/// Pushes of a block that is transposed, and its results.
const TRANSPOSED: i64 = 16;

/// Names a FIFO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fifo {
    /// Of the transcendental unit.
    Eup,
    /// Of a cross-lane unit.
    Xlu(u8),
    /// Of an MXU.
    Mxu(u8),
}

impl fmt::Display for Fifo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Eup => write!(f, "the EUP"),
            Self::Xlu(unit) => write!(f, "XLU {unit}"),
            Self::Mxu(mxu) => write!(f, "MXU {mxu}"),
        }
    }
}

impl Fifo {
    /// How many results it holds.
    pub(super) fn capacity(self, chip: &ChipSpec) -> i64 {
        i64::from(match self {
            Self::Eup => chip.eup_result_entries,
            Self::Xlu(_) => chip.xlu_result_entries,
            Self::Mxu(_) => chip.mxu_result_entries,
        })
    }
}

/// What an op does to a FIFO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Traffic {
    /// Results are pushed.
    Push {
        /// Into which FIFO.
        fifo: Fifo,
        /// How many; a push of a block to transpose counts for itself.
        results: i64,
        /// Whether it is a push of a block to transpose.
        transposes: bool,
    },
    /// The oldest result is popped.
    Pop(Fifo),
}

/// What `op` does to a FIFO.
pub(super) fn traffic(op: &LloOp) -> Option<Traffic> {
    let push = |fifo, results| Traffic::Push { fifo, results, transposes: false };
    Some(match *op {
        LloOp::EupExp2 { .. }
        | LloOp::EupLog2 { .. }
        | LloOp::EupRcp { .. }
        | LloOp::EupRsqrt { .. }
        | LloOp::EupTanh { .. } => push(Fifo::Eup, 1),
        LloOp::XluRot { unit, .. }
        | LloOp::XluGather { unit, .. }
        | LloOp::XluSumF32 { unit, .. }
        | LloOp::XluMaxF32 { unit, .. }
        | LloOp::XluMinF32 { unit, .. } => push(Fifo::Xlu(unit), 1),
        LloOp::XluXpose { unit, .. } => {
            Traffic::Push { fifo: Fifo::Xlu(unit), results: 0, transposes: true }
        }
        LloOp::MxuMatmul { mxu, .. } | LloOp::MxuMatmulLatch { mxu, .. } => push(Fifo::Mxu(mxu), 2),
        LloOp::EupPop { .. } => Traffic::Pop(Fifo::Eup),
        LloOp::XluPop { unit, .. } => Traffic::Pop(Fifo::Xlu(unit)),
        LloOp::MxuPop { mxu, .. } => Traffic::Pop(Fifo::Mxu(mxu)),
        _ => return None,
    })
}

/// What is known of a FIFO at a point of the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Occupancy {
    /// Results that are in flight or waiting.
    pub results: Option<i64>,
    /// Registers of an unfinished block to transpose.
    pub phase: Option<i64>,
}

impl Occupancy {
    /// Nothing.
    pub(super) const EMPTY: Self = Self { results: Some(0), phase: Some(0) };

    /// Takes note of `traffic` and returns how many results came (negative: went), if that is
    /// known.
    pub(super) fn step(&mut self, traffic: Traffic) -> Option<i64> {
        let change = match traffic {
            Traffic::Pop(_) => Some(-1),
            Traffic::Push { results, transposes: false, .. } => Some(results),
            Traffic::Push { transposes: true, .. } => {
                self.phase = self.phase.map(|phase| (phase + 1) % TRANSPOSED);
                self.phase.map(|phase| if phase == 0 { TRANSPOSED } else { 0 })
            }
        };
        self.results = self.results.zip(change).map(|(results, change)| results + change);
        change
    }
}

/// The FIFOs that the code uses.
pub(super) type Fifos = BTreeMap<Fifo, Occupancy>;

/// Puts overfull segments in order and returns what the FIFOs hold before each segment.
pub(super) fn occupancies(code: &mut Code, chip: &ChipSpec) -> Result<Vec<Fifos>, BackendError> {
    let mut used = Fifos::new();
    for inst in code.segments.iter().flatten() {
        if let Some(Traffic::Push { fifo, .. } | Traffic::Pop(fifo)) = traffic(&inst.op) {
            used.insert(fifo, Occupancy::EMPTY);
        }
    }
    let before = follow(code, used);
    interleave(code, &before, chip);
    for (segment, fifos) in code.segments.iter_mut().zip(&before) {
        make_room(segment, fifos, chip)?;
    }
    Ok(before)
}

fn follow(code: &Code, mut now: Fifos) -> Vec<Fifos> {
    let mut before = Vec::with_capacity(code.segments.len());
    let mut open: Vec<(usize, Fifos)> = Vec::new();
    for (index, segment) in code.segments.iter().enumerate() {
        if let Some(l) = code.loop_from(index) {
            open.push((l.last, now.clone()));
            let balance = balance(code, l.first, l.last, &now);
            for (fifo, occupancy) in &mut now {
                if l.again.is_some() && balance[fifo] != Some((0, 0)) {
                    *occupancy = Occupancy::default();
                }
            }
        }
        before.push(now.clone());
        for inst in segment {
            step(&mut now, &inst.op);
        }
        while open.last().is_some_and(|(last, _)| *last == index) {
            let (_, at_entry) = open.pop().expect("the loop just looked at it");
            let l = code.loop_to(index).expect("an open loop ends here");
            let balance = balance(code, l.first, l.last, &at_entry);
            for (fifo, occupancy) in &mut now {
                *occupancy = after_loop(at_entry[fifo], balance[fifo], l.times);
            }
        }
    }
    before
}

fn step(fifos: &mut Fifos, op: &LloOp) {
    if let Some(traffic) = traffic(op) {
        let (Traffic::Push { fifo, .. } | Traffic::Pop(fifo)) = traffic;
        fifos.entry(fifo).or_default().step(traffic);
    }
}

/// By how much one run through segments `first ..= last` changes results and phase.
fn balance(
    code: &Code,
    first: usize,
    last: usize,
    at_entry: &Fifos,
) -> BTreeMap<Fifo, Option<(i64, i64)>> {
    let mut now = at_entry.clone();
    let mut index = first;
    // The body's own first segment is not taken for the loop itself.
    let mut is_entry = true;
    while index <= last {
        let inner = code.loop_from(index).filter(|_| !is_entry);
        is_entry = false;
        if let Some(l) = inner {
            let inside = balance(code, l.first, l.last, &now);
            for (fifo, occupancy) in &mut now {
                *occupancy = after_loop(*occupancy, inside[fifo], l.times);
            }
            index = l.last + 1;
            continue;
        }
        for inst in &code.segments[index] {
            step(&mut now, &inst.op);
        }
        index += 1;
    }
    let change = |fifo: &Fifo, after: &Occupancy| {
        let before = at_entry[fifo];
        let results = after.results? - before.results?;
        Some((results, after.phase? - before.phase?))
    };
    now.iter().map(|(fifo, after)| (*fifo, change(fifo, after))).collect()
}

fn after_loop(before: Occupancy, balance: Option<(i64, i64)>, times: Option<i64>) -> Occupancy {
    match (balance, times) {
        (Some((0, 0)), _) => before,
        (Some((results, 0)), Some(times)) => Occupancy {
            results: before.results.map(|before| before + results * times.max(0)),
            phase: before.phase,
        },
        _ => Occupancy::default(),
    }
}

/// Moves pops before the pushes that need their room.
fn make_room(segment: &mut Vec<Inst>, fifos: &Fifos, chip: &ChipSpec) -> Result<(), BackendError> {
    for (fifo, occupancy) in fifos {
        let mut now = *occupancy;
        let mut index = 0;
        while index < segment.len() {
            let Some(traffic) = traffic(&segment[index].op).filter(|t| is_of(*t, *fifo)) else {
                index += 1;
                continue;
            };
            let before = now;
            now.step(traffic);
            let capacity = fifo.capacity(chip);
            if now.results.is_some_and(|results| results < 0) {
                return Err(BackendError::FifoUnderflow { fifo: fifo.to_string() });
            }
            if now.results.is_some_and(|results| results > capacity) {
                let is_pop = |inst: &Inst| self::traffic(&inst.op) == Some(Traffic::Pop(*fifo));
                let pop = segment[index..].iter().position(is_pop).ok_or_else(|| {
                    BackendError::FifoOverflow { fifo: fifo.to_string(), capacity }
                })?;
                let pop = segment.remove(index + pop);
                segment.insert(index, pop);
                now = before;
                continue;
            }
            index += 1;
        }
    }
    Ok(())
}

fn is_of(traffic: Traffic, fifo: Fifo) -> bool {
    let (Traffic::Push { fifo: other, .. } | Traffic::Pop(other)) = traffic;
    other == fifo
}
