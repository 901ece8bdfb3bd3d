//! Elementwise functions on the device against the evaluator: values of every size, and all pairs
//! of special ones, with a bound on the distance of each result.

use palmetto_compiler::{
    diagnostic::SourceText,
    evaluator::{EvaluatorOptions, evaluate},
    hlo::{ArrayLiteral, ArrayShape, ElementType, Literal, parse_module, verify},
    options::CompileOptions,
};
use palmetto_runtime::{Clock, LoadedExecutable, RunOptions};

/// Zeros, ones, ties, the ends of the range, and what is no number.
const SPECIAL: [f64; 28] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    1.5,
    2.5,
    -2.5,
    2.0,
    -2.0,
    3.0,
    -3.0,
    7.0,
    0.499_999_97,
    1e-40,
    -1e-40,
    1e-30,
    3e38,
    -3e38,
    16_777_216.0,
    -8_388_607.0,
    1e10,
    0.999_999_9,
    127.3,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
];
/// Values of an operand.
const COUNT: usize = 4096;

/// Numbers that look random, the same each time.
struct Numbers(u64);

impl Numbers {
    fn bits(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) ^ (self.0 >> 11)
    }

    /// Between 0 and 1.
    fn unit(&mut self) -> f64 {
        f64::from(u32::try_from(self.bits() & 0xff_ffff).unwrap_or(0)) / f64::from(1 << 24)
    }

    /// Of either sign, with an exponent between `low` and `high`.
    fn float(&mut self, (low, high): (f64, f64)) -> f64 {
        let size = (low + self.unit() * (high - low)).exp2();
        if self.bits() & 1 == 0 { size } else { -size }
    }
}

/// An operand: the special values, repeated so that operand `n` of two meets all of operand 0, then
/// values whose exponents are in the range.
fn floats(element_type: ElementType, n: usize, exponents: (f64, f64)) -> ArrayLiteral {
    let mut numbers = Numbers(n as u64 + 1);
    let pairs = SPECIAL.len() * SPECIAL.len();
    let values = (0..COUNT).map(|index| {
        let special = if n == 0 { index % SPECIAL.len() } else { index / SPECIAL.len() };
        if index < pairs { SPECIAL[special] } else { numbers.float(exponents) }
    });
    filled(element_type, |literal| {
        values.enumerate().for_each(|(index, value)| literal.set_f64(index, value));
    })
}

/// An operand of integers: small ones, the ends of the range, and any.
fn integers(element_type: ElementType, n: usize) -> ArrayLiteral {
    let mut numbers = Numbers(n as u64 + 1);
    filled(element_type, |literal| {
        for index in 0..COUNT {
            let bits = numbers.bits();
            let shift = numbers.bits() % 33;
            let bits = match index % 4 {
                0 => (bits & 7).wrapping_sub(3),
                1 => (bits & 1).wrapping_sub(1) ^ (1 << (element_type.bit_width() - 1)),
                _ => bits >> shift,
            };
            let mask = u64::MAX >> (u64::BITS - element_type.bit_width());
            literal.set_bits(index, bits & mask);
        }
    })
}

fn filled(element_type: ElementType, fill: impl FnOnce(&mut ArrayLiteral)) -> ArrayLiteral {
    let shape = ArrayShape::new(element_type, vec![COUNT / 128, 128]).expect("a small shape");
    let mut literal = ArrayLiteral::zeros(&shape);
    fill(&mut literal);
    literal
}

/// The distance of two floats in units in the last place of the second; 0 if they are the same.
fn distance(element_type: ElementType, found: f64, exact: f64) -> f64 {
    #![expect(clippy::float_cmp, reason = "equal is equal")]
    let is_same = found == exact && found.is_sign_negative() == exact.is_sign_negative();
    if is_same || found.is_nan() && exact.is_nan() {
        return 0.0;
    }
    let (digits, lowest) = match element_type {
        ElementType::BF16 => (7, -126),
        ElementType::F16 => (10, -14),
        _ => (23, -126),
    };
    let exponent = exact.abs().log2().floor().max(f64::from(lowest));
    let distance = (found - exact).abs() / (exponent - f64::from(digits)).exp2();
    if distance.is_finite() { distance } else { f64::INFINITY }
}

fn check(op: &str, inputs: Vec<ArrayLiteral>, bound: f64) {
    let element_type = inputs[0].element_type();
    let name = element_type.text();
    let operands: Vec<String> = (0..inputs.len()).map(|n| format!("x{n}")).collect();
    let parameters: String = (0..inputs.len())
        .map(|n| format!(" x{n} = {name}[{},128] parameter({n})\n", COUNT / 128))
        .collect();
    let operands = operands.join(", ");
    let text = format!(
        "HloModule m\nENTRY main {{\n{parameters} ROOT r = {name}[{},128] {op}({operands})\n}}\n",
        COUNT / 128
    );
    let module = parse_module(SourceText::new("test.hlo", &text));
    let module = module.unwrap_or_else(|error| panic!("{error}"));
    verify(&module).unwrap_or_else(|error| panic!("{error}"));
    let literals: Vec<Literal> = inputs.iter().cloned().map(Literal::Array).collect();
    let expected = evaluate(&module, &literals, &EvaluatorOptions::default());
    let expected = expected.unwrap_or_else(|error| panic!("{error}")).result;
    let loaded = LoadedExecutable::compile(&module, &CompileOptions::v4().checked());
    let loaded = loaded.unwrap_or_else(|error| panic!("{error}"));
    let options = RunOptions { strict: true, clock: Clock::Chip, max_trips: 1 };
    let execution = loaded.run(&literals, &options).unwrap_or_else(|error| panic!("{error}"));
    assert!(execution.report.modelled_share == 0.0, "{op} of {name} is a modelled launch");
    let found = execution.outputs[0].as_array().expect("an array");
    let expected = expected.as_array().expect("an array");
    for index in 0..COUNT {
        let operands: Vec<f64> = inputs.iter().map(|input| input.get_f64(index)).collect();
        let (found_value, value) = (found.get_f64(index), expected.get_f64(index));
        let is_right = if element_type.is_float() {
            distance(element_type, found_value, value) <= bound
        } else {
            found.bits(index) == expected.bits(index)
        };
        assert!(is_right, "{op} of {name} {operands:?}: {found_value:e}, it should be {value:e}");
    }
}

fn check_floats(op: &str, n_operands: usize, exponents: (f64, f64), ulps: f64) {
    for element_type in [ElementType::F32, ElementType::BF16, ElementType::F16] {
        // Narrow results are rounded once more.
        let bound = if element_type == ElementType::F32 { ulps } else { 1.0 };
        let inputs = (0..n_operands).map(|n| floats(element_type, n, exponents)).collect();
        check(op, inputs, bound);
    }
}

const ANY_SIZE: (f64, f64) = (-120.0, 127.0);
const MODERATE: (f64, f64) = (-20.0, 7.0);

#[test]
fn angles_of_any_size_have_sines() {
    check_floats("sine", 1, ANY_SIZE, 3.0);
    check_floats("cosine", 1, MODERATE, 3.0);
    check_floats("cosine", 1, ANY_SIZE, 3.0);
    check_floats("tan", 1, ANY_SIZE, 4.5);
}

#[test]
fn points_have_angles() {
    check_floats("atan2", 2, MODERATE, 4.0);
    check_floats("atan2", 2, ANY_SIZE, 4.0);
}

#[test]
fn exponentials_and_logarithms_are_good_near_zero() {
    check_floats("exponential-minus-one", 1, MODERATE, 4.0);
    check_floats("log-plus-one", 1, ANY_SIZE, 4.0);
}

#[test]
fn powers_of_all_numbers() {
    check_floats("power", 2, MODERATE, 6.0);
    check_floats("power", 2, (-1.0, 1.0), 6.0);
    check_floats("cbrt", 1, ANY_SIZE, 2.0);
}

#[test]
fn functions_of_the_transcendental_unit() {
    check_floats("exponential", 1, MODERATE, 3.0);
    check_floats("log", 1, ANY_SIZE, 3.0);
    // Below -87 the result is no normal number, and 0 is given.
    check_floats("logistic", 1, (-20.0, 6.4), 4.0);
    check_floats("rsqrt", 1, ANY_SIZE, 1.0);
    check_floats("sqrt", 1, ANY_SIZE, 2.0);
    check_floats("tanh", 1, MODERATE, 1.0);
}

/// The same with 0 for denormal numbers.
fn without_denormals(mut literal: ArrayLiteral) -> ArrayLiteral {
    for index in 0..COUNT {
        if literal.get_f64(index).abs() < f64::from(f32::MIN_POSITIVE) {
            literal.set_f64(index, 0.0);
        }
    }
    literal
}

#[test]
fn quotients_are_exact_but_for_the_last_digit() {
    // What a denormal f32 dividend leaves over is below the smallest number, and the reciprocal of
    // a denormal bf16 divisor is infinite.
    for element_type in [ElementType::F32, ElementType::BF16, ElementType::F16] {
        let operands = [0, 1].map(|n| without_denormals(floats(element_type, n, MODERATE)));
        check("divide", operands.to_vec(), 1.0);
    }
}

#[test]
fn rounding_is_exact() {
    for op in ["ceil", "floor", "round-nearest-afz", "round-nearest-even", "sign", "abs", "negate"]
    {
        check_floats(op, 1, (-3.0, 25.0), 0.0);
    }
    for op in ["maximum", "minimum"] {
        check_floats(op, 2, ANY_SIZE, 0.0);
    }
}

#[test]
fn integers_wrap_divide_and_shift() {
    use ElementType::{S8, S16, S32, U8, U16, U32};
    for element_type in [S8, S16, S32] {
        for op in ["abs", "sign"] {
            check(op, vec![integers(element_type, 0)], 0.0);
        }
    }
    for element_type in [S8, S16, S32, U8, U16, U32] {
        for op in ["count-leading-zeros", "negate", "not", "popcnt"] {
            check(op, vec![integers(element_type, 0)], 0.0);
        }
        for op in [
            "add",
            "and",
            "divide",
            "maximum",
            "minimum",
            "multiply",
            "or",
            "power",
            "remainder",
            "shift-left",
            "shift-right-arithmetic",
            "shift-right-logical",
            "subtract",
            "xor",
        ] {
            check(op, vec![integers(element_type, 0), integers(element_type, 1)], 0.0);
        }
    }
}
