//! [`Record`]: what an execution leaves behind besides its results.

use std::fmt;
use std::sync::{Arc, OnceLock};

use palmetto_compiler::evaluator::CheckOutcome;
use palmetto_compiler::executable::Executable;

use crate::event::{Event, SharedError};
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

/// Filled if the execution went well, before its event is ready.
pub(crate) type RecordCell = Arc<OnceLock<Arc<Record>>>;

/// The report that an execution will leave. Keeps none of its buffers.
#[derive(Clone)]
pub struct PendingReport {
    pub(crate) done: Event,
    pub(crate) record: RecordCell,
}

impl PendingReport {
    /// Waits for the end of the execution.
    ///
    /// # Errors
    /// The one that the execution ended with.
    pub fn wait(&self) -> Result<Report, SharedError> {
        self.done.wait()?;
        let record = self.record.get();
        Ok(record.expect("an execution that went well has left a record").report())
    }
}

impl fmt::Debug for PendingReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PendingReport").field(&self.done).finish()
    }
}
