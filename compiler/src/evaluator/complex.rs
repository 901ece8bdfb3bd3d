//! Functions of complex numbers, in `f64`.
//!
//! Accurate to a few units in the last place of `f32` parts everywhere, and of `f64` parts where no
//! intermediate result leaves the range. Special values are what JAX computes on a CPU (products
//! without the recovery of infinities of C's annex G, quotients with it); for the root of what lies
//! on the branch cut and in powers of infinities they are C's. The library's own functions are used
//! where they are that accurate.

use num_complex::Complex;

type C = Complex<f64>;

/// Beyond this, e^-2x is nothing beside 1.
const SATURATED: f64 = 22.0;

/// The magnitude; a NaN if one part is a NaN, even if the other one is infinite.
pub(super) fn abs(z: C) -> f64 {
    if z.re.is_nan() || z.im.is_nan() { f64::NAN } else { z.re.hypot(z.im) }
}

/// e^z.
pub(super) fn exp(z: C) -> C {
    if z.im == 0.0 {
        return C::new(z.re.exp(), z.im);
    }
    // In two steps, so that a factor below 1 can keep the product in the range.
    let half = (z.re / 2.0).exp();
    C::new(half * z.im.cos() * half, half * z.im.sin() * half)
}

/// e^z - 1.
pub(super) fn exp_m1(z: C) -> C {
    if z.im == 0.0 {
        return C::new(z.re.exp_m1(), z.im);
    }
    let whole = exp(z);
    // cos y - 1 = -2 sin^2 (y/2), without the cancellation.
    let sine = (z.im / 2.0).sin();
    let re = z.re.exp_m1() * z.im.cos() - 2.0 * sine * sine;
    C::new(if z.re.abs() > 1.0 { whole.re - 1.0 } else { re }, whole.im)
}

/// The natural logarithm, its imaginary part in [-pi, pi].
pub(super) fn ln(z: C) -> C {
    C::new(ln_abs(z), z.im.atan2(z.re))
}

/// The logarithm of the magnitude.
fn ln_abs(z: C) -> f64 {
    let (low, high) = if z.re.abs() < z.im.abs() { (z.re, z.im) } else { (z.im, z.re) };
    let (low, high) = (low.abs(), high.abs());
    if (0.5..2.0).contains(&high) {
        // Close to the unit circle the logarithm is small: |z|^2 - 1 keeps its digits.
        return 0.5 * ((high - 1.0) * (high + 1.0) + low * low).ln_1p();
    }
    abs(z).ln()
}

/// The natural logarithm of 1 + z.
pub(super) fn ln_1p(z: C) -> C {
    let re = if z.re.abs() < 0.5 && z.im.abs() < 0.5 {
        0.5 * (z.re * (2.0 + z.re) + z.im * z.im).ln_1p()
    } else {
        ln_abs(C::new(1.0 + z.re, z.im))
    };
    C::new(re, z.im.atan2(1.0 + z.re))
}

/// The square root with the real part that is not negative.
pub(super) fn sqrt(z: C) -> C {
    if z.im.is_infinite() {
        return C::new(f64::INFINITY, z.im);
    }
    if z.re == f64::NEG_INFINITY {
        let re = if z.im.is_nan() { f64::NAN } else { 0.0 };
        return C::new(re, f64::INFINITY.copysign(z.im));
    }
    if z.re == f64::INFINITY {
        return C::new(z.re, if z.im.is_nan() { z.im } else { 0f64.copysign(z.im) });
    }
    if z.re == 0.0 && z.im == 0.0 {
        return C::new(0.0, z.im);
    }
    // Made smaller, so that the sum of magnitude and part stays in the range.
    let (scale, root) = if z.re.abs().max(z.im.abs()) > 1e300 { (16.0, 4.0) } else { (1.0, 1.0) };
    let larger = ((abs(z / scale) + (z.re / scale).abs()) / 2.0).sqrt() * root;
    let smaller = (z.im / (2.0 * larger)).abs();
    let (re, im) = if z.re >= 0.0 { (larger, smaller) } else { (smaller, larger) };
    if z.re.is_nan() || z.im.is_nan() {
        return C::new(f64::NAN, f64::NAN);
    }
    C::new(re, im.copysign(z.im))
}

/// 1 / the square root.
pub(super) fn rsqrt(z: C) -> C {
    if z.re == 0.0 && z.im == 0.0 {
        return C::new(f64::INFINITY, f64::NAN);
    }
    if z.re.is_infinite() || z.im.is_infinite() {
        let re = if z.re == f64::NEG_INFINITY { -0.0 } else { 0.0 };
        return C::new(re, -0f64.copysign(z.im));
    }
    divide(C::new(1.0, 0.0), sqrt(z))
}

/// The cube root with the argument of smallest magnitude.
pub(super) fn cbrt(z: C) -> C {
    if z.re == 0.0 && z.im == 0.0 {
        return z;
    }
    let (magnitude, angle) = (abs(z).cbrt(), z.im.atan2(z.re) / 3.0);
    C::new(magnitude * angle.cos(), magnitude * angle.sin())
}

/// The sine.
pub(super) fn sin(z: C) -> C {
    if z.re == 0.0 {
        return C::new(z.re, z.im.sinh());
    }
    C::new(z.re.sin() * z.im.cosh(), z.re.cos() * z.im.sinh())
}

/// The cosine.
pub(super) fn cos(z: C) -> C {
    if z.re == 0.0 {
        return C::new(z.im.cosh(), 0.0);
    }
    C::new(z.re.cos() * z.im.cosh(), -(z.re.sin() * z.im.sinh()))
}

/// The tangent: that of z is -i tanh(iz).
pub(super) fn tan(z: C) -> C {
    let turned = tanh(C::new(-z.im, z.re));
    C::new(turned.im, -turned.re)
}

/// The hyperbolic tangent.
pub(super) fn tanh(z: C) -> C {
    if z.im == 0.0 {
        return C::new(z.re.tanh(), z.im);
    }
    if z.re.is_finite() && !z.im.is_finite() {
        return C::new(f64::NAN, f64::NAN);
    }
    if z.re.abs() > SATURATED {
        let im = if z.im.is_finite() {
            4.0 * z.im.sin() * z.im.cos() * (-2.0 * z.re.abs()).exp()
        } else {
            0f64.copysign(z.im)
        };
        return C::new(1f64.copysign(z.re), im);
    }
    let (sinh, cosh, sin, cos) = (z.re.sinh(), z.re.cosh(), z.im.sin(), z.im.cos());
    let denominator = sinh * sinh + cos * cos;
    C::new(sinh * cosh / denominator, sin * cos / denominator)
}

/// 1 / (1 + e^-z).
pub(super) fn logistic(z: C) -> C {
    divide(C::new(1.0, 0.0), C::new(1.0, 0.0) + exp(-z))
}

/// z / |z|; 0 stays.
pub(super) fn sign(z: C) -> C {
    if z.re == 0.0 && z.im == 0.0 {
        return z;
    }
    let magnitude = abs(z);
    C::new(z.re / magnitude, z.im / magnitude)
}

/// a / b; a number over 0 is infinite, a finite number over infinity 0.
pub(super) fn divide(a: C, b: C) -> C {
    let scale = exponent(b.re.abs().max(b.im.abs()));
    let b_scaled = C::new(b.re * scale, b.im * scale);
    let denominator = b_scaled.re * b_scaled.re + b_scaled.im * b_scaled.im;
    let re = (a.re * b_scaled.re + a.im * b_scaled.im) / denominator * scale;
    let im = (a.im * b_scaled.re - a.re * b_scaled.im) / denominator * scale;
    if !(re.is_nan() && im.is_nan()) {
        return C::new(re, im);
    }
    let is_infinite = |z: C| z.re.is_infinite() || z.im.is_infinite();
    let is_finite = |z: C| z.re.is_finite() && z.im.is_finite();
    // What an infinite part is beside a finite one.
    let unit = |part: f64| (if part.is_infinite() { 1f64 } else { 0.0 }).copysign(part);
    if denominator == 0.0 && !(a.re.is_nan() && a.im.is_nan()) {
        let infinity = f64::INFINITY.copysign(b.re);
        return C::new(infinity * a.re, infinity * a.im);
    }
    if is_infinite(a) && is_finite(b) {
        let (x, y) = (unit(a.re), unit(a.im));
        let re = f64::INFINITY * (x * b.re + y * b.im);
        return C::new(re, f64::INFINITY * (y * b.re - x * b.im));
    }
    if is_infinite(b) && is_finite(a) {
        let (x, y) = (unit(b.re), unit(b.im));
        let re = 0.0 * (a.re * x + a.im * y);
        return C::new(re, 0.0 * (a.im * x - a.re * y));
    }
    C::new(re, im)
}

/// A power of two near 1 / `magnitude`; 1 if there is none.
fn exponent(magnitude: f64) -> f64 {
    if !magnitude.is_finite() || magnitude == 0.0 {
        return 1.0;
    }
    let biased = (magnitude.to_bits() >> 52).clamp(1, 2045);
    f64::from_bits((2046 - biased) << 52)
}

/// `base` to the power of `by`; the 0th power is 1, and 0 has real, positive powers only.
pub(super) fn power(base: C, by: C) -> C {
    if by.re == 0.0 && by.im == 0.0 {
        return C::new(1.0, 0.0);
    }
    if base.re == 0.0 && base.im == 0.0 {
        let zero = if by.re > 0.0 && by.im == 0.0 { 0.0 } else { f64::NAN };
        return C::new(zero, zero);
    }
    exp(by * ln(base))
}

/// The angle of (x, y): -i ln((x + iy) / sqrt(x^2 + y^2)).
pub(super) fn atan2(y: C, x: C) -> C {
    let point = x + C::new(-y.im, y.re);
    let log = ln(divide(point, sqrt(x * x + y * y)));
    C::new(log.im, -log.re)
}
