//! Devices, one per chip, and their descriptions.

use palmetto_runtime as runtime;
use palmetto_runtime::{ChipDescription, MemoryKind};

use std::ffi::c_int;
use std::sync::{Arc, OnceLock};

use crate::abi::device::{
    PJRT_Device_AddressableMemories_Args, PJRT_Device_ClearMemoryStats_Args,
    PJRT_Device_DefaultMemory_Args, PJRT_Device_GetAttributes_Args,
    PJRT_Device_GetDescription_Args, PJRT_Device_IsAddressable_Args,
    PJRT_Device_LocalHardwareId_Args, PJRT_Device_MemoryStats_Args,
    PJRT_DeviceDescription_Attributes_Args, PJRT_DeviceDescription_DebugString_Args,
    PJRT_DeviceDescription_Id_Args, PJRT_DeviceDescription_Kind_Args,
    PJRT_DeviceDescription_ProcessIndex_Args, PJRT_DeviceDescription_ToString_Args,
};
use crate::abi::extension::PJRT_DeviceDescription_MemoryDescriptions_Args;
use crate::abi::handle::{self, Handle, Object, pointers};
use crate::abi::named_value::{NamedValue, NamedValues};
use crate::abi::{Args, set_list, set_text};
use crate::error::Error;
use crate::memory::{self, Memory};

/// What JAX knows the chip by.
pub(crate) const KIND: &str = "TPU v4";

/// `PJRT_DeviceDescription`: what is known of a device before there is a client.
pub(crate) struct DeviceDescription {
    id: c_int,
    debug_string: String,
    to_string: String,
    attributes: NamedValues,
}

impl Object for DeviceDescription {}

impl DeviceDescription {
    /// Of a chip.
    pub(crate) fn new(chip: &ChipDescription) -> Self {
        let ChipDescription { id, coords: [x, y, z], core_on_chip, slice_index, num_cores } = *chip;
        let integer = |value: u32| NamedValue::Integer(value.into());
        Self {
            id: c_int::try_from(id.0).unwrap_or(c_int::MAX),
            debug_string: format!("TPU_{}(process=0,({x},{y},{z},{core_on_chip}))", id.0),
            to_string: format!(
                "TpuDevice(id={}, process_index=0, coords=({x},{y},{z}), \
                 core_on_chip={core_on_chip})",
                id.0
            ),
            attributes: NamedValues::new([
                ("coords", NamedValue::Integers(vec![x.into(), y.into(), z.into()])),
                ("core_on_chip", integer(core_on_chip)),
                ("slice_index", integer(slice_index)),
                ("num_cores", integer(num_cores)),
            ]),
        }
    }
}

/// `PJRT_Device`.
pub(crate) struct Device {
    /// The device of the runtime.
    pub(crate) runtime: runtime::Device,
    /// All of its kinds, in the order of [`MemoryKind::ALL`].
    pub(crate) memories: [Memory; MemoryKind::ALL.len()],
    description: Arc<DeviceDescription>,
    memory_handles: OnceLock<[Handle<Memory>; MemoryKind::ALL.len()]>,
}

impl Object for Device {}

impl Device {
    /// The device at this place of the client's list.
    pub(crate) fn new(
        runtime: runtime::Device,
        index: usize,
        description: Arc<DeviceDescription>,
    ) -> Self {
        Self {
            runtime,
            memories: MemoryKind::ALL.map(|kind| Memory::new(kind, index)),
            description,
            memory_handles: OnceLock::new(),
        }
    }

    /// Links it with its memories, once all devices are where they stay.
    pub(crate) fn link(&self) {
        self.memory_handles.get_or_init(|| self.memories.each_ref().map(Handle::of));
        for memory in &self.memories {
            memory.link(self);
        }
    }

    /// The memory of a kind.
    pub(crate) fn memory(&self, kind: MemoryKind) -> &Memory {
        let memory = self.memories.iter().find(|memory| memory.kind == kind);
        memory.expect("a device has a memory of each kind")
    }

    /// The id, which no other device has.
    pub(crate) fn id(&self) -> c_int {
        self.description.id
    }

    /// Its memories.
    pub(crate) fn memory_handles(&self) -> &[Handle<Memory>] {
        self.memory_handles.get().expect("devices are linked before they are given away")
    }
}

pub(crate) fn description_id(args: Args<'_, PJRT_DeviceDescription_Id_Args>) -> Result<(), Error> {
    args.id().set(args.device_description()?.id);
    Ok(())
}

pub(crate) fn description_process_index(
    args: Args<'_, PJRT_DeviceDescription_ProcessIndex_Args>,
) -> Result<(), Error> {
    args.device_description()?;
    args.process_index().set(0);
    Ok(())
}

pub(crate) fn description_attributes(
    args: Args<'_, PJRT_DeviceDescription_Attributes_Args>,
) -> Result<(), Error> {
    let attributes = &args.device_description()?.attributes;
    set_list(args.attributes(), args.num_attributes(), attributes.c());
    Ok(())
}

pub(crate) fn description_kind(
    args: Args<'_, PJRT_DeviceDescription_Kind_Args>,
) -> Result<(), Error> {
    args.device_description()?;
    set_text(args.device_kind(), args.device_kind_size(), KIND);
    Ok(())
}

pub(crate) fn description_debug_string(
    args: Args<'_, PJRT_DeviceDescription_DebugString_Args>,
) -> Result<(), Error> {
    let text = &args.device_description()?.debug_string;
    set_text(args.debug_string(), args.debug_string_size(), text);
    Ok(())
}

pub(crate) fn description_to_string(
    args: Args<'_, PJRT_DeviceDescription_ToString_Args>,
) -> Result<(), Error> {
    set_text(args.to_string(), args.to_string_size(), &args.device_description()?.to_string);
    Ok(())
}

/// Of the extension of memory descriptions.
pub(crate) fn description_memories(
    args: Args<'_, PJRT_DeviceDescription_MemoryDescriptions_Args>,
) -> Result<(), Error> {
    args.device_description()?;
    let descriptions = pointers(memory::descriptions());
    set_list(args.memory_descriptions(), args.num_memory_descriptions(), descriptions);
    args.default_memory_index().set(0);
    Ok(())
}

pub(crate) fn get_description(
    args: Args<'_, PJRT_Device_GetDescription_Args>,
) -> Result<(), Error> {
    args.device_description().set(Handle::of(&*args.device()?.description).pointer());
    Ok(())
}

/// Every device is of this process.
pub(crate) fn is_addressable(args: Args<'_, PJRT_Device_IsAddressable_Args>) -> Result<(), Error> {
    args.device()?;
    args.is_addressable().set(1);
    Ok(())
}

pub(crate) fn local_hardware_id(
    args: Args<'_, PJRT_Device_LocalHardwareId_Args>,
) -> Result<(), Error> {
    args.local_hardware_id().set(args.device()?.id());
    Ok(())
}

pub(crate) fn addressable_memories(
    args: Args<'_, PJRT_Device_AddressableMemories_Args>,
) -> Result<(), Error> {
    let memories = args.device()?.memory_handles();
    set_list(args.memories(), args.num_memories(), pointers(memories));
    Ok(())
}

pub(crate) fn default_memory(args: Args<'_, PJRT_Device_DefaultMemory_Args>) -> Result<(), Error> {
    let memory = args.device()?.memory(MemoryKind::Device);
    args.memory().set(Handle::of(memory).pointer());
    Ok(())
}

pub(crate) fn get_attributes(args: Args<'_, PJRT_Device_GetAttributes_Args>) -> Result<(), Error> {
    let attributes = &args.device()?.description.attributes;
    set_list(args.attributes(), args.num_attributes(), attributes.c());
    args.device_attributes().set(std::ptr::null_mut());
    args.attributes_deleter().set(Some(handle::delete_nothing));
    Ok(())
}

pub(crate) fn memory_stats(args: Args<'_, PJRT_Device_MemoryStats_Args>) -> Result<(), Error> {
    let stats = args.device()?.runtime.memory_stats();
    let count = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    args.bytes_in_use().set(count(stats.bytes_in_use));
    let known = [
        (args.peak_bytes_in_use(), args.peak_bytes_in_use_is_set(), stats.peak_bytes_in_use),
        (args.num_allocs(), args.num_allocs_is_set(), stats.num_allocs),
        (args.largest_alloc_size(), args.largest_alloc_size_is_set(), stats.largest_alloc_size),
        (args.bytes_limit(), args.bytes_limit_is_set(), stats.bytes_limit),
        (
            args.largest_free_block_bytes(),
            args.largest_free_block_bytes_is_set(),
            stats.largest_free_block_bytes,
        ),
    ];
    for (field, is_set, value) in known {
        field.set(count(value));
        is_set.set(1);
    }
    // HBM has no reserve and no pools.
    let unknown = [
        (args.bytes_reserved(), args.bytes_reserved_is_set()),
        (args.peak_bytes_reserved(), args.peak_bytes_reserved_is_set()),
        (args.bytes_reservable_limit(), args.bytes_reservable_limit_is_set()),
        (args.pool_bytes(), args.pool_bytes_is_set()),
        (args.peak_pool_bytes(), args.peak_pool_bytes_is_set()),
        (args.peak_allocated_bytes(), args.peak_allocated_bytes_is_set()),
    ];
    for (field, is_set) in unknown {
        field.set(0);
        is_set.set(0);
    }
    Ok(())
}

pub(crate) fn clear_memory_stats(
    args: Args<'_, PJRT_Device_ClearMemoryStats_Args>,
) -> Result<(), Error> {
    args.device()?.runtime.reset_peak();
    Ok(())
}
