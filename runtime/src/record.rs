//! [`Record`]: what an execution leaves behind besides its results.

use std::sync::Arc;

use palmetto_compiler::evaluator::CheckOutcome;
use palmetto_compiler::executable::Executable;

use crate::profile::{Profiler, Report};

/// An execution that has ended well. The report is made when it is asked for.
pub(crate) struct Record {
    pub(crate) executable: Arc<Executable>,
    pub(crate) profiler: Profiler,
    /// The checks of a self-checking program, in the order in which they ran.
    pub(crate) checks: Vec<CheckOutcome>,
}

impl Record {
    pub(crate) fn report(&self) -> Report {
        self.profiler.finish(&self.executable.name, self.executable.peak_hbm())
    }
}
