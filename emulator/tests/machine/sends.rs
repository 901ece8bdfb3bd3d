//! Transfers from the VMEM of one core to that of the other.

use crate::support::{chip, launch, program};
use expect_test::{Expect, expect};
use palmetto_emulator::{Chaos, ChipTiming, Ideal, LoadedProgram, Timing};
use palmetto_isa::{TPU_V4, memory::GRANULE_BYTES};

/// Cycles from the start of a transfer to its bytes, besides what they take.
const DMA_LATENCY: u64 = 256;

/// Registers: s0 = 0, s1 = 1, s2 = this core, s3 = the other one, s4 = bytes of 8 granules,
/// s5 = 8, s6 = 16. VMEM granules 0 to 7 hold the core's number plus 1 in every word.
const PROLOGUE: &str = "vmem 32\n\
    dma 0: vmem -> vmem 8 granules\n\
    dma 1: vmem -> hbm 8 granules\n\
    s0 = smov_imm 0 ; s2 = score\n\
    s1 = smov_imm 1 ; s4 = smov_imm 4096\n\
    s3 = sxor s2, s1 ; s7 = sadd s2, s1\n\
    s5 = smov_imm 8 ; s6 = smov_imm 16 ; v0 = vsplat s7\n\
    nop 2\n\
    vst s0, 0, v0\n";

fn check(body: &str, expected: Expect) {
    let text = match launch(&program(&format!("{PROLOGUE}{body}"))) {
        Ok(_) => "no fault".to_owned(),
        Err(fault) => fault.to_string(),
    };
    expected.assert_eq(&text);
}

/// Both cores send their register to granule 8 of the other, add the two, and write the sum and
/// what came to HBM granules 16 c and 16 c + 8. Core 1 waits for a while first.
const SWAP: &str = "br_z s2, L\nnop 700\n\
    L: dma_send 0, s0, s5, s0, s3, s1\n\
    dma_wait s1, s4\n\
    v1 = vld s5, 0\n\
    dma_wait s0, s4\n\
    nop 4\n\
    v2 = vadd_s32 v0, v1\n\
    nop 2\n\
    vst s6, 0, v2 ; s8 = smul s2, s6\n\
    nop 2\n\
    s9 = sadd s8, s5 ; dma_start 1, s6, s8, s0\n\
    dma_wait s0, s4\n\
    dma_start 1, s5, s9, s0\n\
    dma_wait s0, s4\n\
    halt";

#[test]
fn two_cores_swap_a_register_under_every_clock() {
    let program = program(&format!("{PROLOGUE}{SWAP}"));
    let program = LoadedProgram::new(&program, &TPU_V4).unwrap();
    let run = |strict: bool, timing: &mut dyn Timing| {
        let mut chip = chip(strict);
        let report = chip.launch_loaded(&program, &[], timing);
        let report = report.unwrap_or_else(|fault| panic!("{fault}"));
        let words: Vec<u32> =
            bytemuck::pod_collect_to_vec(chip.read_hbm(0, 32 * GRANULE_BYTES).unwrap());
        // The sum, and what came: of core 0 from core 1, and the other way round.
        let expected = [3, 2, 3, 1].map(|word| vec![word; 1024]).concat();
        assert_eq!(words, expected);
        report
    };
    for seed in 0..24 {
        run(seed % 2 == 0, &mut Chaos::new(seed));
    }
    run(true, &mut Ideal);
    run(false, &mut ChipTiming::new(&TPU_V4));
    // Core 0 waits for core 1, which is late and then only waits for its own transfer.
    let report = run(true, &mut ChipTiming::new(&TPU_V4));
    let [first, second] = [0, 1].map(|core: usize| report.cores[core].stalls.dma.0);
    assert!(first >= 2 * DMA_LATENCY + 700, "{first}");
    assert!(second < 4 * DMA_LATENCY, "{second}");
}

#[test]
fn what_arrives_while_a_core_waits_for_its_own_transfer_ends_the_wait() {
    // Core 1 waits on flag 0 for a transfer to HBM of its own that starts late; what core 0 sends
    // to the same flag is there earlier, and is as many bytes.
    let body = "br_nz s2, M\n\
        dma_send 0, s0, s5, s1, s3, s0\n\
        dma_wait s1, s4\n\
        halt\n\
        M: nop 200\n\
        dma_start 1, s0, s0, s0\n\
        dma_wait s0, s4\n\
        dma_wait s0, s4\n\
        halt";
    let report = launch(&program(&format!("{PROLOGUE}{body}"))).unwrap();
    let waited = report.cores[1].stalls.dma.0;
    // The wait for the later one ends 200 bundles after the earlier, whichever was known first.
    assert!((DMA_LATENCY..DMA_LATENCY + 40).contains(&waited), "{waited}");
}

#[test]
fn sends_that_are_faults() {
    check(
        "dma_send 0, s0, s5, s0, s2, s1\nhalt",
        expect![[
            r#"OutOfBounds at core 0 bundle 7 `dma_send 0, s0, s5, s0, s2, s1`: core 0 of 2; a core sends to another one, not 0"#
        ]],
    );
    check(
        "dma_send 0, s0, s4, s0, s3, s1\nhalt",
        expect![[
            r#"OutOfBounds at core 0 bundle 7 `dma_send 0, s0, s4, s0, s3, s1`: granules 4096..4104 of vmem, which has 0..32"#
        ]],
    );
    check(
        "dma_send 0, s0, s5, s0, s3, s4\nhalt",
        expect![[
            r#"OutOfBounds at core 0 bundle 7 `dma_send 0, s0, s5, s0, s3, s4`: sync flag 4096 does not exist: the core has 64"#
        ]],
    );
    check(
        "dma_send 0, s0, s5, s0, s3, s1\nvst s0, 0, v0\nhalt",
        expect![[
            r#"Race at core 0 bundle 8 `vst s0, 0, v0`: vmem granule 0 is written, and a transfer that was not waited for reads it"#
        ]],
    );
    check(
        "dma_send 1, s0, s5, s0, s3, s1\nhalt",
        expect![[
            r#"IllegalProgram: `test` is refused: bundle 7: `dma_send` has descriptor 1, which is not of vmem to vmem"#
        ]],
    );
}

#[test]
fn what_is_not_waited_for_is_a_fault() {
    // Read without a wait: before it can be there, and long after.
    check(
        "dma_send 0, s0, s5, s0, s3, s1\nv1 = vld s5, 0\nhalt",
        expect![[
            r#"UninitializedRead at core 0 bundle 8 `v1 = vld s5, 0`: vmem granule 8 is read but was never written"#
        ]],
    );
    check(
        "dma_send 0, s0, s5, s0, s3, s1\ndma_wait s0, s4\nnop 5000\nv1 = vld s5, 0\nhalt",
        expect![[
            r#"Race at core 0 bundle 5009 `v1 = vld s5, 0`: vmem granule 8 is read, and a transfer that was not waited for writes it"#
        ]],
    );
    // Core 1 sends; core 0 has halted.
    check(
        "br_nz s2, L\nhalt\nL: dma_send 0, s0, s5, s0, s3, s1\ndma_wait s0, s4\nhalt",
        expect![[r#"Sync at core 0: 1 transfers arrive after the core has halted"#]],
    );
}

#[test]
fn waits_for_a_core_that_sends_nothing_are_deadlocks() {
    // Both wait, and neither sends.
    check(
        "dma_wait s1, s4\ndma_send 0, s0, s5, s0, s3, s1\nhalt",
        expect![[
            r#"Deadlock at core 0 bundle 7 `dma_wait s1, s4`: waits for 4096 bytes on sync flag 1, which is at 0 with 0 bytes in flight to it"#
        ]],
    );
    // Core 1 halts.
    check(
        "br_nz s2, L\ndma_wait s1, s4\ndma_send 0, s0, s5, s0, s3, s1\nL: halt",
        expect![[
            r#"Deadlock at core 0 bundle 8 `dma_wait s1, s4`: waits for 4096 bytes on sync flag 1, which is at 0 with 0 bytes in flight to it"#
        ]],
    );
}
