//! [`Timing`]: how long things take, never what they do.
//!
//! The engine asks for durations and hands over no state of the machine, so that no clock can
//! change a result. It keeps the rest itself: what is busy until when, and what waits for what.

pub mod chaos;
pub mod ideal;
pub mod v4;

pub use chaos::Chaos;
pub use ideal::Ideal;
pub use v4::ChipTiming;

use palmetto_isa::{Bytes, Cycles, MemorySpace};

/// What the clock may know of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Where from.
    pub source: MemorySpace,
    /// Where to.
    pub target: MemorySpace,
    /// How much.
    pub bytes: Bytes,
}

/// How long a transfer takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferTime {
    /// How long it occupies the memory channels that it uses; transfers are served one by one.
    pub service: Cycles,
    /// What passes besides, in parallel with other transfers.
    pub latency: Cycles,
}

/// A clock. Every answer is the duration of one event; answers to equal questions may differ.
pub trait Timing {
    /// From the start of a launch to its first bundle.
    fn launch(&mut self) -> Cycles;
    /// The bubble after a taken branch.
    fn taken_branch(&mut self) -> Cycles;
    /// How long the 16 rows of one streamed register occupy an MXU.
    fn mxu_stream(&mut self) -> Cycles;
    /// From the last of 8 streamed rows to their result register in the FIFO.
    fn mxu_latency(&mut self) -> Cycles;
    /// How long the shadow load of one pushed register (an eighth of the weights) takes.
    fn mxu_weight_push(&mut self) -> Cycles;
    /// From a push into a cross-lane unit until it takes the next.
    fn xlu_interval(&mut self) -> Cycles;
    /// From a push into a cross-lane unit to the result in the FIFO.
    fn xlu_latency(&mut self) -> Cycles;
    /// From a push into the transcendental unit until it takes the next.
    fn eup_interval(&mut self) -> Cycles;
    /// From a push into the transcendental unit to the result in the FIFO.
    fn eup_latency(&mut self) -> Cycles;
    /// A transfer.
    fn transfer(&mut self, transfer: Transfer) -> TransferTime;
}
