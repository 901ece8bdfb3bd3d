//! Calls, loops, branches and tuples.

use super::{literal, run, value};

/// Every control op once. The result for 3 is (2^3 * 3, 3 * 3, -1).
pub(super) const ALL_CONTROL: &str = "HloModule m
    square { x = s32[] parameter(0) ROOT y = s32[] multiply(x, x) }
    fused { x = s32[] parameter(0) ROOT y = s32[] negate(x) }
    condition {
      state = (s32[], s32[]) parameter(0)
      left = s32[] get-tuple-element(state), index=0
      zero = s32[] constant(0)
      ROOT more = pred[] compare(left, zero), direction=GT
    }
    body {
      state = (s32[], s32[]) parameter(0)
      left = s32[] get-tuple-element(state), index=0
      value = s32[] get-tuple-element(state), index=1
      one = s32[] constant(1)
      less = s32[] subtract(left, one)
      double = s32[] add(value, value)
      ROOT next = (s32[], s32[]) tuple(less, double)
    }
    ENTRY main {
      n = s32[] parameter(0)
      start = (s32[], s32[]) tuple(n, n)
      end = (s32[], s32[]) while(start), condition=condition, body=body
      power = s32[] get-tuple-element(end), index=1
      squared = s32[] call(n), to_apply=square
      one = s32[] constant(1)
      minus = s32[] fusion(one), kind=kLoop, calls=fused
      true = pred[] constant(true)
      chosen = s32[] conditional(true, minus, n), branch_computations={square, fused}
      barrier = s32[] opt-barrier(minus)
      ROOT all = (s32[], s32[], s32[], s32[]) tuple(power, squared, barrier, chosen)
    }";

#[test]
fn control_flows() {
    let result = value(ALL_CONTROL, &["s32[]=3"]);
    assert_eq!(result, literal("(s32[], s32[], s32[], s32[])=(24, 9, -1, 1)"));
    let result = value(ALL_CONTROL, &["s32[]=0"]);
    assert_eq!(result, literal("(s32[], s32[], s32[], s32[])=(0, 0, -1, 1)"));
}

/// The number of the branch that is taken.
fn branch(arguments: &str, branches: &str, selector: &str) -> i64 {
    let (shape, _) = selector.split_once('=').unwrap();
    let text = format!(
        "HloModule m
        zero {{ x = s32[] parameter(0) ROOT y = s32[] constant(0) }}
        one {{ x = s32[] parameter(0) ROOT y = s32[] constant(1) }}
        same {{ x = s32[] parameter(0) ROOT y = s32[] copy(x) }}
        ENTRY main {{
          n = {shape} parameter(0)
          x = s32[] constant(2)
          ROOT y = s32[] conditional(n, {arguments}), branch_computations={{{branches}}}
        }}"
    );
    value(&text, &[selector]).as_array().unwrap().get_i64(0).unwrap()
}

#[test]
fn a_branch_is_selected_by_index_or_truth() {
    let by_index = |selector| branch("x, x, x", "zero, one, same", selector);
    assert_eq!(by_index("s32[]=0"), 0);
    assert_eq!(by_index("s32[]=1"), 1);
    assert_eq!(by_index("s32[]=2"), 2);
    // Out of range is the last one.
    assert_eq!(by_index("s32[]=3"), 2);
    assert_eq!(by_index("s32[]=-1"), 2);
    // True is branch 0.
    assert_eq!(branch("x, x", "zero, one", "pred[]=true"), 0);
    assert_eq!(branch("x, x", "zero, one", "pred[]=false"), 1);
}

#[test]
fn tuples_nest_and_share_elements() {
    let text = "HloModule m
        ENTRY main {
          a = (s32[2], (f32[], pred[])) parameter(0)
          b = (f32[], pred[]) get-tuple-element(a), index=1
          c = s32[2] get-tuple-element(a), index=0
          d = pred[] get-tuple-element(b), index=1
          ROOT e = (pred[], s32[2], s32[2], (f32[], pred[])) tuple(d, c, c, b)
        }";
    let result = value(text, &["(s32[2], (f32[], pred[]))=({1, 2}, (0.5, true))"]);
    let expected = "(pred[], s32[2], s32[2], (f32[], pred[]))=(true, {1, 2}, {1, 2}, (0.5, true))";
    assert_eq!(result, literal(expected));
}

#[test]
fn what_nobody_needs_is_not_evaluated() {
    // The loop would not end.
    let text = "HloModule m
        always { x = s32[] parameter(0) ROOT y = pred[] constant(true) }
        body { x = s32[] parameter(0) ROOT y = s32[] copy(x) }
        ENTRY main {
          a = s32[] parameter(0)
          b = s32[] while(a), condition=always, body=body
          ROOT c = s32[] negate(a)
        }";
    assert_eq!(value(text, &["s32[]=4"]), literal("s32[]=-4"));
}

#[test]
fn arguments_have_to_fit() {
    let text = "HloModule m ENTRY main { a = s32[2] parameter(0) ROOT b = s32[2] negate(a) }";
    let message = |arguments: &[&str]| run(text, arguments).unwrap_err().to_string();
    assert_eq!(message(&[]), "0 arguments given for computation main, which has 1 parameters");
    assert_eq!(
        message(&["s32[3]={1, 2, 3}"]),
        "argument 0 of computation main is s32[3]; s32[2] is needed"
    );
}
