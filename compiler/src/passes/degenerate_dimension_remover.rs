//! Dimensions of size 1 go away, but for entry parameters, results, and what needs them.
//!
//! On the device such a dimension is padded to a whole tile if it is one of the last two, and an
//! array of `[512, 1]` has nothing in common with one of `[512]`. Every value is computed without
//! its dimensions of size 1 where the op allows it; a reshape stands where one with them is needed.

use std::collections::BTreeMap;

use super::{Changed, PassContext, PassError};
use crate::{
    analysis::sequential_computations,
    hlo::{
        ArrayShape, ComputationBuilder, ComputationId, Extras, InstructionId, Module, Op, rewrite,
    },
};

/// See the module.
///
/// # Errors
/// None; the signature is that of all passes.
pub fn degenerate_dimension_remover(
    module: &mut Module,
    _: &PassContext,
) -> Result<Changed, PassError> {
    let mut changed = Changed::No;
    for computation in sequential_computations(module) {
        let mut remover = Remover { module, computation, values: BTreeMap::new(), changed };
        let root = remover.module.computation(computation).root();
        for id in remover.module.computation(computation).post_order() {
            remover.instruction(id);
        }
        let new_root = remover.full(root);
        changed = remover.changed;
        if new_root != root {
            rewrite::replace_all_uses(module, computation, root, new_root);
        }
        rewrite::remove_dead(module, computation);
    }
    Ok(changed)
}

/// The forms in which a value exists.
#[derive(Clone, Copy, Default)]
struct Forms {
    /// With all its dimensions.
    full: Option<InstructionId>,
    /// Without those of size 1.
    squeezed: Option<InstructionId>,
}

struct Remover<'m> {
    module: &'m mut Module,
    computation: ComputationId,
    values: BTreeMap<InstructionId, Forms>,
    changed: Changed,
}

fn has_ones(shape: &ArrayShape) -> bool {
    shape.dimensions().contains(&1)
}

/// The shape without its dimensions of size 1.
fn squeezed_shape(shape: &ArrayShape) -> ArrayShape {
    let kept = shape.dimensions().iter().copied().filter(|size| *size != 1).collect();
    ArrayShape::new(shape.element_type(), kept).expect("not larger than before")
}

/// Per dimension, its index among those that are kept.
fn new_places(shape: &ArrayShape) -> Vec<Option<usize>> {
    let mut next = 0;
    let place = |size: &usize| {
        (*size != 1).then(|| {
            next += 1;
            next - 1
        })
    };
    shape.dimensions().iter().map(place).collect()
}

/// The entries of a per-dimension list that are kept.
fn kept<T: Copy>(list: &[T], shape: &ArrayShape) -> Vec<T> {
    let with_size = list.iter().zip(shape.dimensions());
    with_size.filter(|(_, size)| **size != 1).map(|(entry, _)| *entry).collect()
}

impl Remover<'_> {
    fn array(&self, id: InstructionId) -> Option<&ArrayShape> {
        self.module.instruction(self.computation, id).shape().as_array()
    }

    fn shape(&self, id: InstructionId) -> ArrayShape {
        self.module.instruction(self.computation, id).array_shape().clone()
    }

    fn instruction(&mut self, id: InstructionId) {
        let operands = self.module.instruction(self.computation, id).operands().to_vec();
        let concerns = std::iter::once(&id).chain(&operands);
        let any_ones = concerns.into_iter().any(|id| self.array(*id).is_some_and(has_ones));
        let squeezed = if any_ones { self.squeeze(id, &operands) } else { None };
        if squeezed.is_some() {
            self.changed = Changed::Yes;
            self.values.insert(id, Forms { full: None, squeezed });
            return;
        }
        for (n, operand) in operands.iter().enumerate() {
            let full = self.full(*operand);
            rewrite::set_operand(self.module, self.computation, id, n, full);
        }
        let squeezed = if self.array(id).is_some_and(has_ones) { None } else { Some(id) };
        self.values.insert(id, Forms { full: Some(id), squeezed });
    }

    /// The value with all dimensions.
    fn full(&mut self, id: InstructionId) -> InstructionId {
        let forms = self.values[&id];
        if let Some(full) = forms.full {
            return full;
        }
        let squeezed = forms.squeezed.expect("a value has a form");
        let shape = self.shape(id).without_layout();
        let full =
            if has_ones(&shape) { self.add(id, Op::Reshape, &[squeezed], shape) } else { squeezed };
        self.values.insert(id, Forms { full: Some(full), ..forms });
        full
    }

    /// The value without dimensions of size 1.
    fn squeezed(&mut self, id: InstructionId) -> InstructionId {
        let forms = self.values[&id];
        if let Some(squeezed) = forms.squeezed {
            return squeezed;
        }
        let full = forms.full.expect("a value has a form");
        let shape = squeezed_shape(&self.shape(id));
        let squeezed = self.add(id, Op::Reshape, &[full], shape);
        self.values.insert(id, Forms { squeezed: Some(squeezed), ..forms });
        squeezed
    }

    fn add(
        &mut self,
        like: InstructionId,
        op: Op,
        operands: &[InstructionId],
        shape: ArrayShape,
    ) -> InstructionId {
        let metadata = self.module.instruction(self.computation, like).metadata().clone();
        let extras =
            Extras { shape: Some(shape.into()), metadata: Some(metadata), ..Extras::default() };
        let mut builder = ComputationBuilder::new(self.module, self.computation);
        builder.add_with(op, operands, extras).expect("the same op with fewer dimensions is legal")
    }

    /// The instruction over operands without dimensions of size 1, if the op has such a form.
    fn squeeze(&mut self, id: InstructionId, operands: &[InstructionId]) -> Option<InstructionId> {
        let op = self.module.instruction(self.computation, id).op().clone();
        let shape = self.array(id)?.clone();
        let result = squeezed_shape(&shape);
        let op = match op {
            Op::Reshape => {
                let operand = self.squeezed(operands[0]);
                if self.shape(operand).dimensions() == result.dimensions() {
                    return Some(operand);
                }
                Op::Reshape
            }
            Op::Broadcast { dimensions } => {
                let places = new_places(&shape);
                let of = kept(&dimensions, &self.shape(operands[0]));
                // A dimension of the operand that is kept is as large in the result.
                let dimensions: Vec<usize> = of.iter().filter_map(|d| places[*d]).collect();
                let operand = self.squeezed(operands[0]);
                if self.shape(operand).dimensions() == result.dimensions() {
                    return Some(operand);
                }
                Op::Broadcast { dimensions }
            }
            Op::Transpose { dimensions } => {
                let places = new_places(&self.shape(operands[0]));
                let dimensions: Vec<usize> = dimensions.iter().filter_map(|d| places[*d]).collect();
                if dimensions.is_sorted() {
                    return Some(self.squeezed(operands[0]));
                }
                Op::Transpose { dimensions }
            }
            Op::Reduce { dimensions, to_apply } if operands.len() == 2 => {
                let places = new_places(&self.shape(operands[0]));
                let dimensions: Vec<usize> = dimensions.iter().filter_map(|d| places[*d]).collect();
                if dimensions.is_empty() {
                    return None;
                }
                Op::Reduce { dimensions, to_apply }
            }
            Op::Iota { iota_dimension } => {
                let iota_dimension = new_places(&shape)[iota_dimension]?;
                Op::Iota { iota_dimension }
            }
            Op::Concatenate { dimension } => {
                // The pieces keep a dimension along which they are joined, whatever their size.
                let is_one = |id: &InstructionId| self.shape(*id).dimensions()[dimension] == 1;
                if operands.iter().any(is_one) {
                    return None;
                }
                Op::Concatenate { dimension: new_places(&shape)[dimension]? }
            }
            Op::Slice { slice } => {
                let operand = self.shape(operands[0]);
                let became_one =
                    |d: usize| shape.dimensions()[d] == 1 && operand.dimensions()[d] != 1;
                if (0..shape.rank()).any(became_one) {
                    return None;
                }
                Op::Slice { slice: kept(&slice, &operand) }
            }
            op @ (Op::Select | Op::Clamp) => op,
            op if op.opcode().is_elementwise() => op,
            _ => return None,
        };
        let operands: Vec<InstructionId> = operands.iter().map(|o| self.squeezed(*o)).collect();
        Some(self.add(id, op, &operands, result))
    }
}
