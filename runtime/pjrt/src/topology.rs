//! Topologies: slices of chips, with or without a client.

use palmetto_runtime::Topology;

use std::sync::Arc;

use crate::abi::handle::{self, Handle, Object, Serialized, pointers};
use crate::abi::named_value::{self, NamedValue, NamedValues};
use crate::abi::topology::{
    PJRT_TopologyDescription_Attributes_Args, PJRT_TopologyDescription_Create_Args,
    PJRT_TopologyDescription_Deserialize_Args, PJRT_TopologyDescription_Destroy_Args,
    PJRT_TopologyDescription_Fingerprint_Args, PJRT_TopologyDescription_GetDeviceDescriptions_Args,
    PJRT_TopologyDescription_PlatformName_Args, PJRT_TopologyDescription_PlatformVersion_Args,
    PJRT_TopologyDescription_Serialize_Args,
};
use crate::abi::{Args, set_list, set_text, text};
use crate::client::{PLATFORM_NAME, PLATFORM_VERSION};
use crate::device::DeviceDescription;
use crate::error::Error;
use crate::settings;

/// `PJRT_TopologyDescription`.
pub(crate) struct TopologyDescription {
    topology: Topology,
    descriptions: Vec<Arc<DeviceDescription>>,
    handles: Vec<Handle<DeviceDescription>>,
    attributes: NamedValues,
}

impl Object for TopologyDescription {}

impl TopologyDescription {
    /// Of a slice.
    pub(crate) fn new(topology: Topology) -> Self {
        let descriptions: Vec<_> =
            topology.chips().map(|chip| Arc::new(DeviceDescription::new(&chip))).collect();
        let handles = descriptions.iter().map(|description| Handle::of(&**description)).collect();
        let bounds = topology.bounds().map(i64::from).to_vec();
        let attributes = NamedValues::new([
            ("topology", NamedValue::Text(topology.to_string())),
            ("bounds", NamedValue::Integers(bounds)),
        ]);
        Self { topology, descriptions, handles, attributes }
    }

    /// The slice.
    pub(crate) fn topology(&self) -> Topology {
        self.topology
    }

    /// Its devices.
    pub(crate) fn descriptions(&self) -> &[Arc<DeviceDescription>] {
        &self.descriptions
    }
}

/// By name, such as `v4:2x2x2`; without one, the option `topology` or the default.
pub(crate) fn create(args: Args<'_, PJRT_TopologyDescription_Create_Args>) -> Result<(), Error> {
    let name = text("topology_name", args.topology_name()?)?;
    let options = named_value::read(args.create_options()?)?;
    let topology = match (name, options.get("topology")) {
        ("", Some(NamedValue::Text(text))) => settings::parse_topology(text),
        ("", _) => settings::with(|settings| settings.topology()),
        (name, _) => settings::parse_topology(name),
    };
    let topology = topology.map_err(Error::invalid)?;
    args.topology().set(handle::give(TopologyDescription::new(topology)));
    Ok(())
}

pub(crate) fn destroy(args: Args<'_, PJRT_TopologyDescription_Destroy_Args>) -> Result<(), Error> {
    drop(args.topology());
    Ok(())
}

pub(crate) fn platform_name(
    args: Args<'_, PJRT_TopologyDescription_PlatformName_Args>,
) -> Result<(), Error> {
    args.topology()?;
    set_text(args.platform_name(), args.platform_name_size(), PLATFORM_NAME);
    Ok(())
}

pub(crate) fn platform_version(
    args: Args<'_, PJRT_TopologyDescription_PlatformVersion_Args>,
) -> Result<(), Error> {
    args.topology()?;
    set_text(args.platform_version(), args.platform_version_size(), PLATFORM_VERSION);
    Ok(())
}

pub(crate) fn get_device_descriptions(
    args: Args<'_, PJRT_TopologyDescription_GetDeviceDescriptions_Args>,
) -> Result<(), Error> {
    let descriptions = pointers(&args.topology()?.handles);
    set_list(args.descriptions(), args.num_descriptions(), descriptions);
    Ok(())
}

/// A topology is written as its text.
pub(crate) fn serialize(
    args: Args<'_, PJRT_TopologyDescription_Serialize_Args>,
) -> Result<(), Error> {
    let bytes = Serialized(args.topology()?.topology.to_string().into_bytes());
    set_list(args.serialized_bytes(), args.serialized_bytes_size(), &bytes.0);
    args.serialized_topology().set(handle::give(bytes));
    args.serialized_topology_deleter().set(Some(handle::delete_bytes));
    Ok(())
}

pub(crate) fn deserialize(
    args: Args<'_, PJRT_TopologyDescription_Deserialize_Args>,
) -> Result<(), Error> {
    let text = text("serialized_topology", args.serialized_topology()?)?;
    let topology = settings::parse_topology(text).map_err(Error::invalid)?;
    args.topology().set(handle::give(TopologyDescription::new(topology)));
    Ok(())
}

pub(crate) fn attributes(
    args: Args<'_, PJRT_TopologyDescription_Attributes_Args>,
) -> Result<(), Error> {
    let attributes = args.topology()?.attributes.c();
    set_list(args.attributes(), args.num_attributes(), attributes);
    Ok(())
}

/// Of the chip and the bounds: what a compiled program depends on.
pub(crate) fn fingerprint(
    args: Args<'_, PJRT_TopologyDescription_Fingerprint_Args>,
) -> Result<(), Error> {
    let text = format!("{PLATFORM_VERSION} {}", args.topology()?.topology);
    args.fingerprint().set(fnv(text.as_bytes()));
    Ok(())
}

/// A hash that is the same in every process (FNV-1a).
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    })
}
