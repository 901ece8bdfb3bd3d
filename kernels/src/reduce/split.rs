//! A reduction to one block in two launches, so that all cores have a share of it.
//!
//! [`shares`] gives what each core reduced to as slots, whole registers of 32-bit words, that are
//! not combined across sublanes and lanes and not rounded yet; [`combination`] makes the result of
//! them. What the reduction starts from is in the slots of core 0.

use palmetto_isa::{ChipSpec, memory::VREG_GRANULES};

use super::{
    Computation, Reduce, ReduceError,
    accumulate::{Count, Kernel, repeat},
    combine::Partial,
    cost,
    plan::{self, Output, Plan},
    tiling::Finish,
};
use crate::{
    llo::{Address, Builder, Function, S},
    operand::int,
    pipeline::{Block, Grid, GridDimension, Padding, Step, Window, pipeline},
};

impl Reduce {
    /// Registers of the array between the launches, if it pays to make two of this reduction.
    pub fn split(&self, chip: &ChipSpec) -> Option<usize> {
        let whole = plan::plan(self, chip, false).ok()?;
        if whole.grid.parallel_steps() > 1 {
            return None;
        }
        let split = plan::plan(self, chip, true).ok()?;
        let is_possible = is_possible(&split, chip) && fits(&split, chip);
        let pays = is_possible && cost::pays((&whole, &split), chip);
        pays.then(|| split.all_slots() * chip.n_cores as usize)
    }
}

/// Whether there is one block, and every core gets a share of its steps.
fn is_possible(plan: &Plan<'_>, chip: &ChipSpec) -> bool {
    let (steps, n_cores) = (plan.grid.reduced_steps(), chip.n_cores as usize);
    let share = steps.div_ceil(n_cores);
    plan.grid.parallel_steps() == 1 && n_cores > 1 && share * (n_cores - 1) < steps
}

/// Whether there is VMEM for the slots of all cores and the window of the result, twice.
fn fits(plan: &Plan<'_>, chip: &ChipSpec) -> bool {
    let slots = plan.all_slots() * VREG_GRANULES * (chip.n_cores as usize + 1);
    let inputs = plan.inputs.iter().map(Window::buffered_granules).sum::<usize>();
    let outputs = plan.windows().iter().map(Window::buffered_granules).sum::<usize>();
    let needed = (inputs + slots).max(slots + outputs);
    needed <= plan::available_granules(chip)
}

/// The first launch. Launch arguments are the inputs, then the array of the cores' slots.
///
/// # Errors
/// If the shapes do not suit the kernel; see [`ReduceError`].
pub fn shares(spec: &Reduce, chip: &ChipSpec) -> Result<Function, ReduceError> {
    let mut plan = plan::plan(spec, chip, true)?;
    plan.grid.is_split = true;
    let n_slots = plan.all_slots();
    let output = slots_window("partial", spec.inputs.len(), n_slots, plan.roles.len());
    let n_arguments = u32::try_from(spec.inputs.len() + 1).expect("a fusion has few operands");
    let mut b = Builder::new(&spec.name, n_arguments);
    let kernel = Kernel::new(&mut b, &plan);
    let outputs = std::slice::from_ref(&output);
    pipeline(&mut b, (&plan.grid, chip.n_cores), (&plan.inputs, outputs), |b, step| {
        let first = kernel.first_values(b, step);
        kernel.fill(b, step, &first);
        kernel.accumulate(b, step);
        b.if_then(step.is_last, |b| {
            each_slot(b, n_slots, |b, offset| {
                let value = kernel.at(b, offset);
                let value = b.load(value);
                let at = further(b, step.outputs[0], offset);
                b.store(at, value);
            });
        });
    });
    Ok(b.finish())
}

/// The second launch. Launch arguments are the array of the cores' slots, then the results.
///
/// # Errors
/// If the shapes do not suit the kernel; see [`ReduceError`].
pub fn combination(spec: &Reduce, chip: &ChipSpec) -> Result<Function, ReduceError> {
    let spec = Reduce { initials: Vec::new(), ..spec.clone() };
    let mut plan = plan::plan(&spec, chip, true)?;
    let (n_slots, n_cores) = (plan.n_slots(), chip.n_cores as usize);
    let of_core = plan.all_slots() * VREG_GRANULES;
    let dimensions = vec![GridDimension { extent: 1, block: 1 }; plan.roles.len()];
    plan.grid = Grid { dimensions, n_reduced: plan.grid.n_reduced, ..Grid::default() };
    plan.inputs = vec![slots_window("partials", 0, n_cores * plan.all_slots(), plan.roles.len())];
    for (argument, output) in (1..).zip(&mut plan.outputs) {
        let Output { window, padding, .. } = output;
        *window = Window { argument, ..window.clone() };
        *padding = Padding { argument, ..*padding };
    }
    let n_arrays = 1 + plan.outputs.len();
    let n_arguments = u32::try_from(n_arrays).expect("a fusion has few operands");
    let mut b = Builder::new(&spec.name, n_arguments);
    let kernel = Kernel::new(&mut b, &plan);
    for output in &plan.outputs {
        output.padding.clear(&mut b, chip.n_cores, int(2 * n_arrays));
    }
    let outputs = plan.windows();
    pipeline(&mut b, (&plan.grid, chip.n_cores), (&plan.inputs, &outputs), |b, step| {
        each_slot(b, n_slots, |b, offset| {
            let first = further(b, step.inputs[0], offset);
            let mut value = kernel.load_partial(b, first);
            for core in 1..n_cores {
                let other = kernel.load_partial(b, first.plus(core * of_core));
                value = spec.combine(b, &value, &other);
            }
            let at = kernel.at(b, offset);
            kernel.store_partial(b, at, &value);
        });
        kernel.finish(b, step);
    });
    Ok(b.finish())
}

fn slots_window(name: &str, argument: usize, n_slots: usize, rank: usize) -> Window {
    let block = Block::Linear(n_slots * VREG_GRANULES);
    Window { name: name.to_owned(), argument, block, strides: vec![0; rank], edges: Vec::new() }
}

/// Runs `body` for every slot, with its granules from the first.
fn each_slot(b: &mut Builder, n_slots: usize, body: impl FnOnce(&mut Builder, S)) {
    repeat(b, Count::Known(n_slots), Vec::new(), |b, index, _| {
        let offset = b.smul_imm(index, int(VREG_GRANULES));
        body(b, offset);
        Vec::new()
    });
}

fn further(b: &mut Builder, at: Address, offset: S) -> Address {
    Address { base: b.sadd(at.base, offset), ..at }
}

impl Kernel<'_> {
    /// The slot so many granules from the first.
    fn at(&self, b: &mut Builder, offset: S) -> Address {
        Address { base: offset, ..b.start_of(self.slots) }
    }

    /// What slots start from: once per element of the result, what the reduction does, and the
    /// identity everywhere else.
    fn first_values(&self, b: &mut Builder, step: &Step) -> Partial {
        let identity = self.identity(b, step);
        if matches!(self.plan.spec.computation, Computation::Region(_)) {
            return identity;
        }
        let Some(initial) = self.initials(b, step).pop() else { return identity };
        let (core, sublane, lane, zero) = (b.score(), b.vsublane(), b.vlane(), b.i32(0));
        let core = b.vsplat(core);
        let place = match self.plan.shape.finish {
            Finish::Tiles => core,
            Finish::Sublanes => b.vor(core, sublane),
            Finish::Lanes => b.vor(core, lane),
            Finish::Elements => {
                let within = b.vor(sublane, lane);
                b.vor(core, within)
            }
        };
        let is_first = b.vcmp_eq_s32(place, zero);
        identity.iter().map(|identity| b.vsel(is_first, initial, *identity)).collect()
    }
}
