//! Modelled launches: host values, stated time.

use std::sync::Arc;

use palmetto_isa::Cycles;

use super::{CodegenError, Generator, Value, Values, source_of};
use crate::{
    executable::{Modelled, Source, Step, View},
    hlo::{ComputationId, InstructionId, Module, Op},
};

/// Elementwise operations per cycle and core of the vector unit: 8 x 128 words, two slots.
const VPU_OPS_PER_CYCLE: f64 = 2048.0;
/// Operations that a level of a sorting network takes per element: what our kernel needs for one
/// array of f32 that fits VMEM (`palmetto run --report`, 131072 elements, one core).
const OPERATIONS_PER_LEVEL: f64 = 26.0;

impl Generator<'_> {
    /// The step of an instruction that no kernel computes.
    pub(super) fn modelled(
        &mut self,
        computation: ComputationId,
        id: InstructionId,
        (values, steps): (&mut Values, &mut Vec<Step>),
    ) -> Result<Value, CodegenError> {
        let module = Arc::clone(&self.module);
        let instruction = module.instruction(computation, id);
        let mut operands = Vec::new();
        for operand in instruction.operands() {
            operands.extend(self.value(computation, *operand, (values, steps))?.views());
        }
        let result = self.temporary(instruction.shape(), instruction.name());
        let source = source_of(&module, module.computation(computation), id);
        let operations = operations(&module, (computation, id), &source);
        let (cycles, formula) = self.cost_of(&source, operations);
        steps.push(Step::Modelled(Modelled {
            source,
            module: Arc::clone(&module),
            computation,
            instruction: id,
            operands,
            results: result.views(),
            cycles,
            formula,
        }));
        Ok(result)
    }

    /// The step that copies an array of a type that no kernel copies.
    pub(super) fn modelled_copy(&self, source: Source, from: &View, to: &View) -> Step {
        let (cycles, formula) = self.cost(&source);
        Step::Copy { source, from: from.clone(), to: to.clone(), cycles, formula }
    }

    /// What a kernel at the limits of HBM and VPU would take.
    pub(super) fn cost(&self, source: &Source) -> (Cycles, String) {
        self.cost_of(source, flops(source))
    }

    /// The same of something that takes so many operations of the VPU.
    fn cost_of(&self, source: &Source, operations: f64) -> (Cycles, String) {
        let chip = &self.options.chip;
        let clock_hz = f64::from(chip.clock_mhz) * 1e6;
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let bytes = source.bytes.0 as f64;
        let transfer = bytes / chip.hbm_bytes_per_second * clock_hz;
        let arithmetic = operations / (VPU_OPS_PER_CYCLE * f64::from(chip.n_cores));
        let start = (chip.launch_ns + 2.0 * chip.dma_latency_ns) * 1e-9 * clock_hz;
        let total = (start + transfer.max(arithmetic)).ceil();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "far below 2^63"
        )]
        let cycles = Cycles(total as u64);
        let formula =
            "launch + 2 DMA latencies + max(bytes / achieved HBM bandwidth, operations / VPU rate)";
        (cycles, formula.to_owned())
    }
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn flops(source: &Source) -> f64 {
    source.flops as f64
}

/// Operations of the VPU: floating-point operations, and what a sort compares and exchanges.
fn operations(
    module: &Module,
    (computation, id): (ComputationId, InstructionId),
    source: &Source,
) -> f64 {
    let instruction = module.instruction(computation, id);
    let Op::Sort { dimension, .. } = instruction.op() else { return flops(source) };
    let shape = module.instruction(computation, instruction.operands()[0]).array_shape();
    let bits = shape.dimensions()[*dimension].next_power_of_two().ilog2();
    let levels = f64::from(bits * (bits + 1) / 2);
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let elements = shape.element_count() as f64;
    elements * levels * OPERATIONS_PER_LEVEL
}
