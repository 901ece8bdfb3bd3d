//! Devices, their descriptions and memories.

use std::ffi::{c_int, c_void};

use super::c_structs;
use super::handle::DeleteNothing;
use super::named_value::PJRT_NamedValue;
use crate::device::{Device, DeviceDescription};
use crate::memory::Memory;

c_structs! {
    struct PJRT_DeviceDescription_Id_Args {
        object device_description: DeviceDescription,
        out id: c_int,
    }
    struct PJRT_DeviceDescription_ProcessIndex_Args {
        object device_description: DeviceDescription,
        out process_index: c_int,
    }
    struct PJRT_DeviceDescription_Attributes_Args {
        object device_description: DeviceDescription,
        out num_attributes: usize,
        out attributes: *const PJRT_NamedValue,
    }
    struct PJRT_DeviceDescription_Kind_Args {
        object device_description: DeviceDescription,
        out device_kind: *const u8,
        out device_kind_size: usize,
    }
    struct PJRT_DeviceDescription_DebugString_Args {
        object device_description: DeviceDescription,
        out debug_string: *const u8,
        out debug_string_size: usize,
    }
    struct PJRT_DeviceDescription_ToString_Args {
        object device_description: DeviceDescription,
        out to_string: *const u8,
        out to_string_size: usize,
    }
    struct PJRT_Device_GetDescription_Args {
        object device: Device,
        out device_description: *mut DeviceDescription,
    }
    struct PJRT_Device_IsAddressable_Args {
        object device: Device,
        out is_addressable: u8,
    }
    struct PJRT_Device_LocalHardwareId_Args {
        object device: Device,
        out local_hardware_id: c_int,
    }
    struct PJRT_Device_AddressableMemories_Args {
        object device: Device,
        out memories: *const *mut Memory,
        out num_memories: usize,
    }
    struct PJRT_Device_DefaultMemory_Args {
        object device: Device,
        out memory: *mut Memory,
    }
    struct PJRT_Device_MemoryStats_Args {
        object device: Device,
        out bytes_in_use: i64,
        out peak_bytes_in_use: i64,
        out peak_bytes_in_use_is_set: u8,
        out num_allocs: i64,
        out num_allocs_is_set: u8,
        out largest_alloc_size: i64,
        out largest_alloc_size_is_set: u8,
        out bytes_limit: i64,
        out bytes_limit_is_set: u8,
        out bytes_reserved: i64,
        out bytes_reserved_is_set: u8,
        out peak_bytes_reserved: i64,
        out peak_bytes_reserved_is_set: u8,
        out bytes_reservable_limit: i64,
        out bytes_reservable_limit_is_set: u8,
        out largest_free_block_bytes: i64,
        out largest_free_block_bytes_is_set: u8,
        out pool_bytes: i64,
        out pool_bytes_is_set: u8,
        out peak_pool_bytes: i64,
        out peak_pool_bytes_is_set: u8,
        out peak_allocated_bytes: i64,
        out peak_allocated_bytes_is_set: u8,
    }
    struct PJRT_Device_ClearMemoryStats_Args {
        object device: Device,
    }
    struct PJRT_Device_PoisonExecution_Args {
        object device: Device,
        in launch_id: i32,
        in error_code: c_int,
        list error_message: u8 [error_message_size],
        in error_message_size: usize,
        out poisoned: u8,
        list payload: PJRT_NamedValue [num_payload],
        in num_payload: usize,
    }
    struct PJRT_Device_GetAttributes_Args {
        object device: Device,
        out attributes: *const PJRT_NamedValue,
        out num_attributes: usize,
        out device_attributes: *mut c_void,
        out attributes_deleter: Option<DeleteNothing>,
    }
    struct PJRT_Device_CreateAsyncTrackingEvent_Args {
        object device: Device,
        list description: u8 [description_size],
        in description_size: usize,
        out event: *mut c_void,
    }
    struct PJRT_AsyncTrackingEvent_Destroy_Args {
        in event: *mut c_void,
    }
    struct PJRT_Memory_Id_Args {
        object memory: Memory,
        out id: c_int,
    }
    struct PJRT_Memory_Kind_Args {
        object memory: Memory,
        out kind: *const u8,
        out kind_size: usize,
    }
    struct PJRT_Memory_Kind_Id_Args {
        object memory: Memory,
        out kind_id: c_int,
    }
    struct PJRT_Memory_DebugString_Args {
        object memory: Memory,
        out debug_string: *const u8,
        out debug_string_size: usize,
    }
    struct PJRT_Memory_ToString_Args {
        object memory: Memory,
        out to_string: *const u8,
        out to_string_size: usize,
    }
    struct PJRT_Memory_AddressableByDevices_Args {
        object memory: Memory,
        out devices: *const *mut Device,
        out num_devices: usize,
    }
}
