//! Two results, held against a bound.

use palmetto_compiler::hlo::ArrayLiteral;

use super::Deviation;

/// The chance that a correct result is called wrong.
const FALSE_ALARM: f64 = 1e-6;

/// A result of the reference execution and how far others may be from it.
#[derive(Clone, Debug)]
pub struct Bound {
    /// The reference.
    pub value: ArrayLiteral,
    pub(super) deviation: Deviation,
}

/// One element of two results.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Where.
    pub index: Vec<usize>,
    /// What was computed.
    pub actual: f64,
    /// What the reference computed.
    pub expected: f64,
    /// What rounding explains.
    pub allowed: f64,
}

/// How two results compare.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Elements that were compared.
    pub elements: usize,
    /// Elements with the same bits.
    pub equal: usize,
    /// Elements that differ by more than rounding explains.
    pub wrong: usize,
    /// The first of them.
    pub first_wrong: Option<Difference>,
    /// The element that comes closest to what rounding explains, or exceeds it most.
    pub worst: Option<Difference>,
}

impl Comparison {
    /// Is every element as close as rounding allows?
    pub fn holds(&self) -> bool {
        self.wrong == 0
    }
}

impl Difference {
    /// The part of what is allowed that is used.
    pub fn used(&self) -> f64 {
        let (actual, expected) = (self.actual, self.expected);
        if actual.is_nan() != expected.is_nan() {
            return f64::INFINITY;
        }
        let difference = (actual - expected).abs();
        if difference > 0.0 { difference / self.allowed } else { 0.0 }
    }
}

impl Bound {
    /// How far element `n` may be from the reference.
    pub fn allowed(&self, n: usize) -> f64 {
        let deviation = self.deviation.as_ref().map_or(0.0, |deviation| deviation[n].into());
        deviation * deviations_allowed(self.value.element_count())
    }

    /// Holds `actual` against the bound. NaN is equal to NaN; other values that are not finite
    /// have to be equal.
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn compare(&self, actual: &ArrayLiteral) -> Comparison {
        assert!(actual.shape().same_but_layout(self.value.shape()), "results of one program");
        let elements = self.value.element_count();
        let mut result =
            Comparison { elements, equal: 0, wrong: 0, first_wrong: None, worst: None };
        let mut most = 0.0;
        for n in 0..elements {
            let size = actual.element_type().byte_size();
            let element = n * size..(n + 1) * size;
            if actual.bytes()[element.clone()] == self.value.bytes()[element] {
                result.equal += 1;
                continue;
            }
            let difference = self.difference(actual, n);
            let used = difference.used();
            if used > 1.0 {
                result.wrong += 1;
                result.first_wrong.get_or_insert_with(|| difference.clone());
            }
            if used > most || result.worst.is_none() {
                most = used.max(most);
                result.worst = Some(difference);
            }
        }
        result
    }

    fn difference(&self, actual: &ArrayLiteral, n: usize) -> Difference {
        let mut rest = n;
        let mut index = vec![0; actual.shape().rank()];
        for (place, &size) in index.iter_mut().zip(actual.shape().dimensions()).rev() {
            *place = rest % size;
            rest /= size;
        }
        let (actual, expected) = (actual.get_f64(n), self.value.get_f64(n));
        Difference { index, actual, expected, allowed: self.allowed(n) }
    }
}

/// So many deviations that none of `count` normal variables exceeds them but by the chance of a
/// false alarm: a normal variable exceeds z with a chance below exp(-z^2 / 2).
fn deviations_allowed(count: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "only its logarithm matters")]
    let count = count.max(1) as f64;
    (2.0 * (count / FALSE_ALARM).ln()).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;

    fn array(data: &[f32]) -> ArrayLiteral {
        ArrayLiteral::from_slice(&[data.len()], data).expect("a vector")
    }

    #[test]
    fn elements_beyond_the_bound_are_wrong() {
        let bound = Bound {
            value: array(&[1.0, 2.0, 3.0, f32::NAN]),
            deviation: Some(Rc::new(vec![0.1; 4])),
        };
        let z = deviations_allowed(4);
        assert!(z > 5.0 && z < 6.0, "{z}");
        let close = bound.compare(&array(&[1.0, 2.5, 3.0, -f32::NAN]));
        assert!(close.holds() && close.equal == 2, "{close:?}");
        let far = bound.compare(&array(&[1.0, 2.0, 3.6, 1.0]));
        assert_eq!((far.wrong, far.equal), (2, 2));
        assert_eq!(far.first_wrong.map(|difference| difference.index), Some(vec![2]));
    }

    #[test]
    fn exact_results_have_to_be_equal() {
        let bound = Bound { value: array(&[1.0, f32::INFINITY]), deviation: None };
        assert!(bound.compare(&array(&[1.0, f32::INFINITY])).holds());
        assert!(!bound.compare(&array(&[1.0 + f32::EPSILON, f32::INFINITY])).holds());
        assert!(!bound.compare(&array(&[1.0, f32::NEG_INFINITY])).holds());
    }
}
