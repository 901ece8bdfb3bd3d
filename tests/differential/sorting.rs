//! Sorts: along every dimension, of every type, by the comparators that JAX makes and by others.

use std::fmt::Write;

use palmetto_testkit::llo_generator::Random;

use super::{check_bits as check, reductions::list};

/// Generated programs; a failure names its seed.
const PROGRAMS: u64 = 80;
/// The most elements that a generated operand has.
const MOST_ELEMENTS: usize = 20_000;

fn is_float(element: &str) -> bool {
    matches!(element, "f32" | "bf16" | "f16")
}

/// The value of `x` by which JAX sorts: all zeros and all NaNs of floats are alike.
fn canonical(element: &str, x: &str) -> String {
    if !is_float(element) {
        return format!(" {x}k = {element}[] maximum({x}, {x})\n");
    }
    format!(
        " {x}z = {element}[] constant(0)\n {x}e = pred[] compare({x}, {x}z), direction=EQ\n {x}0 = {element}[] select({x}e, {x}z, {x})\n {x}n = pred[] compare({x}, {x}), direction=NE\n {x}q = {element}[] constant(nan)\n {x}k = {element}[] select({x}n, {x}q, {x}0)\n"
    )
}

/// A comparator of operands of these types by the first of them, as JAX makes it.
fn comparator(elements: &[&str], direction: &str) -> String {
    let mut text = String::from("first {\n");
    for (n, element) in elements.iter().enumerate() {
        write!(
            text,
            " a{n} = {element}[] parameter({})\n b{n} = {element}[] parameter({})\n",
            2 * n,
            2 * n + 1
        )
        .expect("a string grows");
    }
    let element = elements[0];
    let total = if is_float(element) { ", type=TOTALORDER" } else { "" };
    text += &canonical(element, "a0");
    text += &canonical(element, "b0");
    writeln!(text, " ROOT r = pred[] compare(a0k, b0k), direction={direction}{total}\n}}")
        .expect("a string grows");
    text
}

/// An operand of many ties: integers below 50, floats in quarters, of which some are zeros of both
/// signs, infinite or NaN.
fn operand(element: &str, sizes: &str, n: usize) -> String {
    let shape = format!("{element}[{sizes}]");
    let constant = |name: &str, value: &str| {
        format!(
            " {name}{n}s = {element}[] constant({value})\n {name}{n} = {shape} broadcast({name}{n}s), dimensions={{}}\n"
        )
    };
    let given = format!(" p{n} = {shape} parameter({n})\n");
    if !is_float(element) {
        return format!("{given}{} x{n} = {shape} and(p{n}, few{n})\n", constant("few", "49"));
    }
    format!(
        "{given}{}{}{}{}{} scaled{n} = {shape} multiply(p{n}, sixteen{n})\n whole{n} = {shape} round-nearest-even(scaled{n})\n low{n} = pred[{sizes}] compare(whole{n}, limit{n}), direction=LT\n most{n} = {shape} select(low{n}, nan{n}, whole{n})\n high{n} = pred[{sizes}] compare(whole{n}, top{n}), direction=GT\n x{n} = {shape} select(high{n}, infinity{n}, most{n})\n",
        constant("sixteen", "16"),
        constant("limit", "-14"),
        constant("nan", "nan"),
        constant("top", "14"),
        constant("infinity", "inf"),
    )
}

/// A sort of operands of these types along a dimension; an `iota` is the position.
fn sort(elements: &[&str], sizes: &str, dimension: usize, comparator: &str) -> String {
    let mut text = format!("{comparator}ENTRY main {{\n");
    let (mut shapes, mut operands) = (Vec::new(), Vec::new());
    let mut parameter = 0;
    for element in elements {
        if *element == "iota" {
            writeln!(text, " at = s32[{sizes}] iota(), iota_dimension={dimension}")
                .expect("a string grows");
            shapes.push(format!("s32[{sizes}]"));
            operands.push("at".to_owned());
        } else {
            text += &operand(element, sizes, parameter);
            shapes.push(format!("{element}[{sizes}]"));
            operands.push(format!("x{parameter}"));
            parameter += 1;
        }
    }
    let shape = match shapes.as_slice() {
        [only] => only.clone(),
        _ => format!("({})", shapes.join(", ")),
    };
    writeln!(
        text,
        " ROOT r = {shape} sort({}), dimensions={{{dimension}}}, is_stable=true, to_apply=first\n}}",
        operands.join(", ")
    )
    .expect("a string grows");
    text
}

/// A sort by the first operand.
fn check_sort(elements: &[&str], (sizes, dimension): (&str, usize), direction: &str) {
    let types: Vec<&str> =
        elements.iter().map(|element| if *element == "iota" { "s32" } else { element }).collect();
    check(&sort(elements, sizes, dimension, &comparator(&types, direction)));
}

#[test]
fn along_lanes() {
    check_sort(&["f32"], ("8,128", 1), "LT");
    check_sort(&["f32"], ("8,256", 1), "LT");
    check_sort(&["f32", "iota"], ("3,13,300", 2), "LT");
    check_sort(&["bf16", "iota"], ("40,64", 1), "GT");
    check_sort(&["s32"], ("9,2000", 1), "LT");
    check_sort(&["u8", "f32"], ("50,130", 1), "GT");
    check_sort(&["u32", "s32"], ("2,3", 1), "LT");
}

#[test]
fn along_rows() {
    check_sort(&["f32"], ("64,128", 0), "LT");
    check_sort(&["f32", "iota"], ("3,50,200", 1), "GT");
    check_sort(&["bf16", "s8"], ("5,13,300", 1), "LT");
    check_sort(&["s16"], ("300,20", 0), "LT");
    check_sort(&["f16", "f16"], ("7,9,40", 1), "LT");
}

#[test]
fn of_one_dimension() {
    check_sort(&["f32"], ("4096", 0), "LT");
    check_sort(&["f32", "iota"], ("5000", 0), "LT");
    check_sort(&["bf16", "iota"], ("100", 0), "GT");
    check_sort(&["u32", "s32"], ("700", 0), "LT");
    check_sort(&["s8"], ("3000", 0), "GT");
    check_sort(&["f32"], ("1", 0), "LT");
}

/// Series that are all of one window are halved: each core sorts a half.
#[test]
fn of_one_window() {
    check_sort(&["f32"], ("8,1024", 1), "LT");
    check_sort(&["f32", "iota"], ("3,2100", 1), "GT");
    check_sort(&["bf16", "iota"], ("16,4000", 1), "GT");
    check_sort(&["u8", "s32"], ("9,1025", 1), "LT");
    check_sort(&["f32", "f32"], ("300,20", 0), "LT");
    check_sort(&["s8", "iota"], ("1,2000,100", 1), "LT");
    check_sort(&["f32", "iota"], ("20000", 0), "GT");
    check_sort(&["f16"], ("16384", 0), "LT");
}

#[test]
fn along_majors() {
    check_sort(&["f32", "iota"], ("20,3,50", 0), "LT");
    check_sort(&["bf16"], ("3,9,5,130", 1), "GT");
    check_sort(&["s32", "f32"], ("1,300,1", 1), "LT");
}

/// Two keys: where the first are equal the second decide.
#[test]
fn by_two_keys() {
    let keys = format!(
        "first {{\n a0 = f32[] parameter(0)\n b0 = f32[] parameter(1)\n a1 = s32[] parameter(2)\n b1 = s32[] parameter(3)\n{}{} lower = pred[] compare(a1, b1), direction=LT\n less = pred[] compare(a0k, b0k), direction=LT, type=TOTALORDER\n same = pred[] compare(a0k, b0k), direction=EQ, type=TOTALORDER\n both = pred[] and(same, lower)\n ROOT r = pred[] or(less, both)\n}}\n",
        canonical("f32", "a0"),
        canonical("f32", "b0"),
    );
    check(&sort(&["f32", "s32"], "20,130", 1, &keys));
    check(&sort(&["f32", "s32"], "3,70,20", 1, &keys));
    check(&sort(&["f32", "s32"], "900", 0, &keys));
}

/// The two elements are not treated alike: there are no keys.
#[test]
fn by_a_comparator_that_is_lopsided() {
    let lopsided = "first {\n a = s32[] parameter(0)\n b = s32[] parameter(1)\n two = s32[] constant(2)\n x = s32[] multiply(a, two)\n y = s32[] add(b, b)\n ROOT r = pred[] compare(x, y), direction=LT\n}\n";
    check(&sort(&["s32"], "5,300", 1, lopsided));
    check(&sort(&["s32"], "100,30", 0, lopsided));
    check(&sort(&["s32"], "2,3000", 1, lopsided));
}

/// A comparator of an operand that is not the first, as a predicate.
#[test]
fn by_a_predicate() {
    let odd = "first {\n a0 = f32[] parameter(0)\n b0 = f32[] parameter(1)\n a1 = s32[] parameter(2)\n b1 = s32[] parameter(3)\n one = s32[] constant(1)\n x = s32[] and(a1, one)\n y = s32[] and(b1, one)\n ROOT r = pred[] compare(x, y), direction=GT\n}\n";
    check(&sort(&["f32", "s32"], "20,130", 1, odd));
}

/// The first elements of a sort, of some of its operands: the others are not sorted.
fn check_first(
    elements: &[&str],
    (sizes, along): (&[usize], usize),
    (keep, wanted): (usize, &[usize]),
) {
    let types: Vec<&str> =
        elements.iter().map(|element| if *element == "iota" { "s32" } else { element }).collect();
    let text = sort(elements, &list(sizes), along, &comparator(&types, "GT"));
    let mut text =
        text.replace(" ROOT r = ", " all = ").trim_end().trim_end_matches('}').to_owned();
    let mut kept = sizes.to_vec();
    kept[along] = keep;
    let ranges: Vec<String> = kept.iter().map(|size| format!("[0:{size}]")).collect();
    let (mut shapes, mut names) = (Vec::new(), Vec::new());
    for n in wanted {
        let (whole, part) = (list(sizes), list(&kept));
        let element = types[*n];
        write!(
            text,
            " e{n} = {element}[{whole}] get-tuple-element(all), index={n}\n k{n} = {element}[{part}] slice(e{n}), slice={{{}}}\n",
            ranges.join(", ")
        )
        .expect("a string grows");
        shapes.push(format!("{element}[{part}]"));
        names.push(format!("k{n}"));
    }
    writeln!(text, " ROOT r = ({}) tuple({})\n}}", shapes.join(", "), names.join(", "))
        .expect("a string grows");
    check(&text);
}

#[test]
fn the_first_few() {
    check_first(&["f32", "iota"], (&[8, 3000], 1), (8, &[0, 1]));
    check_first(&["f32", "iota"], (&[3, 13, 300], 2), (1, &[0, 1]));
    check_first(&["bf16", "iota"], (&[40, 64], 1), (2, &[0, 1]));
    check_first(&["f32", "iota"], (&[300, 60], 1), (6, &[1]));
    check_first(&["s32", "bf16"], (&[16, 5000], 1), (100, &[1, 0]));
    check_first(&["f32", "iota"], (&[70_000], 0), (10, &[0, 1]));
    check_first(&["u8", "iota"], (&[500], 0), (3, &[0, 1]));
    check_first(&["f32", "iota"], (&[90], 0), (64, &[0, 1]));
    check_first(&["f32", "iota"], (&[5, 4000], 1), (300, &[0, 1]));
    check_first(&["f32", "s16"], (&[3, 200, 40], 1), (9, &[0, 1]));
    check_first(&["f32", "iota"], (&[20, 3, 50], 0), (4, &[0, 1]));
}

/// The first of series that are all of one window, also if they are in one half.
#[test]
fn the_first_few_of_one_window() {
    check_first(&["f32", "iota"], (&[8, 20_000], 1), (50, &[0, 1]));
    check_first(&["bf16", "iota"], (&[16, 5000], 1), (128, &[1]));
    check_first(&["f32", "iota"], (&[100_000], 0), (1, &[0, 1]));
    check_first(&["s32", "iota"], (&[3, 16_384], 1), (9, &[0, 1]));
    check_first(&["f32", "iota"], (&[1000, 9], 0), (1, &[0, 1]));
    check_first(&["f32", "iota"], (&[8, 4096], 1), (1000, &[0, 1]));
    check_first(&["f32", "s8"], (&[4, 4000], 1), (2500, &[0, 1]));
    check_first(&["bf16", "iota"], (&[9000], 0), (6000, &[1, 0]));
    check_first(&["f32", "iota"], (&[600, 50], 0), (100, &[0]));
}

fn sizes(random: &mut Random) -> Vec<usize> {
    const MAJORS: [usize; 5] = [1, 2, 3, 5, 17];
    const ROWS: [usize; 8] = [1, 2, 8, 13, 16, 33, 70, 260];
    const LANES: [usize; 8] = [1, 5, 64, 100, 128, 130, 300, 1100];
    loop {
        let rank = 1 + random.below(4);
        let pick = |random: &mut Random, from_last: usize| match from_last {
            0 if rank == 1 => 1 + random.below(4000),
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

fn program(seed: u64) -> String {
    const ELEMENTS: [&str; 9] = ["f32", "bf16", "f16", "s32", "u32", "s16", "u16", "s8", "u8"];
    let random = &mut Random::new(seed);
    let sizes = sizes(random);
    let mut elements = vec![ELEMENTS[random.below(ELEMENTS.len())]];
    for _ in 0..random.below(3) {
        let next = random.below(ELEMENTS.len() + 3);
        elements.push(ELEMENTS.get(next).copied().unwrap_or("iota"));
    }
    let types: Vec<&str> =
        elements.iter().map(|element| if *element == "iota" { "s32" } else { element }).collect();
    if elements.iter().filter(|element| **element == "iota").count() > 1 {
        elements.pop();
    }
    let types = &types[..elements.len()];
    let direction = ["LT", "GT"][random.below(2)];
    let dimension = random.below(sizes.len());
    sort(&elements, &list(&sizes), dimension, &comparator(types, direction))
}

#[test]
fn generated_sorts() {
    for seed in 0..PROGRAMS {
        let text = program(seed);
        let run = std::panic::catch_unwind(|| check(&text));
        assert!(run.is_ok(), "seed {seed}:\n{text}");
    }
}
