//! What a bundle waits for, and what the waiting counts as.

use super::{TensorCore, fifo::ResultFifo, unit_of};
use crate::{Stalls, fault::Outcome, loaded::Step};
use palmetto_isa::{Cycles, Op, SReg, Slot};

/// The counter that a stall adds to.
type Cause = fn(&mut Stalls) -> &mut Cycles;

impl TensorCore {
    /// Waits until every op of the bundle has what it needs; false if the other core, which sends
    /// and has come to the time `other` only, has to run first.
    pub(super) fn wait_for_units(
        &mut self,
        steps: &[Step],
        other: Option<(u64, u32)>,
    ) -> Outcome<bool> {
        let mut popped = None;
        for Step { op, .. } in steps {
            self.step = Some(*op);
            #[expect(clippy::wildcard_enum_match_arm, reason = "the other ops wait for nothing")]
            match *op {
                Op::MxuMatmul { mxu, .. } | Op::MxuMatmulLatch { mxu, .. } => {
                    let room_at = self.mxus[usize::from(mxu)].room_at();
                    self.wait_until(room_at, |stalls| &mut stalls.mxu_input);
                }
                Op::DmaWait { flag, bytes } => {
                    if !self.wait_for_bytes(flag, bytes, other)? {
                        return Ok(false);
                    }
                }
                _ => match op.slot() {
                    Slot::XluPush => {
                        let free_at = self.xlus[usize::from(unit_of(op))].free_at;
                        self.wait_until(free_at, |stalls| &mut stalls.xlu);
                    }
                    Slot::EupPush => {
                        self.wait_until(self.eup.free_at, |stalls| &mut stalls.eup);
                    }
                    Slot::Pop => {
                        let (fifo, cause) = self.fifo(op);
                        // The second pop of a bundle from the same FIFO takes the second result.
                        let same = popped.replace(fifo_key(op)) == Some(fifo_key(op));
                        let ready = fifo.ready(usize::from(same))?;
                        self.wait_until(ready, cause);
                    }
                    Slot::Scalar
                    | Slot::Branch
                    | Slot::VectorAlu
                    | Slot::VectorLoad
                    | Slot::VectorStore
                    | Slot::MxuPush
                    | Slot::Matmul
                    | Slot::Dma => {}
                },
            }
        }
        self.step = None;
        Ok(true)
    }

    fn wait_for_bytes(
        &mut self,
        flag: SReg,
        bytes: SReg,
        other: Option<(u64, u32)>,
    ) -> Outcome<bool> {
        let flag = self.flags.flag(self.registers.scalar(flag))?;
        let bytes = self.registers.scalar(bytes).into();
        let value = self.flags.value(flag);
        if value >= bytes {
            return Ok(true);
        }
        let arrival = self.transfers.arrival(flag, value, bytes);
        let known = arrival.as_ref().map_or(u64::MAX, |arrival| *arrival);
        if other.is_some_and(|other| (known, self.index) > other) {
            self.waits_until = Some(known);
            return Ok(false);
        }
        self.wait_until(arrival?, |stalls| &mut stalls.dma);
        Ok(true)
    }

    pub(super) fn wait_until(&mut self, time: u64, cause: Cause) {
        if time > self.clock {
            *cause(&mut self.report.stalls) += Cycles(time - self.clock);
            self.clock = time;
        }
    }

    /// The FIFO that an op pops, and what waiting for it counts as.
    pub(super) fn fifo(&mut self, op: &Op) -> (&mut ResultFifo, Cause) {
        if let Op::MxuPop { mxu, .. } = *op {
            (&mut self.mxus[usize::from(mxu)].results, |stalls| &mut stalls.mxu_result)
        } else if let Op::XluPop { unit, .. } = *op {
            (&mut self.xlus[usize::from(unit)].results, |stalls| &mut stalls.xlu)
        } else {
            (&mut self.eup.results, |stalls| &mut stalls.eup)
        }
    }
}

/// Tells the FIFOs of a core apart.
fn fifo_key(op: &Op) -> (u8, u8) {
    if let Op::MxuPop { mxu, .. } = *op {
        (0, mxu)
    } else if let Op::XluPop { unit, .. } = *op {
        (1, unit)
    } else {
        (2, 0)
    }
}
