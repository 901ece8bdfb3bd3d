//! Buffers: arrays in the memories of devices, and their way from and to the host.

use std::ffi::c_void;
use std::sync::Arc;

use palmetto_runtime as runtime;
use palmetto_runtime::HostArray;

use crate::abi::buffer::{
    PJRT_Buffer_CopyRawToHost_Args, PJRT_Buffer_CopyToDevice_Args, PJRT_Buffer_CopyToMemory_Args,
    PJRT_Buffer_DecreaseExternalReferenceCount_Args, PJRT_Buffer_Delete_Args,
    PJRT_Buffer_Destroy_Args, PJRT_Buffer_Device_Args, PJRT_Buffer_Dimensions_Args,
    PJRT_Buffer_DynamicDimensionIndices_Args, PJRT_Buffer_ElementType_Args,
    PJRT_Buffer_IncreaseExternalReferenceCount_Args, PJRT_Buffer_IsDeleted_Args,
    PJRT_Buffer_IsOnCpu_Args, PJRT_Buffer_Memory_Args, PJRT_Buffer_OnDeviceSizeInBytes_Args,
    PJRT_Buffer_OpaqueDeviceMemoryDataPointer_Args, PJRT_Buffer_ReadyEvent_Args,
    PJRT_Buffer_ToHostBuffer_Args, PJRT_Buffer_UnpaddedDimensions_Args,
    PJRT_Buffer_UnsafePointer_Args, PJRT_Client_BufferFromHostBuffer_Args,
};
use crate::abi::foreign::HostLayout;
use crate::abi::handle::{self, Handle, Object};
use crate::abi::{Args, set_list};
use crate::client::ClientState;
use crate::device::Device;
use crate::element_type;
use crate::error::{Code, Error};
use crate::event::Event;
use crate::layout::array_shape;

/// `PJRT_Buffer`.
pub(crate) struct Buffer {
    /// The buffer of the runtime.
    pub(crate) runtime: runtime::Buffer,
    client: Arc<ClientState>,
    dims: Vec<i64>,
}

impl Object for Buffer {}

impl Buffer {
    /// As an object for C, which destroys it.
    pub(crate) fn give(client: &Arc<ClientState>, runtime: runtime::Buffer) -> *mut Self {
        let dims = runtime.dimensions().iter();
        let dims = dims.map(|&dim| i64::try_from(dim).unwrap_or(i64::MAX)).collect();
        handle::give(Self { runtime, client: Arc::clone(client), dims })
    }

    fn device(&self) -> Result<&Device, Error> {
        self.client.device(self.runtime.device().id())
    }

    fn copy_to(&self, device: &Device, kind: runtime::MemoryKind) -> Result<*mut Self, Error> {
        let copy = self.runtime.copy_to(&device.runtime, kind)?;
        Ok(Self::give(&self.client, copy))
    }
}

/// Whatever the caller says about how long its memory stays as it is, the bytes are copied first.
pub(crate) fn from_host(
    args: Args<'_, PJRT_Client_BufferFromHostBuffer_Args>,
) -> Result<(), Error> {
    let client = &args.client()?.state;
    let (device, kind) = match (args.memory(), args.device()) {
        (Some(memory), _) => (client.device_of(memory)?, memory.kind),
        (None, Some(device)) => (device, runtime::MemoryKind::Device),
        (None, None) => return Err(Error::invalid("neither `device` nor `memory` is given")),
    };
    let shape = array_shape(args.r#type(), args.dims()?)?;
    let source = args.source(shape.element_type().byte_size())?;
    let strides = args.byte_strides()?;
    let array = HostArray {
        element_type: shape.element_type(),
        dimensions: shape.dimensions(),
        bytes: source.bytes,
        first: source.first,
        byte_strides: (!strides.is_empty()).then_some(strides),
    };
    let buffer = client.runtime.buffer_from_host(&array, &device.runtime, kind)?;
    args.done_with_host_buffer().set(Event::give(&runtime::Event::ready()));
    args.buffer().set(Buffer::give(client, buffer));
    Ok(())
}

/// Dense, in the order that the caller wants; row-major if it does not say.
pub(crate) fn to_host_buffer(args: Args<'_, PJRT_Buffer_ToHostBuffer_Args>) -> Result<(), Error> {
    let buffer = &args.src()?.runtime;
    let layout = args.host_layout().map(|layout| layout.host_layout()).transpose()?;
    let order = minor_to_major(layout, buffer)?;
    let size = buffer.shape().without_layout().byte_size();
    let Some(destination) = args.destination() else {
        args.dst_size().set(size);
        return Ok(());
    };
    if destination.size() != size {
        let given = destination.size();
        return Err(Error::invalid(format!("dst_size is {given}, the array has {size} bytes")));
    }
    let (event, promise) = runtime::Event::pending();
    buffer.read(order.as_deref(), move |bytes| match bytes {
        Ok(bytes) => {
            destination.fill(&bytes);
            promise.complete(Ok(()));
        }
        Err(error) => promise.complete(Err(error)),
    })?;
    args.event().set(Event::give(&event));
    Ok(())
}

fn minor_to_major(
    layout: Option<HostLayout>,
    buffer: &runtime::Buffer,
) -> Result<Option<Vec<usize>>, Error> {
    let rank = buffer.dimensions().len();
    let order = match layout {
        None => return Ok(None),
        Some(HostLayout::MinorToMajor(order)) => {
            order.iter().map(|&axis| usize::try_from(axis)).collect::<Result<Vec<_>, _>>().ok()
        }
        Some(HostLayout::Strides(strides)) => order_of_strides(&strides, buffer),
    };
    let is_permutation = |order: &Vec<usize>| {
        let mut sorted = order.clone();
        sorted.sort_unstable();
        sorted.into_iter().eq(0..rank)
    };
    let order = order.filter(is_permutation);
    order.map(Some).ok_or_else(|| {
        let dimensions = buffer.dimensions();
        Error::invalid(format!("the host layout is none of a dense array of {dimensions:?}"))
    })
}

/// The order that dense strides mean.
fn order_of_strides(strides: &[i64], buffer: &runtime::Buffer) -> Option<Vec<usize>> {
    let dimensions = buffer.dimensions();
    if strides.len() != dimensions.len() {
        return None;
    }
    let mut order: Vec<usize> = (0..dimensions.len()).rev().collect();
    order.sort_by_key(|&axis| strides[axis]);
    let mut dense = i64::try_from(buffer.element_type().byte_size()).ok()?;
    for &axis in &order {
        // The stride of an axis that has one place does not matter.
        if dimensions[axis] > 1 && strides[axis] != dense {
            return None;
        }
        dense = dense.checked_mul(i64::try_from(dimensions[axis]).ok()?)?;
    }
    Some(order)
}

/// The bytes as they lie on the host side: dense and row-major.
pub(crate) fn copy_raw_to_host(
    args: Args<'_, PJRT_Buffer_CopyRawToHost_Args>,
) -> Result<(), Error> {
    let buffer = &args.buffer()?.runtime;
    let destination = args.destination()?;
    let total = buffer.shape().without_layout().byte_size();
    let start = usize::try_from(args.offset()).ok();
    let end = start.and_then(|start| start.checked_add(destination.size()));
    let (Some(start), Some(end)) = (start, end.filter(|&end| end <= total)) else {
        let (offset, size) = (args.offset(), args.transfer_size());
        return Err(Error::invalid(format!("{size} bytes from {offset} of an array of {total}")));
    };
    let (event, promise) = runtime::Event::pending();
    buffer.read(None, move |bytes| match bytes {
        Ok(bytes) => {
            destination.fill(&bytes[start..end]);
            promise.complete(Ok(()));
        }
        Err(error) => promise.complete(Err(error)),
    })?;
    args.event().set(Event::give(&event));
    Ok(())
}

pub(crate) fn destroy(args: Args<'_, PJRT_Buffer_Destroy_Args>) -> Result<(), Error> {
    drop(args.buffer());
    Ok(())
}

pub(crate) fn element_type(args: Args<'_, PJRT_Buffer_ElementType_Args>) -> Result<(), Error> {
    args.r#type().set(element_type::number(args.buffer()?.runtime.element_type()));
    Ok(())
}

pub(crate) fn dimensions(args: Args<'_, PJRT_Buffer_Dimensions_Args>) -> Result<(), Error> {
    set_list(args.dims(), args.num_dims(), &args.buffer()?.dims);
    Ok(())
}

pub(crate) fn unpadded_dimensions(
    args: Args<'_, PJRT_Buffer_UnpaddedDimensions_Args>,
) -> Result<(), Error> {
    set_list(args.unpadded_dims(), args.num_dims(), &args.buffer()?.dims);
    Ok(())
}

/// No dimension is dynamic.
pub(crate) fn dynamic_dimension_indices(
    args: Args<'_, PJRT_Buffer_DynamicDimensionIndices_Args>,
) -> Result<(), Error> {
    args.buffer()?;
    set_list(args.dynamic_dim_indices(), args.num_dynamic_dims(), &[]);
    Ok(())
}

pub(crate) fn on_device_size_in_bytes(
    args: Args<'_, PJRT_Buffer_OnDeviceSizeInBytes_Args>,
) -> Result<(), Error> {
    let size = args.buffer()?.runtime.size_bytes();
    args.on_device_size_in_bytes().set(usize::try_from(size).unwrap_or(usize::MAX));
    Ok(())
}

pub(crate) fn device(args: Args<'_, PJRT_Buffer_Device_Args>) -> Result<(), Error> {
    args.device().set(Handle::of(args.buffer()?.device()?).pointer());
    Ok(())
}

pub(crate) fn memory(args: Args<'_, PJRT_Buffer_Memory_Args>) -> Result<(), Error> {
    let buffer = args.buffer()?;
    let memory = buffer.device()?.memory(buffer.runtime.memory_kind());
    args.memory().set(Handle::of(memory).pointer());
    Ok(())
}

pub(crate) fn delete(args: Args<'_, PJRT_Buffer_Delete_Args>) -> Result<(), Error> {
    args.buffer()?.runtime.delete();
    Ok(())
}

pub(crate) fn is_deleted(args: Args<'_, PJRT_Buffer_IsDeleted_Args>) -> Result<(), Error> {
    args.is_deleted().set(u8::from(args.buffer()?.runtime.is_deleted()));
    Ok(())
}

pub(crate) fn copy_to_device(args: Args<'_, PJRT_Buffer_CopyToDevice_Args>) -> Result<(), Error> {
    let copy = args.buffer()?.copy_to(args.dst_device()?, runtime::MemoryKind::Device)?;
    args.dst_buffer().set(copy);
    Ok(())
}

pub(crate) fn copy_to_memory(args: Args<'_, PJRT_Buffer_CopyToMemory_Args>) -> Result<(), Error> {
    let (buffer, memory) = (args.buffer()?, args.dst_memory()?);
    let copy = buffer.copy_to(buffer.client.device_of(memory)?, memory.kind)?;
    args.dst_buffer().set(copy);
    Ok(())
}

/// The host cannot reach into the chip.
pub(crate) fn is_on_cpu(args: Args<'_, PJRT_Buffer_IsOnCpu_Args>) -> Result<(), Error> {
    args.buffer()?;
    args.is_on_cpu().set(0);
    Ok(())
}

pub(crate) fn ready_event(args: Args<'_, PJRT_Buffer_ReadyEvent_Args>) -> Result<(), Error> {
    args.event().set(Event::give(args.buffer()?.runtime.ready()));
    Ok(())
}

/// The address in the chip's memory, which is no pointer of the host's.
pub(crate) fn unsafe_pointer(args: Args<'_, PJRT_Buffer_UnsafePointer_Args>) -> Result<(), Error> {
    args.buffer_pointer().set(address(&args.buffer()?.runtime)?);
    Ok(())
}

pub(crate) fn opaque_device_memory_data_pointer(
    args: Args<'_, PJRT_Buffer_OpaqueDeviceMemoryDataPointer_Args>,
) -> Result<(), Error> {
    let address = address(&args.buffer()?.runtime)?;
    args.device_memory_ptr().set(std::ptr::without_provenance_mut::<c_void>(address));
    Ok(())
}

fn address(buffer: &runtime::Buffer) -> Result<usize, Error> {
    if buffer.is_deleted() {
        return Err(Error::new(Code::FailedPrecondition, "the buffer has been deleted"));
    }
    let address = buffer.address().and_then(|address| usize::try_from(address).ok());
    address.ok_or_else(|| {
        Error::unimplemented(format!("addresses of buffers in {}", buffer.memory_kind().name()))
    })
}

/// Nobody outside can use the chip's memory, so references from there need no counting.
pub(crate) fn increase_external_reference_count(
    args: Args<'_, PJRT_Buffer_IncreaseExternalReferenceCount_Args>,
) -> Result<(), Error> {
    args.buffer().map(|_| ())
}

pub(crate) fn decrease_external_reference_count(
    args: Args<'_, PJRT_Buffer_DecreaseExternalReferenceCount_Args>,
) -> Result<(), Error> {
    args.buffer().map(|_| ())
}
