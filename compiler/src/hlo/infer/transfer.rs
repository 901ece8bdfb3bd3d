//! Inference of tokens, and of sending and receiving.
//!
//! A send or recv is begun by one instruction and ended by another; between them goes a tuple of
//! the array, a `u32[]` that only the implementation understands, and a token.

use super::super::opcode::Op;
use super::super::shape::{ArrayShape, ElementType, Shape};
use super::{Context, InferError};

/// The result of an op on tokens.
pub(super) fn transfer(op: &Op, context: &Context<'_>) -> Result<Shape, InferError> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "only these come here")]
    match op {
        Op::AfterAll => after_all(context),
        Op::Send { .. } => send(context),
        Op::SendDone { .. } => send_done(context),
        Op::Recv { .. } => recv(context),
        Op::RecvDone { .. } => recv_done(context),
        _ => unreachable!("{} has no tokens", context.opcode),
    }
}

fn token() -> Shape {
    Shape::scalar(ElementType::Token)
}

/// What goes from the beginning to the end.
fn under_way(array: &ArrayShape) -> Shape {
    Shape::Tuple(vec![array.clone().into(), Shape::scalar(ElementType::U32), token()])
}

impl Context<'_> {
    fn require_token(&self, n: usize, constraint: &'static str) -> Result<(), InferError> {
        let operand = self.operands[n];
        self.require(operand.is_token(), constraint, || {
            format!("operand {n} is {operand}; a token is needed")
        })
    }

    /// The array of a transfer under way.
    fn array_under_way(&self, shape: &Shape, what: &str) -> Result<ArrayShape, InferError> {
        let array = match shape.as_tuple() {
            Some([array, context, token]) if token.is_token() => {
                let is_context = context.same_but_layout(&Shape::scalar(ElementType::U32));
                array.as_array().filter(|array| is_context && !array.is_token())
            }
            _ => None,
        };
        array.cloned().ok_or_else(|| {
            let message = format!("{what} is {shape}; (array, u32[], token[]) is needed");
            self.error("transfer shape", message)
        })
    }
}

/// `after-all`.
fn after_all(context: &Context<'_>) -> Result<Shape, InferError> {
    // after_all (I1)
    for n in 0..context.operands.len() {
        context.require_token(n, "after_all (I1)")?;
    }
    Ok(token())
}

/// `send`.
fn send(context: &Context<'_>) -> Result<Shape, InferError> {
    let array = context.array(0)?;
    // send (I2)
    context.require_token(1, "send (I2)")?;
    Ok(under_way(array))
}

/// `send-done`.
fn send_done(context: &Context<'_>) -> Result<Shape, InferError> {
    context.array_under_way(context.operands[0], "the operand")?;
    Ok(token())
}

/// `recv`.
fn recv(context: &Context<'_>) -> Result<Shape, InferError> {
    // recv (I1)
    context.require_token(0, "recv (I1)")?;
    let stated = context.stated()?;
    context.array_under_way(stated, "the result")?;
    Ok(stated.clone())
}

/// `recv-done`.
fn recv_done(context: &Context<'_>) -> Result<Shape, InferError> {
    let array = context.array_under_way(context.operands[0], "the operand")?;
    Ok(Shape::Tuple(vec![array.into(), token()]))
}
