//! Sort decomposition: sorts go along the last two dimensions.
//!
//! The kernel sorts rows or lanes of matrices. A dimension before them changes places with the
//! rows, before and after. Dimensions of one element are left out first: an array of one dimension
//! fills registers, where a matrix of one row would have an eighth of them.

use super::{
    Changed, PassContext, PassError,
    shaping::{reshaped, transposed},
    site::{Rewritten, Site, rewrite_computation},
};
use crate::{
    analysis::sequential_computations,
    hlo::{ArrayShape, ComputationBuilder, ElementType, InferError, InstructionId, Module, Op},
};

/// See the module.
///
/// # Errors
/// None but for a bug: arrays stay as large as they were.
pub fn sort_decomposition(module: &mut Module, _: &PassContext) -> Result<Changed, PassError> {
    let mut changed = Changed::No;
    for computation in sequential_computations(module) {
        changed |= rewrite_computation(module, computation, &mut decompose)?;
    }
    Ok(changed)
}

fn decompose(site: &mut Site<'_>) -> Rewritten {
    let Op::Sort { dimension, is_stable, to_apply } = *site.instruction().op() else {
        return Ok(None);
    };
    let operands = site.instruction().operands().to_vec();
    let sizes = site.dimensions(operands[0]).to_vec();
    let kept: Vec<usize> = (0..sizes.len()).filter(|d| *d == dimension || sizes[*d] != 1).collect();
    let kept_sizes: Vec<usize> = kept.iter().map(|d| sizes[*d]).collect();
    let rank = kept.len();
    let from = kept.iter().position(|d| *d == dimension).expect("it is kept");
    let to = if from + 2 < rank { rank - 2 } else { from };
    if rank == sizes.len() && from == to {
        return Ok(None);
    }
    let mut order: Vec<usize> = (0..rank).collect();
    order.swap(from, to);
    let is_array = site.instruction().shape().as_array().is_some();
    let mut builder = site.build();
    let b = &mut builder;
    let mut moved = Vec::new();
    for operand in operands {
        moved.push(match position(b, operand, dimension) {
            // The kernel makes positions itself.
            Some(element_type) => {
                let sizes = order.iter().map(|d| kept_sizes[*d]).collect();
                let shape = ArrayShape::new(element_type, sizes).expect("as large as before");
                b.add_shaped(Op::Iota { iota_dimension: to }, &[], shape.into())?
            }
            None => {
                let value = reshaped(b, operand, &kept_sizes)?;
                transposed(b, value, order.clone())?
            }
        });
    }
    let sorted = b.add(Op::Sort { dimension: to, is_stable, to_apply }, &moved)?;
    let back = |b: &mut ComputationBuilder<'_>, value| -> Result<InstructionId, InferError> {
        let value = transposed(b, value, order.clone())?;
        reshaped(b, value, &sizes)
    };
    if is_array {
        return back(b, sorted).map(Some);
    }
    let mut results = Vec::new();
    for index in 0..moved.len() {
        let element = b.get_tuple_element(sorted, index)?;
        results.push(back(b, element)?);
    }
    Ok(Some(b.tuple(&results)))
}

/// The type of an instruction that is the position along a dimension.
fn position(
    b: &ComputationBuilder<'_>,
    id: InstructionId,
    dimension: usize,
) -> Option<ElementType> {
    let instruction = b.computation().instruction(id);
    let is_position =
        matches!(instruction.op(), Op::Iota { iota_dimension } if *iota_dimension == dimension);
    is_position.then(|| instruction.array_shape().element_type())
}
