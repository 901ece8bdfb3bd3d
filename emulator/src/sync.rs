//! Sync flags: counters of bytes that transfers add to and waits subtract from.

use crate::fault::{FaultKind, Outcome, trouble};

/// The sync flags of a core.
#[derive(Debug)]
pub(crate) struct SyncFlags {
    bytes: Vec<u64>,
    /// Bytes that were waited for and not yet counted as those of a whole transfer.
    pub(crate) credits: Vec<u64>,
}

impl SyncFlags {
    pub(crate) fn new(count: u32) -> Self {
        Self { bytes: vec![0; count as usize], credits: vec![0; count as usize] }
    }

    pub(crate) fn reset(&mut self) {
        self.bytes.fill(0);
        self.credits.fill(0);
    }

    /// The flag that a register names.
    pub(crate) fn flag(&self, number: u32) -> Outcome<usize> {
        let (index, count) = (number as usize, self.bytes.len());
        if index < count {
            return Ok(index);
        }
        trouble(
            FaultKind::OutOfBounds,
            format!("sync flag {number} does not exist: the core has {count}"),
        )
    }

    pub(crate) fn value(&self, flag: usize) -> u64 {
        self.bytes[flag]
    }

    pub(crate) fn add(&mut self, flag: usize, bytes: u64) {
        self.bytes[flag] += bytes;
    }

    /// The caller has waited until that many are there.
    pub(crate) fn subtract(&mut self, flag: usize, bytes: u64) {
        self.bytes[flag] -= bytes;
    }

    /// The end of a program in strict mode: every flag must be back at zero.
    pub(crate) fn check_zero(&self) -> Outcome {
        match self.bytes.iter().position(|bytes| *bytes != 0) {
            None => Ok(()),
            Some(flag) => {
                let bytes = self.bytes[flag];
                let detail = format!("sync flag {flag} is at {bytes} bytes when the core halts");
                trouble(FaultKind::Sync, detail)
            }
        }
    }
}
