//! Errors on their way to C: a code of the interface and a message.

use std::ffi::{c_int, c_void};
use std::fmt;

use palmetto_runtime as runtime;

use crate::abi::core::{
    PJRT_Error_Destroy_Args, PJRT_Error_ForEachPayload_Args, PJRT_Error_GetCode_Args,
    PJRT_Error_Message_Args,
};
use crate::abi::handle::{self, Object};
use crate::abi::{Args, set_text};

/// `PJRT_Error_Code`, as far as we give them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Code {
    /// The caller stopped it.
    Cancelled = 1,
    /// Nobody knows.
    Unknown = 2,
    /// The caller gave something that is wrong.
    InvalidArgument = 3,
    /// Something was not there.
    NotFound = 5,
    /// Memory does not suffice.
    ResourceExhausted = 8,
    /// What was given is not in the state that it has to be in.
    FailedPrecondition = 9,
    /// We have no such function.
    Unimplemented = 12,
    /// We are wrong.
    Internal = 13,
}

impl Code {
    /// The code with this number; one that we never give ourselves is unknown.
    pub(crate) fn from_number(number: c_int) -> Self {
        let codes = [
            Self::Cancelled,
            Self::InvalidArgument,
            Self::NotFound,
            Self::ResourceExhausted,
            Self::FailedPrecondition,
            Self::Unimplemented,
            Self::Internal,
        ];
        codes.into_iter().find(|code| *code as c_int == number).unwrap_or(Self::Unknown)
    }
}

/// Why a function of the interface did not do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Error {
    code: Code,
    message: String,
}

impl Error {
    /// With this code and message.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The caller is wrong.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, message)
    }

    /// We cannot do that.
    pub(crate) fn unimplemented(message: impl Into<String>) -> Self {
        Self::new(Code::Unimplemented, message)
    }

    /// What it says.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// As an object for C, which destroys it.
    pub(crate) fn give(self) -> *mut ErrorObject {
        handle::give(ErrorObject { functions: &FUNCTIONS, error: self })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<runtime::Error> for Error {
    fn from(error: runtime::Error) -> Self {
        Self::from(&error)
    }
}

impl From<&runtime::Error> for Error {
    fn from(error: &runtime::Error) -> Self {
        Self::new(code_of(error), error.to_string())
    }
}

/// The object that C sees. Newer callers read errors through the table that it begins with.
#[repr(C)]
pub(crate) struct ErrorObject {
    functions: &'static FunctionTable,
    error: Error,
}

impl Object for ErrorObject {}

impl ErrorObject {
    /// What it is about.
    pub(crate) fn error(&self) -> &Error {
        &self.error
    }
}

/// `PJRT_Error_FunctionTable`.
#[repr(C)]
struct FunctionTable {
    struct_size: usize,
    instance_size: usize,
    extension_start: *mut c_void,
    destroy: unsafe extern "C" fn(*mut ErrorObject),
    message: unsafe extern "C" fn(*const ErrorObject, *mut *const u8, *mut usize),
    get_code: unsafe extern "C" fn(*const ErrorObject) -> c_int,
    for_each_payload: unsafe extern "C" fn(*const ErrorObject, *mut c_void, *mut c_void),
}

// SAFETY: the table is constant, its one data pointer is null.
unsafe impl Sync for FunctionTable {}

static FUNCTIONS: FunctionTable = FunctionTable {
    struct_size: size_of::<FunctionTable>(),
    instance_size: size_of::<ErrorObject>(),
    extension_start: std::ptr::null_mut(),
    destroy: destroy_object,
    message: message_of_object,
    get_code: code_of_object,
    for_each_payload: payloads_of_object,
};

unsafe extern "C" fn destroy_object(error: *mut ErrorObject) {
    if !error.is_null() {
        // SAFETY: the caller gives back what it was given, once.
        drop(unsafe { Box::from_raw(error) });
    }
}

unsafe extern "C" fn message_of_object(
    error: *const ErrorObject,
    message: *mut *const u8,
    size: *mut usize,
) {
    // SAFETY: the caller gives an error of ours and two places to write to.
    unsafe {
        let text = (*error).error.message();
        message.write(text.as_ptr());
        size.write(text.len());
    }
}

unsafe extern "C" fn code_of_object(error: *const ErrorObject) -> c_int {
    // SAFETY: the caller gives an error of ours.
    unsafe { (*error).error.code as c_int }
}

/// Errors of ours carry no payloads.
unsafe extern "C" fn payloads_of_object(_: *const ErrorObject, _: *mut c_void, _: *mut c_void) {}

pub(crate) fn destroy(args: Args<'_, PJRT_Error_Destroy_Args>) -> Result<(), Error> {
    drop(args.error());
    Ok(())
}

pub(crate) fn message(args: Args<'_, PJRT_Error_Message_Args>) -> Result<(), Error> {
    let text = args.error().map_or("", |object| object.error.message());
    set_text(args.message(), args.message_size(), text);
    Ok(())
}

pub(crate) fn get_code(args: Args<'_, PJRT_Error_GetCode_Args>) -> Result<(), Error> {
    args.code().set(args.error()?.error.code as c_int);
    Ok(())
}

pub(crate) fn for_each_payload(
    args: Args<'_, PJRT_Error_ForEachPayload_Args>,
) -> Result<(), Error> {
    args.error().map(|_| ())
}

/// The code that callers expect of an error of the runtime's.
fn code_of(error: &runtime::Error) -> Code {
    use runtime::Error as E;
    match error {
        error if error.is_out_of_memory() => Code::ResourceExhausted,
        E::Earlier(error) => code_of(error),
        E::Deleted { .. } | E::ExecutableDeleted(_) => Code::FailedPrecondition,
        E::Fault { .. } | E::Abandoned | E::Value { .. } | E::HostTransfer { .. } => Code::Internal,
        E::Diagnostic(diagnostic) => code_of_diagnostic(diagnostic),
        _ => Code::InvalidArgument,
    }
}

/// The code of what is wrong with a program.
pub(crate) fn code_of_diagnostic(diagnostic: &runtime::Diagnostic) -> Code {
    if diagnostic.is_unsupported() { Code::Unimplemented } else { Code::InvalidArgument }
}
