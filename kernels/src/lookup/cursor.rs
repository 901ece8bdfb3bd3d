//! [`Cursor`]: a place in the walk over the indices.

use super::{Lines, int, line_words};
use crate::llo::{Builder, S, Value};

/// A *unit* is so many indices that are looked up at once, in one line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor {
    /// The number of the unit.
    pub(super) unit: S,
    /// The number of its first index in SMEM, from the first of all.
    pub(super) word: S,
    /// The number of the unit in its line.
    place: S,
    /// The number of the line in its group.
    row: S,
}

impl Cursor {
    /// As a loop carries it.
    pub(super) fn values(self) -> Vec<Value> {
        [self.unit, self.word, self.place, self.row].map(Value::S).to_vec()
    }

    /// From what a loop carries.
    pub(super) fn of(values: &[Value]) -> Self {
        let scalar = |n: usize| match values[n] {
            Value::S(s) => s,
            Value::V(_) | Value::M(_) => panic!("a cursor is made of scalars"),
        };
        Self { unit: scalar(0), word: scalar(1), place: scalar(2), row: scalar(3) }
    }

    /// The next unit; that after the last one is nowhere.
    pub(super) fn next(self, b: &mut Builder, lines: &Lines, unit: usize) -> Self {
        let units = lines.lanes.div_ceil(unit);
        let (zero, one) = (b.s(0), b.s(1));
        let (next_place, last_place) = (b.sadd(self.place, one), b.s(int(units)));
        let ends_line = b.scmp_eq(next_place, last_place);
        let next_row = b.sadd(self.row, ends_line);
        let last_row = b.s(int(lines.rows));
        let ends_group = b.scmp_eq(next_row, last_row);
        let (within, to_next_line) =
            (b.s(int(unit)), b.s(int(line_words(lines)) - int((units - 1) * unit)));
        let step = b.ssel(ends_line, to_next_line, within);
        let skipped = (lines.padded_rows - lines.rows) * line_words(lines);
        let skipped = b.smul_imm(ends_group, int(skipped));
        let word = b.sadd(self.word, step);
        Self {
            unit: b.sadd(self.unit, one),
            word: b.sadd(word, skipped),
            place: b.ssel(ends_line, zero, next_place),
            row: b.ssel(ends_group, zero, next_row),
        }
    }

    /// The next unit, or the same if it is the last.
    pub(super) fn next_or_last(self, b: &mut Builder, lines: &Lines, unit: usize) -> Self {
        let last = b.s(int(units_of(lines, unit) - 1));
        let has_next = b.scmp_lt(self.unit, last);
        let next = self.next(b, lines, unit);
        let mut choose = |next: S, same: S| b.ssel(has_next, next, same);
        Self {
            unit: choose(next.unit, self.unit),
            word: choose(next.word, self.word),
            place: choose(next.place, self.place),
            row: choose(next.row, self.row),
        }
    }
}

fn units_of(lines: &Lines, unit: usize) -> usize {
    lines.matrices * lines.rows * lines.lanes.div_ceil(unit)
}

/// The first unit of this core, and how many groups of `group` units it has.
pub(super) fn share(
    b: &mut Builder,
    lines: &Lines,
    (unit, group): (usize, usize),
    n_cores: u32,
) -> (Cursor, S) {
    let groups = units_of(lines, unit).div_ceil(group);
    let each = groups.div_ceil(n_cores as usize);
    let core = b.score();
    let zero = b.s(0);
    let mut cursor = Cursor { unit: zero, word: zero, place: zero, row: zero };
    let mut number = b.s(int(each.min(groups)));
    for other in 1..n_cores as usize {
        let first = (each * other).min(groups);
        let own = b.s(int(each.min(groups - first)));
        let this = b.s(int(other));
        let is_own = b.scmp_eq(core, this);
        number = b.ssel(is_own, own, number);
        let mut choose = |own: usize, before: S| {
            let own = b.s(int(own));
            b.ssel(is_own, own, before)
        };
        let per_line = lines.lanes.div_ceil(unit);
        let (first, line) = (first * group, first * group / per_line);
        let (place, row) = (first % per_line, line % lines.rows);
        let word = (line / lines.rows * lines.padded_rows + row) * line_words(lines) + place * unit;
        cursor = Cursor {
            unit: choose(first, cursor.unit),
            word: choose(word, cursor.word),
            place: choose(place, cursor.place),
            row: choose(row, cursor.row),
        };
    }
    (cursor, number)
}
