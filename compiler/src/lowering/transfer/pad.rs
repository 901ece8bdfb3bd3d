//! Padding: the operand where it goes, and the value everywhere else.
//!
//! What is not the operand is cut into boxes: before, after and between its indices along one
//! dimension, only among them along the dimensions before, everything along those after.

use palmetto_isa::memory::LANES;
use palmetto_kernels::transfer::{From, Piece};

use super::{
    Movement, Mover, Refusal,
    axis::{Axis, Source, places},
    moved,
};
use crate::hlo::PaddingDimension;

/// Gaps between neighbours that are filled one by one.
const MAX_INTERIOR: usize = 16;

/// Equally spaced indices of a dimension of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Spaced {
    first: usize,
    step: usize,
    count: usize,
}

/// What padding does along a dimension.
struct Padded {
    /// The first index of the operand that is kept.
    from: usize,
    /// Where those that are kept go.
    kept: Spaced,
    /// Where the value goes.
    filled: Vec<Spaced>,
}

impl Mover<'_> {
    pub(super) fn pad(&self, padding: &[PaddingDimension]) -> Result<Movement, Refusal> {
        let sizes = self.sizes(0).to_vec();
        let mut dimensions = Vec::new();
        for (d, padding) in padding.iter().enumerate() {
            dimensions.push(self.padded(*padding, (sizes[d], self.result[d]))?);
        }
        let lanes = sizes.len() - 1;
        let (kept, filled) = (dimensions[lanes].kept, &dimensions[lanes].filled);
        let is_cut = !(kept.first + kept.count).is_multiple_of(LANES);
        if is_cut && filled.iter().any(|spaced| spaced.first > kept.first) {
            return self.refuse("padding behind a part of a column");
        }
        let mut pieces = Vec::new();
        if dimensions.iter().all(|padded| padded.kept.count > 0) {
            pieces.extend(self.kept(&sizes, &dimensions)?);
        }
        for (d, padded) in dimensions.iter().enumerate() {
            for filled in &padded.filled {
                let of = |other: usize| match other.cmp(&d) {
                    std::cmp::Ordering::Less => dimensions[other].kept,
                    std::cmp::Ordering::Equal => *filled,
                    std::cmp::Ordering::Greater => {
                        Spaced { first: 0, step: 1, count: self.result[other] }
                    }
                };
                pieces.extend(self.filled(&of)?);
            }
        }
        Ok(Movement::of(pieces))
    }

    fn kept(&self, sizes: &[usize], dimensions: &[Padded]) -> Result<Vec<Piece>, Refusal> {
        let from = places(sizes, self.element);
        let axes: Vec<Axis> = (dimensions.iter().enumerate())
            .map(|(d, Padded { from: first, kept, .. })| {
                let axis = Axis::whole(from[d], self.places[d], kept.count);
                let source = moved(axis.source, *first, 1);
                let end = Some(self.result[d]);
                Axis { source, first: kept.first, step: kept.step.max(1), end, ..axis }
            })
            .collect();
        self.pieces(From::Argument(0), &axes)
    }

    fn filled(&self, of: &dyn Fn(usize) -> Spaced) -> Result<Vec<Piece>, Refusal> {
        let axes: Vec<Axis> = (0..self.result.len())
            .map(|d| {
                let Spaced { first, step, count } = of(d);
                let end = Some(self.result[d]);
                Axis { source: Source::Splat, place: self.places[d], first, step, count, end }
            })
            .collect();
        if axes.iter().any(|axis| axis.count == 0) {
            return Ok(Vec::new());
        }
        self.pieces(From::Splat(1), &axes)
    }

    fn padded(
        &self,
        padding: PaddingDimension,
        (size, result): (usize, usize),
    ) -> Result<Padded, Refusal> {
        // In 128 bits, where no sum of sizes and paddings can overflow.
        let (low, step) = (i128::from(padding.low), padding.interior as i128 + 1);
        let skipped = (-low).max(0);
        let from = skipped / step + i128::from(skipped % step != 0);
        let place = low + from * step;
        let room = (result as i128 - place).max(0);
        let fitting = room / step + i128::from(room % step != 0);
        let count = fitting.min(size as i128 - from).max(0);
        let index = |value: i128| usize::try_from(value).expect("it is a position in an array");
        if count == 0 {
            let kept = Spaced { first: 0, step: 1, count: 0 };
            let filled = vec![Spaced { first: 0, step: 1, count: result }];
            return Ok(Padded { from: 0, kept, filled });
        }
        let step = if count > 1 { index(step) } else { 1 };
        let kept = Spaced { first: index(place), step, count: index(count) };
        let end = kept.first + (kept.count - 1) * step + 1;
        let mut filled = vec![
            Spaced { first: 0, step: 1, count: kept.first },
            Spaced { first: end, step: 1, count: result - end },
        ];
        if step > MAX_INTERIOR {
            return self.refuse("padding of more than 15 elements between neighbours");
        }
        filled.extend((1..step).map(|n| Spaced {
            first: kept.first + n,
            step,
            count: kept.count - 1,
        }));
        filled.retain(|spaced| spaced.count > 0);
        Ok(Padded { from: index(from), kept, filled })
    }
}
