//! [`Chaos`]: everything takes a random time, reproduced by its seed.
//!
//! A program whose results depend on who finishes first gives other bits under some seed.

use super::{Timing, Transfer, TransferTime};
use palmetto_isa::Cycles;

/// The clock for which everything takes a random time.
#[derive(Clone, Copy, Debug)]
pub struct Chaos {
    state: u64,
}

impl Chaos {
    /// The clock of a seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// 1 to `max` cycles; mostly short, so that long ones stand out.
    fn up_to(&mut self, max: u64) -> Cycles {
        let bits = self.next();
        let limit = if bits >> 62 == 0 { max } else { max.div_ceil(16) };
        Cycles(1 + (bits & 0xffff_ffff) % limit)
    }

    /// The next number of a SplitMix64 sequence.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Timing for Chaos {
    fn launch(&mut self) -> Cycles {
        self.up_to(1000)
    }
    fn taken_branch(&mut self) -> Cycles {
        self.up_to(16)
    }
    fn mxu_stream(&mut self) -> Cycles {
        self.up_to(64)
    }
    fn mxu_latency(&mut self) -> Cycles {
        self.up_to(1000)
    }
    fn mxu_weight_push(&mut self) -> Cycles {
        self.up_to(64)
    }
    fn xlu_interval(&mut self) -> Cycles {
        self.up_to(32)
    }
    fn xlu_latency(&mut self) -> Cycles {
        self.up_to(500)
    }
    fn eup_interval(&mut self) -> Cycles {
        self.up_to(32)
    }
    fn eup_latency(&mut self) -> Cycles {
        self.up_to(100)
    }
    fn transfer(&mut self, _: Transfer) -> TransferTime {
        TransferTime { service: self.up_to(5000), latency: self.up_to(5000) }
    }
}
