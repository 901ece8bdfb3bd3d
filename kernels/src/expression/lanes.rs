//! Lanes that move: a column of the result is made of columns of the operand, which the cross-lane
//! units rotate.

use super::{
    NodeId, NodeOp,
    arithmetic::Register,
    emit::{Emitter, Place, Site, constant, select},
};
use crate::llo::{Builder, V};
use palmetto_isa::memory::LANES;

/// Columns that are given to the cross-lane units before anything is taken from them: of twice as
/// many, each of the two units has room for the results.
const GATHERED_AT_ONCE: usize = 16;

impl Emitter<'_> {
    /// The value of a shift by `by` lanes of an operand of `columns` columns.
    pub(super) fn shift(
        &mut self,
        b: &mut Builder,
        site: &mut dyn Site,
        (of, by, columns): (NodeId, i32, usize),
        place: Place,
    ) -> Register {
        let lanes = i64::try_from(LANES).expect("a register has 128 lanes");
        let column = i64::try_from(place.column).expect("rows are far below 2^63 lanes");
        let first = column * lanes + i64::from(by);
        let lane = usize::try_from(first.rem_euclid(lanes)).expect("below 128");
        let column = first.div_euclid(lanes);
        let source = |column: i64| {
            let column = usize::try_from(column).ok().filter(|column| *column < columns);
            column.map(|column| Place { column, ..place })
        };
        let low = source(column).map(|place| self.rotated(b, site, (of, lane), place));
        if lane == 0 {
            return low.unwrap_or_else(|| self.anything(b, of));
        }
        let high = source(column + 1).map(|place| self.rotated(b, site, (of, lane), place));
        match (low, high) {
            (Some(low), Some(high)) => {
                let mask = b.lanes_below(LANES - lane);
                select(b, mask, low, high)
            }
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => self.anything(b, of),
        }
    }

    /// A value like those of `node`, for lanes that nobody looks at.
    fn anything(&self, b: &mut Builder, node: NodeId) -> Register {
        constant(b, 0, self.expression().node(node).element)
    }

    /// The value of `of` at `place`, rotated so that lane `lane` is lane 0.
    fn rotated(
        &mut self,
        b: &mut Builder,
        site: &mut dyn Site,
        (of, lane): (NodeId, usize),
        place: Place,
    ) -> Register {
        let value = self.emit(b, site, of, place);
        if lane == 0 {
            return value;
        }
        let key = (of, self.key(of, place), lane);
        if let Some(rotated) = self.known.rotated.get(&key) {
            return *rotated;
        }
        let amount = b.s(i32::try_from(LANES - lane).expect("below 128"));
        let unit = unit_of(place);
        let rotated = by_words(b, value, |b, word| {
            b.xlu_rot(unit, word, amount);
            b.xlu_pop(unit)
        });
        self.known.rotated.insert(key, rotated);
        rotated
    }

    /// The value of an operand of `columns` columns with all lanes in reverse order.
    pub(super) fn reverse(
        &mut self,
        b: &mut Builder,
        site: &mut dyn Site,
        (of, columns): (NodeId, usize),
        place: Place,
    ) -> Register {
        let Some(column) = columns.checked_sub(place.column + 1) else {
            return self.anything(b, of);
        };
        let value = self.emit(b, site, of, Place { column, ..place });
        let last = b.i32(i32::try_from(LANES - 1).expect("a register has 128 lanes"));
        let lane = b.vlane();
        let mirrored = b.vsub_s32(last, lane);
        let unit = unit_of(place);
        by_words(b, value, |b, word| {
            b.xlu_gather(unit, word, mirrored);
            b.xlu_pop(unit)
        })
    }

    /// The value of a gather of lanes of an operand of `columns` columns: each column is asked for
    /// the lanes, and that which has a lane gives it.
    pub(super) fn lane_gather(
        &mut self,
        b: &mut Builder,
        site: &mut dyn Site,
        (of, index, columns): (NodeId, NodeId, usize),
        place: Place,
    ) -> Register {
        let index = self.emit(b, site, index, place).vector();
        let amount = b.i32(LANES.ilog2().cast_signed());
        let wanted = b.vshr(index, amount);
        // Operands from memory need no cross-lane unit themselves: more may be under way.
        let is_loaded = matches!(self.expression().node(of).op,
            NodeOp::Input(input) if !site.is_column(input));
        let (mut value, mut under_way, mut is_mask) = (None, Vec::new(), false);
        for first in (0..columns).step_by(GATHERED_AT_ONCE) {
            let batch = first..columns.min(first + GATHERED_AT_ONCE);
            let mut words = Vec::new();
            for column in batch.clone() {
                let lanes = self.emit(b, site, of, Place { column, ..place });
                is_mask |= matches!(lanes, Register::Mask(_));
                words.push(as_word(b, lanes));
            }
            let units: Vec<(usize, u8)> =
                batch.map(|column| (column, unit_of(Place { column, ..place }))).collect();
            for ((_, unit), word) in units.iter().zip(words) {
                b.xlu_gather(*unit, word, index);
            }
            let before = std::mem::replace(&mut under_way, units);
            value = found(b, before, (wanted, value));
            if !is_loaded {
                value = found(b, std::mem::take(&mut under_way), (wanted, value));
            }
        }
        let Some(word) = found(b, under_way, (wanted, value)) else { return self.anything(b, of) };
        if !is_mask {
            return Register::Vector(word);
        }
        let zero = b.i32(0);
        Register::Mask(b.vcmp_ne_s32(word, zero))
    }

    /// The value of a join: what of each piece is in the column at `place`.
    pub(super) fn join(
        &mut self,
        b: &mut Builder,
        site: &mut dyn Site,
        pieces: &[(NodeId, usize)],
        place: Place,
    ) -> Register {
        let first = place.column * LANES;
        let mut start = 0;
        let mut parts = Vec::new();
        for (piece, end) in pieces {
            if start < first + LANES && *end > first.max(start) {
                parts.push((*piece, *end));
            }
            start = *end;
        }
        let Some((last, others)) = parts.split_last() else {
            return self.anything(b, pieces[0].0);
        };
        let mut value = self.emit(b, site, last.0, place);
        for (piece, end) in others.iter().rev() {
            let before = self.emit(b, site, *piece, place);
            let mask = b.lanes_below(end - first);
            value = select(b, mask, before, value);
        }
        value
    }
}

/// Takes what the units found in columns, and keeps of it what is in the wanted column.
fn found(
    b: &mut Builder,
    columns: Vec<(usize, u8)>,
    (wanted, mut value): (V, Option<V>),
) -> Option<V> {
    for (column, unit) in columns {
        let lanes = b.xlu_pop(unit);
        value = Some(match value {
            None => lanes,
            Some(before) => {
                let number = b.i32(i32::try_from(column).expect("rows are far below 2^31 lanes"));
                let is_here = b.vcmp_eq_s32(wanted, number);
                b.vsel(is_here, lanes, before)
            }
        });
    }
    value
}

/// A value as words: a predicate is 0 or 1.
fn as_word(b: &mut Builder, value: Register) -> V {
    match value {
        Register::Vector(word) => word,
        Register::Mask(mask) => {
            let (one, zero) = (b.i32(1), b.i32(0));
            b.vsel(mask, one, zero)
        }
    }
}

fn unit_of(place: Place) -> u8 {
    u8::from((place.row + place.column) % 2 == 1)
}

/// What `f` makes of a value as words.
fn by_words(b: &mut Builder, value: Register, f: impl FnOnce(&mut Builder, V) -> V) -> Register {
    match value {
        Register::Vector(word) => Register::Vector(f(b, word)),
        Register::Mask(_) => {
            let word = as_word(b, value);
            let word = f(b, word);
            let zero = b.i32(0);
            Register::Mask(b.vcmp_ne_s32(word, zero))
        }
    }
}
