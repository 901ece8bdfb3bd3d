//! [`Chip`]: two cores that share HBM and CMEM, and the launch of programs on them.

use std::collections::TryReserveError;

use crate::{
    Fault, FaultKind, LaunchReport, LoadedProgram, Timing,
    dma::{Channels, Shared},
    loaded::granules,
    memory::{Memory, shadow::Shadow, words_of},
    tensor_core::{Surroundings, TensorCore},
};
use palmetto_isa::{ChipSpec, MemorySpace, Program, memory::GRANULE_BYTES};

/// How a chip is emulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmulatorOptions {
    /// Whatever the machine leaves undefined is a fault.
    pub strict: bool,
    /// The part of HBM that is backed at first, at most all of it; see [`Chip::back_hbm`].
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
    shared: Shared,
    cores: Vec<TensorCore>,
}

/// Cores that a chip can have.
const MAX_CORES: u32 = 2;

impl Chip {
    /// A chip with undefined memories.
    ///
    /// # Panics
    /// If the specification has more than two cores: no such chip exists.
    pub fn new(spec: ChipSpec, options: &EmulatorOptions) -> Self {
        assert!(spec.n_cores <= MAX_CORES, "a chip has at most {MAX_CORES} cores");
        let hbm_bytes = options.hbm_bytes.min(spec.hbm_bytes);
        let shared = Shared {
            hbm: Memory::new(MemorySpace::Hbm, hbm_bytes, options.strict),
            cmem: Memory::new(MemorySpace::Cmem, spec.cmem_bytes, options.strict),
            channels: Channels::default(),
            sent_to: [Vec::new(), Vec::new()],
        };
        let cores = (0..spec.n_cores).map(|core| TensorCore::new(core, &spec, options)).collect();
        Self { spec, shared, cores }
    }

    /// The numbers of the chip.
    pub fn spec(&self) -> &ChipSpec {
        &self.spec
    }

    /// Whether whatever the machine leaves undefined is a fault.
    pub fn is_strict(&self) -> bool {
        self.cores.iter().all(TensorCore::is_strict)
    }

    /// Makes the chip strict from the next launch on, or no longer strict. All of HBM and CMEM
    /// counts as written then; [`Chip::discard_hbm`] says what is not.
    pub fn set_strict(&mut self, strict: bool) {
        self.shared.hbm.set_strict(strict);
        self.shared.cmem.set_strict(strict);
        self.cores.iter_mut().for_each(|core| core.set_strict(strict));
    }

    /// Backs at least the first `n_granules` of HBM, at most all of it. The content of what was
    /// backed stays, the rest is undefined. HBM that is not backed cannot be accessed.
    ///
    /// # Errors
    /// The host has not so much memory; nothing has changed then.
    pub fn back_hbm(&mut self, n_granules: u32) -> Result<(), TryReserveError> {
        let all = usize::try_from(granules(self.spec.hbm_bytes)).unwrap_or(usize::MAX);
        self.shared.hbm.back((n_granules as usize).min(all))
    }

    /// Granules of HBM that are backed.
    pub fn backed_granules(&self) -> usize {
        self.shared.hbm.n_granules()
    }

    /// Copies granules of HBM; of overlapping ranges the target is right.
    ///
    /// # Errors
    /// If a range is not in the backed part of HBM or, in strict mode, the source was never
    /// written.
    pub fn copy_hbm(&mut self, source: u32, target: u32, n_granules: u32) -> Result<(), Fault> {
        let hbm = &mut self.shared.hbm;
        let mut copy = || {
            let from = hbm.granules(source.into(), n_granules as usize)?;
            let to = hbm.granules(target.into(), n_granules as usize)?;
            if let Some(shadow) = &mut hbm.shadow {
                shadow.read(from.clone())?;
                shadow.define(to.clone());
            }
            hbm.words.copy_within(words_of(from), words_of(to).start);
            Ok(())
        };
        copy().map_err(|trouble: Box<crate::fault::Trouble>| trouble.nowhere())
    }

    /// Writes `bytes` to HBM from the start of `granule` on. The rest of the last granule keeps its
    /// content and counts as written.
    ///
    /// # Errors
    /// If the range is not in the backed part of HBM.
    pub fn write_hbm(&mut self, granule: u32, bytes: &[u8]) -> Result<(), Fault> {
        let count = bytes.len().div_ceil(GRANULE_BYTES);
        let granules =
            self.shared.hbm.granules(granule.into(), count).map_err(|trouble| trouble.nowhere())?;
        let words = &mut self.shared.hbm.words[words_of(granules.clone())];
        bytemuck::cast_slice_mut::<u32, u8>(words)[..bytes.len()].copy_from_slice(bytes);
        if let Some(shadow) = &mut self.shared.hbm.shadow {
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
            let granules = self.shared.hbm.granules(granule.into(), count)?;
            if let Some(shadow) = &self.shared.hbm.shadow {
                shadow.read(granules.clone())?;
            }
            Ok(granules)
        };
        let granules = read().map_err(|trouble: Box<crate::fault::Trouble>| trouble.nowhere())?;
        Ok(&bytemuck::cast_slice(&self.shared.hbm.words[words_of(granules)])[..n_bytes])
    }

    /// Makes HBM granules undefined: what was there must not be read any more.
    ///
    /// # Errors
    /// If the range is not in the backed part of HBM.
    pub fn discard_hbm(&mut self, granule: u32, n_granules: u32) -> Result<(), Fault> {
        let granules = self
            .shared
            .hbm
            .granules(granule.into(), n_granules as usize)
            .map_err(|trouble| trouble.nowhere())?;
        if let Some(shadow) = &mut self.shared.hbm.shadow {
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
        self.check_launch(program, arguments)?;
        let mut report = LaunchReport { n_launches: 1, ..LaunchReport::default() };
        report.launch_cycles = timing.launch();
        for shadow in [&mut self.shared.hbm.shadow, &mut self.shared.cmem.shadow] {
            shadow.iter_mut().for_each(Shadow::begin_launch);
        }
        self.shared.channels = Channels::default();
        self.shared.sent_to.iter_mut().for_each(Vec::clear);
        self.cores.iter_mut().for_each(|core| core.begin_launch(program, arguments));
        if let Err(fault) = self.run_cores(program, timing) {
            for core in &mut self.cores {
                core.abandon(program, &mut self.shared);
            }
            return Err(fault);
        }
        report.cores = self.cores.iter_mut().map(TensorCore::take_report).collect();
        let longest = report.cores.iter().map(|core| core.cycles).max().unwrap_or_default();
        report.cycles = report.launch_cycles + longest;
        Ok(report)
    }

    fn check_launch(&self, program: &LoadedProgram, arguments: &[u32]) -> Result<(), Fault> {
        let refuse = |detail: String| {
            let kind = FaultKind::IllegalLaunch;
            Err(Fault { kind, core: None, bundle: None, op: None, detail })
        };
        let (given, wanted) = (arguments.len(), program.n_arguments);
        if given != wanted as usize {
            return refuse(format!("`{}` takes {wanted} arguments, given {given}", program.name));
        }
        if program.spec != self.spec {
            let (loaded, this) = (program.spec.name, self.spec.name);
            return refuse(format!("`{}` was loaded for {loaded}, this is {this}", program.name));
        }
        Ok(())
    }

    /// Runs the core that is behind in simulated time, so that transfers of both cores start in the
    /// order of time; of equal times the lower core goes first.
    fn run_cores(&mut self, program: &LoadedProgram, timing: &mut dyn Timing) -> Result<(), Fault> {
        let mut with = Surroundings { program, shared: &mut self.shared, timing };
        loop {
            for core in self.cores.iter_mut().filter(|core| !core.halted()) {
                core.receive(with.shared);
            }
            let running = self.cores.iter_mut().filter(|core| !core.halted());
            let mut order: [Option<&mut TensorCore>; 2] = [None, None];
            for core in running {
                if order[0].as_ref().is_none_or(|first| core.time() < first.time()) {
                    order[1] = order[0].take();
                    order[0] = Some(core);
                } else {
                    order[1] = Some(core);
                }
            }
            let [Some(first), second] = order else { break };
            let limit = second.map_or((u64::MAX, u32::MAX), |core| core.time());
            first.run(&mut with, limit)?;
        }
        self.check_received()
    }

    /// In strict mode all that was sent must have been waited for.
    fn check_received(&self) -> Result<(), Fault> {
        let mut left = self.cores.iter().zip(&self.shared.sent_to);
        match left.find(|(core, sent)| core.is_strict() && !sent.is_empty()) {
            None => Ok(()),
            Some((core, sent)) => {
                let (kind, number) = (FaultKind::Sync, core.time().1);
                let detail = format!("{} transfers arrive after the core has halted", sent.len());
                Err(Fault { kind, core: Some(number), bundle: None, op: None, detail })
            }
        }
    }
}
