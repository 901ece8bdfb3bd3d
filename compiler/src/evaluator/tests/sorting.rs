//! Sorting, and random bits.

use super::{literal, value};
use crate::hlo::Literal;

/// A comparator that has to be called: it is the value of another computation.
pub(super) const BY_CALLS: &str = "HloModule m
    by_size {
      a = s32[] parameter(0)
      b = s32[] parameter(1)
      size_of_a = s32[] abs(a)
      size_of_b = s32[] abs(b)
      ROOT less = pred[] compare(size_of_a, size_of_b), direction=LT
    }
    comparator {
      a = s32[] parameter(0)
      b = s32[] parameter(1)
      ROOT less = pred[] call(a, b), to_apply=by_size
    }
    ENTRY main {
      a = s32[2,6] parameter(0)
      ROOT r = s32[2,6] sort(a), dimensions={1}, is_stable=true, to_apply=comparator
    }";

/// Random bits of both algorithms.
pub(super) const BITS: &str = "HloModule m
    ENTRY main {
      state = u64[2] parameter(0)
      a = (u64[2], u32[2,3]) rng-bit-generator(state), algorithm=rng_three_fry
      b = (u64[2], u16[5]) rng-bit-generator(state), algorithm=rng_philox
      c = (u64[2], u64[3]) rng-bit-generator(state), algorithm=rng_three_fry
      d = (u64[2], u64[3]) rng-bit-generator(state), algorithm=rng_default
      ROOT r = ((u64[2], u32[2,3]), (u64[2], u16[5]), (u64[2], u64[3]), (u64[2], u64[3])) tuple(a, b, c, d)
    }";

/// Ops of real matrices.
pub(super) const FACTORS: &str = "HloModule m
    ENTRY main {
      a = f32[2,2] parameter(0)
      l = f32[2,2] cholesky(a)
      ROOT x = f32[2,2] triangular-solve(l, a), lower=true, unit_diagonal=true, transpose_a=ADJOINT
    }";

const NUMBERS: &str = "s32[2,6]={{3, -1, 1, -3, 0, 2}, {5, 4, 3, 2, 1, -5}}";

#[test]
fn a_comparator_is_called_or_its_keys_are_found() {
    let expected = literal("s32[2,6]={{0, -1, 1, 2, 3, -3}, {1, 2, 3, 4, 5, -5}}");
    assert_eq!(value(BY_CALLS, &[NUMBERS]), expected);
    let by_keys = BY_CALLS.replace("to_apply=comparator", "to_apply=by_size");
    assert_eq!(value(&by_keys, &[NUMBERS]), expected);
}

/// Sorts `f32` pairs of `a` and positions with this body of the comparator, and gives the
/// positions.
fn order(comparator: &str, a: &str) -> Literal {
    let length = a.split(',').count();
    let text = format!(
        "HloModule m
        comparator {{
          a = f32[] parameter(0)
          b = f32[] parameter(1)
          i = s32[] parameter(2)
          j = s32[] parameter(3)
          {comparator}
        }}
        ENTRY main {{
          a = f32[{length}] parameter(0)
          i = s32[{length}] iota(), iota_dimension=0
          s = (f32[{length}], s32[{length}]) sort(a, i), dimensions={{0}}, to_apply=comparator
          ROOT r = s32[{length}] get-tuple-element(s), index=1
        }}"
    );
    value(&text, &[&format!("f32[{length}]={a}")])
}

#[test]
fn keys_decide_one_after_the_other() {
    let less = "ROOT r = pred[] compare(a, b), direction=LT";
    assert_eq!(order(less, "{2, -0, 0, 1, -0}"), literal("s32[5]={1, 2, 4, 3, 0}"));
    let total = "ROOT r = pred[] compare(a, b), direction=LT, type=TOTALORDER";
    assert_eq!(order(total, "{nan, 0, -0, -inf, -1}"), literal("s32[5]={3, 4, 2, 1, 0}"));
    let down = "ROOT r = pred[] compare(a, b), direction=GT, type=TOTALORDER";
    assert_eq!(order(down, "{1, 3, 2, 3}"), literal("s32[4]={1, 3, 2, 0}"));
    let exchanged = "ROOT r = pred[] compare(b, a), direction=GT";
    assert_eq!(order(exchanged, "{1, 3, 2, 3}"), literal("s32[4]={0, 2, 1, 3}"));
    let then_backwards = "l = pred[] compare(a, b), direction=LT
        e = pred[] compare(b, a), direction=EQ
        later = pred[] compare(j, i), direction=LT
        both = pred[] and(later, e)
        ROOT r = pred[] or(both, l)";
    assert_eq!(order(then_backwards, "{1, 3, 1, 3}"), literal("s32[4]={2, 0, 3, 1}"));
}

#[test]
fn what_is_no_order_gives_some_permutation() {
    for comparator in [
        "ROOT r = pred[] constant(true)",
        "ROOT r = pred[] compare(a, b), direction=NE",
        "ROOT r = pred[] compare(a, b), direction=LT",
    ] {
        let order = order(comparator, "{nan, 3, nan, 1, 2, nan, 0}");
        let order = order.as_array().unwrap();
        let mut places: Vec<i64> = (0..7).map(|n| order.get_i64(n).unwrap()).collect();
        places.sort_unstable();
        assert_eq!(places, [0, 1, 2, 3, 4, 5, 6], "{comparator}");
    }
}

#[test]
fn bits_are_those_of_other_implementations() {
    // From JAX 0.10.2 on a CPU.
    let expected = "((u64[2], u32[2,3]), (u64[2], u16[5]), (u64[2], u64[3]), (u64[2], u64[3]))=(({1311768467463790320, 1}, {{1010520186, 2754706343, 1593802813}, {1888741164, 569486026, 1289978105}}), ({1311768467463790320, 0}, {22271, 54433, 56247, 55207, 57118}), ({1311768467463790320, 1}, {8112081530999492730, 2445923859953712039, 5540413775124856893}), ({1311768467463790320, 0}, {13228713271577040639, 12765971733663767479, 12951043062988922654}))";
    assert_eq!(
        value(BITS, &["u64[2]={1311768467463790320, 18446744073709551614}"]),
        literal(expected)
    );
}

#[test]
fn factors_of_complex_matrices() {
    let text = "HloModule m
        ENTRY main {
          a = c64[2,2] parameter(0)
          l = c64[2,2] cholesky(a), lower=true
          x = c64[2,2] triangular-solve(l, a), left_side=true, lower=true, transpose_a=NO_TRANSPOSE
          e = (c64[2,2], f32[2]) custom-call(a), custom_call_target=\"Eigh\", backend_config=\"1,1,100,1e-6\"
          w = f32[2] get-tuple-element(e), index=1
          ROOT r = (c64[2,2], c64[2,2], f32[2]) tuple(l, x, w)
        }";
    // The solution is the adjoint of the factor.
    let expected = "(c64[2,2], c64[2,2], f32[2])=({{(2, 0), (0, 0)}, {(0, 1), (1, 0)}}, \
                    {{(2, 0), (0, -1)}, {(0, 0), (1, 0)}}, {0.76393205, 5.236068})";
    let a = "c64[2,2]={{(4, 0), (0, -2)}, {(0, 2), (2, 0)}}";
    assert_eq!(value(text, &[a]), literal(expected));
}
