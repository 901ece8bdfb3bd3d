//! The matmul kernel on the emulator against plain loops: every kind of operand, many shapes, all
//! clocks, in strict mode.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "test data are small numbers"
)]

#[path = "matmul/case.rs"]
mod case;
#[path = "matmul/host.rs"]
mod host;

use case::{After, Case, plain};
use palmetto_emulator::{Chaos, ChipTiming, Ideal, Timing};
use palmetto_isa::TPU_V4;
use palmetto_kernels::{
    element::Element,
    matmul::{MatmulError, Passes},
};

/// Runs a case under every clock.
#[track_caller]
fn check(case: &Case) {
    let program = case.program().expect("there is a kernel for the case");
    let data = case.data();
    let expected = case.expected(&data);
    let clocks: [&mut dyn Timing; 3] =
        [&mut Ideal, &mut ChipTiming::new(&TPU_V4), &mut Chaos::new(7)];
    for clock in clocks {
        let (_, outputs) = case.launch(&program, &data, (true, clock));
        case.compare(&outputs, &expected);
    }
}

#[test]
fn small_shapes() {
    for (m, k, n) in [(1, 1, 1), (7, 5, 3), (8, 128, 128), (16, 256, 128), (33, 129, 257)] {
        check(&plain(m, k, n));
    }
}

#[test]
fn shapes_with_several_windows() {
    for (m, k, n) in [(100, 200, 300), (513, 129, 257), (1000, 72, 40), (24, 2000, 384)] {
        check(&plain(m, k, n));
    }
}

#[test]
fn transposed_operands() {
    for lhs in [false, true] {
        for rhs in [false, true] {
            for (m, k, n) in [(8, 128, 128), (100, 200, 300), (300, 100, 130)] {
                let element = Element::Bf16;
                check(&Case { lhs: (element, lhs), rhs: (element, rhs), ..plain(m, k, n) });
            }
        }
    }
}

#[test]
fn types_of_operands() {
    let types = [Element::Bf16, Element::F32, Element::F16, Element::S8];
    for (i, lhs) in types.into_iter().enumerate() {
        for rhs in [types[i], types[(i + 1) % types.len()]] {
            check(&Case { lhs: (lhs, false), rhs: (rhs, false), ..plain(72, 200, 130) });
            check(&Case { lhs: (lhs, true), rhs: (rhs, true), ..plain(72, 200, 130) });
        }
    }
}

#[test]
fn types_of_outputs() {
    for output in [Element::F32, Element::Bf16, Element::F16, Element::S32] {
        for (m, k, n) in [(8, 128, 128), (40, 64, 150), (513, 130, 128)] {
            check(&Case { output, ..plain(m, k, n) });
            check(&Case { output, lhs: (Element::F32, false), ..plain(m, k, n) });
        }
    }
}

#[test]
fn passes_of_f32() {
    let f32 = (Element::F32, false);
    for passes in [Passes::One, Passes::Three, Passes::Six] {
        check(&Case { lhs: f32, rhs: f32, passes, most: [0, 0], ..plain(64, 256, 256) });
        check(&Case {
            lhs: (Element::F32, true),
            rhs: (Element::F32, true),
            passes,
            most: [0, 0],
            ..plain(136, 140, 33)
        });
    }
    // 12-bit integers have two bf16 parts, small ones have one: exact.
    let three = Passes::Three;
    check(&Case { lhs: f32, rhs: f32, passes: three, most: [4095, 4], ..plain(40, 300, 256) });
    check(&Case { lhs: f32, passes: three, most: [4095, 4], ..plain(40, 300, 256) });
}

#[test]
fn batches() {
    for shares_rhs in [false, true] {
        let case = Case { batch: vec![3], shares_rhs, ..plain(32, 96, 72) };
        check(&case);
        check(&Case { batch: vec![2, 5], lhs: (Element::Bf16, true), ..case });
    }
}

#[test]
fn major_dimensions_everywhere() {
    // As in attention: heads are summed over, or are columns of the output.
    let case = Case { k: vec![3, 130], ..plain(144, 130, 208) };
    check(&Case { rhs: (Element::F32, false), k: vec![3, 128], ..case.clone() });
    check(&Case { lhs: (Element::F32, false), rhs: (Element::Bf16, true), ..case.clone() });
    check(&Case { n: vec![3, 96], output: Element::Bf16, ..plain(48, 208, 1) });
    check(&Case { m: vec![2, 3, 32], n: vec![2, 40], k: vec![2, 2, 96], ..case });
}

#[test]
fn epilogues() {
    for output in [Element::F32, Element::Bf16] {
        for element in [Element::F32, Element::Bf16] {
            for after in [After::ScaleAndBias(element), After::Two(element), After::Indices] {
                check(&Case { after, output, ..plain(72, 130, 300) });
                check(&Case { after, output, batch: vec![2], ..plain(48, 144, 520) });
            }
        }
    }
}

#[test]
fn errors_say_what_does_not_fit() {
    let case = Case { lhs: (Element::S32, false), ..plain(8, 8, 8) };
    let error = case.program().expect_err("the MXU has no s32");
    assert!(matches!(error, MatmulError::Element { side: "left", .. }), "{error}");
    let case = Case { batch: vec![2], ..plain(8, 128, 128) };
    let error = case.program().expect_err("one row of bf16 tiles per matrix");
    let text = "`product`: lhs has 1 rows of tiles per matrix, which do not fill registers of 2, \
                and it has more than one matrix";
    assert_eq!(error.to_string(), text);
}
