//! Windows that move over an array.

use super::{Case, check_cases, literal, same, value};

pub(super) const CASES: &[Case] = &[
    // By hand: 1*10 + 2*1, 2*10 + 3*1, 3*10.
    (
        "f32[1,3,1] convolution(a, b), window={size=2 pad=0_1}, dim_labels=b0f_0io->b0f",
        &["f32[1,3,1]={{{1}, {2}, {3}}}", "f32[2,1,1]={{{10}}, {{1}}}"],
        "f32[1,3,1]={{{12}, {23}, {30}}}",
    ),
    // The kernel turned around, every second window, padding that takes away.
    (
        "s32[1,2,1] convolution(a, b), window={size=2 stride=2 pad=-1_1 rhs_reversal=1}, dim_labels=b0f_0io->b0f",
        &["s32[1,4,1]={{{1}, {2}, {3}, {4}}}", "s32[2,1,1]={{{10}}, {{1}}}"],
        "s32[1,2,1]={{{32}, {4}}}",
    ),
    // Zeros between the operand's elements, gaps between the kernel's.
    (
        "s32[1,1,2] convolution(a, b), window={size=2 lhs_dilate=3 rhs_dilate=2}, dim_labels=bf0_oi0->bf0",
        &["s32[1,1,2]={{{5, 7}}}", "s32[1,1,2]={{{1, 100}}}"],
        "s32[1,1,2]={{{5, 700}}}",
    ),
    // Groups of features, and of batches.
    (
        "s32[1,4] convolution(a, b), dim_labels=bf_io->bf, feature_group_count=2",
        &["s32[1,2]={{3, 5}}", "s32[1,4]={{1, 2, 10, 20}}"],
        "s32[1,4]={{3, 6, 50, 100}}",
    ),
    (
        "s32[1,2] convolution(a, b), dim_labels=bf_io->bf, batch_group_count=2",
        &["s32[2,1]={{3}, {5}}", "s32[1,2]={{1, 10}}"],
        "s32[1,2]={{3, 50}}",
    ),
    // Padding takes part, and f32 is seen as bf16.
    (
        "f32[1,2,1] convolution(a, b), window={size=2 pad=1_0}, dim_labels=b0f_0io->b0f",
        &["f32[1,2,1]={{{1.001}, {1}}}", "f32[2,1,1]={{{inf}}, {{1}}}"],
        "f32[1,2,1]={{{nan}, {inf}}}",
    ),
    (
        "f32[1,1] convolution(a, b), dim_labels=bf_io->bf, operand_precision={default,highest}",
        &["f32[1,1]={{1.001}}", "f32[1,1]={{1}}"],
        "f32[1,1]={{1}}",
    ),
    // Sums in the type of the result.
    (
        "s32[1,1] convolution(a, b), dim_labels=bf_io->bf",
        &["s8[1,2]={{100, 100}}", "s8[2,1]={{100}, {100}}"],
        "s32[1,1]={{20000}}",
    ),
];

#[test]
fn convolutions() {
    check_cases(CASES);
}

/// Every op that applies a computation to windows.
pub(super) const ALL_WINDOWS: &str = "HloModule m
sum { a = s32[] parameter(0) b = s32[] parameter(1) ROOT s = s32[] add(a, b) }
least_first { a = s32[] parameter(0) b = s32[] parameter(1) ROOT p = pred[] compare(a, b), direction=LE }
digits { a = s32[] parameter(0) b = s32[] parameter(1) ten = s32[] constant(10) t = s32[] multiply(a, ten) ROOT s = s32[] add(t, b) }
both {
  a = s32[] parameter(0) i = s32[] parameter(1) b = s32[] parameter(2) j = s32[] parameter(3)
  p = pred[] compare(a, b), direction=GE
  m = s32[] select(p, a, b) k = s32[] select(p, i, j)
  ROOT r = (s32[], s32[]) tuple(m, k)
}
ENTRY main {
  x = s32[5] parameter(0)
  zero = s32[] constant(0)
  one = s32[] constant(1)
  low = s32[] constant(-9)
  cumsum = s32[5] reduce-window(x, zero), window={size=5 pad=4_0}, to_apply=sum
  init = s32[3] reduce-window(x, one), window={size=2 stride=2 pad=1_0}, to_apply=sum
  order = s32[3] reduce-window(x, zero), window={size=3}, to_apply=digits
  apart = s32[3] reduce-window(x, zero), window={size=2 pad=0_-1 lhs_dilate=2 rhs_dilate=5}, to_apply=sum
  i = s32[5] iota(), iota_dimension=0
  most = (s32[3], s32[3]) reduce-window(x, i, low, zero), window={size=3}, to_apply=both
  rows = s32[3,2] constant({ {0, 1}, {2, 3}, {4, 5} })
  at = s32[4] constant({2, 0, 2, -1})
  updates = s32[4,2] constant({ {1, 2}, {3, 4}, {5, 6}, {7, 8} })
  added = s32[3,2] scatter(rows, at, updates), update_window_dims={1}, inserted_window_dims={0}, scatter_dims_to_operand_dims={0}, index_vector_dim=1, to_apply=digits
  starts = s32[2,1] constant({ {3}, {4} })
  parts = s32[2,2] constant({ {8, 9}, {6, 7} })
  both_in = (s32[5], s32[5]) scatter(x, i, starts, parts, parts), update_window_dims={1}, inserted_window_dims={}, scatter_dims_to_operand_dims={0}, index_vector_dim=1, to_apply=both
  columns = s32[2,3] constant({ {0, 0, 0}, {0, 0, 0} })
  in_batch = s32[2,2] constant({ {1, 2}, {0, 3} })
  one_each = s32[2,2] constant({ {4, 5}, {6, 7} })
  batched = s32[2,3] scatter(columns, in_batch, one_each), update_window_dims={}, inserted_window_dims={1}, scatter_dims_to_operand_dims={1}, input_batching_dims={0}, scatter_indices_batching_dims={0}, index_vector_dim=2, to_apply=sum
  source = s32[3] constant({1, 10, 100})
  first = s32[5] select-and-scatter(x, source, one), window={size=3}, select=least_first, scatter=sum
  padded = s32[5] select-and-scatter(x, source, zero), window={size=2 stride=3 pad=2_1}, select=least_first, scatter=sum
  ROOT t = (s32[5], s32[3], s32[3], s32[3], (s32[3], s32[3]), s32[5], s32[5], s32[3,2], (s32[5], s32[5]), s32[2,3]) tuple(cumsum, init, order, apart, most, first, padded, added, both_in, batched)
}";

#[test]
fn computations_on_windows() {
    let found = value(ALL_WINDOWS, &["s32[5]={3, 1, 4, 1, 5}"]);
    // `init`: windows (pad, 3), (1, 4), (1, 5), and 1 for the pad and the start.
    // `apart`: 3 0 1 0 4 0 1 0, the elements n and n + 5.
    // `first`: the first 1 of 3 1 4 and of 1 4 1, the only one of 4 1 5.
    // `added`: 0 1 then 3 4; 4 5 then 1 2, then 5 6; -1 is dropped.
    // `both_in`: the window from 4 would reach beyond the end.
    // `padded`: (pad, pad) is dropped, (1, 4) chooses 1, (5, pad) chooses 5.
    let expected = "((s32[5], s32[3], s32[3], s32[3], (s32[3], s32[3]), s32[5], s32[5], s32[3,2], (s32[5], s32[5]), s32[2,3]))";
    let expected = literal(&format!(
        "{}=({{3, 4, 8, 9, 14}}, {{5, 6, 7}}, {{314, 141, 415}}, {{3, 1, 1}}, ({{4, 4, 5}}, {{2, 2, 4}}), {{1, 12, 1, 101, 1}}, {{0, 10, 0, 0, 100}}, {{{{3, 14}}, {{2, 3}}, {{415, 526}}}}, ({{3, 1, 4, 8, 9}}, {{0, 1, 2, 8, 9}}), {{{{0, 4, 5}}, {{6, 0, 0}}}})",
        &expected[1..expected.len() - 1]
    ));
    assert!(same(&found, &expected), "{found}");
}
