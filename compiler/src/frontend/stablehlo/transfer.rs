//! Tokens, and transfers between device and host.
//!
//! `send` and `recv` become a pair each: the instruction that begins and the one that ends it.
//! Transfers between devices are refused.

use super::attributes::{as_index, fields, flag};
use super::body::Body;
use super::{error, sharding, types, unsupported};
use crate::frontend::source::{SourceError, SourceResult};
use crate::frontend::syntax::Operation;
use crate::hlo::{ElementType, Extras, InstructionId, Op, Shape};

type Results = SourceResult<Vec<InstructionId>>;

/// `create_token` and `after_all`.
pub(super) fn after_all(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let operands = body.operands(operation)?;
    Ok(vec![body.add_result(operation, Op::AfterAll, &operands)?])
}

/// `send` of one array to the host.
pub(super) fn send(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let channel_id = host_channel(operation)?;
    let operands = body.operands(operation)?;
    let [array, token] = operands[..] else {
        let given = operands.len().saturating_sub(1);
        let message = format!("stablehlo.send takes one array and a token here, found {given}");
        return error(operation, message + " arrays");
    };
    let op = Op::Send { channel_id, is_host_transfer: true };
    let begun = body.add_with(operation, op, &[array, token], sharding::extras(operation))?;
    let op = Op::SendDone { channel_id, is_host_transfer: true };
    let done = body.add_with(operation, op, &[begun], sharding::extras(operation))?;
    let declared = body.result_shape(operation)?;
    body.check_type(operation, &declared, done)?;
    Ok(vec![done])
}

/// `recv` of one array from the host.
pub(super) fn recv(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let channel_id = host_channel(operation)?;
    let token: [InstructionId; 1] = body.exactly(operation)?;
    let [array, _token] = &operation.result_types[..] else {
        let given = operation.result_types.len().saturating_sub(1);
        let message = format!("stablehlo.recv gives one array and a token here, found {given}");
        return error(operation, message + " arrays");
    };
    let parts = [
        types::shape(array, operation.span)?,
        Shape::scalar(ElementType::U32),
        Shape::scalar(ElementType::Token),
    ];
    let shape = Some(Shape::Tuple(parts.to_vec()));
    let extras = Extras { shape, ..sharding::extras(operation) };
    let op = Op::Recv { channel_id, is_host_transfer: true };
    let begun = body.add_with(operation, op, &token, extras)?;
    let op = Op::RecvDone { channel_id, is_host_transfer: true };
    let done = body.add_with(operation, op, &[begun], sharding::extras(operation))?;
    body.elements(operation, done)
}

/// The channel of a transfer with the host.
fn host_channel(operation: &Operation) -> SourceResult<usize> {
    if !flag(operation, "is_host_transfer")? {
        let message =
            format!("{} between devices; is_host_transfer = true is supported", operation.name);
        return unsupported(operation, message);
    }
    let fields = fields(operation, "channel_handle", "channel_handle")?;
    let handle = fields.iter().find(|field| field.name == "handle").ok_or_else(|| {
        SourceError::new(operation.span, "the channel_handle of this transfer has no handle")
    })?;
    as_index(handle)
}
