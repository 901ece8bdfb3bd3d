//! Clients as programs use them: arrays there and back, executions, donation, errors, order.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod buffers;
mod donation;
mod execution;
mod memory;
mod serialized;
mod support;
