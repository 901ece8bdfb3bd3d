//! One MXU: staging register, weights, the rows that stream through, results.
//!
//! Weights are loaded in the shadow of the rows that stream: a latch waits until the eight pushed
//! registers are loaded, one row per cycle from the first push on, or from the previous latch if
//! that is later. Rows wait in an input queue; issue stalls when it is full.

use super::{
    Issue,
    fifo::{ResultFifo, Spare},
};
use crate::{
    fault::{FaultKind, Outcome, trouble},
    host::{MXU_ROWS, MXU_SIZE, Rows, Weights, Words, portable},
};
use palmetto_isa::ChipSpec;
use std::collections::VecDeque;

/// Registers that make a full staging register.
const PUSHES: usize = MXU_SIZE / MXU_ROWS;

/// One MXU.
#[derive(Debug)]
pub(crate) struct Mxu {
    weights: Box<Weights>,
    has_weights: bool,
    staging: Box<Weights>,
    n_staged: usize,
    transposed: bool,
    /// When all that was pushed is loaded.
    staged_at: u64,
    latched_at: u64,
    free_at: u64,
    /// When the last entries of the input queue start to stream.
    starts: VecDeque<u64>,
    n_input_entries: usize,
    rows: Box<Rows>,
    pub(crate) results: ResultFifo,
}

impl Mxu {
    pub(crate) fn new(spec: &ChipSpec) -> Self {
        Self {
            weights: Weights::boxed(),
            has_weights: false,
            staging: Weights::boxed(),
            n_staged: 0,
            transposed: false,
            staged_at: 0,
            latched_at: 0,
            free_at: 0,
            starts: VecDeque::new(),
            n_input_entries: spec.mxu_input_entries.max(1) as usize,
            rows: Box::new(Rows([0.0; MXU_ROWS * MXU_SIZE])),
            results: ResultFifo::new(spec.mxu_result_entries),
        }
    }

    /// No weights (zeros outside of strict mode), nothing staged, nothing in flight.
    pub(crate) fn reset(&mut self, spare: &mut Spare) {
        if self.has_weights {
            self.weights.0.fill(0.0);
        }
        self.has_weights = false;
        self.n_staged = 0;
        (self.staged_at, self.latched_at, self.free_at) = (0, 0, 0);
        self.starts.clear();
        self.results.reset(spare);
    }

    /// Stages 16 packed rows of the weights or, `transposed`, 16 columns.
    pub(crate) fn push(
        &mut self,
        source: &Words,
        transposed: bool,
        issue: &mut Issue<'_>,
    ) -> Outcome {
        if self.n_staged == PUSHES {
            let detail = format!("{PUSHES} registers are staged already, and no latch took them");
            return trouble(FaultKind::Staging, detail);
        }
        if self.n_staged == 0 {
            self.transposed = transposed;
            self.staged_at = self.latched_at;
        } else if self.transposed != transposed {
            let detail = "mxu_push and mxu_push_xpose are mixed in one staging";
            return trouble(FaultKind::Staging, detail);
        }
        self.staged_at = self.staged_at.max(issue.now) + issue.timing.mxu_weight_push().0;
        portable::stage_weights(&mut self.staging, self.n_staged, source, transposed);
        self.n_staged += 1;
        Ok(())
    }

    /// When the input queue has room.
    pub(crate) fn room_at(&self) -> u64 {
        let full = self.starts.len() == self.n_input_entries;
        self.starts.front().filter(|_| full).copied().unwrap_or(0)
    }

    /// Streams 16 packed rows through the weights; if `latch`, the staged rows become the weights
    /// first.
    pub(crate) fn matmul(&mut self, source: &Words, latch: bool, issue: &mut Issue<'_>) -> Outcome {
        self.results.check_room(2)?;
        let mut start = self.free_at.max(issue.now);
        if latch {
            self.latch()?;
            start = start.max(self.staged_at);
            self.latched_at = start;
        }
        let stream = issue.timing.mxu_stream().0;
        self.free_at = start + stream;
        if self.starts.len() == self.n_input_entries {
            self.starts.pop_front();
        }
        self.starts.push_back(start);
        let (mut low, mut high) = (issue.spare.take(), issue.spare.take());
        issue.host.unpack_rows(source, &mut self.rows);
        issue.host.mxu_matmul(&self.rows, &self.weights, &mut low, &mut high);
        self.results.push(low, start + stream.div_ceil(2) + issue.timing.mxu_latency().0);
        self.results.push(high, self.free_at + issue.timing.mxu_latency().0);
        Ok(())
    }

    fn latch(&mut self) -> Outcome {
        if self.n_staged < PUSHES {
            let staged = self.n_staged;
            let detail = format!("{staged} of {PUSHES} registers are staged when they are latched");
            return trouble(FaultKind::Staging, detail);
        }
        std::mem::swap(&mut self.weights, &mut self.staging);
        self.n_staged = 0;
        self.has_weights = true;
        Ok(())
    }

    /// Strict mode: rows must not stream through weights that nobody has loaded.
    pub(crate) fn check_weights(&self) -> Outcome {
        if self.has_weights {
            return Ok(());
        }
        trouble(FaultKind::UninitializedRead, "the MXU has no weights: none were latched")
    }

    /// The end of a program in strict mode.
    pub(crate) fn check_empty(&self, index: usize) -> Outcome {
        if self.n_staged != 0 {
            let n_staged = self.n_staged;
            let detail = format!("MXU {index} has {n_staged} staged registers when the core halts");
            return trouble(FaultKind::Staging, detail);
        }
        self.results.check_empty(&format!("MXU {index}"))
    }
}
