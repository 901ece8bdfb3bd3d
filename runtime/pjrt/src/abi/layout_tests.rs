//! The layouts of the structs against what a C compiler makes of the interface's declarations.

use super::{
    Args, CStruct, async_transfer, buffer, client, core, device, executable, extension, topology,
};

/// The size of a struct, and that older callers get no more written than they have room for.
fn check<S: CStruct>(size: usize) {
    assert_eq!(S::SIZE, size, "{}", S::NAME);
    for older in 16..=size {
        check_outs::<S>(older);
    }
}

/// What a caller's memory holds around its struct, and in fields that are not set.
const UNTOUCHED: u8 = 0xAA;

/// Sets every field that goes out in a struct of which the caller has `older` bytes.
fn check_outs<S: CStruct>(older: usize) {
    let mut words = vec![u64::from_ne_bytes([UNTOUCHED; 8]); S::SIZE.div_ceil(8) + 1];
    words[0] = older as u64;
    // SAFETY: the words are all of the struct, and its size is that of a part of it; the fields
    // that go in are not looked at.
    let args = unsafe { Args::<S>::new(words.as_mut_ptr().cast()) }.expect("it has a header");
    let outs = S::set_outs(args);
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    for (index, &byte) in bytes.iter().enumerate().skip(8) {
        let out = outs.iter().find(|(start, size)| (*start..start + size).contains(&index));
        let is_whole = out.is_some_and(|(start, size)| start + size <= older);
        let expected = if is_whole { 0 } else { UNTOUCHED };
        assert_eq!(byte, expected, "{}: byte {index} of {older}", S::NAME);
    }
}

#[test]
fn sizes_of_core_structs() {
    check::<core::PJRT_Error_Destroy_Args>(24);
    check::<core::PJRT_Error_Message_Args>(40);
    check::<core::PJRT_Error_GetCode_Args>(28);
    check::<core::PJRT_Error_ForEachPayload_Args>(40);
    check::<core::PJRT_Plugin_Initialize_Args>(16);
    check::<core::PJRT_Plugin_Attributes_Args>(32);
    check::<core::PJRT_Event_Destroy_Args>(24);
    check::<core::PJRT_Event_IsReady_Args>(25);
    check::<core::PJRT_Event_Error_Args>(24);
    check::<core::PJRT_Event_Await_Args>(24);
    check::<core::PJRT_Event_OnReady_Args>(40);
    check::<core::PJRT_Event_Create_Args>(24);
    check::<core::PJRT_Event_Set_Args>(48);
}

#[test]
fn sizes_of_client_structs() {
    check::<client::PJRT_Client_Create_Args>(88);
    check::<client::PJRT_Client_Destroy_Args>(24);
    check::<client::PJRT_Client_PlatformName_Args>(40);
    check::<client::PJRT_Client_ProcessIndex_Args>(28);
    check::<client::PJRT_Client_PlatformVersion_Args>(40);
    check::<client::PJRT_Client_TopologyDescription_Args>(32);
    check::<client::PJRT_Client_Devices_Args>(40);
    check::<client::PJRT_Client_AddressableDevices_Args>(40);
    check::<client::PJRT_Client_LookupDevice_Args>(40);
    check::<client::PJRT_Client_LookupAddressableDevice_Args>(40);
    check::<client::PJRT_Client_UpdateGlobalProcessInfo_Args>(40);
    check::<client::PJRT_Client_AddressableMemories_Args>(40);
    check::<client::PJRT_Client_DefaultDeviceAssignment_Args>(48);
    check::<client::PJRT_Client_DmaMap_Args>(40);
    check::<client::PJRT_Client_DmaUnmap_Args>(32);
}

#[test]
fn sizes_of_device_structs() {
    check::<device::PJRT_DeviceDescription_Id_Args>(28);
    check::<device::PJRT_DeviceDescription_ProcessIndex_Args>(28);
    check::<device::PJRT_DeviceDescription_Attributes_Args>(40);
    check::<device::PJRT_DeviceDescription_Kind_Args>(40);
    check::<device::PJRT_DeviceDescription_DebugString_Args>(40);
    check::<device::PJRT_DeviceDescription_ToString_Args>(40);
    check::<device::PJRT_Device_GetDescription_Args>(32);
    check::<device::PJRT_Device_IsAddressable_Args>(25);
    check::<device::PJRT_Device_LocalHardwareId_Args>(28);
    check::<device::PJRT_Device_AddressableMemories_Args>(40);
    check::<device::PJRT_Device_DefaultMemory_Args>(32);
    check::<device::PJRT_Device_MemoryStats_Args>(201);
    check::<device::PJRT_Device_ClearMemoryStats_Args>(24);
    check::<device::PJRT_Device_PoisonExecution_Args>(72);
    check::<device::PJRT_Device_GetAttributes_Args>(56);
    check::<device::PJRT_Device_CreateAsyncTrackingEvent_Args>(48);
    check::<device::PJRT_AsyncTrackingEvent_Destroy_Args>(24);
    check::<device::PJRT_Memory_Id_Args>(28);
    check::<device::PJRT_Memory_Kind_Args>(40);
    check::<device::PJRT_Memory_Kind_Id_Args>(28);
    check::<device::PJRT_Memory_DebugString_Args>(40);
    check::<device::PJRT_Memory_ToString_Args>(40);
    check::<device::PJRT_Memory_AddressableByDevices_Args>(40);
}

#[test]
fn sizes_of_executable_structs() {
    check::<executable::PJRT_Program>(48);
    check::<executable::PJRT_Client_Compile_Args>(56);
    check::<executable::PJRT_Client_Load_Args>(56);
    check::<executable::PJRT_ExecuteContext_Create_Args>(24);
    check::<executable::PJRT_ExecuteContext_Destroy_Args>(24);
    check::<executable::PJRT_Executable_Destroy_Args>(24);
    check::<executable::PJRT_LoadedExecutable_Destroy_Args>(24);
    check::<executable::PJRT_LoadedExecutable_GetExecutable_Args>(32);
    check::<executable::PJRT_LoadedExecutable_GetDeviceAssignment_Args>(56);
    check::<executable::PJRT_Executable_Name_Args>(40);
    check::<executable::PJRT_Executable_NumReplicas_Args>(32);
    check::<executable::PJRT_Executable_NumPartitions_Args>(32);
    check::<executable::PJRT_LoadedExecutable_AddressableDevices_Args>(40);
    check::<executable::PJRT_LoadedExecutable_AddressableDeviceLogicalIds_Args>(40);
    check::<executable::PJRT_Executable_OptimizedProgram_Args>(32);
    check::<executable::PJRT_LoadedExecutable_Delete_Args>(24);
    check::<executable::PJRT_LoadedExecutable_IsDeleted_Args>(25);
    check::<executable::PJRT_ExecuteOptions>(160);
    check::<executable::PJRT_LoadedExecutable_Execute_Args>(80);
    check::<executable::PJRT_Executable_NumOutputs_Args>(32);
    check::<executable::PJRT_Executable_SizeOfGeneratedCodeInBytes_Args>(32);
    check::<executable::PJRT_Executable_Fingerprint_Args>(40);
    check::<executable::PJRT_Executable_GetCostAnalysis_Args>(40);
    check::<executable::PJRT_Executable_GetCompiledMemoryStats_Args>(144);
    check::<executable::PJRT_Executable_OutputElementTypes_Args>(40);
    check::<executable::PJRT_Executable_OutputDimensions_Args>(48);
    check::<executable::PJRT_Executable_ParameterMemoryKinds_Args>(48);
    check::<executable::PJRT_Executable_OutputMemoryKinds_Args>(48);
    check::<executable::PJRT_Executable_Serialize_Args>(56);
    check::<executable::PJRT_Executable_GetCompileOptions_Args>(56);
    check::<executable::PJRT_Executable_DeserializeAndLoad_Args>(72);
    check::<executable::PJRT_LoadedExecutable_Fingerprint_Args>(40);
    check::<executable::PJRT_Compile_Args>(64);
}

#[test]
fn sizes_of_buffer_structs() {
    check::<buffer::PJRT_Buffer_MemoryLayout_Tiled>(56);
    check::<buffer::PJRT_Buffer_MemoryLayout_Strides>(32);
    check::<buffer::PJRT_Buffer_MemoryLayout>(76);
    check::<buffer::PJRT_Client_CreateUninitializedBuffer_Args>(80);
    check::<buffer::PJRT_Client_CreateErrorBuffer_Args>(120);
    check::<buffer::PJRT_Client_CreateAliasBuffer_Args>(80);
    check::<buffer::PJRT_Client_FulfillAliasBuffer_Args>(64);
    check::<buffer::PJRT_Client_BufferFromHostBuffer_Args>(120);
    check::<buffer::PJRT_Client_CreateViewOfDeviceBuffer_Args>(112);
    check::<buffer::PJRT_Buffer_Destroy_Args>(24);
    check::<buffer::PJRT_Buffer_ElementType_Args>(28);
    check::<buffer::PJRT_Buffer_Dimensions_Args>(40);
    check::<buffer::PJRT_Buffer_UnpaddedDimensions_Args>(40);
    check::<buffer::PJRT_Buffer_DynamicDimensionIndices_Args>(40);
    check::<buffer::PJRT_Buffer_GetMemoryLayout_Args>(104);
    check::<buffer::PJRT_Buffer_ToHostBuffer_Args>(56);
    check::<buffer::PJRT_Buffer_OnDeviceSizeInBytes_Args>(32);
    check::<buffer::PJRT_Buffer_Delete_Args>(24);
    check::<buffer::PJRT_Buffer_IsDeleted_Args>(25);
    check::<buffer::PJRT_Buffer_CopyRawToHost_Args>(56);
    check::<buffer::PJRT_Buffer_CopyRawToHostFuture_Args>(64);
    check::<buffer::PJRT_Buffer_CopyToDevice_Args>(40);
    check::<buffer::PJRT_Buffer_CopyToMemory_Args>(40);
    check::<buffer::PJRT_Buffer_Bitcast_Args>(64);
    check::<buffer::PJRT_Buffer_IsOnCpu_Args>(25);
    check::<buffer::PJRT_Buffer_Device_Args>(32);
    check::<buffer::PJRT_Buffer_Memory_Args>(32);
    check::<buffer::PJRT_Buffer_ReadyEvent_Args>(32);
    check::<buffer::PJRT_Buffer_UnsafePointer_Args>(32);
    check::<buffer::PJRT_Buffer_IncreaseExternalReferenceCount_Args>(24);
    check::<buffer::PJRT_Buffer_DecreaseExternalReferenceCount_Args>(24);
    check::<buffer::PJRT_Buffer_OpaqueDeviceMemoryDataPointer_Args>(32);
    check::<buffer::PJRT_Buffer_DonateWithControlDependency_Args>(48);
}

#[test]
fn sizes_of_topology_structs() {
    check::<topology::PJRT_TopologyDescription_Create_Args>(56);
    check::<topology::PJRT_TopologyDescription_Destroy_Args>(24);
    check::<topology::PJRT_TopologyDescription_PlatformVersion_Args>(40);
    check::<topology::PJRT_TopologyDescription_PlatformName_Args>(40);
    check::<topology::PJRT_TopologyDescription_GetDeviceDescriptions_Args>(40);
    check::<topology::PJRT_TopologyDescription_Serialize_Args>(56);
    check::<topology::PJRT_TopologyDescription_Deserialize_Args>(40);
    check::<topology::PJRT_TopologyDescription_Attributes_Args>(40);
    check::<topology::PJRT_TopologyDescription_Fingerprint_Args>(32);
    check::<topology::PJRT_TopologyDescription_MakeCanonicalShapeForMemorySpace_Args>(88);
    check::<topology::PJRT_TopologyDescription_GetMemorySpaceKindIds_Args>(40);
}

#[test]
fn sizes_of_async_transfer_structs() {
    check::<async_transfer::PJRT_AsyncHostToDeviceTransferManager_Destroy_Args>(24);
    check::<async_transfer::PJRT_AsyncHostToDeviceTransferManager_TransferData_Args>(72);
    check::<async_transfer::PJRT_AsyncHostToDeviceTransferManager_RetrieveBuffer_Args>(40);
    check::<async_transfer::PJRT_AsyncHostToDeviceTransferManager_Device_Args>(32);
    check::<async_transfer::PJRT_AsyncHostToDeviceTransferManager_BufferCount_Args>(32);
    check::<async_transfer::PJRT_AsyncHostToDeviceTransferManager_BufferSize_Args>(40);
    check::<async_transfer::PJRT_AsyncHostToDeviceTransferManager_SetBufferError_Args>(48);
    check::<async_transfer::PJRT_AsyncHostToDeviceTransferManager_AddMetadata_Args>(40);
    check::<async_transfer::PJRT_AsyncHostToDeviceTransferManager_TransferLiteral_Args>(80);
    check::<async_transfer::PJRT_ShapeSpec>(36);
    check::<async_transfer::PJRT_Client_CreateBuffersForAsyncHostToDevice_Args>(72);
    check::<async_transfer::PJRT_CopyToDeviceStream_Destroy_Args>(24);
    check::<async_transfer::PJRT_CopyToDeviceStream_AddChunk_Args>(40);
    check::<async_transfer::PJRT_CopyToDeviceStream_TotalBytes_Args>(32);
    check::<async_transfer::PJRT_CopyToDeviceStream_GranuleSize_Args>(32);
    check::<async_transfer::PJRT_CopyToDeviceStream_CurrentBytes_Args>(32);
}

#[test]
fn sizes_of_extension_structs() {
    check::<extension::PJRT_Layouts_MemoryLayout_Destroy_Args>(24);
    check::<extension::PJRT_Layouts_MemoryLayout_Serialize_Args>(56);
    check::<extension::PJRT_Layouts_PJRT_Buffer_MemoryLayout_Args>(32);
    check::<extension::PJRT_Layouts_PJRT_Client_GetDefaultLayout_Args>(56);
    check::<extension::PJRT_Layouts_PJRT_Topology_GetDefaultLayout_Args>(56);
    check::<extension::PJRT_Layouts_PJRT_Executable_GetOutputLayouts_Args>(40);
    check::<extension::PJRT_Layouts_PJRT_Executable_GetParameterLayouts_Args>(40);
    check::<extension::PJRT_Shardings_PJRT_Executable_ParameterShardings_Args>(48);
    check::<extension::PJRT_Shardings_PJRT_Executable_OutputShardings_Args>(48);
    check::<extension::PJRT_DeviceDescription_MemoryDescriptions_Args>(48);
    check::<extension::PJRT_MemoryDescription_Kind_Args>(44);
}
