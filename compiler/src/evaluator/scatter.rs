//! `scatter`: updates one after the other, in row-major order of their indices.
//!
//! A window that is not wholly inside the operand is not applied, and nothing is clamped. The
//! computation gets the elements first, then the updates.

use super::error::EvaluationError;
use super::interpreter::{Interpreter, State};
use super::lifted::Lifted;
use super::reduction::promote;
use super::window::{Apply, gathered};
use crate::hlo::{
    ArrayLiteral, ArrayShape, ComputationId, Instruction, Literal, ScatterDimensionNumbers, Shape,
};

/// `scatter` of (arrays, indices, updates) with a computation.
pub(super) fn scatter(
    interpreter: &Interpreter<'_>,
    state: &mut State,
    instruction: &Instruction,
    (operands, numbers, to_apply): (&[ArrayLiteral], &ScatterDimensionNumbers, ComputationId),
) -> Result<Literal, EvaluationError> {
    let n = operands.len() / 2;
    let types = instruction.shape().leaves();
    let mut results = promote(&operands[..n], &types);
    let indices = &operands[n];
    let updates = promote(&operands[n + 1..], &types);
    let places = Places::new(operands[0].shape(), indices.shape(), updates[0].shape(), numbers);
    let computation = interpreter.module.computation(to_apply);
    let lifted = Lifted::new(computation, places.window.len());
    let apply = Apply { interpreter, instruction, to_apply };
    for (row, first) in places.rows.iter().enumerate() {
        let Some(start) = places.start(indices, row) else { continue };
        let targets = || places.window.iter().map(|(target, _)| start + target);
        let sources = || places.window.iter().map(|(_, source)| first + source);
        let mut arguments: Vec<ArrayLiteral> =
            results.iter().map(|result| gathered(result, targets())).collect();
        arguments.extend(updates.iter().map(|update| gathered(update, sources())));
        let lines = apply.on_lines(state, lifted.as_ref(), arguments)?;
        for (result, line) in results.iter_mut().zip(&lines) {
            targets().enumerate().for_each(|(n, target)| result.set_bits(target, line.bits(n)));
        }
    }
    let mut results: Vec<Literal> = results.into_iter().map(Literal::Array).collect();
    Ok(match instruction.shape() {
        Shape::Array(_) => results.swap_remove(0),
        Shape::Tuple(_) => Literal::Tuple(results),
    })
}

/// Where the windows' elements are.
struct Places<'a> {
    numbers: &'a ScatterDimensionNumbers,
    operand: &'a ArrayShape,
    indices: &'a ArrayShape,
    /// Where the updates of each index begin.
    rows: Vec<usize>,
    /// Of a window, each element's offset in the operand and in the updates.
    window: Vec<(usize, usize)>,
    /// The sizes of a window along the operand's dimensions.
    sizes: Vec<usize>,
}

impl<'a> Places<'a> {
    fn new(
        operand: &'a ArrayShape,
        indices: &'a ArrayShape,
        updates: &ArrayShape,
        numbers: &'a ScatterDimensionNumbers,
    ) -> Self {
        let (to, from) = (operand.strides(), updates.strides());
        let of_rows = (0..updates.rank()).filter(|d| !numbers.update_window_dims.contains(d));
        let mut rows = vec![0];
        for d in of_rows {
            let along = |row: &usize| {
                let row = *row;
                let step = from[d];
                (0..updates.dimensions()[d]).map(move |n| row + n * step)
            };
            rows = rows.iter().flat_map(along).collect();
        }
        let (mut window, mut sizes) = (vec![(0, 0)], vec![1; operand.rank()]);
        for (d, &u) in
            numbers.window_dims(operand.rank()).into_iter().zip(&numbers.update_window_dims)
        {
            sizes[d] = updates.dimensions()[u];
            let along = |place: &(usize, usize)| {
                let (target, source) = *place;
                let (to, from) = (to[d], from[u]);
                (0..updates.dimensions()[u]).map(move |n| (target + n * to, source + n * from))
            };
            window = window.iter().flat_map(along).collect();
        }
        Self { numbers, operand, indices, rows, window, sizes }
    }

    /// Where the window of an index begins in the operand, if it is wholly inside.
    fn start(&self, indices: &ArrayLiteral, row: usize) -> Option<usize> {
        let (vector, strides) = (self.numbers.index_vector_dim, self.indices.strides());
        let mut index = vec![0; self.indices.rank()];
        let mut rest = row;
        for d in (0..index.len()).rev().filter(|d| *d != vector) {
            index[d] = rest % self.indices.dimensions()[d];
            rest /= self.indices.dimensions()[d];
        }
        let at: usize = index.iter().zip(&strides).map(|(n, stride)| n * stride).sum();
        let mut starts = vec![0; self.operand.rank()];
        for (component, &d) in self.numbers.scatter_dims_to_operand_dims.iter().enumerate() {
            let step = strides.get(vector).copied().unwrap_or(0);
            // An unsigned value above the largest signed one is outside of everything.
            starts[d] = usize::try_from(indices.get_i64(at + component * step)?).ok()?;
        }
        let batching = self.numbers.input_batching_dims.iter();
        for (&d, &of_indices) in batching.zip(&self.numbers.scatter_indices_batching_dims) {
            starts[d] = index[of_indices];
        }
        let mut place = 0;
        for (d, stride) in self.operand.strides().into_iter().enumerate() {
            let end = starts[d].checked_add(self.sizes[d])?;
            if end > self.operand.dimensions()[d] {
                return None;
            }
            place += starts[d] * stride;
        }
        Some(place)
    }
}
