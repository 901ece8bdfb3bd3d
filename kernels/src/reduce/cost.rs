//! Whether it pays to split a reduction between the cores, by a model of what launches take.
//!
//! A core has two windows on their way, so its transfers are not all hidden: not even where HBM is
//! the bound does one core alone keep it busy, unless windows are large. What it takes to bring the
//! two shares together is the price.

use palmetto_isa::{
    ChipSpec,
    memory::{GRANULE_BYTES, SUBLANES},
};

use super::{Access, Computation, Input, plan::Plan, tiling::Finish};
use crate::{exchange::ABOUT, pipeline::Window};

/// Bundles per register and op of the operand.
const BUNDLES_PER_OP: f64 = 0.7;
/// Bundles per register for what there is besides: loads, the reduction, a share of the loops.
const BUNDLES_PER_REGISTER: f64 = 2.6;
/// Bundles per matrix of which the rows and lanes are kept.
const BUNDLES_PER_MATRIX: f64 = 16.0;
/// Bundles per slot for the first core to combine it with that of the other.
const BUNDLES_PER_SLOT: f64 = 10.0;

/// Whether `split`, of which the cores share the steps, takes less time than `whole` on one core,
/// or about as much.
#[expect(clippy::cast_precision_loss, reason = "a model's figures are far below 2^53")]
pub(super) fn pays((whole, split): (&Plan<'_>, &Plan<'_>), chip: &ChipSpec) -> bool {
    let machine = Machine::new(chip);
    let slots = split.all_slots() as f64;
    let sent = slots * (SUBLANES * GRANULE_BYTES) as f64 / chip.cmem_write_bytes_per_second;
    let sent = sent * f64::from(chip.clock_mhz) * 1e6;
    let gathering = machine.latency + sent + slots * BUNDLES_PER_SLOT;
    let one = machine.cycles(whole, 1.0);
    let two = machine.cycles(split, f64::from(chip.n_cores)) + gathering;
    two < ABOUT * one
}

/// The chip's durations in cycles.
struct Machine {
    launch: f64,
    latency: f64,
    cycles_per_byte: f64,
}

impl Machine {
    fn new(chip: &ChipSpec) -> Self {
        let per_ns = f64::from(chip.clock_mhz) * 1e-3;
        let cycles_per_byte = f64::from(chip.clock_mhz) * 1e6 / chip.hbm_bytes_per_second;
        let (launch, latency) = (chip.launch_ns * per_ns, chip.dma_latency_ns * per_ns);
        Self { launch, latency, cycles_per_byte }
    }

    /// Modelled cycles of a launch of which so many cores share the steps.
    #[expect(clippy::cast_precision_loss, reason = "a model's figures are far below 2^53")]
    fn cycles(&self, plan: &Plan<'_>, n_cores: f64) -> f64 {
        let steps = plan.grid.reduced_steps() as f64;
        let transfer = bytes(plan) * self.cycles_per_byte / steps;
        let compute = bundles(plan) / steps;
        // A window is asked for when the core begins with the one before it.
        let round = f64::midpoint(self.latency + transfer, compute);
        let period = round.max(compute).max(n_cores * transfer);
        let last = (steps / n_cores).ceil() - 1.0;
        self.launch + 2.0 * self.latency + transfer + last * period + compute
    }
}

/// Bytes of all windows of the operands; the last ones may be cut.
#[expect(clippy::cast_precision_loss, reason = "a model's figures are far below 2^53")]
fn bytes(plan: &Plan<'_>) -> f64 {
    let fetched = |window: &Window| {
        let dimensions = plan.grid.dimensions.iter().zip(&window.strides);
        let moves = dimensions.filter(|(_, stride)| **stride != 0);
        let windows: usize = moves.map(|(dimension, _)| dimension.count()).product();
        window.block.granules() * windows
    };
    let all = plan.shape.majors.iter().product::<usize>() * plan.shape.tile_rows;
    let registers = all.next_multiple_of(plan.tiling.packing) * plan.shape.columns;
    let granules = |(input, window): (&Input, &Window)| match input.access {
        Access::Tiles { .. } => fetched(window).min(registers * input.element.tile_granules()),
        Access::Row { .. } | Access::Column { .. } | Access::Scalar { .. } => fetched(window),
    };
    let inputs = plan.spec.inputs.iter().zip(&plan.inputs);
    (inputs.map(granules).sum::<usize>() * GRANULE_BYTES) as f64
}

impl Computation {
    /// Vector ops for each two registers, beyond the one that every reduction takes.
    fn vector_ops(&self) -> usize {
        match self {
            Self::Op(_) => 0,
            Self::Region(region) => region.expression.vector_ops(&region.results),
        }
    }
}

/// Bundles for the whole operand.
#[expect(clippy::cast_precision_loss, reason = "a model's figures are far below 2^53")]
fn bundles(plan: &Plan<'_>) -> f64 {
    let (spec, shape) = (plan.spec, &plan.shape);
    let matrices = shape.majors.iter().product::<usize>();
    let registers = (matrices * shape.tile_rows * shape.columns) as f64;
    let operands = spec.expression.vector_ops(&spec.values);
    let ops = (operands + spec.computation.vector_ops()) as f64;
    let is_walked = shape.finish == Finish::Tiles;
    let of_matrices = if is_walked { matrices as f64 * BUNDLES_PER_MATRIX } else { 0.0 };
    registers * (BUNDLES_PER_REGISTER + BUNDLES_PER_OP * ops) + of_matrices
}
