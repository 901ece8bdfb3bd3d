//! Execution: arguments in, results out, on all devices of an executable at once.

use palmetto_runtime::{Argument, ExecuteOptions};

use crate::abi::Args;
use crate::abi::executable::{
    PJRT_ExecuteContext_Create_Args, PJRT_ExecuteContext_Destroy_Args, PJRT_ExecuteOptions,
    PJRT_LoadedExecutable_Execute_Args,
};
use crate::abi::handle::{self, Object};
use crate::buffer::Buffer;
use crate::error::Error;
use crate::event::Event;
use crate::loaded::LoadedExecutable;
use crate::report;

/// `PJRT_ExecuteContext`: data for foreign functions, of which the chip has none.
pub(crate) struct ExecuteContext;

impl Object for ExecuteContext {}

/// Returns when everything is queued; outputs and events say when it has happened.
pub(crate) fn execute(args: Args<'_, PJRT_LoadedExecutable_Execute_Args>) -> Result<(), Error> {
    let loaded = args.executable()?;
    check_devices(args, loaded)?;
    let arguments = arguments(args, loaded, args.options()?)?;
    let options = ExecuteOptions::default();
    let launches = loaded.runtime.execute(&arguments, &options);
    report::record(loaded, args.options()?.location(), &launches);
    for (place, launch) in launches?.into_iter().enumerate() {
        let outputs = launch.outputs.into_iter();
        let outputs = outputs.map(|output| Buffer::give(&loaded.client, output)).collect();
        args.give(place, outputs, || Event::give(&launch.done))?;
    }
    Ok(())
}

fn check_devices(
    args: Args<'_, PJRT_LoadedExecutable_Execute_Args>,
    loaded: &LoadedExecutable,
) -> Result<(), Error> {
    let (given, expected) = (args.num_devices(), loaded.runtime.devices().len());
    if given != expected {
        return Err(Error::invalid(format!(
            "arguments for {given} devices, the executable is for {expected}"
        )));
    }
    match args.execute_device() {
        Some(device) if expected != 1 || !loaded.is_device(0, device) => Err(Error::unimplemented(
            format!("execution on TPU {} alone of an executable for other devices", device.id()),
        )),
        Some(_) | None => Ok(()),
    }
}

/// The arguments per device; those that the program takes over are donated, unless the caller
/// keeps them.
fn arguments(
    args: Args<'_, PJRT_LoadedExecutable_Execute_Args>,
    loaded: &LoadedExecutable,
    options: Args<'_, PJRT_ExecuteOptions>,
) -> Result<Vec<Vec<Argument>>, Error> {
    let kept = options.non_donatable_input_indices()?;
    let donated = loaded.runtime.executable().donated();
    let argument = |(number, buffer): (usize, &Buffer)| {
        let is_kept = kept.iter().any(|&index| usize::try_from(index) == Ok(number));
        let donate = donated.contains(&number) && !is_kept;
        Argument { buffer: buffer.runtime.clone(), donate }
    };
    let lists = args.arguments()?.into_iter();
    Ok(lists.map(|list| list.into_iter().enumerate().map(argument).collect()).collect())
}

#[expect(clippy::unnecessary_wraps, reason = "as every function of the table")]
pub(crate) fn context_create(args: Args<'_, PJRT_ExecuteContext_Create_Args>) -> Result<(), Error> {
    args.context().set(handle::give(ExecuteContext));
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "as every function of the table")]
pub(crate) fn context_destroy(
    args: Args<'_, PJRT_ExecuteContext_Destroy_Args>,
) -> Result<(), Error> {
    drop(args.context());
    Ok(())
}
