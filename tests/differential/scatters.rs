//! Scatters: generated ones, and those of whole rows.

use super::{
    gathers::{form, inputs, list},
    modelled_launches, module_of,
};

/// The same as a gather's check, with indices from -2 to `below` - 3.
#[track_caller]
fn check_within(text: &str, below: usize) {
    let module = module_of(&format!("HloModule m\n{text}"));
    let launches = modelled_launches(&module, &inputs(&module, below));
    assert!(launches.is_empty(), "modelled: {launches:?}, in\n{text}");
}

/// A scatter of rows of `element`, with a combination that ends with `root`.
fn scatter(
    element: &str,
    [operand, indices, updates]: [&str; 3],
    (numbers, root): (&str, &str),
) -> String {
    format!(
        "c {{\n a = {element}[] parameter(0)\n {root}\n}}\nENTRY main {{\n x = {element}[{operand}] parameter(0)\n i = s32[{indices}] parameter(1)\n u = {element}[{updates}] parameter(2)\n ROOT r = {element}[{operand}] scatter(x, i, u), {numbers}, to_apply=c\n}}\n"
    )
}

const OF_ROWS: &str = "update_window_dims={1}, inserted_window_dims={0}, scatter_dims_to_operand_dims={0}, index_vector_dim=1";

/// Sums of rows of large arrays: many for the same rows, some outside.
#[test]
fn sums_of_rows() {
    for (element, rows, lanes, count) in
        [("f32", 20000, 128, 40), ("f32", 9000, 300, 60), ("bf16", 20000, 130, 500)]
    {
        let sizes = [format!("{rows},{lanes}"), format!("{count},1"), format!("{count},{lanes}")];
        let sum = format!("b = {element}[] parameter(1)\n ROOT r = {element}[] add(a, b)");
        let sizes = [sizes[0].as_str(), &sizes[1], &sizes[2]];
        for below in [30, rows + 10] {
            check_within(&scatter(element, sizes, (OF_ROWS, &sum)), below);
        }
    }
}

/// Rows and matrices that replace others: the last one counts.
#[test]
fn rows_that_replace_others() {
    let replaces = |element: &str| format!("ROOT b = {element}[] parameter(1)");
    for element in ["f32", "bf16", "s8", "pred"] {
        let root = replaces(element);
        let text = scatter(element, ["60,300", "37,1", "37,300"], (OF_ROWS, &root));
        check_within(&text, 70);
    }
    let of_matrices = "update_window_dims={1,2}, inserted_window_dims={0}, scatter_dims_to_operand_dims={0}, index_vector_dim=1";
    for element in ["f32", "bf16", "s8"] {
        let root = replaces(element);
        let text = scatter(element, ["30,5,140", "17,1", "17,5,140"], (of_matrices, &root));
        check_within(&text, 40);
    }
    // A cache: each sequence has its position; then positions of both dimensions as indices.
    let of_cache = "update_window_dims={1,2}, inserted_window_dims={1}, scatter_dims_to_operand_dims={1}, input_batching_dims={0}, scatter_indices_batching_dims={0}, index_vector_dim=1";
    check_within(
        &scatter("bf16", ["6,40,4,128", "6,1", "6,4,128"], (of_cache, &replaces("bf16"))),
        50,
    );
    let of_two = "update_window_dims={1}, inserted_window_dims={0,1}, scatter_dims_to_operand_dims={1,0}, index_vector_dim=1";
    check_within(&scatter("f32", ["6,40,130", "9,2", "9,130"], (of_two, &replaces("f32"))), 45);
    // Columns.
    let of_columns = "update_window_dims={0}, inserted_window_dims={1}, scatter_dims_to_operand_dims={1}, index_vector_dim=1";
    check_within(&scatter("f32", ["24,70", "9,1", "24,9"], (of_columns, &replaces("f32"))), 80);
}

#[test]
fn generated_scatters() {
    for seed in 0..40 {
        let form = form(seed);
        let count: usize = form.indices.iter().product();
        // One after the other in a loop, which is long here.
        if count > 300 {
            continue;
        }
        let op = ["add", "maximum", "minimum"][usize::try_from(seed % 3).unwrap_or(0)];
        let [operand, indices, updates] =
            [&form.operand, &form.indices, &form.moved].map(|sizes| list(sizes));
        let numbers = format!(
            "update_window_dims={{{}}}, inserted_window_dims={{{}}}, scatter_dims_to_operand_dims={{{}}}, input_batching_dims={{{}}}, scatter_indices_batching_dims={{{}}}, index_vector_dim={}",
            list(&form.offsets),
            list(&form.collapsed),
            list(&form.map),
            list(&form.batching),
            list(&form.of_indices),
            form.vector,
        );
        check_within(
            &format!(
                "c {{\n a = f32[] parameter(0)\n b = f32[] parameter(1)\n ROOT r = f32[] {op}(a, b)\n}}\nENTRY main {{\n x = f32[{operand}] parameter(0)\n i = s32[{indices}] parameter(1)\n u = f32[{updates}] parameter(2)\n ROOT r = f32[{operand}] scatter(x, i, u), {numbers}, to_apply=c\n}}\n"
            ),
            12,
        );
    }
}
