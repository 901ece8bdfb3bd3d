//! The extensions that jaxlib asks for: layouts, shardings, memory descriptions.

use std::ffi::c_int;

use super::c_structs;
use super::handle::{Deleter, Serialized};
use crate::buffer::Buffer;
use crate::client::Client;
use crate::device::DeviceDescription;
use crate::executable::Executable;
use crate::layout::MemoryLayout;
use crate::memory::MemoryDescription;
use crate::topology::TopologyDescription;

c_structs! {
    struct PJRT_Layouts_MemoryLayout_Destroy_Args {
        object layout: MemoryLayout,
    }
    struct PJRT_Layouts_MemoryLayout_Serialize_Args {
        object layout: MemoryLayout,
        out serialized_bytes: *const u8,
        out serialized_bytes_size: usize,
        out serialized_layout: *mut Serialized,
        out serialized_layout_deleter: Option<Deleter>,
    }
    struct PJRT_Layouts_PJRT_Buffer_MemoryLayout_Args {
        object buffer: Buffer,
        out layout: *mut MemoryLayout,
    }
    struct PJRT_Layouts_PJRT_Client_GetDefaultLayout_Args {
        object client: Client,
        in r#type: c_int,
        list dims: i64 [num_dims],
        in num_dims: usize,
        out layout: *mut MemoryLayout,
    }
    struct PJRT_Layouts_PJRT_Topology_GetDefaultLayout_Args {
        object topology_description: TopologyDescription,
        in r#type: c_int,
        list dims: i64 [num_dims],
        in num_dims: usize,
        out layout: *mut MemoryLayout,
    }
    struct PJRT_Layouts_PJRT_Executable_GetOutputLayouts_Args {
        object executable: Executable,
        out num_outputs: usize,
        out layouts: *const *mut MemoryLayout,
    }
    struct PJRT_Layouts_PJRT_Executable_GetParameterLayouts_Args {
        object executable: Executable,
        out num_parameters: usize,
        out layouts: *const *mut MemoryLayout,
    }
    struct PJRT_Shardings_PJRT_Executable_ParameterShardings_Args {
        object executable: Executable,
        out num_parameters: usize,
        out shardings: *const *const u8,
        out sharding_sizes: *const usize,
    }
    struct PJRT_Shardings_PJRT_Executable_OutputShardings_Args {
        object executable: Executable,
        out num_outputs: usize,
        out shardings: *const *const u8,
        out sharding_sizes: *const usize,
    }
    struct PJRT_DeviceDescription_MemoryDescriptions_Args {
        object device_description: DeviceDescription,
        out memory_descriptions: *const *mut MemoryDescription,
        out num_memory_descriptions: usize,
        out default_memory_index: usize,
    }
    struct PJRT_MemoryDescription_Kind_Args {
        object memory_description: MemoryDescription,
        out kind: *const u8,
        out kind_size: usize,
        out kind_id: c_int,
    }
}
