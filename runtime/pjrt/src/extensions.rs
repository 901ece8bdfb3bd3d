//! The extensions that the table of functions leads to, as a list.
//!
//! layouts -> shardings -> memory descriptions -> Palmetto's own, which is the last one because
//! nobody but the Python package looks for it.

use std::ffi::{c_int, c_void};

use crate::abi::enter;
use crate::error::ErrorObject;
use crate::{device, layout, memory, report, sharding};

/// `PJRT_Extension_Base`.
#[repr(C)]
pub(crate) struct Extension {
    struct_size: usize,
    r#type: c_int,
    next: *const c_void,
}

/// An extension that is a list of functions.
#[repr(C)]
struct Functions<const N: usize> {
    extension: Extension,
    functions: [unsafe extern "C" fn(*mut c_void) -> *mut ErrorObject; N],
}

// SAFETY: the tables are constant, and so is what they point to.
unsafe impl<const N: usize> Sync for Functions<N> {}

impl Extension {
    /// With the size of the whole struct, its number, and the next one.
    pub(crate) const fn new(struct_size: usize, r#type: c_int, next: *const c_void) -> Self {
        Self { struct_size, r#type, next }
    }
}

impl<const N: usize> Functions<N> {
    const fn extension(r#type: c_int, next: *const c_void) -> Extension {
        Extension::new(size_of::<Self>(), r#type, next)
    }
}

/// The numbers of the extensions.
const LAYOUTS: c_int = 4;
const MEMORY_DESCRIPTIONS: c_int = 6;
const SHARDINGS: c_int = 19;

/// The first extension.
pub(crate) const fn first() -> *const c_void {
    (&raw const LAYOUT_FUNCTIONS).cast()
}

macro_rules! entries {
    ($($name:literal = $body:path,)*) => { [$({
        unsafe extern "C" fn entry(args: *mut c_void) -> *mut ErrorObject {
            // SAFETY: the caller of the interface vouches for the struct.
            unsafe { enter($name, args, $body) }
        }
        entry
    }),*] };
}

static LAYOUT_FUNCTIONS: Functions<7> = Functions {
    extension: Functions::<7>::extension(LAYOUTS, (&raw const SHARDING_FUNCTIONS).cast()),
    functions: entries! {
        "PJRT_Layouts_MemoryLayout_Destroy" = layout::destroy,
        "PJRT_Layouts_MemoryLayout_Serialize" = layout::serialize,
        "PJRT_Layouts_PJRT_Client_GetDefaultLayout" = layout::client_default,
        "PJRT_Layouts_PJRT_Buffer_MemoryLayout" = layout::of_buffer,
        "PJRT_Layouts_PJRT_Topology_GetDefaultLayout" = layout::topology_default,
        "PJRT_Layouts_PJRT_Executable_GetOutputLayouts" = layout::of_outputs,
        "PJRT_Layouts_PJRT_Executable_GetParameterLayouts" = layout::of_parameters,
    },
};

static SHARDING_FUNCTIONS: Functions<2> = Functions {
    extension: Functions::<2>::extension(SHARDINGS, (&raw const MEMORY_FUNCTIONS).cast()),
    functions: entries! {
        "PJRT_Shardings_PJRT_Executable_ParameterShardings" = sharding::of_parameters,
        "PJRT_Shardings_PJRT_Executable_OutputShardings" = sharding::of_outputs,
    },
};

static MEMORY_FUNCTIONS: Functions<2> = Functions {
    extension: Functions::<2>::extension(MEMORY_DESCRIPTIONS, report::extension()),
    functions: entries! {
        "PJRT_DeviceDescription_MemoryDescriptions" = device::description_memories,
        "PJRT_MemoryDescription_Kind" = memory::description_kind,
    },
};
