//! What an expression costs the vector unit: a model for the kernels' searches.

use super::{Binary, Expression, NodeId, NodeOp, Unary};
use crate::element::{Class, Element};
use std::ops::Range;

/// Lanes of a column.
const COLUMN: i32 = 128;

impl Expression {
    /// Vector ops per register that `roots` take, what the kernel does to load and to store not
    /// counted.
    pub fn vector_ops(&self, roots: &[NodeId]) -> usize {
        self.reachable(roots).into_iter().map(|id| self.ops_of(id)).sum()
    }

    /// Vector ops that some columns of `roots` take, where lanes move, per row of tiles; what row
    /// reductions are made of are roots of their own.
    pub fn vector_ops_of(&self, roots: &[NodeId], columns: Range<usize>) -> usize {
        let needed = self.needed_columns(roots, columns).into_iter().enumerate();
        needed.map(|(id, columns)| columns.len() * self.ops_of(NodeId(id))).sum()
    }

    fn ops_of(&self, id: NodeId) -> usize {
        let node = self.node(id);
        let element = node.element;
        let of = self.operands(id).first().map(|operand| self.node(*operand).element);
        let op = match &node.op {
            NodeOp::Input(_) | NodeOp::Constant(_) | NodeOp::Join(_) => return 0,
            // Measured: of what goes through the cross-lane units, some is waited for.
            NodeOp::Shift { by, .. } => return if by % COLUMN == 0 { 0 } else { 8 },
            NodeOp::Reverse { .. } => return 3,
            // A column goes through one of two cross-lane units, is compared and selected.
            NodeOp::LaneGather { columns, .. } => return 4 * columns,
            NodeOp::Unary(Unary::Convert, _)
                if matches!(of, Some(Element::S8 | Element::U8))
                    && element.class() == Class::Float =>
            {
                return 1;
            }
            NodeOp::Unary(op, _) => unary(*op, of.unwrap_or(element), element),
            NodeOp::Binary(op, ..) => binary(*op, element),
            NodeOp::Compare(..) | NodeOp::RowReduce(..) => 1,
            NodeOp::Select { .. } => return 1,
            NodeOp::Iota(_) => 2,
        };
        op + narrowing(element)
    }
}

fn binary(op: Binary, element: Element) -> usize {
    let is_float = element.class() == Class::Float;
    match op {
        Binary::Divide if element == Element::F32 => 24,
        Binary::Divide if is_float => 2,
        // Of integers.
        Binary::Divide | Binary::Remainder => 50,
        Binary::Atan2 => 60,
        Binary::Power if is_float => 130,
        Binary::Power => 5 * 32 / element.packing(),
        Binary::Add
        | Binary::And
        | Binary::Maximum
        | Binary::Minimum
        | Binary::Multiply
        | Binary::Or
        | Binary::ShiftLeft
        | Binary::ShiftRightArithmetic
        | Binary::ShiftRightLogical
        | Binary::Subtract
        | Binary::Xor => 1,
    }
}

fn unary(op: Unary, of: Element, element: Element) -> usize {
    let is_exact = element == Element::F32;
    match op {
        Unary::Exponential => {
            if is_exact {
                10
            } else {
                2
            }
        }
        Unary::Logistic => {
            if is_exact {
                13
            } else {
                5
            }
        }
        Unary::Log | Unary::Sign | Unary::CountLeadingZeros | Unary::Popcnt => 2,
        Unary::Sqrt => 7,
        Unary::RoundNearestAfz => 8,
        Unary::Cbrt => 90,
        Unary::ExponentialMinusOne | Unary::LogPlusOne => 40,
        Unary::Cosine | Unary::Sine | Unary::Tan => 120,
        // Floats are f32 in registers, whatever their type.
        Unary::Convert if of.class() == Class::Float && element.class() == Class::Float => 0,
        Unary::Bitcast => 0,
        Unary::Abs
        | Unary::Ceil
        | Unary::Convert
        | Unary::Floor
        | Unary::IsFinite
        | Unary::Negate
        | Unary::Not
        | Unary::RoundNearestEven
        | Unary::Rsqrt
        | Unary::Tanh => 1,
    }
}

/// Ops that make a result of its type again.
fn narrowing(element: Element) -> usize {
    match element {
        Element::F32 | Element::S32 | Element::U32 | Element::Pred => 0,
        Element::Bf16 | Element::F16 | Element::U16 | Element::U8 => 1,
        Element::S16 | Element::S8 => 2,
    }
}
