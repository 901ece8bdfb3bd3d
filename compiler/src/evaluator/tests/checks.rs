//! The checks of self-checking programs.

use expect_test::{Expect, expect};

use super::{literal, run};
use crate::evaluator::check;
use crate::hlo::{CheckParameters, CustomCallTarget};

/// Every check once.
pub(super) const ALL_CHECKS: &str = r#"HloModule m
    ENTRY main {
      a = f32[2] parameter(0)
      b = f32[2] parameter(1)
      c0 = () custom-call(a, b), custom_call_target="check.expect_eq"
      c1 = () custom-call(a, b), custom_call_target="check.expect_almost_eq"
      c2 = () custom-call(a, b), custom_call_target="check.expect_close"
      c3 = pred[] custom-call(b, a), custom_call_target="check.eq"
      r = f32[2] add(a, b)
      ROOT all = (f32[2], pred[]) tuple(r, c3)
    }"#;

#[test]
fn checks_run_although_nobody_uses_them() {
    let evaluation = run(ALL_CHECKS, &["f32[2]={1, 2}", "f32[2]={1, 2.0002}"]).unwrap();
    let lines: Vec<String> = evaluation.checks.iter().map(ToString::to_string).collect();
    expect![[r#"
        check.expect_eq: fail at [1]: actual 2, expected 2.0002, distance 0.00020003318786621094 (0 allowed); 1 of 2 elements differs
        check.expect_almost_eq: pass (2 elements)
        check.expect_close: fail at [1]: actual 2, expected 2.0002, distance 839 ulp (at most 3 ulp allowed); 1 of 2 elements differs
        check.eq: fail at [1]: actual 2, expected 2.0002, distance 0.00020003318786621094 (at most 0.0001 allowed); 1 of 2 elements differs"#]]
    .assert_eq(&lines.join("\n"));
    assert_eq!(evaluation.result, literal("(f32[2], pred[])=({2, 4.0002003}, false)"));
}

#[test]
fn unknown_targets_are_an_error() {
    let text = r#"HloModule m
        ENTRY main { ROOT a = f32[] custom-call(), custom_call_target="Sharding" }"#;
    expect![[r#"instruction a: no meaning is known for custom-call target "Sharding"; known are check.expect_eq, check.expect_almost_eq, check.expect_close, check.eq, Eigh, LuDecomposition, Qr and ProductOfElementaryHouseholderReflectors"#]]
    .assert_eq(&run(text, &[]).unwrap_err().to_string());
}

/// The outcome of a check on two values.
#[track_caller]
fn outcome(target: &CustomCallTarget, actual: &str, expected: &str, line: Expect) {
    let outcome = check(target, &literal(actual), &literal(expected));
    line.assert_eq(&outcome.unwrap().to_string());
}

/// Does the check accept the two elements?
fn accepts(target: &CustomCallTarget, element_type: &str, actual: &str, expected: &str) -> bool {
    let literal = |value: &str| literal(&format!("{element_type}[]={value}"));
    check(target, &literal(actual), &literal(expected)).unwrap().passed()
}

fn none() -> CheckParameters {
    CheckParameters::default()
}

#[test]
fn expect_eq_compares_values() {
    let target = CustomCallTarget::CheckExpectEq(none());
    assert!(accepts(&target, "f32", "0", "-0"));
    assert!(accepts(&target, "f32", "inf", "inf"));
    assert!(!accepts(&target, "f32", "nan", "nan"));
    assert!(!accepts(&target, "bf16", "1", "1.0078125"));
    assert!(accepts(&target, "s64", "9007199254740993", "9007199254740993"));
    assert!(!accepts(&target, "s64", "9007199254740993", "9007199254740992"));
    assert!(!accepts(&target, "pred", "true", "false"));
}

#[test]
fn expect_almost_eq_has_a_tolerance() {
    let default = CustomCallTarget::CheckExpectAlmostEq(none());
    assert!(accepts(&default, "f32", "1", "1.0009"));
    assert!(!accepts(&default, "f32", "1", "1.0011"));
    assert!(accepts(&default, "f32", "nan", "nan"));
    assert!(!accepts(&default, "f32", "nan", "1"));
    assert!(accepts(&default, "f32", "-inf", "-inf"));
    assert!(!accepts(&default, "f32", "-inf", "inf"));
    assert!(!accepts(&default, "f32", "inf", "3e38"));
    assert!(!accepts(&default, "s32", "1", "2"));
    let wide = CheckParameters { tolerance: Some(f64::INFINITY), ..none() };
    let wide = CustomCallTarget::CheckExpectAlmostEq(wide);
    assert!(accepts(&wide, "f32", "1", "3e38"));
    assert!(!accepts(&wide, "f32", "1", "inf"));
    assert!(accepts(&wide, "u64", "0", "18446744073709551615"));
}

#[test]
fn expect_close_counts_units_in_the_last_place() {
    let close = CustomCallTarget::CheckExpectClose(none());
    assert!(accepts(&close, "bf16", "1", "1.0234375"));
    assert!(!accepts(&close, "bf16", "1", "1.03125"));
    // Below 1 the units are half as large; 1 is one unit above 0.99609375.
    assert!(accepts(&close, "bf16", "1.015625", "0.99609375"));
    assert!(accepts(&close, "f32", "1e-45", "-3e-45"));
    assert!(!accepts(&close, "f32", "3e-45", "-3e-45"));
    assert!(accepts(&close, "f32", "0", "-0"));
    assert!(accepts(&close, "f64", "nan", "nan"));
    assert!(accepts(&close, "f16", "inf", "inf"));
    assert!(!accepts(&close, "f16", "inf", "65504"));
    assert!(!accepts(&close, "f16", "nan", "inf"));
    let parameters =
        CheckParameters { max_ulp_difference: Some(2), min_ulp_difference: Some(1), ..none() };
    let exactly = CustomCallTarget::CheckExpectClose(parameters);
    assert!(!accepts(&exactly, "f32", "1", "1"));
    assert!(accepts(&exactly, "f32", "1", "1.0000001"));
    assert!(!accepts(&exactly, "f32", "1", "1.0000005"));
}

#[test]
fn eq_is_exact_for_integers_only() {
    let target = CustomCallTarget::CheckEq(none());
    assert!(accepts(&target, "f32", "1", "1.00009"));
    assert!(!accepts(&target, "f32", "1", "1.00011"));
    assert!(accepts(&target, "f32", "nan", "nan"));
    assert!(accepts(&target, "s8", "5", "5"));
    assert!(!accepts(&target, "u8", "5", "6"));
    assert!(!accepts(&target, "pred", "true", "false"));
}

#[test]
fn outcomes_say_where_and_by_how_much() {
    let close = CustomCallTarget::CheckExpectClose(none());
    outcome(
        &close,
        "bf16[2,2]={{1, 2}, {nan, 4}}",
        "bf16[2,2]={{1, 2}, {3, 5}}",
        expect![
            "check.expect_close: fail at [1, 0]: actual nan, expected 3, distance infinite (at most 3 ulp allowed); 2 of 4 elements differ"
        ],
    );
    outcome(
        &CustomCallTarget::CheckExpectEq(none()),
        "(s32[], pred[2])=(1, {true, true})",
        "(s32[], pred[2])=(1, {true, false})",
        expect![
            "check.expect_eq: fail at array 1 [1]: actual true, expected false, distance 1.0 (0 allowed); 1 of 3 elements differs"
        ],
    );
    outcome(
        &CustomCallTarget::CheckExpectEq(none()),
        "c64[2]={(1, 2), (3, 4)}",
        "c64[2]={(5, 6), (3, 4)}",
        expect![
            "check.expect_eq: fail at [0]: actual (1, 2), expected (5, 6), distance 4.0 (0 allowed); 1 of 2 elements differs"
        ],
    );
    outcome(
        &close,
        "f32[1]={1}",
        "f32[2]={1, 1}",
        expect!["check.expect_close: fail (actual shape f32[1], expected shape f32[2])"],
    );
    let foreign = CustomCallTarget::Other("check.near".to_owned());
    assert_eq!(check(&foreign, &literal("f32[]=1"), &literal("f32[]=1")), None);
}
