//! What vector, cross-lane, transcendental and matrix units compute.

use crate::support::{Register, evaluate, floats, register};

fn number(word: u32) -> f32 {
    f32::from_bits(word)
}

/// Applies `f` to each pair of words.
fn zip(x: &[u32], y: &[u32], f: impl Fn(u32, u32) -> u32) -> Register {
    x.iter().zip(y).map(|(x, y)| f(*x, *y)).collect()
}

#[test]
fn ops_of_a_bundle_read_before_any_writes() {
    let (x, y) = (register(|s, l| (s * 1000 + l) as u32), register(|_, l| 7 * l as u32));
    let body = "v0 = vmov v1 ; v1 = vmov v0 ; vst s0, 1040, v0\nvst s0, 1024, v0\nvst s0, 1032, v1";
    let results = evaluate(&[x.clone(), y.clone()], body, 3);
    assert_eq!(results, [y, x.clone(), x]);
}

#[test]
fn a_load_beside_a_store_sees_the_old_words() {
    let x = register(|s, l| (s * 128 + l) as u32);
    let body = "vst s0, 1024, v0\nv1 = vconst 9\nv2 = vld s0, 1024 ; vst s0, 1024, v1\nnop 3\n\
                vst s0, 1032, v2";
    let results = evaluate(std::slice::from_ref(&x), body, 2);
    assert_eq!(results, [vec![9; 1024], x]);
}

#[test]
fn vector_arithmetic_is_lane_by_lane() {
    let x = floats(|s, l| s as f32 * 0.5 - l as f32 / 3.0);
    let y = floats(|s, l| (l as f32).mul_add(0.1, s as f32));
    let body = "v2 = vadd_f32 v0, v1 ; v3 = vmul_f32 v0, v1\nv4 = vsub_s32 v0, v1\nnop\n\
                vst s0, 1024, v2\nvst s0, 1032, v3\nvst s0, 1040, v4";
    let results = evaluate(&[x.clone(), y.clone()], body, 3);
    assert_eq!(results[0], zip(&x, &y, |x, y| (number(x) + number(y)).to_bits()));
    assert_eq!(results[1], zip(&x, &y, |x, y| (number(x) * number(y)).to_bits()));
    assert_eq!(results[2], zip(&x, &y, u32::wrapping_sub));
}

#[test]
fn masks_select_and_guard_stores() {
    let x = floats(|s, l| (l as f32) - 64.0 * (s as f32));
    let body = "v1 = vconst 0\nm0 = vcmp_lt_f32 v0, v1\nv2 = vconst 5\nv3 = vsel m0, v1, v0\n\
                m1 = vmnot m0\nvst s0, 1024, v3\nvst s0, 1032, v2\nvst_masked s0, 1032, m1, v0";
    let results = evaluate(std::slice::from_ref(&x), body, 2);
    let negative = |word: u32| number(word) < 0.0;
    assert_eq!(results[0], zip(&x, &x, |x, _| if negative(x) { 0 } else { x }));
    assert_eq!(results[1], zip(&x, &x, |x, _| if negative(x) { 5 } else { x }));
}

#[test]
fn strided_and_broadcast_accesses_walk_granules() {
    let x = register(|s, l| (s * 128 + l) as u32);
    let body = "s1 = smov_imm 1024\nvst_strided s1, 0, 2, v0\nvst_strided s1, 1, 2, v0\n\
                v1 = vld_strided s1, 14, -2\nv2 = vld_bcast s1, 6\nnop 3\n\
                vst s1, 16, v1\nvst s1, 24, v2";
    let results = evaluate(std::slice::from_ref(&x), body, 4);
    assert_eq!(results[0], register(|s, l| (s / 2 * 128 + l) as u32));
    assert_eq!(results[1], register(|s, l| ((4 + s / 2) * 128 + l) as u32));
    assert_eq!(results[2], register(|s, l| ((7 - s) * 128 + l) as u32));
    assert_eq!(results[3], register(|_, l| (3 * 128 + l) as u32));
}

#[test]
fn sublanes_rotate_and_scalars_splat() {
    let x = register(|s, l| (s * 128 + l) as u32);
    let body = "s5 = smov_imm 77\nv1 = vrot_sublane v0, 3 ; v2 = vsplat s5\nv3 = vsublane\nnop\n\
                vst s0, 1024, v1\nvst s0, 1032, v2\nvst s0, 1040, v3";
    let results = evaluate(std::slice::from_ref(&x), body, 3);
    assert_eq!(results[0], register(|s, l| ((s + 5) % 8 * 128 + l) as u32));
    assert_eq!(results[1], vec![77; 1024]);
    assert_eq!(results[2], register(|s, _| s as u32));
}

#[test]
fn cross_lane_units_rotate_gather_and_reduce() {
    let x = floats(|s, l| ((s * 128 + l) % 37) as f32 - 11.0);
    let index = register(|s, l| (l * 3 + s + 128) as u32);
    let body = "s5 = smov_imm -5\nxlu_rot 0, v0, s5\nxlu_gather 1, v0, v1\nxlu_sum_f32 0, v0\n\
                xlu_max_f32 1, v0\nv2 = xlu_pop 0 ; v3 = xlu_pop 1\n\
                v4 = xlu_pop 0 ; v5 = xlu_pop 1\n\
                vst s0, 1024, v2\nvst s0, 1032, v3\nvst s0, 1040, v4\nvst s0, 1048, v5";
    let results = evaluate(&[x.clone(), index], body, 4);
    assert_eq!(results[0], register(|s, l| x[s * 128 + (l + 5) % 128]));
    assert_eq!(results[1], register(|s, l| x[s * 128 + (l * 3 + s) % 128]));
    let row = |s: usize| x[s * 128..][..128].iter().map(|word| number(*word));
    // Small integers: sums are exact in any order.
    assert_eq!(results[2], floats(|s, _| row(s).sum()));
    assert_eq!(results[3], floats(|s, _| row(s).fold(f32::MIN, f32::max)));
}

#[test]
fn sixteen_pushes_transpose_a_block() {
    let inputs: Vec<Register> =
        (0..16).map(|r| register(|s, l| ((8 * r + s) * 128 + l) as u32)).collect();
    let pushes: String = (0..16).map(|r| format!("xlu_xpose 1, v{r}\n")).collect();
    let pops: String =
        (0..16).map(|r| format!("v20 = xlu_pop 1\nvst s0, {}, v20\n", 1024 + 8 * r)).collect();
    let results = evaluate(&inputs, &(pushes + &pops), 16);
    for (r, result) in results.iter().enumerate() {
        assert_eq!(*result, register(|s, l| (l * 128 + 8 * r + s) as u32), "result {r}");
    }
}

#[test]
fn transcendentals_come_in_the_order_of_their_pushes() {
    let x = floats(|s, l| (s * 128 + l) as f32 / 256.0 + 0.25);
    let body = "eup_exp2 v0\neup_rcp v0\neup_log2 v0\nv1 = eup_pop ; v2 = eup_pop\nv3 = eup_pop\n\
                vst s0, 1024, v1\nvst s0, 1032, v2\nvst s0, 1040, v3";
    let results = evaluate(std::slice::from_ref(&x), body, 3);
    let exactly =
        |f: fn(f64) -> f64| zip(&x, &x, |x, _| (f(f64::from(number(x))) as f32).to_bits());
    assert_eq!(results[0], exactly(f64::exp2));
    assert_eq!(results[1], exactly(f64::recip));
    assert_eq!(results[2], exactly(f64::log2));
}

/// A matrix of small integers, whose products and sums are exact.
fn small(rows: usize, seed: usize) -> Vec<Vec<f32>> {
    let value = |r: usize, c: usize| ((r * 31 + c * 17 + seed * 7) % 13) as f32 - 6.0;
    (0..rows).map(|r| (0..128).map(|c| value(r, c)).collect()).collect()
}

/// 16 rows as a packed bf16 register.
fn packed(rows: &[Vec<f32>]) -> Register {
    register(|s, l| rows[2 * s][l].to_bits() >> 16 | rows[2 * s + 1][l].to_bits() & 0xffff_0000)
}

#[test]
fn a_matmul_multiplies_by_the_latched_weights() {
    let (lhs, rhs) = (small(16, 1), small(128, 2));
    let columns: Vec<Vec<f32>> = (0..128).map(|c| rhs.iter().map(|row| row[c]).collect()).collect();
    for (op, weights) in [("mxu_push", &rhs), ("mxu_push_xpose", &columns)] {
        let mut inputs: Vec<Register> = weights.chunks(16).map(packed).collect();
        inputs.push(packed(&lhs));
        let pushes: String = (0..8).map(|v| format!("{op} 2, v{v}\n")).collect();
        let body = "mxu_matmul_latch 2, v8\nmxu_matmul 2, v8\nv10 = mxu_pop 2 ; v11 = mxu_pop 2\n\
                    v12 = mxu_pop 2 ; v13 = mxu_pop 2\nvst s0, 1024, v10\nvst s0, 1032, v11\n\
                    vst s0, 1040, v12";
        let results = evaluate(&inputs, &(pushes + body), 3);
        let product = |r: usize, c: usize| lhs[r].iter().zip(&columns[c]).map(|(x, y)| x * y).sum();
        assert_eq!(results[0], floats(product), "{op}");
        assert_eq!(results[1], floats(|s, l| product(s + 8, l)), "{op}");
        assert_eq!(results[2], results[0], "the weights stay");
    }
}

#[test]
fn a_latch_takes_what_earlier_bundles_staged() {
    let (lhs, rhs) = (small(16, 3), small(128, 4));
    let mut inputs: Vec<Register> = rhs.chunks(16).map(packed).collect();
    inputs.push(packed(&lhs));
    let pushes: String = (0..8).map(|v| format!("mxu_push 0, v{v}\n")).collect();
    // The first push of the next weights is in the bundle of the latch.
    let more: String = (0..7).map(|_| "mxu_push 0, v0\n").collect();
    let body = format!(
        "{pushes}mxu_matmul_latch 0, v8 ; mxu_push 0, v0\n{more}mxu_matmul_latch 0, v8\n\
         v10 = mxu_pop 0\nv11 = mxu_pop 0\nv12 = mxu_pop 0\nv13 = mxu_pop 0\n\
         vst s0, 1024, v10\nvst s0, 1032, v12"
    );
    let results = evaluate(&inputs, &body, 2);
    let product = |rows: &dyn Fn(usize) -> usize, r: usize, c: usize| -> f32 {
        (0..128).map(|k| lhs[r][k] * rhs[rows(k)][c]).sum()
    };
    assert_eq!(results[0], floats(|s, l| product(&|k| k, s, l)));
    assert_eq!(results[1], floats(|s, l| product(&|k| k % 16, s, l)));
}

#[test]
fn bf16_rows_pack_and_unpack() {
    let (x, y) = (floats(|s, l| (s * 128 + l) as f32), floats(|s, l| -((s * 128 + l) as f32)));
    let body = "v2 = vpack_bf16 v0, v1\nnop\nv3 = vunpack_bf16 v2, 0\nv4 = vunpack_bf16 v2, 1\nnop\n\
                vst s0, 1024, v3\nvst s0, 1032, v4";
    let results = evaluate(&[x, y], body, 2);
    let rounded = |s: usize, l: usize| half::bf16::from_f32((s * 128 + l) as f32).to_f32();
    assert_eq!(results[0], floats(rounded));
    assert_eq!(results[1], floats(|s, l| -rounded(s, l)));
}
