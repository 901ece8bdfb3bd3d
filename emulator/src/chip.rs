//! [`Chip`]: two cores that share HBM and CMEM, and the launch of programs on them.

use crate::{
    Fault, LaunchReport, LoadedProgram, Timing,
    memory::{Memory, words_of},
};
use palmetto_isa::{ChipSpec, MemorySpace, Program, memory::GRANULE_BYTES};

/// How a chip is emulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmulatorOptions {
    /// Whatever the machine leaves undefined is a fault.
    pub strict: bool,
    /// Host memory that backs HBM; at most the chip's HBM is used.
    pub hbm_bytes: u64,
    /// Bundles that a core may issue in one launch before it is taken to loop for ever.
    pub max_bundles: u64,
}

impl Default for EmulatorOptions {
    /// Strict, 1 GiB of HBM, 2^32 bundles per core and launch.
    fn default() -> Self {
        Self { strict: true, hbm_bytes: 1 << 30, max_bundles: 1 << 32 }
    }
}

/// One emulated chip.
pub struct Chip {
    spec: ChipSpec,
    hbm: Memory,
}

impl Chip {
    /// A chip with undefined memories.
    pub fn new(spec: ChipSpec, options: &EmulatorOptions) -> Self {
        let hbm_bytes = options.hbm_bytes.min(spec.hbm_bytes);
        Self { spec, hbm: Memory::new(MemorySpace::Hbm, hbm_bytes, options.strict) }
    }

    /// The numbers of the chip.
    pub fn spec(&self) -> &ChipSpec {
        &self.spec
    }

    /// Writes `bytes` to HBM from the start of `granule` on. The rest of the last granule keeps its
    /// content and counts as written.
    ///
    /// # Errors
    /// If the range is not in the backed part of HBM.
    pub fn write_hbm(&mut self, granule: u32, bytes: &[u8]) -> Result<(), Fault> {
        let count = bytes.len().div_ceil(GRANULE_BYTES);
        let granules =
            self.hbm.granules(granule.into(), count).map_err(|trouble| trouble.nowhere())?;
        let words = &mut self.hbm.words[words_of(granules.clone())];
        bytemuck::cast_slice_mut::<u32, u8>(words)[..bytes.len()].copy_from_slice(bytes);
        if let Some(shadow) = &mut self.hbm.shadow {
            shadow.define(granules);
        }
        Ok(())
    }

    /// `n_bytes` of HBM from the start of `granule` on.
    ///
    /// # Errors
    /// If the range is not in the backed part of HBM or, in strict mode, was never written.
    pub fn read_hbm(&self, granule: u32, n_bytes: usize) -> Result<&[u8], Fault> {
        let count = n_bytes.div_ceil(GRANULE_BYTES);
        let read = || {
            let granules = self.hbm.granules(granule.into(), count)?;
            if let Some(shadow) = &self.hbm.shadow {
                shadow.read(granules.clone())?;
            }
            Ok(granules)
        };
        let granules = read().map_err(|trouble: Box<crate::fault::Trouble>| trouble.nowhere())?;
        Ok(&bytemuck::cast_slice(&self.hbm.words[words_of(granules)])[..n_bytes])
    }

    /// Makes HBM granules undefined: what was there must not be read any more.
    ///
    /// # Errors
    /// If the range is not in the backed part of HBM.
    pub fn discard_hbm(&mut self, granule: u32, n_granules: u32) -> Result<(), Fault> {
        let granules = self
            .hbm
            .granules(granule.into(), n_granules as usize)
            .map_err(|trouble| trouble.nowhere())?;
        if let Some(shadow) = &mut self.hbm.shadow {
            shadow.undefine(granules);
        }
        Ok(())
    }

    /// Loads and runs `program`.
    ///
    /// # Errors
    /// See [`LoadedProgram::new`] and [`Chip::launch_loaded`].
    pub fn launch(
        &mut self,
        program: &Program,
        arguments: &[u32],
        timing: &mut dyn Timing,
    ) -> Result<LaunchReport, Fault> {
        self.launch_loaded(&LoadedProgram::new(program, &self.spec)?, arguments, timing)
    }

    /// Runs `program` on both cores until both have halted. Private memories are undefined at the
    /// start, except for the arguments: argument `i` is in SMEM word `i` of both cores.
    ///
    /// # Errors
    /// Any fault of the program, or arguments that do not fit it. Memory is then in an undefined
    /// state.
    pub fn launch_loaded(
        &mut self,
        program: &LoadedProgram,
        arguments: &[u32],
        timing: &mut dyn Timing,
    ) -> Result<LaunchReport, Fault> {
        let _ = (program, arguments, timing);
        Err(Fault {
            kind: crate::FaultKind::IllegalLaunch,
            core: None,
            bundle: None,
            op: None,
            detail: "the engine is not part of this commit".into(),
        })
    }
}
