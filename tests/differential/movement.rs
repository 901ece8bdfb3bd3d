//! Generated programs that move data: every result has the bits of the evaluator.

#![expect(clippy::unwrap_used, reason = "a program of the test is wrong then")]

use super::{check_bits, check_with, inputs_of, module_of};
use palmetto_compiler::hlo::{ArrayLiteral, ElementType, Literal};

/// A source of numbers that are the same in every run.
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    pub(super) fn next(&mut self, below: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below
    }

    pub(super) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.next(items.len())]
    }

    pub(super) fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.next(high - low + 1)
    }

    pub(super) fn element(&mut self) -> &'static str {
        self.pick(&["f32", "f32", "s32", "u32", "bf16", "f16", "s8", "u16", "pred"])
    }

    pub(super) fn lanes(&mut self) -> usize {
        self.pick(&[5, 100, 128, 200, 256, 300])
    }

    /// Majors, rows, lanes.
    fn sizes(&mut self) -> Vec<usize> {
        let mut sizes: Vec<usize> = (0..self.next(3)).map(|_| self.between(1, 5)).collect();
        sizes.extend([self.between(1, 35), self.lanes()]);
        sizes
    }
}

pub(super) fn shape(element: &str, sizes: &[usize]) -> String {
    let sizes: Vec<String> = sizes.iter().map(ToString::to_string).collect();
    format!("{element}[{}]", sizes.join(","))
}

pub(super) fn list<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// A scalar of an integer type.
fn scalar(element: ElementType, value: i64) -> Literal {
    let shape = palmetto_compiler::hlo::ArrayShape::scalar(element);
    let bytes = &value.to_le_bytes()[..element.byte_size()];
    Literal::Array(ArrayLiteral::from_bytes(shape, bytes).unwrap())
}

/// Checks `ROOT r = ... instruction` over parameters `x0`, `x1`, ... of the given shapes, then
/// `i0`, `i1`, ... of the given scalars.
pub(super) fn check_movement(
    shapes: &[String],
    starts: &[(&str, i64)],
    result: &str,
    instruction: &str,
) {
    let mut body = String::from("HloModule m\nENTRY main {\n");
    for (n, shape) in shapes.iter().enumerate() {
        body += &format!(" x{n} = {shape} parameter({n})\n");
    }
    for (n, (element, _)) in starts.iter().enumerate() {
        body += &format!(" i{n} = {element}[] parameter({})\n", shapes.len() + n);
    }
    body += &format!(" ROOT r = {result} {instruction}\n}}\n");
    let module = module_of(&body);
    let mut inputs = inputs_of(&module);
    for (n, (element, value)) in starts.iter().enumerate() {
        inputs[shapes.len() + n] = scalar(ElementType::from_text(element).unwrap(), *value);
    }
    check_with(&module, &inputs);
}

pub(super) fn check_one(from: &str, to: &str, instruction: &str) {
    check_movement(&[from.to_owned()], &[], to, instruction);
}

const ROUNDS: usize = 24;

#[test]
fn transposes_that_keep_the_lanes() {
    let mut numbers = Numbers(1);
    for _ in 0..ROUNDS {
        let (element, sizes) = (numbers.element(), numbers.sizes());
        let mut order: Vec<usize> = (0..sizes.len() - 1).collect();
        for n in (1..order.len()).rev() {
            order.swap(n, numbers.next(n + 1));
        }
        order.push(sizes.len() - 1);
        let result: Vec<usize> = order.iter().map(|d| sizes[*d]).collect();
        let instruction = format!("transpose(x0), dimensions={{{}}}", list(&order));
        check_one(&shape(element, &sizes), &shape(element, &result), &instruction);
    }
}

#[test]
fn slices() {
    let mut numbers = Numbers(2);
    for _ in 0..ROUNDS {
        let (element, sizes) = (numbers.element(), numbers.sizes());
        let (mut result, mut slices) = (Vec::new(), Vec::new());
        for (d, size) in sizes.iter().copied().enumerate() {
            let is_lanes = d + 1 == sizes.len();
            let start =
                if is_lanes { size.saturating_sub(1) / 128 * 128 } else { numbers.next(size) };
            let limit = if is_lanes { size } else { numbers.between(start + 1, size) };
            let stride = if is_lanes { 1 } else { numbers.pick(&[1, 1, 2, 3, 7, 11]) };
            result.push((limit - start).div_ceil(stride));
            slices.push(format!("[{start}:{limit}:{stride}]"));
        }
        let instruction = format!("slice(x0), slice={{{}}}", slices.join(","));
        check_one(&shape(element, &sizes), &shape(element, &result), &instruction);
    }
    check_one("f32[3000]", "f32[300]", "slice(x0), slice={[1152:1452]}");
}

#[test]
fn reverses() {
    let mut numbers = Numbers(3);
    for _ in 0..ROUNDS {
        let (element, sizes) = (numbers.element(), numbers.sizes());
        let dimensions: Vec<usize> = (0..sizes.len() - 1).filter(|_| numbers.next(3) > 0).collect();
        let instruction = format!("reverse(x0), dimensions={{{}}}", list(&dimensions));
        check_one(&shape(element, &sizes), &shape(element, &sizes), &instruction);
    }
}

#[test]
fn concatenations() {
    let mut numbers = Numbers(4);
    for _ in 0..ROUNDS {
        let (element, mut sizes) = (numbers.element(), numbers.sizes());
        let dimension = numbers.next(sizes.len() - 1);
        let (mut shapes, mut total) = (Vec::new(), 0);
        for _ in 0..numbers.between(2, 4) {
            sizes[dimension] = numbers.between(1, 20);
            total += sizes[dimension];
            shapes.push(shape(element, &sizes));
        }
        sizes[dimension] = total;
        let operands: Vec<String> = (0..shapes.len()).map(|n| format!("x{n}")).collect();
        let instruction = format!("concatenate({}), dimensions={{{dimension}}}", list(&operands));
        check_movement(&shapes, &[], &shape(element, &sizes), &instruction);
    }
}

/// A core has 64 sync flags.
#[test]
fn concatenations_of_many_arrays() {
    let check = |part: &str, n: usize, (dimension, result): (usize, &str)| {
        let operands: Vec<String> = (0..n).map(|n| format!("x{n}")).collect();
        let instruction = format!("concatenate({}), dimensions={{{dimension}}}", list(&operands));
        check_movement(&vec![part.to_owned(); n], &[], result, &instruction);
    };
    for n in [31, 32, 64, 200, 600] {
        check("f32[9,3]", n, (1, &format!("f32[9,{}]", 3 * n)));
    }
    for n in [32, 64, 200] {
        check("bf16[2,9,1]", n, (2, &format!("bf16[2,9,{n}]")));
        check("f32[1,100]", n, (0, &format!("f32[{n},100]")));
        check("s32[40]", n, (0, &format!("s32[{}]", 40 * n)));
        check("f32[1,8,128]", n, (0, &format!("f32[{n},8,128]")));
    }
    check("f32[1,100]", 300, (0, "f32[300,100]"));
}

#[test]
fn broadcasts_along_majors_and_rows() {
    let mut numbers = Numbers(5);
    for _ in 0..ROUNDS {
        let (element, sizes) = (numbers.element(), numbers.sizes());
        let mut kept: Vec<usize> = (0..sizes.len() - 1).filter(|_| numbers.next(2) > 0).collect();
        kept.push(sizes.len() - 1);
        let from: Vec<usize> = kept.iter().map(|d| sizes[*d]).collect();
        let instruction = format!("broadcast(x0), dimensions={{{}}}", list(&kept));
        check_one(&shape(element, &from), &shape(element, &sizes), &instruction);
    }
}

#[test]
fn paddings() {
    let mut numbers = Numbers(6);
    for _ in 0..2 * ROUNDS {
        let (element, mut sizes) = (numbers.element(), numbers.sizes());
        let (mut result, mut config) = (Vec::new(), Vec::new());
        for d in 0..sizes.len() {
            let is_lanes = d + 1 == sizes.len();
            if is_lanes {
                sizes[d] = numbers.pick(&[128, 256]);
            }
            let whole = |n: usize| if is_lanes { 128 * (n % 2) } else { n };
            let low = isize::try_from(whole(numbers.next(6))).unwrap() - isize::from(!is_lanes) * 2;
            let high = isize::try_from(numbers.next(6)).unwrap() - isize::from(!is_lanes) * 2;
            let interior = if is_lanes { 0 } else { numbers.pick(&[0, 0, 0, 1, 3]) };
            let inner = sizes[d] + (sizes[d] - 1) * interior;
            let padded = isize::try_from(inner).unwrap() + low + high;
            let (low, padded) = if padded < 1 {
                (0, isize::try_from(inner).unwrap() + high.max(0))
            } else {
                (low, padded)
            };
            let high = padded - low - isize::try_from(inner).unwrap();
            result.push(usize::try_from(padded).unwrap());
            config.push(format!("{low}_{high}_{interior}"));
        }
        let instruction = format!("pad(x0, x1), padding={}", config.join("x"));
        let shapes = [shape(element, &sizes), format!("{element}[]")];
        check_movement(&shapes, &[], &shape(element, &result), &instruction);
    }
}

#[test]
fn paddings_behind_part_of_a_column() {
    let check = |element: &str, (from, to, config): (&str, &str, &str)| {
        let shapes = [format!("{element}[{from}]"), format!("{element}[]")];
        let instruction = format!("pad(x0, x1), padding={config}");
        check_movement(&shapes, &[], &format!("{element}[{to}]"), &instruction);
    };
    for element in ["f32", "bf16", "s8", "pred"] {
        check(element, ("5000", "5007", "0_7"));
        check(element, ("5000", "5121", "0_121"));
        check(element, ("5000", "9000", "0_4000"));
        check(element, ("5000", "7000", "1024_976"));
        check(element, ("5", "7", "0_2"));
        check(element, ("9,5000", "9,5007", "0_0x0_7"));
        check(element, ("9,5000", "9,5300", "0_0x0_300"));
        check(element, ("9,5000", "9,5400", "0_0x256_144"));
        check(element, ("2,9,5000", "4,12,5007", "1_1x1_2x0_7"));
        check(element, ("2,9,5000", "4,12,5300", "1_1x1_2x0_300"));
        check(element, ("2,9,70", "2,9,71", "0_0x0_0x0_1"));
        check(element, ("9,5000", "8,4999", "0_-1x0_-1"));
    }
}

#[test]
fn paddings_behind_are_computed_with_what_uses_them() {
    for (from, to, config, dimensions, result) in [
        ("5000", "5007", "0_7", "0", ""),
        ("9,5000", "9,5007", "0_0x0_7", "1", "9"),
        ("9,5000", "9,5007", "0_0x0_7", "0", "5007"),
    ] {
        check_bits(&format!(
            "add {{ a = s32[] parameter(0)\n b = s32[] parameter(1)\n\
             ROOT c = s32[] add(a, b) }}\n\
             ENTRY main {{ x = s32[{from}] parameter(0)\n y = s32[{to}] parameter(1)\n\
             three = s32[] constant(3)\n zero = s32[] constant(0)\n\
             n = s32[{from}] negate(x)\n p = s32[{to}] pad(n, three), padding={config}\n\
             m = s32[{to}] multiply(p, y)\n\
             s = s32[{result}] reduce(m, zero), dimensions={{{dimensions}}}, to_apply=add\n\
             ROOT t = (s32[{to}], s32[{result}]) tuple(m, s) }}\n"
        ));
    }
}

const STARTS: [i64; 8] = [0, 1, 2, 3, 6, 100, -1, -100];

pub(super) fn starts(numbers: &mut Numbers, rank: usize) -> Vec<(&'static str, i64)> {
    let element = numbers.pick(&["s32", "s32", "u32", "s8", "u8", "s16"]);
    let mut starts = Vec::new();
    for _ in 0..rank {
        starts.push((element, numbers.pick(&STARTS)));
    }
    starts
}

/// Some block of an array.
fn block(numbers: &mut Numbers, sizes: &[usize]) -> Vec<usize> {
    let (lanes, rest) = sizes.split_last().unwrap();
    let mut block: Vec<usize> = rest
        .iter()
        .map(|size| match numbers.next(4) {
            0 => 1,
            1 => *size,
            _ => numbers.between(1, *size),
        })
        .collect();
    block.push(*lanes);
    block
}

/// A block of an array, taken from a place that is not known before.
pub(super) fn check_dynamic_slice(numbers: &mut Numbers, sizes: &[usize], block: &[usize]) {
    let (element, starts) = (numbers.element(), starts(numbers, sizes.len()));
    let indices: Vec<String> = (0..sizes.len()).map(|n| format!("i{n}")).collect();
    let (indices, block_sizes) = (list(&indices), list(block));
    let instruction =
        format!("dynamic-slice(x0, {indices}), dynamic_slice_sizes={{{block_sizes}}}");
    check_movement(&[shape(element, sizes)], &starts, &shape(element, block), &instruction);
}

/// A block put into an array, at a place that is not known before.
pub(super) fn check_dynamic_update(numbers: &mut Numbers, sizes: &[usize], block: &[usize]) {
    let (element, starts) = (numbers.element(), starts(numbers, sizes.len()));
    let indices: Vec<String> = (0..sizes.len()).map(|n| format!("i{n}")).collect();
    let instruction = format!("dynamic-update-slice(x0, x1, {})", list(&indices));
    let shapes = [shape(element, sizes), shape(element, block)];
    check_movement(&shapes, &starts, &shape(element, sizes), &instruction);
}

#[test]
fn dynamic_slices() {
    let mut numbers = Numbers(7);
    for _ in 0..2 * ROUNDS {
        let sizes = numbers.sizes();
        let block = block(&mut numbers, &sizes);
        check_dynamic_slice(&mut numbers, &sizes, &block);
    }
}

#[test]
fn dynamic_updates() {
    let mut numbers = Numbers(8);
    for _ in 0..2 * ROUNDS {
        let sizes = numbers.sizes();
        let block = block(&mut numbers, &sizes);
        check_dynamic_update(&mut numbers, &sizes, &block);
    }
}

#[test]
fn single_rows_of_narrow_elements() {
    for (element, start) in [("bf16", 13), ("s8", 38), ("f16", 100), ("pred", -7), ("u16", 7)] {
        let (whole, block) = ([3, 2, 5, 40, 200], [2, 2, 3, 1, 200]);
        let starts = [("s32", 1), ("s32", 0), ("s32", 2), ("s32", start), ("s32", 0)];
        let (whole, block) = (shape(element, &whole), shape(element, &block));
        let slice = "dynamic-slice(x0, i0, i1, i2, i3, i4), dynamic_slice_sizes={2,2,3,1,200}";
        check_movement(std::slice::from_ref(&whole), &starts, &block, slice);
        let update = "dynamic-update-slice(x0, x1, i0, i1, i2, i3, i4)";
        check_movement(&[whole.clone(), block], &starts, &whole, update);
    }
}

#[test]
fn reshapes_that_keep_the_lanes() {
    let mut numbers = Numbers(9);
    for _ in 0..ROUNDS {
        let (element, lanes) = (numbers.element(), numbers.lanes());
        let (a, b, c) = (numbers.between(1, 11), numbers.between(1, 5), numbers.between(1, 13));
        let forms = [vec![a, b * c, lanes], vec![a * b, c, lanes], vec![a * b * c, lanes]];
        let (from, to) = (numbers.next(3), numbers.next(3));
        check_one(&shape(element, &forms[from]), &shape(element, &forms[to]), "reshape(x0)");
    }
}

#[test]
fn reshapes_between_lines_and_rows() {
    let mut numbers = Numbers(10);
    for _ in 0..ROUNDS {
        let element = numbers.element();
        let (a, b, c) = (numbers.between(1, 5), numbers.between(1, 13), numbers.between(1, 3));
        let line = shape(element, &[a * b * c * 128]);
        let rows = numbers.pick(&[true, false]);
        let sizes = if rows { vec![a * b, c * 128] } else { vec![a, b, c * 128] };
        let rows = shape(element, &sizes);
        check_one(&line, &rows, "reshape(x0)");
        check_one(&rows, &line, "reshape(x0)");
    }
}
