//! Result FIFOs and the registers behind them.

use crate::{
    fault::{FaultKind, Outcome, trouble},
    host::Words,
};
use std::collections::VecDeque;

/// Registers that hold nothing. They are taken and given back last in, first out, so that the ones
/// in use stay in the host's cache.
#[derive(Debug, Default)]
pub(crate) struct Spare(Vec<Box<Words>>);

impl Spare {
    /// A register of unknown content.
    pub(crate) fn take(&mut self) -> Box<Words> {
        self.0.pop().unwrap_or_else(Words::boxed)
    }

    pub(crate) fn give(&mut self, register: Box<Words>) {
        self.0.push(register);
    }
}

/// Results of a unit in the order of their pushes, in flight or ready.
#[derive(Debug)]
pub(crate) struct ResultFifo {
    entries: VecDeque<(Box<Words>, u64)>,
    capacity: usize,
    last_ready: u64,
}

impl ResultFifo {
    pub(crate) fn new(capacity: u32) -> Self {
        Self { entries: VecDeque::new(), capacity: capacity as usize, last_ready: 0 }
    }

    pub(crate) fn reset(&mut self, spare: &mut Spare) {
        self.entries.drain(..).for_each(|(register, _)| spare.give(register));
        self.last_ready = 0;
    }

    /// Adds a result that is ready at `ready`, but not before the one in front of it.
    pub(crate) fn push(&mut self, register: Box<Words>, ready: u64) {
        self.last_ready = self.last_ready.max(ready);
        self.entries.push_back((register, self.last_ready));
    }

    /// Issue is in order: while a push waits for room, nothing can pop. So it is a fault.
    pub(crate) fn check_room(&self, n_results: usize) -> Outcome {
        let (held, capacity) = (self.entries.len(), self.capacity);
        if held + n_results <= capacity {
            return Ok(());
        }
        trouble(
            FaultKind::Fifo,
            format!(
                "{n_results} results do not fit: the FIFO holds {held} of at most {capacity}, and \
                 in-order issue cannot pop while it waits"
            ),
        )
    }

    /// When the `n`-th oldest result is ready.
    pub(crate) fn ready(&self, n: usize) -> Outcome<u64> {
        match self.entries.get(n) {
            Some((_, ready)) => Ok(*ready),
            None => trouble(
                FaultKind::Fifo,
                "the FIFO is empty and nothing is in flight to it: the pop would wait for ever",
            ),
        }
    }

    pub(crate) fn pop(&mut self) -> Outcome<Box<Words>> {
        self.ready(0)?;
        match self.entries.pop_front() {
            Some((register, _)) => Ok(register),
            None => trouble(FaultKind::Fifo, "the FIFO is empty"),
        }
    }

    /// The end of a program in strict mode: nothing may be left.
    pub(crate) fn check_empty(&self, unit: &str) -> Outcome {
        match self.entries.len() {
            0 => Ok(()),
            held => {
                let detail = format!("{unit} holds {held} results when the core halts");
                trouble(FaultKind::Fifo, detail)
            }
        }
    }
}
