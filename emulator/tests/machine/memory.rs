//! HBM that outlives launches: it grows, is given up, is copied, and can become strict.

use crate::support::{on_core_0, program};
use palmetto_emulator::{Chip, ChipTiming, EmulatorOptions, FaultKind};
use palmetto_isa::TPU_V4;

fn chip(strict: bool) -> Chip {
    Chip::new(TPU_V4, &EmulatorOptions { strict, hbm_bytes: 0, ..EmulatorOptions::default() })
}

#[test]
fn hbm_grows_and_keeps_its_content() {
    for strict in [false, true] {
        let mut chip = chip(strict);
        assert_eq!(chip.write_hbm(0, &[1]).unwrap_err().kind, FaultKind::OutOfBounds);
        chip.back_hbm(4).unwrap();
        chip.write_hbm(3, &[7; 512]).unwrap();
        chip.back_hbm(5).unwrap();
        chip.back_hbm(1000).unwrap();
        chip.back_hbm(2).unwrap();
        assert_eq!(chip.backed_granules(), 1000);
        assert_eq!(chip.read_hbm(3, 512).unwrap(), [7; 512]);
        assert_eq!(chip.read_hbm(999, 1).is_err(), strict, "new granules were never written");
        assert_eq!(chip.read_hbm(1000, 1).unwrap_err().kind, FaultKind::OutOfBounds);
    }
}

#[test]
fn no_more_is_backed_than_the_chip_has() {
    let spec = palmetto_isa::ChipSpec { hbm_bytes: 4096, ..TPU_V4 };
    let options = EmulatorOptions { hbm_bytes: 0, ..EmulatorOptions::default() };
    let mut chip = Chip::new(spec, &options);
    chip.back_hbm(100).unwrap();
    assert_eq!(chip.backed_granules(), 8);
}

#[test]
fn what_was_given_up_cannot_be_read_in_strict_mode() {
    let mut chip = chip(true);
    chip.back_hbm(16).unwrap();
    chip.write_hbm(0, &[1; 16 * 512]).unwrap();
    chip.discard_hbm(4, 2).unwrap();
    let fault = chip.read_hbm(0, 8 * 512).unwrap_err();
    assert_eq!(fault.to_string(), "UninitializedRead: hbm granule 4 is read but was never written");
    let load = "vmem 8\ndma 0: hbm -> vmem 8 granules";
    let load = on_core_0(load, "s0 = smov_imm 0\ndma_start 0, s0, s0, s0");
    let fault = chip.launch(&load, &[], &mut ChipTiming::new(&TPU_V4)).unwrap_err();
    assert_eq!(fault.kind, FaultKind::UninitializedRead);
    chip.write_hbm(4, &[2; 1024]).unwrap();
    assert_eq!(chip.read_hbm(5, 1).unwrap(), [2]);
}

#[test]
fn a_chip_that_becomes_strict_knows_nothing_about_the_past() {
    let mut chip = chip(false);
    chip.back_hbm(16).unwrap();
    chip.write_hbm(0, &[1; 512]).unwrap();
    chip.launch(&program("vmem 8\nhalt"), &[], &mut ChipTiming::new(&TPU_V4)).unwrap();
    chip.set_strict(true);
    assert!(chip.is_strict());
    assert!(chip.read_hbm(0, 16 * 512).is_ok(), "all of it counts as written");
    chip.discard_hbm(1, 15).unwrap();
    assert!(chip.read_hbm(0, 512).is_ok());
    assert_eq!(chip.read_hbm(1, 1).unwrap_err().kind, FaultKind::UninitializedRead);
    // A program that uses more VMEM than the launch before, and reads what nobody wrote.
    let load = on_core_0("vmem 1024", "s0 = smov_imm 0\nv0 = vld s0, 1000");
    let fault = chip.launch(&load, &[], &mut ChipTiming::new(&TPU_V4)).unwrap_err();
    assert_eq!(fault.kind, FaultKind::UninitializedRead);
    chip.set_strict(false);
    assert!(chip.read_hbm(1, 1).is_ok());
}

#[test]
fn a_copy_within_hbm_needs_a_source() {
    let mut chip = chip(true);
    chip.back_hbm(8).unwrap();
    chip.write_hbm(0, &[3; 1024]).unwrap();
    chip.copy_hbm(0, 1, 2).unwrap();
    chip.copy_hbm(0, 6, 2).unwrap();
    assert_eq!(chip.read_hbm(6, 1024).unwrap(), [3; 1024]);
    assert_eq!(chip.copy_hbm(4, 0, 1).unwrap_err().kind, FaultKind::UninitializedRead);
    assert_eq!(chip.copy_hbm(0, 7, 2).unwrap_err().kind, FaultKind::OutOfBounds);
}
