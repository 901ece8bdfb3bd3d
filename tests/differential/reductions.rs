//! Reductions: every kind of result, then generated ones.

use std::fmt::Write;

use palmetto_testkit::llo_generator::Random;

use super::check;

/// Generated programs; a failure names its seed.
const PROGRAMS: u64 = 150;
/// The most elements that a generated operand has.
const MOST_ELEMENTS: usize = 60_000;

/// A reduction of a parameter, and what it starts from.
fn check_reduce(
    element: &str,
    (opcode, initial): (&str, &str),
    (from, dimensions, to): (&str, &str, &str),
) {
    check(&format!(
        "c {{\n a = {element}[] parameter(0)\n b = {element}[] parameter(1)\n ROOT r = {element}[] {opcode}(a, b)\n}}\nENTRY main {{\n x = {element}[{from}] parameter(0)\n z = {element}[] constant({initial})\n ROOT r = {element}[{to}] reduce(x, z), dimensions={{{dimensions}}}, to_apply=c\n}}\n"
    ));
}

const SUM: (&str, &str) = ("add", "0");
const MAX: (&str, &str) = ("maximum", "-inf");

#[test]
fn over_rows() {
    check_reduce("f32", SUM, ("40,300", "0", "300"));
    check_reduce("f32", MAX, ("3,13,200", "0,1", "200"));
    check_reduce("bf16", SUM, ("4,32,2500", "0,1", "2500"));
    check_reduce("f32", ("minimum", "0.25"), ("5,13,1300", "1", "5,1300"));
    check_reduce("s32", ("maximum", "3"), ("2,11,13,200", "2", "2,11,200"));
    check_reduce("bf16", SUM, ("11,16,200", "1", "11,200"));
    check_reduce("f32", SUM, ("1700,1200", "0", "1200"));
    check_reduce("f32", SUM, ("300,16,128", "1", "300,128"));
}

#[test]
fn over_majors() {
    check_reduce("f32", SUM, ("6,13,200", "0", "13,200"));
    check_reduce("bf16", MAX, ("2,5,16,200", "1", "2,16,200"));
    check_reduce("u32", ("minimum", "7"), ("3,5,13,1100", "0,1", "13,1100"));
    check_reduce("bf16", SUM, ("5,3,5,100", "1", "5,5,100"));
}

#[test]
fn over_lanes() {
    check_reduce("f32", SUM, ("40,300", "1", "40"));
    check_reduce("bf16", MAX, ("1500,130", "1", "1500"));
    check_reduce("f32", SUM, ("3,150,300", "2", "3,150"));
    check_reduce("s32", SUM, ("2,3,13,200", "3", "2,3,13"));
    check_reduce("f32", MAX, ("3,5,13,200", "1,3", "3,13"));
    check_reduce("f32", SUM, ("3000,70", "1", "3000"));
    check_reduce("f32", SUM, ("20,70000", "1", "20"));
}

#[test]
fn to_single_elements() {
    check_reduce("f32", SUM, ("3,13,300", "0,1,2", ""));
    check_reduce("f32", MAX, ("3,13,300", "1,2", "3"));
    check_reduce("bf16", SUM, ("4,3,16,300", "2,3", "4,3"));
    check_reduce("f32", SUM, ("1000", "0", ""));
    check_reduce("f16", MAX, ("5000", "0", ""));
    check_reduce("f32", SUM, ("700,9,20", "1,2", "700"));
    check_reduce("u8", ("or", "8"), ("9,150,3,9", "2,3", "9,150"));
}

/// An operand: how to declare and broadcast it to the dimensions.
fn operand(random: &mut Random, element: &str, dimensions: &[usize]) -> (String, Vec<usize>) {
    let all: Vec<usize> = (0..dimensions.len()).collect();
    let kept: Vec<usize> = match random.below(3) {
        0 => all,
        _ => all.into_iter().filter(|_| random.below(2) == 0).collect(),
    };
    let sizes: Vec<usize> = kept.iter().map(|d| dimensions[*d]).collect();
    (format!("{element}[{}]", list(&sizes)), kept)
}

pub(super) fn list(numbers: &[usize]) -> String {
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    numbers.join(",")
}

/// Sizes of which many are just above or below what registers hold.
pub(super) fn dimensions(random: &mut Random) -> Vec<usize> {
    const MAJORS: [usize; 8] = [2, 3, 4, 7, 9, 17, 130, 260];
    const ROWS: [usize; 9] = [2, 3, 8, 13, 16, 20, 32, 130, 600];
    const LANES: [usize; 9] = [2, 5, 100, 128, 130, 256, 300, 1100, 4100];
    loop {
        let rank = 1 + random.below(5);
        let pick = |random: &mut Random, from_last: usize| match from_last {
            0 if rank == 1 => 2 + random.below(9000),
            0 => LANES[random.below(LANES.len())],
            1 => ROWS[random.below(ROWS.len())],
            _ => MAJORS[random.below(MAJORS.len())],
        };
        let sizes: Vec<usize> = (0..rank).rev().map(|d| pick(random, d)).collect();
        if sizes.iter().product::<usize>() <= MOST_ELEMENTS {
            return sizes;
        }
    }
}

/// A reduction of a generated shape, type and operand.
pub(super) fn program(seed: u64) -> String {
    const ELEMENTS: [&str; 10] =
        ["f32", "f32", "bf16", "f16", "s32", "u32", "s16", "u16", "s8", "u8"];
    let random = &mut Random::new(seed);
    let sizes = dimensions(random);
    let is_mask = random.below(8) == 0;
    let source = ELEMENTS[random.below(ELEMENTS.len())];
    let element = if is_mask { "pred" } else { source };
    let is_float = matches!(element, "f32" | "bf16" | "f16");
    let opcodes: &[&str] = if is_float {
        &["add", "add", "multiply", "maximum", "minimum"]
    } else {
        &["add", "multiply", "maximum", "minimum", "and", "or", "xor"]
    };
    let opcode = opcodes[random.below(opcodes.len())];
    let mut text = format!(
        "c {{\n a = {element}[] parameter(0)\n b = {element}[] parameter(1)\n ROOT r = {element}[] {opcode}(a, b)\n}}\nENTRY main {{\n"
    );
    let whole = format!("{source}[{}]", list(&sizes));
    writeln!(text, " v0 = {whole} parameter(0)").expect("a string grows");
    let n_more = match opcode {
        _ if is_mask => 1,
        // The error of a factor that is 0 has no bound relative to it.
        "multiply" if is_float => 0,
        _ => random.below(4),
    };
    for n in 1..=n_more {
        let (shape, kept) = operand(random, source, &sizes);
        let last = n - 1;
        let op = match random.below(4) {
            _ if is_mask => "compare",
            0 => "add",
            1 => "multiply",
            2 => "subtract",
            _ => "maximum",
        };
        let result = if is_mask { format!("pred[{}]", list(&sizes)) } else { whole.clone() };
        let direction = if is_mask { ", direction=LT" } else { "" };
        write!(
            text,
            " p{n} = {shape} parameter({n})\n b{n} = {whole} broadcast(p{n}), dimensions={{{}}}\n v{n} = {result} {op}(v{last}, b{n}){direction}\n",
            list(&kept)
        )
        .expect("a string grows");
    }
    let initial = match random.below(3) {
        0 => format!("{element}[] parameter({})", n_more + 1),
        _ if is_mask => format!("{element}[] constant({})", ["true", "false"][random.below(2)]),
        _ => format!("{element}[] constant({})", random.below(3)),
    };
    let is_reduced: Vec<bool> = sizes.iter().map(|_| random.below(2) == 0).collect();
    let split = |wanted: bool| {
        (0..sizes.len()).filter(move |d| is_reduced[*d] == wanted).collect::<Vec<_>>()
    };
    let reduced = split.clone()(true);
    let kept: Vec<usize> = split(false).into_iter().map(|d| sizes[d]).collect();
    write!(
        text,
        " i = {initial}\n ROOT r = {element}[{}] reduce(v{n_more}, i), dimensions={{{}}}, to_apply=c\n}}\n",
        list(&kept),
        list(&reduced)
    )
    .expect("a string grows");
    text
}

#[test]
fn generated_reductions() {
    for seed in 0..PROGRAMS {
        let text = program(seed);
        let run = std::panic::catch_unwind(|| check(&text));
        assert!(run.is_ok(), "seed {seed}:\n{text}");
    }
}
