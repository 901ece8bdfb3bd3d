//! What is the caller's: memory that we read and write, functions that we call.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ops::Range;

use super::buffer::{
    PJRT_Buffer_CopyRawToHost_Args, PJRT_Buffer_MemoryLayout, PJRT_Buffer_MemoryLayout_Strides,
    PJRT_Buffer_ToHostBuffer_Args, PJRT_Client_BufferFromHostBuffer_Args,
};
use super::client::PJRT_Client_DefaultDeviceAssignment_Args;
use super::executable::{PJRT_ExecuteOptions, PJRT_LoadedExecutable_Execute_Args, ProgramAnswer};
use super::{Args, CStruct, Header, null};
use crate::buffer::Buffer;
use crate::error::{Error, ErrorObject};
use crate::event::Event;
use crate::host_transfer::CopyToDeviceStream;

/// `PJRT_Event_OnReadyCallback`: takes the error.
pub(crate) type OnReady = unsafe extern "C" fn(*mut ErrorObject, *mut c_void);

/// What the caller wants to be told, later and from any thread.
pub(crate) struct Callback {
    function: OnReady,
    user_arg: *mut c_void,
}

// SAFETY: the interface says that a callback may come from any thread.
unsafe impl Send for Callback {}

impl Callback {
    /// Of a function and what it takes.
    pub(crate) fn new(function: OnReady, user_arg: *mut c_void) -> Self {
        Self { function, user_arg }
    }

    /// Calls it, which it is once.
    pub(crate) fn call(self, outcome: Result<(), Error>) {
        let error = outcome.map_or_else(Error::give, |()| std::ptr::null_mut());
        // SAFETY: the caller gave a function that takes its own argument and an error to destroy.
        unsafe { (self.function)(error, self.user_arg) }
    }
}

/// Memory of the caller's that is written later.
pub(crate) struct Destination {
    start: *mut u8,
    size: usize,
}

// SAFETY: the interface says that it may be written from any thread until the event is ready.
unsafe impl Send for Destination {}

impl Destination {
    /// How many bytes there are.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Writes all of it.
    ///
    /// # Panics
    /// If there are more or fewer bytes than that.
    pub(crate) fn fill(self, bytes: &[u8]) {
        assert_eq!(bytes.len(), self.size, "a transfer fills what it was given");
        if !bytes.is_empty() {
            // SAFETY: the interface says that so many bytes may be written until the event is
            // ready.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.start, self.size) }
        }
    }
}

impl Args<'_, PJRT_Buffer_ToHostBuffer_Args> {
    /// Where the array goes; `None` asks how large it is.
    pub(crate) fn destination(self) -> Option<Destination> {
        let start = self.dst().cast::<u8>();
        let size = self.read(std::mem::offset_of!(PJRT_Buffer_ToHostBuffer_Args, dst_size));
        (!start.is_null()).then_some(Destination { start, size })
    }
}

impl Args<'_, PJRT_Buffer_CopyRawToHost_Args> {
    /// Where the bytes go.
    pub(crate) fn destination(self) -> Result<Destination, Error> {
        let start = self.dst().cast::<u8>();
        let size = usize::try_from(self.transfer_size()).map_err(|_| {
            Error::invalid(format!("transfer_size is {}, at least 0", self.transfer_size()))
        })?;
        if start.is_null() && size > 0 {
            return Err(null(PJRT_Buffer_CopyRawToHost_Args::NAME, "dst"));
        }
        Ok(Destination { start, size })
    }
}

/// The bytes of an array of the caller's.
pub(crate) struct Source<'a> {
    /// All that the array touches.
    pub(crate) bytes: &'a [u8],
    /// Where in these its first element begins.
    pub(crate) first: usize,
}

impl<'a> Args<'a, PJRT_Client_BufferFromHostBuffer_Args> {
    /// The array's bytes. It has these dimensions and elements of so many bytes.
    ///
    /// # Errors
    /// There is no data, or the strides do not fit the dimensions.
    pub(crate) fn source(self, element_bytes: usize) -> Result<Source<'a>, Error> {
        let (dims, strides) = (self.dims()?, self.byte_strides()?);
        let Range { start, end } = extent(dims, strides, element_bytes)?;
        if start == end {
            return Ok(Source { bytes: &[], first: 0 });
        }
        let data = self.data().cast::<u8>();
        self.non_null("data", data)?;
        let (first, size) = (start.unsigned_abs(), start.abs_diff(end));
        // SAFETY: the interface says that every element which dimensions and strides lead to is
        // there while the call lasts.
        let bytes = unsafe { std::slice::from_raw_parts(data.offset(start), size) };
        Ok(Source { bytes, first })
    }
}

/// The bytes that an array touches, counted from where its first element begins.
fn extent(dims: &[i64], strides: &[i64], element_bytes: usize) -> Result<Range<isize>, Error> {
    if !strides.is_empty() && strides.len() != dims.len() {
        let (given, expected) = (strides.len(), dims.len());
        return Err(Error::invalid(format!("{given} strides for an array of rank {expected}")));
    }
    if dims.contains(&0) {
        return Ok(0..0);
    }
    let overflow = || Error::invalid(format!("dimensions {dims:?} with strides {strides:?}"));
    let element = i64::try_from(element_bytes).map_err(|_| overflow())?;
    let (mut low, mut high, mut dense) = (0_i64, element, element);
    for (axis, &size) in dims.iter().enumerate().rev() {
        let last = size.checked_sub(1).filter(|&last| last >= 0).ok_or_else(overflow)?;
        let stride = strides.get(axis).copied().unwrap_or(dense);
        let reach = stride.checked_mul(last).ok_or_else(overflow)?;
        let side = if reach < 0 { &mut low } else { &mut high };
        *side = side.checked_add(reach).ok_or_else(overflow)?;
        dense = dense.checked_mul(size).ok_or_else(overflow)?;
    }
    let low = isize::try_from(low).map_err(|_| overflow())?;
    let high = isize::try_from(high).map_err(|_| overflow())?;
    Ok(low..high)
}

/// The order in which the caller wants an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HostLayout {
    /// Dense, with the dimensions in this order, the fastest first.
    MinorToMajor(Vec<i64>),
    /// With strides in bytes.
    Strides(Vec<i64>),
}

impl<'a> Args<'a, PJRT_Buffer_MemoryLayout> {
    /// The other member of the union that `tiled` is in.
    fn strides(self) -> Result<Args<'a, PJRT_Buffer_MemoryLayout_Strides>, Error> {
        self.in_place(std::mem::offset_of!(PJRT_Buffer_MemoryLayout, tiled))
    }

    /// Reads the layout.
    ///
    /// # Errors
    /// It has tiles, which arrays on the host cannot have, or is of no kind of the interface.
    pub(crate) fn host_layout(self) -> Result<HostLayout, Error> {
        match self.r#type() {
            0 => {
                let tiled = self.tiled()?;
                if tiled.num_tiles() > 0 {
                    let n_tiles = tiled.num_tiles();
                    return Err(Error::unimplemented(format!(
                        "a host layout with {n_tiles} tiles; none are supported"
                    )));
                }
                Ok(HostLayout::MinorToMajor(tiled.minor_to_major()?.to_vec()))
            }
            1 => Ok(HostLayout::Strides(self.strides()?.byte_strides()?.to_vec())),
            other => Err(Error::invalid(format!(
                "PJRT_Buffer_MemoryLayout: type {other}, 0 (tiled) and 1 (strides) are allowed"
            ))),
        }
    }
}

impl Args<'_, ProgramAnswer> {
    /// Answers with a program: its size, and the program too if there is room for it.
    pub(crate) fn answer(self, format: &'static str, program: &[u8]) {
        let code = self.code();
        let room: usize = self.read(std::mem::offset_of!(ProgramAnswer, code_size));
        if !code.is_null() && room >= program.len() {
            // SAFETY: the caller says that there is so much room.
            unsafe { std::ptr::copy_nonoverlapping(program.as_ptr(), code, program.len()) }
        }
        self.code_size().set(program.len());
        super::set_text(self.format(), self.format_size(), format);
    }
}

impl Args<'_, PJRT_Client_DefaultDeviceAssignment_Args> {
    /// Writes the ids of the devices, replica-major.
    ///
    /// # Errors
    /// There is no room for all.
    pub(crate) fn assign(self, ids: &[c_int]) -> Result<(), Error> {
        let (room, needed) = (self.default_assignment_size(), ids.len());
        if room < needed {
            return Err(Error::invalid(format!("room for {room} devices, {needed} are needed")));
        }
        self.non_null("default_assignment", self.default_assignment())?;
        // SAFETY: the caller says that there is so much room.
        unsafe {
            std::ptr::copy_nonoverlapping(ids.as_ptr(), self.default_assignment(), needed);
        }
        Ok(())
    }
}

impl<'a> Args<'a, PJRT_LoadedExecutable_Execute_Args> {
    /// The arguments: a list per device.
    ///
    /// # Errors
    /// A pointer is null.
    pub(crate) fn arguments(self) -> Result<Vec<Vec<&'a Buffer>>, Error> {
        let (n_devices, n_arguments) = (self.num_devices(), self.num_args());
        if n_arguments == 0 {
            return Ok(vec![Vec::new(); n_devices]);
        }
        let lists = self.list("argument_lists", self.argument_lists(), n_devices)?;
        let list = |&list: &*const *mut Buffer| {
            let buffers = self.list("argument_lists[_]", list, n_arguments)?;
            let buffers = buffers.iter().map(|&buffer| {
                let missing = || null(PJRT_LoadedExecutable_Execute_Args::NAME, "an argument");
                self.object(buffer).ok_or_else(missing)
            });
            buffers.collect()
        };
        lists.iter().map(list).collect()
    }

    /// Gives the outputs of one device, and the event that says when it is done, if wanted.
    ///
    /// # Errors
    /// There is no place for them.
    pub(crate) fn give(
        self,
        device: usize,
        outputs: Vec<*mut Buffer>,
        done: impl FnOnce() -> *mut Event,
    ) -> Result<(), Error> {
        assert!(device < self.num_devices(), "outputs come for devices that have arguments");
        if !outputs.is_empty() {
            let lists = self.list("output_lists", self.output_lists(), self.num_devices())?;
            self.non_null("output_lists[_]", lists[device])?;
            // SAFETY: the interface says that each list has a place per output.
            unsafe {
                std::ptr::copy_nonoverlapping(outputs.as_ptr(), lists[device], outputs.len());
            }
        }
        let events = self.device_complete_events();
        if !events.is_null() {
            // SAFETY: the interface says that there is a place per device.
            unsafe { events.add(device).write(done()) }
        }
        Ok(())
    }
}

/// `PJRT_CallbackError`: makes an error of ours for a callback of the caller's.
pub(crate) type CallbackError = unsafe extern "C" fn(c_int, *const u8, usize) -> *mut ErrorObject;

/// `PJRT_Chunk`: data with its deleter.
#[repr(C)]
pub(crate) struct Chunk {
    data: *mut u8,
    size: usize,
    deleter: Option<unsafe extern "C" fn(*mut u8, *mut c_void)>,
    deleter_arg: *mut c_void,
}

/// `PJRT_SendCallbackInfo`: where data of a channel goes.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct SendCallback {
    /// The channel.
    pub(crate) channel_id: i64,
    user_arg: *mut c_void,
    function: Option<
        unsafe extern "C" fn(
            *mut Chunk,
            *mut CallbackError,
            usize,
            bool,
            *mut c_void,
        ) -> *mut ErrorObject,
    >,
}

// SAFETY: the interface says that the callback may come from any thread.
unsafe impl Send for SendCallback {}
// SAFETY: likewise.
unsafe impl Sync for SendCallback {}

/// `PJRT_RecvCallbackInfo`: where data of a channel comes from.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct ReceiveCallback {
    /// The channel.
    pub(crate) channel_id: i64,
    user_arg: *mut c_void,
    function: Option<unsafe extern "C" fn(*mut CopyToDeviceStream, *mut c_void)>,
}

// SAFETY: the interface says that the callback may come from any thread.
unsafe impl Send for ReceiveCallback {}
// SAFETY: likewise.
unsafe impl Sync for ReceiveCallback {}

/// `PJRT_LogicalDeviceIds`: a device's place in an assignment.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogicalDeviceIds {
    /// Which copy of the program.
    pub(crate) replica: c_int,
    /// Which part of it.
    pub(crate) partition: c_int,
}

impl<'a> Args<'a, PJRT_ExecuteOptions> {
    /// Where the caller calls from, in its own program.
    pub(crate) fn location(self) -> Option<String> {
        let start = self.call_location().cast::<c_char>();
        if start.is_null() {
            return None;
        }
        // SAFETY: the interface says that the text ends with 0.
        let text = unsafe { CStr::from_ptr(start) };
        Some(text.to_string_lossy().into_owned())
    }

    /// The callbacks of the device at this place, of so many.
    pub(crate) fn sends(
        self,
        device: usize,
        n_devices: usize,
    ) -> Result<&'a [SendCallback], Error> {
        if self.num_send_ops() == 0 {
            return Ok(&[]);
        }
        let lists = self.list("send_callbacks", self.send_callbacks(), n_devices)?;
        self.list("send_callbacks[_]", lists[device], self.num_send_ops())
    }

    /// The same for receives.
    pub(crate) fn receives(
        self,
        device: usize,
        n_devices: usize,
    ) -> Result<&'a [ReceiveCallback], Error> {
        if self.num_recv_ops() == 0 {
            return Ok(&[]);
        }
        let lists = self.list("recv_callbacks", self.recv_callbacks(), n_devices)?;
        self.list("recv_callbacks[_]", lists[device], self.num_recv_ops())
    }
}

/// Makes an error of ours for a callback of the caller's.
///
/// # Safety
/// The message is as long as its size says.
unsafe extern "C" fn make_error(code: c_int, message: *const u8, size: usize) -> *mut ErrorObject {
    let bytes: &[u8] = if message.is_null() {
        &[]
    } else {
        // SAFETY: the caller says how long its message is.
        unsafe { std::slice::from_raw_parts(message, size) }
    };
    let code = crate::error::Code::from_number(code);
    Error::new(code, String::from_utf8_lossy(bytes)).give()
}

impl SendCallback {
    /// Sends an array, all of it at once.
    ///
    /// # Errors
    /// What the callback says.
    pub(crate) fn send(&self, bytes: &[u8]) -> Result<(), Error> {
        let Some(function) = self.function else {
            return Err(null("PJRT_SendCallbackInfo", "send_callback"));
        };
        let data = crate::abi::handle::leak_bytes(bytes.to_vec());
        let deleter = Some(delete_chunk as unsafe extern "C" fn(*mut u8, *mut c_void));
        let (size, deleter_arg) = (bytes.len(), data.owner);
        let mut chunk = Chunk { data: data.start, size, deleter, deleter_arg };
        let mut make_error: CallbackError = make_error;
        // SAFETY: the caller gave a function that takes its own argument; it takes the data and
        // deletes them, and the error that it gives is one of ours.
        let error = unsafe { function(&mut chunk, &mut make_error, size, true, self.user_arg) };
        // SAFETY: the error was made by `make_error` and is given once.
        match (!error.is_null()).then(|| unsafe { Box::from_raw(error) }) {
            Some(object) => Err(object.error().clone()),
            None => Ok(()),
        }
    }
}

unsafe extern "C" fn delete_chunk(_: *mut u8, owner: *mut c_void) {
    // SAFETY: the owner was leaked by `send` and is deleted once.
    unsafe { crate::abi::handle::delete_bytes(owner.cast()) }
}

impl ReceiveCallback {
    /// Tells the caller that a stream wants data.
    ///
    /// # Errors
    /// There is no function.
    pub(crate) fn receive(&self, stream: *mut CopyToDeviceStream) -> Result<(), Error> {
        let Some(function) = self.function else {
            return Err(null("PJRT_RecvCallbackInfo", "recv_callback"));
        };
        // SAFETY: the caller gave a function that takes its own argument, and the stream is its.
        unsafe { function(stream, self.user_arg) }
        Ok(())
    }
}

impl Args<'_, super::async_transfer::PJRT_CopyToDeviceStream_AddChunk_Args> {
    /// The chunk's data, which are deleted.
    ///
    /// # Errors
    /// There is no chunk, or it has no data.
    pub(crate) fn take_chunk(self) -> Result<Vec<u8>, Error> {
        let chunk = self.chunk();
        self.non_null("chunk", chunk)?;
        // SAFETY: the interface says that the chunk is there while the call lasts.
        let Chunk { data, size, deleter, deleter_arg } = unsafe { chunk.read() };
        let bytes = self.list("chunk.data", data, size)?.to_vec();
        if let Some(deleter) = deleter {
            // SAFETY: the chunk is ours now, and is deleted once.
            unsafe { deleter(data, deleter_arg) }
        }
        Ok(bytes)
    }
}

const _: () = assert!(size_of::<Header>() == 16, "the interface is for 64-bit hosts");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_reaches_from_its_lowest_to_its_highest_byte() {
        let extent = |dims: &[i64], strides: &[i64]| extent(dims, strides, 4).ok();
        assert_eq!(extent(&[2, 3], &[]), Some(0..24));
        assert_eq!(extent(&[2, 3], &[12, 4]), Some(0..24));
        assert_eq!(extent(&[2, 3], &[-12, 4]), Some(-12..12));
        assert_eq!(extent(&[2, 3], &[0, 8]), Some(0..20));
        assert_eq!(extent(&[], &[]), Some(0..4));
        assert_eq!(extent(&[0, 3], &[i64::MAX, 4]), Some(0..0));
        assert_eq!(extent(&[2, 3], &[4]), None);
        assert_eq!(extent(&[-1], &[4]), None);
        assert_eq!(extent(&[3, 3], &[i64::MAX, 4]), None);
    }
}
