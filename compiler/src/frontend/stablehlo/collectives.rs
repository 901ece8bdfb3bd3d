//! Collectives of one device: what a group of one device exchanges is what it has.
//!
//! Programs for several devices are refused where their groups are.

use super::attributes::{index, indices, integers, required};
use super::body::Body;
use super::error;
use crate::frontend::source::{SourceError, SourceResult};
use crate::frontend::syntax::Operation;
use crate::hlo::{ArrayLiteral, ArrayShape, ElementType, InstructionId, Op, Shape};

type Results = SourceResult<Vec<InstructionId>>;

/// An operation in a message; in other words too where its name is none that users have written.
pub(super) fn described(name: &str) -> String {
    match name {
        "sdy.manual_computation" => {
            format!("op {name}, what each of several devices computes (shard_map, pmap)")
        }
        _ => format!("op {name}"),
    }
}

/// `replica_id` and `partition_id`: the number of the only device.
pub(super) fn device_id(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let []: [InstructionId; 0] = body.exactly(operation)?;
    let literal = ArrayLiteral::zeros(&ArrayShape::scalar(ElementType::U32));
    Ok(vec![body.add_result(operation, Op::Constant { literal: literal.into() }, &[])?])
}

/// `all_reduce`, `cross-replica-sum`: each operand.
pub(super) fn all_reduce(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    require_one_device(operation)?;
    same(body, operation)
}

/// `all_gather`: each operand.
pub(super) fn all_gather(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    require_one_device(operation)?;
    index(operation, "all_gather_dim")?;
    same(body, operation)
}

/// `reduce_scatter`: the operand.
pub(super) fn reduce_scatter(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    require_one_device(operation)?;
    index(operation, "scatter_dimension")?;
    same(body, operation)
}

/// `all_to_all`: each operand.
pub(super) fn all_to_all(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    require_one_device(operation)?;
    let count = index(operation, "split_count")?;
    if count != 1 {
        let message = format!("{} splits for {count} devices, of groups of one", operation.name);
        return error(operation, message);
    }
    same(body, operation)
}

/// `collective_broadcast`: the operand; zeros without a group.
pub(super) fn collective_broadcast(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    if integers(operation, "replica_groups")?.is_empty() {
        return zeros(body, operation);
    }
    require_one_device(operation)?;
    same(body, operation)
}

/// `collective_permute`: the operand if the device sends to itself, else zeros.
pub(super) fn collective_permute(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let attribute = required(operation, "source_target_pairs")?;
    match indices(operation, "source_target_pairs")?[..] {
        [] => zeros(body, operation),
        [0, 0] => same(body, operation),
        _ => Err(SourceError::unsupported(
            attribute.span,
            format!(
                "{} between several devices; source_target_pairs has to be [[0, 0]] or nothing",
                operation.name
            ),
        )),
    }
}

/// An error unless the only group is that of the only device. No group means all devices.
fn require_one_device(operation: &Operation) -> SourceResult<()> {
    let attribute = required(operation, "replica_groups")?;
    // Groups are filled with -1.
    let mut devices = integers(operation, "replica_groups")?;
    devices.retain(|device| *device != -1);
    if matches!(devices[..], [] | [0]) {
        return Ok(());
    }
    let what = format!("{} of several devices; replica_groups has to be [[0]]", operation.name);
    Err(SourceError::unsupported(attribute.span, what))
}

/// The operands as they are, if that is what is declared.
fn same(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let operands = body.operands(operation)?;
    if operands.len() != operation.result_types.len() {
        let (given, results) = (operands.len(), operation.result_types.len());
        let message = format!("{} has {given} operands and {results} results", operation.name);
        return error(operation, message);
    }
    for (operand, declared) in operands.iter().zip(&operation.result_types) {
        let declared = super::types::shape(declared, operation.span)?;
        body.check_type(operation, &declared, *operand)?;
    }
    Ok(operands)
}

fn zeros(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let operand: [InstructionId; 1] = body.exactly(operation)?;
    let shape = body.array(operation, operand[0])?;
    let zero = ArrayLiteral::zeros(&ArrayShape::scalar(shape.element_type()));
    let zero = body.add(operation, Op::Constant { literal: zero.into() }, &[])?;
    let declared = body.result_shape(operation)?;
    let op = Op::Broadcast { dimensions: Vec::new() };
    let zeros = body.add_shaped(operation, op, &[zero], Shape::Array(shape))?;
    body.check_type(operation, &declared, zeros)?;
    Ok(vec![zeros])
}
