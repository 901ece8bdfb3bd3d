//! [`LoadedExecutable`]: a program on its devices.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use palmetto_compiler::compile;
use palmetto_compiler::executable::{self as compiled, AllocationKind};
use palmetto_compiler::hlo::{Literal, Module, Shape};
use palmetto_compiler::options::CompileOptions;
use palmetto_emulator::LoadedProgram;
use palmetto_isa::{Bytes, memory::GRANULE_BYTES};

use crate::allocator::{Name, Range};
use crate::assignment::DeviceAssignment;
use crate::buffer::{Buffer, write_array};
use crate::client::{Client, ClientOptions};
use crate::device::{Device, HbmRange, MemoryKind, bytes};
use crate::dispatch::Dispatcher;
use crate::event::Event;
use crate::executable::Executable;
use crate::execution::{Execution, Program, RunOptions, Watch};
use crate::host_transfer::Host;
use crate::record::PendingReport;
use crate::topology::{DeviceId, Topology};
use crate::{Error, SharedError};

/// Buffers that an out-of-memory message names.
const NAMED_BUFFERS: usize = 5;

/// A program on the devices that run it. Clones are the same.
#[derive(Clone)]
pub struct LoadedExecutable(Arc<Loaded>);

struct Loaded {
    client: Client,
    executable: Executable,
    assignment: DeviceAssignment,
    devices: Vec<Device>,
    program: Arc<Program>,
    /// Nothing after deletion.
    residents: Mutex<Option<Arc<Vec<Resident>>>>,
}

/// What an executable has on a device as long as it is loaded.
pub(crate) struct Resident {
    /// Allocation and place of each constant.
    pub(crate) constants: Vec<(usize, Range)>,
    pub(crate) written: Event,
    _ranges: Vec<HbmRange>,
}

/// An argument of an execution.
#[derive(Clone, Debug)]
pub struct Argument {
    /// The array.
    pub buffer: Buffer,
    /// The execution may take the array's memory; the buffer is deleted.
    pub donate: bool,
}

/// How an execution is done.
#[derive(Clone, Default)]
pub struct ExecuteOptions {
    /// How to run, if not as the client says.
    pub run: Option<RunOptions>,
    /// Whom to tell which instruction is about to run.
    pub watch: Option<Watch>,
    /// The host's side of the transfers of each device, in the order of the assignment; none where
    /// the list is too short, and then a transfer ends the run.
    pub hosts: Vec<Host>,
}

/// An execution on one device, that has been dispatched.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The results.
    pub outputs: Vec<Buffer>,
    /// Ready when the execution has ended.
    pub done: Event,
    /// Where the time went.
    pub report: PendingReport,
}

impl LoadedExecutable {
    /// Compiles a module and loads it on a client of its own with one chip.
    ///
    /// # Errors
    /// The module cannot be compiled, or does not fit the chip.
    pub fn compile(module: &Module, options: &CompileOptions) -> Result<Self, Error> {
        Self::load(compile(module, options)?)
    }

    /// Loads a program on a client of its own with one chip.
    ///
    /// # Errors
    /// HBM is too small, or a program is not one for the chip.
    pub fn load(program: compiled::Executable) -> Result<Self, Error> {
        let topology = Topology::new([1, 1, 1]).expect("one chip is a topology");
        let client =
            Client::new(ClientOptions { chip: program.chip, ..ClientOptions::new(topology) })?;
        client.load(Executable::new(program, 1, 1)?, DeviceAssignment::one(DeviceId(0)))
    }

    pub(crate) fn new(
        client: &Client,
        executable: Executable,
        assignment: DeviceAssignment,
    ) -> Result<Self, Error> {
        let devices = devices_of(client, &executable, &assignment)?;
        let compiled = executable.shared_program();
        check_memory(compiled)?;
        let bundles = compiled.programs.iter().map(|program| {
            let loaded = LoadedProgram::new(program, &compiled.chip);
            loaded.map_err(|source| Error::fault(&program.name, source))
        });
        let bundles = bundles.collect::<Result<_, _>>()?;
        let names = compiled.allocations.iter().map(|allocation| name_of(compiled, allocation));
        let names = names.collect();
        let program = Arc::new(Program { executable: Arc::clone(compiled), bundles, names });
        let residents = devices.iter().map(|device| reside(device, compiled));
        let residents = Mutex::new(Some(Arc::new(residents.collect::<Result<_, _>>()?)));
        let client = client.clone();
        let loaded = Loaded { client, executable, assignment, devices, program, residents };
        Ok(Self(Arc::new(loaded)))
    }

    /// The program.
    pub fn executable(&self) -> &Executable {
        &self.0.executable
    }

    /// The devices, in the order of the assignment.
    pub fn devices(&self) -> &[Device] {
        &self.0.devices
    }

    /// Which device runs what.
    pub fn assignment(&self) -> &DeviceAssignment {
        &self.0.assignment
    }

    /// The client that it is loaded on.
    pub fn client(&self) -> &Client {
        &self.0.client
    }

    /// Gives the memory of constants back. Executions that were dispatched are not disturbed.
    pub fn delete(&self) {
        drop(self.residents().take());
    }

    /// Whether it was deleted.
    pub fn is_deleted(&self) -> bool {
        self.residents().is_none()
    }

    /// Dispatches an execution on all devices, with the arguments of each in the order of the
    /// assignment, and returns at once. Donated buffers are deleted then.
    ///
    /// Faults and other errors of the run are told by the events of the results.
    ///
    /// # Errors
    /// The arguments do not fit, or there is not enough memory for the results. Then nothing was
    /// dispatched to the device that it is about, and to those after it.
    pub fn execute(
        &self,
        arguments: &[Vec<Argument>],
        options: &ExecuteOptions,
    ) -> Result<Vec<Launch>, Error> {
        let (given, expected) = (arguments.len(), self.0.devices.len());
        if given != expected {
            let message = format!("arguments for {given} devices, the program runs on {expected}");
            return Err(Error::Assignment(message));
        }
        let dispatchers = arguments.iter().enumerate();
        let dispatchers = dispatchers.map(|(n, arguments)| self.dispatcher(n, arguments, options));
        let dispatchers = dispatchers.collect::<Result<Vec<_>, _>>()?;
        let _together = (expected > 1).then(|| self.0.client.launching());
        dispatchers.into_iter().map(|dispatcher| Ok(dispatcher.dispatch()?.0)).collect()
    }

    fn dispatcher(
        &self,
        index: usize,
        arguments: &[Argument],
        options: &ExecuteOptions,
    ) -> Result<Dispatcher, Error> {
        let deleted = || Error::ExecutableDeleted(self.0.executable.name().to_owned());
        let residents = self.residents().clone().ok_or_else(deleted)?;
        let run = options.run.unwrap_or_else(|| self.0.client.run_options());
        let device = &self.0.devices[index];
        let dispatcher = Dispatcher {
            device: device.clone(),
            program: Arc::clone(&self.0.program),
            executable: self.0.executable.clone(),
            residents,
            index,
            options: run,
            watch: options.watch.clone(),
            host: options.hosts.get(index).cloned(),
            arguments: Vec::new(),
        };
        dispatcher.with_arguments(arguments)
    }

    /// Runs the program on its first device, and waits.
    ///
    /// # Errors
    /// The inputs do not fit, or the program faulted.
    pub fn run(&self, inputs: &[Literal], options: &RunOptions) -> Result<Execution, Error> {
        self.run_watched(inputs, options, None)
    }

    /// The same, telling `watch` which instruction is about to run.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_watched(
        &self,
        inputs: &[Literal],
        options: &RunOptions,
        watch: Option<Watch>,
    ) -> Result<Execution, Error> {
        let execute = ExecuteOptions { run: Some(*options), watch, hosts: Vec::new() };
        self.run_with(inputs, &execute)
    }

    /// The same, as `execute` says: with a host for the program's transfers, for instance.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_with(
        &self,
        inputs: &[Literal],
        execute: &ExecuteOptions,
    ) -> Result<Execution, Error> {
        let options = execute.run.unwrap_or_else(|| self.0.client.run_options());
        self.check_inputs(inputs)?;
        let device = &self.0.devices[0];
        device.set_strict(options.strict);
        let arguments = inputs.iter().zip(self.0.executable.parameters()).map(|(input, spec)| {
            let array = input.as_array().expect("the inputs were checked").clone();
            let buffer = match spec.memory_kind {
                MemoryKind::Device => Buffer::from_literal_as(array, device, spec.shape.clone())?,
                host => Buffer::from_literal(array, device, host)?,
            };
            Ok(Argument { buffer, donate: true })
        });
        let arguments = arguments.collect::<Result<Vec<_>, Error>>()?;
        let (launched, record) = self.dispatcher(0, &arguments, execute)?.dispatch()?;
        launched.done.wait()?;
        let record = record.get().expect("an execution that went well has left a record");
        let outputs = launched.outputs.iter().map(|buffer| Ok(buffer.to_literal()?.into()));
        let outputs = outputs.collect::<Result<_, Error>>()?;
        Ok(Execution { outputs, report: record.report(), checks: record.checks.clone() })
    }

    fn check_inputs(&self, inputs: &[Literal]) -> Result<(), Error> {
        let parameters = self.0.executable.parameters();
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

    fn residents(&self) -> MutexGuard<'_, Option<Arc<Vec<Resident>>>> {
        self.0.residents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn devices_of(
    client: &Client,
    executable: &Executable,
    assignment: &DeviceAssignment,
) -> Result<Vec<Device>, Error> {
    let (program, this) = (&executable.program().chip, client.chip());
    if program != this {
        let (program, client) = (program.name.to_owned(), this.name.to_owned());
        return Err(Error::OtherChip { program, client });
    }
    let given = (assignment.n_replicas(), assignment.n_partitions());
    let compiled = (executable.n_replicas(), executable.n_partitions());
    if given != compiled {
        let message = format!(
            "the program was compiled for {} replicas of {} partitions, the assignment has {} of {}",
            compiled.0, compiled.1, given.0, given.1
        );
        return Err(Error::Assignment(message));
    }
    let device = |&id: &DeviceId| {
        let device = client.device(id).cloned();
        device.ok_or(Error::ForeignDevice { device: id })
    };
    assignment.devices().iter().map(device).collect()
}

/// A program that can never fit is refused when it is loaded.
fn check_memory(executable: &compiled::Executable) -> Result<(), Error> {
    let needed = executable.peak_hbm();
    let available = executable.chip.hbm_bytes / GRANULE_BYTES as u64 * GRANULE_BYTES as u64;
    if needed.0 <= available {
        return Ok(());
    }
    let mut allocations: Vec<_> = executable.allocations.iter().collect();
    allocations.sort_by_key(|allocation| std::cmp::Reverse(allocation.granules));
    let largest = allocations.iter().take(NAMED_BUFFERS);
    let largest = largest.map(|a| format!("{} ({})", a.name, bytes(a.granules))).collect();
    Err(Error::OutOfMemory { needed, available: Bytes(available), largest })
}

/// What messages call an allocation.
fn name_of(executable: &compiled::Executable, allocation: &compiled::Allocation) -> Name {
    let name = &allocation.name;
    let what = match allocation.kind {
        AllocationKind::Parameter(_) => format!("parameter {name}"),
        AllocationKind::Constant { .. } => format!("constant {name}"),
        AllocationKind::Result => format!("result {name}"),
        AllocationKind::Temporary => name.clone(),
    };
    format!("{what} of {}", executable.name).into()
}

/// Puts the constants of a program into the HBM of a device.
fn reside(device: &Device, executable: &Arc<compiled::Executable>) -> Result<Resident, Error> {
    let mut resident =
        Resident { constants: Vec::new(), written: Event::ready(), _ranges: Vec::new() };
    for (index, allocation) in executable.allocations.iter().enumerate() {
        if matches!(allocation.kind, AllocationKind::Constant { .. }) {
            let name = name_of(executable, allocation);
            let range = device.allocate(&mut device.dispatch(), allocation.granules, &name)?;
            resident._ranges.push(HbmRange::new(device, range));
            resident.constants.push((index, range));
        }
    }
    if resident.constants.is_empty() {
        return Ok(resident);
    }
    let (written, promise) = Event::pending();
    resident.written = written;
    let (constants, executable) = (resident.constants.clone(), Arc::clone(executable));
    let backed = device.dispatch().allocator.end();
    device.stream().push(move |on_device| {
        let chip = match on_device.chip(backed) {
            Ok(chip) => chip,
            Err(error) => return promise.complete(Err(error)),
        };
        let mut constants = constants.iter();
        promise.complete(constants.try_for_each(|(index, range)| {
            let AllocationKind::Constant { literal, shape } = &executable.allocations[*index].kind
            else {
                unreachable!("only constants are resident")
            };
            let value = |source| {
                let what = executable.allocations[*index].name.clone();
                SharedError::new(Error::Value { what, source })
            };
            write_array(chip, range.start, shape, literal.as_array().map_err(value)?)
        }));
    });
    Ok(resident)
}

impl fmt::Debug for LoadedExecutable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoadedExecutable({} on {:?})", self.0.executable.name(), self.0.devices)
    }
}
