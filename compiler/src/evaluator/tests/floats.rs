//! Arithmetic and functions on floats.

use super::{Case, check_cases};

pub(super) const CASES: &[Case] = &[
    ("f32[4] abs(a)", &["f32[4]={-0, -1.5, nan, -inf}"], "f32[4]={0, 1.5, nan, inf}"),
    ("f32[3] negate(a)", &["f32[3]={0, -1, inf}"], "f32[3]={-0, 1, -inf}"),
    ("bf16[6] sign(a)", &["bf16[6]={-3, 3, 0, -0, nan, -inf}"], "bf16[6]={-1, 1, 0, -0, nan, -1}"),
    ("f32[5] ceil(a)", &["f32[5]={1.1, -1.1, -0.5, 2, inf}"], "f32[5]={2, -1, -0, 2, inf}"),
    ("f32[4] floor(a)", &["f32[4]={1.9, -1.1, -0, 2}"], "f32[4]={1, -2, -0, 2}"),
    (
        "f32[7] round-nearest-even(a)",
        &["f32[7]={0.5, 1.5, 2.5, -0.5, -1.5, 2.6, 8388609}"],
        "f32[7]={0, 2, 2, -0, -2, 3, 8388609}",
    ),
    (
        "f32[6] round-nearest-afz(a)",
        &["f32[6]={0.5, 1.5, 2.5, -0.5, 0.49999997, -2.4}"],
        "f32[6]={1, 2, 3, -1, 0, -2}",
    ),
    (
        "pred[4] is-finite(a)",
        &["f32[4]={1, inf, nan, -3.4028235e38}"],
        "pred[4]={true, false, false, true}",
    ),
    // Functions, rounded from their exact values.
    ("f32[4] cbrt(a)", &["f32[4]={27, -8, 2, -0}"], "f32[4]={3, -2, 1.2599210498948732, -0}"),
    ("f32[3] cosine(a)", &["f32[3]={0, 1, inf}"], "f32[3]={1, 0.5403023058681398, nan}"),
    (
        "f32[6] exponential(a)",
        &["f32[6]={0, 1, -inf, inf, 89, -100}"],
        "f32[6]={1, 2.718281828459045, 0, inf, inf, 3.720075976020836e-44}",
    ),
    ("bf16[2] exponential(a)", &["bf16[2]={1, 2}"], "bf16[2]={2.71875, 7.375}"),
    (
        "f32[4] exponential-minus-one(a)",
        &["f32[4]={1e-10, -0, 1, -inf}"],
        "f32[4]={1e-10, -0, 1.718281828459045, -1}",
    ),
    (
        "f32[5] log(a)",
        &["f32[5]={1, 0, -1, inf, 2}"],
        "f32[5]={0, -inf, nan, inf, 0.6931471805599453}",
    ),
    (
        "f32[4] log-plus-one(a)",
        &["f32[4]={1e-10, -1, 1, -2}"],
        "f32[4]={1e-10, -inf, 0.6931471805599453, nan}",
    ),
    (
        "f32[5] logistic(a)",
        &["f32[5]={0, 1, -inf, inf, -100}"],
        "f32[5]={0.5, 0.7310585786300049, 0, 1, 3.720075976020836e-44}",
    ),
    ("f32[4] rsqrt(a)", &["f32[4]={4, 0, -1, inf}"], "f32[4]={0.5, inf, nan, 0}"),
    ("f32[2] sine(a)", &["f32[2]={-0, 1}"], "f32[2]={-0, 0.8414709848078965}"),
    ("f32[4] sqrt(a)", &["f32[4]={2, -0, -1, inf}"], "f32[4]={1.4142135623730951, -0, nan, inf}"),
    ("f16[1] sqrt(a)", &["f16[1]={2}"], "f16[1]={1.4140625}"),
    ("f32[2] tan(a)", &["f32[2]={1, -0}"], "f32[2]={1.5574077246549023, -0}"),
    ("f32[4] tanh(a)", &["f32[4]={0.5, -inf, inf, -0}"], "f32[4]={0.46211715726000973, -1, 1, -0}"),
    ("f64[1] tanh(a)", &["f64[1]={0.5}"], "f64[1]={0.46211715726000973}"),
    // Two operands.
    (
        "f32[3] add(a, b)",
        &["f32[3]={16777216, inf, 0.1}", "f32[3]={1, -inf, 0.2}"],
        "f32[3]={16777216, nan, 0.30000001}",
    ),
    ("bf16[2] add(a, b)", &["bf16[2]={256, 1}", "bf16[2]={1, 0.00390625}"], "bf16[2]={256, 1}"),
    ("f16[1] add(a, b)", &["f16[1]={65504}", "f16[1]={16}"], "f16[1]={inf}"),
    ("f64[1] add(a, b)", &["f64[1]={0.1}", "f64[1]={0.2}"], "f64[1]={0.30000000000000004}"),
    ("f32[2] subtract(a, b)", &["f32[2]={1, -0}", "f32[2]={1, 0}"], "f32[2]={0, -0}"),
    (
        "f32[3] multiply(a, b)",
        &["f32[3]={0, 1e30, 3}", "f32[3]={inf, 1e30, -0}"],
        "f32[3]={nan, inf, -0}",
    ),
    (
        "f32[4] divide(a, b)",
        &["f32[4]={1, -1, 0, 2}", "f32[4]={3, 0, 0, -inf}"],
        "f32[4]={0.33333334, -inf, nan, -0}",
    ),
    (
        "f32[5] remainder(a, b)",
        &["f32[5]={5.5, -5.5, 5, 5, 1}", "f32[5]={2, 2, inf, 0, -3}"],
        "f32[5]={1.5, -1.5, 5, nan, 1}",
    ),
    (
        "f32[6] power(a, b)",
        &["f32[6]={2, -2, -2, 0, nan, 4}", "f32[6]={0.5, 3, 0.5, -1, 0, -0.5}"],
        "f32[6]={1.4142135623730951, -8, nan, inf, 1, 0.5}",
    ),
    (
        "f32[5] atan2(a, b)",
        &["f32[5]={1, 0, -0, 1, nan}", "f32[5]={1, -1, -1, 0, 1}"],
        "f32[5]={0.7853981633974483, 3.141592653589793, -3.141592653589793, 1.5707963267948966, nan}",
    ),
    (
        "f32[5] maximum(a, b)",
        &["f32[5]={1, nan, 1, -0, 0}", "f32[5]={2, 1, nan, 0, -0}"],
        "f32[5]={2, nan, nan, 0, 0}",
    ),
    (
        "bf16[5] minimum(a, b)",
        &["bf16[5]={1, nan, 1, -0, 0}", "bf16[5]={2, 1, nan, 0, -0}"],
        "bf16[5]={1, nan, nan, -0, -0}",
    ),
];

#[test]
fn floats_are_rounded_once() {
    check_cases(CASES);
}

#[test]
fn computed_nans_have_one_pattern() {
    // Hosts give inf - inf a sign of their own, and pass on the payloads of operands.
    let cases = [
        ("f32[] subtract(a, a)", "f32[]=inf"),
        ("f32[] add(a, a)", "f32[]=-nan"),
        ("f32[] sqrt(a)", "f32[]=-1"),
        ("bf16[] maximum(a, a)", "bf16[]=-nan"),
        ("f32[] dot(a, a)", "f32[]=-nan"),
    ];
    for (instruction, argument) in cases {
        let argument = super::literal(argument);
        let text = super::case_text("", instruction, std::slice::from_ref(&argument));
        let options = super::EvaluatorOptions::default();
        let result = super::evaluate(&super::module(&text), &[argument], &options).unwrap().result;
        let bits = result.as_array().unwrap().bits(0);
        assert!(bits == 0x7fc0_0000 || bits == 0x7fc0, "{instruction}: {bits:x}");
    }
}

#[test]
fn bf16_functions_do_not_round_twice() {
    // The exact square of 1.0703125 is 1.14556884765625, above the tie 1.14453125 of bf16; and
    // all sums of two bf16 equal the f64 sum rounded once.
    for a in (0x3f80u16..0x4000).step_by(3) {
        for b in (0x3a00u16..0x4000).step_by(37) {
            let (a, b) = (half::bf16::from_bits(a), half::bf16::from_bits(b));
            let arguments = [crate::hlo::Literal::scalar(a), crate::hlo::Literal::scalar(b)];
            let shape = crate::hlo::ArrayShape::scalar(crate::hlo::ElementType::BF16);
            let operands = arguments.map(|argument| argument.as_array().unwrap().clone());
            let sum = super::super::elementwise::binary(
                crate::hlo::Opcode::Add,
                &shape,
                &operands[0],
                &operands[1],
            );
            let exact = a.to_f64() + b.to_f64();
            let sum = sum.unwrap().get_f64(0);
            // No bf16 is nearer: the neighbours are at least as far away.
            let bits = half::bf16::from_f64(sum).to_bits();
            for neighbour in [bits - 1, bits + 1] {
                let neighbour = half::bf16::from_bits(neighbour).to_f64();
                assert!((sum - exact).abs() <= (neighbour - exact).abs(), "{a} + {b} = {sum}");
            }
        }
    }
}
