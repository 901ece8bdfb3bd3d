//! Progress on standard error, for whoever watches a terminal.

use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use palmetto_runtime::Watch;

/// A line that says what is going on and for how long; it disappears when dropped.
///
/// Where standard error is not a terminal, nothing is written.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Starts with `doing`.
    pub(crate) fn start(doing: impl Into<String>) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.set_message(doing.into());
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// Shows each instruction that it is told of, after `doing`.
    pub(crate) fn watch(&self, doing: &'static str) -> Watch {
        let bar = self.0.clone();
        Arc::new(move |instruction| bar.set_message(format!("{doing} {instruction}")))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
