//! The plain Rust truth of the vector ALU: one line per op.
//!
//! A mask is a register whose words are all ones or all zeros. Loops have no branches, so that the
//! compiler makes vectors of them; `compute` is compiled once per host instruction set.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "these conversions and comparisons are what the ops are"
)]

use super::{NAN_BITS, Words, portable::result_bits};
use half::f16;
use palmetto_isa::{
    Op,
    memory::{LANES, SUBLANES, VREG_WORDS},
};

/// Computes `op` from its vector and mask operands, in the order of its row. False if the op is not
/// one of the vector ALU, or has a scalar operand.
#[inline(always)]
pub fn compute(op: &Op, out: &mut Words, sources: [&Words; 3]) -> bool {
    let [x, y, z] = sources;
    float(op, out, x, y)
        || integer(op, out, x, y)
        || compare(op, out, x, y)
        || pack(op, out, x, y)
        || arrange(op, out, [x, y, z])
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other families have the other ops")]
#[inline(always)]
fn float(op: &Op, out: &mut Words, x: &Words, y: &Words) -> bool {
    match op {
        Op::VaddF32 { .. } => floats(out, x, y, |x, y| x + y),
        Op::VsubF32 { .. } => floats(out, x, y, |x, y| x - y),
        Op::VmulF32 { .. } => floats(out, x, y, |x, y| x * y),
        Op::VmaxF32 { .. } => binary(out, x, y, max_f32),
        Op::VminF32 { .. } => binary(out, x, y, min_f32),
        Op::VfloorF32 { .. } => unary(out, x, |x| result_bits(f32::from_bits(x).floor())),
        Op::VceilF32 { .. } => unary(out, x, |x| result_bits(f32::from_bits(x).ceil())),
        Op::VroundF32 { .. } => {
            unary(out, x, |x| result_bits(f32::from_bits(x).round_ties_even()));
        }
        Op::VroundBf16 { .. } => unary(out, x, |x| bf16_of_f32(x) << 16),
        Op::VroundF16 { .. } => unary(out, x, |x| f32_of_f16(f16_of_f32(x))),
        Op::VcvtF32S32 { .. } => unary(out, x, |x| (x.cast_signed() as f32).to_bits()),
        Op::VcvtF32U32 { .. } => unary(out, x, |x| (x as f32).to_bits()),
        Op::VcvtS32F32 { .. } => unary(out, x, |x| (f32::from_bits(x) as i32).cast_unsigned()),
        Op::VcvtU32F32 { .. } => unary(out, x, |x| f32::from_bits(x) as u32),
        _ => return false,
    }
    true
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other families have the other ops")]
#[inline(always)]
fn integer(op: &Op, out: &mut Words, x: &Words, y: &Words) -> bool {
    match op {
        Op::VaddS32 { .. } => binary(out, x, y, u32::wrapping_add),
        Op::VsubS32 { .. } => binary(out, x, y, u32::wrapping_sub),
        Op::VmulS32 { .. } => binary(out, x, y, u32::wrapping_mul),
        Op::VmaxS32 { .. } => signed(out, x, y, i32::max),
        Op::VminS32 { .. } => signed(out, x, y, i32::min),
        Op::VmaxU32 { .. } => binary(out, x, y, u32::max),
        Op::VminU32 { .. } => binary(out, x, y, u32::min),
        Op::Vand { .. } | Op::Vmand { .. } => binary(out, x, y, |x, y| x & y),
        Op::Vor { .. } | Op::Vmor { .. } => binary(out, x, y, |x, y| x | y),
        Op::Vxor { .. } | Op::Vmxor { .. } => binary(out, x, y, |x, y| x ^ y),
        Op::Vmnot { .. } => unary(out, x, |x| !x),
        Op::Vshl { .. } => binary(out, x, y, shift_left),
        Op::Vshr { .. } => binary(out, x, y, shift_right),
        Op::Vsra { .. } => binary(out, x, y, shift_right_arithmetic),
        Op::Vclz { .. } => unary(out, x, u32::leading_zeros),
        Op::Vpopcnt { .. } => unary(out, x, u32::count_ones),
        _ => return false,
    }
    true
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other families have the other ops")]
#[inline(always)]
fn compare(op: &Op, out: &mut Words, x: &Words, y: &Words) -> bool {
    let f = f32::from_bits;
    let s = u32::cast_signed;
    match op {
        Op::VcmpEqF32 { .. } => mask(out, x, y, |x, y| f(x) == f(y)),
        Op::VcmpNeF32 { .. } => mask(out, x, y, |x, y| f(x) != f(y)),
        Op::VcmpLtF32 { .. } => mask(out, x, y, |x, y| f(x) < f(y)),
        Op::VcmpLeF32 { .. } => mask(out, x, y, |x, y| f(x) <= f(y)),
        Op::VcmpEqS32 { .. } => mask(out, x, y, |x, y| x == y),
        Op::VcmpNeS32 { .. } => mask(out, x, y, |x, y| x != y),
        Op::VcmpLtS32 { .. } => mask(out, x, y, |x, y| s(x) < s(y)),
        Op::VcmpLeS32 { .. } => mask(out, x, y, |x, y| s(x) <= s(y)),
        Op::VcmpLtU32 { .. } => mask(out, x, y, |x, y| x < y),
        Op::VcmpLeU32 { .. } => mask(out, x, y, |x, y| x <= y),
        _ => return false,
    }
    true
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other families have the other ops")]
#[inline(always)]
fn pack(op: &Op, out: &mut Words, x: &Words, y: &Words) -> bool {
    match *op {
        Op::VunpackBf16 { part, .. } => unpack_halves(out, x, part, |half| half << 16),
        Op::VunpackF16 { part, .. } => unpack_halves(out, x, part, f32_of_f16),
        Op::VunpackS16 { part, .. } => unpack_halves(out, x, part, |half| sign_extend(half, 16)),
        Op::VunpackU16 { part, .. } => unpack_halves(out, x, part, |half| half),
        Op::VunpackS8 { part, .. } => unpack_bytes(out, x, part, |byte| sign_extend(byte, 8)),
        Op::VunpackU8 { part, .. } => unpack_bytes(out, x, part, |byte| byte),
        Op::VpackBf16 { .. } => pack_halves(out, x, y, bf16_of_f32),
        Op::VpackF16 { .. } => pack_halves(out, x, y, f16_of_f32),
        Op::VpackB16 { .. } => pack_halves(out, x, y, |word| word & 0xffff),
        Op::VpackB8 { .. } => pack_bytes(out, x, y),
        _ => return false,
    }
    true
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other families have the other ops")]
#[inline(always)]
fn arrange(op: &Op, out: &mut Words, [x, y, z]: [&Words; 3]) -> bool {
    match *op {
        Op::Vconst { bits, .. } => out.0.fill(bits),
        Op::Vmov { .. } | Op::Vmmov { .. } => out.0.copy_from_slice(&x.0),
        Op::Vlane { .. } => {
            for (index, out) in out.0.iter_mut().enumerate() {
                *out = (index % LANES) as u32;
            }
        }
        Op::Vsublane { .. } => {
            for (index, out) in out.0.iter_mut().enumerate() {
                *out = (index / LANES) as u32;
            }
        }
        Op::VrotSublane { amount, .. } => {
            let split = VREG_WORDS - usize::from(amount) % SUBLANES * LANES;
            let (head, tail) = x.0.split_at(split);
            out.0[..tail.len()].copy_from_slice(tail);
            out.0[tail.len()..].copy_from_slice(head);
        }
        Op::VbcastSublane { index, .. } => {
            let start = usize::from(index) % SUBLANES * LANES;
            for sublane in out.0.chunks_exact_mut(LANES) {
                sublane.copy_from_slice(&x.0[start..start + LANES]);
            }
        }
        Op::Vsel { .. } => {
            for (index, out) in out.0.iter_mut().enumerate() {
                *out = x.0[index] & y.0[index] | !x.0[index] & z.0[index];
            }
        }
        _ => return false,
    }
    true
}

/// Maximum; NaN if either is NaN; +0 is above -0.
#[inline(always)]
pub fn max_f32(x: u32, y: u32) -> u32 {
    let larger = if order(x) >= order(y) { x } else { y };
    if is_nan(x) | is_nan(y) { NAN_BITS } else { larger }
}

/// Minimum; NaN if either is NaN; -0 is below +0.
#[inline(always)]
pub fn min_f32(x: u32, y: u32) -> u32 {
    let smaller = if order(x) <= order(y) { x } else { y };
    if is_nan(x) | is_nan(y) { NAN_BITS } else { smaller }
}

/// A key whose order as an integer is the order of the numbers, -0 below +0.
#[inline(always)]
fn order(bits: u32) -> i32 {
    let bits = bits.cast_signed();
    bits ^ ((bits >> 31) & i32::MAX)
}

#[inline(always)]
fn is_nan(bits: u32) -> bool {
    bits & 0x7fff_ffff > 0x7f80_0000
}

#[inline(always)]
fn shift_left(x: u32, amount: u32) -> u32 {
    if amount < 32 { x.wrapping_shl(amount) } else { 0 }
}

#[inline(always)]
fn shift_right(x: u32, amount: u32) -> u32 {
    if amount < 32 { x.wrapping_shr(amount) } else { 0 }
}

#[inline(always)]
fn shift_right_arithmetic(x: u32, amount: u32) -> u32 {
    x.cast_signed().wrapping_shr(amount.min(31)).cast_unsigned()
}

#[inline(always)]
fn sign_extend(low_bits: u32, n_bits: u32) -> u32 {
    ((low_bits << (32 - n_bits)).cast_signed() >> (32 - n_bits)).cast_unsigned()
}

/// Rounds to nearest even; a NaN keeps its sign and high payload and becomes quiet.
#[inline(always)]
pub fn bf16_of_f32(bits: u32) -> u32 {
    let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
    if is_nan(bits) { bits >> 16 | 0x40 } else { rounded }
}

fn f16_of_f32(bits: u32) -> u32 {
    u32::from(f16::from_f32(f32::from_bits(bits)).to_bits())
}

fn f32_of_f16(half: u32) -> u32 {
    f16::from_bits(half as u16).to_f32().to_bits()
}

#[inline(always)]
fn unary(out: &mut Words, x: &Words, f: impl Fn(u32) -> u32) {
    for (out, x) in out.0.iter_mut().zip(&x.0) {
        *out = f(*x);
    }
}

#[inline(always)]
fn binary(out: &mut Words, x: &Words, y: &Words, f: impl Fn(u32, u32) -> u32) {
    for (out, (x, y)) in out.0.iter_mut().zip(x.0.iter().zip(&y.0)) {
        *out = f(*x, *y);
    }
}

#[inline(always)]
fn floats(out: &mut Words, x: &Words, y: &Words, f: impl Fn(f32, f32) -> f32) {
    binary(out, x, y, |x, y| result_bits(f(f32::from_bits(x), f32::from_bits(y))));
}

#[inline(always)]
fn signed(out: &mut Words, x: &Words, y: &Words, f: impl Fn(i32, i32) -> i32) {
    binary(out, x, y, |x, y| f(x.cast_signed(), y.cast_signed()).cast_unsigned());
}

#[inline(always)]
fn mask(out: &mut Words, x: &Words, y: &Words, f: impl Fn(u32, u32) -> bool) {
    binary(out, x, y, |x, y| if f(x, y) { u32::MAX } else { 0 });
}

/// Rows `8 part ..` of 16 packed rows: row `r` is in sublane `r / 2`, the even one in the low half.
#[inline(always)]
fn unpack_halves(out: &mut Words, x: &Words, part: u8, f: impl Fn(u32) -> u32) {
    for (row, out) in out.0.chunks_exact_mut(LANES).enumerate() {
        let start = (usize::from(part % 2) * 4 + row / 2) * LANES;
        let shift = row % 2 * 16;
        for (out, word) in out.iter_mut().zip(&x.0[start..start + LANES]) {
            *out = f(word >> shift & 0xffff);
        }
    }
}

/// Rows `8 part ..` of 32 packed rows: row `r` is byte `r % 4` of sublane `r / 4`.
#[inline(always)]
fn unpack_bytes(out: &mut Words, x: &Words, part: u8, f: impl Fn(u32) -> u32) {
    for (row, out) in out.0.chunks_exact_mut(LANES).enumerate() {
        let start = (usize::from(part % 4) * 2 + row / 4) * LANES;
        let shift = row % 4 * 8;
        for (out, word) in out.iter_mut().zip(&x.0[start..start + LANES]) {
            *out = f(word >> shift & 0xff);
        }
    }
}

/// Packs two rows of `low`, then of `high`, into each sublane.
#[inline(always)]
fn pack_halves(out: &mut Words, low: &Words, high: &Words, f: impl Fn(u32) -> u32) {
    for (sublane, out) in out.0.chunks_exact_mut(LANES).enumerate() {
        let source = if sublane < 4 { low } else { high };
        let rows = &source.0[sublane % 4 * 2 * LANES..][..2 * LANES];
        let (even, odd) = rows.split_at(LANES);
        for (out, (even, odd)) in out.iter_mut().zip(even.iter().zip(odd)) {
            *out = f(*even) | f(*odd) << 16;
        }
    }
}

/// Packs the low bytes of four 16-bit rows of `low`, then of `high`, into each sublane.
#[inline(always)]
fn pack_bytes(out: &mut Words, low: &Words, high: &Words) {
    let bytes = |word: u32| word & 0xff | word >> 8 & 0xff00;
    for (sublane, out) in out.0.chunks_exact_mut(LANES).enumerate() {
        let source = if sublane < 4 { low } else { high };
        let rows = &source.0[sublane % 4 * 2 * LANES..][..2 * LANES];
        let (first, second) = rows.split_at(LANES);
        for (out, (first, second)) in out.iter_mut().zip(first.iter().zip(second)) {
            *out = bytes(*first) | bytes(*second) << 16;
        }
    }
}
