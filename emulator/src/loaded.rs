//! [`LoadedProgram`]: a program that was checked against a chip and decoded once.
//!
//! Loading refuses whatever could not be executed at all: register numbers, units, descriptors and
//! branch targets that do not exist, two writers of one register in a bundle, memory that the chip
//! does not have. What depends on values (addresses, readiness, FIFOs) is checked by the engine.

use crate::fault::{Fault, FaultKind, Outcome, op_text, trouble};
use palmetto_isa::{
    Bundle, ChipSpec, DmaDescriptor, MReg, Op, Program, SReg, Slot, VReg, memory::GRANULE_BYTES,
    op::Operand,
};
use std::ops::Range;

/// Vector and mask registers are one file of word arrays: vectors first, then masks.
pub(crate) const FIRST_MASK: usize = VReg::COUNT;
/// Scalar registers come last in the numbering of all registers.
pub(crate) const FIRST_SCALAR: usize = FIRST_MASK + MReg::COUNT;
/// How many registers a core has.
pub(crate) const N_REGISTERS: usize = FIRST_SCALAR + SReg::COUNT;

/// A set of registers, one bit per register.
pub(crate) type RegisterSet = u128;

/// A program, ready to be launched on chips of the specification that it was loaded for.
#[derive(Clone, Debug)]
pub struct LoadedProgram {
    pub(crate) name: String,
    pub(crate) bundles: Vec<LoadedBundle>,
    pub(crate) steps: Vec<Step>,
    pub(crate) writes: Vec<Write>,
    pub(crate) descriptors: Vec<DmaDescriptor>,
    pub(crate) vmem_granules: u32,
    pub(crate) n_arguments: u32,
    /// Compared at launch: a program loaded for another chip is refused.
    pub(crate) spec: ChipSpec,
}

/// A decoded bundle.
#[derive(Clone, Debug)]
pub(crate) struct LoadedBundle {
    pub(crate) steps: Range<usize>,
    pub(crate) writes: Range<usize>,
    pub(crate) reads: RegisterSet,
    pub(crate) written: RegisterSet,
    /// Some op may have to wait for a unit.
    pub(crate) waits: bool,
    pub(crate) starts_transfer: bool,
    pub(crate) ops_by_slot: [u8; Slot::ALL.len()],
}

/// An op with the registers of the word file that it names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) op: Op,
    /// The vector and mask operands in the order of the row; the rest is 0.
    pub(crate) sources: [u8; 3],
    /// The vector or mask result, or 0.
    pub(crate) dst: u8,
}

/// A register that a bundle writes and the op's latency.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Write {
    pub(crate) register: u8,
    pub(crate) latency: u8,
}

impl LoadedProgram {
    /// Checks and decodes `program` for a chip.
    ///
    /// # Errors
    /// [`FaultKind::IllegalProgram`] with the bundle and the op.
    pub fn new(program: &Program, spec: &ChipSpec) -> Result<Self, Fault> {
        check_program(program, spec).map_err(|trouble| trouble.nowhere())?;
        let mut loaded = Self {
            name: program.name.clone(),
            bundles: Vec::with_capacity(program.bundles.len()),
            steps: Vec::new(),
            writes: Vec::new(),
            descriptors: program.descriptors.clone(),
            vmem_granules: program.vmem_granules,
            n_arguments: program.n_arguments,
            spec: *spec,
        };
        for (index, bundle) in program.bundles.iter().enumerate() {
            loaded.add_bundle(bundle, program, spec).map_err(|(op, trouble)| Fault {
                bundle: u32::try_from(index).ok(),
                op: Some(op_text(&op)),
                ..trouble.nowhere()
            })?;
        }
        Ok(loaded)
    }

    /// The program's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn add_bundle(
        &mut self,
        bundle: &Bundle,
        program: &Program,
        spec: &ChipSpec,
    ) -> Result<(), (Op, Box<crate::fault::Trouble>)> {
        let (first_step, first_write) = (self.steps.len(), self.writes.len());
        let mut loaded = LoadedBundle {
            steps: first_step..first_step,
            writes: first_write..first_write,
            reads: 0,
            written: 0,
            waits: false,
            starts_transfer: false,
            ops_by_slot: [0; Slot::ALL.len()],
        };
        let mut ops = bundle.ops().to_vec();
        ops.sort_by_key(execution_order);
        for op in ops {
            self.add_op(op, &mut loaded)
                .and_then(|()| check_op(&op, program, spec))
                .map_err(|trouble| (op, trouble))?;
        }
        loaded.steps.end = self.steps.len();
        loaded.writes.end = self.writes.len();
        self.bundles.push(loaded);
        Ok(())
    }

    fn add_op(&mut self, op: Op, bundle: &mut LoadedBundle) -> Outcome {
        let mut step = Step { op, sources: [0; 3], dst: 0 };
        let mut n_sources = 0;
        for operand in op.operands() {
            let Some(register) = register_number(operand)? else { continue };
            bundle.reads |= 1 << register;
            if usize::from(register) < FIRST_SCALAR {
                step.sources[n_sources] = register;
                n_sources += 1;
            }
        }
        for result in op.results() {
            let Some(register) = register_number(result)? else { continue };
            if bundle.written >> register & 1 != 0 {
                let detail = format!("{result:?} is written by another op of the same bundle");
                return trouble(FaultKind::IllegalProgram, detail);
            }
            bundle.written |= 1 << register;
            if usize::from(register) < FIRST_SCALAR {
                step.dst = register;
            }
            let latency = u8::try_from(op.latency()).expect("latencies of the table are small");
            self.writes.push(Write { register, latency });
        }
        bundle.waits |= may_wait(op.slot());
        bundle.starts_transfer |= matches!(op, Op::DmaStart { .. });
        bundle.ops_by_slot[op.slot() as usize] += 1;
        self.steps.push(step);
        Ok(())
    }
}

/// All ops of a bundle read before any writes. Registers are committed after the bundle; this order
/// does the same for memories and staging registers: loads go before stores, and a latch takes what
/// earlier bundles have staged.
fn execution_order(op: &Op) -> u8 {
    match op.slot() {
        Slot::Scalar => u8::from(matches!(op, Op::Sst { .. })),
        Slot::VectorAlu => 2,
        Slot::VectorLoad => 3,
        Slot::VectorStore => 4,
        Slot::Pop => 5,
        Slot::EupPush => 6,
        Slot::XluPush => 7,
        Slot::Matmul => 8,
        Slot::MxuPush => 9,
        Slot::Dma => 10,
        Slot::Branch => 11,
    }
}

fn may_wait(slot: Slot) -> bool {
    match slot {
        Slot::EupPush | Slot::XluPush | Slot::Matmul | Slot::Pop | Slot::Dma => true,
        Slot::Scalar
        | Slot::Branch
        | Slot::VectorAlu
        | Slot::VectorLoad
        | Slot::VectorStore
        | Slot::MxuPush => false,
    }
}

/// The position of a register in the numbering of all registers; nothing for an immediate.
fn register_number(operand: Operand) -> Outcome<Option<u8>> {
    let (index, count, first) = match operand {
        Operand::V(VReg(index)) => (index, VReg::COUNT, 0),
        Operand::M(MReg(index)) => (index, MReg::COUNT, FIRST_MASK),
        Operand::S(SReg(index)) => (index, SReg::COUNT, FIRST_SCALAR),
        Operand::Immediate(_) => return Ok(None),
    };
    if usize::from(index) >= count {
        let detail = format!("{operand:?} does not exist: the file has {count} registers");
        return trouble(FaultKind::IllegalProgram, detail);
    }
    let first = u8::try_from(first).expect("there are fewer than 256 registers");
    Ok(Some(first + index))
}

fn check_program(program: &Program, spec: &ChipSpec) -> Outcome {
    if program.bundles.is_empty() {
        return trouble(FaultKind::IllegalProgram, "the program has no bundles");
    }
    if u32::try_from(program.bundles.len()).is_err() {
        return trouble(FaultKind::IllegalProgram, "the program has 2^32 bundles or more");
    }
    at_most("granules of VMEM", program.vmem_granules.into(), granules(spec.vmem_bytes))?;
    at_most("launch arguments", program.n_arguments.into(), spec.smem_bytes / 4)?;
    for (index, descriptor) in program.descriptors.iter().enumerate() {
        check_descriptor(descriptor).map_err(|mut trouble| {
            trouble.detail = format!("DMA descriptor {index}: {}", trouble.detail);
            trouble
        })?;
    }
    Ok(())
}

fn check_descriptor(descriptor: &DmaDescriptor) -> Outcome {
    let n_dimensions = descriptor.dimensions.len() as u64;
    at_most("strided dimensions", n_dimensions, DmaDescriptor::MAX_DIMENSIONS as u64)?;
    let counts = descriptor.dimensions.iter().map(|dimension| dimension.count);
    let total = counts
        .chain([descriptor.granules])
        .try_fold(1_u32, |total, count| total.checked_mul(count));
    match total {
        Some(0) => trouble(FaultKind::IllegalProgram, "it moves nothing"),
        Some(_) => Ok(()),
        None => trouble(FaultKind::IllegalProgram, "it moves 2^32 granules or more"),
    }
}

fn check_op(op: &Op, program: &Program, spec: &ChipSpec) -> Outcome {
    // Immediates that name something; every other immediate is legal whatever it is.
    #[expect(clippy::wildcard_enum_match_arm, reason = "only these ops name a unit or a part")]
    match *op {
        Op::Br { target } | Op::BrNz { target, .. } | Op::BrZ { target, .. } => {
            below("bundle", target.into(), program.bundles.len() as u64)
        }
        Op::DmaStart { descriptor, .. } => {
            below("DMA descriptor", descriptor.into(), program.descriptors.len() as u64)
        }
        Op::MxuPush { mxu, .. }
        | Op::MxuPushXpose { mxu, .. }
        | Op::MxuMatmul { mxu, .. }
        | Op::MxuMatmulLatch { mxu, .. }
        | Op::MxuPop { mxu, .. } => below("MXU", mxu.into(), spec.n_mxus.into()),
        Op::XluRot { unit, .. }
        | Op::XluGather { unit, .. }
        | Op::XluSumF32 { unit, .. }
        | Op::XluMaxF32 { unit, .. }
        | Op::XluMinF32 { unit, .. }
        | Op::XluXpose { unit, .. }
        | Op::XluPop { unit, .. } => below("cross-lane unit", unit.into(), spec.n_xlus.into()),
        Op::VunpackBf16 { part, .. }
        | Op::VunpackF16 { part, .. }
        | Op::VunpackS16 { part, .. }
        | Op::VunpackU16 { part, .. } => below("part", part.into(), 2),
        Op::VunpackS8 { part, .. } | Op::VunpackU8 { part, .. } => below("part", part.into(), 4),
        Op::VbcastSublane { index, .. } => below("sublane", index.into(), 8),
        Op::VrotSublane { amount, .. } => below("sublane rotation", amount.into(), 8),
        _ => Ok(()),
    }
}

fn below(what: &str, given: u64, count: u64) -> Outcome {
    if given < count {
        return Ok(());
    }
    trouble(FaultKind::IllegalProgram, format!("{what} {given} does not exist: there are {count}"))
}

fn at_most(what: &str, given: u64, limit: u64) -> Outcome {
    if given <= limit {
        return Ok(());
    }
    trouble(FaultKind::IllegalProgram, format!("{given} {what}, at most {limit} are allowed"))
}

/// Whole granules in `bytes`.
pub(crate) fn granules(bytes: u64) -> u64 {
    bytes / GRANULE_BYTES as u64
}
