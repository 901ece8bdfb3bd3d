//! Events: completion of asynchronous work.

use palmetto_runtime as runtime;

use crate::abi::Args;
use crate::abi::core::{
    PJRT_Event_Await_Args, PJRT_Event_Destroy_Args, PJRT_Event_Error_Args, PJRT_Event_IsReady_Args,
    PJRT_Event_OnReady_Args,
};
use crate::abi::foreign::Callback;
use crate::abi::handle::{self, Object};
use crate::error::Error;

/// `PJRT_Event`.
pub(crate) struct Event(runtime::Event);

impl Object for Event {}

impl Event {
    /// As an object for C, which destroys it.
    pub(crate) fn give(event: &runtime::Event) -> *mut Self {
        handle::give(Self(event.clone()))
    }
}

pub(crate) fn destroy(args: Args<'_, PJRT_Event_Destroy_Args>) -> Result<(), Error> {
    drop(args.event());
    Ok(())
}

pub(crate) fn is_ready(args: Args<'_, PJRT_Event_IsReady_Args>) -> Result<(), Error> {
    args.is_ready().set(u8::from(args.event()?.0.is_ready()));
    Ok(())
}

/// The error that the work ended with, after it has ended.
pub(crate) fn error(args: Args<'_, PJRT_Event_Error_Args>) -> Result<(), Error> {
    args.event()?.0.wait().map_err(|error| Error::from(&*error))
}

pub(crate) fn wait(args: Args<'_, PJRT_Event_Await_Args>) -> Result<(), Error> {
    args.event()?.0.wait().map_err(|error| Error::from(&*error))
}

pub(crate) fn on_ready(args: Args<'_, PJRT_Event_OnReady_Args>) -> Result<(), Error> {
    let function = args.callback().ok_or_else(|| Error::invalid("`callback` is null"))?;
    let callback = Callback::new(function, args.user_arg());
    args.event()?.0.on_ready(move |outcome| {
        callback.call(outcome.map_err(|error| Error::from(&*error)));
    });
    Ok(())
}
