//! What holds for the whole process: the clock, strictness, and the slice of the next client.
//!
//! Set from the environment when first asked for, and then through the Palmetto extension.

use std::sync::{Mutex, MutexGuard, PoisonError, Weak};

use palmetto_runtime::{Clock, Topology};

use crate::client::ClientState;
use crate::environment;

/// The names, as the extension and the client options have them.
pub(crate) const NAMES: [&str; 3] = ["strict", "clock", "topology"];

/// The settings in force.
pub(crate) struct Settings {
    /// Executions that start now are checked for what the machine leaves undefined.
    pub(crate) strict: bool,
    /// The clock of executions that start now.
    pub(crate) clock: Clock,
    /// The slice of the next client, if its options do not say.
    topology: Option<Topology>,
    clients: Vec<Weak<ClientState>>,
}

/// The settings, for as long as the guard is held.
///
/// # Errors
/// The environment has a value that is none.
pub(crate) fn lock() -> Result<MutexGuard<'static, Option<Settings>>, String> {
    static SETTINGS: Mutex<Option<Settings>> = Mutex::new(None);
    let mut settings = SETTINGS.lock().unwrap_or_else(PoisonError::into_inner);
    if settings.is_none() {
        *settings = Some(Settings::from_environment(environment::read)?);
    }
    Ok(settings)
}

/// Reads or changes the settings.
///
/// # Errors
/// The environment has a value that is none, or `access` fails.
pub(crate) fn with<T>(
    access: impl FnOnce(&mut Settings) -> Result<T, String>,
) -> Result<T, String> {
    let mut settings = lock()?;
    access(settings.as_mut().expect("`lock` made them"))
}

impl Settings {
    fn from_environment(read: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let mut settings =
            Self { strict: false, clock: Clock::Chip, topology: None, clients: Vec::new() };
        let variables = [environment::STRICT, environment::CLOCK, environment::TOPOLOGY];
        for (variable, name) in variables.into_iter().zip(NAMES) {
            if let Some(value) = read(variable) {
                settings
                    .set(name, &value)
                    .map_err(|error| format!("environment variable {variable}: {error}"))?;
            }
        }
        Ok(settings)
    }

    /// Sets one and gives its value as it is now in force.
    ///
    /// # Errors
    /// There is no such setting or value, or it is too late.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<String, String> {
        match name {
            "strict" => {
                self.strict = parse_bool(value)?;
                self.clients().for_each(|client| client.runtime.set_strict(self.strict));
            }
            "clock" => {
                self.clock = parse_clock(value)?;
                self.clients().for_each(|client| client.runtime.set_clock(self.clock));
            }
            "topology" => {
                if let Some(client) = self.clients().next() {
                    let topology = client.runtime.topology();
                    return Err(format!(
                        "the client exists with topology {topology}; the topology has to be set \
                         before JAX makes the client, which it does when devices are first used"
                    ));
                }
                self.topology = Some(parse_topology(value)?);
            }
            _ => return Err(no_setting(name)),
        }
        self.get(name)
    }

    /// The value in force.
    ///
    /// # Errors
    /// There is no such setting.
    pub(crate) fn get(&self, name: &str) -> Result<String, String> {
        match name {
            "strict" => Ok(self.strict.to_string()),
            "clock" => Ok(clock_text(self.clock)),
            "topology" => {
                let client = self.clients().next();
                let topology = client.map(|client| client.runtime.topology());
                Ok(topology.map_or_else(|| self.topology(), Ok)?.to_string())
            }
            _ => Err(no_setting(name)),
        }
    }

    /// The slice of a client whose options do not say.
    ///
    /// # Errors
    /// The default is always a slice.
    pub(crate) fn topology(&self) -> Result<Topology, String> {
        self.topology.map_or_else(|| parse_topology("2x2x1"), Ok)
    }

    /// Remembers a client as long as it lives.
    pub(crate) fn add_client(&mut self, client: Weak<ClientState>) {
        self.clients.retain(|client| client.strong_count() > 0);
        self.clients.push(client);
    }

    fn clients(&self) -> impl Iterator<Item = std::sync::Arc<ClientState>> {
        self.clients.iter().filter_map(Weak::upgrade)
    }
}

fn no_setting(name: &str) -> String {
    format!("there is no setting `{name}`; there are {}", NAMES.join(", "))
}

/// A truth value.
///
/// # Errors
/// It is none.
pub(crate) fn parse_bool(value: &str) -> Result<bool, String> {
    match value {
        "true" | "True" | "1" => Ok(true),
        "false" | "False" | "0" => Ok(false),
        _ => Err(format!("`{value}` is given, `true` and `false` are allowed")),
    }
}

/// A clock.
///
/// # Errors
/// It is none.
pub(crate) fn parse_clock(value: &str) -> Result<Clock, String> {
    let seed = |seed: &str| seed.parse().ok().map(Clock::Chaos);
    let clock = match value {
        "v4" => Some(Clock::Chip),
        "ideal" => Some(Clock::Ideal),
        "chaos" => Some(Clock::Chaos(0)),
        _ => value.strip_prefix("chaos=").and_then(seed),
    };
    let allowed = "`v4`, `ideal`, `chaos` and `chaos=SEED` are allowed";
    clock.ok_or_else(|| format!("`{value}` is given, {allowed}"))
}

fn clock_text(clock: Clock) -> String {
    match clock {
        Clock::Chip => "v4".to_owned(),
        Clock::Ideal => "ideal".to_owned(),
        Clock::Chaos(seed) => format!("chaos={seed}"),
    }
}

/// A slice.
///
/// # Errors
/// It is none.
pub(crate) fn parse_topology(value: &str) -> Result<Topology, String> {
    Topology::parse(value).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(values: &[(&str, &str)]) -> Result<Settings, String> {
        let values = values.to_vec();
        Settings::from_environment(|name| {
            let value = values.iter().find(|(known, _)| *known == name);
            value.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_is_read() {
        let settings = settings(&[
            ("PALMETTO_STRICT", "1"),
            ("PALMETTO_CLOCK", "chaos=7"),
            ("PALMETTO_TOPOLOGY", "2x2x2"),
        ]);
        let settings = settings.expect("the values are good");
        let values: Vec<_> = NAMES.map(|name| settings.get(name)).into_iter().collect();
        assert_eq!(values, ["true", "chaos=7", "2x2x2"].map(|value| Ok(value.to_owned())));
    }

    #[test]
    fn an_empty_environment_is_a_small_slice() {
        let settings = settings(&[]).expect("nothing is wrong with nothing");
        assert_eq!(settings.get("topology"), Ok("2x2x1".to_owned()));
        assert_eq!(settings.get("strict"), Ok("false".to_owned()));
        assert_eq!(settings.get("clock"), Ok("v4".to_owned()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = settings(&[("PALMETTO_STRICT", "maybe")]).map(|_| ()).expect_err("no bool");
        assert_eq!(
            error,
            "environment variable PALMETTO_STRICT: `maybe` is given, `true` and `false` are allowed"
        );
        let mut settings = settings(&[]).expect("nothing is wrong with nothing");
        let error = settings.set("colour", "red").expect_err("there is no colour");
        assert_eq!(error, "there is no setting `colour`; there are strict, clock, topology");
    }
}
