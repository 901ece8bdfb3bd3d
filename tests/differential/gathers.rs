//! Gathers of every form: what JAX makes of indexing, then generated ones.

use palmetto_compiler::hlo::{ArrayLiteral, ElementType, Literal, Module};
use palmetto_testkit::llo_generator::Random;

use super::{inputs_of, modelled_launches, module_of};

/// Inputs of a module: the indices are from -2 up, beyond some operands.
pub(super) fn inputs(module: &Module, below: usize) -> Vec<Literal> {
    let mut inputs = inputs_of(module);
    for input in &mut inputs {
        let Literal::Array(array) = input else { continue };
        if array.element_type() == ElementType::S32 {
            let mut indices = ArrayLiteral::zeros(&array.shape().clone());
            let mut random = Random::new(7);
            for n in 0..indices.element_count() {
                let index = i64::try_from(random.below(below)).unwrap_or(0) - 2;
                indices.set_i64(n, index);
            }
            *array = indices;
        }
    }
    inputs
}

#[track_caller]
fn check(text: &str) {
    check_within(text, 12);
}

/// The same with indices below a limit.
#[track_caller]
fn check_within(text: &str, below: usize) {
    let module = module_of(&format!("HloModule m\n{text}"));
    let launches = modelled_launches(&module, &inputs(&module, below));
    assert!(launches.is_empty(), "modelled: {launches:?}, in\n{text}");
}

fn gather([table, indices, result]: [&str; 3], numbers: &str) -> String {
    format!(
        "ENTRY main {{\n x = f32[{table}] parameter(0)\n i = s32[{indices}] parameter(1)\n ROOT r = f32[{result}] gather(x, i), {numbers}\n}}\n"
    )
}

#[test]
fn indexing_as_jax_lowers_it() {
    // x[i, :, j], and the same with the slices first.
    let numbers = "offset_dims={1}, collapsed_slice_dims={0,2}, start_index_map={0,2}, index_vector_dim=1, slice_sizes={1,7,1}";
    check(&gather(["10,7,9", "6,2", "6,7"], numbers));
    let numbers = "offset_dims={0}, collapsed_slice_dims={0,2}, start_index_map={0,2}, index_vector_dim=1, slice_sizes={1,7,1}";
    check(&gather(["10,7,9", "6,2", "7,6"], numbers));
    // take along the middle and the last axis.
    let numbers = "offset_dims={0,2}, collapsed_slice_dims={1}, start_index_map={1}, index_vector_dim=1, slice_sizes={4,1,130}";
    check(&gather(["4,10,130", "5,1", "4,5,130"], numbers));
    let numbers = "offset_dims={0}, collapsed_slice_dims={1}, start_index_map={1}, index_vector_dim=2, slice_sizes={4,1}";
    check(&gather(["4,10", "3,5,1", "4,3,5"], numbers));
    // take_along_axis along either axis.
    let numbers = "offset_dims={}, collapsed_slice_dims={1}, start_index_map={1}, operand_batching_dims={0}, start_indices_batching_dims={0}, index_vector_dim=2, slice_sizes={1,1}";
    check(&gather(["4,10", "4,3,1", "4,3"], numbers));
    let numbers = "offset_dims={}, collapsed_slice_dims={0}, start_index_map={0}, operand_batching_dims={1}, start_indices_batching_dims={1}, index_vector_dim=2, slice_sizes={1,1}";
    check(&gather(["10,4", "3,4,1", "3,4"], numbers));
    // dynamic_slice under vmap: of one array, and of an array each.
    let numbers = "offset_dims={1,2}, collapsed_slice_dims={}, start_index_map={0,1}, index_vector_dim=1, slice_sizes={3,130}";
    check(&gather(["10,130", "5,2", "5,3,130"], numbers));
    let numbers = "offset_dims={1}, collapsed_slice_dims={}, start_index_map={0}, operand_batching_dims={1}, start_indices_batching_dims={0}, index_vector_dim=1, slice_sizes={3,1}";
    check(&gather(["10,5", "5,1", "5,3"], numbers));
}

/// Lanes of rows of several columns, by indices of several columns, and beyond.
#[test]
fn lanes_of_long_rows() {
    let of_rows = "offset_dims={}, collapsed_slice_dims={1}, start_index_map={1}, operand_batching_dims={0}, start_indices_batching_dims={0}, index_vector_dim=2, slice_sizes={1,1}";
    for element in ["f32", "bf16", "s8", "u32", "pred"] {
        let text = gather(["40,700", "40,300,1", "40,300"], of_rows);
        check_within(&text.replace("f32", element), 1500);
    }
    check_within(&gather(["9,5000", "9,600,1", "9,600"], of_rows), 6000);
    check_within(&gather(["9,5000", "9,1,1", "9,1"], of_rows), 6000);
    // One lane of each row, and the same lanes of all.
    check_within(&gather(["40,700", "40,1,1", "40,1"], of_rows), 1500);
    let of_all = "offset_dims={0}, collapsed_slice_dims={1}, start_index_map={1}, index_vector_dim=1, slice_sizes={40,1}";
    check_within(&gather(["40,700", "9,1", "40,9"], of_all), 1500);
}

#[test]
fn single_elements() {
    let of_line = "offset_dims={}, collapsed_slice_dims={0}, start_index_map={0}, index_vector_dim=1, slice_sizes={1}";
    check_within(&gather(["700", "300,1", "300"], of_line), 1500);
    check_within(&gather(["70001", "40,1", "40"], of_line), 90000);
    let of_matrix = "offset_dims={}, collapsed_slice_dims={0,1}, start_index_map={1,0}, index_vector_dim=1, slice_sizes={1,1}";
    check_within(&gather(["20,30", "300,2", "300"], of_matrix), 40);
    check_within(&gather(["300,500", "300,2", "300"], of_matrix), 600);
    check_within(&gather(["300,5000", "7,2", "7"], of_matrix), 600);
}

/// Sums and maxima over what was gathered are computed with it.
#[test]
fn gathered_lanes_within_a_fusion() {
    let of_rows = "offset_dims={}, collapsed_slice_dims={1}, start_index_map={1}, operand_batching_dims={0}, start_indices_batching_dims={0}, index_vector_dim=2, slice_sizes={1,1}";
    check_within(
        &format!(
            "c {{\n a = f32[] parameter(0)\n b = f32[] parameter(1)\n ROOT r = f32[] maximum(a, b)\n}}\nENTRY main {{\n x = f32[40,700] parameter(0)\n i = s32[40,300] parameter(1)\n e = f32[40,700] negate(x)\n v = s32[40,300,1] reshape(i)\n g = f32[40,300] gather(e, v), {of_rows}\n z = f32[] constant(-inf)\n m = f32[40] reduce(g, z), dimensions={{1}}, to_apply=c\n b = f32[40,300] broadcast(m), dimensions={{0}}\n ROOT r = f32[40,300] subtract(g, b)\n}}\n"
        ),
        800,
    );
}

/// Sizes of up to four dimensions, small.
fn sizes(random: &mut Random, least: usize) -> Vec<usize> {
    let rank = least + random.below(4 - least);
    (0..rank).map(|_| [1, 2, 3, 5, 8, 9][random.below(6)]).collect()
}

pub(super) fn list(numbers: &[usize]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Operand, dimension numbers and sizes of a gather or a scatter.
pub(super) struct Form {
    pub(super) operand: Vec<usize>,
    pub(super) indices: Vec<usize>,
    /// Of the result of a gather, or of the updates of a scatter.
    pub(super) moved: Vec<usize>,
    pub(super) slice: Vec<usize>,
    pub(super) offsets: Vec<usize>,
    pub(super) collapsed: Vec<usize>,
    pub(super) batching: Vec<usize>,
    pub(super) of_indices: Vec<usize>,
    pub(super) map: Vec<usize>,
    pub(super) vector: usize,
}

pub(super) fn form(seed: u64) -> Form {
    let random = &mut Random::new(seed);
    let operand = sizes(random, 1);
    let rank = operand.len();
    let mut rows = sizes(random, 0);
    let batching: Vec<usize> = (0..rank).filter(|_| random.below(5) == 0).collect();
    let mut of_indices = Vec::new();
    for d in &batching {
        of_indices.push(rows.len());
        rows.push(operand[*d]);
    }
    let mut slice = Vec::new();
    let (mut collapsed, mut map) = (Vec::new(), Vec::new());
    for (d, &size) in operand.iter().enumerate() {
        if batching.contains(&d) {
            slice.push(1);
            continue;
        }
        let part = [1, size, 1 + random.below(size)][random.below(3)];
        if part == 1 && random.below(3) > 0 {
            collapsed.push(d);
        }
        if random.below(2) == 0 {
            map.insert(random.below(map.len() + 1), d);
        }
        slice.push(part);
    }
    let vector = random.below(rows.len() + 1);
    of_indices.iter_mut().filter(|d| **d >= vector).for_each(|d| *d += 1);
    let mut indices = rows.clone();
    indices.insert(vector, map.len());
    let kept: Vec<usize> = (0..rank)
        .filter(|d| !collapsed.contains(d) && !batching.contains(d))
        .map(|d| slice[d])
        .collect();
    let (mut moved, mut offsets) = (Vec::new(), Vec::new());
    let (mut of_rows, mut of_kept) = (rows.into_iter(), kept.into_iter().peekable());
    loop {
        let takes_slice = of_kept.peek().is_some() && random.below(2) == 0;
        let next = if takes_slice { None } else { of_rows.next() };
        if let Some(size) = next {
            moved.push(size);
            continue;
        }
        let Some(size) = of_kept.next() else { break };
        offsets.push(moved.len());
        moved.push(size);
    }
    Form { operand, indices, moved, slice, offsets, collapsed, batching, of_indices, map, vector }
}

#[test]
fn generated_gathers() {
    for seed in 0..80 {
        let form = form(seed);
        let numbers = format!(
            "offset_dims={{{}}}, collapsed_slice_dims={{{}}}, start_index_map={{{}}}, operand_batching_dims={{{}}}, start_indices_batching_dims={{{}}}, index_vector_dim={}, slice_sizes={{{}}}",
            list(&form.offsets),
            list(&form.collapsed),
            list(&form.map),
            list(&form.batching),
            list(&form.of_indices),
            form.vector,
            list(&form.slice),
        );
        let [operand, indices, result] =
            [&form.operand, &form.indices, &form.moved].map(|sizes| list(sizes));
        check(&gather([&operand, &indices, &result], &numbers));
    }
}
