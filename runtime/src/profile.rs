//! Where the time and the FLOPs went: launches joined with the instructions they come from.
//!
//! A [`Profiler`] is told of every launch as it happens; [`Profiler::finish`] gives a [`Report`]
//! with one row per HLO instruction (launches of a loop body are added up) and the total. All
//! times are simulated. A share is a number from 0 to 1; what is unknown of a modelled launch
//! (what its units did) counts as nothing, and the row says that it is modelled.
//!
//! * *utilisation* (MFU) is the program's FLOPs divided by what the chip's MXUs could have done in
//!   the time; operations that only the hardware sees (padding, recomputation, extra passes) do
//!   not count.
//! * *busy* shares say what the hardware did: MXUs streaming rows, vector ALU slots filled, the HBM
//!   channel moving bytes, and so on.
//! * The *bound* is the largest part of the time: the busiest unit, launch overhead, or, where no
//!   unit is busy, latency.
//! * The *roofline* is the least time that the instruction could take: its FLOPs at the chip's peak
//!   or the bytes of its operands and results at the peak of HBM, whichever is longer.

use std::collections::BTreeMap;

use palmetto_emulator::{CoreReport, LaunchReport};
use palmetto_isa::{Bytes, ChipSpec, Cycles, MemorySpace, Slot};
use serde::Serialize;

pub mod losses;
pub mod table;

pub use losses::Loss;

/// Where a launch comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// The HLO instruction.
    pub instruction: String,
    /// What it computes, in a few words.
    pub description: String,
    /// The path of names in the user's program.
    pub op_name: Option<String>,
    /// File and line in the user's program, `model.py:12`.
    pub location: Option<String>,
}

/// What a launch has to do, independent of how it does it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Floating-point operations of the HLO instruction.
    pub flops: u64,
    /// Bytes of its operands and results.
    pub bytes: Bytes,
}

/// How a row's times were found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum How {
    /// A bundle program ran.
    Scheduled,
    /// The host computed the result, a formula the time.
    Modelled {
        /// The formula in words.
        formula: String,
    },
}

/// What takes the largest part of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Bound {
    /// The MXUs stream rows.
    Mxu,
    /// The vector ALU slots are filled.
    Vpu,
    /// HBM moves bytes.
    Hbm,
    /// The transcendental units take operands.
    Eup,
    /// The cross-lane units take operands.
    Xlu,
    /// Vector registers are loaded from and stored to VMEM.
    Vmem,
    /// Starting programs.
    Launch,
    /// Waiting for results, with no unit busy.
    Latency,
    /// Unknown: the launch is modelled.
    Model,
}

impl Bound {
    /// The word in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mxu => "mxu",
            Self::Vpu => "vpu",
            Self::Hbm => "hbm",
            Self::Eup => "eup",
            Self::Xlu => "xlu",
            Self::Vmem => "vmem",
            Self::Launch => "launch",
            Self::Latency => "latency",
            Self::Model => "model",
        }
    }
}

/// Shares of the time in which units were busy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Busy {
    /// Of all MXUs of the chip.
    pub mxu: f64,
    /// Of all vector ALU slots of the chip.
    pub vpu: f64,
    /// Of the HBM channel.
    pub hbm: f64,
    /// Of the transcendental units.
    pub eup: f64,
    /// Of the cross-lane units.
    pub xlu: f64,
    /// Of the load or the store slots, whichever are fuller.
    pub vmem: f64,
}

impl Busy {
    /// The busiest of them.
    pub fn most(&self) -> (f64, Bound) {
        let candidates = [
            (self.hbm, Bound::Hbm),
            (self.vpu, Bound::Vpu),
            (self.eup, Bound::Eup),
            (self.xlu, Bound::Xlu),
            (self.vmem, Bound::Vmem),
        ];
        let first = (self.mxu, Bound::Mxu);
        candidates.into_iter().fold(first, |best, next| if next.0 > best.0 { next } else { best })
    }
}

/// Sums over launches, and what follows from them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measures {
    /// Launches of programs.
    pub launches: u64,
    /// Simulated cycles.
    pub cycles: u64,
    /// The same in seconds at the chip's clock.
    pub seconds: f64,
    /// The part of the cycles before the first bundles.
    pub launch_cycles: u64,
    /// Floating-point operations that the program asks for.
    pub flops: u64,
    /// Floating-point operations that MXUs executed, padding included.
    pub mxu_flops: u64,
    /// Bytes read from and written to HBM.
    pub hbm_bytes: u64,
    /// Share of the chip's peak that the program's FLOPs are.
    pub mfu: f64,
    /// The least seconds that any program could take for this.
    pub roofline_seconds: f64,
    /// Shares of busy units.
    pub busy: Busy,
    /// What takes the largest part of the time.
    pub bound: Bound,
    /// How the cores shared the work. Modelled launches do not count.
    pub cores: Vec<CoreShare>,
    /// Stalled cycles by cause, summed over the cores; causes without any are left out.
    pub stalls: BTreeMap<&'static str, u64>,
}

/// What one core of the chip did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CoreShare {
    /// From its first bundle until it halted.
    pub cycles: u64,
    /// Bytes that its transfers read from and wrote to HBM.
    pub hbm_bytes: u64,
}

/// One HLO instruction.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InstructionReport {
    /// Where it comes from.
    #[serde(flatten)]
    pub origin: Origin,
    /// How its time was found.
    pub how: How,
    /// What it took.
    #[serde(flatten)]
    pub measures: Measures,
}

/// A loop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoopReport {
    /// Where it comes from.
    #[serde(flatten)]
    pub origin: Origin,
    /// How often it was entered.
    pub entries: u64,
    /// How often its body ran, in all entries.
    pub trips: u64,
    /// Cycles of everything inside, inner loops included.
    pub cycles: u64,
}

/// The profile of one execution.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The program.
    pub program: String,
    /// The chip.
    pub chip: &'static str,
    /// Its clock.
    pub clock_mhz: u32,
    /// Peak FLOP/s of the chip.
    pub peak_flops_per_second: f64,
    /// Peak bytes/s of its HBM.
    pub peak_hbm_bytes_per_second: f64,
    /// The most HBM in use at any time.
    pub peak_hbm_bytes: u64,
    /// Share of modelled launches in the time.
    pub modelled_share: f64,
    /// Everything.
    pub total: Measures,
    /// One row per instruction, in the order of the first launch.
    pub instructions: Vec<InstructionReport>,
    /// The loops, in the order in which they were first entered.
    pub loops: Vec<LoopReport>,
    /// Where utilisation is lost, largest first.
    pub losses: Vec<Loss>,
}

/// Collects launches.
#[derive(Clone, Debug)]
pub struct Profiler {
    chip: ChipSpec,
    rows: Vec<Row>,
    row_of: BTreeMap<String, usize>,
    loops: Vec<LoopReport>,
    loop_of: BTreeMap<String, usize>,
    cycles: Cycles,
}

#[derive(Clone, Debug)]
struct Row {
    origin: Origin,
    how: How,
    sums: Sums,
}

#[derive(Clone, Debug, Default)]
struct Sums {
    launches: u64,
    cycles: Cycles,
    launch_cycles: Cycles,
    flops: u64,
    hbm_bytes: u64,
    roofline_seconds: f64,
    modelled_cycles: Cycles,
    core: CoreReport,
    cores: Vec<CoreShare>,
}

/// A loop that was entered and not left yet.
#[derive(Clone, Copy, Debug)]
pub struct OpenLoop {
    index: usize,
    start: Cycles,
}

impl Profiler {
    /// Nothing has run yet.
    pub fn new(chip: &ChipSpec) -> Self {
        Self {
            chip: *chip,
            rows: Vec::new(),
            row_of: BTreeMap::new(),
            loops: Vec::new(),
            loop_of: BTreeMap::new(),
            cycles: Cycles(0),
        }
    }

    /// A bundle program ran for `origin`.
    pub fn scheduled(&mut self, origin: &Origin, work: Work, launch: &LaunchReport) {
        let core = launch.total();
        let roofline = work.roofline_seconds(&self.chip);
        self.add(origin, How::Scheduled, |sums| {
            sums.launches += launch.n_launches;
            sums.cycles += launch.cycles;
            sums.launch_cycles += launch.launch_cycles;
            sums.flops += work.flops;
            sums.roofline_seconds += roofline;
            sums.hbm_bytes += core.dma_traffic(MemorySpace::Hbm).0;
            sums.core += &core;
            let cores: Vec<CoreShare> = launch.cores.iter().map(CoreShare::of).collect();
            sums.add_cores(&cores);
        });
        self.cycles += launch.cycles;
    }

    /// The host computed `origin`, and `formula` says that it takes `cycles`.
    pub fn modelled(&mut self, origin: &Origin, work: Work, cycles: Cycles, formula: &str) {
        let roofline = work.roofline_seconds(&self.chip);
        self.add(origin, How::Modelled { formula: formula.to_owned() }, |sums| {
            sums.roofline_seconds += roofline;
            sums.launches += 1;
            sums.cycles += cycles;
            sums.modelled_cycles += cycles;
            sums.flops += work.flops;
            sums.hbm_bytes += work.bytes.0;
        });
        self.cycles += cycles;
    }

    /// A loop begins.
    pub fn enter_loop(&mut self, origin: &Origin) -> OpenLoop {
        let next = self.loops.len();
        let index = *self.loop_of.entry(origin.instruction.clone()).or_insert(next);
        if index == next {
            let origin = origin.clone();
            self.loops.push(LoopReport { origin, entries: 0, trips: 0, cycles: 0 });
        }
        self.loops[index].entries += 1;
        OpenLoop { index, start: self.cycles }
    }

    /// A loop ended after `trips` runs of its body.
    pub fn leave_loop(&mut self, open: OpenLoop, trips: u64) {
        let report = &mut self.loops[open.index];
        report.trips += trips;
        report.cycles += (self.cycles - open.start).0;
    }

    /// Simulated cycles so far.
    pub fn cycles(&self) -> Cycles {
        self.cycles
    }

    /// The report of everything so far.
    pub fn finish(&self, program: &str, peak_hbm: Bytes) -> Report {
        let mut all = Sums::default();
        self.rows.iter().for_each(|row| all.add(&row.sums));
        let instructions: Vec<InstructionReport> = self
            .rows
            .iter()
            .map(|row| InstructionReport {
                origin: row.origin.clone(),
                how: row.how.clone(),
                measures: row.sums.measures(&self.chip),
            })
            .collect();
        let losses = losses::find(&instructions, &self.chip);
        Report {
            program: program.to_owned(),
            chip: self.chip.name,
            clock_mhz: self.chip.clock_mhz,
            peak_flops_per_second: self.chip.peak_flops(),
            peak_hbm_bytes_per_second: self.chip.hbm_peak_bytes_per_second,
            peak_hbm_bytes: peak_hbm.0,
            modelled_share: share(all.modelled_cycles.0, all.cycles.0),
            total: all.measures(&self.chip),
            instructions,
            loops: self.loops.clone(),
            losses,
        }
    }

    fn add(&mut self, origin: &Origin, how: How, change: impl FnOnce(&mut Sums)) {
        let next = self.rows.len();
        let index = *self.row_of.entry(origin.instruction.clone()).or_insert(next);
        if index == next {
            self.rows.push(Row { origin: origin.clone(), how, sums: Sums::default() });
        }
        change(&mut self.rows[index].sums);
    }
}

impl CoreShare {
    fn of(core: &CoreReport) -> Self {
        let hbm_bytes = core.dma_traffic(MemorySpace::Hbm).0;
        Self { cycles: core.cycles.0, hbm_bytes }
    }
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.launches += other.launches;
        self.cycles += other.cycles;
        self.launch_cycles += other.launch_cycles;
        self.flops += other.flops;
        self.hbm_bytes += other.hbm_bytes;
        self.roofline_seconds += other.roofline_seconds;
        self.modelled_cycles += other.modelled_cycles;
        self.core += &other.core;
        self.add_cores(&other.cores);
    }

    fn add_cores(&mut self, others: &[CoreShare]) {
        let n_cores = self.cores.len().max(others.len());
        self.cores.resize(n_cores, CoreShare::default());
        for (mine, theirs) in self.cores.iter_mut().zip(others) {
            mine.cycles += theirs.cycles;
            mine.hbm_bytes += theirs.hbm_bytes;
        }
    }

    fn measures(&self, chip: &ChipSpec) -> Measures {
        let cycles = self.cycles.0;
        let busy = self.busy(chip);
        let stalls = self.core.stalls.by_cause();
        let stalls = stalls.into_iter().filter(|(_, stalled)| stalled.0 > 0);
        Measures {
            launches: self.launches,
            cycles,
            seconds: chip.seconds(cycles),
            launch_cycles: self.launch_cycles.0,
            flops: self.flops,
            mxu_flops: self.core.mxu_flops(),
            hbm_bytes: self.hbm_bytes,
            mfu: ratio(float(self.flops), chip.peak_flops_per_cycle() * float(cycles)),
            roofline_seconds: self.roofline_seconds,
            busy,
            bound: self.bound(busy),
            cores: self.cores.clone(),
            stalls: stalls.map(|(cause, stalled)| (cause, stalled.0)).collect(),
        }
    }

    fn busy(&self, chip: &ChipSpec) -> Busy {
        let core_cycles = self.cycles.0 * u64::from(chip.n_cores);
        let filled = |slot: Slot| share(self.core.ops(slot), core_cycles * slot.capacity() as u64);
        let taken = |slot: Slot, interval: u32, units: u32| {
            share(self.core.ops(slot) * u64::from(interval), core_cycles * u64::from(units))
        };
        Busy {
            mxu: share(self.core.mxu_busy.0, core_cycles * u64::from(chip.n_mxus)),
            vpu: filled(Slot::VectorAlu),
            hbm: share(self.core.dma_busy.0, self.cycles.0),
            eup: taken(Slot::EupPush, chip.eup_interval_cycles, 1),
            xlu: taken(Slot::XluPush, chip.xlu_interval_cycles, chip.n_xlus),
            vmem: filled(Slot::VectorLoad).max(filled(Slot::VectorStore)),
        }
    }

    fn bound(&self, busy: Busy) -> Bound {
        if self.modelled_cycles.0 * 2 > self.cycles.0 {
            return Bound::Model;
        }
        let launch = share(self.launch_cycles.0, self.cycles.0);
        let (working, unit) = busy.most();
        let waiting = 1.0 - launch - working;
        match (working >= launch, waiting > working.max(launch)) {
            (_, true) => Bound::Latency,
            (true, false) => unit,
            (false, false) => Bound::Launch,
        }
    }
}

impl Work {
    fn roofline_seconds(self, chip: &ChipSpec) -> f64 {
        let computing = ratio(float(self.flops), chip.peak_flops());
        computing.max(ratio(float(self.bytes.0), chip.hbm_peak_bytes_per_second))
    }
}

/// `part` of `whole`; nothing of nothing is 0.
fn share(part: u64, whole: u64) -> f64 {
    ratio(float(part), float(whole))
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

#[expect(clippy::cast_precision_loss, reason = "a report's figure, not an address")]
fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
