//! How long things take on TPU v4's clock, and that every cycle is accounted for.

use crate::support::{launch, on_core_0, program};
use palmetto_emulator::{CoreReport, LaunchReport};
use palmetto_isa::{Bytes, MemorySpace, Slot, TPU_V4};

/// 0.374 us and 0.243 us, in begun cycles of 1050 MHz.
const LAUNCH: u64 = 393;
const DMA_LATENCY: u64 = 256;

/// Begun cycles that `bytes` take on HBM.
fn hbm_cycles(bytes: u64) -> u64 {
    let seconds = bytes as f64 / TPU_V4.hbm_bytes_per_second;
    (seconds * f64::from(TPU_V4.clock_mhz) * 1e6).ceil() as u64
}

fn check_sums(core: &CoreReport) {
    assert_eq!(core.cycles.0, core.bundles + core.stalls.total().0);
}

fn run(text: &str) -> LaunchReport {
    let report = launch(&program(text)).unwrap_or_else(|fault| panic!("{fault}"));
    report.cores.iter().for_each(check_sums);
    assert_eq!(report.launch_cycles.0, LAUNCH);
    report
}

fn run_on_core_0(header: &str, body: &str) -> CoreReport {
    let report = launch(&on_core_0(header, body)).unwrap_or_else(|fault| panic!("{fault}"));
    report.cores.iter().for_each(check_sums);
    report.cores[0].clone()
}

#[test]
fn an_empty_program_takes_its_launch() {
    let report = run("halt");
    assert_eq!((report.cycles.0, report.total().bundles), (LAUNCH + 1, 2));
}

#[test]
fn a_chain_of_transfers_takes_latency_and_bytes_each() {
    let (granules, n) = (2048_u64, 5);
    let bytes = granules * 512;
    let each = "dma_start 0, s0, s2, s0\ndma_wait s0, s1\n";
    // VMEM is written first, so that there is something to copy out.
    let body = format!(
        "s0 = smov_imm 0 ; s1 = smov_imm {bytes}\ns2 = smov_imm 0 ; s3 = smov_imm {granules}\n\
         v0 = vconst 0\nL: vst s2, 0, v0 ; s2 = sadd_imm s2, 8\ns4 = scmp_lt s2, s3\nbr_nz s4, L\n\
         s2 = smov_imm 0\n{}",
        each.repeat(n)
    );
    let header = format!("vmem {granules}\ndma 0: vmem -> hbm {granules} granules");
    let core = run_on_core_0(&header, &body);
    // A wait issues when the transfer is done, which started one bundle earlier.
    let one = DMA_LATENCY + hbm_cycles(bytes) - 1;
    assert_eq!(core.stalls.dma.0, n as u64 * one);
    assert_eq!(core.dma_bytes(MemorySpace::Vmem, MemorySpace::Hbm), Bytes(n as u64 * bytes));
    assert_eq!(core.dma_busy.0, n as u64 * hbm_cycles(bytes));
    assert_eq!(core.transfers, n as u64);
}

#[test]
fn the_cores_share_the_bandwidth_of_hbm() {
    // Both cores write 1 MiB, 4096 granules apart, at the same time.
    let text = "vmem 2048\ndma 0: vmem -> hbm 2048 granules\ns0 = smov_imm 0 ; s5 = score\n\
                s1 = smov_imm 1048576 ; s3 = smov_imm 2048\ns6 = smul_imm s5, 4096\nv0 = vconst 0\n\
                s2 = smov_imm 0\nL: vst s2, 0, v0 ; s2 = sadd_imm s2, 8\ns4 = scmp_lt s2, s3\n\
                br_nz s4, L\ndma_start 0, s0, s6, s0\ndma_wait s0, s1\nhalt";
    let report = run(text);
    let service = hbm_cycles(1 << 20);
    let stalls: Vec<u64> = report.cores.iter().map(|core| core.stalls.dma.0).collect();
    assert_eq!(stalls, [DMA_LATENCY + service - 1, DMA_LATENCY + 2 * service - 1]);
}

/// `n` matmuls on each of `n_mxus` MXUs, popped as late as the FIFOs allow.
fn stream(n: usize, n_mxus: usize) -> CoreReport {
    let each = |op: &dyn Fn(usize) -> String| (0..n_mxus).map(op).collect::<String>();
    let mut body = String::from("v0 = vconst 0\n");
    for _ in 0..8 {
        body += &each(&|mxu| format!("mxu_push {mxu}, v0\n"));
    }
    body += &each(&|mxu| format!("mxu_matmul_latch {mxu}, v0\n"));
    for index in 1..n + 28 {
        if index >= 28 {
            body += &each(&|mxu| format!("v1 = mxu_pop {mxu} ; v2 = mxu_pop {mxu}\n"));
        }
        if index < n {
            body += &each(&|mxu| format!("mxu_matmul {mxu}, v0\n"));
        }
    }
    run_on_core_0("", &body)
}

#[test]
fn matmuls_stream_a_row_per_cycle() {
    for n in [64, 256] {
        let core = stream(n, 1);
        // The first push, weights in its shadow, the rows, the way of the last one, its pop.
        let start = 3 + u64::from(TPU_V4.mxu_weight_load_cycles);
        let last = start + 16 * n as u64 + u64::from(TPU_V4.mxu_latency_cycles);
        let (pop, halt) = (1, 1);
        assert_eq!(core.cycles.0, last + pop + halt, "{n} matmuls");
        assert_eq!((core.mxu_busy.0, core.matmuls), (16 * n as u64, n as u64));
        assert_eq!(core.ops(Slot::Pop), 2 * n as u64);
    }
}

#[test]
fn four_mxus_stream_in_parallel() {
    let (one, four) = (stream(64, 1), stream(64, 4));
    assert_eq!(four.matmuls, 4 * one.matmuls);
    assert!(four.cycles.0 < one.cycles.0 + 64, "{} after {}", four.cycles, one.cycles);
}

/// 12 weight tiles, each pushed while `n_matmuls` registers stream through the one before.
fn tiles(n_matmuls: usize) -> u64 {
    let pushes = "mxu_push 0, v0\n".repeat(8);
    let pops = "v1 = mxu_pop 0 ; v2 = mxu_pop 0\n".repeat(n_matmuls);
    let tile = |next: bool| {
        let mut text = String::new();
        for index in 0..n_matmuls {
            let op = if index == 0 { "mxu_matmul_latch" } else { "mxu_matmul" };
            let first = if next { " ; mxu_push 0, v0" } else { "" };
            text += &format!("{op} 0, v0{first}\n");
            text += &"mxu_push 0, v0\n".repeat(if next { 8 / n_matmuls - 1 } else { 0 });
        }
        text
    };
    let push = tile(true);
    // Results are popped two tiles later, so that nothing waits for the last row.
    let steady = format!("{push}{pops}").repeat(9);
    let body =
        format!("v0 = vconst 0\n{pushes}{push}{push}{steady}{}{pops}{pops}{pops}", tile(false));
    run_on_core_0("", &body).cycles.0
}

#[test]
fn weights_load_in_the_shadow_of_128_rows() {
    // The first push, 12 tiles of 128 rows each, the way of the last row, its pop, the halt. With
    // 64 rows the load of 128 decides.
    let first_load = 3 + u64::from(TPU_V4.mxu_weight_load_cycles);
    let ends = u64::from(TPU_V4.mxu_latency_cycles) + 2;
    assert_eq!(tiles(8), first_load + 12 * 128 + ends);
    let with_64_rows = tiles(4);
    assert!(with_64_rows >= first_load + 11 * 128 + 64 + ends, "{with_64_rows}");
    assert!(with_64_rows <= first_load + 12 * 128 + ends, "{with_64_rows}");
}

#[test]
fn a_full_input_queue_stalls_issue() {
    let pushes = "mxu_push 0, v0\n".repeat(8);
    let matmuls = "mxu_matmul 0, v0\n".repeat(9);
    let pops = "v1 = mxu_pop 0 ; v2 = mxu_pop 0\n".repeat(10);
    let core = run_on_core_0(
        "",
        &format!("v0 = vconst 0\n{pushes}mxu_matmul_latch 0, v0\n{matmuls}{pops}"),
    );
    // The tenth register enters the queue when the sixth starts to stream: the latch, then 5 x 16.
    // From the first push until then 8 + 10 bundles were issued; it is in the last of them.
    assert_eq!(core.stalls.mxu_input.0, 128 + 5 * 16 - (8 + 9));
}

#[test]
fn cross_lane_and_transcendental_units_take_a_push_per_interval() {
    let core = run_on_core_0(
        "",
        "v0 = vconst 0\nxlu_sum_f32 0, v0\nxlu_sum_f32 0, v0\nxlu_sum_f32 1, v0\n\
                                  v1 = xlu_pop 0\nv1 = xlu_pop 0\nv1 = xlu_pop 1",
    );
    // The second push waits 3; the first result comes 100 after its push, the second 4 later.
    assert_eq!(core.stalls.xlu.0, 3 + (100 - 6) + 3);
    let core =
        run_on_core_0("", "v0 = vconst 0\neup_rcp v0\neup_rcp v0\nv1 = eup_pop\nv1 = eup_pop");
    assert_eq!(core.stalls.eup.0, 1 + (16 - 3) + 1);
}

#[test]
fn taken_branches_cost_a_bubble() {
    let core = run_on_core_0("", "s0 = smov_imm 3\nL: s0 = sadd_imm s0, -1\nbr_nz s0, L");
    assert_eq!(core.stalls.branch.0, 2 * u64::from(TPU_V4.branch_cycles));
    assert_eq!(core.bundles, 2 + 1 + 3 * 2 + 1);
}
