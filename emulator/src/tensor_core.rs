//! The issue loop of one TensorCore: what a bundle waits for, what it does, what comes next.
//!
//! Bundles issue in order, one per cycle. A bundle waits as a whole until everything that one of
//! its ops needs is there (results in FIFOs, room in queues, bytes on sync flags); then all its ops
//! read, then all write. This engine is the definition of the machine.

mod eup;
mod fifo;
mod mxu;
mod registers;
mod scalar;
mod transfer;
mod vector;
mod wait;
mod xlu;

use crate::{
    CoreReport, EmulatorOptions, Fault, FaultKind, LoadedProgram, Timing,
    dma::{Queue, Shared},
    fault::{Outcome, Trouble, trouble},
    host::Host,
    loaded::{LoadedBundle, Step, granules},
    memory::Memory,
    sync::SyncFlags,
};
use eup::Eup;
use fifo::Spare;
use mxu::Mxu;
use palmetto_isa::{ChipSpec, Cycles, MemorySpace, Op, Slot, asm::print_op};
use registers::{Registers, register_name};
use transfer::copy_of;
use xlu::{Xlu, XluOperands};

/// One TensorCore.
pub(crate) struct TensorCore {
    index: u32,
    host: Host,
    strict: bool,
    max_bundles: u64,
    /// The cycle in which the next bundle may issue.
    clock: u64,
    /// Until when a wait will last, as far as is known, that the other core may end earlier.
    waits_until: Option<u64>,
    /// Issued bundles, and bundles that an interlock has put in between.
    issued: u64,
    bundle: usize,
    halted: bool,
    registers: Registers,
    vmem: Memory,
    smem: Memory,
    mxus: Vec<Mxu>,
    xlus: Vec<Xlu>,
    eup: Eup,
    flags: SyncFlags,
    transfers: Queue,
    spare: Spare,
    report: CoreReport,
    /// The op that is looked at, for faults.
    step: Option<Op>,
}

/// What a unit may use when an op is issued to it.
pub(crate) struct Issue<'a> {
    now: u64,
    host: Host,
    timing: &'a mut dyn Timing,
    spare: &'a mut Spare,
}

/// What a core works with during a launch besides itself.
pub(crate) struct Surroundings<'a> {
    pub(crate) program: &'a LoadedProgram,
    pub(crate) shared: &'a mut Shared,
    pub(crate) timing: &'a mut dyn Timing,
}

/// Where the program continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Following,
    Jump(u32),
    Halt,
}

impl TensorCore {
    pub(crate) fn new(index: u32, spec: &ChipSpec, options: &EmulatorOptions) -> Self {
        Self {
            index,
            host: Host::detect(),
            strict: options.strict,
            max_bundles: options.max_bundles,
            clock: 0,
            waits_until: None,
            issued: 0,
            bundle: 0,
            halted: true,
            registers: Registers::new(),
            vmem: Memory::new(MemorySpace::Vmem, spec.vmem_bytes, options.strict),
            smem: Memory::new(MemorySpace::Smem, spec.smem_bytes, options.strict),
            mxus: (0..spec.n_mxus).map(|_| Mxu::new(spec)).collect(),
            xlus: (0..spec.n_xlus).map(|_| Xlu::new(spec)).collect(),
            eup: Eup::new(spec),
            flags: SyncFlags::new(spec.n_sync_flags),
            transfers: Queue::default(),
            spare: Spare::default(),
            report: CoreReport::default(),
            step: None,
        }
    }

    pub(crate) fn is_strict(&self) -> bool {
        self.strict
    }

    /// Changes the mode between launches.
    pub(crate) fn set_strict(&mut self, strict: bool) {
        self.strict = strict;
        self.vmem.set_strict(strict);
        self.smem.set_strict(strict);
    }

    /// Everything private is undefined, except for the arguments.
    pub(crate) fn begin_launch(&mut self, program: &LoadedProgram, arguments: &[u32]) {
        (self.clock, self.issued, self.bundle, self.halted) = (0, 0, 0, false);
        self.waits_until = None;
        self.registers.reset(&mut self.spare);
        self.mxus.iter_mut().for_each(|mxu| mxu.reset(&mut self.spare));
        self.xlus.iter_mut().for_each(|xlu| xlu.reset(&mut self.spare));
        self.eup.reset(&mut self.spare);
        self.flags.reset();
        self.vmem.begin_private_launch(program.vmem_granules as usize);
        let smem_granules =
            usize::try_from(granules(program.spec.smem_bytes)).unwrap_or(usize::MAX);
        self.smem.begin_private_launch(smem_granules);
        self.smem.words[..arguments.len()].copy_from_slice(arguments);
        if let Some(shadow) = &mut self.smem.shadow {
            shadow.define(0..arguments.len());
        }
        self.report = CoreReport::default();
    }

    /// The core's place in the order of simulated time.
    pub(crate) fn time(&self) -> (u64, u32) {
        (self.waits_until.map_or(self.clock, |until| until.max(self.clock)), self.index)
    }

    pub(crate) fn halted(&self) -> bool {
        self.halted
    }

    pub(crate) fn take_report(&mut self) -> CoreReport {
        std::mem::take(&mut self.report)
    }

    /// Runs until the core halts, has sent something to the other one, or comes to what depends on
    /// the other one's doings up to `limit`: it is about to start a transfer later than that, or
    /// waits for longer where the other one may send something. Nothing else depends on the other.
    pub(crate) fn run(
        &mut self,
        with: &mut Surroundings<'_>,
        limit: (u64, u32),
    ) -> Result<(), Fault> {
        while !self.halted {
            self.step = None;
            match self.issue_bundle(with, limit) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(trouble) => return Err(self.fault(*trouble)),
            }
        }
        Ok(())
    }

    /// Lets go of shared memory after a fault.
    pub(crate) fn abandon(&mut self, program: &LoadedProgram, shared: &mut Shared) {
        self.halted = true;
        for transfer in self.transfers.drain() {
            copy_of(program, &transfer).abandon(shared);
        }
    }

    fn fault(&self, trouble: Trouble) -> Fault {
        Fault {
            core: Some(self.index),
            bundle: u32::try_from(self.bundle).ok(),
            op: self.step.as_ref().map(print_op),
            ..trouble.nowhere()
        }
    }

    /// Issues one bundle; false if the other core has to run first, before it or after it.
    fn issue_bundle(&mut self, with: &mut Surroundings<'_>, limit: (u64, u32)) -> Outcome<bool> {
        let program = with.program;
        let Some(bundle) = program.bundles.get(self.bundle) else {
            return trouble(FaultKind::IllegalProgram, "the program ends without `halt`");
        };
        self.check_registers(bundle)?;
        let steps = &program.steps[bundle.steps.clone()];
        self.waits_until = None;
        if bundle.waits && !self.wait_for_units(steps, program.sends.then_some(limit))? {
            return Ok(false);
        }
        if bundle.starts_transfer && self.time() > limit {
            return Ok(false);
        }
        if self.transfers.next_done() <= self.clock {
            self.finish_transfers(with)?;
        }
        let mut next = Next::Following;
        for step in steps {
            self.step = Some(step.op);
            self.execute(step, &mut next, with)?;
        }
        self.step = None;
        let writes = &program.writes[bundle.writes.clone()];
        self.registers.commit(writes, self.issued, &mut self.spare);
        self.count(bundle)?;
        self.continue_at(next, with)?;
        Ok(!bundle.sends)
    }

    /// All registers of the bundle must be defined and ready. Outside of strict mode issue waits.
    fn check_registers(&mut self, bundle: &LoadedBundle) -> Outcome {
        if self.strict {
            self.registers.check_written(bundle.reads)?;
        }
        let used = bundle.reads | bundle.written;
        let Some((ready, register)) = self.registers.not_ready(used, self.issued) else {
            return Ok(());
        };
        let missing = ready - self.issued;
        if self.strict {
            let name = register_name(register);
            let verb = if bundle.reads >> register & 1 != 0 { "read" } else { "written" };
            let detail = format!("{name} is {verb} {missing} bundles before it is ready");
            return trouble(FaultKind::NotReady, detail);
        }
        self.issued += missing;
        self.wait_until(self.clock + missing, |stalls| &mut stalls.interlock);
        Ok(())
    }

    fn execute(&mut self, step: &Step, next: &mut Next, with: &mut Surroundings<'_>) -> Outcome {
        match step.op.slot() {
            Slot::Scalar => self.execute_scalar(&step.op),
            Slot::Branch => {
                *next = self.execute_branch(&step.op)?;
                Ok(())
            }
            Slot::VectorAlu => self.execute_vector_alu(step),
            Slot::VectorLoad => self.execute_vector_load(step),
            Slot::VectorStore => self.execute_vector_store(step),
            Slot::EupPush | Slot::XluPush | Slot::MxuPush | Slot::Matmul => {
                self.execute_push(step, with.timing)
            }
            Slot::Pop => {
                let register = self.fifo(&step.op).0.pop()?;
                self.registers.set_words(step.dst, register);
                Ok(())
            }
            Slot::Dma => self.execute_dma(&step.op, with),
        }
    }

    /// Executes an op that pushes a register into a unit.
    fn execute_push(&mut self, step: &Step, timing: &mut dyn Timing) -> Outcome {
        let [source, index, _] = step.sources.map(|source| self.registers.words(source));
        let mut issue = Issue { now: self.clock, host: self.host, timing, spare: &mut self.spare };
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the other pushes are told by their slot"
        )]
        match step.op {
            Op::MxuPush { mxu, .. } | Op::MxuPushXpose { mxu, .. } => {
                self.report.weight_pushes += 1;
                let transposed = matches!(step.op, Op::MxuPushXpose { .. });
                self.mxus[usize::from(mxu)].push(source, transposed, &mut issue)
            }
            Op::MxuMatmul { mxu, .. } | Op::MxuMatmulLatch { mxu, .. } => {
                let latch = matches!(step.op, Op::MxuMatmulLatch { .. });
                let mxu = &mut self.mxus[usize::from(mxu)];
                if self.strict && !latch {
                    mxu.check_weights()?;
                }
                self.report.matmuls += 1;
                self.report.mxu_busy += Cycles(crate::host::MXU_ROWS as u64);
                mxu.matmul(source, latch, &mut issue)
            }
            Op::XluRot { unit, amount, .. } => {
                let amount = self.registers.scalar(amount);
                let operands = XluOperands { source, index, amount };
                self.xlus[usize::from(unit)].push(&step.op, &operands, &mut issue)
            }
            _ if step.op.slot() == Slot::XluPush => {
                let operands = XluOperands { source, index, amount: 0 };
                let unit = usize::from(unit_of(&step.op));
                self.xlus[unit].push(&step.op, &operands, &mut issue)
            }
            _ => self.eup.push(&step.op, source, &mut issue),
        }
    }

    fn count(&mut self, bundle: &LoadedBundle) -> Outcome {
        self.issued += 1;
        self.clock += 1;
        self.report.bundles += 1;
        self.report.empty_bundles += u64::from(bundle.steps.is_empty());
        for (total, count) in self.report.ops_by_slot.iter_mut().zip(bundle.ops_by_slot) {
            *total += u64::from(count);
        }
        if self.report.bundles <= self.max_bundles {
            return Ok(());
        }
        let detail = format!("the core has issued {} bundles, the limit", self.max_bundles);
        trouble(FaultKind::Timeout, detail)
    }

    fn continue_at(&mut self, next: Next, with: &mut Surroundings<'_>) -> Outcome {
        match next {
            Next::Following => self.bundle += 1,
            Next::Jump(target) => {
                self.bundle = target as usize;
                let bubble = with.timing.taken_branch().0;
                self.wait_until(self.clock + bubble, |stalls| &mut stalls.branch);
            }
            Next::Halt => self.halt(with)?,
        }
        Ok(())
    }

    /// In strict mode everything must have been waited for; else what is in flight still arrives.
    fn halt(&mut self, with: &mut Surroundings<'_>) -> Outcome {
        self.finish_transfers(with)?;
        if self.strict {
            self.check_all_done()?;
        }
        if let Some(done) = self.transfers.last_done() {
            self.wait_until(done, |stalls| &mut stalls.dma);
            self.finish_transfers(with)?;
        }
        self.halted = true;
        self.report.cycles = Cycles(self.clock);
        Ok(())
    }

    fn check_all_done(&self) -> Outcome {
        let in_flight = self.transfers.len();
        if in_flight != 0 {
            let detail = format!("{in_flight} transfers are in flight when the core halts");
            return trouble(FaultKind::Sync, detail);
        }
        self.flags.check_zero()?;
        for (index, mxu) in self.mxus.iter().enumerate() {
            mxu.check_empty(index)?;
        }
        for (index, xlu) in self.xlus.iter().enumerate() {
            xlu.check_empty(index)?;
        }
        self.eup.results.check_empty("the transcendental unit")
    }
}

/// The cross-lane unit that an op names; 0 for ops that name none.
fn unit_of(op: &Op) -> u8 {
    #[expect(clippy::wildcard_enum_match_arm, reason = "only these ops name a cross-lane unit")]
    match *op {
        Op::XluRot { unit, .. }
        | Op::XluGather { unit, .. }
        | Op::XluSumF32 { unit, .. }
        | Op::XluMaxF32 { unit, .. }
        | Op::XluMinF32 { unit, .. }
        | Op::XluXpose { unit, .. }
        | Op::XluPop { unit, .. } => unit,
        _ => 0,
    }
}
