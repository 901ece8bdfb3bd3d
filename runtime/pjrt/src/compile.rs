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
    if n_partitions > 1 {
        refuse_partitions(module, n_partitions)?;
    }
    let strict = settings::with(|settings| Ok(settings.strict)).map_err(Error::invalid)?;
    let options = runtime::CompileOptions::v4();
    let options = if strict { options.checked() } else { options };
    Ok(runtime::Executable::compile(module, &options, n_replicas, n_partitions)?)
}

/// Every device runs the whole program. That is what a program says whose arguments and results are
/// whole on every device; another one would have to be cut into parts.
fn refuse_partitions(module: &Module, n_partitions: usize) -> Result<(), Error> {
    let refused = |what: String, sharding: &str| {
        Err(Error::unimplemented(format!(
            "the program is for {n_partitions} partitions, and {what} is cut into parts \
             ({sharding}); supported are programs whose arguments and results are whole on every \
             device"
        )))
    };
    let entry = module.entry_computation();
    for (number, id) in entry.parameters().iter().enumerate() {
        let parameter = entry.instruction(*id);
        let shardy = parameter.frontend_attributes().get("xla.sdy.sharding");
        let xla = parameter.sharding().map(|sharding| &sharding.0);
        if let Some(sharding) = shardy.into_iter().chain(xla).find(|sharding| cuts(sharding)) {
            return refused(format!("argument {number}"), sharding);
        }
    }
    for (key, sharding) in module.frontend_attributes() {
        let number = key.strip_prefix("result.").and_then(|key| {
            key.strip_suffix(".sdy.sharding").or_else(|| key.strip_suffix(".mhlo.sharding"))
        });
        if let Some(number) = number.filter(|_| cuts(sharding)) {
            return refused(format!("result {number}"), sharding);
        }
    }
    Ok(())
}

/// Does a sharding such as `#sdy.sharding<@mesh, [{"x"}, {}]>` name an axis for a dimension? One in
/// XLA's notation, `{devices=[4,1]<=[4]}`, cuts unless it is `{replicated}`.
fn cuts(sharding: &str) -> bool {
    if matches!(sharding, "replicated" | "{replicated}") {
        return false;
    }
    let dimensions = sharding.split_once(", [").and_then(|(_, rest)| rest.split_once(']'));
    dimensions.is_none_or(|(dimensions, _)| dimensions.contains('"'))
}

#[cfg(test)]
mod tests {
    use super::cuts;

    #[test]
    fn an_axis_of_a_dimension_cuts() {
        assert!(cuts(r#"#sdy.sharding<@mesh, [{"x"}, {}]>"#));
        assert!(cuts(r#"#sdy.sharding<mesh<["x"=2]>, [{}, {"x":(1)2, ?}p0]>"#));
        assert!(!cuts(r#"#sdy.sharding<@mesh, [{}, {?}]>"#));
        assert!(!cuts(r#"#sdy.sharding<@mesh, [], replicated={"x"}>"#));
        assert!(cuts("devices=[4,1]<=[4]"));
        assert!(cuts("{devices=[4,1]<=[4]}"));
        assert!(!cuts("replicated"));
        assert!(!cuts("{replicated}"));
        assert!(cuts("something else"), "what is not understood is refused");
    }
}
