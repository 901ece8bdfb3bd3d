//! Reductions.

use super::{literal, value};

/// The largest element of each row and the first index where it is.
pub(super) const ARG_MAX: &str = "HloModule m
    larger {
      value = f32[] parameter(0)
      index = s32[] parameter(1)
      other_value = f32[] parameter(2)
      other_index = s32[] parameter(3)
      greater = pred[] compare(value, other_value), direction=GT
      is_nan = pred[] compare(value, value), direction=NE
      better = pred[] or(greater, is_nan)
      equal = pred[] compare(value, other_value), direction=EQ
      before = pred[] compare(index, other_index), direction=LT
      tie = pred[] and(equal, before)
      first = pred[] or(better, tie)
      largest = f32[] select(better, value, other_value)
      place = s32[] select(first, index, other_index)
      ROOT both = (f32[], s32[]) tuple(largest, place)
    }
    ENTRY main {
      a = f32[2,4] parameter(0)
      indices = s32[2,4] iota(), iota_dimension=1
      lowest = f32[] constant(-inf)
      zero = s32[] constant(0)
      ROOT r = (f32[2], s32[2]) reduce(a, indices, lowest, zero), dimensions={1}, to_apply=larger
    }";

#[test]
fn several_operands_are_reduced_together() {
    let result = value(ARG_MAX, &["f32[2,4]={{1, 7, 7, 2}, {-3, -1, -2, -1}}"]);
    assert_eq!(result, literal("(f32[2], s32[2])=({7, -1}, {1, 1})"));
}

/// Reduces `a` of this shape with a region of one op.
fn plain(op: &str, shape: &str, dimensions: &str, result: &str, init: &str) -> String {
    let element_type = &shape[..shape.find('[').unwrap()];
    format!(
        "HloModule m
        region {{
          x = {element_type}[] parameter(0)
          y = {element_type}[] parameter(1)
          ROOT z = {element_type}[] {op}(x, y)
        }}
        ENTRY main {{
          a = {shape} parameter(0)
          init = {element_type}[] constant({init})
          ROOT r = {result} reduce(a, init), dimensions={dimensions}, to_apply=region
        }}"
    )
}

#[test]
fn plain_reductions_combine_all_elements() {
    let cases = [
        ("add", "s32[2,3]", "{1}", "s32[2]", "10", "{{1, 2, 3}, {4, 5, 6}}", "{16, 25}"),
        ("add", "s32[2,3]", "{0}", "s32[3]", "0", "{{1, 2, 3}, {4, 5, 6}}", "{5, 7, 9}"),
        ("add", "s32[2,3]", "{0,1}", "s32[]", "0", "{{1, 2, 3}, {4, 5, 6}}", "21"),
        (
            "add",
            "s32[2,3]",
            "{}",
            "s32[2,3]",
            "1",
            "{{1, 2, 3}, {4, 5, 6}}",
            "{{2, 3, 4}, {5, 6, 7}}",
        ),
        ("add", "u8[2]", "{0}", "u8[]", "0", "{200, 100}", "44"),
        ("multiply", "s8[3]", "{0}", "s8[]", "1", "{5, 6, 7}", "-46"),
        ("multiply", "f32[3]", "{0}", "f32[]", "1", "{0.5, 6, -7}", "-21"),
        ("maximum", "f32[3]", "{0}", "f32[]", "-inf", "{1, nan, 2}", "nan"),
        ("maximum", "f32[0]", "{0}", "f32[]", "-inf", "{}", "-inf"),
        ("minimum", "bf16[3]", "{0}", "bf16[]", "inf", "{1, -2, 2}", "-2"),
        ("maximum", "u32[2]", "{0}", "u32[]", "0", "{1, 4294967295}", "4294967295"),
        ("minimum", "s64[2]", "{0}", "s64[]", "5", "{1, -4294967296}", "-4294967296"),
        (
            "and",
            "pred[2,2]",
            "{1}",
            "pred[2]",
            "true",
            "{{true, false}, {true, true}}",
            "{false, true}",
        ),
        (
            "or",
            "pred[2,2]",
            "{1}",
            "pred[2]",
            "false",
            "{{true, false}, {false, false}}",
            "{true, false}",
        ),
        ("xor", "pred[3]", "{0}", "pred[]", "false", "{true, true, true}", "true"),
        ("and", "s32[2]", "{0}", "s32[]", "-1", "{6, 3}", "2"),
        ("or", "u16[2]", "{0}", "u16[]", "0", "{6, 3}", "7"),
        ("xor", "s8[2]", "{0}", "s8[]", "0", "{6, 3}", "5"),
        ("add", "s32[0,2]", "{0}", "s32[2]", "7", "{}", "{7, 7}"),
        ("add", "s32[2,0]", "{0}", "s32[0]", "7", "{{}, {}}", "{}"),
        // In f64, rounded once: no partial sum is lost.
        ("add", "bf16[3]", "{0}", "bf16[]", "0", "{256, 1, 1}", "258"),
        ("add", "f32[3]", "{0}", "f32[]", "0", "{16777216, 1, 1}", "16777218"),
        ("add", "f32[3]", "{0}", "f32[]", "0", "{3e38, 3e38, -3e38}", "3e38"),
        // Not plain: runs the computation on rows of accumulators.
        ("subtract", "s32[2,3]", "{1}", "s32[2]", "10", "{{1, 2, 3}, {4, 5, 6}}", "{4, -5}"),
        ("subtract", "s32[2,3]", "{0}", "s32[3]", "10", "{{1, 2, 3}, {4, 5, 6}}", "{5, 3, 1}"),
        ("subtract", "s32[2,0]", "{0}", "s32[0]", "7", "{{}, {}}", "{}"),
        ("subtract", "s32[0,2]", "{0}", "s32[2]", "7", "{}", "{7, 7}"),
    ];
    for (op, shape, dimensions, result, init, argument, expected) in cases {
        let text = plain(op, shape, dimensions, result, init);
        let value = value(&text, &[&format!("{shape}={argument}")]);
        let expected = literal(&format!("{result}={expected}"));
        assert!(super::same(&value, &expected), "{op} of {argument}: {value:?}");
    }
}

#[test]
fn the_order_is_row_major_in_every_dimension() {
    // x * 10 + y writes the digits in the order in which they are met.
    let region = |called: &str, root: &str| {
        format!(
            "HloModule m
            {called}
            region {{
              x = s32[] parameter(0)
              y = s32[] parameter(1)
              ten = s32[] constant(10)
              shifted = s32[] multiply(x, ten)
              {root}
            }}
            ENTRY main {{
              a = s32[2,2,2] parameter(0)
              init = s32[] constant(0)
              ROOT r = s32[2] reduce(a, init), dimensions={{2,0}}, to_apply=region
            }}"
        )
    };
    let argument = "s32[2,2,2]={{{1, 2}, {3, 4}}, {{5, 6}, {7, 8}}}";
    let expected = literal("s32[2]={1256, 3478}");
    let lifted = region("", "ROOT z = s32[] add(shifted, y)");
    assert_eq!(value(&lifted, &[argument]), expected);
    // A call cannot be lifted, so the region is called for each element.
    let called = "sum { x = s32[] parameter(0) y = s32[] parameter(1) ROOT z = s32[] add(x, y) }";
    let by_calls = region(called, "ROOT z = s32[] call(shifted, y), to_apply=sum");
    assert_eq!(value(&by_calls, &[argument]), expected);
}

#[test]
fn a_region_may_ignore_or_repeat_its_parameters() {
    let text = "HloModule m
        region {
          x = f32[] parameter(0)
          y = f32[] parameter(1)
          ROOT z = f32[] copy(y)
        }
        ENTRY main {
          a = f32[3] parameter(0)
          init = f32[] constant(0)
          ROOT r = f32[] reduce(a, init), dimensions={0}, to_apply=region
        }";
    assert_eq!(value(text, &["f32[3]={1, 2, 3}"]), literal("f32[]=3"));
    let text = text.replace("copy(y)", "add(y, y)");
    assert_eq!(value(&text, &["f32[3]={1, 2, 3}"]), literal("f32[]=6"));
}

#[test]
fn the_region_may_work_in_a_wider_type() {
    let text = "HloModule m
        region { x = f32[] parameter(0) y = f32[] parameter(1) ROOT z = f32[] add(x, y) }
        ENTRY main {
          a = bf16[3] parameter(0)
          init = bf16[] constant(0)
          ROOT r = f32[] reduce(a, init), dimensions={0}, to_apply=region
        }";
    assert_eq!(value(text, &["bf16[3]={256, 1, 0.5}"]), literal("f32[]=257.5"));
}
