//! Which buffer lives where and when.

mod assignment;
mod checker;

pub use assignment::{Assignment, BufferRequest, assign};
pub use checker::{Overlap, check_assignment};

use thiserror::Error;

/// The arrays of a program do not fit into HBM.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "the program needs {needed_bytes} bytes of HBM, the chip has {available_bytes}; the largest arrays \
     alive at the peak: {largest}"
)]
pub struct HbmExceeded {
    /// What it needs at most at one time.
    pub needed_bytes: u64,
    /// What there is.
    pub available_bytes: u64,
    /// The largest arrays, with their bytes.
    pub largest: String,
}
