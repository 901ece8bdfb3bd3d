//! [`Axis`]: a dimension of a movement, as strided runs of granules.
//!
//! Indices of a dimension lie in granules either at equal distances or as the rows of tiles. Eight
//! rows further everything is whole tiles further; so any equally spaced indices of a dimension are
//! at most eight strided runs, whatever the sizes are.

use palmetto_isa::memory::{LANES, SUBLANES};
use palmetto_kernels::{element::Element, transfer::Stride};

/// How the indices of a dimension lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Indices that share a granule.
    pub(super) unit: usize,
    /// Where the granules are.
    pub(super) form: Form,
    /// Indices that there is memory for.
    pub(super) padded: usize,
}

/// Where the granules of a dimension are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// So many granules apart.
    Linear(usize),
    /// Rows of tiles, whose tile rows take so many granules.
    Tiled(usize),
}

impl Place {
    /// Indices of which each begins a granule, `stride` granules apart.
    pub(super) fn linear(stride: usize) -> Self {
        Self { unit: 1, form: Form::Linear(stride), padded: 0 }
    }

    /// The granule of an index.
    pub(super) fn granule(self, index: usize) -> i64 {
        signed(match self.form {
            Form::Linear(stride) => index / self.unit * stride,
            Form::Tiled(tile_row) => index / SUBLANES * tile_row + index % SUBLANES / self.unit,
        })
    }

    /// Units after which the places repeat, further on.
    fn period(self) -> usize {
        match self.form {
            Form::Linear(_) => 1,
            Form::Tiled(_) => SUBLANES / self.unit,
        }
    }

    /// Granules from a unit to the one `period` units later.
    fn advance(self, period: usize) -> i64 {
        signed(match self.form {
            Form::Linear(stride) => stride * period,
            Form::Tiled(tile_row) => tile_row * period * self.unit / SUBLANES,
        })
    }
}

/// The places of the dimensions of an array.
pub(super) fn places(dimensions: &[usize], element: Element) -> Vec<Place> {
    let (tile, packing) = (element.tile_granules(), element.packing());
    let (majors, rows, lanes) = match dimensions {
        [] => return Vec::new(),
        [lanes] => {
            let padded = lanes.next_multiple_of(SUBLANES * LANES * packing);
            return vec![Place { unit: LANES * packing, form: Form::Linear(1), padded }];
        }
        [majors @ .., rows, lanes] => (majors, *rows, *lanes),
    };
    let tile_row = lanes.div_ceil(LANES) * tile;
    let padded = lanes.next_multiple_of(LANES);
    let mut places = vec![Place { unit: LANES, form: Form::Linear(tile), padded }];
    let padded = rows.next_multiple_of(SUBLANES);
    places.push(Place { unit: packing, form: Form::Tiled(tile_row), padded });
    let mut stride = padded / SUBLANES * tile_row;
    for size in majors.iter().rev() {
        places.push(Place { padded: *size, ..Place::linear(stride) });
        stride *= size;
    }
    places.reverse();
    places
}

/// What the indices of a dimension of the result are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The indices of a dimension of the operand.
    Indices {
        /// How they lie.
        place: Place,
        /// The first one.
        first: usize,
        /// From one to the next.
        step: i64,
        /// Whether what lies behind the last one may be read for the padding of the result.
        has_padding: bool,
    },
    /// The operand, repeated.
    Repeated,
    /// Any granule: all are the same.
    Splat,
}

/// A dimension of a movement: `count` indices of a dimension of the result.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    /// Where they come from.
    pub(super) source: Source,
    /// How the dimension of the result lies.
    pub(super) place: Place,
    /// The first index in the result.
    pub(super) first: usize,
    /// From one to the next in the result.
    pub(super) step: usize,
    /// How many.
    pub(super) count: usize,
    /// The size of the dimension of the result, if the padding behind it is to be filled.
    pub(super) end: Option<usize>,
}

impl Axis {
    /// All indices of the first dimension as all of the second.
    pub(super) fn whole(from: Place, to: Place, size: usize) -> Self {
        let source = Source::Indices { place: from, first: 0, step: 1, has_padding: true };
        Self { source, place: to, first: 0, step: 1, count: size, end: Some(size) }
    }

    /// Whether its last index is the last of the dimension.
    fn is_at_end(&self) -> bool {
        self.count > 0
            && self.end.is_some_and(|end| self.first + (self.count - 1) * self.step + 1 == end)
    }

    /// The runs of granules.
    ///
    /// # Errors
    /// What is not possible.
    pub(super) fn runs(&self) -> Result<Vec<Run>, &'static str> {
        let unit = self.place.unit;
        let is_aligned = match self.source {
            Source::Indices { place, first, step, .. } => {
                if place.unit != unit {
                    return Err("rows or lanes that change their places");
                }
                unit == 1 || (step == 1 || self.count == 1) && first.is_multiple_of(unit)
            }
            Source::Repeated if unit > 1 => return Err("rows or lanes that are repeated"),
            Source::Repeated | Source::Splat => true,
        };
        let is_whole = self.count.is_multiple_of(unit) || self.is_at_end();
        let is_stepped = unit > 1 && self.step != 1 && self.count > 1;
        if !is_aligned || !is_whole || is_stepped || !self.first.is_multiple_of(unit) {
            return Err("rows or lanes that move within tiles");
        }
        let units = self.count.div_ceil(unit);
        let missing = if self.is_at_end() { self.missing() } else { 0 };
        let extends = missing > 0 && self.step == 1 && self.is_padding_readable(units + missing);
        let mut runs = self.strided(units + if extends { missing } else { 0 });
        if missing > 0 && !extends {
            runs.push(self.fill(units, missing));
        }
        Ok(runs)
    }

    /// Granules of the padding behind the last index.
    fn missing(&self) -> usize {
        let end = self.first + (self.count - 1) * self.step + 1;
        (self.place.padded.max(end) - end) / self.place.unit
    }

    /// Whether the source goes on for `units` units in all.
    fn is_padding_readable(&self, units: usize) -> bool {
        match self.source {
            Source::Indices { place, first, step, has_padding } => {
                has_padding && step == 1 && first + units * place.unit <= place.padded
            }
            Source::Repeated | Source::Splat => true,
        }
    }

    /// The first `units` units.
    fn strided(&self, units: usize) -> Vec<Run> {
        let period = match self.source {
            Source::Indices { place, .. } => place.period().max(self.place.period()),
            Source::Repeated | Source::Splat => self.place.period(),
        };
        let runs: Vec<Run> = (0..period.min(units))
            .map(|unit| {
                let count = (units - unit).div_ceil(period);
                let source = self.source_advance(period);
                let target = self.place.advance(period) * signed(self.step);
                let strides = vec![Stride { count, source, target }];
                let index = self.first + unit * self.place.unit * self.step;
                let target = self.place.granule(index);
                Run { source: self.source_granule(unit), target, strides }
            })
            .collect();
        join(&runs)
    }

    fn source_granule(&self, unit: usize) -> i64 {
        match self.source {
            Source::Indices { place, first, step, .. } => {
                let index = signed(first) + signed(unit * place.unit) * step;
                let index = usize::try_from(index).expect("slices are within their operand");
                place.granule(index)
            }
            Source::Repeated | Source::Splat => 0,
        }
    }

    fn source_advance(&self, period: usize) -> i64 {
        match self.source {
            Source::Indices { place, step, .. } => place.advance(period) * step,
            Source::Repeated | Source::Splat => 0,
        }
    }

    /// The padding behind the last of `units` units, filled with that.
    fn fill(&self, units: usize, missing: usize) -> Run {
        let last = self.first + (self.count - 1) * self.step;
        let after = (last / self.place.unit + 1) * self.place.unit;
        let strides = vec![Stride { count: missing, source: 0, target: 1 }];
        let source = self.source_granule(units - 1);
        Run { source, target: self.place.granule(after), strides }
    }
}

/// Strided granules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// The first one in the source.
    pub(super) source: i64,
    /// The first one in the result.
    pub(super) target: i64,
    /// The walk.
    pub(super) strides: Vec<Stride>,
}

/// Neighbours with the same strides, equal steps apart, as one run.
fn join(runs: &[Run]) -> Vec<Run> {
    let mut joined = Vec::new();
    let mut rest = runs;
    while let [first, others @ ..] = rest {
        let step_of = |last: &Run, next: &Run| {
            (next.strides == first.strides)
                .then(|| (next.source - last.source, next.target - last.target))
        };
        let step = others.first().and_then(|next| step_of(first, next));
        let pairs = rest.iter().zip(others);
        let continued =
            pairs.take_while(|(last, next)| step.is_some() && step_of(last, next) == step);
        let count = 1 + continued.count();
        let mut run = first.clone();
        if let Some((source, target)) = step.filter(|_| count > 1) {
            run.strides.push(Stride { count, source, target });
        }
        joined.push(run);
        rest = &rest[count..];
    }
    joined
}

/// Sizes of arrays are below 2^63.
pub(super) fn signed(value: usize) -> i64 {
    i64::try_from(value).expect("sizes of arrays are below 2^63")
}
