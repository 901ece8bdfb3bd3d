//! Loaded executables: compiled programs on devices.

use std::ffi::c_int;
use std::sync::Arc;

use palmetto_runtime as runtime;
use palmetto_runtime::{DeviceAssignment, DeviceId};

use crate::abi::executable::{
    PJRT_Executable_DeserializeAndLoad_Args,
    PJRT_LoadedExecutable_AddressableDeviceLogicalIds_Args,
    PJRT_LoadedExecutable_AddressableDevices_Args, PJRT_LoadedExecutable_Delete_Args,
    PJRT_LoadedExecutable_Destroy_Args, PJRT_LoadedExecutable_Fingerprint_Args,
    PJRT_LoadedExecutable_GetDeviceAssignment_Args, PJRT_LoadedExecutable_GetExecutable_Args,
    PJRT_LoadedExecutable_IsDeleted_Args,
};
use crate::abi::foreign::LogicalDeviceIds;
use crate::abi::handle::{self, Handle, Object, Serialized, pointers};
use crate::abi::{Args, set_list, set_text};
use crate::client::ClientState;
use crate::compile_options::{CompileOptions, write_assignment};
use crate::device::Device;
use crate::error::Error;
use crate::executable::{Executable, Parts};

/// `PJRT_LoadedExecutable`.
pub(crate) struct LoadedExecutable {
    /// The executable of the runtime.
    pub(crate) runtime: runtime::LoadedExecutable,
    /// What it runs on.
    pub(crate) client: Arc<ClientState>,
    parts: Arc<Parts>,
    devices: Vec<Handle<Device>>,
    logical_ids: Vec<LogicalDeviceIds>,
}

impl Object for LoadedExecutable {}

impl LoadedExecutable {
    /// As an object for C, which destroys it: on the assigned devices, or the first ones.
    ///
    /// # Errors
    /// It is for devices that the client does not have, or its constants do not fit.
    pub(crate) fn load(
        client: &Arc<ClientState>,
        executable: runtime::Executable,
        assignment: Option<DeviceAssignment>,
    ) -> Result<*mut Self, Error> {
        let assignment = match assignment {
            Some(assignment) => assignment,
            None => first_devices(executable.n_replicas(), executable.n_partitions())?,
        };
        let runtime = client.runtime.load(executable, assignment)?;
        let devices = runtime.devices().iter().map(|device| client.device(device.id()));
        let devices =
            devices.map(|device| device.map(Handle::of)).collect::<Result<Vec<_>, _>>()?;
        let n_partitions = runtime.assignment().n_partitions().max(1);
        let number = |n: usize| c_int::try_from(n).unwrap_or(c_int::MAX);
        let logical_ids = (0..devices.len()).map(|n| LogicalDeviceIds {
            replica: number(n / n_partitions),
            partition: number(n % n_partitions),
        });
        Ok(handle::give(Self {
            client: Arc::clone(client),
            parts: Parts::new(runtime.executable().clone())?,
            logical_ids: logical_ids.collect(),
            devices,
            runtime,
        }))
    }

    /// Whether the device at this place of the assignment is this one.
    pub(crate) fn is_device(&self, place: usize, device: &Device) -> bool {
        self.devices.get(place).is_some_and(|handle| handle.is(device))
    }
}

/// With the devices of the options, or those that it was compiled for.
pub(crate) fn deserialize_and_load(
    args: Args<'_, PJRT_Executable_DeserializeAndLoad_Args>,
) -> Result<(), Error> {
    let client = &args.client()?.state;
    let bytes = args.serialized_executable()?;
    let executable = runtime::Executable::deserialize(bytes, client.runtime.chip())?;
    let options = CompileOptions::parse(args.overridden_serialized_compile_options()?)?;
    let loaded = LoadedExecutable::load(client, executable, options.assignment)?;
    args.loaded_executable().set(loaded);
    Ok(())
}

fn first_devices(n_replicas: usize, n_partitions: usize) -> Result<DeviceAssignment, Error> {
    let ids = (0..).map(DeviceId).take(n_replicas.saturating_mul(n_partitions));
    Ok(DeviceAssignment::new(n_replicas, n_partitions, ids.collect())?)
}

pub(crate) fn destroy(args: Args<'_, PJRT_LoadedExecutable_Destroy_Args>) -> Result<(), Error> {
    drop(args.executable());
    Ok(())
}

pub(crate) fn get_executable(
    args: Args<'_, PJRT_LoadedExecutable_GetExecutable_Args>,
) -> Result<(), Error> {
    args.executable().set(Executable::give(&args.loaded_executable()?.parts));
    Ok(())
}

pub(crate) fn get_device_assignment(
    args: Args<'_, PJRT_LoadedExecutable_GetDeviceAssignment_Args>,
) -> Result<(), Error> {
    let bytes = Serialized(write_assignment(args.executable()?.runtime.assignment()));
    set_list(args.serialized_bytes(), args.serialized_bytes_size(), &bytes.0);
    args.serialized_device_assignment().set(handle::give(bytes));
    args.serialized_device_assignment_deleter().set(Some(handle::delete_bytes));
    Ok(())
}

pub(crate) fn addressable_devices(
    args: Args<'_, PJRT_LoadedExecutable_AddressableDevices_Args>,
) -> Result<(), Error> {
    let devices = pointers(&args.executable()?.devices);
    set_list(args.addressable_devices(), args.num_addressable_devices(), devices);
    Ok(())
}

pub(crate) fn addressable_device_logical_ids(
    args: Args<'_, PJRT_LoadedExecutable_AddressableDeviceLogicalIds_Args>,
) -> Result<(), Error> {
    let ids = &args.executable()?.logical_ids;
    let length = args.num_addressable_device_logical_ids();
    set_list(args.addressable_device_logical_ids(), length, ids);
    Ok(())
}

pub(crate) fn delete(args: Args<'_, PJRT_LoadedExecutable_Delete_Args>) -> Result<(), Error> {
    args.executable()?.runtime.delete();
    Ok(())
}

pub(crate) fn is_deleted(
    args: Args<'_, PJRT_LoadedExecutable_IsDeleted_Args>,
) -> Result<(), Error> {
    args.is_deleted().set(u8::from(args.executable()?.runtime.is_deleted()));
    Ok(())
}

pub(crate) fn fingerprint(
    args: Args<'_, PJRT_LoadedExecutable_Fingerprint_Args>,
) -> Result<(), Error> {
    let fingerprint = &args.executable()?.parts.fingerprint;
    set_text(args.executable_fingerprint(), args.executable_fingerprint_size(), fingerprint);
    Ok(())
}
