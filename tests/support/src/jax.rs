//! Python environments with JAX, set up by the tests themselves below `target/jax`.
//!
//! [`interpreters`] finds the Pythons of the machine and pairs each with releases of JAX that it
//! can have; [`Environment::set_up`] makes a virtual environment with exactly the packages of
//! `tests/jax/requirements-RELEASE.txt`. It is made once: a lock keeps parallel runs apart, and a
//! stamp with the text of the requirements says that it is whole.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Releases of JAX for each Python; the first one is the newest that has wheels for it.
const RELEASES: [(&str, &[&str]); 3] =
    [("3.11", &["0.10.2"]), ("3.12", &["0.12.0.1", "0.11.1"]), ("3.13", &["0.11.1"])];
/// Names under which Pythons are looked for; the first is the default one.
const NAMES: [&str; 3] = ["python3", "python3.12", "python3.13"];

/// A Python and a release of JAX.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interpreter {
    /// The program.
    pub program: String,
    /// Its version, `3.11`.
    pub python: String,
    /// The release of JAX.
    pub jax: &'static str,
}

impl Interpreter {
    /// The folder's name, and the name in tests.
    pub fn name(&self) -> String {
        format!("python{}-jax{}", self.python, self.jax)
    }
}

/// The default Python with the release of JAX for it, then the others of this machine.
///
/// # Errors
/// There is no Python, or no release of JAX is known for the default one. The message says what to
/// install.
pub fn interpreters() -> Result<Vec<Interpreter>, String> {
    let wanted = || RELEASES.map(|(python, _)| python).join(", ");
    let mut found: Vec<Interpreter> = Vec::new();
    for (index, program) in NAMES.into_iter().enumerate() {
        let Some(python) = version(program) else {
            if index == 0 {
                return Err(format!("python3 is missing: the tests need one of {}", wanted()));
            }
            continue;
        };
        let Some((_, releases)) = RELEASES.into_iter().find(|(known, _)| *known == python) else {
            return Err(format!("python3 is Python {python}: the tests need one of {}", wanted()));
        };
        if found.iter().all(|other| other.python != python) {
            let interpreter =
                |&jax| Interpreter { program: program.into(), python: python.clone(), jax };
            found.extend(releases.iter().map(interpreter));
        }
    }
    Ok(found)
}

/// `3.11` of a program that is there and works.
fn version(program: &str) -> Option<String> {
    let code = "import sys; print('%d.%d' % sys.version_info[:2])";
    let output = Command::new(program).args(["-c", code]).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A virtual environment that is ready.
#[derive(Clone, Debug)]
pub struct Environment {
    /// Its folder.
    pub folder: PathBuf,
}

impl Environment {
    /// Makes the environment below `parent`, or finds it there.
    ///
    /// # Errors
    /// Python has no `venv`, or the packages cannot be downloaded; the message has what Python
    /// said.
    pub fn set_up(
        interpreter: &Interpreter,
        parent: &Path,
        requirements: &Path,
    ) -> Result<Self, String> {
        let file = |error: io::Error| format!("{}: {error}", parent.display());
        let name = interpreter.name();
        let folder = parent.join(&name);
        fs::create_dir_all(parent).map_err(file)?;
        let lock = File::create(parent.join(format!("{name}.lock"))).map_err(file)?;
        lock.lock().map_err(file)?;
        let packages = fs::read_to_string(requirements)
            .map_err(|error| format!("{}: {error}", requirements.display()))?;
        let stamp = folder.join("stamp");
        if fs::read_to_string(&stamp).is_ok_and(|made| made == packages) {
            return Ok(Self { folder });
        }
        progress(&format!("setting up JAX {} in {} (once)", interpreter.jax, folder.display()));
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(file)?;
        }
        let mut make = Command::new(&interpreter.program);
        make.args(["-m", "venv"]).arg(&folder);
        finish(
            &mut make,
            "python3 has to have venv (on Debian and Ubuntu: apt install python3-venv)",
        )?;
        let environment = Self { folder };
        let mut install = environment.python();
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]);
        install.arg(requirements);
        finish(
            &mut install,
            "the tests with JAX need a network, or these packages in pip's cache",
        )?;
        fs::write(&stamp, packages).map_err(file)?;
        Ok(environment)
    }

    /// A command that begins with the environment's Python.
    pub fn python(&self) -> Command {
        Command::new(self.folder.join("bin/python"))
    }
}

/// Runs a command; what it said, and `hint`, if it fails.
fn finish(command: &mut Command, hint: &str) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}\n{hint}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?}: {}\n{hint}\n{said}", output.status))
}

/// Runs a command that writes its output to `log`, for at most `limit`.
///
/// # Errors
/// It does not start, fails, or is not done in time; the message is its output.
pub fn run_script(command: &mut Command, log: &Path, limit: Duration) -> Result<(), String> {
    let output = File::create(log).map_err(|error| format!("{}: {error}", log.display()))?;
    let errors = output.try_clone().map_err(|error| format!("{}: {error}", log.display()))?;
    #[expect(clippy::disallowed_methods, reason = "a limit on the time of a test, in no result")]
    let started = Instant::now();
    let spawned = command.stdin(Stdio::null()).stdout(output).stderr(errors).spawn();
    let failed = |error: io::Error| format!("{command:?}: {error}");
    let mut child = spawned.map_err(failed)?;
    let status = loop {
        match child.try_wait().map_err(failed)? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => break status.to_string(),
            None if started.elapsed() > limit => {
                child.kill().and_then(|()| child.wait()).map_err(failed)?;
                break format!("not done after {} s", limit.as_secs());
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let said = fs::read(log).map_err(|error| format!("{}: {error}", log.display()))?;
    Err(format!("{status}\n{}", String::from_utf8_lossy(&said)))
}

/// A line for whoever waits: the set-up takes about half a minute.
fn progress(line: &str) {
    // The lost line of a closed terminal is no reason to fail.
    let _ = writeln!(io::stderr(), "{line}");
}
