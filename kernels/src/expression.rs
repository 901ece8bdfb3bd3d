//! [`Expression`]: what a kernel computes per element, as a graph.
//!
//! A node's value at a place is computed from its operands' values at the same place; only
//! [`NodeOp::RowReduce`] combines places (all lanes of a row), and [`NodeOp::Shift`],
//! [`NodeOp::Reverse`] and [`NodeOp::LaneGather`] move lanes. Every node has an [`Element`] type,
//! and its value is rounded to that type: bf16 arithmetic is f32 arithmetic, rounded after each
//! node.

mod arithmetic;
mod cost;
mod division;
mod emit;
mod lanes;
mod polynomial;
mod power;
mod reach;
mod transcendental;
mod trigonometry;

pub use arithmetic::{Register, narrow};
pub use emit::{Emitter, Known, Place, Site, Values};

use crate::element::Element;
use std::collections::BTreeMap;

/// Names a node of an [`Expression`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub usize);

/// A dimension of the iteration space of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Axis {
    /// One of the dimensions before the last two.
    Major(usize),
    /// The last dimension but one: tiles of 8 sublanes.
    Row,
    /// The last dimension: lanes.
    Lane,
}

/// Ops of one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are HLO's and say all")]
pub enum Unary {
    Abs,
    Cbrt,
    Ceil,
    Cosine,
    CountLeadingZeros,
    Exponential,
    ExponentialMinusOne,
    Floor,
    IsFinite,
    Log,
    LogPlusOne,
    Logistic,
    Negate,
    Not,
    Popcnt,
    RoundNearestAfz,
    RoundNearestEven,
    Rsqrt,
    Sign,
    Sine,
    Sqrt,
    Tan,
    Tanh,
    /// To the node's own type.
    Convert,
    /// Same bits, other type of 32 bits.
    Bitcast,
}

/// Ops of two operands of one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are HLO's and say all")]
pub enum Binary {
    Add,
    And,
    Atan2,
    Divide,
    Maximum,
    Minimum,
    Multiply,
    Or,
    Power,
    Remainder,
    ShiftLeft,
    ShiftRightArithmetic,
    ShiftRightLogical,
    Subtract,
    Xor,
}

/// Comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are HLO's and say all")]
pub enum Direction {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// What a reduction does to two elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reducer {
    /// The sum.
    Add,
    /// The product.
    Multiply,
    /// Bitwise and.
    And,
    /// Bitwise or.
    Or,
    /// Bitwise exclusive or.
    Xor,
    /// The maximum; NaN if any is.
    Max,
    /// The minimum; NaN if any is.
    Min,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NodeOp {
    /// Operand `n` of the kernel at the place.
    Input(usize),
    /// The same value everywhere: the 32 bits as a register holds them (a predicate as 0 or 1).
    Constant(u32),
    /// The index along an axis.
    Iota(Axis),
    /// One operand.
    Unary(Unary, NodeId),
    /// Two operands.
    Binary(Binary, NodeId, NodeId),
    /// A predicate of two operands.
    Compare(Direction, NodeId, NodeId),
    /// `on_true` where the predicate holds, else `on_false`.
    Select {
        /// The predicate.
        predicate: NodeId,
        /// Where it holds.
        on_true: NodeId,
        /// Where it does not.
        on_false: NodeId,
    },
    /// The reduction over all lanes of the row, in every lane.
    RowReduce(Reducer, NodeId),
    /// Lane `l` is lane `l + by` of the operand, or anything where the operand has no such lane.
    Shift {
        /// The operand.
        of: NodeId,
        /// By how many lanes; negative towards higher lanes.
        by: i32,
        /// Columns (of 128 lanes) of the operand.
        columns: usize,
    },
    /// Lane `l` is lane `128 columns - 1 - l` of the operand.
    Reverse {
        /// The operand.
        of: NodeId,
        /// Columns of the operand.
        columns: usize,
    },
    /// Lane `l` is lane `index` of the operand, where `index` has in lane `l` a number from 0 to
    /// `128 columns - 1`.
    LaneGather {
        /// The operand.
        of: NodeId,
        /// The lanes, as 32-bit integers.
        index: NodeId,
        /// Columns of the operand.
        columns: usize,
    },
    /// Each lane is that of the first piece that ends behind it; each piece with its end.
    Join(Vec<(NodeId, usize)>),
}

impl NodeOp {
    /// The same with other operands.
    pub fn with_operands(self, of: impl Fn(NodeId) -> NodeId) -> Self {
        match self {
            Self::Input(_) | Self::Constant(_) | Self::Iota(_) => self,
            Self::Unary(op, a) => Self::Unary(op, of(a)),
            Self::Binary(op, a, b) => Self::Binary(op, of(a), of(b)),
            Self::Compare(op, a, b) => Self::Compare(op, of(a), of(b)),
            Self::Select { predicate, on_true, on_false } => Self::Select {
                predicate: of(predicate),
                on_true: of(on_true),
                on_false: of(on_false),
            },
            Self::RowReduce(op, a) => Self::RowReduce(op, of(a)),
            Self::Shift { of: a, by, columns } => Self::Shift { of: of(a), by, columns },
            Self::Reverse { of: a, columns } => Self::Reverse { of: of(a), columns },
            Self::LaneGather { of: a, index, columns } => {
                Self::LaneGather { of: of(a), index: of(index), columns }
            }
            Self::Join(pieces) => {
                Self::Join(pieces.into_iter().map(|(piece, end)| (of(piece), end)).collect())
            }
        }
    }

    /// Whether values of other lanes than a place's own are needed for it.
    pub fn moves_lanes(&self) -> bool {
        matches!(
            self,
            Self::Shift { .. } | Self::Reverse { .. } | Self::LaneGather { .. } | Self::Join(_)
        )
    }
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Node {
    /// What it is.
    pub op: NodeOp,
    /// The type of its value.
    pub element: Element,
}

/// A graph of nodes; operands come before their users.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expression {
    nodes: Vec<Node>,
    /// The nodes by what they are.
    numbers: BTreeMap<Node, NodeId>,
}

impl Expression {
    /// Adds a node; an equal one is shared.
    pub fn add(&mut self, op: NodeOp, element: Element) -> NodeId {
        let next = NodeId(self.nodes.len());
        let node = Node { op, element };
        let number = *self.numbers.entry(node.clone()).or_insert(next);
        if number == next {
            self.nodes.push(node);
        }
        number
    }

    /// A node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// All nodes, operands before users.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().map(|(index, node)| (NodeId(index), node))
    }

    /// The operands of a node.
    pub fn operands(&self, id: NodeId) -> Vec<NodeId> {
        match &self.node(id).op {
            NodeOp::Input(_) | NodeOp::Constant(_) | NodeOp::Iota(_) => Vec::new(),
            NodeOp::Unary(_, a)
            | NodeOp::RowReduce(_, a)
            | NodeOp::Shift { of: a, .. }
            | NodeOp::Reverse { of: a, .. } => vec![*a],
            NodeOp::Binary(_, a, b)
            | NodeOp::Compare(_, a, b)
            | NodeOp::LaneGather { of: a, index: b, .. } => vec![*a, *b],
            NodeOp::Select { predicate, on_true, on_false } => {
                vec![*predicate, *on_true, *on_false]
            }
            NodeOp::Join(pieces) => pieces.iter().map(|(piece, _)| *piece).collect(),
        }
    }

    /// The nodes that `roots` need, themselves included, operands first.
    pub fn reachable(&self, roots: &[NodeId]) -> Vec<NodeId> {
        let mut needed = vec![false; self.nodes.len()];
        for root in roots {
            needed[root.0] = true;
        }
        for index in (0..self.nodes.len()).rev() {
            if needed[index] {
                for operand in self.operands(NodeId(index)) {
                    needed[operand.0] = true;
                }
            }
        }
        (0..self.nodes.len()).filter(|index| needed[*index]).map(NodeId).collect()
    }
}
