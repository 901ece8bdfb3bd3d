//! [`LoadedProgram`]: a program that was checked against a chip and decoded once.
//!
//! Loading refuses what [`verify_program`] calls illegal; what it accepts can be executed. What
//! depends on values (addresses, readiness, FIFOs) is checked by the engine.

use crate::fault::{Fault, FaultKind};
use palmetto_isa::{
    Bundle, ChipSpec, DmaDescriptor, MReg, Op, Program, SReg, Slot, VReg, memory::GRANULE_BYTES,
    op::Operand, verify::verify_program,
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
    /// Whether cores send to each other.
    pub(crate) sends: bool,
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
    pub(crate) sends: bool,
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
    /// [`FaultKind::IllegalProgram`] with everything that makes it illegal.
    pub fn new(program: &Program, spec: &ChipSpec) -> Result<Self, Fault> {
        if let Err(violations) = verify_program(program, spec) {
            let detail = format!("`{}` is refused: {violations}", program.name);
            let kind = FaultKind::IllegalProgram;
            return Err(Fault { kind, core: None, bundle: None, op: None, detail });
        }
        let mut loaded = Self {
            name: program.name.clone(),
            bundles: Vec::with_capacity(program.bundles.len()),
            steps: Vec::new(),
            writes: Vec::new(),
            descriptors: program.descriptors.clone(),
            vmem_granules: program.vmem_granules,
            n_arguments: program.n_arguments,
            sends: false,
            spec: *spec,
        };
        program.bundles.iter().for_each(|bundle| loaded.add_bundle(bundle));
        Ok(loaded)
    }

    /// The program's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn add_bundle(&mut self, bundle: &Bundle) {
        let (first_step, first_write) = (self.steps.len(), self.writes.len());
        let mut loaded = LoadedBundle {
            steps: first_step..first_step,
            writes: first_write..first_write,
            reads: 0,
            written: 0,
            waits: false,
            starts_transfer: false,
            sends: false,
            ops_by_slot: [0; Slot::ALL.len()],
        };
        let mut ops = bundle.ops().to_vec();
        ops.sort_by_key(execution_order);
        for op in ops {
            self.add_op(op, &mut loaded);
        }
        loaded.steps.end = self.steps.len();
        loaded.writes.end = self.writes.len();
        self.bundles.push(loaded);
    }

    fn add_op(&mut self, op: Op, bundle: &mut LoadedBundle) {
        let mut step = Step { op, sources: [0; 3], dst: 0 };
        let mut n_sources = 0;
        for register in op.operands().into_iter().filter_map(register_number) {
            bundle.reads |= 1 << register;
            if usize::from(register) < FIRST_SCALAR {
                step.sources[n_sources] = register;
                n_sources += 1;
            }
        }
        for register in op.results().into_iter().filter_map(register_number) {
            bundle.written |= 1 << register;
            if usize::from(register) < FIRST_SCALAR {
                step.dst = register;
            }
            let latency = u8::try_from(op.latency()).expect("latencies of the table are small");
            self.writes.push(Write { register, latency });
        }
        bundle.waits |= may_wait(op.slot());
        bundle.starts_transfer |= matches!(op, Op::DmaStart { .. } | Op::DmaSend { .. });
        bundle.sends |= matches!(op, Op::DmaSend { .. });
        self.sends |= bundle.sends;
        bundle.ops_by_slot[op.slot() as usize] += 1;
        self.steps.push(step);
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
fn register_number(operand: Operand) -> Option<u8> {
    let (index, first) = match operand {
        Operand::V(VReg(index)) => (index, 0),
        Operand::M(MReg(index)) => (index, FIRST_MASK),
        Operand::S(SReg(index)) => (index, FIRST_SCALAR),
        Operand::Immediate(_) => return None,
    };
    Some(u8::try_from(first).expect("there are fewer than 256 registers") + index)
}

/// Whole granules in `bytes`.
pub(crate) fn granules(bytes: u64) -> u64 {
    bytes / GRANULE_BYTES as u64
}
