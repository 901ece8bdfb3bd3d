//! [`ChipSpec`]: every number of a chip. Tags point to the rows of `docs/machine.md`.

/// The numbers of a chip generation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChipSpec {
    /// The name, as users know it.
    pub name: &'static str,
    /// Clock of the cores in MHz.
    pub clock_mhz: u32,
    /// TensorCores of a chip.
    pub n_cores: u32,
    /// MXUs of a core.
    pub n_mxus: u32,
    /// Rows and columns of an MXU.
    pub mxu_size: u32,
    /// Cycles from the last of 8 streamed rows to their result register in the FIFO.
    pub mxu_latency_cycles: u32,
    /// Result registers that an MXU holds, in flight and waiting to be popped.
    pub mxu_result_entries: u32,
    /// Streamed registers that wait in front of an MXU before issue stalls.
    pub mxu_input_entries: u32,
    /// Cycles from the first push of weights to their latch at the earliest: a row per cycle.
    pub mxu_weight_load_cycles: u32,
    /// Cross-lane units of a core.
    pub n_xlus: u32,
    /// Cycles from a push to the result in the FIFO.
    pub xlu_latency_cycles: u32,
    /// Cycles between two pushes into one unit.
    pub xlu_interval_cycles: u32,
    /// Result registers that an XLU holds.
    pub xlu_result_entries: u32,
    /// Cycles from a push to the result in the FIFO.
    pub eup_latency_cycles: u32,
    /// Cycles between two pushes.
    pub eup_interval_cycles: u32,
    /// Result registers that the EUP holds.
    pub eup_result_entries: u32,
    /// Extra cycles of a taken branch.
    pub branch_cycles: u32,
    /// Sync flags of a core.
    pub n_sync_flags: u32,
    /// VMEM of a core.
    pub vmem_bytes: u64,
    /// SMEM of a core.
    pub smem_bytes: u64,
    /// CMEM of a chip.
    pub cmem_bytes: u64,
    /// HBM of a chip.
    pub hbm_bytes: u64,
    /// Published HBM bandwidth of a chip, bytes per second: the roofline.
    pub hbm_peak_bytes_per_second: f64,
    /// Achieved HBM bandwidth of a chip, bytes per second: what transfers take.
    pub hbm_bytes_per_second: f64,
    /// Time from the start of a transfer to its first byte, in nanoseconds.
    pub dma_latency_ns: f64,
    /// CMEM read bandwidth of a chip, bytes per second.
    pub cmem_read_bytes_per_second: f64,
    /// CMEM write bandwidth of a chip, bytes per second.
    pub cmem_write_bytes_per_second: f64,
    /// Time that the launch of a program takes besides its bundles, in nanoseconds.
    pub launch_ns: f64,
}

/// TPU v4.
pub const TPU_V4: ChipSpec = ChipSpec {
    name: "TPU v4",
    clock_mhz: 1050,                     // [M1]
    n_cores: 2,                          // [M2]
    n_mxus: 4,                           // [M3]
    mxu_size: 128,                       // [M4]
    mxu_latency_cycles: 180,             // [M5]
    mxu_result_entries: 64,              // [M6]
    mxu_input_entries: 4,                // [M7]
    mxu_weight_load_cycles: 128,         // [M27]
    n_xlus: 2,                           // [M14]
    xlu_latency_cycles: 100,             // [M15]
    xlu_interval_cycles: 4,              // [M15]
    xlu_result_entries: 32,              // [M16]
    eup_latency_cycles: 16,              // [M17]
    eup_interval_cycles: 2,              // [M17]
    eup_result_entries: 16,              // [M18]
    branch_cycles: 2,                    // [M19]
    n_sync_flags: 64,                    // [M21]
    vmem_bytes: 16 << 20,                // [M10]
    smem_bytes: 1 << 20,                 // [M11]
    cmem_bytes: 128 << 20,               // [M13]
    hbm_bytes: 32 << 30,                 // [M22]
    hbm_peak_bytes_per_second: 1.2e12,   // [M23]
    hbm_bytes_per_second: 1.017e12,      // [M24]
    dma_latency_ns: 243.0,               // [M26]
    cmem_read_bytes_per_second: 4.0e12,  // [M25]
    cmem_write_bytes_per_second: 2.0e12, // [M25]
    launch_ns: 374.0,                    // [M26]
};

impl ChipSpec {
    /// Dense bf16 floating-point operations per second of the chip at its clock.
    pub fn peak_flops(&self) -> f64 {
        self.peak_flops_per_cycle() * f64::from(self.clock_mhz) * 1e6
    }

    /// Dense bf16 floating-point operations per cycle of the chip.
    pub fn peak_flops_per_cycle(&self) -> f64 {
        2.0 * f64::from(self.n_cores * self.n_mxus * self.mxu_size * self.mxu_size)
    }

    /// Seconds that `cycles` take.
    pub fn seconds(&self, cycles: u64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a report's figure, not an address")]
        let cycles = cycles as f64;
        cycles / (f64::from(self.clock_mhz) * 1e6)
    }
}

#[test]
fn the_published_275_teraflops_come_out() {
    assert!((TPU_V4.peak_flops() / 1e12 - 275.0).abs() < 1.0);
}
