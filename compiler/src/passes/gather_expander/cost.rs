//! The ways to make a gather, and what they cost: a model in cycles.

use super::{Coordinate, Gather, element_type};
use crate::hlo::ComputationBuilder;
use palmetto_isa::memory::{LANES, SUBLANES};

/// Columns of 128 lanes that a gather of lanes looks through for each row, in all.
const MOST_COLUMNS: usize = 512;
/// Columns of the shortest row of which a single lane is gathered.
const FEWEST_COLUMNS: usize = 16;
/// Columns of lanes that are found at once.
const MOST_FOUND: usize = 32;
/// What a launch takes.
const LAUNCH: f64 = 1000.0;
/// What a look-up takes at least, with the two cores at work.
const LOOK_UP: f64 = 5.0;
/// What a column of one tile row takes of a gather of lanes, with the two cores at work.
const COLUMN: f64 = 1.5;
/// Bytes that HBM moves per cycle.
const BYTES: f64 = 1100.0;

/// How to make a gather.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// By repeating the operand: there is nothing to choose.
    Repeat,
    /// By looking up what is whole.
    Rows,
    /// The same, where whole dimensions before coordinates become parts of the number of a row.
    RowsOfMore,
    /// By gathering lanes.
    Lanes,
    /// The same, of all that is chosen from in one row.
    FlatLanes,
    /// By looking up rows, and gathering lanes in them.
    RowsThenLanes {
        /// Whether the rows are those of [`Way::RowsOfMore`].
        of_more: bool,
    },
    /// By looking up rows of 128 lanes, and finding a lane in them.
    Line,
}

/// Does a gather of lanes from an array into one of the size of the indices have a kernel?
pub(super) fn fits_lanes(sizes: &[usize], indices: &[usize]) -> bool {
    let lanes = |sizes: &[usize]| sizes.last().copied().unwrap_or(1);
    let (of, found) = (lanes(sizes), lanes(indices));
    (found > 1 || finds_one(of)) && found <= most_lanes(of) && of <= MOST_COLUMNS * LANES
}

/// Is one lane of each row of `lanes` found like many? In shorter rows it is found by comparing
/// every lane's index, and rows do not become longer by that.
pub(super) fn finds_one(lanes: usize) -> bool {
    (FEWEST_COLUMNS * LANES..=MOST_COLUMNS * LANES).contains(&lanes)
}

/// How many lanes a kernel finds in rows of `lanes`.
pub(super) fn most_lanes(lanes: usize) -> usize {
    (MOST_COLUMNS / lanes.div_ceil(LANES)).clamp(1, MOST_FOUND) * LANES
}

#[expect(clippy::cast_precision_loss, reason = "a model's figures are far below 2^53")]
fn float(value: usize) -> f64 {
    value as f64
}

fn product(sizes: impl IntoIterator<Item = usize>) -> f64 {
    sizes.into_iter().map(float).product()
}

/// Bytes of an array as it lies.
fn bytes(sizes: &[usize], element: f64) -> f64 {
    match sizes {
        [] => element,
        [lanes] => float(*lanes) * element,
        [majors @ .., rows, lanes] => {
            let rows = rows.next_multiple_of(SUBLANES);
            let lanes = lanes.next_multiple_of(LANES);
            product(majors.iter().copied()) * float(rows) * float(lanes) * element
        }
    }
}

/// Reading and writing bytes.
fn movement(bytes: f64) -> f64 {
    LAUNCH + 2.0 * bytes / BYTES
}

impl Gather {
    pub(super) fn cheapest_way(&self, builder: &ComputationBuilder<'_>) -> Way {
        if !self.coordinates.iter().any(Coordinate::is_chosen) {
            return Way::Repeat;
        }
        let element = float(element_type(builder, self.operand).byte_size());
        let ways = [
            Way::Rows,
            Way::RowsOfMore,
            Way::Lanes,
            Way::FlatLanes,
            Way::RowsThenLanes { of_more: false },
            Way::RowsThenLanes { of_more: true },
        ];
        let mut best = (Way::Line, f64::INFINITY);
        if self.whole().is_empty() {
            best.1 = self.line_cost(element);
        }
        for way in ways {
            let cost = match way {
                Way::Rows => self.rows_cost(element, None),
                Way::RowsOfMore => self.more_cost(element, None),
                Way::Lanes => self.lanes_cost(element),
                Way::FlatLanes => self.flat_cost(element),
                Way::RowsThenLanes { of_more } => self.both_cost(element, of_more),
                Way::Repeat | Way::Line => None,
            };
            if let Some(cost) = cost.filter(|cost| *cost < best.1) {
                best = (way, cost);
            }
        }
        best.0
    }

    /// Reading all of the operand and writing it in another order, if there is another.
    fn transposition(&self, order: &[usize], element: f64) -> f64 {
        let sizes = order.iter().map(|d| self.sizes[*d]).collect::<Vec<usize>>();
        if order.is_sorted() {
            0.0
        } else {
            // Often in two steps.
            2.0 * movement(f64::max(bytes(&self.sizes, element), bytes(&sizes, element)))
        }
    }

    /// Of [`Way::Rows`], where the extent `without` is not looked up.
    fn rows_cost(&self, element: f64, without: Option<usize>) -> Option<f64> {
        let whole = self.whole();
        let order: Vec<usize> =
            self.coordinates.iter().map(|one| one.dimension).chain(whole.iter().copied()).collect();
        let sizes: Vec<usize> = whole.iter().map(|d| self.sizes[*d]).collect();
        if whole.is_empty() {
            return None;
        }
        let extents = self.extents.iter().enumerate().filter(|(n, _)| Some(*n) != without);
        let count = product(extents.map(|(_, size)| *size));
        let row = match sizes[..] {
            // Rows of narrow elements come with their neighbours.
            [lanes] => float(lanes.next_multiple_of(LANES)) * 4.0,
            _ => bytes(&sizes, element),
        };
        let looked_up = LAUNCH + count * f64::max(LOOK_UP, 2.0 * row / BYTES);
        Some(self.transposition(&order, element) + looked_up)
    }

    fn more_cost(&self, element: f64, without: Option<usize>) -> Option<f64> {
        let mut more = self.clone();
        more.count_leading();
        if more.extents.len() == self.extents.len() {
            return None;
        }
        more.rows_cost(element, without)
    }

    fn lanes_cost(&self, element: f64) -> Option<f64> {
        let mut chosen = self.coordinates.iter().filter(|one| one.is_chosen());
        let only = chosen.next().filter(|_| chosen.next().is_none())?;
        let mut order: Vec<usize> =
            (0..self.sizes.len()).filter(|d| *d != only.dimension).collect();
        let rows: usize = order.iter().map(|d| self.sizes[*d]).product();
        // A line has no rows.
        if order.is_empty() {
            return None;
        }
        order.push(only.dimension);
        let (counted, chosen): (Vec<&Coordinate>, Vec<&Coordinate>) =
            self.coordinates.iter().partition(|one| !one.is_chosen());
        let lanes = chosen.iter().map(|one| one.size).product();
        let of_rows = |extent: usize| counted.iter().any(|one| one.counted == Some(extent));
        let found = (0..self.extents.len()).filter(|extent| !of_rows(*extent));
        let found = found.map(|extent| self.extents[extent]).product();
        let cost = search(rows, lanes, found)?;
        Some(self.transposition(&order, element) + cost)
    }

    fn flat_cost(&self, element: f64) -> Option<f64> {
        if !self.whole().is_empty() {
            return None;
        }
        let (chosen, batch): (Vec<&Coordinate>, Vec<&Coordinate>) =
            self.coordinates.iter().partition(|one| one.is_chosen());
        let order: Vec<usize> =
            batch.iter().chain(&chosen).map(|coordinate| coordinate.dimension).collect();
        let size = |all: &[&Coordinate]| all.iter().map(|one| one.size).product::<usize>();
        let (rows, lanes, all) = (size(&batch), size(&chosen), product(self.extents.clone()));
        // A line is looked through for 128 indices at a time.
        let is_line = batch.is_empty();
        let count = self.extents.iter().copied().fold(1, usize::saturating_mul);
        let (rows, found) =
            if is_line { (count.div_ceil(LANES), count.min(LANES)) } else { (rows, count / rows) };
        let reshaped = if chosen.len() > 1 { movement(bytes(&self.sizes, element)) } else { 0.0 };
        let moved = LAUNCH + 2.0 * all * element / BYTES;
        let cost = search(rows, lanes, found)?;
        Some(self.transposition(&order, element) + reshaped + moved + cost)
    }

    fn both_cost(&self, element: f64, of_more: bool) -> Option<f64> {
        let lane = self.sizes.len().checked_sub(1)?;
        let last = self.coordinates.iter().position(|one| one.dimension == lane)?;
        let mut rows = self.clone();
        let last = rows.coordinates.remove(last);
        if !last.is_chosen() || !rows.coordinates.iter().any(Coordinate::is_chosen) {
            return None;
        }
        let first = if of_more {
            rows.more_cost(element, last.counted)?
        } else {
            rows.rows_cost(element, last.counted)?
        };
        let found = last.counted.map_or(1, |extent| self.extents[extent]);
        let extents = self.extents.iter().copied().fold(1, usize::saturating_mul) / found;
        let whole: usize = self.whole().iter().map(|d| self.sizes[*d]).product();
        Some(first + search(extents.saturating_mul(whole), last.size, found)?)
    }

    fn line_cost(&self, element: f64) -> f64 {
        let count = product(self.extents.clone());
        let row = float(LANES) * 4.0;
        let found = count * (LOOK_UP + 4.0 * row / BYTES);
        let reshaped =
            if self.sizes.len() > 1 { movement(bytes(&self.sizes, element)) } else { 0.0 };
        3.0 * LAUNCH + found + reshaped
    }
}

/// A gather of `found` lanes from each of `rows` rows of `lanes`.
fn search(rows: usize, lanes: usize, found: usize) -> Option<f64> {
    if lanes > MOST_COLUMNS * LANES {
        return None;
    }
    let (tile_rows, columns) = (rows.div_ceil(SUBLANES), lanes.div_ceil(LANES));
    let looked_through = float(tile_rows) * float(columns) * float(found.div_ceil(LANES));
    let read = float(rows.next_multiple_of(SUBLANES)) * float(columns * LANES) * 4.0;
    let launches = float(found.div_ceil(most_lanes(lanes)).max(1));
    Some(launches * LAUNCH + f64::max(looked_through * COLUMN, read / BYTES))
}
