//! What is known about addresses: scalars as linear forms, and when two accesses are disjoint.
//!
//! A scalar is written as `sum of coefficient * value, plus a constant`, modulo 2^32. Scalars with
//! the same sum share a *form*, so two addresses of the same form are compared by their constants.
//! Forms of more than [`MAX_TERMS`] terms are not followed: such a scalar is its own form.

use palmetto_kernels::llo::{LloOp, S, ScratchId};
use std::collections::BTreeMap;

const MAX_TERMS: usize = 4;

/// A scalar: the sum that `form` names, plus `constant`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Linear {
    /// 0 is the empty sum.
    pub form: u32,
    /// The constant, modulo 2^32.
    pub constant: i32,
}

/// Coefficients by value, sorted by value.
type Terms = Vec<(S, i32)>;

/// The linear forms of the scalars of a function.
#[derive(Debug)]
pub(super) struct Scalars {
    forms: Vec<Terms>,
    interned: BTreeMap<Terms, u32>,
    known: BTreeMap<S, Linear>,
}

impl Default for Scalars {
    fn default() -> Self {
        let interned = BTreeMap::from([(Terms::new(), 0)]);
        Self { forms: vec![Terms::new()], interned, known: BTreeMap::new() }
    }
}

impl Scalars {
    /// What is known of `s`.
    pub(super) fn of(&mut self, s: S) -> Linear {
        if let Some(linear) = self.known.get(&s) {
            return *linear;
        }
        let linear = self.intern(vec![(s, 1)], 0);
        self.known.insert(s, linear);
        linear
    }

    /// The value of `s` if it is a constant.
    pub(super) fn constant(&mut self, s: S) -> Option<i32> {
        let linear = self.of(s);
        (linear.form == 0).then_some(linear.constant)
    }

    /// Takes note of what `op` computes.
    pub(super) fn define(&mut self, op: &LloOp) {
        let known = if let LloOp::SmovImm { dst, value } = *op {
            Some((dst, Linear { form: 0, constant: value }))
        } else if let LloOp::Smov { dst, src } = *op {
            Some((dst, self.of(src)))
        } else if let LloOp::SaddImm { dst, src, value } = *op {
            let src = self.of(src);
            Some((dst, Linear { constant: src.constant.wrapping_add(value), ..src }))
        } else if let LloOp::Sadd { dst, lhs, rhs } = *op {
            self.sum(lhs, rhs, 1).map(|sum| (dst, sum))
        } else if let LloOp::Ssub { dst, lhs, rhs } = *op {
            self.sum(lhs, rhs, -1).map(|sum| (dst, sum))
        } else if let LloOp::SmulImm { dst, src, value } = *op {
            Some((dst, self.scaled(src, value)))
        } else if let LloOp::Smul { dst, lhs, rhs } = *op {
            self.product(lhs, rhs).map(|product| (dst, product))
        } else if let LloOp::Sshl { dst, src, amount } = *op {
            let amount = self.constant(amount).filter(|amount| (0..32).contains(amount));
            amount.map(|amount| (dst, self.scaled(src, 1_i32.wrapping_shl(amount.cast_unsigned()))))
        } else {
            None
        };
        if let Some((dst, linear)) = known {
            self.known.insert(dst, linear);
        }
    }

    fn product(&mut self, lhs: S, rhs: S) -> Option<Linear> {
        if let Some(factor) = self.constant(rhs) {
            return Some(self.scaled(lhs, factor));
        }
        let factor = self.constant(lhs)?;
        Some(self.scaled(rhs, factor))
    }

    fn scaled(&mut self, src: S, factor: i32) -> Linear {
        let src = self.of(src);
        let terms = self.forms[src.form as usize].iter();
        let terms = terms.map(|(s, coefficient)| (*s, coefficient.wrapping_mul(factor)));
        let terms = terms.filter(|(_, coefficient)| *coefficient != 0).collect();
        self.intern(terms, src.constant.wrapping_mul(factor))
    }

    fn sum(&mut self, lhs: S, rhs: S, sign: i32) -> Option<Linear> {
        let (lhs, rhs) = (self.of(lhs), self.of(rhs));
        let mut terms: BTreeMap<S, i32> = self.forms[lhs.form as usize].iter().copied().collect();
        for (s, coefficient) in &self.forms[rhs.form as usize] {
            let sum = terms.entry(*s).or_insert(0);
            *sum = sum.wrapping_add(coefficient.wrapping_mul(sign));
        }
        terms.retain(|_, coefficient| *coefficient != 0);
        let constant = lhs.constant.wrapping_add(rhs.constant.wrapping_mul(sign));
        (terms.len() <= MAX_TERMS).then(|| self.intern(terms.into_iter().collect(), constant))
    }

    fn intern(&mut self, terms: Terms, constant: i32) -> Linear {
        let next = u32::try_from(self.forms.len()).expect("fewer forms than scalars");
        let form = *self.interned.entry(terms.clone()).or_insert(next);
        if form == next {
            self.forms.push(terms);
        }
        Linear { form, constant }
    }
}

/// The places `start + stride * i`, `i` below `count`, where `form` is 0: granules or words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The form of the address.
    pub form: u32,
    /// The first place.
    pub start: i32,
    /// The distance of two places.
    pub stride: i32,
    /// How many places.
    pub count: i32,
}

impl Place {
    /// Whether the two surely have no place in common.
    pub(super) fn is_disjoint(&self, other: &Self) -> bool {
        if self.form != other.form {
            return false;
        }
        let ((low, high), (other_low, other_high)) = (self.bounds(), other.bounds());
        high < other_low || other_high < low || !self.places().any(|place| other.contains(place))
    }

    fn places(&self) -> impl Iterator<Item = i64> + use<> {
        let (start, stride) = (i64::from(self.start), i64::from(self.stride));
        (0..i64::from(self.count)).map(move |i| start + stride * i)
    }

    fn contains(&self, place: i64) -> bool {
        let (start, stride) = (i64::from(self.start), i64::from(self.stride));
        let distance = place - start;
        if stride == 0 {
            return distance == 0;
        }
        distance % stride == 0 && (0..i64::from(self.count)).contains(&(distance / stride))
    }

    fn bounds(&self) -> (i64, i64) {
        let first = i64::from(self.start);
        let last = first + i64::from(self.stride) * i64::from(self.count - 1);
        (first.min(last), first.max(last))
    }
}

/// What an op does to memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Access {
    /// The scratch; `None` is everything.
    pub scratch: Option<ScratchId>,
    /// Whether it writes; a wait counts as a write.
    pub writes: bool,
    /// Where in the scratch; `None` is all of it.
    pub place: Option<Place>,
}

impl Access {
    /// Whether the two must keep their order.
    pub(super) fn conflicts_with(&self, other: &Self) -> bool {
        if !self.writes && !other.writes {
            return false;
        }
        match (self.scratch, other.scratch) {
            (Some(a), Some(b)) if a != b => false,
            (Some(_), Some(_)) => match (self.place, other.place) {
                (Some(place), Some(other)) => !place.is_disjoint(&other),
                (None, _) | (_, None) => true,
            },
            (None, _) | (_, None) => true,
        }
    }
}
