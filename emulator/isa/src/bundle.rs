//! [`Bundle`]: what a core issues in one cycle.

use crate::{Op, Slot};
use thiserror::Error;

/// At most as many ops per slot as the slot holds. All ops of a bundle read their operands before
/// any of them writes a result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bundle {
    ops: Vec<Op>,
}

/// An op did not fit into a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "`{op}` does not fit: the bundle already holds {capacity} ops in slot {slot}, its capacity"
)]
pub struct SlotFull {
    /// The op's name.
    pub op: &'static str,
    /// The slot's name.
    pub slot: &'static str,
    /// How many ops the slot holds.
    pub capacity: usize,
}

impl Bundle {
    /// The ops, ordered by slot and within a slot as they were added.
    pub fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// How many ops of `slot` the bundle holds.
    pub fn count(&self, slot: Slot) -> usize {
        self.ops.iter().filter(|op| op.slot() == slot).count()
    }

    /// Adds an op.
    ///
    /// # Errors
    /// If its slot is full.
    pub fn push(&mut self, op: Op) -> Result<(), SlotFull> {
        let slot = op.slot();
        if self.count(slot) == slot.capacity() {
            return Err(SlotFull { op: op.name(), slot: slot.name(), capacity: slot.capacity() });
        }
        let position = self.ops.partition_point(|other| other.slot() <= slot);
        self.ops.insert(position, op);
        Ok(())
    }
}
