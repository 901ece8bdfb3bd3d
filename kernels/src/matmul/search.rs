//! The window search: the tiling whose modelled time is the shortest.

use super::{
    Matmul, MatmulError, epilogue,
    geometry::{Plan, Tiling},
    prepare,
};
use crate::pipeline::Window;
use palmetto_isa::{
    ChipSpec,
    memory::{GRANULE_BYTES, LANES, SUBLANES},
};
use std::collections::BTreeSet;

/// Granules of VMEM that are left for values that find no register.
const RESERVED_GRANULES: usize = 1024;
/// Cycles of a step besides its loops: indices, transfers, waits.
const STEP_CYCLES: f64 = 100.0;
/// Cycles per register of sums to add those of the other core.
const CYCLES_PER_SUM: f64 = 2.0;
/// Largest windows that are tried: tile rows, columns, contracted blocks.
const LARGEST: [usize; 3] = [256, 32, 64];

/// The best plan and its modelled cycles.
pub(super) fn plan<'a>(spec: &'a Matmul, chip: &ChipSpec) -> Result<(f64, Plan<'a>), MatmulError> {
    let last = |sizes: &[usize]| *sizes.last().expect("`check` has seen a tiled dimension");
    let unit = spec.row_unit();
    let rows = sizes(last(&spec.m).div_ceil(SUBLANES), unit, LARGEST[0], &[16, 32]);
    let columns = sizes(last(&spec.n).div_ceil(LANES), 1, LARGEST[1], &[2, 4, 8]);
    let depths = sizes(last(&spec.k).div_ceil(LANES), 1, LARGEST[2], &[2, 4]);
    let smallest = Tiling { rows: rows[0], columns: 1, depth: 1, n_is_slower: false };
    let smallest = Plan::new(spec, smallest, chip)?;
    let available = available(chip);
    let mut best: Option<(f64, Tiling, bool)> = None;
    for rows in &rows {
        for columns in &columns {
            for depth in &depths {
                for n_is_slower in [false, true] {
                    let tiling =
                        Tiling { rows: *rows, columns: *columns, depth: *depth, n_is_slower };
                    if lower_bound(spec, &tiling) > available {
                        continue;
                    }
                    let mut plan = Plan::new(spec, tiling, chip)?;
                    for is_split in [false, true] {
                        plan.grid.is_split = is_split;
                        if plan.vmem_granules() > available || is_split && !plan.can_split() {
                            continue;
                        }
                        let cycles = cycles(&plan, chip);
                        if best.is_none_or(|(other, ..)| cycles < other) {
                            best = Some((cycles, tiling, is_split));
                        }
                    }
                }
            }
        }
    }
    let Some((cycles, tiling, is_split)) = best else {
        let (name, needed) = (spec.name.clone(), smallest.vmem_granules());
        return Err(MatmulError::Vmem { name, needed, available });
    };
    let mut plan = Plan::new(spec, tiling, chip)?;
    plan.grid.is_split = is_split;
    Ok((cycles, plan))
}

fn available(chip: &ChipSpec) -> usize {
    let vmem = usize::try_from(chip.vmem_bytes).expect("VMEM fits an address space");
    (vmem / GRANULE_BYTES).saturating_sub(RESERVED_GRANULES)
}

/// Granules that a tiling needs at least.
fn lower_bound(spec: &Matmul, tiling: &Tiling) -> usize {
    let Tiling { rows, columns, depth, .. } = *tiling;
    let per_tile = |element: crate::element::Element| element.tile_granules();
    rows * depth * per_tile(spec.lhs.element)
        + 16 * columns * depth * per_tile(spec.rhs.element)
        + rows * columns * SUBLANES
}

/// Sizes of windows to try for `extent`: even divisions of it, also rounded up to what suits the
/// MXUs.
fn sizes(extent: usize, unit: usize, largest: usize, multiples: &[usize]) -> Vec<usize> {
    let whole = extent.next_multiple_of(unit);
    let mut sizes = BTreeSet::from([unit]);
    let mut count = 1;
    while count <= whole / unit {
        let even = extent.div_ceil(count).next_multiple_of(unit);
        sizes.insert(even);
        for multiple in multiples.iter().filter(|multiple| multiple.is_multiple_of(unit)) {
            sizes.insert(even.next_multiple_of(*multiple));
        }
        count = if count < 8 { count + 1 } else { count + count / 4 };
    }
    sizes
        .into_iter()
        .filter(|size| *size <= largest && (*size < whole * 2 || *size == unit))
        .collect()
}

/// Modelled cycles of the launch.
#[expect(clippy::cast_precision_loss, reason = "a model's figures are far below 2^53")]
fn cycles(plan: &Plan<'_>, chip: &ChipSpec) -> f64 {
    let per_ns = f64::from(chip.clock_mhz) * 1e-3;
    let latency = chip.dma_latency_ns * per_ns;
    // Both cores share the memory.
    let bytes_per_cycle =
        chip.hbm_bytes_per_second / (f64::from(chip.clock_mhz) * 1e6) / f64::from(chip.n_cores);
    let transfer =
        |window: &Window| (window.block.granules() * GRANULE_BYTES) as f64 / bytes_per_cycle;
    let n_cores = chip.n_cores as usize;
    let steps = if plan.grid.is_split {
        plan.reduced_steps().div_ceil(n_cores)
    } else {
        plan.grid.parallel_steps().div_ceil(n_cores) * plan.reduced_steps()
    };
    let mut works: Vec<Work> = Vec::new();
    for (n, window) in plan.inputs.iter().enumerate() {
        let dma = transfer(window);
        works.push(Work { period: period(plan, window), dma, compute: preparation(plan, n) });
    }
    for (n, window) in plan.outputs.iter().enumerate() {
        let compute = if n == 0 { epilogue::cost(plan) } else { 0.0 };
        works.push(Work { period: plan.reduced_steps(), dma: transfer(window), compute });
    }
    works.sort_by_key(|work| work.period);
    let first: f64 = plan.inputs.iter().map(transfer).sum();
    let last: f64 = plan.outputs.iter().map(transfer).sum();
    let mut total = chip.launch_ns * per_ns + first + last + 2.0 * latency;
    if plan.grid.is_split {
        let bytes = (plan.sums() * SUBLANES * GRANULE_BYTES) as f64;
        let seconds = bytes / chip.cmem_write_bytes_per_second;
        total += latency + seconds * 1e9 * per_ns + plan.sums() as f64 * CYCLES_PER_SUM;
    }
    let (mut dma, mut compute) = (0.0, plan.nest.cycles + STEP_CYCLES);
    let mut left = steps;
    let mut index = 0;
    // From the steps in which only the fastest windows change to those in which all do.
    let mut period = 1;
    loop {
        while let Some(work) = works.get(index).filter(|work| work.period <= period) {
            dma += work.dma;
            compute += work.compute;
            index += 1;
        }
        let next = works.get(index).map_or(usize::MAX, |work| work.period);
        let slower = steps / next;
        let waits = if dma > 0.0 { dma + latency } else { 0.0 };
        total += (left - slower) as f64 * f64::max(compute, waits);
        left = slower;
        if left == 0 {
            return total;
        }
        period = next;
    }
}

/// What happens every `period` steps.
struct Work {
    period: usize,
    dma: f64,
    compute: f64,
}

/// Steps after which a window is another one.
fn period(plan: &Plan<'_>, window: &Window) -> usize {
    let faster = plan.grid.dimensions.iter().zip(&window.strides).rev();
    let faster = faster.take_while(|(_, stride)| **stride == 0);
    let period: usize = faster.map(|(dimension, _)| dimension.count()).product();
    if window.strides.iter().all(|stride| *stride == 0) { usize::MAX } else { period }
}

/// Modelled cycles to prepare operand `input`.
#[expect(clippy::cast_precision_loss, reason = "windows have far fewer than 2^53 registers")]
fn preparation(plan: &Plan<'_>, input: usize) -> f64 {
    let spec = plan.spec;
    let (operand, is_prepared) = match input {
        0 => (&spec.lhs, plan.lhs_is_prepared()),
        1 => (&spec.rhs, plan.rhs_is_prepared()),
        _ => return 0.0,
    };
    if !is_prepared {
        return 0.0;
    }
    let registers = plan.plane_granules()[input] / SUBLANES;
    let transposed = input == 0 && operand.transposed;
    let n_parts = operand.n_parts(spec.passes);
    registers as f64 * prepare::cost_per_register(operand, n_parts, transposed)
}
