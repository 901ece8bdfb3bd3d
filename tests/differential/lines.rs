//! Generated programs that move arrays of rank 1 by any number of elements: every result has the
//! bits of the evaluator.

use super::{
    check_bits, emulate, inputs_of,
    lanes::{Numbers, shape},
    module_of,
};
use palmetto_runtime::Clock;

const ELEMENTS: [&str; 10] = ["f32", "s32", "u32", "bf16", "f16", "s16", "u16", "s8", "u8", "pred"];

/// Of which multiples sizes are chosen nearby: granules and registers, packed and not.
const NEAR: [usize; 6] = [128, 256, 512, 1024, 2048, 4096];

/// A size that is a little more or less than a multiple of a granule or a register, or any.
fn size(numbers: &mut Numbers, most: usize) -> usize {
    let unit = numbers.pick(&NEAR);
    match numbers.next(4) {
        0 => 1 + numbers.next(300),
        1 => 1 + numbers.next(most),
        _ => ((1 + numbers.next(most.div_ceil(unit))) * unit + 3).saturating_sub(numbers.next(7)),
    }
}

/// A program with one instruction that moves `x0`, `x1`, ..., of these sizes, and one that uses
/// what came of it.
fn check_line(element: &str, operands: &[usize], result: usize, instruction: &str) {
    let n = operands.len();
    let mut body = String::from("ENTRY main {\n");
    for (n, size) in operands.iter().enumerate() {
        body += &format!(" x{n} = {element}[{size}] parameter({n})\n");
    }
    let result = shape(element, &[result]);
    body += &format!(
        " v = {element}[] parameter({n})\n m = {result} {instruction}\n u = {result} maximum(m, m)\n ROOT t = ({result}, {result}) tuple(m, u)\n}}\n"
    );
    check_bits(&body);
}

#[test]
fn lines_are_sliced_from_any_element_on() {
    let mut numbers = Numbers(11);
    for case in 0..30 {
        let element = ELEMENTS[case % ELEMENTS.len()];
        let all = size(&mut numbers, 20_000);
        let start = size(&mut numbers, all).min(all - 1);
        let end = start + 1 + numbers.next(all - start);
        check_line(element, &[all], end - start, &format!("slice(x0), slice={{[{start}:{end}]}}"));
    }
    // Many windows, and both cores.
    for (element, all) in [("f32", 600_011), ("bf16", 700_001), ("pred", 1_500_017)] {
        check_line(element, &[all], all - 777, &format!("slice(x0), slice={{[700:{}]}}", all - 77));
    }
}

#[test]
fn lines_are_joined_at_any_element() {
    let mut numbers = Numbers(12);
    for case in 0..20 {
        let element = ELEMENTS[case % ELEMENTS.len()];
        let n = 1 + numbers.next(30);
        let sizes: Vec<usize> = (0..n)
            .map(|_| match numbers.next(3) {
                0 => numbers.next(3),
                _ => size(&mut numbers, 40_000 / n),
            })
            .collect();
        let names: Vec<String> = (0..n).map(|n| format!("x{n}")).collect();
        let joined = format!("concatenate({}), dimensions={{0}}", names.join(", "));
        if sizes.iter().sum::<usize>() > 0 {
            check_line(element, &sizes, sizes.iter().sum(), &joined);
        }
    }
    // As the parameters of a network become one array.
    let sizes = [99_900, 777, 65_536, 10, 1, 2560];
    let joined = "concatenate(x0, x1, x2, x3, x4, x5), dimensions={0}";
    check_line("f32", &sizes, sizes.iter().sum(), joined);
}

#[test]
fn lines_are_padded_by_any_number_of_elements() {
    let mut numbers = Numbers(13);
    for case in 0..30 {
        let element = ELEMENTS[case % ELEMENTS.len()];
        let all = size(&mut numbers, 20_000);
        let [low, high] = [(); 2].map(|()| {
            let padding = i64::try_from(size(&mut numbers, 10_000)).unwrap();
            let most_cut = i64::try_from(all / 2).unwrap();
            if numbers.next(4) == 0 { -padding.min(most_cut) } else { padding }
        });
        let result = usize::try_from(i64::try_from(all).unwrap() + low + high).unwrap();
        if result > 0 {
            check_line(element, &[all], result, &format!("pad(x0, v), padding={low}_{high}"));
        }
    }
}

/// Slices of two arrays, joined, cut and joined again, are one launch.
#[test]
fn movements_of_lines_are_one_kernel() {
    for element in ["f32", "bf16", "s8"] {
        let body = format!(
            "ENTRY main {{\n x = {element}[5000] parameter(0)\n y = {element}[3000] parameter(1)\n a = {element}[4997] slice(x), slice={{[3:5000]}}\n b = {element}[3] slice(x), slice={{[0:3]}}\n c = {element}[1001] slice(y), slice={{[1300:2301]}}\n d = {element}[6001] concatenate(a, b, c), dimensions={{0}}\n e = {element}[4000] slice(d), slice={{[1999:5999]}}\n ROOT r = {element}[5001] concatenate(e, c), dimensions={{0}}\n}}\n"
        );
        check_bits(&body);
        let module = module_of(&format!("HloModule m\n{body}"));
        let execution = emulate(&module, &inputs_of(&module), Clock::Chip);
        assert_eq!(execution.report.instructions.len(), 1, "{element}");
    }
}

/// What is padded with is a constant, or what is joined: these are no arrays in a fusion.
#[test]
fn constants_are_joined_with_lines() {
    check_bits(
        "ENTRY main {\n x = f32[5000] parameter(0)\n z = f32[] constant(0)\n n = f32[70] broadcast(z), dimensions={}\n i = f32[300] iota(), iota_dimension=0\n a = f32[4900] slice(x), slice={[77:4977]}\n p = f32[6000] pad(a, z), padding=101_999\n s = f32[3000] slice(p), slice={[50:3050]}\n ROOT c = f32[3370] concatenate(n, s, i), dimensions={0}\n}\n",
    );
}

/// Every join of an array with itself doubles it, and what is cut of it stays short.
#[test]
fn deep_movements_of_lines_are_compiled_in_time() {
    let mut body = String::from("ENTRY main {\n x0 = f32[130] parameter(0)\n");
    for n in 0..60 {
        let next = n + 1;
        body += &format!(
            " d{n} = f32[260] concatenate(x{n}, x{n}), dimensions={{0}}\n x{next} = f32[130] slice(d{n}), slice={{[{n}:{}]}}\n",
            n + 130
        );
    }
    body += " ROOT r = f32[129] slice(x60), slice={[1:130]}\n}\n";
    check_bits(&body);
}
