//! What a compiled program costs, as far as that is known without running it.

use palmetto_compiler::executable::{AllocationKind, Executable, Source, Step};
use palmetto_isa::{ChipSpec, encode};

use crate::device::bytes;

/// The work of a program. The body of a loop counts once, for nobody knows how often it runs; so do
/// all branches of a conditional.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CostAnalysis {
    /// Floating-point operations.
    pub flops: f64,
    /// Bytes of the operands and results of every step.
    pub bytes_accessed: f64,
    /// The least time that the steps could take one after the other: of each the FLOPs at the
    /// chip's peak or the bytes at HBM's, whichever is longer.
    pub optimal_seconds: f64,
}

/// The memory of a program on one device, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompiledMemoryStats {
    /// Bundles of all programs, encoded.
    pub generated_code: u64,
    /// Constants, in HBM as long as the program is loaded.
    pub constants: u64,
    /// Arguments.
    pub arguments: u64,
    /// Results, also those that lie where donated arguments are.
    pub outputs: u64,
    /// The part of the results that lies where donated arguments are.
    pub alias: u64,
    /// Intermediate values.
    pub temporaries: u64,
    /// Everything at one time.
    pub peak: u64,
}

pub(crate) fn cost_of(executable: &Executable) -> CostAnalysis {
    let mut cost = CostAnalysis::default();
    add_steps(&mut cost, &executable.steps, &executable.chip);
    cost
}

fn add_steps(cost: &mut CostAnalysis, steps: &[Step], chip: &ChipSpec) {
    for step in steps {
        match step {
            Step::Launch(launch) => add(cost, &launch.source, chip),
            Step::Modelled(modelled) => add(cost, &modelled.source, chip),
            Step::Copy { source, .. } => add(cost, source, chip),
            Step::Send(transfer) | Step::Recv(transfer) => add(cost, &transfer.source, chip),
            Step::While { condition, body, .. } => {
                add_steps(cost, condition, chip);
                add_steps(cost, body, chip);
            }
            Step::Conditional { branches, .. } => {
                branches.iter().for_each(|branch| add_steps(cost, branch, chip));
            }
            Step::Check { .. } => {}
        }
    }
}

fn add(cost: &mut CostAnalysis, source: &Source, chip: &ChipSpec) {
    #[expect(clippy::cast_precision_loss, reason = "figures for the eye")]
    let (flops, bytes) = (source.flops as f64, source.bytes.0 as f64);
    cost.flops += flops;
    cost.bytes_accessed += bytes;
    let computing = flops / chip.peak_flops();
    cost.optimal_seconds += computing.max(bytes / chip.hbm_peak_bytes_per_second);
}

pub(crate) fn memory_of(executable: &Executable) -> CompiledMemoryStats {
    let mut stats = CompiledMemoryStats { peak: executable.peak_hbm().0, ..Default::default() };
    stats.generated_code =
        executable.programs.iter().map(|program| encode::encode(program).len() as u64).sum();
    for allocation in &executable.allocations {
        let size = bytes(allocation.granules).0;
        match allocation.kind {
            AllocationKind::Parameter(_) => stats.arguments += size,
            AllocationKind::Constant { .. } => stats.constants += size,
            AllocationKind::Result => {}
            AllocationKind::Temporary => stats.temporaries += size,
        }
    }
    for view in &executable.results {
        let allocation = &executable.allocations[view.slice.allocation.0];
        let size = bytes(allocation.granules).0;
        stats.outputs += size;
        if matches!(allocation.kind, AllocationKind::Parameter(_)) {
            stats.alias += size;
        }
    }
    stats
}
