//! The table of the interface's functions, in its order.

use std::ffi::{c_int, c_void};

use crate::abi::enter;
use crate::error::{Error, ErrorObject};
use crate::{
    buffer, client, compile, device, error, event, executable, execute, extensions, host_transfer,
    loaded, memory, plugin, topology,
};

/// `PJRT_Api_Version`.
#[repr(C)]
struct Version {
    struct_size: usize,
    extension_start: *mut c_void,
    major: c_int,
    minor: c_int,
}

/// Any function of the table. Those that C declares without a result give null.
type Entry = unsafe extern "C" fn(*mut c_void) -> *mut ErrorObject;

/// `PJRT_Api`: all that is to be known about the plugin.
#[repr(C)]
pub struct Api {
    struct_size: usize,
    extension_start: *const c_void,
    version: Version,
    functions: [Entry; NAMES.len()],
}

// SAFETY: the table is constant, and so is what it points to.
unsafe impl Sync for Api {}

/// The version of the interface whose structs `abi` declares.
const MAJOR: c_int = 0;
const MINOR: c_int = 117;

static API: Api = Api {
    struct_size: size_of::<Api>(),
    extension_start: extensions::first(),
    version: Version {
        struct_size: size_of::<Version>(),
        extension_start: std::ptr::null_mut(),
        major: MAJOR,
        minor: MINOR,
    },
    functions: FUNCTIONS,
};

/// The plugin's one symbol.
#[unsafe(no_mangle)]
pub extern "C" fn GetPjrtApi() -> *const Api {
    &raw const API
}

/// A row is the name of a function and what does it; without that, the function says that it is
/// not there.
macro_rules! functions {
    ($($name:ident $(= $body:path)?;)*) => {
        /// The names of the functions.
        pub(crate) const NAMES: &[&str] = &[$(stringify!($name)),*];

        const FUNCTIONS: [Entry; NAMES.len()] = [$(entry!($name $(= $body)?)),*];
    };
}

macro_rules! entry {
    ($name:ident = $body:path) => {{
        unsafe extern "C" fn entry(args: *mut c_void) -> *mut ErrorObject {
            // SAFETY: the caller of the interface vouches for the struct.
            unsafe { enter(stringify!($name), args, $body) }
        }
        entry
    }};
    ($name:ident) => {{
        unsafe extern "C" fn entry(_: *mut c_void) -> *mut ErrorObject {
            let name = stringify!($name);
            Error::unimplemented(format!("Palmetto has no {name}")).give()
        }
        entry
    }};
}

functions! {
    PJRT_Error_Destroy = error::destroy;
    PJRT_Error_Message = error::message;
    PJRT_Error_GetCode = error::get_code;
    PJRT_Plugin_Initialize = plugin::initialize;
    PJRT_Plugin_Attributes = plugin::attributes;
    PJRT_Event_Destroy = event::destroy;
    PJRT_Event_IsReady = event::is_ready;
    PJRT_Event_Error = event::error;
    PJRT_Event_Await = event::wait;
    PJRT_Event_OnReady = event::on_ready;
    PJRT_Client_Create = client::create;
    PJRT_Client_Destroy = client::destroy;
    PJRT_Client_PlatformName = client::platform_name;
    PJRT_Client_ProcessIndex = client::process_index;
    PJRT_Client_PlatformVersion = client::platform_version;
    PJRT_Client_Devices = client::devices;
    PJRT_Client_AddressableDevices = client::addressable_devices;
    PJRT_Client_LookupDevice = client::lookup_device;
    PJRT_Client_LookupAddressableDevice = client::lookup_addressable_device;
    PJRT_Client_AddressableMemories = client::addressable_memories;
    PJRT_Client_Compile = compile::compile;
    PJRT_Client_DefaultDeviceAssignment = client::default_device_assignment;
    PJRT_Client_BufferFromHostBuffer = buffer::from_host;
    PJRT_DeviceDescription_Id = device::description_id;
    PJRT_DeviceDescription_ProcessIndex = device::description_process_index;
    PJRT_DeviceDescription_Attributes = device::description_attributes;
    PJRT_DeviceDescription_Kind = device::description_kind;
    PJRT_DeviceDescription_DebugString = device::description_debug_string;
    PJRT_DeviceDescription_ToString = device::description_to_string;
    PJRT_Device_GetDescription = device::get_description;
    PJRT_Device_IsAddressable = device::is_addressable;
    PJRT_Device_LocalHardwareId = device::local_hardware_id;
    PJRT_Device_AddressableMemories = device::addressable_memories;
    PJRT_Device_DefaultMemory = device::default_memory;
    PJRT_Device_MemoryStats = device::memory_stats;
    PJRT_Memory_Id = memory::id;
    PJRT_Memory_Kind = memory::kind;
    PJRT_Memory_DebugString = memory::debug_string;
    PJRT_Memory_ToString = memory::to_string;
    PJRT_Memory_AddressableByDevices = memory::addressable_by_devices;
    PJRT_Executable_Destroy = executable::destroy;
    PJRT_Executable_Name = executable::name;
    PJRT_Executable_NumReplicas = executable::num_replicas;
    PJRT_Executable_NumPartitions = executable::num_partitions;
    PJRT_Executable_NumOutputs = executable::num_outputs;
    PJRT_Executable_SizeOfGeneratedCodeInBytes = executable::size_of_generated_code_in_bytes;
    PJRT_Executable_GetCostAnalysis = executable::get_cost_analysis;
    PJRT_Executable_OutputMemoryKinds = executable::output_memory_kinds;
    PJRT_Executable_OptimizedProgram = executable::optimized_program;
    PJRT_Executable_Serialize = executable::serialize;
    PJRT_LoadedExecutable_Destroy = loaded::destroy;
    PJRT_LoadedExecutable_GetExecutable = loaded::get_executable;
    PJRT_LoadedExecutable_AddressableDevices = loaded::addressable_devices;
    PJRT_LoadedExecutable_Delete = loaded::delete;
    PJRT_LoadedExecutable_IsDeleted = loaded::is_deleted;
    PJRT_LoadedExecutable_Execute = execute::execute;
    PJRT_Executable_DeserializeAndLoad = loaded::deserialize_and_load;
    PJRT_LoadedExecutable_Fingerprint = loaded::fingerprint;
    PJRT_Buffer_Destroy = buffer::destroy;
    PJRT_Buffer_ElementType = buffer::element_type;
    PJRT_Buffer_Dimensions = buffer::dimensions;
    PJRT_Buffer_UnpaddedDimensions = buffer::unpadded_dimensions;
    PJRT_Buffer_DynamicDimensionIndices = buffer::dynamic_dimension_indices;
    PJRT_Buffer_GetMemoryLayout;
    PJRT_Buffer_OnDeviceSizeInBytes = buffer::on_device_size_in_bytes;
    PJRT_Buffer_Device = buffer::device;
    PJRT_Buffer_Memory = buffer::memory;
    PJRT_Buffer_Delete = buffer::delete;
    PJRT_Buffer_IsDeleted = buffer::is_deleted;
    PJRT_Buffer_CopyToDevice = buffer::copy_to_device;
    PJRT_Buffer_ToHostBuffer = buffer::to_host_buffer;
    PJRT_Buffer_IsOnCpu = buffer::is_on_cpu;
    PJRT_Buffer_ReadyEvent = buffer::ready_event;
    PJRT_Buffer_UnsafePointer = buffer::unsafe_pointer;
    PJRT_Buffer_IncreaseExternalReferenceCount = buffer::increase_external_reference_count;
    PJRT_Buffer_DecreaseExternalReferenceCount = buffer::decrease_external_reference_count;
    PJRT_Buffer_OpaqueDeviceMemoryDataPointer = buffer::opaque_device_memory_data_pointer;
    PJRT_CopyToDeviceStream_Destroy = host_transfer::destroy;
    PJRT_CopyToDeviceStream_AddChunk = host_transfer::add_chunk;
    PJRT_CopyToDeviceStream_TotalBytes = host_transfer::total_bytes;
    PJRT_CopyToDeviceStream_GranuleSize = host_transfer::granule_size;
    PJRT_CopyToDeviceStream_CurrentBytes = host_transfer::current_bytes;
    PJRT_TopologyDescription_Create = topology::create;
    PJRT_TopologyDescription_Destroy = topology::destroy;
    PJRT_TopologyDescription_PlatformName = topology::platform_name;
    PJRT_TopologyDescription_PlatformVersion = topology::platform_version;
    PJRT_TopologyDescription_GetDeviceDescriptions = topology::get_device_descriptions;
    PJRT_TopologyDescription_Serialize = topology::serialize;
    PJRT_TopologyDescription_Attributes = topology::attributes;
    PJRT_Compile = compile::compile_ahead;
    PJRT_Executable_OutputElementTypes = executable::output_element_types;
    PJRT_Executable_OutputDimensions = executable::output_dimensions;
    PJRT_Buffer_CopyToMemory = buffer::copy_to_memory;
    PJRT_Client_CreateViewOfDeviceBuffer;
    PJRT_Executable_Fingerprint = executable::fingerprint;
    PJRT_Client_TopologyDescription = client::topology_description;
    PJRT_Executable_GetCompiledMemoryStats = executable::get_compiled_memory_stats;
    PJRT_Memory_Kind_Id = memory::kind_number;
    PJRT_ExecuteContext_Create = execute::context_create;
    PJRT_ExecuteContext_Destroy = execute::context_destroy;
    PJRT_Buffer_CopyRawToHost = buffer::copy_raw_to_host;
    PJRT_AsyncHostToDeviceTransferManager_Destroy;
    PJRT_AsyncHostToDeviceTransferManager_TransferData;
    PJRT_Client_CreateBuffersForAsyncHostToDevice;
    PJRT_AsyncHostToDeviceTransferManager_RetrieveBuffer;
    PJRT_AsyncHostToDeviceTransferManager_Device;
    PJRT_AsyncHostToDeviceTransferManager_BufferCount;
    PJRT_AsyncHostToDeviceTransferManager_BufferSize;
    PJRT_AsyncHostToDeviceTransferManager_SetBufferError;
    PJRT_AsyncHostToDeviceTransferManager_AddMetadata;
    PJRT_Client_DmaMap;
    PJRT_Client_DmaUnmap;
    PJRT_Client_CreateUninitializedBuffer;
    PJRT_Client_UpdateGlobalProcessInfo = client::update_global_process_info;
    PJRT_TopologyDescription_Deserialize = topology::deserialize;
    PJRT_Client_CreateAliasBuffer;
    PJRT_Client_FulfillAliasBuffer;
    PJRT_LoadedExecutable_GetDeviceAssignment = loaded::get_device_assignment;
    PJRT_Client_CreateErrorBuffer;
    PJRT_AsyncHostToDeviceTransferManager_TransferLiteral;
    PJRT_Buffer_CopyRawToHostFuture;
    PJRT_Device_PoisonExecution;
    PJRT_Device_CreateAsyncTrackingEvent;
    PJRT_AsyncTrackingEvent_Destroy;
    PJRT_Executable_GetCompileOptions;
    PJRT_Buffer_DonateWithControlDependency;
    PJRT_Event_Create;
    PJRT_Event_Set;
    PJRT_Device_GetAttributes = device::get_attributes;
    PJRT_Client_Load;
    PJRT_LoadedExecutable_AddressableDeviceLogicalIds = loaded::addressable_device_logical_ids;
    PJRT_Buffer_Bitcast;
    PJRT_Error_ForEachPayload = error::for_each_payload;
    PJRT_TopologyDescription_Fingerprint = topology::fingerprint;
    PJRT_Executable_ParameterMemoryKinds = executable::parameter_memory_kinds;
    PJRT_Device_ClearMemoryStats = device::clear_memory_stats;
    PJRT_TopologyDescription_MakeCanonicalShapeForMemorySpace;
    PJRT_TopologyDescription_GetMemorySpaceKindIds;
}
