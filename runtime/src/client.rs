//! [`Client`]: the devices of a slice, and how programs and arrays get there.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use palmetto_compiler::hlo::{ArrayLiteral, Module};
use palmetto_compiler::options::CompileOptions;
use palmetto_isa::{ChipSpec, TPU_V4};

use crate::Error;
use crate::assignment::DeviceAssignment;
use crate::buffer::Buffer;
use crate::device::{Device, MemoryKind};
use crate::executable::Executable;
use crate::execution::{Clock, RunOptions};
use crate::host_array::HostArray;
use crate::loaded::LoadedExecutable;
use crate::topology::{DeviceId, Topology};
use crate::workers::Workers;

/// How often the body of a loop may run before the loop is taken to be endless.
pub const MAX_TRIPS: u64 = 1 << 32;

/// What a client is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClientOptions {
    /// The chips.
    pub topology: Topology,
    /// What each chip is like.
    pub chip: ChipSpec,
    /// How programs are run; can be changed later.
    pub run: RunOptions,
    /// The most threads that emulate; nothing for as many as the host has cores. Results do not
    /// depend on it.
    pub n_threads: Option<usize>,
}

impl ClientOptions {
    /// TPU v4 chips at their own clock, not strict.
    pub fn new(topology: Topology) -> Self {
        let run = RunOptions { strict: false, clock: Clock::Chip, max_trips: MAX_TRIPS };
        Self { topology, chip: TPU_V4, run, n_threads: None }
    }
}

/// Emulated chips. Clones are the same client.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    options: ClientOptions,
    devices: Vec<Device>,
    run: Mutex<RunOptions>,
    /// Held while an execution is dispatched to several devices, so that all of them get executions
    /// in the same order.
    launching: Mutex<()>,
}

impl Client {
    /// A client with all chips of the topology.
    ///
    /// # Errors
    /// None today: chips are made when they are used.
    pub fn new(options: ClientOptions) -> Result<Self, Error> {
        let n_cores = || thread::available_parallelism().map_or(1, usize::from);
        let workers = Workers::new(options.n_threads.unwrap_or_else(n_cores));
        let devices = options.topology.chips().map(|description| {
            Device::new(description, &options.chip, options.run.strict, &workers)
        });
        let (devices, run) = (devices.collect(), Mutex::new(options.run));
        let launching = Mutex::new(());
        Ok(Self(Arc::new(Inner { options, devices, run, launching })))
    }

    /// The devices, in the order of their ids.
    pub fn devices(&self) -> &[Device] {
        &self.0.devices
    }

    /// The device with this id.
    pub fn device(&self, id: DeviceId) -> Option<&Device> {
        self.0.devices.get(id.0 as usize)
    }

    /// The chips.
    pub fn topology(&self) -> Topology {
        self.0.options.topology
    }

    /// What each chip is like.
    pub fn chip(&self) -> &ChipSpec {
        &self.0.options.chip
    }

    /// How programs are run.
    pub fn run_options(&self) -> RunOptions {
        *self.run()
    }

    /// Makes what is dispatched from now on strict, or no longer strict.
    pub fn set_strict(&self, strict: bool) {
        self.run().strict = strict;
        self.0.devices.iter().for_each(|device| device.set_strict(strict));
    }

    /// The clock of executions from now on.
    pub fn set_clock(&self, clock: Clock) {
        self.run().clock = clock;
    }

    /// A buffer with the content of an array, which is copied before this returns.
    ///
    /// # Errors
    /// The array is not what it says, or there is not enough memory.
    pub fn buffer_from_host(
        &self,
        array: &HostArray<'_>,
        device: &Device,
        memory_kind: MemoryKind,
    ) -> Result<Buffer, Error> {
        self.buffer_from_literal(array.to_literal()?, device, memory_kind)
    }

    /// A buffer with the content of a literal.
    ///
    /// # Errors
    /// There is not enough memory.
    pub fn buffer_from_literal(
        &self,
        literal: ArrayLiteral,
        device: &Device,
        memory_kind: MemoryKind,
    ) -> Result<Buffer, Error> {
        self.check_device(device)?;
        Buffer::from_literal(literal, device, memory_kind)
    }

    /// Compiles a module for devices of this client.
    ///
    /// # Errors
    /// The module cannot be compiled, or not loaded: see [`Client::load`].
    pub fn compile(
        &self,
        module: &Module,
        options: &CompileOptions,
        assignment: DeviceAssignment,
    ) -> Result<LoadedExecutable, Error> {
        let (n_replicas, n_partitions) = (assignment.n_replicas(), assignment.n_partitions());
        let executable = Executable::compile(module, options, n_replicas, n_partitions)?;
        self.load(executable, assignment)
    }

    /// Brings a compiled program to its devices.
    ///
    /// # Errors
    /// The program is for another chip or another number of devices, a device does not exist, or
    /// its constants do not fit into HBM.
    pub fn load(
        &self,
        executable: Executable,
        assignment: DeviceAssignment,
    ) -> Result<LoadedExecutable, Error> {
        LoadedExecutable::new(self, executable, assignment)
    }

    pub(crate) fn check_device(&self, device: &Device) -> Result<(), Error> {
        match self.device(device.id()) {
            Some(own) if own == device => Ok(()),
            Some(_) | None => Err(Error::ForeignDevice { device: device.id() }),
        }
    }

    pub(crate) fn launching(&self) -> MutexGuard<'_, ()> {
        self.0.launching.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) -> MutexGuard<'_, RunOptions> {
        self.0.run.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
