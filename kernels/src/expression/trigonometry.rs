//! Sine, cosine, tangent and the angle of a point, of f32.
//!
//! Errors, in units in the last place of the result: sine and cosine 3, tangent and [`atan2`] 4,
//! for operands of any size. The polynomials are those of the Cephes library (S. Moshier).

use super::{
    arithmetic::abs_float,
    polynomial::polynomial,
    transcendental::{divide, divisor},
};
use crate::{
    element::Element,
    llo::{Builder, M, V},
};
use std::f32::consts::{FRAC_PI_2, FRAC_PI_4, PI};

/// The bits of 2/pi after the point, after 64 zeros, 32 to a word.
const TWO_OVER_PI: [u32; 10] = [
    0,
    0,
    0xa2f9_836e,
    0x4e44_1529,
    0xfc27_57d1,
    0xf534_ddc0,
    0xdb62_9599,
    0x3c43_9041,
    0xfe51_63ab,
    0xdebb_c561,
];
const SIGN: u32 = 0x8000_0000;

/// The sine.
pub(super) fn sine(b: &mut Builder, x: V) -> V {
    let quarters = Quarters::of(b, x);
    let (odd, two) = (quarters.bit(b, 1), b.bits(2));
    let turned = b.vand(quarters.number, two);
    let own_sign = sign_of(b, x);
    let value = quarters.pick(b, odd, quarters.cosine, quarters.sine);
    finish(b, x, value, (turned, own_sign))
}

/// The cosine.
pub(super) fn cosine(b: &mut Builder, x: V) -> V {
    let quarters = Quarters::of(b, x);
    let (odd, one, two) = (quarters.bit(b, 1), b.bits(1), b.bits(2));
    let next = b.vadd_s32(quarters.number, one);
    let (turned, zero) = (b.vand(next, two), b.bits(0));
    let value = quarters.pick(b, odd, quarters.sine, quarters.cosine);
    finish(b, x, value, (turned, zero))
}

/// The tangent.
pub(super) fn tangent(b: &mut Builder, x: V) -> V {
    let quarters = Quarters::of(b, x);
    let (odd, one, to_two) = (quarters.bit(b, 1), b.bits(1), b.bits(1));
    let low = b.vand(quarters.number, one);
    let turned = b.vshl(low, to_two);
    let dividend = quarters.pick(b, odd, quarters.cosine, quarters.sine);
    let by = quarters.pick(b, odd, quarters.sine, quarters.cosine);
    let by = divisor(b, by, Element::F32);
    let value = divide(b, dividend, by);
    let own_sign = sign_of(b, x);
    finish(b, x, value, (turned, own_sign))
}

/// Turns the sign of `value` where `turned` is 2 and where `sign` is set; NaN if `x` is not finite.
fn finish(b: &mut Builder, x: V, value: V, (turned, sign): (V, V)) -> V {
    let amount = b.bits(30);
    let turned = b.vshl(turned, amount);
    let value = b.vxor(value, turned);
    let value = b.vxor(value, sign);
    let (magnitude, infinity, nan) = (abs_float(b, x), b.f32(f32::INFINITY), b.f32(f32::NAN));
    let is_finite = b.vcmp_lt_f32(magnitude, infinity);
    b.vsel(is_finite, value, nan)
}

fn sign_of(b: &mut Builder, x: V) -> V {
    let sign = b.bits(SIGN);
    b.vand(x, sign)
}

/// `|x|` as a number of quarter turns and what is left, at most half a quarter.
struct Quarters {
    /// The number, modulo 4.
    number: V,
    /// The sine of what is left.
    sine: V,
    /// The cosine of what is left.
    cosine: V,
}

impl Quarters {
    /// After Payne and Hanek: `|x| = m 2^k` with `m` of 24 bits, so `|x| 2/pi` modulo 4 depends on
    /// 96 bits of 2/pi only, which are multiplied by `m` as integers. What is left of a quarter
    /// keeps 62 bits after the point, more than can cancel.
    fn of(b: &mut Builder, x: V) -> Self {
        let [mantissa_bits, hidden, to_exponent] =
            [0x7f_ffff, 0x80_0000, 23].map(|bits| b.bits(bits));
        let magnitude = abs_float(b, x);
        let exponent = b.vshr(magnitude, to_exponent);
        let mantissa = b.vand(magnitude, mantissa_bits);
        let mantissa = b.vor(mantissa, hidden);
        let window = window(b, exponent);
        let (high, low) = product(b, mantissa, window);
        let [half, to_number, two] = [1 << 29, 30, 2].map(|bits| b.bits(bits));
        let rounded = b.vadd_s32(high, half);
        let number = b.vshr(rounded, to_number);
        let fraction = b.vshl(high, two);
        let carried = b.vshr(low, to_number);
        let fraction = b.vor(fraction, carried);
        let rest = b.vshl(low, two);
        let (fraction, rest) = (b.vcvt_f32_s32(fraction), b.vcvt_f32_u32(rest));
        let [unit, small_unit, quarter] =
            [2f32.powi(-32), 2f32.powi(-64), FRAC_PI_2].map(|value| b.f32(value));
        let fraction = b.vmul_f32(fraction, unit);
        let rest = b.vmul_f32(rest, small_unit);
        let fraction = b.vadd_f32(fraction, rest);
        let angle = b.vmul_f32(fraction, quarter);
        // Below 2^-27 there is nothing to take away, and the window would end too early.
        let (smallest, zero) = (b.bits(100), b.bits(0));
        let is_small = b.vcmp_lt_s32(exponent, smallest);
        let angle = b.vsel(is_small, magnitude, angle);
        let number = b.vsel(is_small, zero, number);
        let (sine, cosine) = (small_sine(b, angle), small_cosine(b, angle));
        Self { number, sine, cosine }
    }

    fn bit(&self, b: &mut Builder, bit: u32) -> M {
        let (bit, zero) = (b.bits(bit), b.bits(0));
        let set = b.vand(self.number, bit);
        b.vcmp_ne_s32(set, zero)
    }

    fn pick(&self, b: &mut Builder, odd: M, if_odd: V, if_even: V) -> V {
        b.vsel(odd, if_odd, if_even)
    }
}

/// The 96 bits of 2/pi, scaled by `2^k`, from the one with weight 2 on; first word first.
fn window(b: &mut Builder, exponent: V) -> [V; 3] {
    // The mantissa has 23 bits after its point, the exponent a bias of 127; bit 62 of the table
    // has weight 2 if k is 0.
    let [offset, zero, five, low_bits, width] = [62 - 150, 0, 5, 31, 32].map(|value| b.i32(value));
    let position = b.vadd_s32(exponent, offset);
    let position = b.vmax_s32(position, zero);
    let word = b.vshr(position, five);
    let shift = b.vand(position, low_bits);
    let back = b.vsub_s32(width, shift);
    let starts: Vec<M> = (1..6)
        .map(|start| {
            let start = b.i32(start);
            b.vcmp_eq_s32(word, start)
        })
        .collect();
    let words: Vec<V> = (0..4)
        .map(|next| {
            let first = b.bits(TWO_OVER_PI[next]);
            starts.iter().enumerate().fold(first, |picked, (n, is_start)| {
                let other = b.bits(TWO_OVER_PI[n + 1 + next]);
                b.vsel(*is_start, other, picked)
            })
        })
        .collect();
    [0, 1, 2].map(|n| {
        let high = b.vshl(words[n], shift);
        let low = b.vshr(words[n + 1], back);
        b.vor(high, low)
    })
}

/// The upper two words of the lower 96 bits of `mantissa`, of 24 bits, times `words`.
fn product(b: &mut Builder, mantissa: V, words: [V; 3]) -> (V, V) {
    let middle = b.vmul_s32(mantissa, words[1]);
    let from_low = high_product(b, mantissa, words[2]);
    let low = b.vadd_s32(middle, from_low);
    let carries = b.vcmp_lt_u32(low, middle);
    let (one, zero) = (b.bits(1), b.bits(0));
    let carry = b.vsel(carries, one, zero);
    let high = b.vmul_s32(mantissa, words[0]);
    let from_middle = high_product(b, mantissa, words[1]);
    let high = b.vadd_s32(high, from_middle);
    (b.vadd_s32(high, carry), low)
}

/// The upper word of the product of two unsigned words.
pub(super) fn high_product(b: &mut Builder, x: V, y: V) -> V {
    let (half, low_half) = (b.bits(16), b.bits(0xffff));
    let [x_low, y_low] = [x, y].map(|word| b.vand(word, low_half));
    let [x_high, y_high] = [x, y].map(|word| b.vshr(word, half));
    let low = b.vmul_s32(x_low, y_low);
    let (cross, other_cross) = (b.vmul_s32(x_low, y_high), b.vmul_s32(x_high, y_low));
    let high = b.vmul_s32(x_high, y_high);
    let carried = b.vshr(low, half);
    let middle = b.vadd_s32(cross, carried);
    let middle_low = b.vand(middle, low_half);
    let middle_low = b.vadd_s32(middle_low, other_cross);
    let [middle, middle_low] = [middle, middle_low].map(|word| b.vshr(word, half));
    let high = b.vadd_s32(high, middle);
    b.vadd_s32(high, middle_low)
}

/// The sine of an angle of at most an eighth of a turn.
fn small_sine(b: &mut Builder, x: V) -> V {
    let square = b.vmul_f32(x, x);
    let rest = polynomial(b, square, &[-1.666_665_5e-1, 8.332_161e-3, -1.951_529_6e-4]);
    let rest = b.vmul_f32(rest, square);
    let rest = b.vmul_f32(rest, x);
    b.vadd_f32(x, rest)
}

/// The cosine of an angle of at most an eighth of a turn.
fn small_cosine(b: &mut Builder, x: V) -> V {
    let square = b.vmul_f32(x, x);
    let rest = polynomial(b, square, &[4.166_664_6e-2, -1.388_731_6e-3, 2.443_315_7e-5]);
    let rest = b.vmul_f32(rest, square);
    let rest = b.vmul_f32(rest, square);
    let (half, one) = (b.f32(0.5), b.f32(1.0));
    let first = b.vmul_f32(square, half);
    let rest = b.vsub_f32(first, rest);
    b.vsub_f32(one, rest)
}

/// The angle of the point (`x`, `y`), between -pi and pi.
pub(super) fn atan2(b: &mut Builder, y: V, x: V) -> V {
    let (width, height) = (abs_float(b, x), abs_float(b, y));
    let (large, small) = (b.vmax_f32(width, height), b.vmin_f32(width, height));
    let (angle, is_steep) = (angle_of_ratio(b, small, large), b.vcmp_lt_f32(width, height));
    let quarter_less = less_from(b, FRAC_PI_2, -4.371_139e-8, angle);
    let angle = b.vsel(is_steep, quarter_less, angle);
    let half_less = less_from(b, PI, -8.742_278e-8, angle);
    let (sign, zero) = (b.bits(SIGN), b.bits(0));
    let x_sign = b.vand(x, sign);
    let is_behind = b.vcmp_ne_s32(x_sign, zero);
    let angle = b.vsel(is_behind, half_less, angle);
    let y_sign = b.vand(y, sign);
    let angle = b.vor(angle, y_sign);
    // NaN if either is: the sum of both is, and the smaller of two numbers is not.
    let is_number = b.vcmp_eq_f32(small, small);
    let nan = b.f32(f32::NAN);
    b.vsel(is_number, angle, nan)
}

/// `whole - angle`, where `rest` is what rounding took from `whole`.
fn less_from(b: &mut Builder, whole: f32, rest: f32, angle: V) -> V {
    let (whole, rest) = (b.f32(whole), b.f32(rest));
    let less = b.vsub_f32(whole, angle);
    b.vadd_f32(less, rest)
}

/// The angle whose tangent is `small / large`, of two numbers from 0 to infinity.
fn angle_of_ratio(b: &mut Builder, small: V, large: V) -> V {
    let (huge, tiny) = (b.f32(2f32.powi(100)), b.f32(2f32.powi(-60)));
    let (is_huge, is_tiny) = (b.vcmp_lt_f32(huge, large), b.vcmp_lt_f32(large, tiny));
    let (down, up, one) = (b.f32(2f32.powi(-60)), b.f32(2f32.powi(60)), b.f32(1.0));
    let factor = b.vsel(is_tiny, up, one);
    let factor = b.vsel(is_huge, down, factor);
    let (dividend, by) = (b.vmul_f32(small, factor), b.vmul_f32(large, factor));
    // Above the tangent of an eighth of a turn: the angle from the diagonal.
    let bound = b.f32(0.414_213_57);
    let bound = b.vmul_f32(bound, by);
    let is_near_diagonal = b.vcmp_lt_f32(bound, dividend);
    let (less, more) = (b.vsub_f32(dividend, by), b.vadd_f32(dividend, by));
    let near = b.vsel(is_near_diagonal, less, dividend);
    let over = b.vsel(is_near_diagonal, more, by);
    let over = divisor(b, over, Element::F32);
    let ratio = divide(b, near, over);
    let (zero, infinity) = (b.f32(0.0), b.f32(f32::INFINITY));
    let is_origin = b.vcmp_eq_f32(large, zero);
    let ratio = b.vsel(is_origin, zero, ratio);
    let is_diagonal = b.vcmp_eq_f32(small, infinity);
    let is_far = b.vcmp_eq_f32(large, infinity);
    let ratio = b.vsel(is_far, zero, ratio);
    let square = b.vmul_f32(ratio, ratio);
    let coefficients = [-3.333_295e-1, 1.997_771_1e-1, -1.387_768_6e-1, 8.053_745e-2];
    let rest = polynomial(b, square, &coefficients);
    let rest = b.vmul_f32(rest, square);
    let rest = b.vmul_f32(rest, ratio);
    let angle = b.vadd_f32(ratio, rest);
    let diagonal = b.f32(FRAC_PI_4);
    let from_diagonal = b.vadd_f32(angle, diagonal);
    let angle = b.vsel(is_near_diagonal, from_diagonal, angle);
    let angle = b.vsel(is_far, zero, angle);
    b.vsel(is_diagonal, diagonal, angle)
}
