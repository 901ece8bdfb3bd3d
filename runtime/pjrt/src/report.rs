//! Palmetto's own extension: reports of executions, and the settings of the process.
//!
//! Everything in it is called from any thread, before there is a client and while programs run.

use std::collections::VecDeque;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::panic::catch_unwind;
use std::sync::{Mutex, MutexGuard, PoisonError};

use palmetto_runtime::{self as runtime, Launch, PendingReport};
use serde_json::{Value, json};

use crate::abi::panicked;
use crate::extensions::Extension;
use crate::loaded::LoadedExecutable;
use crate::settings;

/// `PJRT_Palmetto_Extension`. The functions give 0 and an answer, or 1 and an error message; both
/// are given back with `free_text`.
#[repr(C)]
struct PalmettoExtension {
    extension: Extension,
    version: u64,
    reports: unsafe extern "C" fn(i64, *mut *mut c_char) -> i32,
    set_option: unsafe extern "C" fn(*const c_char, *const c_char, *mut *mut c_char) -> i32,
    get_option: unsafe extern "C" fn(*const c_char, *mut *mut c_char) -> i32,
    free_text: unsafe extern "C" fn(*mut c_char),
}

// SAFETY: the table is constant, its one data pointer is null.
unsafe impl Sync for PalmettoExtension {}

/// `PALM`, far from the numbers of PJRT.
const TYPE: c_int = 0x5041_4C4D;

static EXTENSION: PalmettoExtension = PalmettoExtension {
    extension: Extension::new(size_of::<PalmettoExtension>(), TYPE, std::ptr::null()),
    version: 1,
    reports,
    set_option,
    get_option,
    free_text,
};

/// The extension, which is the last one.
pub(crate) const fn extension() -> *const c_void {
    (&raw const EXTENSION).cast()
}

/// Executions whose reports are kept.
const KEPT: usize = 256;

/// The executions of the process.
#[derive(Default)]
struct Executions {
    next: u64,
    kept: VecDeque<Execution>,
}

/// One execution, on all of its devices.
#[derive(Clone)]
struct Execution {
    number: u64,
    program: String,
    devices: Vec<u32>,
    location: Option<String>,
    launches: Result<Vec<PendingReport>, String>,
}

fn executions() -> MutexGuard<'static, Executions> {
    static EXECUTIONS: Mutex<Executions> =
        Mutex::new(Executions { next: 0, kept: VecDeque::new() });
    EXECUTIONS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Remembers an execution that was started, or refused, by the line of the caller's at `location`.
pub(crate) fn record(
    loaded: &LoadedExecutable,
    location: Option<String>,
    launches: &Result<Vec<Launch>, runtime::Error>,
) {
    let mut executions = executions();
    let launches = launches.as_ref();
    let launches =
        launches.map(|launches| launches.iter().map(|launched| launched.report.clone()).collect());
    let execution = Execution {
        number: executions.next,
        program: loaded.runtime.executable().name().to_owned(),
        devices: loaded.runtime.devices().iter().map(|device| device.id().0).collect(),
        location,
        launches: launches.map_err(ToString::to_string),
    };
    executions.next += 1;
    executions.kept.push_back(execution);
    if executions.kept.len() > KEPT {
        executions.kept.pop_front();
    }
}

/// The executions from number `first` on, or the last `-first` ones, as JSON.
fn reports_from(first: i64) -> Result<String, String> {
    let (next, chosen) = {
        let executions = executions();
        let first = match u64::try_from(first) {
            Ok(first) => first,
            Err(_) => executions.next.saturating_sub(first.unsigned_abs()),
        };
        let chosen = executions.kept.iter().filter(|execution| execution.number >= first);
        (executions.next, chosen.cloned().collect::<Vec<_>>())
    };
    // Waiting for what still runs, others may start more.
    let executions: Vec<Value> = chosen.iter().map(Execution::json).collect::<Result<_, _>>()?;
    Ok(json!({ "next": next, "executions": executions }).to_string())
}

impl Execution {
    /// Waits for its end.
    fn json(&self) -> Result<Value, String> {
        let Self { number, program, devices, location, launches } = self;
        let mut json = json!({ "number": number, "program": program, "devices": devices });
        if let Some(location) = location {
            json["location"] = json!(location);
        }
        match launches.as_ref().map(|launches| reports_of(launches)) {
            Ok(Ok(reports)) => json["reports"] = Value::Array(reports),
            Ok(Err(error)) => json["error"] = json!(error),
            Err(error) => json["error"] = json!(error),
        }
        Ok(json)
    }
}

fn reports_of(launches: &[PendingReport]) -> Result<Vec<Value>, String> {
    let report = |launch: &PendingReport| {
        let report = launch.wait().map_err(|error| error.to_string())?;
        serde_json::to_value(report).map_err(|error| error.to_string())
    };
    launches.iter().map(report).collect()
}

unsafe extern "C" fn reports(first: i64, text: *mut *mut c_char) -> i32 {
    // SAFETY: the caller gives a place for the answer.
    unsafe { answer("reports", text, || reports_from(first)) }
}

unsafe extern "C" fn set_option(
    name: *const c_char,
    value: *const c_char,
    text: *mut *mut c_char,
) -> i32 {
    // SAFETY: the caller gives two texts that end with 0, and a place for the answer.
    unsafe {
        answer("set_option", text, || {
            let (name, value) = (read("name", name)?, read("value", value)?);
            settings::with(|settings| settings.set(name, value))
        })
    }
}

unsafe extern "C" fn get_option(name: *const c_char, text: *mut *mut c_char) -> i32 {
    // SAFETY: the caller gives a text that ends with 0, and a place for the answer.
    unsafe {
        answer("get_option", text, || {
            let name = read("name", name)?;
            settings::with(|settings| settings.get(name))
        })
    }
}

unsafe extern "C" fn free_text(text: *mut c_char) {
    if !text.is_null() {
        // SAFETY: the caller gives back an answer, once.
        drop(unsafe { CString::from_raw(text) });
    }
}

/// Writes what `body` gives to `text`.
///
/// # Safety
/// `text` is null or may be written.
unsafe fn answer(
    name: &str,
    text: *mut *mut c_char,
    body: impl FnOnce() -> Result<String, String> + std::panic::UnwindSafe,
) -> i32 {
    let outcome = catch_unwind(body)
        .unwrap_or_else(|panic| Err(panicked(name, &*panic).message().to_owned()));
    let (status, words) = match outcome {
        Ok(words) => (0, words),
        Err(words) => (1, words),
    };
    let words = CString::new(words.replace('\0', "\u{fffd}")).unwrap_or_default();
    if !text.is_null() {
        // SAFETY: the caller of the extension gives a place for the answer.
        unsafe { text.write(words.into_raw()) }
    }
    status
}

/// Reads a text of the caller's.
///
/// # Safety
/// `text` is null or ends with 0.
unsafe fn read<'a>(name: &str, text: *const c_char) -> Result<&'a str, String> {
    if text.is_null() {
        return Err(format!("`{name}` is null"));
    }
    // SAFETY: the caller of the extension gives a text that ends with 0.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map_err(|error| format!("`{name}`: {error}"))
}
