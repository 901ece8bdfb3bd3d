//! Reductions of several arrays, and by any computation: where the extremum is, sums of pairs,
//! computations of many ops.

use std::fmt::Write;

use palmetto_testkit::llo_generator::Random;

use super::{check_bits as check, reductions::list};

/// Generated programs; a failure names its seed.
const PROGRAMS: u64 = 60;

/// The computation of JAX's `argmax` and `argmin`: NaN comes first, then the extremum; of equals
/// the one with the lowest index.
fn extremum(element: &str, index: &str, direction: &str) -> String {
    format!(
        "extremum {{\n x = {element}[] parameter(0)\n i = {index}[] parameter(1)\n y = {element}[] parameter(2)\n j = {index}[] parameter(3)\n beats = pred[] compare(x, y), direction={direction}\n nan = pred[] compare(x, x), direction=NE\n first = pred[] or(beats, nan)\n equal = pred[] compare(x, y), direction=EQ\n lower = pred[] compare(i, j), direction=LT\n tie = pred[] and(equal, lower)\n is = pred[] or(first, tie)\n v = {element}[] select(first, x, y)\n k = {index}[] select(is, i, j)\n ROOT r = ({element}[], {index}[]) tuple(v, k)\n}}\n"
    )
}

/// An operand with many ties; of floats some are NaN. Zeros have one sign: which of two zeros is
/// the extremum depends on the order in which they are taken.
fn operand(element: &str, sizes: &str) -> String {
    let shape = format!("{element}[{sizes}]");
    let constant = |name: &str, value: &str| {
        format!(
            " {name}s = {element}[] constant({value})\n {name} = {shape} broadcast({name}s), dimensions={{}}\n"
        )
    };
    if !matches!(element, "f32" | "bf16" | "f16") {
        return format!(
            " p = {shape} parameter(0)\n{} x = {shape} and(p, few)\n",
            constant("few", "7")
        );
    }
    format!(
        " p = {shape} parameter(0)\n{}{}{}{} scaled = {shape} multiply(p, four)\n even = {shape} round-nearest-even(scaled)\n nil = pred[{sizes}] compare(even, zeros), direction=EQ\n whole = {shape} select(nil, zeros, even)\n low = pred[{sizes}] compare(whole, limit), direction=LT\n x = {shape} select(low, nan, whole)\n",
        constant("four", "4"),
        constant("limit", "-3"),
        constant("nan", "nan"),
        constant("zeros", "0"),
    )
}

/// The extremum along a dimension and where it is.
fn check_extremum(
    (element, index, direction): (&str, &str, &str),
    (from, dimension, to): (&str, usize, &str),
) {
    let initial = match (element, direction) {
        ("f32" | "bf16" | "f16", "GT") => "-inf",
        ("f32" | "bf16" | "f16", _) => "inf",
        ("s32", "GT") => "-2147483648",
        ("s32", _) => "2147483647",
        ("s8", _) => "-128",
        (_, _) => "0",
    };
    check(&format!(
        "{}ENTRY main {{\n{} z = {element}[] constant({initial})\n at = {index}[{from}] iota(), iota_dimension={dimension}\n zero = {index}[] constant(0)\n ROOT r = ({element}[{to}], {index}[{to}]) reduce(x, at, z, zero), dimensions={{{dimension}}}, to_apply=extremum\n}}\n",
        extremum(element, index, direction),
        operand(element, from),
    ));
}

#[test]
fn the_first_extremum_along_lanes() {
    check_extremum(("f32", "s32", "GT"), ("8,3000", 1, "8"));
    check_extremum(("f32", "s32", "LT"), ("3,13,200", 2, "3,13"));
    check_extremum(("bf16", "s32", "GT"), ("150,300", 1, "150"));
    check_extremum(("f16", "u32", "GT"), ("20,130", 1, "20"));
    check_extremum(("s32", "s32", "GT"), ("40,5", 1, "40"));
    check_extremum(("s8", "s32", "GT"), ("70,1300", 1, "70"));
    check_extremum(("f32", "s32", "GT"), ("2,9000", 1, "2"));
}

#[test]
fn the_first_extremum_along_rows_and_majors() {
    check_extremum(("f32", "s32", "GT"), ("40,300", 0, "300"));
    check_extremum(("bf16", "s32", "LT"), ("3,50,200", 1, "3,200"));
    check_extremum(("u32", "s32", "GT"), ("5,13,200", 0, "13,200"));
    check_extremum(("bf16", "s32", "GT"), ("4,5,16,200", 1, "4,16,200"));
    check_extremum(("f32", "s32", "GT"), ("1700,130", 0, "130"));
}

#[test]
fn the_first_extremum_of_all() {
    check_extremum(("f32", "s32", "GT"), ("5000", 0, ""));
    check_extremum(("f32", "s32", "LT"), ("70", 0, ""));
    check_extremum(("s8", "s32", "GT"), ("9000", 0, ""));
    check_extremum(("bf16", "s32", "GT"), ("300000", 0, ""));
}

#[test]
fn nothing_but_nan_is_found_at_the_first() {
    check(&format!(
        "{}ENTRY main {{\n n = f32[] constant(nan)\n x = f32[9,700] broadcast(n), dimensions={{}}\n z = f32[] constant(-inf)\n at = s32[9,700] iota(), iota_dimension=1\n zero = s32[] constant(0)\n r = (f32[9], s32[9]) reduce(x, at, z, zero), dimensions={{1}}, to_apply=extremum\n ROOT i = s32[9] get-tuple-element(r), index=1\n}}\n",
        extremum("f32", "s32", "GT"),
    ));
}

#[test]
fn an_index_that_is_given() {
    check(&format!(
        "{}ENTRY main {{\n x = f32[20,300] parameter(0)\n at = s32[20,300] parameter(1)\n z = f32[] constant(-inf)\n zero = s32[] constant(0)\n ROOT r = (f32[20], s32[20]) reduce(x, at, z, zero), dimensions={{1}}, to_apply=extremum\n}}\n",
        extremum("f32", "s32", "GT"),
    ));
}

/// Sums, squares and extrema at once, of types of several widths.
const MOMENTS: &str = "moments {\n a = f32[] parameter(0)\n b = s32[] parameter(1)\n c = s8[] parameter(2)\n p = f32[] parameter(3)\n q = s32[] parameter(4)\n r = s8[] parameter(5)\n s = f32[] add(a, p)\n t = s32[] xor(b, q)\n u = s8[] maximum(c, r)\n ROOT m = (f32[], s32[], s8[]) tuple(s, t, u)\n}\n";

fn check_moments((from, dimensions, to): (&str, &str, &str)) {
    check(&format!(
        "{MOMENTS}ENTRY main {{\n x = s16[{from}] parameter(0)\n y = s32[{from}] parameter(1)\n z = s8[{from}] parameter(2)\n v = f32[{from}] convert(x)\n zero = f32[] constant(0)\n none = s32[] constant(0)\n least = s8[] constant(-128)\n ROOT r = (f32[{to}], s32[{to}], s8[{to}]) reduce(v, y, z, zero, none, least), dimensions={{{dimensions}}}, to_apply=moments\n}}\n"
    ));
}

#[test]
fn three_arrays_at_once() {
    check_moments(("40,300", "1", "40"));
    check_moments(("40,300", "0", "300"));
    check_moments(("3,33,300", "1,2", "3"));
    check_moments(("5,3,33,30", "0,1", "33,30"));
    check_moments(("9,20,30", "0,1,2", ""));
    check_moments(("7000", "0", ""));
}

#[test]
fn one_array_by_a_computation_of_several_ops() {
    // The larger in magnitude: neutral is 0.
    let computation = "larger {\n x = f32[] parameter(0)\n y = f32[] parameter(1)\n a = f32[] abs(x)\n b = f32[] abs(y)\n c = pred[] compare(a, b), direction=GT\n e = pred[] compare(a, b), direction=EQ\n m = f32[] maximum(x, y)\n s = f32[] select(c, x, y)\n ROOT r = f32[] select(e, m, s)\n}\n";
    for (from, dimensions, to) in [("20,300", "1", "20"), ("20,300", "0", "300"), ("999", "0", "")]
    {
        check(&format!(
            "{computation}ENTRY main {{\n x = f32[{from}] parameter(0)\n z = f32[] constant(0)\n ROOT r = f32[{to}] reduce(x, z), dimensions={{{dimensions}}}, to_apply=larger\n}}\n"
        ));
    }
}

#[test]
fn both_cores_look_for_an_extremum() {
    // 8 MB: it pays to split.
    check_extremum(("f32", "s32", "GT"), ("2000000", 0, ""));
}

/// An extremum of a generated shape and type.
fn program(seed: u64) -> String {
    let random = &mut Random::new(seed);
    let sizes = super::reductions::dimensions(random);
    let (element, low) =
        [("f32", "-inf"), ("bf16", "-inf"), ("f16", "-inf"), ("s32", "-2147483648"), ("u8", "0")]
            [random.below(5)];
    let dimension = random.below(sizes.len());
    let kept: Vec<usize> = (0..sizes.len()).filter(|d| *d != dimension).map(|d| sizes[d]).collect();
    let (from, to) = (list(&sizes), list(&kept));
    let mut text = extremum(element, "s32", "GT");
    write!(
        text,
        "ENTRY main {{\n{} z = {element}[] constant({low})\n at = s32[{from}] iota(), iota_dimension={dimension}\n zero = s32[] constant(0)\n ROOT r = ({element}[{to}], s32[{to}]) reduce(x, at, z, zero), dimensions={{{dimension}}}, to_apply=extremum\n}}\n",
        operand(element, &from),
    )
    .expect("a string grows");
    text
}

#[test]
fn generated_extrema() {
    for seed in 0..PROGRAMS {
        let text = program(seed);
        let run = std::panic::catch_unwind(|| check(&text));
        assert!(run.is_ok(), "seed {seed}:\n{text}");
    }
}
