//! Bundles over registers, with branches, and with the distances that latencies ask for.
//!
//! Within a segment the schedule has them already. What is still in flight at the end of a segment
//! meets the next one here: empty bundles are put where a register would be read, or written again,
//! before a write to it is done, along any path. In front of a loop and at its end they go before
//! the branch, so that the body itself does not grow.

use super::{
    flow::{Code, Inst},
    regalloc::{Allocation, REGISTERS},
    schedule::Bundles,
};
use palmetto_isa::{Bundle, Op, SReg, op::Operand};

/// Bundles that are being put together, and where they came from.
#[derive(Debug, Default)]
pub(super) struct Emitted {
    /// The bundles.
    pub bundles: Vec<Bundle>,
    /// For each op of each bundle the statement that it is; `None` for ops of the backend's own.
    pub origins: Vec<Vec<Option<u32>>>,
    /// The first bundle of each segment, and the end of the last.
    pub starts: Vec<usize>,
}

/// A segment over registers.
type Segment = Vec<Vec<(Op, Option<u32>)>>;

/// Emits `code`, scheduled as `bundles`, over the registers of `allocation`.
pub(super) fn emit(code: &Code, bundles: &[Bundles], allocation: &Allocation) -> Emitted {
    let segments = code.segments.iter().zip(bundles).map(|(segment, bundles)| {
        // A copy whose variables share a register after all is no op.
        let is_needed = |op: &&usize| {
            let Inst { is_copy, def, uses, .. } = segment[**op];
            !is_copy || def.map(|d| allocation.number(d)) != uses[0].map(|u| allocation.number(u))
        };
        let rename = |op: &usize| (allocation.rename(segment[*op].op), segment[*op].origin);
        let bundle = |ops: &Vec<usize>| ops.iter().filter(is_needed).map(rename).collect();
        bundles.iter().map(bundle).collect()
    });
    let segments: Vec<Segment> = segments.collect();
    let mut emitter = Emitter::default();
    let mut branches = Vec::new();
    let mut entries = vec![Flight::default(); segments.len() + 1];
    for (index, segment) in segments.iter().enumerate() {
        emitter.join(&entries[index]);
        emitter.done.starts.push(emitter.position());
        for ops in segment {
            emitter.issue(ops);
        }
        if let Some(l) = code.loop_from(index + 1) {
            emitter.wait_for(&segments[index + 1]);
            if let Some(condition) = l.unless_zero {
                branches.push((
                    emitter.branch_place(allocation.scalar(condition)),
                    condition,
                    l.last + 1,
                    false,
                ));
                entries[l.last + 1] = emitter.in_flight();
            }
        } else if let Some(l) = code.loop_to(index)
            && let Some(condition) = l.again
        {
            emitter.wait_for(&segments[l.first]);
            branches.push((
                emitter.branch_place(allocation.scalar(condition)),
                condition,
                l.first,
                true,
            ));
        }
    }
    emitter.done.starts.push(emitter.position());
    emitter.issue(&[(Op::Halt {}, None)]);
    let mut done = emitter.done;
    for (bundle, condition, segment, if_not_zero) in branches {
        let condition = allocation.scalar(condition);
        let target = u32::try_from(done.starts[segment]).expect("a program has fewer bundles");
        let op = if if_not_zero {
            Op::BrNz { condition, target }
        } else {
            Op::BrZ { condition, target }
        };
        done.add(bundle, op, None);
    }
    done
}

impl Emitted {
    /// Adds an op to a bundle, keeping `origins` in the order of the bundle's ops.
    pub(super) fn add(&mut self, bundle: usize, op: Op, origin: Option<u32>) {
        let position = self.bundles[bundle].ops().partition_point(|o| o.slot() <= op.slot());
        self.bundles[bundle].push(op).expect("the scheduler minds the capacity of slots");
        self.origins[bundle].insert(position, origin);
    }
}

/// When the writes that are in flight will be done: bundles from now, by register.
#[derive(Clone, Debug, Default)]
struct Flight([Vec<u64>; 3]);

#[derive(Debug)]
struct Emitter {
    done: Emitted,
    /// The bundle from which each register may be read or written.
    ready: [Vec<u64>; 3],
}

impl Default for Emitter {
    fn default() -> Self {
        Self { done: Emitted::default(), ready: REGISTERS.map(|count| vec![0; count]) }
    }
}

/// The register of an operand: class and number.
pub(super) fn register(operand: Operand) -> Option<(usize, usize)> {
    match operand {
        Operand::V(v) => Some((0, usize::from(v.0))),
        Operand::S(s) => Some((1, usize::from(s.0))),
        Operand::M(m) => Some((2, usize::from(m.0))),
        Operand::Immediate(_) => None,
    }
}

fn registers(op: &Op) -> impl Iterator<Item = (usize, usize)> {
    op.operands().into_iter().chain(op.results()).filter_map(register)
}

impl Emitter {
    fn position(&self) -> usize {
        self.done.bundles.len()
    }

    fn now(&self) -> u64 {
        self.position() as u64
    }

    fn empty_bundle(&mut self) {
        self.done.bundles.push(Bundle::default());
        self.done.origins.push(Vec::new());
    }

    /// Empty bundles until the next one is number `position`.
    fn pad_to(&mut self, position: u64) {
        while self.now() < position {
            self.empty_bundle();
        }
    }

    fn issue(&mut self, ops: &[(Op, Option<u32>)]) {
        let touched = ops.iter().flat_map(|(op, _)| registers(op));
        let position = touched.map(|(class, number)| self.ready[class][number]).max();
        self.pad_to(position.unwrap_or(0));
        let bundle = self.position();
        self.empty_bundle();
        for (op, origin) in ops {
            self.done.add(bundle, *op, *origin);
            for (class, number) in op.results().into_iter().filter_map(register) {
                self.ready[class][number] = bundle as u64 + u64::from(op.latency());
            }
        }
    }

    /// Waits until `segment` may start right after what was emitted.
    fn wait_for(&mut self, segment: &Segment) {
        let mut offsets = REGISTERS.map(|count| vec![segment.len() as u64; count]);
        for (offset, ops) in segment.iter().enumerate().rev() {
            for (class, number) in ops.iter().flat_map(|(op, _)| registers(op)) {
                offsets[class][number] = offset as u64;
            }
        }
        let ready = self.ready.iter().flatten().zip(offsets.iter().flatten());
        let start = ready.map(|(ready, offset)| ready.saturating_sub(*offset)).max();
        self.pad_to(start.unwrap_or(0));
    }

    /// The last bundle, which has the branch on `condition`; it may have to be a new one.
    fn branch_place(&mut self, condition: SReg) -> usize {
        let start = self.done.starts.last().copied().unwrap_or(0);
        let ready = self.ready[1][usize::from(condition.0)];
        self.pad_to((ready + 1).max(start as u64 + 1));
        self.position() - 1
    }

    /// What is in flight after the last bundle.
    fn in_flight(&self) -> Flight {
        let now = self.now();
        Flight(
            self.ready.each_ref().map(|file| file.iter().map(|r| r.saturating_sub(now)).collect()),
        )
    }

    /// Another way leads here, with `other` in flight.
    fn join(&mut self, other: &Flight) {
        let now = self.now();
        for (file, other) in self.ready.iter_mut().zip(&other.0) {
            for (ready, other) in file.iter_mut().zip(other) {
                *ready = (*ready).max(now + other);
            }
        }
    }
}
