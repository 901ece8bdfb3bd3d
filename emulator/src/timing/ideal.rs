//! [`Ideal`]: everything takes one cycle.

use super::{Timing, Transfer, TransferTime};
use palmetto_isa::Cycles;

/// The clock for which everything takes one cycle.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ideal;

const ONE: Cycles = Cycles(1);

impl Timing for Ideal {
    fn launch(&mut self) -> Cycles {
        ONE
    }
    fn taken_branch(&mut self) -> Cycles {
        ONE
    }
    fn mxu_stream(&mut self) -> Cycles {
        ONE
    }
    fn mxu_latency(&mut self) -> Cycles {
        ONE
    }
    fn mxu_weight_push(&mut self) -> Cycles {
        ONE
    }
    fn xlu_interval(&mut self) -> Cycles {
        ONE
    }
    fn xlu_latency(&mut self) -> Cycles {
        ONE
    }
    fn eup_interval(&mut self) -> Cycles {
        ONE
    }
    fn eup_latency(&mut self) -> Cycles {
        ONE
    }
    fn transfer(&mut self, _: Transfer) -> TransferTime {
        TransferTime { service: ONE, latency: ONE }
    }
}
