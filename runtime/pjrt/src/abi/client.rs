//! Clients.

use std::ffi::{c_int, c_void};

use super::c_structs;
use super::named_value::PJRT_NamedValue;
use crate::client::Client;
use crate::device::Device;
use crate::memory::Memory;
use crate::topology::TopologyDescription;

c_structs! {
    struct PJRT_Client_Create_Args {
        list create_options: PJRT_NamedValue [num_options],
        in num_options: usize,
        in kv_get_callback: *mut c_void,
        in kv_get_user_arg: *mut c_void,
        in kv_put_callback: *mut c_void,
        in kv_put_user_arg: *mut c_void,
        out client: *mut Client,
        in kv_try_get_callback: *mut c_void,
        in kv_try_get_user_arg: *mut c_void,
    }
    struct PJRT_Client_Destroy_Args {
        owned client: Client,
    }
    struct PJRT_Client_PlatformName_Args {
        object client: Client,
        out platform_name: *const u8,
        out platform_name_size: usize,
    }
    struct PJRT_Client_ProcessIndex_Args {
        object client: Client,
        out process_index: c_int,
    }
    struct PJRT_Client_PlatformVersion_Args {
        object client: Client,
        out platform_version: *const u8,
        out platform_version_size: usize,
    }
    struct PJRT_Client_TopologyDescription_Args {
        object client: Client,
        out topology: *mut TopologyDescription,
    }
    struct PJRT_Client_Devices_Args {
        object client: Client,
        out devices: *const *mut Device,
        out num_devices: usize,
    }
    struct PJRT_Client_AddressableDevices_Args {
        object client: Client,
        out addressable_devices: *const *mut Device,
        out num_addressable_devices: usize,
    }
    struct PJRT_Client_LookupDevice_Args {
        object client: Client,
        in id: c_int,
        out device: *mut Device,
    }
    struct PJRT_Client_LookupAddressableDevice_Args {
        object client: Client,
        in local_hardware_id: c_int,
        out addressable_device: *mut Device,
    }
    struct PJRT_Client_UpdateGlobalProcessInfo_Args {
        object client: Client,
        in process_infos: *mut c_void,
        in num_process_infos: usize,
    }
    struct PJRT_Client_AddressableMemories_Args {
        object client: Client,
        out addressable_memories: *const *mut Memory,
        out num_addressable_memories: usize,
    }
    struct PJRT_Client_DefaultDeviceAssignment_Args {
        object client: Client,
        in num_replicas: c_int,
        in num_partitions: c_int,
        in default_assignment_size: usize,
        in default_assignment: *mut c_int,
    }
    struct PJRT_Client_DmaMap_Args {
        object client: Client,
        in data: *mut c_void,
        in size: usize,
    }
    struct PJRT_Client_DmaUnmap_Args {
        object client: Client,
        in data: *mut c_void,
    }
}
