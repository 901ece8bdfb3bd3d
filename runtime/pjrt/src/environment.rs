//! The one reader of environment variables.

/// The slice when nobody says more.
pub(crate) const TOPOLOGY: &str = "PALMETTO_TOPOLOGY";
/// Whether what the machine leaves undefined is an error.
pub(crate) const STRICT: &str = "PALMETTO_STRICT";
/// How long things take.
pub(crate) const CLOCK: &str = "PALMETTO_CLOCK";
/// Which chips of the slice this process sees: `0,1`.
pub(crate) const VISIBLE_CHIPS: &str = "TPU_VISIBLE_CHIPS";

/// The value of a variable; an empty one is none.
#[expect(clippy::disallowed_methods, reason = "the plugin has no other arguments at load")]
pub(crate) fn read(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
