//! Topologies.

use std::ffi::{c_int, c_void};

use super::buffer::PJRT_Buffer_MemoryLayout;
use super::c_structs;
use super::handle::{Deleter, Serialized};
use super::named_value::PJRT_NamedValue;
use crate::device::DeviceDescription;
use crate::topology::TopologyDescription;

c_structs! {
    struct PJRT_TopologyDescription_Create_Args {
        list topology_name: u8 [topology_name_size],
        in topology_name_size: usize,
        list create_options: PJRT_NamedValue [num_options],
        in num_options: usize,
        out topology: *mut TopologyDescription,
    }
    struct PJRT_TopologyDescription_Destroy_Args {
        owned topology: TopologyDescription,
    }
    struct PJRT_TopologyDescription_PlatformVersion_Args {
        object topology: TopologyDescription,
        out platform_version: *const u8,
        out platform_version_size: usize,
    }
    struct PJRT_TopologyDescription_PlatformName_Args {
        object topology: TopologyDescription,
        out platform_name: *const u8,
        out platform_name_size: usize,
    }
    struct PJRT_TopologyDescription_GetDeviceDescriptions_Args {
        object topology: TopologyDescription,
        out descriptions: *const *mut DeviceDescription,
        out num_descriptions: usize,
    }
    struct PJRT_TopologyDescription_Serialize_Args {
        object topology: TopologyDescription,
        out serialized_bytes: *const u8,
        out serialized_bytes_size: usize,
        out serialized_topology: *mut Serialized,
        out serialized_topology_deleter: Option<Deleter>,
    }
    struct PJRT_TopologyDescription_Deserialize_Args {
        list serialized_topology: u8 [serialized_topology_size],
        in serialized_topology_size: usize,
        out topology: *mut TopologyDescription,
    }
    struct PJRT_TopologyDescription_Attributes_Args {
        object topology: TopologyDescription,
        out attributes: *const PJRT_NamedValue,
        out num_attributes: usize,
    }
    struct PJRT_TopologyDescription_Fingerprint_Args {
        object topology: TopologyDescription,
        out fingerprint: u64,
    }
    struct PJRT_TopologyDescription_MakeCanonicalShapeForMemorySpace_Args {
        object topology: TopologyDescription,
        in memory_space_kind_id: c_int,
        list dims: i64 [num_dims],
        in num_dims: usize,
        in element_type: c_int,
        maybe_unsized layout: PJRT_Buffer_MemoryLayout,
        out serialized_shape: *const u8,
        out serialized_shape_size: usize,
        out serialized_shape_deleter: *const c_void,
    }
    struct PJRT_TopologyDescription_GetMemorySpaceKindIds_Args {
        object topology: TopologyDescription,
        out memory_space_kind_ids: *const c_int,
        out num_memory_space_kind_ids: usize,
    }
}
