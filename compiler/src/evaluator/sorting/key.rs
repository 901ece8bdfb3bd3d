//! Comparators by keys: `f(a) < f(b)`, with further keys where the earlier ones are equal.
//!
//! The functions are found, not known: each side of a comparison has to be the same expression of
//! the one and of the other element of one operand. What JAX puts around floats, so that all NaNs
//! are alike and -0 equals 0, is such an expression.

use std::collections::BTreeSet;

use super::super::element::{Element, Float, with_class, with_element_type};
use super::super::elementwise::view;
use super::super::lifted::Lifted;
use crate::hlo::{
    ArrayLiteral, ComparisonDirection, ComparisonType, Computation, ElementType, InstructionId, Op,
};

/// The keys of all elements, those that decide first in front.
pub(super) struct Columns(Vec<Column>);

/// Keys that ascend.
enum Column {
    /// In a total order.
    Total(Vec<i64>),
    /// As numbers: NaN has no place.
    Number(Vec<f64>),
}

impl Columns {
    /// Does element `a` come before element `b`?
    pub(super) fn less(&self, a: usize, b: usize) -> bool {
        for column in &self.0 {
            let order = match column {
                Column::Total(keys) => Some(keys[a].cmp(&keys[b])),
                Column::Number(keys) => keys[a].partial_cmp(&keys[b]),
            };
            match order {
                Some(std::cmp::Ordering::Equal) => {}
                other => return other == Some(std::cmp::Ordering::Less),
            }
        }
        false
    }
}

/// The keys of the elements of `operands`, if the comparator has some.
pub(super) fn columns(comparator: &Computation, operands: &[ArrayLiteral]) -> Option<Columns> {
    let columns = keys(comparator)?.into_iter().map(|key| {
        let operand = &operands[key.operand];
        let count = operand.element_count();
        let lifted = Lifted::of(comparator, key.expression, count)?;
        let line = operand.reshape(&[count]).ok()?;
        // The expression has one parameter, whose number does not matter so.
        let values = lifted.run(vec![line; 2 * operands.len()]);
        Some(column(values.first()?, &key))
    });
    columns.collect::<Option<Vec<Column>>>().map(Columns)
}

fn column(values: &ArrayLiteral, key: &Key) -> Column {
    let is_float = values.element_type().is_float();
    if is_float && key.comparison_type == ComparisonType::Float {
        let sign = if key.descends { -1.0 } else { 1.0 };
        let numbers = with_class!(values.element_type(), T,
            float => view::<T>(values).iter().map(|value| sign * value.to_f64()).collect(),
            integer => view::<T>(values).iter().map(|_| 0.0).collect(),
            pred => Vec::new(),
            complex => view::<T>(values).iter().map(|_| 0.0).collect(),
        );
        return Column::Number(numbers);
    }
    // 64 unsigned bits fit after a shift.
    let origin = if values.element_type() == ElementType::U64 { i64::MIN } else { 0 };
    let key = |value: i128| {
        let value = i64::try_from(value + i128::from(origin)).unwrap_or(i64::MAX);
        if key.descends { !value } else { value }
    };
    with_element_type!(values.element_type(), T => {
        Column::Total(view::<T>(values).iter().map(|value| key(value.total_order_key())).collect())
    })
}

/// One key of a comparator.
struct Key {
    operand: usize,
    /// The expression of one side.
    expression: InstructionId,
    comparison_type: ComparisonType,
    descends: bool,
}

/// `less`, or `less or (equal and ..)`.
fn keys(comparator: &Computation) -> Option<Vec<Key>> {
    let mut keys = Vec::new();
    let mut rest = comparator.root();
    loop {
        if let Some(key) = less(comparator, rest) {
            keys.push(key);
            return Some(keys);
        }
        let [a, b] = operands_of(comparator, rest, &Op::Or)?;
        let (first, key, other) = match less(comparator, a) {
            Some(key) => (a, key, b),
            None => (b, less(comparator, b)?, a),
        };
        let [a, b] = operands_of(comparator, other, &Op::And)?;
        rest = match [a, b].map(|id| is_equality_of(comparator, id, first)) {
            [true, _] => b,
            [false, true] => a,
            [false, false] => return None,
        };
        keys.push(key);
    }
}

fn operands_of(comparator: &Computation, id: InstructionId, op: &Op) -> Option<[InstructionId; 2]> {
    let instruction = comparator.instruction(id);
    if instruction.op() != op {
        return None;
    }
    instruction.operands().try_into().ok()
}

/// The key of `f(a) < f(b)`, `f(a) > f(b)`, or one of them with the sides exchanged.
fn less(comparator: &Computation, id: InstructionId) -> Option<Key> {
    let instruction = comparator.instruction(id);
    let Op::Compare { direction, comparison_type } = *instruction.op() else { return None };
    let [a, b] = instruction.operands().try_into().ok()?;
    let (operand, exchanged) = same_of_both(comparator, a, b)?;
    let descends = match direction {
        ComparisonDirection::Lt => exchanged,
        ComparisonDirection::Gt => !exchanged,
        ComparisonDirection::Eq
        | ComparisonDirection::Ne
        | ComparisonDirection::Le
        | ComparisonDirection::Ge => return None,
    };
    Some(Key { operand, expression: a, comparison_type, descends })
}

/// Does `id` ask whether the two sides of the comparison `less` are equal?
fn is_equality_of(comparator: &Computation, id: InstructionId, less: InstructionId) -> bool {
    let (this, other) = (comparator.instruction(id), comparator.instruction(less));
    let (Op::Compare { direction, comparison_type }, Op::Compare { comparison_type: of_less, .. }) =
        (this.op(), other.op())
    else {
        return false;
    };
    let mut exchanged = other.operands().to_vec();
    exchanged.reverse();
    *direction == ComparisonDirection::Eq
        && comparison_type == of_less
        && (this.operands() == other.operands() || this.operands() == exchanged)
}

/// The operand of the sort of whose two elements `a` and `b` are the same expression, and whether
/// `a` is that of the second element.
fn same_of_both(
    comparator: &Computation,
    a: InstructionId,
    b: InstructionId,
) -> Option<(usize, bool)> {
    let (mut found, mut seen) = (None, BTreeSet::new());
    let mut open = vec![(a, b)];
    while let Some((a, b)) = open.pop() {
        if !seen.insert((a, b)) {
            continue;
        }
        let (a, b) = (comparator.instruction(a), comparator.instruction(b));
        if let (&Op::Parameter { number: a }, &Op::Parameter { number: b }) = (a.op(), b.op()) {
            let here = (a / 2, a > b);
            if a == b || a / 2 != b / 2 || found.is_some_and(|found| found != here) {
                return None;
            }
            found = Some(here);
        } else if a.op() == b.op() && a.shape() == b.shape() {
            open.extend(a.operands().iter().copied().zip(b.operands().iter().copied()));
        } else {
            return None;
        }
    }
    found
}
