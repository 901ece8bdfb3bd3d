//! One cross-lane unit: rotations, gathers, lane reductions and 128 x 128 transposes.
//!
//! Every push occupies the unit for an interval. A transpose takes 16 pushes, between which other
//! ops may pass; its 16 results enter the FIFO together.

use super::{
    Issue,
    fifo::{ResultFifo, Spare},
};
use crate::{
    fault::{FaultKind, Outcome, trouble},
    host::{Words, portable},
};
use palmetto_isa::{ChipSpec, Op};

/// Registers of a 128 x 128 block.
const BLOCK: usize = 16;

/// One cross-lane unit.
#[derive(Debug)]
pub(crate) struct Xlu {
    /// When it takes the next push.
    pub(crate) free_at: u64,
    pub(crate) results: ResultFifo,
    block: Vec<Box<Words>>,
}

/// What a push brings besides the op.
pub(crate) struct XluOperands<'a> {
    pub(crate) source: &'a Words,
    /// The second vector of a gather; any register for other ops.
    pub(crate) index: &'a Words,
    /// The scalar of a rotation; 0 for other ops.
    pub(crate) amount: u32,
}

impl Xlu {
    pub(crate) fn new(spec: &ChipSpec) -> Self {
        let results = ResultFifo::new(spec.xlu_result_entries);
        Self { free_at: 0, results, block: Vec::with_capacity(BLOCK) }
    }

    pub(crate) fn reset(&mut self, spare: &mut Spare) {
        self.free_at = 0;
        self.results.reset(spare);
        self.block.drain(..).for_each(|register| spare.give(register));
    }

    pub(crate) fn push(
        &mut self,
        op: &Op,
        operands: &XluOperands<'_>,
        issue: &mut Issue<'_>,
    ) -> Outcome {
        self.free_at = issue.now + issue.timing.xlu_interval().0;
        let mut result = issue.spare.take();
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the rest are lane reductions or no XLU op"
        )]
        match op {
            Op::XluXpose { .. } => {
                result.0.copy_from_slice(&operands.source.0);
                self.block.push(result);
                return if self.block.len() == BLOCK { self.transpose(issue) } else { Ok(()) };
            }
            Op::XluRot { .. } => {
                portable::rotate_lanes(&mut result, operands.source, operands.amount);
            }
            Op::XluGather { .. } => {
                portable::gather_lanes(&mut result, operands.source, operands.index);
            }
            _ => {
                if !issue.host.lane_reduction(op, &mut result, operands.source) {
                    return trouble(FaultKind::IllegalProgram, "the XLU has no such op");
                }
            }
        }
        self.results.check_room(1)?;
        self.results.push(result, issue.now + issue.timing.xlu_latency().0);
        Ok(())
    }

    fn transpose(&mut self, issue: &mut Issue<'_>) -> Outcome {
        self.results.check_room(BLOCK)?;
        let ready = issue.now + issue.timing.xlu_latency().0;
        for part in 0..BLOCK {
            let mut result = issue.spare.take();
            portable::transposed_part(&mut result, &self.block, part);
            self.results.push(result, ready);
        }
        self.block.drain(..).for_each(|register| issue.spare.give(register));
        Ok(())
    }

    /// The end of a program in strict mode.
    pub(crate) fn check_empty(&self, index: usize) -> Outcome {
        if !self.block.is_empty() {
            let pushed = self.block.len();
            let detail = format!(
                "cross-lane unit {index} has {pushed} of {BLOCK} registers of a transpose when the \
                 core halts"
            );
            return trouble(FaultKind::Fifo, detail);
        }
        self.results.check_empty(&format!("cross-lane unit {index}"))
    }
}
