//! Which columns of other nodes a column of a node is made of.

use super::{Expression, NodeId, NodeOp};
use palmetto_isa::memory::LANES;
use std::{collections::BTreeSet, ops::Range};

/// Where the lanes of a column of a shift come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shifted {
    /// The lane of `low` that becomes lane 0.
    pub(super) lane: usize,
    /// The column of the operand that gives the first lanes, if it has it.
    pub(super) low: Option<usize>,
    /// The one that gives the others, if there are others and it has it.
    pub(super) high: Option<usize>,
}

impl Shifted {
    /// Column `column` of a shift by `by` lanes of an operand of `columns` columns.
    pub(super) fn new((by, columns): (i32, usize), column: usize) -> Self {
        let lanes = i64::try_from(LANES).expect("a register has 128 lanes");
        let column = i64::try_from(column).expect("rows are far below 2^63 lanes");
        let first = column * lanes + i64::from(by);
        let lane = usize::try_from(first.rem_euclid(lanes)).expect("below 128");
        let low = first.div_euclid(lanes);
        let of = |column| usize::try_from(column).ok().filter(|column| *column < columns);
        Self { lane, low: of(low), high: of(low + 1).filter(|_| lane != 0) }
    }

    pub(super) fn columns(self) -> impl Iterator<Item = usize> {
        self.low.into_iter().chain(self.high)
    }
}

/// The pieces of a join that are in a column.
pub(super) fn joined(pieces: &[(NodeId, usize)], column: usize) -> Vec<(NodeId, usize)> {
    let first = column * LANES;
    let mut start = 0;
    let mut parts = Vec::new();
    for (piece, end) in pieces {
        if start < first + LANES && *end > first.max(start) {
            parts.push((*piece, *end));
        }
        start = *end;
    }
    parts
}

impl Expression {
    /// Per node, its columns that `columns` of `roots` are computed from in a kernel that has
    /// computed row reductions before.
    pub fn needed_columns(&self, roots: &[NodeId], columns: Range<usize>) -> Vec<BTreeSet<usize>> {
        let mut needed = vec![BTreeSet::new(); self.nodes.len()];
        for root in roots {
            needed[root.0].extend(columns.clone());
        }
        for index in (0..self.nodes.len()).rev() {
            for column in std::mem::take(&mut needed[index]) {
                for (operand, column) in self.made_of(NodeId(index), column) {
                    needed[operand.0].insert(column);
                }
                needed[index].insert(column);
            }
        }
        needed
    }

    /// The columns of operands that a column of a node is computed from.
    fn made_of(&self, id: NodeId, column: usize) -> Vec<(NodeId, usize)> {
        match &self.node(id).op {
            NodeOp::RowReduce(..) => Vec::new(),
            NodeOp::Shift { of, by, columns } => {
                let from = Shifted::new((*by, *columns), column);
                from.columns().map(|column| (*of, column)).collect()
            }
            NodeOp::Reverse { of, columns } => {
                let mirrored = columns.checked_sub(column + 1);
                mirrored.into_iter().map(|column| (*of, column)).collect()
            }
            NodeOp::LaneGather { of, index, columns } => {
                let looked_through = (0..*columns).map(|column| (*of, column));
                looked_through.chain([(*index, column)]).collect()
            }
            NodeOp::Join(pieces) => {
                joined(pieces, column).into_iter().map(|(piece, _)| (piece, column)).collect()
            }
            _ => self.operands(id).into_iter().map(|operand| (operand, column)).collect(),
        }
    }
}
