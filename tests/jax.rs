//! Programs of JAX on the emulated chips, through the plugin, against JAX on CPU.
//!
//! One test is one script of `tests/jax` in one environment; with the default Python all scripts
//! run, with other releases of JAX those that show whether the plugin gets along with them. The
//! environment variable `PALMETTO_JAX` goes to the scripts as arguments, which are names of their
//! tests. `docs/testing.md` says how to run a script by hand.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use std::{env, fs};

use libtest_mimic::{Arguments, Failed, Trial};
// The plugin is a dependency so that cargo builds its library.
use palmetto_pjrt as _;
use palmetto_testkit::jax::{Environment, Interpreter, interpreters, run_script};

/// Scripts, the arguments of each, and whether it runs for every release; the longest are first.
const SCRIPTS: [(&str, &[&str], bool); 7] = [
    ("functions", &["--part", "0/2"], false),
    ("functions", &["--part", "1/2"], false),
    ("training", &[], false),
    ("numerics", &[], false),
    ("models", &[], false),
    ("client", &[], true),
    ("package", &[], true),
];
/// Modules of scripts, and scripts that are no tests.
const OTHERS: [&str; 10] = [
    "cases",
    "compare",
    "measure",
    "refusals",
    "table_lax",
    "table_numpy",
    "table_others",
    "table_scipy",
    "testing",
    "transformer",
];
/// None takes a tenth of it.
const LIMIT: Duration = Duration::from_secs(900);

/// What a script needs.
#[derive(Clone)]
struct Ready {
    environment: Environment,
    plugin: PathBuf,
}

fn main() -> ExitCode {
    let mut trials = vec![Trial::test("every script is known", every_script_is_known)];
    match interpreters() {
        Ok(found) => {
            for (index, interpreter) in found.iter().enumerate() {
                trials.extend(scripts(interpreter, index == 0));
            }
        }
        Err(missing) => trials.push(Trial::test("environment", || Err(Failed::from(missing)))),
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn scripts(interpreter: &Interpreter, all: bool) -> Vec<Trial> {
    let ready = Arc::new(OnceLock::new());
    let chosen = SCRIPTS.into_iter().filter(|(_, _, every_release)| all || *every_release);
    let trial = |(script, arguments, _): (&'static str, &'static [&'static str], bool)| {
        let name = [&[script], arguments].concat().join(" ");
        let (ready, interpreter) = (Arc::clone(&ready), interpreter.clone());
        let log = format!("{}-{}.txt", interpreter.name(), name.replace([' ', '/'], "-"));
        Trial::test(format!("{}::{name}", interpreter.name()), move || {
            let ready: Ready = ready.get_or_init(|| set_up(&interpreter)).clone()?;
            run(&ready, script, arguments, &log).map_err(Failed::from)
        })
    };
    chosen.map(trial).collect()
}

fn set_up(interpreter: &Interpreter) -> Result<Ready, String> {
    let requirements = python_folder().join(format!("requirements-{}.txt", interpreter.jax));
    let environment = Environment::set_up(interpreter, &jax_folder()?, &requirements)?;
    let plugin = copy_of_plugin().map_err(|error| format!("the plugin: {error}"))?;
    Ok(Ready { environment, plugin })
}

fn run(ready: &Ready, script: &str, arguments: &[&str], log: &str) -> Result<(), String> {
    let mut command = ready.environment.python();
    command.arg(python_folder().join(format!("{script}.py"))).args(arguments);
    command.args(switch("PALMETTO_JAX").unwrap_or_default().split_whitespace());
    for variable in ["JAX_PLATFORMS", "PYTHONPATH", "PALMETTO_TOPOLOGY", "XLA_FLAGS"] {
        command.env_remove(variable);
    }
    command.env("TPU_LIBRARY_PATH", &ready.plugin).env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("PALMETTO_PACKAGE_FOLDER", ready.environment.folder.join("package"));
    run_script(&mut command, &jax_folder()?.join(log), LIMIT)
}

/// The library that cargo built, where no later build writes while tests have it open. Copied once:
/// the tests of several releases begin at the same time.
fn copy_of_plugin() -> Result<PathBuf, String> {
    static COPY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    COPY.get_or_init(copy_plugin).clone()
}

fn copy_plugin() -> Result<PathBuf, String> {
    let name = format!("{}palmetto_pjrt{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    let built = env::current_exe().map_err(|error| error.to_string())?.with_file_name(&name);
    let copy = jax_folder()?.join(&name);
    let next = copy.with_extension(format!("{}", std::process::id()));
    fs::copy(&built, &next)
        .and_then(|_| fs::rename(&next, &copy))
        .map_err(|error| format!("{}: {error}", built.display()))?;
    Ok(copy)
}

/// `target/jax`, two folders above `target/PROFILE/deps/THIS`.
fn jax_folder() -> Result<PathBuf, String> {
    let test = env::current_exe().map_err(|error| error.to_string())?;
    let target = test.ancestors().nth(3).ok_or("the test is not in a target folder")?;
    Ok(target.join("jax"))
}

fn python_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/jax")
}

fn switch(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "a switch of whoever runs the tests")]
    env::var(name).ok()
}

fn every_script_is_known() -> Result<(), Failed> {
    for entry in fs::read_dir(python_folder())? {
        let path = entry?.path();
        let Some(name) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
        let known = OTHERS.contains(&name) || SCRIPTS.iter().any(|(script, ..)| *script == name);
        if path.extension().is_some_and(|extension| extension == "py") && !known {
            return Err(format!("{} is in no list of tests/jax.rs", path.display()).into());
        }
    }
    Ok(())
}
