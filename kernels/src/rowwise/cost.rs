//! How long a row kernel takes, as a model: what decides whether it is worth a launch of its own.

use super::plan::Plan;
use crate::pipeline::Window;
use palmetto_isa::{
    ChipSpec,
    memory::{GRANULE_BYTES, SUBLANES},
};

/// Bundles per register and op: two slots take vector ops, and not all of them are filled.
const BUNDLES_PER_OP: f64 = 0.6;
/// Bundles per register for its loads and stores.
const BUNDLES_PER_REGISTER: f64 = 0.7;

/// Bundles to exchange a stage's reductions with the other core, besides the start of the transfer.
const BUNDLES_PER_EXCHANGE: f64 = 25.0;

/// Whether it pays that each core has a part of each row, although they have to exchange what they
/// have reduced it to. Transfers take as long either way: the cores share the bandwidth of HBM.
#[expect(clippy::cast_precision_loss, reason = "a model's figures are far below 2^53")]
pub(super) fn pays_to_exchange(plan: &Plan<'_>, chip: &ChipSpec) -> bool {
    let exchanges = plan.stages.iter().filter(|stage| !stage.reductions.is_empty()).count() as f64;
    let latency = chip.dma_latency_ns * f64::from(chip.clock_mhz) * 1e-3;
    let saved = bundles(plan) * (1.0 - 1.0 / f64::from(chip.n_cores));
    saved > exchanges * (latency + BUNDLES_PER_EXCHANGE)
}

/// Modelled bundles of all rows.
#[expect(clippy::cast_precision_loss, reason = "a model's figures are far below 2^53")]
fn bundles(plan: &Plan<'_>) -> f64 {
    let spec = plan.spec;
    let rows = spec.majors.iter().product::<usize>() * spec.rows.div_ceil(SUBLANES);
    let ops = spec.expression.vector_ops(&spec.outputs) as f64;
    (rows * plan.columns) as f64 * (BUNDLES_PER_REGISTER + BUNDLES_PER_OP * ops)
}

/// Modelled cycles of a launch.
#[expect(clippy::cast_precision_loss, reason = "a model's figures are far below 2^53")]
pub(super) fn cycles(plan: &Plan<'_>, chip: &ChipSpec) -> f64 {
    let per_ns = f64::from(chip.clock_mhz) * 1e-3;
    let n_cores = f64::from(chip.n_cores);
    let bytes_per_cycle = chip.hbm_bytes_per_second / (f64::from(chip.clock_mhz) * 1e6) / n_cores;
    let bytes = |window: &Window| window.block.granules() * GRANULE_BYTES;
    let fetched = |window: &Window| {
        let dimensions = plan.grid.dimensions.iter().zip(&window.strides);
        let moves = dimensions.filter(|(_, stride)| **stride != 0);
        bytes(window) * moves.map(|(dimension, _)| dimension.count()).product::<usize>()
    };
    let windows = || plan.inputs.iter().chain(&plan.outputs);
    let transfer = windows().map(fetched).sum::<usize>() as f64 / n_cores / bytes_per_cycle;
    let first = windows().map(bytes).sum::<usize>() as f64 / bytes_per_cycle;
    let compute = bundles(plan) / n_cores;
    let latency = 2.0 * chip.dma_latency_ns * per_ns;
    chip.launch_ns * per_ns + latency + first + f64::max(transfer, compute)
}
