//! The extension of shardings: how arrays lie on several devices, as `xla.OpSharding`.

use crate::abi::extension::{
    PJRT_Shardings_PJRT_Executable_OutputShardings_Args,
    PJRT_Shardings_PJRT_Executable_ParameterShardings_Args,
};
use crate::abi::{Args, set_list};
use crate::error::Error;

/// A whole array on each device: the message without fields.
pub(crate) const REPLICATED: &[u8] = &[];

pub(crate) fn of_parameters(
    args: Args<'_, PJRT_Shardings_PJRT_Executable_ParameterShardings_Args>,
) -> Result<(), Error> {
    let shardings = &args.executable()?.parameters.shardings;
    set_list(args.shardings(), args.num_parameters(), shardings.pointers());
    args.sharding_sizes().set(shardings.sizes().as_ptr());
    Ok(())
}

pub(crate) fn of_outputs(
    args: Args<'_, PJRT_Shardings_PJRT_Executable_OutputShardings_Args>,
) -> Result<(), Error> {
    let shardings = &args.executable()?.results.shardings;
    set_list(args.shardings(), args.num_outputs(), shardings.pointers());
    args.sharding_sizes().set(shardings.sizes().as_ptr());
    Ok(())
}
