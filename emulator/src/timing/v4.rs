//! [`ChipTiming`]: the cycle model of a chip file. `docs/timing.md` says what it leaves out.

use super::{Timing, Transfer, TransferTime};
use palmetto_isa::{ChipSpec, Cycles, MemorySpace};

/// Pushes that fill the staging register of an MXU.
const PUSHES: u32 = 8;
/// Rows of one streamed register, one per cycle.
const ROWS: u64 = 16;

/// The clock of a chip file: every duration is the file's.
#[derive(Clone, Copy, Debug)]
pub struct ChipTiming {
    spec: ChipSpec,
}

impl ChipTiming {
    /// The clock of `spec`.
    pub fn new(spec: &ChipSpec) -> Self {
        Self { spec: *spec }
    }

    /// Cycles of a duration, begun cycles included.
    fn of_nanoseconds(&self, nanoseconds: f64) -> Cycles {
        ceil(nanoseconds * 1e-3 * f64::from(self.spec.clock_mhz))
    }

    /// The slowest memory that a transfer touches decides. Transfers inside a core have no
    /// published rate, nor have those from core to core [M28]: they are taken to run at CMEM's
    /// write rate [M25].
    fn bytes_per_second(&self, source: MemorySpace, target: MemorySpace) -> f64 {
        let spec = &self.spec;
        let reading = match source {
            MemorySpace::Hbm => spec.hbm_bytes_per_second,
            MemorySpace::Cmem => spec.cmem_read_bytes_per_second,
            MemorySpace::Vmem | MemorySpace::Smem => f64::INFINITY,
        };
        let writing = match target {
            MemorySpace::Hbm => spec.hbm_bytes_per_second,
            MemorySpace::Cmem => spec.cmem_write_bytes_per_second,
            MemorySpace::Vmem | MemorySpace::Smem => f64::INFINITY,
        };
        let slowest = reading.min(writing);
        if slowest.is_finite() { slowest } else { spec.cmem_write_bytes_per_second }
    }
}

/// The next whole number of cycles.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "durations are positive and far below 2^53 cycles"
)]
fn ceil(cycles: f64) -> Cycles {
    Cycles(cycles.ceil() as u64)
}

impl Timing for ChipTiming {
    fn launch(&mut self) -> Cycles {
        self.of_nanoseconds(self.spec.launch_ns)
    }
    fn taken_branch(&mut self) -> Cycles {
        Cycles(self.spec.branch_cycles.into())
    }
    fn mxu_stream(&mut self) -> Cycles {
        Cycles(ROWS)
    }
    fn mxu_latency(&mut self) -> Cycles {
        Cycles(self.spec.mxu_latency_cycles.into())
    }
    fn mxu_weight_push(&mut self) -> Cycles {
        Cycles((self.spec.mxu_weight_load_cycles / PUSHES).into())
    }
    fn xlu_interval(&mut self) -> Cycles {
        Cycles(self.spec.xlu_interval_cycles.into())
    }
    fn xlu_latency(&mut self) -> Cycles {
        Cycles(self.spec.xlu_latency_cycles.into())
    }
    fn eup_interval(&mut self) -> Cycles {
        Cycles(self.spec.eup_interval_cycles.into())
    }
    fn eup_latency(&mut self) -> Cycles {
        Cycles(self.spec.eup_latency_cycles.into())
    }
    fn transfer(&mut self, transfer: Transfer) -> TransferTime {
        #[expect(clippy::cast_precision_loss, reason = "no memory holds 2^53 bytes")]
        let mut bytes = transfer.bytes.0 as f64;
        if (transfer.source, transfer.target) == (MemorySpace::Hbm, MemorySpace::Hbm) {
            // One channel reads and writes.
            bytes *= 2.0;
        }
        let seconds = bytes / self.bytes_per_second(transfer.source, transfer.target);
        TransferTime {
            service: self.of_nanoseconds(seconds * 1e9),
            latency: self.of_nanoseconds(self.spec.dma_latency_ns),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use palmetto_isa::{Bytes, TPU_V4};

    fn microseconds(cycles: Cycles) -> f64 {
        TPU_V4.seconds(cycles.0) * 1e6
    }

    #[test]
    fn a_megabyte_copy_takes_what_was_measured() {
        // docs/machine.md [M24] [M26]: t = 0.617 us + bytes / 1017 GB/s, launch included.
        let mut timing = ChipTiming::new(&TPU_V4);
        let (source, target) = (MemorySpace::Hbm, MemorySpace::Cmem);
        let time = timing.transfer(Transfer { source, target, bytes: Bytes(1 << 20) });
        let total = microseconds(timing.launch() + time.latency + time.service);
        assert!((total - (0.617 + 1_048_576.0 / 1017e3)).abs() < 0.004, "{total}");
    }

    #[test]
    fn a_copy_within_hbm_reads_and_writes() {
        let mut timing = ChipTiming::new(&TPU_V4);
        let mut service = |target, bytes| {
            let transfer = Transfer { source: MemorySpace::Hbm, target, bytes: Bytes(bytes) };
            timing.transfer(transfer).service
        };
        let once = service(MemorySpace::Vmem, 2 << 20);
        assert_eq!(service(MemorySpace::Hbm, 1 << 20), once);
    }

    #[test]
    fn the_smallest_kernel_takes_what_was_measured() {
        // docs/machine.md [M26]: 0.86 us for a launch with one transfer in and one out.
        let mut timing = ChipTiming::new(&TPU_V4);
        let (source, target) = (MemorySpace::Hbm, MemorySpace::Vmem);
        let time = timing.transfer(Transfer { source, target, bytes: Bytes(512) });
        let total = microseconds(timing.launch()) + 2.0 * microseconds(time.latency + time.service);
        assert!((total - 0.86).abs() < 0.01, "{total}");
    }
}
