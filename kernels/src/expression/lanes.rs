//! Lanes that move: a column of the result is made of columns of the operand, which the cross-lane
//! units rotate.

use super::{
    NodeId, NodeOp,
    arithmetic::Register,
    emit::{Emitter, Place, Site, constant, select},
    reach::{Shifted, joined},
};
use crate::llo::{Builder, V};
use palmetto_isa::memory::LANES;
use std::{collections::BTreeSet, ops::Range};

/// Columns that are given to the cross-lane units before anything is taken from them: of twice as
/// many, each of the two units has room for the results.
const GATHERED_AT_ONCE: usize = 16;
/// Registers that are given to the two units before one is taken from them.
const MOVED_AT_ONCE: usize = 32;

impl Emitter<'_> {
    /// The value of a shift by `by` lanes of an operand of `columns` columns.
    pub(super) fn shift(
        &mut self,
        b: &mut Builder,
        site: &mut dyn Site,
        (of, by, columns): (NodeId, i32, usize),
        place: Place,
    ) -> Register {
        let Shifted { lane, low, high } = Shifted::new((by, columns), place.column);
        let low = low.map(|column| self.rotated(b, site, (of, lane), Place { column, ..place }));
        let high = high.map(|column| self.rotated(b, site, (of, lane), Place { column, ..place }));
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
        if lane == 0 {
            return self.emit(b, site, of, place);
        }
        let rotated = Moved::Rotated(of, self.key(of, place), lane);
        self.moved(b, site, rotated)
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
        let mirrored = Moved::Mirrored(of, self.key(of, Place { column, ..place }));
        self.moved(b, site, mirrored)
    }

    /// A register with its lanes moved.
    fn moved(&mut self, b: &mut Builder, site: &mut dyn Site, moved: Moved) -> Register {
        if let Some(value) = self.known.moved.get(&moved) {
            return *value;
        }
        let under_way = self.start(b, site, moved);
        let value = under_way.finish(b);
        self.known.moved.insert(moved, value);
        value
    }

    fn start(&mut self, b: &mut Builder, site: &mut dyn Site, moved: Moved) -> UnderWay {
        let (Moved::Rotated(of, place, _) | Moved::Mirrored(of, place)) = moved;
        let value = self.emit(b, site, of, place);
        let word = as_word(b, value);
        let unit = unit_of(place);
        match moved {
            Moved::Rotated(_, _, lane) => {
                let amount = b.s(i32::try_from(LANES - lane).expect("below 128"));
                b.xlu_rot(unit, word, amount);
            }
            Moved::Mirrored(..) => {
                let last = b.i32(i32::try_from(LANES - 1).expect("a register has 128 lanes"));
                let lane = b.vlane();
                let mirrored = b.vsub_s32(last, lane);
                b.xlu_gather(unit, word, mirrored);
            }
        }
        UnderWay { unit, is_mask: matches!(value, Register::Mask(_)) }
    }

    /// Moves the lanes that `roots` need in some rows and columns, many registers at a time, those
    /// first that others wait for: a cross-lane unit gives results in the order in which it was
    /// asked for them, each long after.
    pub fn move_ahead(
        &mut self,
        b: &mut Builder,
        site: &mut dyn Site,
        roots: &[NodeId],
        (rows, columns): (Range<usize>, Range<usize>),
    ) {
        let needed = self.expression().needed_columns(roots, columns);
        for (id, columns) in needed.into_iter().enumerate() {
            let places = columns
                .into_iter()
                .flat_map(|column| rows.clone().map(move |row| Place { row, column }));
            let moves: BTreeSet<Moved> =
                places.flat_map(|place| self.moves(NodeId(id), place)).collect();
            let moves: Vec<Moved> = moves.into_iter().collect();
            for some in moves.chunks(MOVED_AT_ONCE) {
                let under_way: Vec<UnderWay> =
                    some.iter().map(|moved| self.start(b, site, *moved)).collect();
                for (moved, under_way) in some.iter().zip(under_way) {
                    let value = under_way.finish(b);
                    self.known.moved.insert(*moved, value);
                }
            }
        }
    }

    /// What of a node's operand has to be moved for its value at `place`, and is not known yet.
    fn moves(&self, id: NodeId, place: Place) -> Vec<Moved> {
        let at = |of, column| self.key(of, Place { column, ..place });
        let moves: Vec<Moved> = match self.expression().node(id).op {
            NodeOp::Shift { of, by, columns } => {
                let from = Shifted::new((by, columns), place.column);
                let rotated = |column| Moved::Rotated(of, at(of, column), from.lane);
                let is_moved = from.lane != 0;
                from.columns().filter(|_| is_moved).map(rotated).collect()
            }
            NodeOp::Reverse { of, columns } => {
                let mirrored = columns.checked_sub(place.column + 1);
                mirrored.into_iter().map(|column| Moved::Mirrored(of, at(of, column))).collect()
            }
            _ => Vec::new(),
        };
        moves.into_iter().filter(|moved| !self.known.moved.contains_key(moved)).collect()
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
        let parts = joined(pieces, place.column);
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

/// A register with its lanes moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Moved {
    /// Rotated, so that this lane is lane 0.
    Rotated(NodeId, Place, usize),
    /// In reverse order.
    Mirrored(NodeId, Place),
}

/// A register on its way through a cross-lane unit.
#[derive(Clone, Copy, Debug)]
struct UnderWay {
    unit: u8,
    /// Whether it is a predicate.
    is_mask: bool,
}

impl UnderWay {
    fn finish(self, b: &mut Builder) -> Register {
        let word = b.xlu_pop(self.unit);
        if !self.is_mask {
            return Register::Vector(word);
        }
        let zero = b.i32(0);
        Register::Mask(b.vcmp_ne_s32(word, zero))
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
