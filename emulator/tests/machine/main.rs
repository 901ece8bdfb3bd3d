//! The machine as a program sees it: what ops compute, what faults, how long things take.

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "a test fails by panicking; its numbers are small and exact"
)]

mod datapath;
mod determinism;
mod faults;
mod memory;
mod scalar;
mod sends;
mod support;
mod timing;
