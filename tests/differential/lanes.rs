//! Generated programs that move lanes: every result has the bits of the evaluator.

use super::check;

/// A source of numbers that are the same in every run.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self, below: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % below
    }

    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.next(items.len())]
    }
}

pub(crate) fn shape(element: &str, sizes: &[usize]) -> String {
    let sizes: Vec<String> = sizes.iter().map(ToString::to_string).collect();
    format!("{element}[{}]", sizes.join(","))
}

/// Both orders of the last two dimensions are results, so that layouts cannot make the transpose
/// free.
fn check_swap(element: &str, sizes: &[usize]) {
    let rank = sizes.len();
    let mut permutation: Vec<usize> = (0..rank).collect();
    permutation.swap(rank - 2, rank - 1);
    let swapped: Vec<usize> = permutation.iter().map(|d| sizes[*d]).collect();
    let (x, t) = (shape(element, sizes), shape(element, &swapped));
    check(&format!(
        "ENTRY main {{\n x = {x} parameter(0)\n t = {t} transpose(x), dimensions={{{}}}\n ROOT r = ({x}, {t}) tuple(x, t)\n}}\n",
        permutation.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    ));
}

#[test]
fn rows_and_lanes_of_a_matrix_change_places() {
    let mut numbers = Numbers(1);
    for element in ["f32", "s32", "bf16", "f16", "u16", "s8", "pred"] {
        let size = |numbers: &mut Numbers| match numbers.next(3) {
            0 => 2 + numbers.next(20),
            1 => numbers.pick(&[128, 256, 640]),
            _ => 100 + numbers.next(500),
        };
        let sizes = [size(&mut numbers), size(&mut numbers)];
        check_swap(element, &sizes);
    }
}

#[test]
fn rows_and_lanes_of_many_matrices_change_places() {
    for element in ["f32", "u32"] {
        check_swap(element, &[3, 13, 200]);
        check_swap(element, &[2, 5, 130, 2]);
    }
    check_swap("bf16", &[3, 48, 144]);
    check_swap("s8", &[2, 64, 128]);
}

/// An instruction that moves lanes of `x0`, `x1`, ..., with elementwise ops before and after it.
fn check_lanes(element: &str, operands: &[&[usize]], lanes: usize, instruction: &str) {
    let mut body = String::from("ENTRY main {\n");
    for (n, sizes) in operands.iter().enumerate() {
        let shape = shape(element, sizes);
        body += &format!(" p{n} = {shape} parameter({n})\n x{n} = {shape} maximum(p{n}, p{n})\n");
    }
    let mut sizes = operands[0].to_vec();
    *sizes.last_mut().expect("it has lanes") = lanes;
    let result = shape(element, &sizes);
    let n = operands.len();
    body += &format!(
        " v = {element}[] parameter({n})\n m = {result} {instruction}\n ROOT r = {result} minimum(m, m)\n}}\n"
    );
    check(&body);
}

/// The elements, and the dimensions before the lanes.
const CASES: [(&str, &[usize]); 10] = [
    ("f32", &[3, 13]),
    ("bf16", &[40]),
    ("s32", &[8]),
    ("f16", &[2, 16]),
    ("s8", &[9]),
    ("u16", &[33]),
    ("pred", &[5]),
    ("f32", &[2]),
    ("f32", &[]),
    ("bf16", &[]),
];

fn with(before: &[usize], lanes: usize) -> Vec<usize> {
    before.iter().copied().chain([lanes]).collect()
}

fn whole(before: &[usize], of: impl Fn(usize) -> String) -> String {
    before.iter().map(|size| of(*size)).collect()
}

#[test]
fn lanes_are_sliced_anywhere() {
    let mut numbers = Numbers(2);
    for (element, before) in CASES {
        let lanes = 1 + numbers.next(500);
        let start = numbers.next(lanes);
        let count = 1 + numbers.next(lanes - start);
        let others = whole(before, |size| format!("[0:{size}],"));
        let slice = format!("slice(x0), slice={{{others}[{start}:{}]}}", start + count);
        check_lanes(element, &[&with(before, lanes)], count, &slice);
    }
}

#[test]
fn lanes_are_concatenated_anywhere() {
    let mut numbers = Numbers(3);
    for (element, before) in CASES {
        let lanes = [numbers.next(200) + 1, numbers.next(20) + 1, 128, numbers.next(300) + 1];
        let operands = lanes.map(|lanes| with(before, lanes));
        let operands: Vec<&[usize]> = operands.iter().map(Vec::as_slice).collect();
        let instruction = format!("concatenate(x0, x1, x2, x3), dimensions={{{}}}", before.len());
        check_lanes(element, &operands, lanes.iter().sum(), &instruction);
    }
}

#[test]
fn lanes_are_padded() {
    let mut numbers = Numbers(4);
    for (element, before) in CASES {
        let lanes = 1 + numbers.next(300);
        let bound = i64::try_from(lanes / 2).unwrap();
        let [low, high] = [(); 2]
            .map(|()| i64::try_from(numbers.next(200)).unwrap().wrapping_sub(20).max(-bound));
        let result = i64::try_from(lanes).unwrap() + low + high;
        let result = usize::try_from(result).unwrap().max(1);
        if low + high + i64::try_from(lanes).unwrap() < 1 {
            continue;
        }
        let others = whole(before, |_| "0_0x".to_owned());
        let instruction = format!("pad(x0, v), padding={others}{low}_{high}");
        check_lanes(element, &[&with(before, lanes)], result, &instruction);
    }
}

#[test]
fn lanes_are_reversed() {
    let mut numbers = Numbers(5);
    for (element, before) in CASES {
        let lanes = 1 + numbers.next(500);
        let instruction = format!("reverse(x0), dimensions={{{}}}", before.len());
        check_lanes(element, &[&with(before, lanes)], lanes, &instruction);
    }
}

/// The halves of each head of a rotary embedding change places within a column.
#[test]
fn halves_of_heads_are_swapped_in_one_kernel() {
    for element in ["f32", "bf16"] {
        let shape = format!("{element}[4,24,64]");
        let half = format!("{element}[4,24,32]");
        check(&format!(
            "ENTRY main {{\n x = {shape} parameter(0)\n c = {shape} parameter(1)\n s = {shape} parameter(2)\n a = {half} slice(x), slice={{[0:4],[0:24],[0:32]}}\n b = {half} slice(x), slice={{[0:4],[0:24],[32:64]}}\n n = {half} negate(b)\n t = {shape} concatenate(n, a), dimensions={{2}}\n p = {shape} multiply(x, c)\n q = {shape} multiply(t, s)\n ROOT r = {shape} add(p, q)\n}}\n"
        ));
    }
}

/// What one kernel slices, it also reduces: lanes that were cut off do not take part.
#[test]
fn sliced_lanes_are_reduced() {
    check(
        "sum { a = f32[] parameter(0)\n b = f32[] parameter(1)\n ROOT m = f32[] add(a, b)\n}\nENTRY main {\n x = f32[20,333] parameter(0)\n e = f32[20,333] exponential(x)\n s = f32[20,199] slice(e), slice={[0:20],[77:276]}\n z = f32[] constant(0)\n t = f32[20] reduce(s, z), dimensions={1}, to_apply=sum\n b = f32[20,199] broadcast(t), dimensions={0}\n ROOT r = f32[20,199] divide(s, b)\n}\n",
    );
}

fn check_reshape(element: &str, from: &[usize], to: &[usize]) {
    let (x, y) = (shape(element, from), shape(element, to));
    check(&format!(
        "ENTRY main {{\n p = {x} parameter(0)\n x = {x} maximum(p, p)\n y = {y} reshape(x)\n ROOT r = {y} minimum(y, y)\n}}\n"
    ));
}

#[test]
fn rows_become_a_line_and_a_line_becomes_rows() {
    let mut numbers = Numbers(6);
    for case in 0..12 {
        let lanes = numbers.pick(&[2, 3, 64, 100, 127, 129, 200, 384, 1000, 1500]);
        let rows = 2 + numbers.next(if lanes < 200 { 3000 } else { 200 });
        let element = if case % 2 == 0 { "f32" } else { "s32" };
        check_reshape(element, &[rows, lanes], &[rows * lanes]);
        check_reshape(element, &[rows * lanes], &[rows, lanes]);
    }
    check_reshape("f32", &[4, 16, 50], &[3200]);
    check_reshape("f32", &[3200], &[4, 16, 50]);
    check_reshape("f32", &[3, 2], &[6]);
    check_reshape("f32", &[4, 7001], &[28004]);
}

#[test]
fn rows_become_rows_of_another_length() {
    check_reshape("f32", &[64, 96], &[96, 64]);
    check_reshape("f32", &[2, 40, 30], &[48, 50]);
    check_reshape("s32", &[48, 50], &[5, 8, 60]);
    check_reshape("bf16", &[40, 96], &[2, 16, 120]);
    check_reshape("pred", &[48, 12], &[144, 4]);
    check_reshape("s8", &[300], &[3, 100]);
    check_reshape("bf16", &[16, 8, 64], &[128, 64]);
}
