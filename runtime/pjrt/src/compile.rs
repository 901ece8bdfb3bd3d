//! From a program to an executable: for the devices of a client, or ahead of any.

use palmetto_runtime as runtime;
use palmetto_runtime::Module;

use crate::abi::Args;
use crate::abi::executable::{PJRT_Client_Compile_Args, PJRT_Compile_Args};
use crate::compile_options::CompileOptions;
use crate::error::Error;
use crate::executable::{Executable, Parts};
use crate::loaded::LoadedExecutable;
use crate::program;
use crate::settings;

/// For the devices that the options name, or the first ones.
pub(crate) fn compile(args: Args<'_, PJRT_Client_Compile_Args>) -> Result<(), Error> {
    let client = &args.client()?.state;
    let options = CompileOptions::parse(args.compile_options()?)?;
    let executable = compile_program(&program::read(args.program()?)?, &options)?;
    args.executable().set(LoadedExecutable::load(client, executable, options.assignment)?);
    Ok(())
}

/// For chips that need not be there.
pub(crate) fn compile_ahead(args: Args<'_, PJRT_Compile_Args>) -> Result<(), Error> {
    let topology = args.topology()?.topology();
    let options = CompileOptions::parse(args.compile_options()?)?;
    let needed = options.n_replicas.saturating_mul(options.n_partitions);
    if needed > topology.n_chips() {
        let n_chips = topology.n_chips();
        return Err(Error::invalid(format!(
            "the program is for {needed} devices, topology {topology} has {n_chips}"
        )));
    }
    let executable = compile_program(&program::read(args.program()?)?, &options)?;
    args.executable().set(Executable::give(&Parts::new(executable)?));
    Ok(())
}

fn compile_program(
    module: &Module,
    options: &CompileOptions,
) -> Result<runtime::Executable, Error> {
    let &CompileOptions { n_replicas, n_partitions, .. } = options;
    let strict = settings::with(|settings| Ok(settings.strict)).map_err(Error::invalid)?;
    let options = runtime::CompileOptions::v4();
    let options = if strict { options.checked() } else { options };
    Ok(runtime::Executable::compile(module, &options, n_replicas, n_partitions)?)
}
