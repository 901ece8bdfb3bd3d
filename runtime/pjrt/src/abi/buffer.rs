//! Buffers and transfers from and to the host.

use std::ffi::{c_int, c_void};

use super::c_structs;
use super::named_value::PJRT_NamedValue;
use crate::buffer::Buffer;
use crate::client::Client;
use crate::device::Device;
use crate::event::Event;
use crate::memory::Memory;

c_structs! {
    struct PJRT_Buffer_MemoryLayout_Tiled {
        list minor_to_major: i64 [minor_to_major_size],
        in minor_to_major_size: usize,
        in tile_dims: *const i64,
        in tile_dim_sizes: *const usize,
        in num_tiles: usize,
    }
    struct PJRT_Buffer_MemoryLayout_Strides {
        list byte_strides: i64 [num_byte_strides],
        in num_byte_strides: usize,
    }
    struct PJRT_Buffer_MemoryLayout {
        in_place tiled: PJRT_Buffer_MemoryLayout_Tiled,
        in r#type: c_int,
    }
    struct PJRT_Client_CreateUninitializedBuffer_Args {
        object client: Client,
        list shape_dims: i64 [shape_num_dims],
        in shape_num_dims: usize,
        in shape_element_type: c_int,
        maybe_unsized shape_layout: PJRT_Buffer_MemoryLayout,
        maybe device: Device,
        maybe memory: Memory,
        out buffer: *mut Buffer,
    }
    struct PJRT_Client_CreateErrorBuffer_Args {
        object client: Client,
        in error_code: c_int,
        list error_message: u8 [error_message_size],
        in error_message_size: usize,
        list shape_dims: i64 [shape_num_dims],
        in shape_num_dims: usize,
        in shape_element_type: c_int,
        maybe_unsized shape_layout: PJRT_Buffer_MemoryLayout,
        maybe memory: Memory,
        out buffer: *mut Buffer,
        list payload: PJRT_NamedValue [num_payload],
        in num_payload: usize,
        maybe_unsized device_layout: PJRT_Buffer_MemoryLayout,
    }
    struct PJRT_Client_CreateAliasBuffer_Args {
        object client: Client,
        maybe memory: Memory,
        list shape_dims: i64 [shape_num_dims],
        in shape_num_dims: usize,
        in shape_element_type: c_int,
        maybe_unsized shape_layout: PJRT_Buffer_MemoryLayout,
        out alias_buffer: *mut Buffer,
        out fulfill_alias_buffer_cb: *mut c_void,
    }
    struct PJRT_Client_FulfillAliasBuffer_Args {
        object client: Client,
        object buffer: Buffer,
        in status_code: c_int,
        list error_message: u8 [error_message_size],
        in error_message_size: usize,
        in fulfill_alias_buffer_cb: *mut c_void,
    }
    struct PJRT_Client_BufferFromHostBuffer_Args {
        object client: Client,
        in data: *const c_void,
        in r#type: c_int,
        list dims: i64 [num_dims],
        in num_dims: usize,
        list byte_strides: i64 [num_byte_strides],
        in num_byte_strides: usize,
        in host_buffer_semantics: c_int,
        maybe device: Device,
        maybe memory: Memory,
        maybe_unsized device_layout: PJRT_Buffer_MemoryLayout,
        out done_with_host_buffer: *mut Event,
        out buffer: *mut Buffer,
    }
    struct PJRT_Client_CreateViewOfDeviceBuffer_Args {
        object client: Client,
        in device_buffer_ptr: *mut c_void,
        list dims: i64 [num_dims],
        in num_dims: usize,
        in element_type: c_int,
        maybe_unsized layout: PJRT_Buffer_MemoryLayout,
        maybe device: Device,
        in on_delete_callback: *const c_void,
        in on_delete_callback_arg: *mut c_void,
        in stream: isize,
        out buffer: *mut Buffer,
        maybe memory: Memory,
    }
    struct PJRT_Buffer_Destroy_Args {
        owned buffer: Buffer,
    }
    struct PJRT_Buffer_ElementType_Args {
        object buffer: Buffer,
        out r#type: c_int,
    }
    struct PJRT_Buffer_Dimensions_Args {
        object buffer: Buffer,
        out dims: *const i64,
        out num_dims: usize,
    }
    struct PJRT_Buffer_UnpaddedDimensions_Args {
        object buffer: Buffer,
        out unpadded_dims: *const i64,
        out num_dims: usize,
    }
    struct PJRT_Buffer_DynamicDimensionIndices_Args {
        object buffer: Buffer,
        out dynamic_dim_indices: *const usize,
        out num_dynamic_dims: usize,
    }
    struct PJRT_Buffer_GetMemoryLayout_Args {
        object buffer: Buffer,
        out layout: PJRT_Buffer_MemoryLayout,
    }
    struct PJRT_Buffer_ToHostBuffer_Args {
        object src: Buffer,
        maybe_unsized host_layout: PJRT_Buffer_MemoryLayout,
        in dst: *mut c_void,
        out dst_size: usize,
        out event: *mut Event,
    }
    struct PJRT_Buffer_OnDeviceSizeInBytes_Args {
        object buffer: Buffer,
        out on_device_size_in_bytes: usize,
    }
    struct PJRT_Buffer_Delete_Args {
        object buffer: Buffer,
    }
    struct PJRT_Buffer_IsDeleted_Args {
        object buffer: Buffer,
        out is_deleted: u8,
    }
    struct PJRT_Buffer_CopyRawToHost_Args {
        object buffer: Buffer,
        in dst: *mut c_void,
        in offset: i64,
        in transfer_size: i64,
        out event: *mut Event,
    }
    struct PJRT_Buffer_CopyRawToHostFuture_Args {
        object buffer: Buffer,
        in offset: i64,
        in transfer_size: i64,
        out event: *mut Event,
        out callback_data: *mut c_void,
        out future_ready_callback: *const c_void,
    }
    struct PJRT_Buffer_CopyToDevice_Args {
        object buffer: Buffer,
        object dst_device: Device,
        out dst_buffer: *mut Buffer,
    }
    struct PJRT_Buffer_CopyToMemory_Args {
        object buffer: Buffer,
        object dst_memory: Memory,
        out dst_buffer: *mut Buffer,
    }
    struct PJRT_Buffer_Bitcast_Args {
        object buffer: Buffer,
        in element_type: c_int,
        list dims: i64 [num_dims],
        in num_dims: usize,
        maybe_unsized device_layout: PJRT_Buffer_MemoryLayout,
        out out_buffer: *mut Buffer,
    }
    struct PJRT_Buffer_IsOnCpu_Args {
        object buffer: Buffer,
        out is_on_cpu: u8,
    }
    struct PJRT_Buffer_Device_Args {
        object buffer: Buffer,
        out device: *mut Device,
    }
    struct PJRT_Buffer_Memory_Args {
        object buffer: Buffer,
        out memory: *mut Memory,
    }
    struct PJRT_Buffer_ReadyEvent_Args {
        object buffer: Buffer,
        out event: *mut Event,
    }
    struct PJRT_Buffer_UnsafePointer_Args {
        object buffer: Buffer,
        out buffer_pointer: usize,
    }
    struct PJRT_Buffer_IncreaseExternalReferenceCount_Args {
        object buffer: Buffer,
    }
    struct PJRT_Buffer_DecreaseExternalReferenceCount_Args {
        object buffer: Buffer,
    }
    struct PJRT_Buffer_OpaqueDeviceMemoryDataPointer_Args {
        object buffer: Buffer,
        out device_memory_ptr: *mut c_void,
    }
    struct PJRT_Buffer_DonateWithControlDependency_Args {
        object buffer: Buffer,
        out callback_data: *mut c_void,
        out dependency_ready_callback: *const c_void,
        out out_buffer: *mut Buffer,
    }
}
