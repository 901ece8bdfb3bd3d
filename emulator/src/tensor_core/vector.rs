//! The vector unit: arithmetic on registers, and loads and stores of VMEM.

use super::TensorCore;
use crate::{
    fault::{FaultKind, Outcome, trouble},
    loaded::Step,
    memory::{Memory, words_of},
};
use palmetto_isa::{
    Op,
    memory::{LANES, SUBLANES, VREG_GRANULES},
};

impl TensorCore {
    /// Executes an op of the vector ALU slot.
    pub(super) fn execute_vector_alu(&mut self, step: &Step) -> Outcome {
        let mut result = self.spare.take();
        if let Op::Vsplat { src, .. } = step.op {
            result.0.fill(self.registers.scalar(src));
        } else {
            let sources = step.sources.map(|source| self.registers.words(source));
            if !self.host.vector(&step.op, &mut result, sources) {
                return trouble(FaultKind::IllegalProgram, "the vector unit has no such op");
            }
        }
        self.registers.set_words(step.dst, result);
        Ok(())
    }

    /// Executes an op of the vector load slot.
    pub(super) fn execute_vector_load(&mut self, step: &Step) -> Outcome {
        let mut result = self.spare.take();
        #[expect(clippy::wildcard_enum_match_arm, reason = "other slots have their own units")]
        match step.op {
            Op::Vld { base, offset, .. } => {
                let words = load(&self.vmem, self.registers.address(base, offset), VREG_GRANULES)?;
                result.0.copy_from_slice(words);
            }
            Op::VldStrided { base, offset, stride, .. } => {
                let first = self.registers.address(base, offset);
                let mut granule = first;
                for sublane in result.0.chunks_exact_mut(LANES) {
                    sublane.copy_from_slice(load(&self.vmem, granule, 1)?);
                    granule += i64::from(stride);
                }
            }
            Op::VldBcast { base, offset, .. } => {
                let words = load(&self.vmem, self.registers.address(base, offset), 1)?;
                for sublane in result.0.chunks_exact_mut(LANES) {
                    sublane.copy_from_slice(words);
                }
            }
            _ => return trouble(FaultKind::IllegalProgram, "the load unit has no such op"),
        }
        self.registers.set_words(step.dst, result);
        Ok(())
    }

    /// Executes an op of the vector store slot.
    pub(super) fn execute_vector_store(&mut self, step: &Step) -> Outcome {
        let (registers, vmem) = (&self.registers, &mut self.vmem);
        #[expect(clippy::wildcard_enum_match_arm, reason = "other slots have their own units")]
        match step.op {
            Op::Vst { base, offset, .. } => {
                let source = registers.words(step.sources[0]);
                let first = registers.address(base, offset);
                store(vmem, first, VREG_GRANULES)?.copy_from_slice(&source.0);
            }
            Op::VstStrided { base, offset, stride, .. } => {
                let source = registers.words(step.sources[0]);
                let mut granule = registers.address(base, offset);
                for sublane in source.0.chunks_exact(LANES) {
                    store(vmem, granule, 1)?.copy_from_slice(sublane);
                    granule += i64::from(stride);
                }
            }
            Op::VstMasked { base, offset, .. } => {
                let [mask, source, _] = step.sources.map(|source| registers.words(source));
                let first = registers.address(base, offset);
                vmem.granules(first, VREG_GRANULES)?;
                for sublane in 0..SUBLANES {
                    let lanes = sublane * LANES..(sublane + 1) * LANES;
                    let (mask, source) = (&mask.0[lanes.clone()], &source.0[lanes]);
                    // A sublane without a word to store touches nothing.
                    if mask.iter().any(|mask| *mask != 0) {
                        let target = store(vmem, first + sublane as i64, 1)?;
                        for ((target, source), mask) in target.iter_mut().zip(source).zip(mask) {
                            *target = source & mask | *target & !mask;
                        }
                    }
                }
            }
            _ => return trouble(FaultKind::IllegalProgram, "the store unit has no such op"),
        }
        Ok(())
    }
}

/// The words of `count` granules, checked for reading.
fn load(vmem: &Memory, first: i64, count: usize) -> Outcome<&[u32]> {
    let granules = vmem.granules(first, count)?;
    if let Some(shadow) = &vmem.shadow {
        shadow.read(granules.clone())?;
    }
    Ok(&vmem.words[words_of(granules)])
}

/// The words of `count` granules, checked and noted for writing.
fn store(vmem: &mut Memory, first: i64, count: usize) -> Outcome<&mut [u32]> {
    let granules = vmem.granules(first, count)?;
    if let Some(shadow) = &mut vmem.shadow {
        shadow.write(granules.clone())?;
    }
    Ok(&mut vmem.words[words_of(granules)])
}
