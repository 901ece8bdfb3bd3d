//! Movements whose place is known at run time.
//!
//! A start along a major dimension moves pieces by whole matrices. A start along rows is a tile row
//! and a row in it: the tile row moves pieces, and for each of the eight rows there is a phase, of
//! which the one that applies is done. A single row needs none of that; and if its elements are
//! narrow, a single row is all that can be moved.

use palmetto_isa::memory::{LANES, SUBLANES};
use palmetto_kernels::{
    element::Class,
    transfer::{From, NarrowRow, Phase, Piece, RowAction, ScalarIndex, Start, StartUnit, Stride},
};

use super::{
    Movement, Mover, Refusal,
    axis::{Axis, Form, Place, Source},
    moved, signed,
};

/// Where a block of an array is.
struct Block {
    starts: Vec<Start>,
    /// The start along rows that chooses between phases, and the dimension.
    rows: Option<(ScalarIndex, usize)>,
    /// The start along narrow rows, and the granules of a tile row.
    narrow: Option<(ScalarIndex, usize)>,
}

impl Mover<'_> {
    pub(super) fn dynamic_slice(&self) -> Result<Movement, Refusal> {
        let whole = self.sizes(0).to_vec();
        let from = super::places(&whole, self.element);
        let block = self.block(&from, (&whole, &self.result), 1)?;
        if block.narrow.is_some() {
            let row = self.row(&block, RowAction::Take, (&from, &self.places, &self.result))?;
            return Ok(Movement { is_update: false, phases: Vec::new(), row });
        }
        let axes: Vec<Axis> = (0..whole.len())
            .map(|d| {
                let has_padding = whole[d] == self.result[d];
                let source = Source::Indices { place: from[d], first: 0, step: 1, has_padding };
                Axis { source, ..Axis::whole(from[d], self.places[d], self.result[d]) }
            })
            .collect();
        let phases = phases(&block, |row| {
            let mut axes = axes.clone();
            if let Some((d, row)) = row {
                axes[d].source = moved(axes[d].source, row, 1);
            }
            let mut pieces = self.pieces(From::Argument(0), &axes)?;
            pieces.iter_mut().for_each(|piece| piece.source_starts.clone_from(&block.starts));
            Ok(pieces)
        })?;
        Ok(Movement { is_update: false, phases, row: None })
    }

    pub(super) fn dynamic_update_slice(&self) -> Result<Movement, Refusal> {
        let update = self.sizes(1).to_vec();
        if update.contains(&0) {
            return Ok(Movement::of(self.pieces(From::Argument(0), &self.whole(0))?));
        }
        let block = self.block(&self.places, (&self.result, &update), 2)?;
        if block.narrow.is_some() {
            let from = super::places(&update, self.element);
            let row = self.row(&block, RowAction::Replace, (&from, &self.places, &update))?;
            return Ok(Movement { is_update: true, phases: Vec::new(), row });
        }
        let mut axes = self.whole(1);
        for (d, axis) in axes.iter_mut().enumerate() {
            axis.end = (self.result[d] == update[d]).then_some(update[d]);
        }
        let phases = phases(&block, |row| {
            let mut axes = axes.clone();
            if let Some((d, row)) = row {
                axes[d].first = row;
            }
            let mut pieces = self.pieces(From::Argument(1), &axes)?;
            pieces.iter_mut().for_each(|piece| piece.target_starts.clone_from(&block.starts));
            Ok(pieces)
        })?;
        Ok(Movement { is_update: true, phases, row: None })
    }

    /// The movement of a block of one narrow row per matrix, if it is one.
    fn row(
        &self,
        block: &Block,
        action: RowAction,
        (from, to, sizes): (&[Place], &[Place], &[usize]),
    ) -> Result<Option<NarrowRow>, Refusal> {
        let Some((row, tile_row)) = block.narrow else { return Ok(None) };
        let stride = |place: Place| match place.form {
            Form::Linear(stride) | Form::Tiled(stride) => signed(stride),
        };
        let strides: Vec<Stride> = (0..sizes.len())
            .filter(|d| d + 2 != sizes.len())
            .map(|d| {
                let count = if d + 1 == sizes.len() { sizes[d].div_ceil(LANES) } else { sizes[d] };
                Stride { count, source: stride(from[d]), target: stride(to[d]) }
            })
            .collect();
        let granules: usize = strides.iter().map(|stride| stride.count).product();
        if granules > NarrowRow::MAX_GRANULES {
            return self.refuse("a dynamic start of long rows within tiles");
        }
        let argument = match action {
            RowAction::Replace => 1,
            RowAction::Take => 0,
        };
        let starts = block.starts.clone();
        Ok(Some(NarrowRow { action, argument, row, tile_row, starts, strides }))
    }

    /// Where a block is in an array of size `whole`, whose dimensions lie in `places`: by the
    /// scalar operands from `first` on.
    fn block(
        &self,
        places: &[Place],
        (whole, block): (&[usize], &[usize]),
        first: usize,
    ) -> Result<Block, Refusal> {
        let mut found = Block { starts: Vec::new(), rows: None, narrow: None };
        for d in (0..whole.len()).filter(|d| whole[*d] != block[*d]) {
            let (argument, max) = (first + d, whole[d] - block[d]);
            let element = self.region.element(self.operand(argument))?;
            if element.class() == Class::Float {
                return self.refuse("a dynamic start that is not an integer");
            }
            let index = ScalarIndex { argument, element, max };
            let unit = match places[d] {
                Place { unit: 1, form: Form::Linear(granules), .. } => {
                    StartUnit::Granules(granules)
                }
                Place { unit: 1, form: Form::Tiled(granules), .. } if block[d] == 1 => {
                    StartUnit::Rows(granules)
                }
                Place { unit: 1, form: Form::Tiled(granules), .. } => {
                    found.rows = Some((index, d));
                    StartUnit::TileRows(granules)
                }
                Place { form: Form::Tiled(granules), .. } if block[d] == 1 => {
                    found.narrow = Some((index, granules));
                    continue;
                }
                Place { .. } => return self.refuse("a dynamic start within tiles"),
            };
            found.starts.push(Start { index, unit });
        }
        Ok(found)
    }
}

/// A phase, or one for each row of a tile that the block may start at; `pieces` gets the dimension
/// and the row.
fn phases(
    block: &Block,
    pieces: impl Fn(Option<(usize, usize)>) -> Result<Vec<Piece>, Refusal>,
) -> Result<Vec<Phase>, Refusal> {
    let Some((index, d)) = block.rows else {
        return Ok(vec![Phase { condition: None, pieces: pieces(None)? }]);
    };
    let rows = 0..SUBLANES.min(index.max + 1);
    rows.map(|row| {
        let pieces = pieces(Some((d, row)))?;
        Ok(Phase { condition: Some((index, row)), pieces })
    })
    .collect()
}
