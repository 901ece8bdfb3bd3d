//! Programs, executables and their execution.

use std::ffi::{c_int, c_void};

use super::c_structs;
use super::foreign::{LogicalDeviceIds, ReceiveCallback, SendCallback};
use super::handle::{Deleter, Serialized};
use super::named_value::PJRT_NamedValue;
use crate::buffer::Buffer;
use crate::client::Client;
use crate::device::Device;
use crate::event::Event;
use crate::executable::Executable;
use crate::execute::ExecuteContext;
use crate::loaded::LoadedExecutable;
use crate::topology::TopologyDescription;

c_structs! {
    struct PJRT_Program {
        list code: u8 [code_size],
        in code_size: usize,
        list format: u8 [format_size],
        in format_size: usize,
    }
    struct ProgramAnswer {
        in code: *mut u8,
        out code_size: usize,
        out format: *const u8,
        out format_size: usize,
    }
    struct PJRT_Client_Compile_Args {
        object client: Client,
        nested program: PJRT_Program,
        list compile_options: u8 [compile_options_size],
        in compile_options_size: usize,
        out executable: *mut LoadedExecutable,
    }
    struct PJRT_Client_Load_Args {
        object client: Client,
        object executable: Executable,
        list compile_options: u8 [compile_options_size],
        in compile_options_size: usize,
        out loaded_executable: *mut LoadedExecutable,
    }
    struct PJRT_ExecuteContext_Create_Args {
        out context: *mut ExecuteContext,
    }
    struct PJRT_ExecuteContext_Destroy_Args {
        owned context: ExecuteContext,
    }
    struct PJRT_Executable_Destroy_Args {
        owned executable: Executable,
    }
    struct PJRT_LoadedExecutable_Destroy_Args {
        owned executable: LoadedExecutable,
    }
    struct PJRT_LoadedExecutable_GetExecutable_Args {
        object loaded_executable: LoadedExecutable,
        out executable: *mut Executable,
    }
    struct PJRT_LoadedExecutable_GetDeviceAssignment_Args {
        object executable: LoadedExecutable,
        out serialized_bytes: *const u8,
        out serialized_bytes_size: usize,
        out serialized_device_assignment: *mut Serialized,
        out serialized_device_assignment_deleter: Option<Deleter>,
    }
    struct PJRT_Executable_Name_Args {
        object executable: Executable,
        out executable_name: *const u8,
        out executable_name_size: usize,
    }
    struct PJRT_Executable_NumReplicas_Args {
        object executable: Executable,
        out num_replicas: usize,
    }
    struct PJRT_Executable_NumPartitions_Args {
        object executable: Executable,
        out num_partitions: usize,
    }
    struct PJRT_LoadedExecutable_AddressableDevices_Args {
        object executable: LoadedExecutable,
        out addressable_devices: *const *mut Device,
        out num_addressable_devices: usize,
    }
    struct PJRT_LoadedExecutable_AddressableDeviceLogicalIds_Args {
        object executable: LoadedExecutable,
        out addressable_device_logical_ids: *const LogicalDeviceIds,
        out num_addressable_device_logical_ids: usize,
    }
    struct PJRT_Executable_OptimizedProgram_Args {
        object executable: Executable,
        nested program: ProgramAnswer,
    }
    struct PJRT_LoadedExecutable_Delete_Args {
        object executable: LoadedExecutable,
    }
    struct PJRT_LoadedExecutable_IsDeleted_Args {
        object executable: LoadedExecutable,
        out is_deleted: u8,
    }
    struct PJRT_ExecuteOptions {
        in send_callbacks: *const *const SendCallback,
        in recv_callbacks: *const *const ReceiveCallback,
        in num_send_ops: usize,
        in num_recv_ops: usize,
        in launch_id: c_int,
        list non_donatable_input_indices: i64 [num_non_donatable_input_indices],
        in num_non_donatable_input_indices: usize,
        maybe context: ExecuteContext,
        in call_location: *const u8,
        in num_tasks: usize,
        in task_ids: *mut c_int,
        in incarnation_ids: *mut i64,
        in multi_slice_config: *mut c_void,
        in use_major_to_minor_data_layout_for_callbacks: u8,
        in hlo_output_callbacks: *mut c_void,
        in num_hlo_output_callbacks: usize,
        list custom_options: PJRT_NamedValue [num_custom_options],
        in num_custom_options: usize,
    }
    struct PJRT_LoadedExecutable_Execute_Args {
        object executable: LoadedExecutable,
        nested options: PJRT_ExecuteOptions,
        in argument_lists: *const *const *mut Buffer,
        in num_devices: usize,
        in num_args: usize,
        in output_lists: *const *mut *mut Buffer,
        in device_complete_events: *mut *mut Event,
        maybe execute_device: Device,
    }
    struct PJRT_Executable_NumOutputs_Args {
        object executable: Executable,
        out num_outputs: usize,
    }
    struct PJRT_Executable_SizeOfGeneratedCodeInBytes_Args {
        object executable: Executable,
        out size_in_bytes: i64,
    }
    struct PJRT_Executable_Fingerprint_Args {
        object executable: Executable,
        out executable_fingerprint: *const u8,
        out executable_fingerprint_size: usize,
    }
    struct PJRT_Executable_GetCostAnalysis_Args {
        object executable: Executable,
        out num_properties: usize,
        out properties: *const PJRT_NamedValue,
    }
    struct PJRT_Executable_GetCompiledMemoryStats_Args {
        object executable: Executable,
        out generated_code_size_in_bytes: i64,
        out argument_size_in_bytes: i64,
        out output_size_in_bytes: i64,
        out alias_size_in_bytes: i64,
        out temp_size_in_bytes: i64,
        out host_generated_code_size_in_bytes: i64,
        out host_argument_size_in_bytes: i64,
        out host_output_size_in_bytes: i64,
        out host_alias_size_in_bytes: i64,
        out host_temp_size_in_bytes: i64,
        out peak_memory_in_bytes: i64,
        out total_size_in_bytes: i64,
        out total_allocation_bytes: i64,
        out indefinite_allocations: i64,
        out peak_unpadded_heap_bytes: i64,
    }
    struct PJRT_Executable_OutputElementTypes_Args {
        object executable: Executable,
        out output_types: *const c_int,
        out num_output_types: usize,
    }
    struct PJRT_Executable_OutputDimensions_Args {
        object executable: Executable,
        out num_outputs: usize,
        out dims: *const i64,
        out dim_sizes: *const usize,
    }
    struct PJRT_Executable_ParameterMemoryKinds_Args {
        object executable: Executable,
        out num_parameters: usize,
        out memory_kinds: *const *const u8,
        out memory_kind_sizes: *const usize,
    }
    struct PJRT_Executable_OutputMemoryKinds_Args {
        object executable: Executable,
        out num_outputs: usize,
        out memory_kinds: *const *const u8,
        out memory_kind_sizes: *const usize,
    }
    struct PJRT_Executable_Serialize_Args {
        object executable: Executable,
        out serialized_bytes: *const u8,
        out serialized_bytes_size: usize,
        out serialized_executable: *mut Serialized,
        out serialized_executable_deleter: Option<Deleter>,
    }
    struct PJRT_Executable_GetCompileOptions_Args {
        object executable: Executable,
        out serialized_bytes: *const u8,
        out serialized_bytes_size: usize,
        out serialized_compile_options: *mut Serialized,
        out serialized_compile_options_deleter: Option<Deleter>,
    }
    struct PJRT_Executable_DeserializeAndLoad_Args {
        object client: Client,
        list serialized_executable: u8 [serialized_executable_size],
        in serialized_executable_size: usize,
        out loaded_executable: *mut LoadedExecutable,
        list overridden_serialized_compile_options: u8 [overridden_serialized_compile_options_size],
        in overridden_serialized_compile_options_size: usize,
        in load_options: *mut c_void,
    }
    struct PJRT_LoadedExecutable_Fingerprint_Args {
        object executable: LoadedExecutable,
        out executable_fingerprint: *const u8,
        out executable_fingerprint_size: usize,
    }
    struct PJRT_Compile_Args {
        object topology: TopologyDescription,
        nested program: PJRT_Program,
        list compile_options: u8 [compile_options_size],
        in compile_options_size: usize,
        maybe client: Client,
        out executable: *mut Executable,
    }
}
