//! Reshapes that keep whole granules: matrices are joined or cut along their rows, or lines of 128
//! lanes become the columns of rows.

use palmetto_isa::memory::{LANES, SUBLANES};
use palmetto_kernels::transfer::{From, Piece, Stride};

use super::{
    Movement, Mover, Refusal,
    axis::{Axis, Form, Place, Source, places, signed},
    moved,
};

/// An array as matrices, rows and lanes; lines of rank 1 are rows of 128 lanes.
#[derive(Clone, Debug)]
struct Matrices {
    /// How many.
    count: usize,
    rows: usize,
    lanes: usize,
    /// How the three lie.
    places: [Place; 3],
}

impl Mover<'_> {
    pub(super) fn reshape(&self) -> Result<Movement, Refusal> {
        let (from, to) = (self.matrices(self.sizes(0)), self.matrices(&self.result));
        if from.lanes == to.lanes && to.rows.is_multiple_of(from.rows) {
            return Ok(Movement::of(self.joined(&from, &to)?));
        }
        if from.lanes == to.lanes && from.rows.is_multiple_of(to.rows) {
            return Ok(Movement::of(self.cut(&from, &to)?));
        }
        let is_whole = |matrices: &Matrices| {
            matrices.lanes.is_multiple_of(LANES) || matrices.count * matrices.rows == 1
        };
        let axes = if self.sizes(0).len() == 1 && is_whole(&to) {
            axes(&lines(&to), &to.places, &to)
        } else if self.result.len() == 1 && is_whole(&from) {
            axes(&from.places, &lines(&from), &from)
        } else {
            return self.refuse("lanes that are split or joined");
        };
        let mut pieces = self.pieces(From::Argument(0), &axes)?;
        if self.result.len() == 1 {
            pieces.extend(self.line_padding());
        }
        Ok(Movement::of(pieces))
    }

    /// Lines of 128 lanes are rows; a line of another length is a row of its own.
    fn matrices(&self, sizes: &[usize]) -> Matrices {
        let (majors, rows, lanes) = match sizes {
            [] => (&[][..], 1, 1),
            [n] if n.is_multiple_of(LANES) => (&[][..], n / LANES, LANES),
            [n] => (&[][..], 1, *n),
            [majors @ .., rows, lanes] => (majors, *rows, *lanes),
        };
        let count = majors.iter().product();
        let places = places(&[count, rows, lanes], self.element);
        let matrices = Matrices { count, rows, lanes, places: [places[0], places[1], places[2]] };
        if sizes.len() == 1 && lanes != LANES {
            return Matrices { places: lines(&matrices), ..matrices };
        }
        matrices
    }

    /// Several matrices become one each.
    fn joined(&self, from: &Matrices, to: &Matrices) -> Result<Vec<Piece>, Refusal> {
        let joined = to.rows / from.rows;
        let majors = Axis::whole(Place::linear(joined * stride(from)), to.places[0], to.count);
        let mut pieces = Vec::new();
        for n in 0..joined.min(SUBLANES) {
            // Eight matrices further is whole tiles further.
            let count = (joined - n).div_ceil(SUBLANES);
            let eighth = Stride {
                count,
                source: signed(SUBLANES * stride(from)),
                target: signed(from.rows * tile_row(to)),
            };
            let rows = Axis::whole(from.places[1], to.places[1], from.rows);
            let rows = Axis { first: n * from.rows, end: None, ..rows };
            let lanes = Axis::whole(from.places[2], to.places[2], to.lanes);
            for mut piece in self.pieces(From::Argument(0), &[majors, rows, lanes])? {
                piece.source += signed(n * stride(from));
                piece.strides.push(eighth);
                pieces.push(piece);
            }
        }
        if self.result.len() == 1 {
            pieces.extend(self.line_padding());
            return Ok(pieces);
        }
        // The padding behind the last matrix gets its last row.
        let last = Axis::whole(from.places[1], to.places[1], 1);
        let source = moved(last.source, from.rows - 1, 1);
        let padding = to.places[1].padded - to.rows;
        for n in 0..padding {
            let place = Place { padded: 0, ..to.places[1] };
            let row = Axis { source, place, first: to.rows + n, end: None, ..last };
            let lanes = Axis::whole(from.places[2], to.places[2], to.lanes);
            for mut piece in self.pieces(From::Argument(0), &[majors, row, lanes])? {
                piece.source += signed((joined - 1) * stride(from));
                pieces.push(piece);
            }
        }
        Ok(pieces)
    }

    /// One matrix becomes several.
    fn cut(&self, from: &Matrices, to: &Matrices) -> Result<Vec<Piece>, Refusal> {
        let parts = from.rows / to.rows;
        let majors = Axis::whole(from.places[0], Place::linear(parts * stride(to)), from.count);
        let mut pieces = Vec::new();
        for n in 0..parts.min(SUBLANES) {
            let count = (parts - n).div_ceil(SUBLANES);
            let eighth = Stride {
                count,
                source: signed(to.rows * tile_row(from)),
                target: signed(SUBLANES * stride(to)),
            };
            let place = from.places[1];
            let source = Source::Indices { place, first: n * to.rows, step: 1, has_padding: false };
            let rows = Axis { source, ..Axis::whole(place, to.places[1], to.rows) };
            let lanes = Axis::whole(from.places[2], to.places[2], to.lanes);
            for mut piece in self.pieces(From::Argument(0), &[majors, rows, lanes])? {
                piece.target += signed(n * stride(to));
                piece.strides.push(eighth);
                pieces.push(piece);
            }
        }
        Ok(pieces)
    }

    /// The granules behind the last line of a result of rank 1, filled with the operand's first.
    fn line_padding(&self) -> Option<Piece> {
        let place = self.places[0];
        let (used, all) = (self.result[0].div_ceil(place.unit), place.padded / place.unit);
        let strides = vec![Stride { count: all - used, source: 0, target: 1 }];
        let target = signed(used);
        (used < all).then(|| Piece { target, strides, ..Piece::of(From::Argument(0)) })
    }
}

/// The dimensions of a movement between two places of the same matrices.
fn axes(from: &[Place; 3], to: &[Place; 3], matrices: &Matrices) -> Vec<Axis> {
    let sizes = [matrices.count, matrices.rows, matrices.lanes];
    (0..3).map(|d| Axis::whole(from[d], to[d], sizes[d])).collect()
}

/// Granules from one matrix to the next.
fn stride(matrices: &Matrices) -> usize {
    match matrices.places[0].form {
        Form::Linear(stride) | Form::Tiled(stride) => stride,
    }
}

/// Granules from one tile row to the next.
fn tile_row(matrices: &Matrices) -> usize {
    match matrices.places[1].form {
        Form::Linear(stride) | Form::Tiled(stride) => stride,
    }
}

/// How matrices, rows and lanes lie if they are lines of 128 lanes.
fn lines(matrices: &Matrices) -> [Place; 3] {
    let columns = matrices.lanes.div_ceil(LANES);
    let lanes = Place { unit: LANES, form: Form::Linear(1), padded: columns * LANES };
    let rows = Place { padded: matrices.rows, ..Place::linear(columns) };
    let majors = Place { padded: matrices.count, ..Place::linear(matrices.rows * columns) };
    [majors, rows, lanes]
}
