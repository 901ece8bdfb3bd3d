//! Instructions that move data: the transfer kernel, where whole granules move.
//!
//! Lanes stay lanes and move by whole columns; rows move one by one if their elements have 32 bits,
//! and else as many at once as share a granule; major dimensions move freely. What padding there is
//! behind the rows of the result gets some value of the operand: kernels read whole tiles.

mod axis;
mod dynamic;
mod pad;
mod reshape;

use axis::{Axis, Place, Source, places, signed};
use palmetto_isa::memory::{LANES, SUBLANES};
use palmetto_kernels::{
    element::Element,
    transfer::{From, NarrowRow, Phase, Piece, Stride, Transfer},
};

use super::{Choice, Kernel, Refusal, Region};
use crate::hlo::{InstructionId, Op, SliceDimension};

/// Bytes of the largest result: what is in flight has to be countable.
const MAX_BYTES: usize = 1 << 30;

/// Pieces of the largest kernel.
const MAX_PIECES: usize = 256;

/// The transfer kernel of a region of one instruction, which moves data.
pub(super) fn choose(region: &Region<'_>) -> Result<Choice, Refusal> {
    let root = region.roots()[0];
    let instruction = region.instruction(root);
    let result = instruction.array_shape().dimensions().to_vec();
    if result.contains(&0) || instruction.array_shape().byte_size() > MAX_BYTES {
        return region.refuse(root, "an array without elements or of more than 1 GiB");
    }
    let element = region.element(root)?;
    let mover = Mover { region, root, element, places: places(&result, element), result };
    let Movement { is_update, mut phases, row } = mover.movement()?;
    let n_pieces: usize = phases.iter().map(|phase| phase.pieces.len()).sum();
    if n_pieces > MAX_PIECES {
        return region.refuse(root, "a movement of too many pieces");
    }
    // What is updated has its tail.
    if !is_update && let Some(tail) = mover.tail() {
        phases.push(Phase { condition: None, pieces: vec![tail] });
    }
    let inputs = instruction.operands().to_vec();
    let name = region.name().to_owned();
    let spec = Transfer { name, element, n_inputs: inputs.len(), is_update, phases, row };
    Ok(Choice { kernel: Kernel::Transfer(spec), inputs })
}

/// What is moved.
struct Movement {
    /// Whether operand 0 is written over.
    is_update: bool,
    phases: Vec<Phase>,
    /// A row of narrow elements.
    row: Option<NarrowRow>,
}

impl Movement {
    fn of(pieces: Vec<Piece>) -> Self {
        Self { is_update: false, phases: vec![Phase { condition: None, pieces }], row: None }
    }
}

/// An instruction that moves data.
struct Mover<'r> {
    region: &'r Region<'r>,
    root: InstructionId,
    element: Element,
    /// Dimensions of the result.
    result: Vec<usize>,
    /// How they lie.
    places: Vec<Place>,
}

impl Mover<'_> {
    fn operand(&self, n: usize) -> InstructionId {
        self.region.instruction(self.root).operands()[n]
    }

    /// Dimensions of operand `n`.
    fn sizes(&self, n: usize) -> &[usize] {
        self.region.instruction(self.operand(n)).array_shape().dimensions()
    }

    fn refuse<T>(&self, what: &'static str) -> Result<T, Refusal> {
        self.region.refuse(self.root, what)
    }

    fn movement(&self) -> Result<Movement, Refusal> {
        let instruction = self.region.instruction(self.root);
        let axes = match instruction.op() {
            Op::Transpose { dimensions } => {
                let from = places(self.sizes(0), self.element);
                let axis = |(d, of)| Axis::whole(from[of], self.places[d], self.result[d]);
                dimensions.iter().copied().enumerate().map(axis).collect()
            }
            Op::Broadcast { dimensions } => self.broadcast(dimensions)?,
            Op::Slice { slice } => self.slice(slice),
            Op::Reverse { dimensions } => self.reverse(dimensions),
            Op::Copy => self.whole(0),
            Op::Concatenate { dimension } => return self.concatenation(*dimension),
            Op::DynamicSlice { .. } => return self.dynamic_slice(),
            Op::DynamicUpdateSlice => return self.dynamic_update_slice(),
            Op::Pad { padding } => return self.pad(padding),
            Op::Reshape => return self.reshape(),
            op => {
                let element_type = instruction.array_shape().element_type();
                return Err(Refusal::Op(op.opcode(), element_type));
            }
        };
        Ok(Movement::of(self.pieces(From::Argument(0), &axes)?))
    }

    /// Every dimension of operand `n` as the dimension of the result with the same number.
    fn whole(&self, n: usize) -> Vec<Axis> {
        let sizes = self.sizes(n);
        let from = places(sizes, self.element);
        (0..sizes.len()).map(|d| Axis::whole(from[d], self.places[d], sizes[d])).collect()
    }

    fn broadcast(&self, dimensions: &[usize]) -> Result<Vec<Axis>, Refusal> {
        if dimensions.is_empty() {
            return self.refuse("a scalar that is repeated");
        }
        let from = places(self.sizes(0), self.element);
        let axis = |d: usize| {
            let whole = Axis::whole(self.places[d], self.places[d], self.result[d]);
            match dimensions.iter().position(|other| *other == d) {
                Some(of) => Axis::whole(from[of], self.places[d], self.result[d]),
                None => Axis { source: Source::Repeated, ..whole },
            }
        };
        Ok((0..self.result.len()).map(axis).collect())
    }

    fn slice(&self, slice: &[SliceDimension]) -> Vec<Axis> {
        let mut axes = self.whole(0);
        for (d, axis) in axes.iter_mut().enumerate() {
            let SliceDimension { start, stride, .. } = slice[d];
            axis.count = self.result[d];
            axis.end = Some(self.result[d]);
            // The step of a dimension without neighbours may be absurdly large.
            let step = if axis.count > 1 { signed(stride) } else { 1 };
            axis.source = moved(axis.source, start, step);
        }
        axes
    }

    fn reverse(&self, dimensions: &[usize]) -> Vec<Axis> {
        let mut axes = self.whole(0);
        for d in dimensions {
            axes[*d].source = moved(axes[*d].source, self.result[*d] - 1, -1);
        }
        axes
    }

    fn concatenation(&self, dimension: usize) -> Result<Movement, Refusal> {
        let mut pieces = Vec::new();
        let mut first = 0;
        for n in 0..self.region.instruction(self.root).operands().len() {
            let mut axes = self.whole(n);
            let axis = &mut axes[dimension];
            (axis.first, axis.end) = (first, Some(self.result[dimension]));
            first += axis.count;
            if axis.count > 0 {
                pieces.extend(self.pieces(From::Argument(n), &axes)?);
            }
        }
        Ok(Movement::of(pieces))
    }

    /// The pieces of a movement of which `axes` are the dimensions.
    fn pieces(&self, from: From, axes: &[Axis]) -> Result<Vec<Piece>, Refusal> {
        let mut pieces = vec![Piece::of(from)];
        for axis in axes {
            let runs = axis.runs().or_else(|what| self.refuse(what))?;
            let with = |piece: &Piece| {
                let piece = piece.clone();
                runs.iter().map(move |run| {
                    let mut piece = piece.clone();
                    piece.source += run.source;
                    piece.target += run.target;
                    piece.strides.extend(&run.strides);
                    piece
                })
            };
            pieces = pieces.iter().flat_map(with).collect();
        }
        Ok(pieces)
    }

    /// Fills the granules after the last tile row, up to a packed register: they are read with it.
    fn tail(&self) -> Option<Piece> {
        let [majors @ .., rows, lanes] = self.result.as_slice() else { return None };
        let tile_rows = majors.iter().product::<usize>() * rows.div_ceil(SUBLANES);
        let row = lanes.div_ceil(LANES) * self.element.tile_granules();
        let missing = tile_rows.next_multiple_of(self.element.packing()) - tile_rows;
        // Any defined granule will do: the first one of an operand of this type that has elements.
        let operands = self.region.instruction(self.root).operands();
        let has_elements = |id: &InstructionId| {
            let shape = self.region.instruction(*id).array_shape();
            shape.element_count() > 0 && self.region.element(*id) == Ok(self.element)
        };
        let argument = operands.iter().position(has_elements)?;
        let strides = vec![Stride { count: missing * row, source: 0, target: 1 }];
        let target = signed(tile_rows * row);
        (missing > 0).then(|| Piece { target, strides, ..Piece::of(From::Argument(argument)) })
    }
}

/// The same source with other indices.
fn moved(source: Source, first: usize, step: i64) -> Source {
    match source {
        Source::Indices { place, has_padding, .. } => {
            Source::Indices { place, first, step, has_padding }
        }
        Source::Repeated | Source::Splat => source,
    }
}
