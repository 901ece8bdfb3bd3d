//! Integers, truth values, comparison, selection and conversion.

use super::{Case, check_cases};

pub(super) const CASES: &[Case] = &[
    // Integers wrap.
    ("s8[3] add(a, b)", &["s8[3]={127, -128, 1}", "s8[3]={1, -1, 2}"], "s8[3]={-128, 127, 3}"),
    ("u8[2] add(a, b)", &["u8[2]={255, 1}", "u8[2]={2, 2}"], "u8[2]={1, 3}"),
    ("s32[1] subtract(a, b)", &["s32[1]={-2147483648}", "s32[1]={1}"], "s32[1]={2147483647}"),
    ("u64[1] subtract(a, b)", &["u64[1]={0}", "u64[1]={1}"], "u64[1]={18446744073709551615}"),
    ("s16[2] multiply(a, b)", &["s16[2]={300, -3}", "s16[2]={300, 5}"], "s16[2]={24464, -15}"),
    ("u64[1] multiply(a, a)", &["u64[1]={4294967297}"], "u64[1]={8589934593}"),
    ("s8[2] negate(a)", &["s8[2]={-128, 5}"], "s8[2]={-128, -5}"),
    ("u8[2] negate(a)", &["u8[2]={1, 0}"], "u8[2]={255, 0}"),
    ("s8[3] abs(a)", &["s8[3]={-128, -5, 5}"], "s8[3]={-128, 5, 5}"),
    ("s32[3] sign(a)", &["s32[3]={-7, 0, 9}"], "s32[3]={-1, 0, 1}"),
    // Division by 0 gives all ones, the remainder the dividend; the one overflow wraps.
    (
        "s32[6] divide(a, b)",
        &["s32[6]={7, -7, 7, 5, -5, -2147483648}", "s32[6]={2, 2, -2, 0, 0, -1}"],
        "s32[6]={3, -3, -3, -1, -1, -2147483648}",
    ),
    ("u8[2] divide(a, b)", &["u8[2]={200, 9}", "u8[2]={0, 2}"], "u8[2]={255, 4}"),
    (
        "s32[6] remainder(a, b)",
        &["s32[6]={7, -7, 7, 5, -5, -2147483648}", "s32[6]={2, 2, -2, 0, 0, -1}"],
        "s32[6]={1, -1, 1, 5, -5, 0}",
    ),
    ("u8[2] remainder(a, b)", &["u8[2]={200, 9}", "u8[2]={0, 2}"], "u8[2]={200, 1}"),
    // Negative exponents: only 1 and -1 have an integral inverse; 0 to the 0 is 1.
    (
        "s32[9] power(a, b)",
        &["s32[9]={2, -3, 0, 1, -1, -1, 2, 0, 3}", "s32[9]={10, 3, 0, -5, -3, -4, -1, -1, 32}"],
        "s32[9]={1024, -27, 1, 1, -1, 1, 0, 0, -501334399}",
    ),
    ("u8[2] power(a, b)", &["u8[2]={2, 3}", "u8[2]={8, 255}"], "u8[2]={0, 171}"),
    ("s8[2] maximum(a, b)", &["s8[2]={-1, 5}", "s8[2]={1, -5}"], "s8[2]={1, 5}"),
    ("u8[2] minimum(a, b)", &["u8[2]={255, 5}", "u8[2]={1, 250}"], "u8[2]={1, 5}"),
    ("s8[2] and(a, b)", &["s8[2]={-1, 12}", "s8[2]={7, 10}"], "s8[2]={7, 8}"),
    ("u16[1] or(a, b)", &["u16[1]={65280}", "u16[1]={255}"], "u16[1]={65535}"),
    ("s64[1] xor(a, b)", &["s64[1]={-1}", "s64[1]={1}"], "s64[1]={-2}"),
    ("s8[2] not(a)", &["s8[2]={0, -128}"], "s8[2]={-1, 127}"),
    ("u32[1] not(a)", &["u32[1]={1}"], "u32[1]={4294967294}"),
    ("s16[3] count-leading-zeros(a)", &["s16[3]={0, 1, -1}"], "s16[3]={16, 15, 0}"),
    ("u64[2] count-leading-zeros(a)", &["u64[2]={0, 256}"], "u64[2]={64, 55}"),
    ("s8[3] popcnt(a)", &["s8[3]={-1, -128, 5}"], "s8[3]={8, 1, 2}"),
    // Shifts by the width or more, as unsigned numbers, lose everything but the sign.
    (
        "s8[5] shift-left(a, b)",
        &["s8[5]={1, 1, 1, 1, -1}", "s8[5]={0, 7, 8, -1, 4}"],
        "s8[5]={1, -128, 0, 0, -16}",
    ),
    (
        "s32[5] shift-right-arithmetic(a, b)",
        &["s32[5]={-8, 8, -8, 8, -8}", "s32[5]={1, 1, 32, 99, -1}"],
        "s32[5]={-4, 4, -1, 0, -1}",
    ),
    (
        "u8[3] shift-right-arithmetic(a, b)",
        &["u8[3]={128, 64, 128}", "u8[3]={1, 1, 9}"],
        "u8[3]={192, 32, 255}",
    ),
    (
        "s32[4] shift-right-logical(a, b)",
        &["s32[4]={-1, -1, -1, 8}", "s32[4]={31, 32, -1, 3}"],
        "s32[4]={1, 0, 0, 1}",
    ),
    (
        "u64[1] shift-right-logical(a, b)",
        &["u64[1]={18446744073709551615}", "u64[1]={63}"],
        "u64[1]={1}",
    ),
    // pred: add is or, multiply is and.
    (
        "pred[4] add(a, b)",
        &["pred[4]={false, false, true, true}", "pred[4]={false, true, false, true}"],
        "pred[4]={false, true, true, true}",
    ),
    (
        "pred[4] multiply(a, b)",
        &["pred[4]={false, false, true, true}", "pred[4]={false, true, false, true}"],
        "pred[4]={false, false, false, true}",
    ),
    (
        "pred[4] xor(a, b)",
        &["pred[4]={false, false, true, true}", "pred[4]={false, true, false, true}"],
        "pred[4]={false, true, true, false}",
    ),
    (
        "pred[4] maximum(a, b)",
        &["pred[4]={false, false, true, true}", "pred[4]={false, true, false, true}"],
        "pred[4]={false, true, true, true}",
    ),
    (
        "pred[4] minimum(a, b)",
        &["pred[4]={false, false, true, true}", "pred[4]={false, true, false, true}"],
        "pred[4]={false, false, false, true}",
    ),
    ("pred[2] not(a)", &["pred[2]={true, false}"], "pred[2]={false, true}"),
    (
        "pred[2] and(a, b)",
        &["pred[2]={true, true}", "pred[2]={true, false}"],
        "pred[2]={true, false}",
    ),
    (
        "pred[2] or(a, b)",
        &["pred[2]={true, false}", "pred[2]={false, false}"],
        "pred[2]={true, false}",
    ),
    ("pred[2] copy(a)", &["pred[2]={true, false}"], "pred[2]={true, false}"),
    ("s32[2] copy(a)", &["s32[2]={1, 2}"], "s32[2]={1, 2}"),
    // Comparison.
    (
        "pred[3] compare(a, b), direction=LT",
        &["s8[3]={-1, 1, 1}", "s8[3]={1, 1, -1}"],
        "pred[3]={true, false, false}",
    ),
    (
        "pred[2] compare(a, b), direction=GE",
        &["u8[2]={255, 1}", "u8[2]={1, 255}"],
        "pred[2]={true, false}",
    ),
    (
        "pred[4] compare(a, b), direction=GT",
        &["pred[4]={false, false, true, true}", "pred[4]={false, true, false, true}"],
        "pred[4]={false, false, true, false}",
    ),
    (
        "pred[5] compare(a, b), direction=EQ",
        &["f32[5]={nan, 0, 1, inf, 1}", "f32[5]={nan, -0, 1, inf, 2}"],
        "pred[5]={false, true, true, true, false}",
    ),
    (
        "pred[4] compare(a, b), direction=NE",
        &["f32[4]={nan, 0, 1, nan}", "f32[4]={nan, -0, 1, 1}"],
        "pred[4]={true, false, false, true}",
    ),
    (
        "pred[4] compare(a, b), direction=LE",
        &["bf16[4]={nan, -0, 1, 2}", "bf16[4]={1, 0, 1, 1}"],
        "pred[4]={false, true, true, false}",
    ),
    (
        "pred[4] compare(a, b), direction=LT, type=TOTALORDER",
        &["f32[4]={-0, 0, inf, 1}", "f32[4]={0, -0, nan, 1}"],
        "pred[4]={true, false, true, false}",
    ),
    (
        "pred[3] compare(a, b), direction=EQ, type=TOTALORDER",
        &["f16[3]={nan, 0, 1}", "f16[3]={nan, -0, 1}"],
        "pred[3]={true, false, true}",
    ),
    // Selection.
    (
        "f32[3] select(a, b, c)",
        &["pred[3]={true, false, true}", "f32[3]={1, 2, nan}", "f32[3]={4, 5, 6}"],
        "f32[3]={1, 5, nan}",
    ),
    (
        "s8[3] select(a, b, c)",
        &["pred[]=false", "s8[3]={1, 2, 3}", "s8[3]={4, 5, 6}"],
        "s8[3]={4, 5, 6}",
    ),
    (
        "f32[4] clamp(a, b, c)",
        &["f32[]=-1", "f32[4]={-5, 0.5, 5, nan}", "f32[]=1"],
        "f32[4]={-1, 0.5, 1, nan}",
    ),
    (
        "s32[3] clamp(a, b, c)",
        &["s32[3]={0, 1, 9}", "s32[3]={-5, 5, 5}", "s32[3]={3, 3, 3}"],
        "s32[3]={0, 3, 3}",
    ),
    ("u8[] clamp(a, b, c)", &["u8[]=3", "u8[]=200", "u8[]=100"], "u8[]=100"),
    // Conversion: floats to integers saturate, NaN is 0; integers to integers wrap.
    (
        "s8[7] convert(a)",
        &["f32[7]={1.9, -1.9, 127.5, 128, -129, nan, -inf}"],
        "s8[7]={1, -1, 127, 127, -128, 0, -128}",
    ),
    ("u8[5] convert(a)", &["bf16[5]={-1, 255, 256, inf, nan}"], "u8[5]={0, 255, 255, 255, 0}"),
    (
        "s32[3] convert(a)",
        &["f32[3]={2147483648, -2147483648, 16777216}"],
        "s32[3]={2147483647, -2147483648, 16777216}",
    ),
    ("u64[2] convert(a)", &["f64[2]={1e300, -1}"], "u64[2]={18446744073709551615, 0}"),
    ("s8[3] convert(a)", &["s32[3]={128, -129, 511}"], "s8[3]={-128, 127, -1}"),
    ("u32[2] convert(a)", &["s8[2]={-1, 5}"], "u32[2]={4294967295, 5}"),
    ("s64[2] convert(a)", &["u32[2]={4294967295, 5}"], "s64[2]={4294967295, 5}"),
    (
        "pred[5] convert(a)",
        &["f32[5]={0, -0, nan, 1e-45, -3}"],
        "pred[5]={false, false, true, true, true}",
    ),
    ("pred[2] convert(a)", &["s32[2]={0, 256}"], "pred[2]={false, true}"),
    ("bf16[2] convert(a)", &["pred[2]={false, true}"], "bf16[2]={0, 1}"),
    // To nearest, ties to even, once.
    (
        "bf16[5] convert(a)",
        &["f32[5]={1.00390625, 1.01171875, 1.0039064, -1.00390625, 3.4e38}"],
        "bf16[5]={1, 1.015625, 1.0078125, -1, inf}",
    ),
    ("f16[3] convert(a)", &["f32[3]={65519, 65520, 1e-8}"], "f16[3]={65504, inf, 0}"),
    ("f32[2] convert(a)", &["s32[2]={16777217, 16777219}"], "f32[2]={16777216, 16777220}"),
    ("bf16[2] convert(a)", &["f64[2]={1.00390625, 1.0039062500000002}"], "bf16[2]={1, 1.0078125}"),
    ("f64[2] convert(a)", &["bf16[2]={1.0078125, nan}"], "f64[2]={1.0078125, nan}"),
    ("f32[1] convert(a)", &["f32[1]={1.5}"], "f32[1]={1.5}"),
];

#[test]
fn elements_are_computed_as_the_table_says() {
    check_cases(CASES);
}

#[test]
fn chunks_are_seamless() {
    // More elements than one task takes, so that several threads work on them.
    let data: Vec<i32> = (0..100_000).collect();
    let argument = crate::hlo::Literal::from_slice(&[100_000], &data).unwrap();
    let text = super::case_text("", "s32[100000] multiply(a, a)", std::slice::from_ref(&argument));
    let module = super::module(&text);
    let result = super::evaluate(&module, &[argument], &super::EvaluatorOptions::default());
    let result = result.unwrap().result;
    let expected: Vec<i32> = data.iter().map(|x| x.wrapping_mul(*x)).collect();
    assert_eq!(result.as_array().unwrap().as_slice::<i32>().unwrap(), expected);
}
