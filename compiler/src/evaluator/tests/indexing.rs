//! Windows that are chosen at run time.

use super::{Case, check_cases};

pub(super) const CASES: &[Case] = &[
    (
        "s32[2] dynamic-slice(a, b), dynamic_slice_sizes={2}",
        &["s32[4]={1, 2, 3, 4}", "s32[]=1"],
        "s32[2]={2, 3}",
    ),
    // Starts are clamped so that the window fits.
    (
        "s32[2] dynamic-slice(a, b), dynamic_slice_sizes={2}",
        &["s32[4]={1, 2, 3, 4}", "s32[]=-7"],
        "s32[2]={1, 2}",
    ),
    (
        "s32[2] dynamic-slice(a, b), dynamic_slice_sizes={2}",
        &["s32[4]={1, 2, 3, 4}", "u64[]=18446744073709551615"],
        "s32[2]={3, 4}",
    ),
    (
        "s8[1,2] dynamic-slice(a, b, c), dynamic_slice_sizes={1,2}",
        &["s8[2,3]={{1, 2, 3}, {4, 5, 6}}", "s8[]=1", "s8[]=1"],
        "s8[1,2]={{5, 6}}",
    ),
    (
        "s32[4] dynamic-update-slice(a, b, c)",
        &["s32[4]={1, 2, 3, 4}", "s32[2]={8, 9}", "s32[]=1"],
        "s32[4]={1, 8, 9, 4}",
    ),
    (
        "s32[4] dynamic-update-slice(a, b, c)",
        &["s32[4]={1, 2, 3, 4}", "s32[2]={8, 9}", "s32[]=3"],
        "s32[4]={1, 2, 8, 9}",
    ),
    (
        "bf16[2,2] dynamic-update-slice(a, b, c, d)",
        &["bf16[2,2]={{1, 2}, {3, 4}}", "bf16[1,1]={{9}}", "s32[]=1", "s32[]=-1"],
        "bf16[2,2]={{1, 2}, {9, 4}}",
    ),
    // Rows of a table, as in an embedding; the third index is clamped.
    (
        "f32[4,2] gather(a, b), offset_dims={1}, collapsed_slice_dims={0}, start_index_map={0}, index_vector_dim=1, slice_sizes={1,2}",
        &["f32[3,2]={{1, 2}, {3, 4}, {5, 6}}", "s32[4,1]={{2}, {0}, {9}, {-1}}"],
        "f32[4,2]={{5, 6}, {1, 2}, {5, 6}, {1, 2}}",
    ),
    // The index vector dimension may be implicit.
    (
        "s32[2] gather(a, b), offset_dims={}, collapsed_slice_dims={0}, start_index_map={0}, index_vector_dim=1, slice_sizes={1}",
        &["s32[3]={1, 2, 3}", "u8[2]={2, 1}"],
        "s32[2]={3, 2}",
    ),
    // Two-dimensional windows, components of the index in the order of start_index_map, offset
    // dimensions before the batch dimension.
    (
        "s32[2,1,2] gather(a, b), offset_dims={0,1}, collapsed_slice_dims={}, start_index_map={1,0}, index_vector_dim=0, slice_sizes={2,1}",
        &["s32[3,3]={{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}", "s32[2,2]={{2, 0}, {0, 5}}"],
        "s32[2,1,2]={{{3, 4}}, {{6, 7}}}",
    ),
    // Batch dimensions: each row picks from its own row.
    (
        "s32[2,2] gather(a, b), offset_dims={}, collapsed_slice_dims={1}, start_index_map={1}, operand_batching_dims={0}, start_indices_batching_dims={0}, index_vector_dim=2, slice_sizes={1,1}",
        &["s32[2,3]={{1, 2, 3}, {4, 5, 6}}", "s32[2,2]={{0, 2}, {1, 1}}"],
        "s32[2,2]={{1, 3}, {5, 5}}",
    ),
    (
        "s32[0,2] gather(a, b), offset_dims={1}, collapsed_slice_dims={0}, start_index_map={0}, index_vector_dim=1, slice_sizes={1,2}",
        &["s32[3,2]={{1, 2}, {3, 4}, {5, 6}}", "s32[0,1]={}"],
        "s32[0,2]={}",
    ),
];

#[test]
fn windows_are_where_the_indices_say() {
    check_cases(CASES);
}

#[test]
fn an_update_does_not_change_a_value_that_is_used_elsewhere() {
    let text = "HloModule m
        ENTRY main {
          a = s32[2] parameter(0)
          zero = s32[] constant(0)
          b = s32[1] constant({9})
          c = s32[2] dynamic-update-slice(a, b, zero)
          ROOT d = (s32[2], s32[2]) tuple(a, c)
        }";
    let result = super::value(text, &["s32[2]={1, 2}"]);
    assert_eq!(result, super::literal("(s32[2], s32[2])=({1, 2}, {9, 2})"));
}
