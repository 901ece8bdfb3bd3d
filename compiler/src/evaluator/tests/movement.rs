//! Ops that make and move data.

use super::{Case, check_cases};

pub(super) const CASES: &[Case] = &[
    ("s32[3] constant({1, 2, 3})", &[], "s32[3]={1, 2, 3}"),
    ("s32[2,3] iota(), iota_dimension=0", &[], "s32[2,3]={{0, 0, 0}, {1, 1, 1}}"),
    ("bf16[2,3] iota(), iota_dimension=1", &[], "bf16[2,3]={{0, 1, 2}, {0, 1, 2}}"),
    ("u8[0] iota(), iota_dimension=0", &[], "u8[0]={}"),
    ("s32[2,2] broadcast(a), dimensions={}", &["s32[]=7"], "s32[2,2]={{7, 7}, {7, 7}}"),
    ("s8[2,3] broadcast(a), dimensions={0}", &["s8[2]={1, 2}"], "s8[2,3]={{1, 1, 1}, {2, 2, 2}}"),
    (
        "s8[2,3] broadcast(a), dimensions={1}",
        &["s8[3]={1, 2, 3}"],
        "s8[2,3]={{1, 2, 3}, {1, 2, 3}}",
    ),
    (
        "f64[3,2] broadcast(a), dimensions={1,0}",
        &["f64[2,3]={{1, 2, 3}, {4, 5, 6}}"],
        "f64[3,2]={{1, 4}, {2, 5}, {3, 6}}",
    ),
    ("pred[2] broadcast(a), dimensions={}", &["pred[]=true"], "pred[2]={true, true}"),
    (
        "s16[3,2] transpose(a), dimensions={1,0}",
        &["s16[2,3]={{1, 2, 3}, {4, 5, 6}}"],
        "s16[3,2]={{1, 4}, {2, 5}, {3, 6}}",
    ),
    (
        "s8[2,1,2] transpose(a), dimensions={2,0,1}",
        &["s8[1,2,2]={{{1, 2}, {3, 4}}}"],
        "s8[2,1,2]={{{1, 3}}, {{2, 4}}}",
    ),
    (
        "s32[3,2] reshape(a)",
        &["s32[2,3]={{1, 2, 3}, {4, 5, 6}}"],
        "s32[3,2]={{1, 2}, {3, 4}, {5, 6}}",
    ),
    (
        "s32[2,2] slice(a), slice={[0:3:2], [1:3]}",
        &["s32[3,3]={{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}"],
        "s32[2,2]={{2, 3}, {8, 9}}",
    ),
    ("s32[0] slice(a), slice={[2:2]}", &["s32[3]={1, 2, 3}"], "s32[0]={}"),
    ("s32[1] slice(a), slice={[2:3:9000000000000000000]}", &["s32[3]={1, 2, 3}"], "s32[1]={3}"),
    (
        "s32[2,3] reverse(a), dimensions={1}",
        &["s32[2,3]={{1, 2, 3}, {4, 5, 6}}"],
        "s32[2,3]={{3, 2, 1}, {6, 5, 4}}",
    ),
    (
        "s32[2,3] reverse(a), dimensions={0,1}",
        &["s32[2,3]={{1, 2, 3}, {4, 5, 6}}"],
        "s32[2,3]={{6, 5, 4}, {3, 2, 1}}",
    ),
    ("s32[0] reverse(a), dimensions={0}", &["s32[0]={}"], "s32[0]={}"),
    (
        "s8[2,4] concatenate(a, b, c), dimensions={1}",
        &["s8[2,1]={{1}, {2}}", "s8[2,2]={{3, 4}, {5, 6}}", "s8[2,1]={{7}, {8}}"],
        "s8[2,4]={{1, 3, 4, 7}, {2, 5, 6, 8}}",
    ),
    ("s8[3] concatenate(a, b, a), dimensions={0}", &["s8[1]={1}", "s8[1]={2}"], "s8[3]={1, 2, 1}"),
    ("s8[1] concatenate(a, b), dimensions={0}", &["s8[0]={}", "s8[1]={2}"], "s8[1]={2}"),
    (
        "s32[6] pad(a, b), padding=1_2_0",
        &["s32[3]={1, 2, 3}", "s32[]=9"],
        "s32[6]={9, 1, 2, 3, 9, 9}",
    ),
    ("s32[5] pad(a, b), padding=0_0_1", &["s32[3]={1, 2, 3}", "s32[]=9"], "s32[5]={1, 9, 2, 9, 3}"),
    ("s32[1] pad(a, b), padding=-1_-1_0", &["s32[3]={1, 2, 3}", "s32[]=9"], "s32[1]={2}"),
    // Negative padding removes elements after interior padding was put between them.
    (
        "s32[5] pad(a, b), padding=-1_1_1",
        &["s32[3]={1, 2, 3}", "s32[]=9"],
        "s32[5]={9, 2, 9, 3, 9}",
    ),
    ("s32[3] pad(a, b), padding=-3_1_1", &["s32[3]={1, 2, 3}", "s32[]=9"], "s32[3]={9, 3, 9}"),
    ("s32[2] pad(a, b), padding=-5_4_0", &["s32[3]={1, 2, 3}", "s32[]=9"], "s32[2]={9, 9}"),
    ("s32[2] pad(a, b), padding=4_-5_0", &["s32[3]={1, 2, 3}", "s32[]=9"], "s32[2]={9, 9}"),
    ("s32[2] pad(a, b), padding=1_1_5", &["s32[0]={}", "s32[]=9"], "s32[2]={9, 9}"),
    ("s32[0] pad(a, b), padding=-1_-2_0", &["s32[3]={1, 2, 3}", "s32[]=9"], "s32[0]={}"),
    (
        "s32[2,3] pad(a, b), padding=1_0_0x0_1_0",
        &["s32[1,2]={{1, 2}}", "s32[]=9"],
        "s32[2,3]={{9, 9, 9}, {1, 2, 9}}",
    ),
    ("u32[2] bitcast-convert(a)", &["f32[2]={1, -0}"], "u32[2]={1065353216, 2147483648}"),
    ("u16[2,2] bitcast-convert(a)", &["u32[2]={65538, 196612}"], "u16[2,2]={{2, 1}, {4, 3}}"),
    ("u64[1] bitcast-convert(a)", &["u32[1,2]={{1, 2}}"], "u64[1]={8589934593}"),
    ("s32[4] bitcast(a)", &["s32[2,2]={{1, 2}, {3, 4}}"], "s32[4]={1, 2, 3, 4}"),
    ("s32[2] opt-barrier(a)", &["s32[2]={1, 2}"], "s32[2]={1, 2}"),
];

#[test]
fn elements_go_where_the_table_says() {
    check_cases(CASES);
}

#[test]
fn a_bitcast_follows_the_layouts() {
    // Column-major memory, read as row-major: the transposition.
    let text = "HloModule m
        ENTRY main {
          a = s32[2,3] parameter(0)
          b = s32[2,3]{0,1} copy(a)
          ROOT c = s32[3,2]{1,0} bitcast(b)
        }";
    let result = super::value(text, &["s32[2,3]={{1, 2, 3}, {4, 5, 6}}"]);
    assert_eq!(result, super::literal("s32[3,2]={{1, 4}, {2, 5}, {3, 6}}"));
}

#[test]
fn a_bitcast_does_not_invent_padding() {
    // Rows of 2 padded to 4 in one layout; 3 in the first place of the other would be padding.
    let text = "HloModule m
        ENTRY main {
          a = s32[2,2] parameter(0)
          b = s32[2,2]{1,0:T(2,4)} copy(a)
          ROOT c = s32[4]{0:T(8)} bitcast(b)
        }";
    let error = super::run(text, &["s32[2,2]={{1, 2}, {3, 4}}"]).unwrap_err().to_string();
    assert!(error.contains("instruction c: the bitcast from s32[2,2]"), "{error}");
    assert!(error.contains("reads padding"), "{error}");
}
