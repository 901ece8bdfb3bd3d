//! Every kind of fault, with its message; and what only strict mode refuses.

use crate::support::{chip, launch, on_core_0, program};
use expect_test::{Expect, expect};
use palmetto_emulator::{ChipTiming, Fault, Ideal, LoadedProgram};
use palmetto_isa::TPU_V4;

const HEADER: &str = "vmem 64\ndma 0: hbm -> vmem 8 granules\ndma 1: vmem -> hbm 8 granules\n\
                      dma 2: hbm -> vmem 1 granules x 4 (stride 1 -> 8)";

/// Runs `body` on core 0 in strict mode.
fn check(body: &str, message: Expect) {
    let mut chip = chip(true);
    chip.write_hbm(0, &[1; 4096]).unwrap();
    let program = on_core_0(HEADER, &format!("s0 = smov_imm 0 ; s1 = smov_imm 4096\n{body}"));
    let result = chip.launch(&program, &[], &mut ChipTiming::new(&TPU_V4));
    let fault = result.map_or_else(|fault| fault.to_string(), |_| "no fault".into());
    message.assert_eq(&fault);
}

#[test]
fn uninitialized_reads() {
    check(
        "v1 = vmov v0",
        expect![[r#"UninitializedRead at core 0 bundle 3: v0 is read but was never written"#]],
    );
    check(
        "v1 = vld s0, 8",
        expect![[
            r#"UninitializedRead at core 0 bundle 3 `v1 = vld s0, 8`: vmem granule 8 is read but was never written"#
        ]],
    );
    check(
        "s5 = sld s0, 0",
        expect![[
            r#"UninitializedRead at core 0 bundle 3 `s5 = sld s0, 0`: smem word 0 is read but was never written"#
        ]],
    );
    check(
        "s2 = smov_imm 100\ndma_start 0, s2, s0, s0",
        expect![[
            r#"UninitializedRead at core 0 bundle 4 `dma_start 0, s2, s0, s0`: hbm granule 100 is read but was never written"#
        ]],
    );
    check(
        "v0 = vconst 0\nmxu_matmul 3, v0",
        expect![[
            r#"UninitializedRead at core 0 bundle 4 `mxu_matmul 3, v0`: the MXU has no weights: none were latched"#
        ]],
    );
}

#[test]
fn accesses_out_of_bounds() {
    check(
        "v1 = vconst 0\nvst s0, -1, v1",
        expect![[
            r#"OutOfBounds at core 0 bundle 4 `vst s0, -1, v1`: granules -1..7 of vmem, which has 0..64"#
        ]],
    );
    check(
        "v1 = vld_strided s0, 0, 10",
        expect![[
            r#"UninitializedRead at core 0 bundle 3 `v1 = vld_strided s0, 0, 10`: vmem granule 0 is read but was never written"#
        ]],
    );
    check(
        "v1 = vconst 0\nvst_strided s0, 0, 10, v1",
        expect![[
            r#"OutOfBounds at core 0 bundle 4 `vst_strided s0, 0, 10, v1`: granules 70..71 of vmem, which has 0..64"#
        ]],
    );
    check(
        "sst s1, 300000, s1",
        expect![[
            r#"OutOfBounds at core 0 bundle 3 `sst s1, 300000, s1`: word 304096 of smem, which has 0..262144"#
        ]],
    );
    check(
        "s2 = smov_imm 60\ndma_start 0, s0, s2, s0",
        expect![[
            r#"OutOfBounds at core 0 bundle 4 `dma_start 0, s0, s2, s0`: granules 60..68 of vmem, which has 0..64"#
        ]],
    );
    check(
        "s2 = smov_imm 40\ndma_start 2, s0, s2, s0",
        expect![[
            r#"OutOfBounds at core 0 bundle 4 `dma_start 2, s0, s2, s0`: granules 40..65 of vmem, which has 0..64"#
        ]],
    );
    check(
        "dma_start 0, s0, s0, s1",
        expect![[
            r#"OutOfBounds at core 0 bundle 3 `dma_start 0, s0, s0, s1`: sync flag 4096 does not exist: the core has 64"#
        ]],
    );
}

#[test]
fn registers_that_are_not_ready() {
    check(
        "v0 = vconst 0\nv1 = vadd_f32 v0, v0\nv2 = vmov v1",
        expect![[r#"NotReady at core 0 bundle 5: v1 is read 1 bundles before it is ready"#]],
    );
    check(
        "s2 = smul s0, s1\ns2 = smov s0",
        expect![[r#"NotReady at core 0 bundle 4: s2 is written 1 bundles before it is ready"#]],
    );
}

#[test]
fn races_with_transfers() {
    check(
        "v0 = vconst 0\ndma_start 0, s0, s0, s0\nvst s0, 7, v0",
        expect![[
            r#"Race at core 0 bundle 5 `vst s0, 7, v0`: vmem granule 7 is written, and a transfer that was not waited for writes it"#
        ]],
    );
    // Late enough for the transfer to be done, but nobody has waited for it.
    check(
        "dma_start 0, s0, s0, s0\nnop 5000\nv0 = vld s0, 0",
        expect![[
            r#"Race at core 0 bundle 5004 `v0 = vld s0, 0`: vmem granule 0 is read, and a transfer that was not waited for writes it"#
        ]],
    );
    check(
        "v0 = vconst 0\nvst s0, 0, v0\ndma_start 1, s0, s1, s0\nvst s0, 0, v0",
        expect![[
            r#"Race at core 0 bundle 6 `vst s0, 0, v0`: vmem granule 0 is written, and a transfer that was not waited for reads it"#
        ]],
    );
    check(
        "dma_start 0, s0, s0, s0\ndma_start 0, s0, s0, s0",
        expect![[
            r#"Race at core 0 bundle 4 `dma_start 0, s0, s0, s0`: vmem granule 0 is written, and a transfer that was not waited for writes it"#
        ]],
    );
    check("dma_start 0, s0, s0, s0\ndma_wait s0, s1\nv0 = vld s0, 0", expect!["no fault"]);
}

#[test]
fn races_between_the_cores() {
    let copy_out = "v0 = vconst 0\ns0 = smov_imm 0 ; s1 = smov_imm 4096\nvst s0, 0, v0\n\
                    dma_start 1, s0, s0, s0\ndma_wait s0, s1\nhalt";
    let fault = launch(&program(&format!("{HEADER}\n{copy_out}"))).unwrap_err();
    expect![[r#"Race at core 1 bundle 3 `dma_start 1, s0, s0, s0`: core 1 writes hbm granule 0, which core 0 has written in the same launch"#]].assert_eq(&fault.to_string());
    // The chip is usable after a fault, and launches do not race with each other.
    let mut chip = chip(true);
    let both = program(&format!("{HEADER}\n{copy_out}"));
    assert!(chip.launch(&both, &[], &mut Ideal).is_err());
    let alone = on_core_0(HEADER, copy_out);
    for _ in 0..2 {
        chip.launch(&alone, &[], &mut Ideal).unwrap();
    }
    chip.read_hbm(0, 4096).unwrap();
}

#[test]
fn fifos_and_staging() {
    check(
        "v0 = mxu_pop 1",
        expect![[
            r#"Fifo at core 0 bundle 3 `v0 = mxu_pop 1`: the FIFO is empty and nothing is in flight to it: the pop would wait for ever"#
        ]],
    );
    check(
        "v0 = vconst 0\neup_rcp v0\nv1 = eup_pop ; v2 = eup_pop",
        expect![[
            r#"Fifo at core 0 bundle 5 `v2 = eup_pop`: the FIFO is empty and nothing is in flight to it: the pop would wait for ever"#
        ]],
    );
    let pushes = "eup_rcp v0\n".repeat(17);
    check(
        &format!("v0 = vconst 0\n{pushes}"),
        expect![[
            r#"Fifo at core 0 bundle 20 `eup_rcp v0`: 1 results do not fit: the FIFO holds 16 of at most 16, and in-order issue cannot pop while it waits"#
        ]],
    );
    check(
        "v0 = vconst 0\neup_rcp v0",
        expect![[
            r#"Fifo at core 0 bundle 5: the transcendental unit holds 1 results when the core halts"#
        ]],
    );
    check(
        "v0 = vconst 0\nxlu_xpose 1, v0",
        expect![[
            r#"Fifo at core 0 bundle 5: cross-lane unit 1 has 1 of 16 registers of a transpose when the core halts"#
        ]],
    );
    let pushes = "mxu_push 0, v0\n".repeat(9);
    check(
        &format!("v0 = vconst 0\n{pushes}"),
        expect![[
            r#"Staging at core 0 bundle 12 `mxu_push 0, v0`: 8 registers are staged already, and no latch took them"#
        ]],
    );
    check(
        "v0 = vconst 0\nmxu_push 0, v0\nmxu_matmul_latch 0, v0",
        expect![[
            r#"Staging at core 0 bundle 5 `mxu_matmul_latch 0, v0`: 1 of 8 registers are staged when they are latched"#
        ]],
    );
    check(
        "v0 = vconst 0\nmxu_push 0, v0\nmxu_push_xpose 0, v0",
        expect![[
            r#"Staging at core 0 bundle 5 `mxu_push_xpose 0, v0`: mxu_push and mxu_push_xpose are mixed in one staging"#
        ]],
    );
    check(
        "v0 = vconst 0\nmxu_push 0, v0",
        expect![[
            r#"Staging at core 0 bundle 5: MXU 0 has 1 staged registers when the core halts"#
        ]],
    );
}

#[test]
fn waits_that_cannot_end_and_flags_that_are_left() {
    check(
        "dma_wait s0, s1",
        expect![[
            r#"Deadlock at core 0 bundle 3 `dma_wait s0, s1`: waits for 4096 bytes on sync flag 0, which is at 0 with 0 bytes in flight to it"#
        ]],
    );
    check(
        "dma_start 0, s0, s0, s0",
        expect![[r#"Sync at core 0 bundle 4: 1 transfers are in flight when the core halts"#]],
    );
    check(
        "dma_start 0, s0, s0, s0\nnop 1000",
        expect![[
            r#"Sync at core 0 bundle 1004: sync flag 0 is at 4096 bytes when the core halts"#
        ]],
    );
}

#[test]
fn programs_that_are_refused() {
    let refuse = |text: &str| launch(&program(text)).unwrap_err().to_string();
    expect![[
        r#"IllegalProgram: `test` is refused: bundle 0: `mxu_pop` has mxu 7, it has to be below 4"#
    ]]
    .assert_eq(&refuse("v0 = mxu_pop 7\nhalt"));
    expect![[r#"Timeout at core 0 bundle 0: the core has issued 1000000 bundles, the limit"#]]
        .assert_eq(&refuse("L: s0 = smov_imm 0\nbr_z s0, L\nhalt"));
    let mut chip = chip(true);
    let wants_one = program("arguments 1\nhalt");
    let fault = chip.launch(&wants_one, &[], &mut Ideal).unwrap_err();
    expect![[r#"IllegalLaunch: `test` takes 1 arguments, given 0"#]].assert_eq(&fault.to_string());
    let mut other = TPU_V4;
    other.name = "another chip";
    let loaded = LoadedProgram::new(&program("halt"), &other).unwrap();
    let fault = chip.launch_loaded(&loaded, &[], &mut Ideal).unwrap_err();
    expect![[r#"IllegalLaunch: `test` was loaded for another chip, this is TPU v4"#]]
        .assert_eq(&fault.to_string());
}

#[test]
fn the_host_stays_within_hbm_and_what_was_written() {
    let mut chip = chip(true);
    let text = |result: Result<(), Fault>| result.unwrap_err().to_string();
    expect![[r#"OutOfBounds: granules 131071..131073 of hbm, which has 0..131072"#]]
        .assert_eq(&text(chip.write_hbm(131_071, &[0; 513])));
    expect![[r#"UninitializedRead: hbm granule 5 is read but was never written"#]]
        .assert_eq(&text(chip.read_hbm(5, 1).map(|_| ())));
    chip.write_hbm(5, &[7; 700]).unwrap();
    assert_eq!(chip.read_hbm(5, 700).unwrap(), [7; 700]);
    chip.discard_hbm(6, 1).unwrap();
    expect![[r#"UninitializedRead: hbm granule 6 is read but was never written"#]]
        .assert_eq(&text(chip.read_hbm(5, 513).map(|_| ())));
}

#[test]
fn outside_of_strict_mode_issue_waits_for_registers() {
    let body = "v0 = vconst 0x3f800000 ; s0 = smov_imm 0\nv1 = vadd_f32 v0, v0\nv1 = vadd_f32 v1, v0\n\
                v1 = vmul_f32 v1, v1\nvst s0, 0, v1\ns1 = smov_imm 4096\ndma_start 1, s0, s0, s0\n\
                dma_wait s0, s1";
    let mut chip = chip(false);
    let report = chip.launch(&on_core_0(HEADER, body), &[], &mut Ideal).unwrap();
    assert_eq!(report.cores[0].stalls.interlock.0, 3);
    let words: Vec<f32> = bytemuck::pod_collect_to_vec(chip.read_hbm(0, 4096).unwrap());
    assert_eq!(words.iter().filter(|word| **word == 9.0).count(), 1024);
}
