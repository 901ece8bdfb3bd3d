//! Operations that StableHLO keeps for older programs, written as others.

use std::collections::BTreeMap;

use super::attributes::{index, indices, required, string};
use super::body::{Body, only_blocks};
use super::{control, error, error_at, unsupported};
use crate::frontend::source::{SourceError, SourceResult};
use crate::frontend::syntax::Operation;
use crate::hlo::{
    ArrayLiteral, ArrayShape, ComputationId, DotDimensionNumbers, GatherDimensionNumbers,
    InstructionId, Op, Opcode, Shape,
};

type Results = SourceResult<Vec<InstructionId>>;

/// `broadcast`: new dimensions before those of the operand.
pub(super) fn broadcast(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let [operand] = body.exactly(operation)?;
    let (sizes, rank) =
        (indices(operation, "broadcast_sizes")?, body.array(operation, operand)?.rank());
    let declared = body.result_array(operation)?;
    if declared.dimensions().get(..sizes.len()) != Some(&sizes) {
        let message =
            format!("the broadcast_sizes {sizes:?} are not the first sizes of the result");
        return error(operation, message);
    }
    let dimensions = (sizes.len()..sizes.len() + rank).collect();
    Ok(vec![body.add_result(operation, Op::Broadcast { dimensions }, &[operand])?])
}

/// `map`: its computation, of elementwise operations, on arrays.
pub(super) fn map<'p>(body: &mut Body<'_, 'p>, operation: &'p Operation) -> Results {
    let operands = body.operands(operation)?;
    let Some(&first) = operands.first() else {
        return error(operation, "stablehlo.map takes at least one operand");
    };
    let shape = body.array(operation, first)?;
    for operand in &operands {
        if body.array(operation, *operand)?.dimensions() != shape.dimensions() {
            return error(operation, "the operands of stablehlo.map need the same dimensions");
        }
    }
    let dimensions = indices(operation, "dimensions")?;
    if !dimensions.iter().copied().eq(0..shape.rank()) {
        let message = format!(
            "stablehlo.map over dimensions {dimensions:?} of {shape}; all in \
             order are needed"
        );
        return error(operation, message);
    }
    let [block] = only_blocks(operation)?;
    let of_scalars = control::closed_region(body, operation, block, "map")?;
    let value = lifted(body, operation, (of_scalars, &operands, shape.dimensions()))?;
    let declared = body.result_shape(operation)?;
    body.check_type(operation, &declared, value)?;
    Ok(vec![value])
}

/// A computation on scalars, on arrays.
fn lifted(
    body: &mut Body<'_, '_>,
    operation: &Operation,
    (computation, operands, sizes): (ComputationId, &[InstructionId], &[usize]),
) -> SourceResult<InstructionId> {
    let owner = body.importer.builder.module().computation(computation);
    let order = owner.root_post_order();
    let root = owner.root();
    let instructions: Vec<_> =
        order.into_iter().map(|id| (id, owner.instruction(id).clone())).collect();
    let mut values: BTreeMap<InstructionId, InstructionId> = BTreeMap::new();
    for (id, instruction) in instructions {
        let element_type = instruction.shape().as_array().map(ArrayShape::element_type);
        let shape = element_type.and_then(|of| Shape::array(of, sizes.to_vec()).ok());
        let opcode = instruction.opcode();
        let is_lifted = opcode.is_elementwise() || matches!(opcode, Opcode::Select | Opcode::Clamp);
        let (Some(shape), true) =
            (shape, is_lifted || matches!(opcode, Opcode::Parameter | Opcode::Constant))
        else {
            let message = format!(
                "{} in stablehlo.map: its operations have to be elementwise",
                opcode.text()
            );
            return unsupported(operation, message);
        };
        let value = match instruction.op() {
            Op::Parameter { number } => operands.get(*number).copied().ok_or_else(|| {
                SourceError::new(operation.span, "stablehlo.map has too few operands")
            })?,
            Op::Constant { .. } => {
                let scalar = body.add(operation, instruction.op().clone(), &[])?;
                let op = Op::Broadcast { dimensions: Vec::new() };
                body.add_shaped(operation, op, &[scalar], shape)?
            }
            op => {
                let operands: Vec<_> = instruction.operands().iter().map(|o| values[o]).collect();
                body.add_shaped(operation, op.clone(), &operands, shape)?
            }
        };
        values.insert(id, value);
    }
    Ok(values[&root])
}

/// `torch_index_select`: a gather along one dimension. Indices outside are clamped.
pub(super) fn torch_index_select(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let [operand, at] = body.exactly(operation)?;
    let (dim, batch) = (index(operation, "dim")?, index(operation, "batch_dims")?);
    let (shape, of_index) = (body.array(operation, operand)?, body.array(operation, at)?);
    if dim >= shape.rank() || batch > dim || batch > of_index.rank() {
        let message = format!(
            "stablehlo.torch_index_select along dimension {dim} of {shape} by {of_index} with \
             {batch} batch dimensions"
        );
        return error(operation, message);
    }
    let own = of_index.rank() - batch;
    let before = batch..dim;
    let after = dim + own..dim + own + shape.rank() - dim - 1;
    let dimension_numbers = GatherDimensionNumbers {
        offset_dims: before.chain(after).collect(),
        collapsed_slice_dims: vec![dim],
        operand_batching_dims: (0..batch).collect(),
        start_indices_batching_dims: (0..batch).collect(),
        start_index_map: vec![dim],
        index_vector_dim: of_index.rank(),
    };
    let one = |(d, size): (usize, &usize)| if d < batch || d == dim { 1 } else { *size };
    let slice_sizes = shape.dimensions().iter().enumerate().map(one).collect();
    let op = Op::Gather { dimension_numbers, slice_sizes, indices_are_sorted: false };
    Ok(vec![body.add_result(operation, op, &[operand, at])?])
}

/// `einsum` of two operands: a dot of what both have, of sums of what only one has.
pub(super) fn einsum(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let [lhs, rhs] = body.exactly(operation)?;
    let config = string(operation, "einsum_config")?;
    let parts = config.split_once("->").and_then(|(from, to)| Some((from.split_once(',')?, to)));
    let Some(((left, right), to)) = parts else { return wrong(operation) };
    let labels = [labels(operation, left)?, labels(operation, right)?];
    let to = self::labels(operation, to)?;
    let mut terms = Vec::new();
    for (n, operand) in [lhs, rhs].into_iter().enumerate() {
        let other = &labels[1 - n];
        let is_needed = |label: &char| to.contains(label) || other.contains(label);
        terms.push(summed(body, operation, (operand, &labels[n]), is_needed)?);
    }
    let [(lhs, left), (rhs, right)] = [&terms[0], &terms[1]].map(|(id, of)| (*id, of.clone()));
    let shared: Vec<char> = left.iter().copied().filter(|label| right.contains(label)).collect();
    let places = |of: &[char], is_batch: bool| -> Vec<usize> {
        let wanted = shared.iter().filter(|label| to.contains(label) == is_batch);
        wanted.filter_map(|label| of.iter().position(|other| other == label)).collect()
    };
    let numbers = DotDimensionNumbers {
        lhs_batch_dimensions: places(&left, true),
        rhs_batch_dimensions: places(&right, true),
        lhs_contracting_dimensions: places(&left, false),
        rhs_contracting_dimensions: places(&right, false),
    };
    let operand_precision = super::contraction::operand_precision(operation)?;
    let op = Op::Dot { dimension_numbers: numbers, operand_precision };
    let value = body.add(operation, op, &[lhs, rhs])?;
    let batch = shared.iter().filter(|label| to.contains(label));
    let free = left.iter().chain(&right).filter(|label| !shared.contains(label));
    let found: Vec<char> = batch.chain(free).copied().collect();
    in_order(body, operation, (value, &found), &to)
}

/// `unary_einsum`: sums, and dimensions in another order.
pub(super) fn unary_einsum(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let [operand] = body.exactly(operation)?;
    let Some((from, to)) = string(operation, "einsum_config")?.split_once("->") else {
        return wrong(operation);
    };
    let (from, to) = (labels(operation, from)?, labels(operation, to)?);
    let (value, left) = summed(body, operation, (operand, &from), |label| to.contains(label))?;
    in_order(body, operation, (value, &left), &to)
}

fn wrong<T>(operation: &Operation) -> SourceResult<T> {
    let attribute = required(operation, "einsum_config")?;
    let takes = match operation.name.as_str() {
        "stablehlo.einsum" => "two operands, such as \"ab,bc->ac\"",
        _ => "one operand, such as \"ab->a\"",
    };
    error_at(
        attribute.span,
        format!("unsupported einsum_config; it has to name the dimensions of {takes}, each once"),
    )
}

/// The names of dimensions, which differ.
fn labels(operation: &Operation, text: &str) -> SourceResult<Vec<char>> {
    let labels: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let differ = (1..labels.len()).all(|n| !labels[..n].contains(&labels[n]));
    let is_plain = labels.iter().all(char::is_ascii_alphabetic);
    if differ && is_plain { Ok(labels) } else { wrong(operation) }
}

/// The sum of an array over the dimensions that nobody needs, and what is left.
fn summed(
    body: &mut Body<'_, '_>,
    operation: &Operation,
    (operand, labels): (InstructionId, &[char]),
    is_needed: impl Fn(&char) -> bool,
) -> SourceResult<(InstructionId, Vec<char>)> {
    let shape = body.array(operation, operand)?;
    if shape.rank() != labels.len() {
        return wrong(operation);
    }
    let (kept, gone): (Vec<usize>, Vec<usize>) =
        (0..labels.len()).partition(|d| is_needed(&labels[*d]));
    let left = kept.into_iter().map(|d| labels[d]).collect();
    if gone.is_empty() {
        return Ok((operand, left));
    }
    let scalar = ArrayShape::scalar(shape.element_type());
    let mut add = Body::new(body.importer, "add");
    let parameters = ["x", "y"].map(|name| add.builder().parameter(scalar.clone().into(), name));
    let root = add.add(operation, Op::Add, &parameters)?;
    add.builder().set_root(root);
    let to_apply = add.id;
    let literal = ArrayLiteral::zeros(&scalar).into();
    let zero = body.add(operation, Op::Constant { literal }, &[])?;
    let op = Op::Reduce { dimensions: gone, to_apply };
    Ok((body.add(operation, op, &[operand, zero])?, left))
}

/// The result: dimensions in the order that is asked for.
fn in_order(
    body: &mut Body<'_, '_>,
    operation: &Operation,
    (value, found): (InstructionId, &[char]),
    wanted: &[char],
) -> Results {
    let places = wanted.iter().map(|label| found.iter().position(|other| other == label));
    let Some(dimensions) = places.collect::<Option<Vec<usize>>>() else {
        return wrong(operation);
    };
    Ok(vec![body.add_result(operation, Op::Transpose { dimensions }, &[value])?])
}
