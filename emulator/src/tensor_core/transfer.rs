//! The core's side of transfers: starting them, waiting for them, letting them arrive.

use super::{Surroundings, TensorCore};
use crate::{
    LoadedProgram,
    dma::{Copy, InFlight, Memories, Shared, Side},
    fault::{FaultKind, Outcome, trouble},
    memory::Memory,
    timing::Transfer,
};
use palmetto_isa::{Bytes, Op, SReg};

impl TensorCore {
    /// Executes an op of the DMA slot.
    pub(super) fn execute_dma(&mut self, op: &Op, with: &mut Surroundings<'_>) -> Outcome {
        #[expect(clippy::wildcard_enum_match_arm, reason = "other slots have their own units")]
        match *op {
            Op::DmaStart { descriptor, src, dst, flag } => {
                let transfer =
                    self.transfer(Side::Both, descriptor, [src, dst, flag], with.program)?;
                self.start_transfer(transfer, with)
            }
            Op::DmaSend { descriptor, src, dst, sent, core, received } => {
                let received = self.flags.flag(self.registers.scalar(received))?;
                let core = self.other_core(self.registers.scalar(core), with.program)?;
                let transfer =
                    self.transfer(Side::Source, descriptor, [src, dst, sent], with.program)?;
                self.send(transfer, (core, received), with)
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

    /// A transfer that is about to start, from registers: source, target and sync flag.
    fn transfer(
        &self,
        side: Side,
        descriptor: u32,
        [source, target, flag]: [SReg; 3],
        program: &LoadedProgram,
    ) -> Outcome<InFlight> {
        Ok(InFlight {
            side,
            done: 0,
            descriptor,
            source: self.registers.address(source, 0),
            target: self.registers.address(target, 0),
            flag: self.flags.flag(self.registers.scalar(flag))?,
            bytes: program.descriptors[descriptor as usize].total_bytes(),
        })
    }

    /// The core that a register names, which is another one.
    fn other_core(&self, number: u32, program: &LoadedProgram) -> Outcome<usize> {
        if number < program.spec.n_cores && number != self.index {
            return Ok(number as usize);
        }
        let (own, n_cores) = (self.index, program.spec.n_cores);
        let detail = format!("core {number} of {n_cores}; a core sends to another one, not {own}");
        trouble(FaultKind::OutOfBounds, detail)
    }

    fn start_transfer(&mut self, mut transfer: InFlight, with: &mut Surroundings<'_>) -> Outcome {
        self.serve(&mut transfer, with)?;
        let held = if self.strict { self.hold(&transfer, with) } else { Ok(()) };
        // Also after a fault: what of it is held has to be let go of.
        self.transfers.add(transfer);
        held
    }

    /// Strict mode: takes hold of a transfer's source and target.
    fn hold(&mut self, transfer: &InFlight, with: &mut Surroundings<'_>) -> Outcome {
        let copy = copy_of(with.program, transfer);
        let mut memories = memories(&mut self.vmem, &mut self.smem, with.shared);
        copy.hold_source(&mut memories, self.index)?;
        copy.hold_target(&mut memories, self.index)
    }

    /// Sends to a core, at the end of which its flag gets the bytes too.
    fn send(
        &mut self,
        mut transfer: InFlight,
        (core, received): (usize, usize),
        with: &mut Surroundings<'_>,
    ) -> Outcome {
        self.serve(&mut transfer, with)?;
        let copy = copy_of(with.program, &transfer);
        let mut memories = memories(&mut self.vmem, &mut self.smem, with.shared);
        if self.strict {
            copy.hold_source(&mut memories, self.index)?;
        }
        let side = Side::Target(copy.read(&memories)?);
        with.shared.sent_to[core].push(InFlight { side, flag: received, ..transfer });
        self.transfers.add(transfer);
        Ok(())
    }

    /// Finds out when a transfer that starts now will be done.
    fn serve(&mut self, transfer: &mut InFlight, with: &mut Surroundings<'_>) -> Outcome {
        let copy = copy_of(with.program, transfer);
        copy.check_bounds(&memories(&mut self.vmem, &mut self.smem, with.shared))?;
        let (source, target) = (copy.descriptor.source, copy.descriptor.target);
        let bytes = Bytes(transfer.bytes);
        let time = with.timing.transfer(Transfer { source, target, bytes });
        transfer.done = with.shared.channels.serve(copy.descriptor, self.index, self.clock, time);
        self.report.transfers += 1;
        self.report.dma_bytes_by_direction[source as usize][target as usize] += bytes;
        self.report.dma_busy += time.service;
        Ok(())
    }

    /// Takes what the other core has sent to this one.
    pub(crate) fn receive(&mut self, shared: &mut Shared) {
        for transfer in shared.sent_to[self.index as usize].drain(..) {
            self.transfers.add(transfer);
            self.waits_until = None;
        }
    }

    /// Makes the bytes of transfers that are done by now visible.
    pub(super) fn finish_transfers(&mut self, with: &mut Surroundings<'_>) -> Outcome {
        while let Some(transfer) = self.transfers.take_done(self.clock) {
            let mut memories = memories(&mut self.vmem, &mut self.smem, with.shared);
            let copy = copy_of(with.program, &transfer);
            match &transfer.side {
                Side::Both => copy.finish(&mut memories)?,
                Side::Source => {}
                Side::Target(words) => {
                    if self.strict {
                        copy.hold_target(&mut memories, self.index)?;
                    }
                    copy.write(&mut memories, words)?;
                }
            }
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
            let copy = copy_of(with.program, &transfer);
            if !matches!(transfer.side, Side::Target(_)) {
                copy.release_source(&mut memories)?;
            }
            if !matches!(transfer.side, Side::Source) {
                copy.release_target(&mut memories)?;
            }
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
