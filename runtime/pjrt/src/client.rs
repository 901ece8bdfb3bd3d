//! Clients: the slice that a process sees.

use std::collections::BTreeMap;
use std::ffi::c_int;
use std::sync::Arc;

use palmetto_runtime as runtime;
use palmetto_runtime::{ClientOptions, DeviceId, Topology};

use crate::abi::client::{
    PJRT_Client_AddressableDevices_Args, PJRT_Client_AddressableMemories_Args,
    PJRT_Client_Create_Args, PJRT_Client_DefaultDeviceAssignment_Args, PJRT_Client_Destroy_Args,
    PJRT_Client_Devices_Args, PJRT_Client_LookupAddressableDevice_Args,
    PJRT_Client_LookupDevice_Args, PJRT_Client_PlatformName_Args, PJRT_Client_PlatformVersion_Args,
    PJRT_Client_ProcessIndex_Args, PJRT_Client_TopologyDescription_Args,
    PJRT_Client_UpdateGlobalProcessInfo_Args,
};
use crate::abi::handle::{self, Handle, Object, pointers};
use crate::abi::named_value::{self, NamedValue};
use crate::abi::{Args, set_list, set_text};
use crate::device::Device;
use crate::environment;
use crate::error::{Code, Error};
use crate::memory::Memory;
use crate::settings::{self, Settings};
use crate::topology::TopologyDescription;

/// The platform that JAX has its lowerings for.
pub(crate) const PLATFORM_NAME: &str = "tpu";
/// What it is, for people; compiled programs of another version are not loaded.
pub(crate) const PLATFORM_VERSION: &str = concat!("Palmetto ", env!("CARGO_PKG_VERSION"));

/// `PJRT_Client`.
pub(crate) struct Client {
    /// What lives as long as anything that was made from it.
    pub(crate) state: Arc<ClientState>,
}

impl Object for Client {}

/// A client with the objects that C sees of it.
pub(crate) struct ClientState {
    /// The client of the runtime.
    pub(crate) runtime: runtime::Client,
    /// A device per chip, in the order of their ids.
    pub(crate) devices: Vec<Device>,
    topology: TopologyDescription,
    device_handles: Vec<Handle<Device>>,
    memory_handles: Vec<Handle<Memory>>,
}

impl ClientState {
    fn new(options: ClientOptions) -> Result<Arc<Self>, Error> {
        let topology = TopologyDescription::new(options.topology);
        let runtime = runtime::Client::new(options)?;
        let pairs = runtime.devices().iter().zip(topology.descriptions()).enumerate();
        let devices: Vec<Device> = pairs
            .map(|(index, (device, description))| {
                Device::new(device.clone(), index, Arc::clone(description))
            })
            .collect();
        // The devices are where they stay: moving the list does not move them.
        devices.iter().for_each(Device::link);
        let device_handles = devices.iter().map(Handle::of).collect();
        let memories = devices.iter().flat_map(|device| device.memory_handles());
        let memory_handles = memories.copied().collect();
        Ok(Arc::new(Self { runtime, devices, topology, device_handles, memory_handles }))
    }

    /// The device with this id.
    pub(crate) fn device(&self, id: DeviceId) -> Result<&Device, Error> {
        let device = self.devices.iter().find(|device| device.runtime.id() == id);
        device.ok_or_else(|| {
            let last = self.devices.len().saturating_sub(1);
            let message = format!("there is no {id}; there are devices 0 to {last}");
            Error::new(Code::NotFound, message)
        })
    }

    /// The device that a memory belongs to.
    pub(crate) fn device_of(&self, memory: &Memory) -> Result<&Device, Error> {
        let device = self.devices.get(memory.device_index);
        let device = device.filter(|device| std::ptr::eq(device.memory(memory.kind), memory));
        device.ok_or_else(|| Error::invalid("the memory is one of another client"))
    }

    fn find_device(&self, id: c_int) -> Result<&Device, Error> {
        let id = u32::try_from(id);
        self.device(DeviceId(id.map_err(|_| Error::invalid("a device id is negative"))?))
    }
}

/// With options `topology`, `strict` and `clock`; what they do not say, the process's settings do.
pub(crate) fn create(args: Args<'_, PJRT_Client_Create_Args>) -> Result<(), Error> {
    let options = named_value::read(args.create_options()?)?;
    let state = settings::with(|settings| {
        let options = client_options(&options, settings)?;
        let state = ClientState::new(options).map_err(|error| error.to_string())?;
        settings.add_client(Arc::downgrade(&state));
        Ok(state)
    });
    args.client().set(handle::give(Client { state: state.map_err(Error::invalid)? }));
    Ok(())
}

fn client_options(
    options: &BTreeMap<String, NamedValue>,
    settings: &Settings,
) -> Result<ClientOptions, String> {
    let mut given = ClientOptions::new(settings.topology()?);
    given.run.strict = settings.strict;
    given.run.clock = settings.clock;
    for (name, value) in options {
        let in_option = |error: String| format!("client option `{name}`: {error}");
        match (name.as_str(), value) {
            ("topology", NamedValue::Text(text)) => {
                given.topology = settings::parse_topology(text).map_err(in_option)?;
            }
            ("strict", NamedValue::Text(text)) => {
                given.run.strict = settings::parse_bool(text).map_err(in_option)?;
            }
            ("strict", NamedValue::Bool(strict)) => given.run.strict = *strict,
            ("clock", NamedValue::Text(text)) => {
                given.run.clock = settings::parse_clock(text).map_err(in_option)?;
            }
            ("topology" | "strict" | "clock", other) => {
                return Err(format!("client option `{name}` is {other:?}, a text is expected"));
            }
            // JAX tells every plugin about processes and its own tuning.
            _ => {}
        }
    }
    if let Some(chips) = environment::read(environment::VISIBLE_CHIPS) {
        given.topology = visible(given.topology, &chips)
            .map_err(|error| format!("{}={chips}: {error}", environment::VISIBLE_CHIPS))?;
    }
    Ok(given)
}

/// The slice that the visible chips of another one are.
fn visible(topology: Topology, chips: &str) -> Result<Topology, String> {
    let mut coords = Vec::new();
    for chip in chips.split(',') {
        let index: usize = chip.trim().parse().map_err(|_| format!("`{chip}` is no number"))?;
        let n_chips = topology.n_chips();
        let chip = topology.chips().nth(index);
        let chip = chip.ok_or_else(|| format!("chip {index} of {n_chips} in {topology}"))?;
        coords.push(chip.coords);
    }
    coords.sort_unstable();
    coords.dedup();
    let side = |axis: usize| {
        let values = coords.iter().map(|coords| coords[axis]);
        values.clone().max().unwrap_or_default() - values.min().unwrap_or_default() + 1
    };
    let bounds = [side(0), side(1), side(2)];
    let cuboid: usize = bounds.iter().map(|&side| side as usize).product();
    if cuboid != coords.len() {
        return Err(format!("the chips at {coords:?} are no cuboid, which JAX's meshes need"));
    }
    Topology::new(bounds).map_err(|error| error.to_string())
}

pub(crate) fn destroy(args: Args<'_, PJRT_Client_Destroy_Args>) -> Result<(), Error> {
    drop(args.client());
    Ok(())
}

pub(crate) fn platform_name(args: Args<'_, PJRT_Client_PlatformName_Args>) -> Result<(), Error> {
    args.client()?;
    set_text(args.platform_name(), args.platform_name_size(), PLATFORM_NAME);
    Ok(())
}

pub(crate) fn process_index(args: Args<'_, PJRT_Client_ProcessIndex_Args>) -> Result<(), Error> {
    args.client()?;
    args.process_index().set(0);
    Ok(())
}

pub(crate) fn platform_version(
    args: Args<'_, PJRT_Client_PlatformVersion_Args>,
) -> Result<(), Error> {
    args.client()?;
    set_text(args.platform_version(), args.platform_version_size(), PLATFORM_VERSION);
    Ok(())
}

pub(crate) fn topology_description(
    args: Args<'_, PJRT_Client_TopologyDescription_Args>,
) -> Result<(), Error> {
    args.topology().set(Handle::of(&args.client()?.state.topology).pointer());
    Ok(())
}

pub(crate) fn devices(args: Args<'_, PJRT_Client_Devices_Args>) -> Result<(), Error> {
    let devices = pointers(&args.client()?.state.device_handles);
    set_list(args.devices(), args.num_devices(), devices);
    Ok(())
}

pub(crate) fn addressable_devices(
    args: Args<'_, PJRT_Client_AddressableDevices_Args>,
) -> Result<(), Error> {
    let devices = pointers(&args.client()?.state.device_handles);
    set_list(args.addressable_devices(), args.num_addressable_devices(), devices);
    Ok(())
}

pub(crate) fn addressable_memories(
    args: Args<'_, PJRT_Client_AddressableMemories_Args>,
) -> Result<(), Error> {
    let memories = pointers(&args.client()?.state.memory_handles);
    set_list(args.addressable_memories(), args.num_addressable_memories(), memories);
    Ok(())
}

pub(crate) fn lookup_device(args: Args<'_, PJRT_Client_LookupDevice_Args>) -> Result<(), Error> {
    let device = args.client()?.state.find_device(args.id())?;
    args.device().set(Handle::of(device).pointer());
    Ok(())
}

pub(crate) fn lookup_addressable_device(
    args: Args<'_, PJRT_Client_LookupAddressableDevice_Args>,
) -> Result<(), Error> {
    let device = args.client()?.state.find_device(args.local_hardware_id())?;
    args.addressable_device().set(Handle::of(device).pointer());
    Ok(())
}

/// Replica `r` of partition `p` is on device `r * num_partitions + p`.
pub(crate) fn default_device_assignment(
    args: Args<'_, PJRT_Client_DefaultDeviceAssignment_Args>,
) -> Result<(), Error> {
    let (n_replicas, n_partitions) = (args.num_replicas(), args.num_partitions());
    let n_devices = args.client()?.state.devices.len();
    let needed = n_replicas.checked_mul(n_partitions).filter(|_| n_replicas > 0);
    let needed = needed.and_then(|needed| usize::try_from(needed).ok());
    match needed {
        Some(needed) if (1..=n_devices).contains(&needed) => {
            let ids: Vec<c_int> =
                args.client()?.state.devices[..needed].iter().map(Device::id).collect();
            args.assign(&ids)
        }
        _ => Err(Error::invalid(format!(
            "{n_replicas} replicas of {n_partitions} partitions do not fit {n_devices} devices"
        ))),
    }
}

/// There are no other processes whose state could change. Callers abort if this fails.
pub(crate) fn update_global_process_info(
    args: Args<'_, PJRT_Client_UpdateGlobalProcessInfo_Args>,
) -> Result<(), Error> {
    args.client().map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visible_chips_are_a_slice_of_their_own() {
        let topology = Topology::parse("2x2x2").expect("a slice");
        let see = |chips| visible(topology, chips).map(|topology| topology.to_string());
        assert_eq!(see("3"), Ok("1x1x1".to_owned()));
        assert_eq!(see("0,1,2,3"), Ok("2x2x1".to_owned()));
        assert!(see("0,3").is_err_and(|error| error.contains("no cuboid")));
        assert!(see("8").is_err_and(|error| error.contains("chip 8 of 8")));
        assert!(see("a").is_err_and(|error| error.contains("`a` is no number")));
    }
}
