//! The core's side of transfers: starting them, waiting for them, letting them arrive.

use super::{Surroundings, TensorCore};
use crate::{
    LoadedProgram,
    dma::{Copy, InFlight, Memories, Shared},
    fault::{FaultKind, Outcome, trouble},
    memory::Memory,
    timing::Transfer,
};
use palmetto_isa::{Bytes, Op};

impl TensorCore {
    /// Executes an op of the DMA slot.
    pub(super) fn execute_dma(&mut self, op: &Op, with: &mut Surroundings<'_>) -> Outcome {
        #[expect(clippy::wildcard_enum_match_arm, reason = "other slots have their own units")]
        match *op {
            Op::DmaStart { descriptor, src, dst, flag } => {
                let transfer = InFlight {
                    done: 0,
                    descriptor,
                    source: self.registers.address(src, 0),
                    target: self.registers.address(dst, 0),
                    flag: self.flags.flag(self.registers.scalar(flag))?,
                    bytes: with.program.descriptors[descriptor as usize].total_bytes(),
                };
                self.start_transfer(transfer, with)
            }
            Op::DmaWait { flag, bytes } => {
                let flag = self.flags.flag(self.registers.scalar(flag))?;
                let bytes = self.registers.scalar(bytes).into();
                self.flags.subtract(flag, bytes);
                if self.strict { self.release_waited(flag, bytes, with) } else { Ok(()) }
            }
            _ => trouble(FaultKind::IllegalProgram, "the DMA engine has no such op"),
        }
    }

    fn start_transfer(&mut self, mut transfer: InFlight, with: &mut Surroundings<'_>) -> Outcome {
        let copy = copy_of(with.program, &transfer);
        copy.check_bounds(&memories(&mut self.vmem, &mut self.smem, with.shared))?;
        let (source, target) = (copy.descriptor.source, copy.descriptor.target);
        let bytes = Bytes(transfer.bytes);
        let time = with.timing.transfer(Transfer { source, target, bytes });
        transfer.done = with.shared.channels.serve(copy.descriptor, self.index, self.clock, time);
        self.report.transfers += 1;
        self.report.dma_bytes_by_direction[source as usize][target as usize] += bytes;
        self.report.dma_busy += time.service;
        self.transfers.add(transfer);
        if self.strict {
            let mut memories = memories(&mut self.vmem, &mut self.smem, with.shared);
            copy.begin(&mut memories, self.index)?;
        }
        Ok(())
    }

    /// Makes the bytes of transfers that are done by now visible.
    pub(super) fn finish_transfers(&mut self, with: &mut Surroundings<'_>) -> Outcome {
        while let Some(transfer) = self.transfers.take_done(self.clock) {
            let mut memories = memories(&mut self.vmem, &mut self.smem, with.shared);
            copy_of(with.program, &transfer).finish(&mut memories)?;
            self.flags.add(transfer.flag, transfer.bytes);
            if self.strict {
                self.transfers.keep_arrived(transfer);
            }
        }
        Ok(())
    }

    /// What was waited for may be touched again.
    fn release_waited(&mut self, flag: usize, bytes: u64, with: &mut Surroundings<'_>) -> Outcome {
        self.flags.credits[flag] += bytes;
        while let Some(transfer) = self.transfers.take_waited(flag, &mut self.flags.credits[flag]) {
            let mut memories = memories(&mut self.vmem, &mut self.smem, with.shared);
            copy_of(with.program, &transfer).release(&mut memories)?;
        }
        Ok(())
    }
}

/// The copy that a transfer makes.
pub(super) fn copy_of<'a>(program: &'a LoadedProgram, transfer: &InFlight) -> Copy<'a> {
    let descriptor = &program.descriptors[transfer.descriptor as usize];
    Copy { descriptor, source: transfer.source, target: transfer.target }
}

fn memories<'a>(
    vmem: &'a mut Memory,
    smem: &'a mut Memory,
    shared: &'a mut Shared,
) -> Memories<'a> {
    [&mut shared.hbm, &mut shared.cmem, vmem, smem]
}
