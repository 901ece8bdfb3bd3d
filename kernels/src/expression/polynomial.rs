//! Building blocks of functions: polynomials, and numbers of twice the digits of f32.
//!
//! A [`Double`] is an unevaluated sum of two f32, the second at most half a unit in the last place
//! of the first (T. Dekker, 1971).

use crate::llo::{Builder, V};

/// The bits of an f32 that leave 12 significant ones: products of two such are exact.
pub(super) const UPPER_BITS: u32 = 0xffff_f000;

/// The polynomial of `x` with these coefficients, lowest first.
pub(super) fn polynomial(b: &mut Builder, x: V, coefficients: &[f32]) -> V {
    let (last, rest) = coefficients.split_last().expect("a polynomial has coefficients");
    let last = b.f32(*last);
    rest.iter().rev().fold(last, |sum, coefficient| {
        let coefficient = b.f32(*coefficient);
        let product = b.vmul_f32(sum, x);
        b.vadd_f32(product, coefficient)
    })
}

/// A number as the sum of a high and a low part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Double {
    pub(super) high: V,
    pub(super) low: V,
}

/// The sum of two numbers of which the first is the larger, if they are not far apart.
pub(super) fn sum_of_ordered(b: &mut Builder, large: V, small: V) -> Double {
    let high = b.vadd_f32(large, small);
    let taken = b.vsub_f32(high, large);
    Double { high, low: b.vsub_f32(small, taken) }
}

/// The sum of any two numbers.
pub(super) fn sum(b: &mut Builder, x: V, y: V) -> Double {
    let high = b.vadd_f32(x, y);
    let of_y = b.vsub_f32(high, x);
    let of_x = b.vsub_f32(high, of_y);
    let (x_rest, y_rest) = (b.vsub_f32(x, of_x), b.vsub_f32(y, of_y));
    Double { high, low: b.vadd_f32(x_rest, y_rest) }
}

/// The upper and the lower half of the digits of a number.
pub(super) fn halves(b: &mut Builder, x: V) -> [V; 2] {
    let upper = b.bits(UPPER_BITS);
    let high = b.vand(x, upper);
    [high, b.vsub_f32(x, high)]
}

/// The product of two numbers.
pub(super) fn product(b: &mut Builder, x: V, y: V) -> Double {
    let high = b.vmul_f32(x, y);
    let ([x_high, x_low], [y_high, y_low]) = (halves(b, x), halves(b, y));
    let leading = b.vmul_f32(x_high, y_high);
    let mut low = b.vsub_f32(leading, high);
    for (x, y) in [(x_high, y_low), (x_low, y_high), (x_low, y_low)] {
        let part = b.vmul_f32(x, y);
        low = b.vadd_f32(low, part);
    }
    Double { high, low }
}
