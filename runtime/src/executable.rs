//! [`Executable`]: a compiled program, on no device.

use std::sync::Arc;

use palmetto_compiler::compile;
use palmetto_compiler::executable as compiled;
use palmetto_compiler::hlo::{ArrayShape, Module};
use palmetto_compiler::options::{CompileOptions, EntryLayout};
use palmetto_isa::ChipSpec;

use crate::Error;
use crate::cost::{CompiledMemoryStats, CostAnalysis, cost_of, memory_of};
use crate::device::MemoryKind;
use crate::serialized::{Stored, deserialize, fingerprint, serialize};

/// A parameter or a result of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArraySpec {
    /// Its shape, with the layout that it has in HBM.
    pub shape: ArrayShape,
    /// The memory that it is in.
    pub memory_kind: MemoryKind,
}

/// A compiled program, on no device. Clones are the same program.
#[derive(Clone, Debug)]
pub struct Executable(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    program: Arc<compiled::Executable>,
    n_replicas: usize,
    n_partitions: usize,
    parameters: Vec<ArraySpec>,
    results: Vec<ArraySpec>,
}

impl Executable {
    /// Compiles a module. Parameters are laid out as buffers are.
    ///
    /// # Errors
    /// The module cannot be compiled.
    pub fn compile(
        module: &Module,
        options: &CompileOptions,
        n_replicas: usize,
        n_partitions: usize,
    ) -> Result<Self, Error> {
        let options = CompileOptions { entry_layout: EntryLayout::RowMajor, ..options.clone() };
        Self::new(compile(module, &options)?, n_replicas, n_partitions)
    }

    /// A compiled program for `n_replicas` times `n_partitions` devices.
    ///
    /// # Errors
    /// The program names a memory that there is not.
    pub fn new(
        program: compiled::Executable,
        n_replicas: usize,
        n_partitions: usize,
    ) -> Result<Self, Error> {
        let parameters = parameters_of(&program)?;
        let results = results_of(&program)?;
        let program = Arc::new(program);
        Ok(Self(Arc::new(Compiled { program, n_replicas, n_partitions, parameters, results })))
    }

    /// The name of the module.
    pub fn name(&self) -> &str {
        &self.0.program.name
    }

    /// The binary form, for [`Executable::deserialize`].
    ///
    /// # Errors
    /// None for what was compiled; the format has its limits.
    pub fn serialize(&self) -> Result<Vec<u8>, Error> {
        serialize(&self.0.program, self.0.n_replicas, self.0.n_partitions)
    }

    /// The program in a binary form that this version has made, for `chip`.
    ///
    /// # Errors
    /// The data is something else, damaged, or for another chip.
    pub fn deserialize(bytes: &[u8], chip: &ChipSpec) -> Result<Self, Error> {
        let Stored { program, n_replicas, n_partitions } = deserialize(bytes, chip)?;
        Self::new(program, n_replicas, n_partitions)
    }

    /// Equal for programs that are equal in all that matters for running them.
    ///
    /// # Errors
    /// As [`Executable::serialize`].
    pub fn fingerprint(&self) -> Result<String, Error> {
        Ok(fingerprint(&self.serialize()?))
    }

    /// What the compiler made.
    pub fn program(&self) -> &compiled::Executable {
        &self.0.program
    }

    pub(crate) fn shared_program(&self) -> &Arc<compiled::Executable> {
        &self.0.program
    }

    /// The module after all passes.
    pub fn optimized_module(&self) -> &Module {
        &self.0.program.module
    }

    /// The work of one execution on one device.
    pub fn cost_analysis(&self) -> CostAnalysis {
        cost_of(&self.0.program)
    }

    /// The memory of one device that it needs.
    pub fn memory_stats(&self) -> CompiledMemoryStats {
        memory_of(&self.0.program)
    }

    /// How many times the program runs.
    pub fn n_replicas(&self) -> usize {
        self.0.n_replicas
    }

    /// Into how many parts each run is cut.
    pub fn n_partitions(&self) -> usize {
        self.0.n_partitions
    }

    /// The parameters that the program asks for as donations, in order. Others may be donated too;
    /// their memory is given back.
    pub fn donated(&self) -> &[usize] {
        &self.0.program.donated
    }

    /// The parameters, of one device.
    pub fn parameters(&self) -> &[ArraySpec] {
        &self.0.parameters
    }

    /// The results, flattened, of one device.
    pub fn results(&self) -> &[ArraySpec] {
        &self.0.results
    }
}

/// The attribute of arguments and results that names their memory.
const MEMORY_KIND: &str = "mhlo.memory_kind";

fn parameters_of(program: &compiled::Executable) -> Result<Vec<ArraySpec>, Error> {
    let entry = program.module.entry_computation();
    let specs = program.parameters.iter().enumerate().map(|(number, view)| {
        let parameter = entry.parameters().get(number).map(|id| entry.instruction(*id));
        let kind = parameter.and_then(|p| p.frontend_attributes().get(MEMORY_KIND));
        Ok(ArraySpec { shape: view.shape.clone(), memory_kind: memory_kind(kind)? })
    });
    specs.collect()
}

fn results_of(program: &compiled::Executable) -> Result<Vec<ArraySpec>, Error> {
    let attributes = program.module.frontend_attributes();
    let specs = program.results.iter().enumerate().map(|(number, view)| {
        let kind = attributes.get(&format!("result.{number}.{MEMORY_KIND}"));
        Ok(ArraySpec { shape: view.shape.clone(), memory_kind: memory_kind(kind)? })
    });
    specs.collect()
}

fn memory_kind(name: Option<&String>) -> Result<MemoryKind, Error> {
    let Some(name) = name else { return Ok(MemoryKind::Device) };
    MemoryKind::from_name(name).ok_or_else(|| Error::UnknownMemory(name.clone()))
}
