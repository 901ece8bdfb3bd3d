//! Execution: arguments in, results out, on all devices of an executable at once.

use palmetto_runtime::{
    self as runtime, Argument, ElementType, ExecuteOptions, HostArray, MemoryKind,
};

use crate::abi::Args;
use crate::abi::executable::{
    PJRT_ExecuteContext_Create_Args, PJRT_ExecuteContext_Destroy_Args, PJRT_ExecuteOptions,
    PJRT_LoadedExecutable_Execute_Args,
};
use crate::abi::handle::{self, Object};
use crate::buffer::Buffer;
use crate::error::Error;
use crate::event::Event;
use crate::host_transfer;
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
    let hosts = host_transfer::hosts(args.options()?, loaded.runtime.devices().len())?;
    let options = ExecuteOptions { hosts, ..ExecuteOptions::default() };
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
    let parameters = loaded.runtime.executable().parameters();
    let argument = |place, number, buffer: &Buffer| {
        let is_kept = kept.iter().any(|&index| usize::try_from(index) == Ok(number));
        let donate = donated.contains(&number) && !is_kept;
        let takes_token = parameters.get(number).is_some_and(|spec| spec.shape.is_token());
        let buffer = if takes_token && is_empty_pred(&buffer.runtime) {
            token(loaded, place)?
        } else {
            buffer.runtime.clone()
        };
        Ok(Argument { buffer, donate })
    };
    let lists = args.arguments()?.into_iter().enumerate();
    let lists = lists.map(|(place, list)| {
        let list = list.into_iter().enumerate();
        list.map(|(number, buffer)| argument(place, number, buffer)).collect()
    });
    lists.collect()
}

/// What JAX passes where a program takes a token that no program before has given.
fn is_empty_pred(buffer: &runtime::Buffer) -> bool {
    buffer.element_type() == ElementType::Pred && buffer.dimensions() == [0]
}

fn token(loaded: &LoadedExecutable, place: usize) -> Result<runtime::Buffer, Error> {
    let array = HostArray {
        element_type: ElementType::Token,
        dimensions: &[],
        bytes: &[0],
        first: 0,
        byte_strides: None,
    };
    let device = &loaded.runtime.devices()[place];
    Ok(loaded.client.runtime.buffer_from_host(&array, device, MemoryKind::Device)?)
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
