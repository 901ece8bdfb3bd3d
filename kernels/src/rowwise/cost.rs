//! How long a row kernel takes, as a model: what decides whether it is worth a launch of its own.

use super::{Access, cut::Footprint, plan::Plan};
use crate::{exchange::ABOUT, operand::columns_of, pipeline::Window};
use palmetto_isa::{
    ChipSpec,
    memory::{GRANULE_BYTES, SUBLANES},
};
use std::ops::Range;

/// Bundles per register and op: two slots take vector ops, and not all of them are filled.
const BUNDLES_PER_OP: f64 = 0.6;
/// Bundles per register for its loads and stores.
const BUNDLES_PER_REGISTER: f64 = 0.7;

/// Bundles to exchange a stage's reductions with the other core, besides the start of the transfer.
const BUNDLES_PER_EXCHANGE: f64 = 25.0;

/// Whether it pays that each core has a part of each row, although they have to exchange what they
/// have reduced it to. Transfers take as long either way: the cores share the bandwidth of HBM.
pub(super) fn pays_to_exchange(plan: &Plan<'_>, chip: &ChipSpec) -> bool {
    let saved = bundles(plan, 0..plan.columns) * (1.0 - 1.0 / f64::from(chip.n_cores));
    saved > of_exchanges(plan, chip)
}

/// Whether each core should compute a part of the columns of results, for which it needs
/// those of operands and of values between them that have a part in it: cores may need the same.
#[expect(clippy::cast_precision_loss, reason = "a model's figures are far below 2^53")]
pub(super) fn pays_to_part(
    plan: &Plan<'_>,
    (parts, footprints): (&[Range<usize>], &[Option<Footprint>]),
    chip: &ChipSpec,
) -> bool {
    // What one core fetches, and what all do.
    let (mut once, mut in_parts) = (0, 0);
    for (input, footprint) in plan.spec.inputs.iter().zip(footprints) {
        if let (Access::Tiles { lanes, .. }, Some(footprint)) = (&input.access, footprint) {
            once += columns_of(*lanes) * input.element.tile_granules();
            in_parts += parts.len() * footprint.columns * input.element.tile_granules();
        }
    }
    let fetched = |granules: usize| {
        (tile_rows(plan) * granules * GRANULE_BYTES) as f64 / hbm_bytes_per_cycle(chip)
    };
    let start = (chip.launch_ns + 2.0 * chip.dma_latency_ns) * f64::from(chip.clock_mhz) * 1e-3;
    let longest = parts.iter().map(|part| bundles(plan, part.clone())).fold(0.0, f64::max);
    let one = start + fetched(once) + bundles(plan, 0..plan.columns);
    let both = start + fetched(in_parts) + longest + of_exchanges(plan, chip);
    both < ABOUT * one
}

/// Modelled cycles of the exchanges after all stages.
#[expect(clippy::cast_precision_loss, reason = "a model's figures are far below 2^53")]
fn of_exchanges(plan: &Plan<'_>, chip: &ChipSpec) -> f64 {
    let exchanges = plan.stages.iter().filter(|stage| !stage.reductions.is_empty()).count() as f64;
    let latency = chip.dma_latency_ns * f64::from(chip.clock_mhz) * 1e-3;
    exchanges * (latency + BUNDLES_PER_EXCHANGE)
}

/// Modelled bundles to compute some columns of all rows.
#[expect(clippy::cast_precision_loss, reason = "a model's figures are far below 2^53")]
fn bundles(plan: &Plan<'_>, columns: Range<usize>) -> f64 {
    let expression = &plan.spec.expression;
    let ops = if plan.moves_lanes {
        expression.vector_ops_of(&plan.roots(), columns.clone())
    } else {
        columns.len() * expression.vector_ops(&plan.spec.outputs)
    };
    let registers = columns.len() as f64;
    tile_rows(plan) as f64 * (BUNDLES_PER_REGISTER * registers + BUNDLES_PER_OP * ops as f64)
}

fn tile_rows(plan: &Plan<'_>) -> usize {
    plan.spec.majors.iter().product::<usize>() * plan.spec.rows.div_ceil(SUBLANES)
}

fn hbm_bytes_per_cycle(chip: &ChipSpec) -> f64 {
    chip.hbm_bytes_per_second / (f64::from(chip.clock_mhz) * 1e6)
}

/// Modelled cycles of a launch.
#[expect(clippy::cast_precision_loss, reason = "a model's figures are far below 2^53")]
pub(super) fn cycles(plan: &Plan<'_>, chip: &ChipSpec) -> f64 {
    let per_ns = f64::from(chip.clock_mhz) * 1e-3;
    let n_cores = f64::from(chip.n_cores);
    let bytes_per_cycle = hbm_bytes_per_cycle(chip) / n_cores;
    let bytes = |window: &Window| window.block.granules() * GRANULE_BYTES;
    let fetched = |window: &Window| {
        let dimensions = plan.grid.dimensions.iter().zip(&window.strides);
        let moves = dimensions.filter(|(_, stride)| **stride != 0);
        bytes(window) * moves.map(|(dimension, _)| dimension.count()).product::<usize>()
    };
    let windows = || plan.inputs.iter().chain(&plan.outputs);
    let transfer = windows().map(fetched).sum::<usize>() as f64 / n_cores / bytes_per_cycle;
    let first = windows().map(bytes).sum::<usize>() as f64 / bytes_per_cycle;
    let compute = bundles(plan, 0..plan.columns) / n_cores;
    let latency = 2.0 * chip.dma_latency_ns * per_ns;
    chip.launch_ns * per_ns + latency + first + f64::max(transfer, compute)
}
