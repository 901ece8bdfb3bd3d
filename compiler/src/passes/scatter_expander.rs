//! `scatter` by ops that have kernels.
//!
//! * Sums over one dimension, what the gradients of look-ups are, become one-hot products: every
//!   update meets every row, and for few rows the chip does that fastest.
//! * Sums and replacements of whole rows or matrices of large arrays, the gradients of embeddings
//!   and updates of caches among them, become scatters of rows that differ, which have a kernel.
//! * Everything else becomes a slice, the combination and an update of the slice for each index,
//!   in the order of the indices; for more than a few in a loop.
//!
//! A window that is not wholly inside the operand is not applied.
//!
//! Left as they are: combinations that are not elementwise.

mod one_hot;
mod rows;
mod sequential;

use super::{
    Changed, PassContext, PassError,
    lifting::Lifted,
    shaping::{reshaped, transposed},
    site::{Rewritten, Site, rewrite_module},
};
use crate::hlo::{
    ArrayLiteral, ArrayShape, ComputationBuilder, ElementType, InferError, InstructionId, Module,
    Op, Opcode, ScatterDimensionNumbers, Shape,
};

/// See the module's comment.
///
/// # Errors
/// What is made would be too large.
pub fn scatter_expander(module: &mut Module, _: &PassContext) -> Result<Changed, PassError> {
    rewrite_module(module, &mut expand)
}

fn expand(site: &mut Site<'_>) -> Rewritten {
    let Op::Scatter { dimension_numbers, to_apply, unique_indices, .. } = site.instruction().op()
    else {
        return Ok(None);
    };
    let (numbers, to_apply, is_unique) = (dimension_numbers.clone(), *to_apply, *unique_indices);
    let operands = site.instruction().operands().to_vec();
    let n = operands.len() / 2;
    let types: Vec<ElementType> = operands[..n].iter().map(|id| site.element_type(*id)).collect();
    let results = site.instruction().shape().leaves();
    let is_promoted = !results.iter().map(|leaf| leaf.element_type()).eq(types);
    if is_promoted || site.array(operands[0]).element_count() == 0 {
        return Ok(None);
    }
    let results = if site.array(operands[n + 1]).element_count() == 0 {
        operands[..n].to_vec()
    } else {
        let Some(combine) = Lifted::new(site, to_apply) else { return Ok(None) };
        if is_of_rows(site, &numbers, is_unique && combine.is_parameter(1)) {
            return Ok(None);
        }
        let scatter = Scatter::new(site, &numbers, combine)?;
        let is_one_hot = scatter.is_one_hot(site);
        match scatter.by_rows(site) {
            Some(combination) if !is_one_hot || scatter.is_faster_by_rows(site) => {
                vec![rows::expand(site, &scatter, (combination, is_unique))?]
            }
            _ if is_one_hot => vec![one_hot::expand(site, &scatter)?],
            _ => sequential::expand(site, &scatter)?,
        }
    };
    Ok(Some(if site.instruction().shape().as_array().is_some() {
        results[0]
    } else {
        site.build().tuple(&results)
    }))
}

/// Is this a scatter that the kernel does: of rows that differ, one index each, which replace those
/// of a table?
fn is_of_rows(site: &Site<'_>, numbers: &ScatterDimensionNumbers, replaces: bool) -> bool {
    let &[table, indices, updates] = site.instruction().operands() else { return false };
    let (sizes, of_updates) = (site.dimensions(table), site.dimensions(updates));
    let granules_are_shared = sizes.len() == 2 && site.element_type(table).byte_size() < 4;
    let has_words = matches!(site.element_type(indices), ElementType::S32 | ElementType::U32);
    replaces
        && has_words
        && !granules_are_shared
        && sizes.len() > 1
        && site.dimensions(indices).len() == 1
        && numbers.index_vector_dim == 1
        && numbers.inserted_window_dims == [0]
        && numbers.scatter_dims_to_operand_dims == [0]
        && numbers.input_batching_dims.is_empty()
        && numbers.update_window_dims.iter().copied().eq(1..sizes.len())
        && of_updates[1..] == sizes[1..]
}

/// A scatter whose indices and updates are in a standard order.
struct Scatter {
    operands: Vec<InstructionId>,
    /// The sizes of each of them.
    sizes: Vec<usize>,
    /// Of dimensions batch.., updates, coordinates.
    indices: InstructionId,
    /// Of dimensions batch.., updates, window...
    updates: Vec<InstructionId>,
    /// The operand's batch dimensions, and their sizes.
    batch_dims: Vec<usize>,
    batch_sizes: Vec<usize>,
    /// How many updates each batch has.
    n_updates: usize,
    /// The operand's dimensions that the coordinates are for.
    scattered_dims: Vec<usize>,
    /// The operand's dimensions that windows have, and the sizes of the windows.
    window_dims: Vec<usize>,
    window_sizes: Vec<usize>,
    combine: Lifted,
}

/// The dimensions below `rank` that are not in `taken`.
fn others(rank: usize, taken: &[usize]) -> Vec<usize> {
    (0..rank).filter(|dimension| !taken.contains(dimension)).collect()
}

fn sizes_of(sizes: &[usize], dimensions: &[usize]) -> Vec<usize> {
    dimensions.iter().map(|&dimension| sizes[dimension]).collect()
}

impl Scatter {
    fn new(
        site: &mut Site<'_>,
        numbers: &ScatterDimensionNumbers,
        combine: Lifted,
    ) -> Result<Self, InferError> {
        let all = site.instruction().operands().to_vec();
        let n = all.len() / 2;
        let (operands, given) = (all[..n].to_vec(), all[n]);
        let sizes = site.dimensions(operands[0]).to_vec();
        let of_indices = site.dimensions(given).to_vec();
        let of_updates = site.dimensions(all[n + 1]).to_vec();
        let batch_sizes = sizes_of(&sizes, &numbers.input_batching_dims);
        let n_coordinates = numbers.scatter_dims_to_operand_dims.len();
        // The indices' dimensions without that of the vectors, batches first.
        let vector = numbers.index_vector_dim;
        let taken = [&numbers.scatter_indices_batching_dims[..], &[vector]].concat();
        let rest = others(of_indices.len(), &taken);
        let n_updates = sizes_of(&of_indices, &rest).iter().product();
        let rows = [&numbers.scatter_indices_batching_dims[..], &rest].concat();
        let mut order = rows.clone();
        order.extend((vector < of_indices.len()).then_some(vector));
        let mut builder = site.build();
        let indices = transposed(&mut builder, given, order)?;
        let in_order = [&batch_sizes[..], &[n_updates, n_coordinates]].concat();
        let mut indices = reshaped(&mut builder, indices, &in_order)?;
        // Narrow integers could not say how large the operand is.
        if element_type(&builder, indices).bit_width() < 32 {
            indices = builder.convert(indices, ElementType::S32)?;
        }
        let scatter_dims = others(of_updates.len(), &numbers.update_window_dims);
        let mut order: Vec<usize> =
            rows.iter().map(|&row| scatter_dims[row - usize::from(row > vector)]).collect();
        order.extend(&numbers.update_window_dims);
        let window_sizes = sizes_of(&of_updates, &numbers.update_window_dims);
        let in_order = [&batch_sizes[..], &[n_updates], &window_sizes].concat();
        let mut updates = Vec::new();
        for update in &all[n + 1..] {
            let update = transposed(&mut builder, *update, order.clone())?;
            updates.push(reshaped(&mut builder, update, &in_order)?);
        }
        Ok(Self {
            operands,
            indices,
            updates,
            batch_dims: numbers.input_batching_dims.clone(),
            batch_sizes,
            n_updates,
            scattered_dims: numbers.scatter_dims_to_operand_dims.clone(),
            window_dims: numbers.window_dims(sizes.len()),
            window_sizes,
            sizes,
            combine,
        })
    }
}

/// The element type of an array.
fn element_type(builder: &ComputationBuilder<'_>, id: InstructionId) -> ElementType {
    builder.shape(id).as_array().map_or(ElementType::Pred, ArrayShape::element_type)
}

/// The sizes of an array.
fn dimensions(builder: &ComputationBuilder<'_>, id: InstructionId) -> Vec<usize> {
    builder.shape(id).as_array().map_or(Vec::new(), |shape| shape.dimensions().to_vec())
}

/// The shape of an array, unless it is too large.
fn array(element_type: ElementType, sizes: &[usize]) -> Result<Shape, InferError> {
    Shape::array(element_type, sizes.to_vec())
        .map_err(|error| InferError::new(Opcode::Scatter, "size", error.to_string()))
}

/// An integer scalar: the size of a dimension, which fits wherever its indices do.
fn number(
    builder: &mut ComputationBuilder<'_>,
    element_type: ElementType,
    value: usize,
) -> InstructionId {
    let mut literal = ArrayLiteral::zeros(&ArrayShape::scalar(element_type));
    literal.set_i64(0, i64::try_from(value).unwrap_or(i64::MAX));
    builder.constant(literal.into())
}
