//! Memories of a device: HBM, and two kinds of host memory.

use std::collections::BTreeMap;
use std::ffi::{c_int, c_void};
use std::sync::{Mutex, OnceLock, PoisonError};

use palmetto_runtime::MemoryKind;

use crate::abi::device::{
    PJRT_Memory_AddressableByDevices_Args, PJRT_Memory_DebugString_Args, PJRT_Memory_Id_Args,
    PJRT_Memory_Kind_Args, PJRT_Memory_Kind_Id_Args, PJRT_Memory_ToString_Args,
};
use crate::abi::extension::PJRT_MemoryDescription_Kind_Args;
use crate::abi::handle::{Handle, Object, pointers};
use crate::abi::{Args, set_list, set_text};
use crate::device::Device;
use crate::error::Error;

/// `PJRT_Memory`. Callers keep data of their own in it, through the table that it begins with.
#[repr(C)]
pub(crate) struct Memory {
    functions: &'static FunctionTable,
    user_data: Mutex<BTreeMap<usize, UserData>>,
    /// The kind.
    pub(crate) kind: MemoryKind,
    /// The place of its device in the client's list.
    pub(crate) device_index: usize,
    id: c_int,
    text: String,
    devices: OnceLock<[Handle<Device>; 1]>,
}

impl Object for Memory {}

/// What a caller keeps in a memory.
struct UserData {
    data: *mut c_void,
    destroy: Option<unsafe extern "C" fn(*mut c_void)>,
}

// SAFETY: the interface says that the data are used from any thread; here they are only kept.
unsafe impl Send for UserData {}

impl Drop for UserData {
    fn drop(&mut self) {
        if let Some(destroy) = self.destroy {
            // SAFETY: the caller gave the data with what destroys them, which happens once.
            unsafe { destroy(self.data) }
        }
    }
}

/// `PJRT_Memory_FunctionTable`.
#[repr(C)]
struct FunctionTable {
    struct_size: usize,
    extension_start: *mut c_void,
    instance_struct_size: usize,
    get_user_data: unsafe extern "C" fn(*mut Memory, *const c_void) -> *mut c_void,
    set_user_data: unsafe extern "C" fn(
        *mut Memory,
        *const c_void,
        *mut c_void,
        Option<unsafe extern "C" fn(*mut c_void)>,
    ),
}

// SAFETY: the table is constant, its one data pointer is null.
unsafe impl Sync for FunctionTable {}

static FUNCTIONS: FunctionTable = FunctionTable {
    struct_size: size_of::<FunctionTable>(),
    extension_start: std::ptr::null_mut(),
    instance_struct_size: size_of::<&FunctionTable>(),
    get_user_data,
    set_user_data,
};

unsafe extern "C" fn get_user_data(memory: *mut Memory, key: *const c_void) -> *mut c_void {
    // SAFETY: the caller gives a memory of ours, or null.
    let Some(memory) = (unsafe { memory.cast_const().as_ref() }) else {
        return std::ptr::null_mut();
    };
    let map = memory.user_data.lock().unwrap_or_else(PoisonError::into_inner);
    map.get(&key.addr()).map_or(std::ptr::null_mut(), |user_data| user_data.data)
}

unsafe extern "C" fn set_user_data(
    memory: *mut Memory,
    key: *const c_void,
    data: *mut c_void,
    destroy: Option<unsafe extern "C" fn(*mut c_void)>,
) {
    // SAFETY: the caller gives a memory of ours, or null.
    let Some(memory) = (unsafe { memory.cast_const().as_ref() }) else { return };
    let user_data = UserData { data, destroy };
    let mut map = memory.user_data.lock().unwrap_or_else(PoisonError::into_inner);
    let before = map.insert(key.addr(), user_data);
    // What destroys the former data may call us: not under the lock.
    drop(map);
    drop(before);
}

/// The number of a kind, by which callers compare kinds.
fn kind_id(kind: MemoryKind) -> c_int {
    match kind {
        MemoryKind::Device => 0,
        MemoryKind::PinnedHost => 1,
        MemoryKind::UnpinnedHost => 2,
    }
}

impl Memory {
    /// The memory of a kind of the device at this place of the client's list.
    pub(crate) fn new(kind: MemoryKind, device_index: usize) -> Self {
        let n_kinds = MemoryKind::ALL.len();
        let id = device_index * n_kinds + usize::try_from(kind_id(kind)).unwrap_or_default();
        Self {
            functions: &FUNCTIONS,
            user_data: Mutex::default(),
            kind,
            device_index,
            id: c_int::try_from(id).unwrap_or(c_int::MAX),
            text: format!("{}:{device_index}", kind.name()),
            devices: OnceLock::new(),
        }
    }

    /// Says whose memory it is, once all devices are where they stay.
    pub(crate) fn link(&self, device: &Device) {
        self.devices.get_or_init(|| [Handle::of(device)]);
    }
}

pub(crate) fn id(args: Args<'_, PJRT_Memory_Id_Args>) -> Result<(), Error> {
    args.id().set(args.memory()?.id);
    Ok(())
}

pub(crate) fn kind(args: Args<'_, PJRT_Memory_Kind_Args>) -> Result<(), Error> {
    set_text(args.kind(), args.kind_size(), args.memory()?.kind.name());
    Ok(())
}

pub(crate) fn kind_number(args: Args<'_, PJRT_Memory_Kind_Id_Args>) -> Result<(), Error> {
    args.kind_id().set(kind_id(args.memory()?.kind));
    Ok(())
}

pub(crate) fn debug_string(args: Args<'_, PJRT_Memory_DebugString_Args>) -> Result<(), Error> {
    set_text(args.debug_string(), args.debug_string_size(), &args.memory()?.text);
    Ok(())
}

pub(crate) fn to_string(args: Args<'_, PJRT_Memory_ToString_Args>) -> Result<(), Error> {
    set_text(args.to_string(), args.to_string_size(), &args.memory()?.text);
    Ok(())
}

pub(crate) fn addressable_by_devices(
    args: Args<'_, PJRT_Memory_AddressableByDevices_Args>,
) -> Result<(), Error> {
    let devices = args.memory()?.devices.get();
    let devices = devices.expect("memories are linked before they are given away");
    set_list(args.devices(), args.num_devices(), pointers(devices));
    Ok(())
}

/// `PJRT_MemoryDescription`: a kind of memory, known before there is a client.
pub(crate) struct MemoryDescription(MemoryKind);

impl Object for MemoryDescription {}

/// The memories that every device has; the first one is the default.
static DESCRIPTIONS: [MemoryDescription; MemoryKind::ALL.len()] = [
    MemoryDescription(MemoryKind::Device),
    MemoryDescription(MemoryKind::PinnedHost),
    MemoryDescription(MemoryKind::UnpinnedHost),
];

/// The same as C reads lists.
pub(crate) fn descriptions() -> &'static [Handle<MemoryDescription>] {
    static HANDLES: OnceLock<Vec<Handle<MemoryDescription>>> = OnceLock::new();
    HANDLES.get_or_init(|| DESCRIPTIONS.iter().map(Handle::of).collect())
}

pub(crate) fn description_kind(
    args: Args<'_, PJRT_MemoryDescription_Kind_Args>,
) -> Result<(), Error> {
    let kind = args.memory_description()?.0;
    set_text(args.kind(), args.kind_size(), kind.name());
    args.kind_id().set(kind_id(kind));
    Ok(())
}
