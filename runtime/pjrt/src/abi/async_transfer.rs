//! Transfers in pieces: arrays from the host, and what a callback receives.

use std::ffi::{c_int, c_void};

use super::buffer::PJRT_Buffer_MemoryLayout;
use super::c_structs;
use super::foreign::Chunk;
use super::named_value::PJRT_NamedValue;
use crate::buffer::Buffer;
use crate::client::Client;
use crate::device::Device;
use crate::event::Event;
use crate::host_transfer::CopyToDeviceStream;
use crate::memory::Memory;

c_structs! {
    struct PJRT_AsyncHostToDeviceTransferManager_Destroy_Args {
        in transfer_manager: *mut c_void,
    }
    struct PJRT_AsyncHostToDeviceTransferManager_TransferData_Args {
        in transfer_manager: *mut c_void,
        in buffer_index: c_int,
        in data: *const c_void,
        in offset: i64,
        in transfer_size: i64,
        in is_last_transfer: u8,
        out done_with_h2d_transfer: *mut Event,
    }
    struct PJRT_AsyncHostToDeviceTransferManager_RetrieveBuffer_Args {
        in transfer_manager: *mut c_void,
        in buffer_index: c_int,
        out buffer_out: *mut Buffer,
    }
    struct PJRT_AsyncHostToDeviceTransferManager_Device_Args {
        in transfer_manager: *mut c_void,
        out device_out: *mut Device,
    }
    struct PJRT_AsyncHostToDeviceTransferManager_BufferCount_Args {
        in transfer_manager: *mut c_void,
        out buffer_count: usize,
    }
    struct PJRT_AsyncHostToDeviceTransferManager_BufferSize_Args {
        in transfer_manager: *mut c_void,
        in buffer_index: c_int,
        out buffer_size: usize,
    }
    struct PJRT_AsyncHostToDeviceTransferManager_SetBufferError_Args {
        in transfer_manager: *mut c_void,
        in buffer_index: c_int,
        in error_code: c_int,
        list error_message: u8 [error_message_size],
        in error_message_size: usize,
    }
    struct PJRT_AsyncHostToDeviceTransferManager_AddMetadata_Args {
        in transfer_manager: *mut c_void,
        list transfer_metadata: PJRT_NamedValue [num_metadata],
        in num_metadata: usize,
    }
    struct PJRT_AsyncHostToDeviceTransferManager_TransferLiteral_Args {
        in transfer_manager: *mut c_void,
        in buffer_index: c_int,
        in data: *const c_void,
        list shape_dims: i64 [shape_num_dims],
        in shape_num_dims: usize,
        in shape_element_type: c_int,
        maybe_unsized shape_layout: PJRT_Buffer_MemoryLayout,
        out done_with_h2d_transfer: *mut Event,
    }
    struct PJRT_ShapeSpec {
        list dims: i64 [num_dims],
        in num_dims: usize,
        in element_type: c_int,
    }
    struct PJRT_Client_CreateBuffersForAsyncHostToDevice_Args {
        object client: Client,
        list shape_specs: PJRT_ShapeSpec [num_shape_specs],
        in num_shape_specs: usize,
        in device_layouts: *mut *mut c_void,
        in num_device_layouts: usize,
        object memory: Memory,
        out transfer_manager: *mut c_void,
    }
    struct PJRT_CopyToDeviceStream_Destroy_Args {
        owned stream: CopyToDeviceStream,
    }
    struct PJRT_CopyToDeviceStream_AddChunk_Args {
        object stream: CopyToDeviceStream,
        in chunk: *mut Chunk,
        out transfer_complete: *mut Event,
    }
    struct PJRT_CopyToDeviceStream_TotalBytes_Args {
        object stream: CopyToDeviceStream,
        out total_bytes: i64,
    }
    struct PJRT_CopyToDeviceStream_GranuleSize_Args {
        object stream: CopyToDeviceStream,
        out granule_size_in_bytes: i64,
    }
    struct PJRT_CopyToDeviceStream_CurrentBytes_Args {
        object stream: CopyToDeviceStream,
        out current_bytes: i64,
    }
}
