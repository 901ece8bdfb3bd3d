//! What the checks of self-checking programs mean. The runtime uses this too.
//!
//! | check | holds for an element if |
//! |---|---|
//! | `check.expect_eq` | the values are equal: -0 equals 0, a NaN equals nothing |
//! | `check.expect_almost_eq` | they differ by at most the tolerance, 1e-3 unless given |
//! | `check.expect_close` | `min_ulp_difference` (0) to `max_ulp_difference` (3) ulps apart |
//! | `check.eq` | integers are equal; floats differ by at most 1e-4 |
//!
//! In all but the first, a NaN equals a NaN, and an infinity only itself. In `expect_close` a
//! number and an infinity or a NaN are 2^64 - 1 units apart; the units of integers are 1.

use std::fmt;

use super::element::{Element, with_element_type};
use super::elementwise::view;
use crate::hlo::{
    ArrayLiteral, CustomCallTarget, ElementType, Literal, NativeType, element_text,
    literal_element_text,
};

/// The tolerance of `check.expect_almost_eq` unless given.
const ALMOST_EQ_TOLERANCE: f64 = 1e-3;
/// The tolerance of `check.eq` for floats.
const EQ_TOLERANCE: f64 = 1e-4;
/// The most units in the last place for `check.expect_close` unless given.
const CLOSE_ULPS: u64 = 3;

/// What came out of a check.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckOutcome {
    name: String,
    elements: usize,
    mismatch: Option<Mismatch>,
}

/// Why a check failed.
#[derive(Clone, Debug, PartialEq)]
pub enum Mismatch {
    /// The values have different shapes, written in HLO.
    Shape {
        /// The shape of the actual value.
        actual: String,
        /// The shape of the expected value.
        expected: String,
    },
    /// Elements differ by too much; the first of them is shown.
    Elements(Box<Difference>),
}

/// The first pair of elements that a check refuses.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The number of the array, if the values are tuples.
    pub leaf: Option<usize>,
    /// The index in the array.
    pub index: Vec<usize>,
    /// The actual element.
    pub actual: String,
    /// The expected element.
    pub expected: String,
    /// How far they are apart.
    pub distance: Distance,
    /// What would have been allowed.
    pub allowed: String,
    /// How many elements are refused in all.
    pub refused: usize,
}

/// How far two elements are apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distance {
    /// The absolute difference.
    Absolute(f64),
    /// In units in the last place; 2^64 - 1 if one of them is not finite.
    Ulps(u64),
}

impl CheckOutcome {
    /// The check, such as `check.expect_close`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Does the check hold?
    pub fn passed(&self) -> bool {
        self.mismatch.is_none()
    }

    /// The number of elements that were compared.
    pub fn elements(&self) -> usize {
        self.elements
    }

    /// Why it does not hold.
    pub fn mismatch(&self) -> Option<&Mismatch> {
        self.mismatch.as_ref()
    }
}

/// Compares two values as a check demands; `None` if `target` is not a check.
pub fn check(
    target: &CustomCallTarget,
    actual: &Literal,
    expected: &Literal,
) -> Option<CheckOutcome> {
    let name = target.name().to_owned();
    let rule = Rule::of(target)?;
    let mut arrays = Vec::new();
    if !pair_arrays(actual, expected, &mut arrays) {
        let (actual, expected) = (actual.shape().to_string(), expected.shape().to_string());
        let mismatch = Some(Mismatch::Shape { actual, expected });
        return Some(CheckOutcome { name, elements: 0, mismatch });
    }
    let elements = arrays.iter().map(|(actual, _)| actual.element_count()).sum();
    let in_tuple = actual.as_tuple().is_some();
    let (mut first, mut refused) = (None, 0);
    for (leaf, (actual, expected)) in arrays.into_iter().enumerate() {
        let (difference, count) = compare_arrays(rule, actual, expected);
        refused += count;
        let leaf = in_tuple.then_some(leaf);
        first = first.or(difference.map(|difference| Difference { leaf, ..difference }));
    }
    let mismatch = first.map(|first| Mismatch::Elements(Box::new(Difference { refused, ..first })));
    Some(CheckOutcome { name, elements, mismatch })
}

/// How a check compares two elements.
#[derive(Clone, Copy)]
enum Rule {
    Equal,
    Almost {
        tolerance: f64,
    },
    /// As `Almost` for floats, as `Equal` for others.
    EqualOrAlmost {
        tolerance: f64,
    },
    Close {
        least: u64,
        most: u64,
    },
}

impl Rule {
    fn of(target: &CustomCallTarget) -> Option<Self> {
        Some(match target {
            CustomCallTarget::CheckExpectEq(_) => Self::Equal,
            CustomCallTarget::CheckExpectAlmostEq(parameters) => {
                Self::Almost { tolerance: parameters.tolerance.unwrap_or(ALMOST_EQ_TOLERANCE) }
            }
            CustomCallTarget::CheckExpectClose(parameters) => Self::Close {
                least: parameters.min_ulp_difference.unwrap_or(0),
                most: parameters.max_ulp_difference.unwrap_or(CLOSE_ULPS),
            },
            CustomCallTarget::CheckEq(_) => Self::EqualOrAlmost { tolerance: EQ_TOLERANCE },
            CustomCallTarget::Eigh(_)
            | CustomCallTarget::LuDecomposition
            | CustomCallTarget::ProductOfElementaryHouseholderReflectors
            | CustomCallTarget::Qr
            | CustomCallTarget::Other(_) => return None,
        })
    }

    /// The rule for elements of one type.
    fn on(self, element_type: ElementType) -> Self {
        match self {
            Self::EqualOrAlmost { tolerance } if element_type.is_float() => {
                Self::Almost { tolerance }
            }
            Self::EqualOrAlmost { .. } => Self::Equal,
            Self::Equal | Self::Almost { .. } | Self::Close { .. } => self,
        }
    }

    /// Does it accept the pair, and how far are the two apart?
    fn judge<T: Element>(self, actual: T, expected: T) -> (bool, Distance) {
        let absolute = absolute_difference(actual, expected);
        match self {
            Self::Equal => (absolute == 0.0, Distance::Absolute(absolute)),
            Self::Almost { tolerance } | Self::EqualOrAlmost { tolerance } => {
                let same = absolute == 0.0 || both_nan(actual, expected);
                let finite = is_finite(actual) && is_finite(expected);
                let near = finite && absolute <= tolerance;
                (same || near, Distance::Absolute(absolute))
            }
            Self::Close { least, most } => {
                let ulps = ulp_difference(actual, expected);
                (least <= ulps && ulps <= most, Distance::Ulps(ulps))
            }
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equal => f.write_str("0"),
            Self::Almost { tolerance } | Self::EqualOrAlmost { tolerance } => {
                write!(f, "at most {tolerance:?}")
            }
            Self::Close { least: 0, most } => write!(f, "at most {most} ulp"),
            Self::Close { least, most } => write!(f, "{least} to {most} ulp"),
        }
    }
}

/// Pairs the arrays of two values of one shape; false if their shapes differ.
fn pair_arrays<'a>(
    actual: &'a Literal,
    expected: &'a Literal,
    pairs: &mut Vec<(&'a ArrayLiteral, &'a ArrayLiteral)>,
) -> bool {
    match (actual, expected) {
        (Literal::Array(actual), Literal::Array(expected)) => {
            pairs.push((actual, expected));
            actual.shape() == expected.shape()
        }
        (Literal::Tuple(actual), Literal::Tuple(expected)) => {
            actual.len() == expected.len()
                && actual.iter().zip(expected).all(|(a, e)| pair_arrays(a, e, pairs))
        }
        (Literal::Array(_) | Literal::Tuple(_), Literal::Array(_) | Literal::Tuple(_)) => false,
    }
}

/// The first difference between two arrays of one shape, and how many elements are refused. Of
/// complex elements each part is compared.
fn compare_arrays(
    rule: Rule,
    actual: &ArrayLiteral,
    expected: &ArrayLiteral,
) -> (Option<Difference>, usize) {
    let rule = rule.on(actual.element_type().part());
    if actual.element_type().is_complex() {
        let (difference, count) = compare_parts(rule, &actual.parts(), &expected.parts(), 2);
        let shape = actual.shape();
        let whole = |difference: Difference| {
            let mut index = difference.index;
            index.pop();
            let element: usize = index.iter().zip(shape.strides()).map(|(i, s)| i * s).sum();
            let text = |array| literal_element_text(array, element);
            Difference { index, actual: text(actual), expected: text(expected), ..difference }
        };
        return (difference.map(whole), count);
    }
    if actual.element_type().is_narrow() {
        return compare_narrow(rule, actual, expected);
    }
    compare_parts(rule, actual, expected, 1)
}

/// The same for arrays in which `parts` neighbours are one element.
fn compare_parts(
    rule: Rule,
    actual: &ArrayLiteral,
    expected: &ArrayLiteral,
    parts: usize,
) -> (Option<Difference>, usize) {
    with_element_type!(actual.element_type(), T => {
        let pairs = view::<T>(actual).iter().zip(view::<T>(expected)).enumerate();
        let mut refused = pairs.filter(|(_, (a, e))| !rule.judge(**a, **e).0).peekable();
        let first = refused.peek().map(|&(element, (a, e))| Difference {
            leaf: None,
            index: index_of(element, actual.shape().dimensions()),
            actual: element_text(T::ELEMENT_TYPE, actual.bits(element)),
            expected: element_text(T::ELEMENT_TYPE, expected.bits(element)),
            distance: rule.judge(*a, *e).1,
            allowed: rule.to_string(),
            refused: 0,
        });
        let mut last = None;
        let elements = refused.map(|(part, _)| part / parts);
        let count = elements.filter(|element| last.replace(*element) != Some(*element)).count();
        (first, count)
    })
}

/// The same for elements of a narrow type; their units in the last place are counted in their
/// codes.
fn compare_narrow(
    rule: Rule,
    actual: &ArrayLiteral,
    expected: &ArrayLiteral,
) -> (Option<Difference>, usize) {
    let element_type = actual.element_type();
    let judge = |element: usize| {
        let (a, e) = (actual.get_f64(element), expected.get_f64(element));
        let Rule::Close { least, most } = rule else { return rule.judge(a, e) };
        let sign = 1i64 << (element_type.bit_width() - 1);
        let position = |array: &ArrayLiteral| match array.get_i64(element) {
            Some(value) => value,
            None => {
                let bits = array.bits(element).cast_signed();
                if array.get_f64(element).is_sign_negative() { -(bits & !sign) } else { bits }
            }
        };
        let distance = position(actual).abs_diff(position(expected));
        let comparable = distance == 0 || a.is_finite() && e.is_finite();
        let both_nan = a.is_nan() && e.is_nan();
        let ulps = if both_nan {
            0
        } else if comparable {
            distance
        } else {
            u64::MAX
        };
        (least <= ulps && ulps <= most, Distance::Ulps(ulps))
    };
    let mut refused = (0..actual.element_count()).filter(|&element| !judge(element).0);
    let first = refused.next().map(|element| Difference {
        leaf: None,
        index: index_of(element, actual.shape().dimensions()),
        actual: literal_element_text(actual, element),
        expected: literal_element_text(expected, element),
        distance: judge(element).1,
        allowed: rule.to_string(),
        refused: 0,
    });
    let count = usize::from(first.is_some()) + refused.count();
    (first, count)
}

fn index_of(element: usize, dimensions: &[usize]) -> Vec<usize> {
    let mut rest = element;
    let mut index = vec![0; dimensions.len()];
    for (place, &size) in index.iter_mut().zip(dimensions).rev() {
        *place = rest % size;
        rest /= size;
    }
    index
}

/// |actual - expected|; 0 for equal infinities, NaN if one of them is a NaN.
fn absolute_difference<T: Element>(actual: T, expected: T) -> f64 {
    #![expect(clippy::float_cmp, reason = "infinities are equal or infinitely far apart")]
    if T::ELEMENT_TYPE.is_float() {
        let (actual, expected) = (actual.convert::<f64>(), expected.convert::<f64>());
        return if actual == expected { 0.0 } else { (actual - expected).abs() };
    }
    let difference = (actual.total_order_key() - expected.total_order_key()).unsigned_abs();
    #[expect(clippy::cast_precision_loss, reason = "it is compared with a tolerance, and shown")]
    let difference = difference as f64;
    difference
}

fn is_finite<T: Element>(value: T) -> bool {
    !T::ELEMENT_TYPE.is_float() || value.convert::<f64>().is_finite()
}

fn both_nan<T: Element>(actual: T, expected: T) -> bool {
    let is_nan = |value: T| T::ELEMENT_TYPE.is_float() && value.convert::<f64>().is_nan();
    is_nan(actual) && is_nan(expected)
}

/// How many values of the type it takes from one to the other; -0 and 0 are one value.
fn ulp_difference<T: Element>(actual: T, expected: T) -> u64 {
    if both_nan(actual, expected) {
        return 0;
    }
    let position = |value: T| {
        let key = value.total_order_key();
        // Negative floats count from -0, which comes before 0 in the total order.
        if T::ELEMENT_TYPE.is_float() && key < 0 { key + 1 } else { key }
    };
    let distance = position(actual) - position(expected);
    let comparable = distance == 0 || is_finite(actual) && is_finite(expected);
    if comparable { u64::try_from(distance.unsigned_abs()).unwrap_or(u64::MAX) } else { u64::MAX }
}

impl fmt::Display for CheckOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, elements, mismatch } = self;
        match mismatch {
            None => write!(f, "{name}: pass ({})", count(*elements)),
            Some(Mismatch::Shape { actual, expected }) => {
                write!(f, "{name}: fail (actual shape {actual}, expected shape {expected})")
            }
            Some(Mismatch::Elements(difference)) => {
                let refused = difference.refused;
                let differ = if refused == 1 { "differs" } else { "differ" };
                write!(f, "{name}: fail {difference}; {refused} of {} {differ}", count(*elements))
            }
        }
    }
}

fn count(elements: usize) -> String {
    if elements == 1 { "1 element".to_owned() } else { format!("{elements} elements") }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { leaf, index, actual, expected, distance, allowed, .. } = self;
        f.write_str("at ")?;
        if let Some(leaf) = leaf {
            write!(f, "array {leaf} ")?;
        }
        write!(f, "{index:?}: actual {actual}, expected {expected}, ")?;
        write!(f, "distance {distance} ({allowed} allowed)")
    }
}

impl fmt::Display for Distance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absolute(distance) => write!(f, "{distance:?}"),
            Self::Ulps(u64::MAX) => f.write_str("infinite"),
            Self::Ulps(ulps) => write!(f, "{ulps} ulp"),
        }
    }
}
