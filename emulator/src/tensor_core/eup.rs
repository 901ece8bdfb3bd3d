//! The transcendental unit: one push per interval, results in order through a FIFO.

use super::{
    Issue,
    fifo::{ResultFifo, Spare},
};
use crate::{
    fault::{FaultKind, Outcome, trouble},
    host::Words,
};
use palmetto_isa::{ChipSpec, Op};

/// The transcendental unit.
#[derive(Debug)]
pub(crate) struct Eup {
    /// When it takes the next push.
    pub(crate) free_at: u64,
    pub(crate) results: ResultFifo,
}

impl Eup {
    pub(crate) fn new(spec: &ChipSpec) -> Self {
        Self { free_at: 0, results: ResultFifo::new(spec.eup_result_entries) }
    }

    pub(crate) fn reset(&mut self, spare: &mut Spare) {
        self.free_at = 0;
        self.results.reset(spare);
    }

    pub(crate) fn push(&mut self, op: &Op, source: &Words, issue: &mut Issue<'_>) -> Outcome {
        self.results.check_room(1)?;
        let mut result = issue.spare.take();
        if !issue.host.eup(op, &mut result, source) {
            return trouble(FaultKind::IllegalProgram, "the transcendental unit has no such op");
        }
        self.free_at = issue.now + issue.timing.eup_interval().0;
        self.results.push(result, issue.now + issue.timing.eup_latency().0);
        Ok(())
    }
}
