//! Floats of at most 8 bits, integers of 2 and 4, tokens, and reduced precision.

use super::{Case, check_cases, run};

pub(super) const CASES: &[Case] = &[
    // Values between two numbers go to the even one; ml_dtypes says what is out of range.
    (
        "f8e4m3fn[7] convert(a)",
        &["f32[7]={1.0625, 1.1875, 448, 464, 465, -inf, 0.0009765625}"],
        "f8e4m3fn[7]={1, 1.25, 448, 448, nan, -nan, 0}",
    ),
    (
        "f8e5m2[4] convert(a)",
        &["f32[4]={61439, 61440, nan, -1e-9}"],
        "f8e5m2[4]={57344, inf, nan, -0}",
    ),
    ("f8e4m3fnuz[3] convert(a)", &["f32[3]={-0, 240, 260}"], "f8e4m3fnuz[3]={0, 240, nan}"),
    ("f4e2m1fn[4] convert(a)", &["f32[4]={100, -2.5, 0.25, nan}"], "f4e2m1fn[4]={6, -2, 0, -0}"),
    ("f8e8m0fnu[4] convert(a)", &["f32[4]={1.4, 3, 0, -1}"], "f8e8m0fnu[4]={1, 4, nan, nan}"),
    (
        "f32[3] convert(a)",
        &["f8e5m2[3]={57344, inf, 1.52587890625e-5}"],
        "f32[3]={57344, inf, 1.52587890625e-5}",
    ),
    (
        "f8e8m0fnu[1] convert(a)",
        &["u64[1]={13835058055282163713}"],
        "f8e8m0fnu[1]={1.8446744073709552e19}",
    ),
    // Each op is computed exactly and rounded.
    (
        "f8e4m3fn[3] add(a, b)",
        &["f8e4m3fn[3]={16, 448, 1}", "f8e4m3fn[3]={1, 32, 0.125}"],
        "f8e4m3fn[3]={16, nan, 1.125}",
    ),
    ("f8e4m3fn[2] exponential(a)", &["f8e4m3fn[2]={1, -9}"], "f8e4m3fn[2]={2.75, 0}"),
    ("f8e5m2[2] negate(a)", &["f8e5m2[2]={-0, inf}"], "f8e5m2[2]={0, -inf}"),
    (
        "pred[3] compare(a, b), direction=LT",
        &["f8e5m2[3]={1, nan, -2}", "f8e5m2[3]={2, 1, -1}"],
        "pred[3]={true, false, true}",
    ),
    ("pred[3] is-finite(a)", &["f8e4m3[3]={1, inf, nan}"], "pred[3]={true, false, false}"),
    (
        "f32[] dot(a, b), lhs_contracting_dims={0}, rhs_contracting_dims={0}",
        &["f8e4m3fn[2]={448, 3}", "f8e4m3fn[2]={448, 0.5}"],
        "f32[]=200705.5",
    ),
    (
        "f8e4m3fn[2] clamp(a, b, c)",
        &["f8e4m3fn[]=0", "f8e4m3fn[2]={-3, 7}", "f8e4m3fn[]=6"],
        "f8e4m3fn[2]={0, 6}",
    ),
    // Integers wrap, and saturate where they come from floats.
    ("s4[3] add(a, b)", &["s4[3]={7, -8, 3}", "s4[3]={7, -8, -1}"], "s4[3]={-2, 0, 2}"),
    ("u4[2] subtract(a, b)", &["u4[2]={0, 9}", "u4[2]={1, 3}"], "u4[2]={15, 6}"),
    ("s4[3] divide(a, b)", &["s4[3]={-8, 7, 5}", "s4[3]={-1, 2, 0}"], "s4[3]={-8, 3, -1}"),
    ("s2[2] multiply(a, a)", &["s2[2]={-2, -1}"], "s2[2]={0, 1}"),
    (
        "s4[3] shift-right-logical(a, b)",
        &["s4[3]={7, -8, 3}", "s4[3]={1, 1, 4}"],
        "s4[3]={3, 4, 0}",
    ),
    (
        "s4[3] shift-right-arithmetic(a, b)",
        &["s4[3]={7, -8, -8}", "s4[3]={1, 1, 4}"],
        "s4[3]={3, -4, -1}",
    ),
    ("s4[2] shift-left(a, b)", &["s4[2]={3, 3}", "s4[2]={2, 5}"], "s4[2]={-4, 0}"),
    ("s4[3] popcnt(a)", &["s4[3]={7, -8, -1}"], "s4[3]={3, 1, 4}"),
    ("s4[3] count-leading-zeros(a)", &["s4[3]={7, -8, 1}"], "s4[3]={1, 0, 3}"),
    ("u2[2] count-leading-zeros(a)", &["u2[2]={0, 1}"], "u2[2]={2, 1}"),
    (
        "s4[7] convert(a)",
        &["f32[7]={9.7, -9.7, 100, nan, -3.5, 7.9, -8.9}"],
        "s4[7]={7, -8, 7, 0, -3, 7, -8}",
    ),
    ("u4[3] convert(a)", &["f32[3]={9.7, -9.7, 100}"], "u4[3]={9, 0, 15}"),
    ("s4[4] convert(a)", &["s32[4]={300, -9, 15, 7}"], "s4[4]={-4, 7, -1, 7}"),
    ("s32[3] convert(a)", &["s4[3]={-8, 7, -1}"], "s32[3]={-8, 7, -1}"),
    ("u4[2] convert(a)", &["s4[2]={-8, 7}"], "u4[2]={8, 7}"),
    ("s4[4] iota(), iota_dimension=0", &[], "s4[4]={0, 1, 2, 3}"),
    ("s4[2] reverse(a), dimensions={0}", &["s4[2]={-8, 7}"], "s4[2]={7, -8}"),
    // The first element is the lowest bits.
    ("s8[1] bitcast-convert(a)", &["s4[1,2]={{-1, 2}}"], "s8[1]={47}"),
    ("s4[1,2] bitcast-convert(a)", &["u8[1]={47}"], "s4[1,2]={{-1, 2}}"),
    ("u16[1] bitcast-convert(a)", &["u4[1,4]={{1, 2, 3, 4}}"], "u16[1]={17185}"),
    ("u8[2] bitcast-convert(a)", &["f8e4m3fn[2]={1, -nan}"], "u8[2]={56, 255}"),
    ("u4[2] bitcast-convert(a)", &["f4e2m1fn[2]={6, -6}"], "u4[2]={7, 15}"),
    // JAX on a CPU.
    (
        "f32[6] reduce-precision(a), exponent_bits=5, mantissa_bits=10",
        &["f32[6]={1.0004883, 65519.996, 65520, 6e-5, 6.2e-5, nan}"],
        "f32[6]={1, 65504, inf, 0, 6.198883e-5, nan}",
    ),
    (
        "f32[3] reduce-precision(a), exponent_bits=8, mantissa_bits=7",
        &["f32[3]={1.00390625, 1.01171875, 1e-40}"],
        "f32[3]={1, 1.015625, 9.1835496e-41}",
    ),
    (
        "f32[2] reduce-precision(a), exponent_bits=8, mantissa_bits=0",
        &["f32[2]={nan, 1.5}"],
        "f32[2]={inf, 2}",
    ),
    (
        "bf16[1] reduce-precision(a), exponent_bits=8, mantissa_bits=23",
        &["bf16[1]={1.5}"],
        "bf16[1]={1.5}",
    ),
];

pub(super) const TRANSFER: &str = "HloModule m
ENTRY main {
  x = f32[] parameter(0)
  t = token[] after-all()
  u = token[] after-all(t, t)
  s = (f32[], u32[], token[]) send(x, u), channel_id=7, is_host_transfer=true
  d = token[] send-done(s), channel_id=7, is_host_transfer=true
  r = (f32[], u32[], token[]) recv(d), channel_id=8, is_host_transfer=true
  ROOT e = (f32[], token[]) recv-done(r), channel_id=8, is_host_transfer=true
}";

#[test]
fn narrow_numbers_are_computed_wide_and_rounded() {
    check_cases(CASES);
}

#[test]
fn sums_of_narrow_numbers_are_rounded_at_the_end() {
    let text = "HloModule m
        f { a = f8e4m3fn[] parameter(0) b = f8e4m3fn[] parameter(1) ROOT c = f8e4m3fn[] add(a, b) }
        ENTRY main {
          a = f8e4m3fn[4] parameter(0)
          zero = f8e4m3fn[] constant(0)
          ROOT r = f8e4m3fn[] reduce(a, zero), dimensions={0}, to_apply=f
        }";
    // One after the other, 16 + 1 would stay 16.
    let result = run(text, &["f8e4m3fn[4]={16, 1, 1, 1}"]).unwrap().result;
    assert_eq!(result, super::literal("f8e4m3fn[]=20"));
}

#[test]
fn transfers_need_a_host() {
    let error = run(TRANSFER, &["f32[]=1"]).unwrap_err().to_string();
    assert!(error.starts_with("instruction s: send on channel 7: "), "{error}");
}
