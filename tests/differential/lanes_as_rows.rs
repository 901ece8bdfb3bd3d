//! Generated programs that move lanes and anything else, at places known or not known before: every
//! result has the bits of the evaluator.

use super::{
    check,
    movement::{
        Numbers, check_dynamic_slice, check_dynamic_update, check_movement, check_one, list, shape,
    },
};

const ROUNDS: usize = 16;

/// Sizes of an array of rank 1 to 4.
fn sizes(numbers: &mut Numbers) -> Vec<usize> {
    let rank = numbers.between(1, 4);
    let lanes = numbers.pick(&[5, 100, 128, 300]);
    if rank == 1 {
        return vec![lanes * numbers.between(1, 9)];
    }
    let mut sizes: Vec<usize> = (2..rank).map(|_| numbers.between(2, 4)).collect();
    sizes.extend([numbers.between(2, 20), lanes]);
    sizes
}

#[test]
fn slices_with_steps_along_everything() {
    let mut numbers = Numbers(21);
    for _ in 0..2 * ROUNDS {
        let (element, sizes) = (numbers.element(), sizes(&mut numbers));
        let (mut result, mut slices) = (Vec::new(), Vec::new());
        for size in sizes.iter().copied() {
            let start = numbers.next(size);
            let limit = numbers.between(start + 1, size);
            let stride = numbers.pick(&[1, 2, 3, 7]);
            result.push((limit - start).div_ceil(stride));
            slices.push(format!("[{start}:{limit}:{stride}]"));
        }
        let instruction = format!("slice(x0), slice={{{}}}", slices.join(","));
        check_one(&shape(element, &sizes), &shape(element, &result), &instruction);
    }
}

#[test]
fn pads_between_everything() {
    let mut numbers = Numbers(22);
    for _ in 0..ROUNDS {
        let (element, sizes) = (numbers.element(), sizes(&mut numbers));
        let (mut result, mut config) = (Vec::new(), Vec::new());
        for size in sizes.iter().copied() {
            let interior = numbers.pick(&[0, 1, 3]);
            let inner = i64::try_from(size + (size - 1) * interior).unwrap();
            let [low, high] = [(); 2].map(|()| i64::try_from(numbers.next(6)).unwrap() - 2);
            let (low, high) = if inner + low + high < 1 { (0, 0) } else { (low, high) };
            result.push(usize::try_from(inner + low + high).unwrap());
            config.push(format!("{low}_{high}_{interior}"));
        }
        let instruction = format!("pad(x0, x1), padding={}", config.join("x"));
        let shapes = [shape(element, &sizes), format!("{element}[]")];
        check_movement(&shapes, &[], &shape(element, &result), &instruction);
    }
}

/// Some block of an array, often of one lane.
fn block(numbers: &mut Numbers, sizes: &[usize]) -> Vec<usize> {
    let of = |size: &usize| match numbers.next(3) {
        0 => 1,
        1 => *size,
        _ => numbers.between(1, *size),
    };
    sizes.iter().map(of).collect()
}

#[test]
fn dynamic_slices_of_anything() {
    let mut numbers = Numbers(23);
    for _ in 0..3 * ROUNDS {
        let sizes = sizes(&mut numbers);
        let block = block(&mut numbers, &sizes);
        check_dynamic_slice(&mut numbers, &sizes, &block);
    }
}

#[test]
fn dynamic_updates_of_anything() {
    let mut numbers = Numbers(24);
    for _ in 0..3 * ROUNDS {
        let sizes = sizes(&mut numbers);
        let block = block(&mut numbers, &sizes);
        check_dynamic_update(&mut numbers, &sizes, &block);
    }
}

#[test]
fn permutations_of_everything() {
    let mut numbers = Numbers(25);
    for _ in 0..2 * ROUNDS {
        let (element, sizes) = (numbers.element(), sizes(&mut numbers));
        let mut order: Vec<usize> = (0..sizes.len()).collect();
        for n in (1..order.len()).rev() {
            order.swap(n, numbers.next(n + 1));
        }
        let result: Vec<usize> = order.iter().map(|d| sizes[*d]).collect();
        let (x, t) = (shape(element, &sizes), shape(element, &result));
        // Both orders are results, so that layouts cannot make it free.
        check(&format!(
            "ENTRY main {{\n x = {x} parameter(0)\n t = {t} transpose(x), dimensions={{{}}}\n ROOT r = ({x}, {t}) tuple(x, t)\n}}\n",
            list(&order)
        ));
    }
}

/// Factors as the sizes of some dimensions.
fn grouped(numbers: &mut Numbers, factors: &[usize]) -> Vec<usize> {
    let mut sizes = vec![1];
    for factor in factors {
        if numbers.next(2) == 0 && sizes.len() < 4 {
            sizes.push(1);
        }
        let last = sizes.len() - 1;
        sizes[last] *= factor;
    }
    sizes
}

#[test]
fn reshapes_of_anything() {
    let mut numbers = Numbers(26);
    for _ in 0..3 * ROUNDS {
        let element = numbers.element();
        let factors: Vec<usize> =
            (0..numbers.between(3, 7)).map(|_| numbers.pick(&[2, 2, 3, 4, 5, 7])).collect();
        let (from, to) = (grouped(&mut numbers, &factors), grouped(&mut numbers, &factors));
        check_reshape(element, &from, &to);
    }
}

fn check_reshape(element: &str, from: &[usize], to: &[usize]) {
    let (x, y) = (shape(element, from), shape(element, to));
    check(&format!(
        "ENTRY main {{\n p = {x} parameter(0)\n x = {x} maximum(p, p)\n y = {y} reshape(x)\n ROOT r = {y} minimum(y, y)\n}}\n"
    ));
}

#[test]
fn single_lanes_come_and_go() {
    for element in ["f32", "bf16", "s8", "pred"] {
        for sizes in [&[7][..], &[300], &[5, 13], &[3, 200], &[2, 16, 40]] {
            let with: Vec<usize> = sizes.iter().copied().chain([1]).collect();
            check_one(&shape(element, sizes), &shape(element, &with), "reshape(x0)");
            check_one(&shape(element, &with), &shape(element, sizes), "reshape(x0)");
        }
    }
}

/// The sizes of a table, of its slice and of the index; dimension numbers; the sizes of the result.
const ONE_SLICE: [[&str; 5]; 9] = [
    ["30,200", "1,200", "1", "0 0 0 0", "200"],
    ["30,200", "1,200", "", "0 0 0 0", "200"],
    ["30,200", "1,200", "1,1", "1 0 0 1", "1,200"],
    ["30,200", "1,200", "1", "1 0 0 1", "1,200"],
    ["30,200", "30,1", "1", "0 1 1 0", "30"],
    ["30,200", "1,1", "2", " 0,1 0,1 0", ""],
    ["5,30,200", "1,1,200", "2", "0 0,1 1,0 0", "200"],
    ["5,30,200", "1,30,200", "1,1", "1,2 0 0 1", "1,30,200"],
    ["300", "1", "1", " 0 0 0", ""],
];

#[test]
fn one_slice_of_a_table() {
    let mut numbers = Numbers(27);
    for [table, slice, index, dimensions, result] in ONE_SLICE {
        let element = numbers.element();
        let dimensions: Vec<&str> = dimensions.split(' ').collect();
        let [offsets, collapsed, map, vector] = dimensions[..] else { panic!("{dimensions:?}") };
        let instruction = format!(
            "gather(x0, x1), offset_dims={{{offsets}}}, collapsed_slice_dims={{{collapsed}}}, start_index_map={{{map}}}, index_vector_dim={vector}, slice_sizes={{{slice}}}"
        );
        let shapes = [format!("{element}[{table}]"), format!("s32[{index}]")];
        check_movement(&shapes, &[], &format!("{element}[{result}]"), &instruction);
    }
}

/// Checks a gather of `table` at indices that go a bit beyond `size`.
fn check_gather(table: &str, (indices, size): (&str, usize), result: &str, numbers: &str) {
    let factor = size / 6;
    check(&format!(
        "ENTRY main {{\n x = {table} parameter(0)\n j = {indices} parameter(1)\n c = s32[] constant({factor})\n f = {indices} broadcast(c), dimensions={{}}\n i = {indices} multiply(j, f)\n ROOT r = {result} gather(x, i), {numbers}\n}}\n"
    ));
}

#[test]
fn single_elements_of_a_table() {
    let mut numbers = Numbers(28);
    for _ in 0..ROUNDS / 2 {
        let (element, rows) = (numbers.element(), numbers.between(7, 40));
        let (lanes, places) = (numbers.pick(&[7, 100, 300]), numbers.between(2, 40));
        let of = |sizes: &[usize]| shape(element, sizes);
        let s32 = |sizes: &[usize]| shape("s32", sizes);
        check_gather(
            &of(&[rows, lanes]),
            (&s32(&[places, 2]), lanes),
            &of(&[places]),
            "offset_dims={}, collapsed_slice_dims={0,1}, start_index_map={0,1}, index_vector_dim=1, slice_sizes={1,1}",
        );
        check_gather(
            &of(&[lanes]),
            (&s32(&[2, places, 1]), lanes),
            &of(&[2, places]),
            "offset_dims={}, collapsed_slice_dims={0}, start_index_map={0}, index_vector_dim=2, slice_sizes={1}",
        );
        check_gather(
            &of(&[rows, lanes]),
            (&s32(&[rows, 1, 1]), lanes),
            &of(&[rows, 1]),
            "offset_dims={}, collapsed_slice_dims={1}, start_index_map={1}, operand_batching_dims={0}, start_indices_batching_dims={0}, index_vector_dim=2, slice_sizes={1,1}",
        );
    }
}

#[test]
fn rows_of_many_lanes() {
    check_one("f32[3,9000]", "f32[3,8000]", "slice(x0), slice={[0:3], [77:8077]}");
    check_one("bf16[2,5000]", "bf16[2,5000]", "reverse(x0), dimensions={1}");
    let shapes = ["s8[5,4000]", "s8[5,4001]"].map(str::to_owned);
    check_movement(&shapes, &[], "s8[5,8001]", "concatenate(x0, x1), dimensions={1}");
    let shapes = ["u16[7,5000]", "u16[]"].map(str::to_owned);
    check_movement(&shapes, &[], "u16[7,5013]", "pad(x0, x1), padding=0_0x20_-7");
}
