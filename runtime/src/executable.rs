//! [`LoadedExecutable`]: an executable with a place in HBM for everything, ready to run.

use palmetto_compiler::compile;
use palmetto_compiler::executable::{AllocationKind, Executable, Slice};
use palmetto_compiler::hlo::{Literal, Module, Shape};
use palmetto_compiler::options::CompileOptions;
use palmetto_emulator::LoadedProgram;
use palmetto_isa::{Bytes, memory::GRANULE_BYTES};

use crate::execution::{self, Execution, RunOptions};
use crate::host_transfer::NoHost;
use crate::{Error, HostTransfer, transfer};

/// Buffers that an out-of-memory message names.
const NAMED_BUFFERS: usize = 5;

/// A compiled program whose allocations have addresses and whose bundles are decoded.
#[derive(Clone, Debug)]
pub struct LoadedExecutable {
    pub(crate) executable: Executable,
    pub(crate) programs: Vec<LoadedProgram>,
    /// The first granule of each allocation.
    starts: Vec<u32>,
    hbm: Bytes,
}

impl LoadedExecutable {
    /// Compiles and loads a module.
    ///
    /// # Errors
    /// The module cannot be compiled, or does not fit the chip.
    pub fn compile(module: &Module, options: &CompileOptions) -> Result<Self, Error> {
        Self::load(compile(module, options)?)
    }

    /// Places the allocations one after the other and decodes the programs.
    ///
    /// # Errors
    /// HBM is too small, or a program is not one for the chip.
    pub fn load(executable: Executable) -> Result<Self, Error> {
        let available = executable.chip.hbm_bytes / GRANULE_BYTES as u64;
        let mut starts = Vec::with_capacity(executable.allocations.len());
        let mut next = 0_u64;
        for allocation in &executable.allocations {
            // Where HBM is exceeded the address does not matter any more.
            starts.push(u32::try_from(next).unwrap_or(u32::MAX));
            next = next.saturating_add(allocation.granules.into());
        }
        if next > available {
            return Err(out_of_memory(&executable, next, available));
        }
        let programs = executable.programs.iter().map(|program| {
            LoadedProgram::new(program, &executable.chip).map_err(|source| Error::Fault {
                instruction: program.name.clone(),
                place: String::new(),
                source,
            })
        });
        let programs = programs.collect::<Result<_, _>>()?;
        let hbm = bytes(next);
        Ok(Self { executable, programs, starts, hbm })
    }

    /// Runs the program on one chip.
    ///
    /// # Errors
    /// The inputs do not fit, or the program faulted.
    pub fn execute(&self, inputs: &[Literal], options: &RunOptions) -> Result<Execution, Error> {
        self.execute_watched(inputs, options, &mut |_| {})
    }

    /// The same, telling `watch` which instruction is about to run.
    ///
    /// # Errors
    /// As [`Self::execute`].
    pub fn execute_watched(
        &self,
        inputs: &[Literal],
        options: &RunOptions,
        watch: &mut dyn FnMut(&str),
    ) -> Result<Execution, Error> {
        self.execute_with_host(inputs, options, watch, &mut NoHost)
    }

    /// The same, with a host for the program's sends and recvs.
    ///
    /// # Errors
    /// As [`Self::execute`]; also what the host says.
    pub fn execute_with_host(
        &self,
        inputs: &[Literal],
        options: &RunOptions,
        watch: &mut dyn FnMut(&str),
        host: &mut dyn HostTransfer,
    ) -> Result<Execution, Error> {
        self.check_inputs(inputs)?;
        execution::run(self, inputs, options, (watch, host))
    }

    /// The compiled program.
    pub fn executable(&self) -> &Executable {
        &self.executable
    }

    /// HBM that all allocations take.
    pub fn hbm(&self) -> Bytes {
        self.hbm
    }

    /// The granule that a slice starts at.
    pub(crate) fn granule(&self, slice: Slice) -> u32 {
        self.starts[slice.allocation.0] + slice.offset
    }

    /// Start and content of each constant.
    pub(crate) fn constants(&self, padding: u8) -> impl Iterator<Item = (u32, Vec<u8>)> {
        let allocations = self.executable.allocations.iter().zip(&self.starts);
        allocations.filter_map(move |(allocation, &start)| match &allocation.kind {
            AllocationKind::Constant { literal, shape } => {
                let literal = literal.as_array().expect("a constant in HBM is an array");
                let mut bytes = transfer::to_device(literal, shape, padding);
                bytes.resize(allocation.granules as usize * GRANULE_BYTES, padding);
                Some((start, bytes))
            }
            AllocationKind::Parameter(_) | AllocationKind::Result | AllocationKind::Temporary => {
                None
            }
        })
    }

    fn check_inputs(&self, inputs: &[Literal]) -> Result<(), Error> {
        let parameters = &self.executable.parameters;
        let (given, expected) = (inputs.len(), parameters.len());
        if given != expected {
            return Err(Error::ArgumentCount { given, expected });
        }
        for (number, (input, parameter)) in inputs.iter().zip(parameters).enumerate() {
            let given = input.shape();
            if !given.same_but_layout(&Shape::Array(parameter.shape.clone())) {
                let expected = Box::new(parameter.shape.without_layout());
                return Err(Error::ArgumentShape { number, given: Box::new(given), expected });
            }
        }
        Ok(())
    }
}

fn bytes(granules: u64) -> Bytes {
    Bytes(granules.saturating_mul(GRANULE_BYTES as u64))
}

fn out_of_memory(executable: &Executable, needed: u64, available: u64) -> Error {
    let mut allocations: Vec<_> = executable.allocations.iter().collect();
    allocations.sort_by_key(|allocation| std::cmp::Reverse(allocation.granules));
    let largest = allocations.iter().take(NAMED_BUFFERS);
    let largest = largest.map(|a| format!("{} ({})", a.name, bytes(a.granules.into()))).collect();
    Error::OutOfMemory { needed: bytes(needed), available: bytes(available), largest }
}
