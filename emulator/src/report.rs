//! [`LaunchReport`]: what a launch took, and what took it.
//!
//! Counters of work (ops, bytes, rows) are equal under every [`Timing`](crate::Timing) as long as
//! the program does not branch on time, which it cannot. Reports of launches can be added: counters
//! and cycles sum, as for launches that follow each other.

use palmetto_isa::{Bytes, Cycles, MemorySpace, Slot, memory::LANES};
use std::ops::{Add, AddAssign};

/// Rows of one streamed register.
const ROWS: u64 = 16;

/// What one launch took on one chip, or several after each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaunchReport {
    /// From the start of the launch until both cores have halted, launch overhead included.
    pub cycles: Cycles,
    /// The part of `cycles` before the first bundle.
    pub launch_cycles: Cycles,
    /// How many launches were added up.
    pub n_launches: u64,
    /// One report per core, in the order of the cores.
    pub cores: Vec<CoreReport>,
}

/// What one core did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CoreReport {
    /// From the first bundle until the core halted: issued bundles plus all stalls.
    pub cycles: Cycles,
    /// Bundles that were issued.
    pub bundles: u64,
    /// Issued bundles without an op.
    pub empty_bundles: u64,
    /// Cycles in which nothing was issued, by cause.
    pub stalls: Stalls,
    /// Ops issued per slot, in the order of [`Slot::ALL`]. Use [`CoreReport::ops`].
    pub ops_by_slot: [u64; Slot::ALL.len()],
    /// Rows streamed through MXUs, one per cycle and MXU: busy cycles summed over the MXUs.
    pub mxu_busy: Cycles,
    /// Registers pushed into the staging of MXUs.
    pub weight_pushes: u64,
    /// Registers streamed through MXUs.
    pub matmuls: u64,
    /// Transfers started.
    pub transfers: u64,
    /// Bytes moved, by source (rows) and target (columns) in the order of [`MemorySpace::ALL`]. Use
    /// [`CoreReport::dma_bytes`].
    pub dma_bytes_by_direction: [[Bytes; 4]; 4],
    /// Cycles in which transfers of this core occupied a memory channel, start latency not
    /// included.
    pub dma_busy: Cycles,
}

/// Cycles without an issued bundle, by what was waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stalls {
    /// `dma_wait` for bytes to arrive.
    pub dma: Cycles,
    /// A streamed register found the input queue of its MXU full.
    pub mxu_input: Cycles,
    /// A pop waited for an MXU's result.
    pub mxu_result: Cycles,
    /// A push or a pop waited for a cross-lane unit.
    pub xlu: Cycles,
    /// A push or a pop waited for the transcendental unit.
    pub eup: Cycles,
    /// Bubbles after taken branches.
    pub branch: Cycles,
    /// A register was not ready. Never in strict mode, where this is a fault.
    pub interlock: Cycles,
}

impl Stalls {
    /// All causes together.
    pub fn total(&self) -> Cycles {
        let Self { dma, mxu_input, mxu_result, xlu, eup, branch, interlock } = *self;
        dma + mxu_input + mxu_result + xlu + eup + branch + interlock
    }

    /// Name and cycles of each cause, in a fixed order, for reports.
    pub fn by_cause(&self) -> [(&'static str, Cycles); 7] {
        [
            ("dma", self.dma),
            ("mxu input", self.mxu_input),
            ("mxu result", self.mxu_result),
            ("xlu", self.xlu),
            ("eup", self.eup),
            ("branch", self.branch),
            ("interlock", self.interlock),
        ]
    }
}

impl CoreReport {
    /// Ops issued in `slot`.
    pub fn ops(&self, slot: Slot) -> u64 {
        self.ops_by_slot[slot as usize]
    }

    /// Bytes moved from `source` to `target` by transfers of this core.
    pub fn dma_bytes(&self, source: MemorySpace, target: MemorySpace) -> Bytes {
        self.dma_bytes_by_direction[source as usize][target as usize]
    }

    /// Bytes that transfers of this core read from or wrote to `space`.
    pub fn dma_traffic(&self, space: MemorySpace) -> Bytes {
        MemorySpace::ALL.iter().fold(Bytes(0), |sum, &other| {
            sum + self.dma_bytes(space, other) + self.dma_bytes(other, space)
        })
    }

    /// Floating-point operations of the MXUs: two per multiply-add, padding included.
    pub fn mxu_flops(&self) -> u64 {
        2 * self.matmuls * ROWS * (LANES * LANES) as u64
    }
}

impl LaunchReport {
    /// The counters of all cores together; `cycles` of the sum are core cycles.
    pub fn total(&self) -> CoreReport {
        self.cores.iter().fold(CoreReport::default(), |mut total, core| {
            total += core;
            total
        })
    }
}

impl AddAssign for Stalls {
    fn add_assign(&mut self, other: Self) {
        self.dma += other.dma;
        self.mxu_input += other.mxu_input;
        self.mxu_result += other.mxu_result;
        self.xlu += other.xlu;
        self.eup += other.eup;
        self.branch += other.branch;
        self.interlock += other.interlock;
    }
}

impl AddAssign<&Self> for CoreReport {
    fn add_assign(&mut self, other: &Self) {
        self.cycles += other.cycles;
        self.bundles += other.bundles;
        self.empty_bundles += other.empty_bundles;
        self.stalls += other.stalls;
        for (mine, theirs) in self.ops_by_slot.iter_mut().zip(other.ops_by_slot) {
            *mine += theirs;
        }
        self.mxu_busy += other.mxu_busy;
        self.weight_pushes += other.weight_pushes;
        self.matmuls += other.matmuls;
        self.transfers += other.transfers;
        let theirs = other.dma_bytes_by_direction.as_flattened();
        for (mine, theirs) in self.dma_bytes_by_direction.as_flattened_mut().iter_mut().zip(theirs)
        {
            *mine += *theirs;
        }
        self.dma_busy += other.dma_busy;
    }
}

impl AddAssign<&Self> for LaunchReport {
    fn add_assign(&mut self, other: &Self) {
        self.cycles += other.cycles;
        self.launch_cycles += other.launch_cycles;
        self.n_launches += other.n_launches;
        if self.cores.len() < other.cores.len() {
            self.cores.resize(other.cores.len(), CoreReport::default());
        }
        for (mine, theirs) in self.cores.iter_mut().zip(&other.cores) {
            *mine += theirs;
        }
    }
}

impl Add for LaunchReport {
    type Output = Self;
    fn add(mut self, other: Self) -> Self {
        self += &other;
        self
    }
}

impl Add for CoreReport {
    type Output = Self;
    fn add(mut self, other: Self) -> Self {
        self += &other;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_add_up_from_nothing() {
        let mut one = LaunchReport { cycles: Cycles(10), n_launches: 1, ..Default::default() };
        one.cores = vec![CoreReport { matmuls: 3, bundles: 5, ..Default::default() }; 2];
        let sum = LaunchReport::default() + one.clone() + one;
        assert_eq!((sum.cycles, sum.n_launches, sum.cores.len()), (Cycles(20), 2, 2));
        assert_eq!(sum.total().matmuls, 12);
        assert_eq!(sum.total().mxu_flops(), 12 * 2 * 16 * 128 * 128);
    }
}
