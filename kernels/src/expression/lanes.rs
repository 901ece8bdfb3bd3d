//! Lanes that move: a column of the result is made of columns of the operand, which the cross-lane
//! units rotate.

use super::{
    NodeId,
    arithmetic::Register,
    emit::{Emitter, Place, Site, constant, select},
};
use crate::llo::{Builder, V};
use palmetto_isa::memory::LANES;

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
        let mut value = None;
        for column in 0..columns {
            let at = Place { column, ..place };
            let lanes = self.emit(b, site, of, at);
            // The unit takes the lane from the last 7 bits.
            let unit = unit_of(at);
            let found = by_words(b, lanes, |b, word| {
                b.xlu_gather(unit, word, index);
                b.xlu_pop(unit)
            });
            let Some(before) = value else {
                value = Some(found);
                continue;
            };
            let number = b.i32(i32::try_from(column).expect("rows are far below 2^31 lanes"));
            let is_here = b.vcmp_eq_s32(wanted, number);
            value = Some(select(b, is_here, found, before));
        }
        value.unwrap_or_else(|| self.anything(b, of))
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

fn unit_of(place: Place) -> u8 {
    u8::from((place.row + place.column) % 2 == 1)
}

/// What `f` makes of a value as words.
fn by_words(b: &mut Builder, value: Register, f: impl FnOnce(&mut Builder, V) -> V) -> Register {
    match value {
        Register::Vector(word) => Register::Vector(f(b, word)),
        Register::Mask(mask) => {
            let (one, zero) = (b.i32(1), b.i32(0));
            let word = b.vsel(mask, one, zero);
            let word = f(b, word);
            Register::Mask(b.vcmp_ne_s32(word, zero))
        }
    }
}
