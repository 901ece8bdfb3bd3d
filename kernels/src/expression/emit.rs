//! Emits an expression for one place after another, sharing what places have in common.

use super::{
    Axis, Binary, Expression, NodeId, NodeOp,
    arithmetic::{self, Register},
    lanes::Moved,
    transcendental::{self, Divisor},
};
use crate::{
    element::{Class, Element},
    llo::{Builder, V},
};
use std::collections::{BTreeMap, BTreeSet};

/// A register's worth of the iteration space: 8 rows of 128 lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Which 8 rows, counted in what the kernel has at hand.
    pub row: usize,
    /// Which 128 lanes, likewise.
    pub column: usize,
}

/// What an expression needs from the kernel around it.
pub trait Site {
    /// Operand `input` of the kernel at `place`.
    fn input(&mut self, b: &mut Builder, input: usize, place: Place) -> Register;
    /// The index along `axis` of every element at `place`, as a 32-bit integer.
    fn index(&mut self, b: &mut Builder, axis: Axis, place: Place) -> V;
    /// Whether operand `input` is the same in every column.
    fn is_column(&self, input: usize) -> bool;
}

/// Values that were computed before as the operands of an expression, at a single place.
#[derive(Debug)]
pub struct Values(pub Vec<Register>);

impl Site for Values {
    fn input(&mut self, _: &mut Builder, input: usize, _: Place) -> Register {
        self.0[input]
    }

    /// # Panics
    /// Always: values do not say where they come from. Who makes such expressions refuses indices.
    fn index(&mut self, _: &mut Builder, axis: Axis, _: Place) -> V {
        panic!("an expression of values has no index along {axis:?}")
    }

    fn is_column(&self, _: usize) -> bool {
        false
    }
}

/// Emits nodes of one expression; values once emitted are kept until [`Emitter::forget`].
#[derive(Debug)]
pub struct Emitter<'a> {
    expression: &'a Expression,
    /// Nodes whose value is the same in every column.
    is_column: Vec<bool>,
    pub(super) known: Known,
}

/// What an [`Emitter`] has emitted.
#[derive(Clone, Debug, Default)]
pub struct Known {
    values: BTreeMap<(NodeId, Place), Register>,
    /// Divisors that are the same in every column, prepared.
    divisors: BTreeMap<(NodeId, Place), Divisor>,
    /// Registers with their lanes moved.
    pub(super) moved: BTreeMap<Moved, Register>,
}

impl<'a> Emitter<'a> {
    /// An emitter of `expression` at `site`.
    pub fn new(expression: &'a Expression, site: &dyn Site) -> Self {
        let mut is_column: Vec<bool> = Vec::new();
        for (id, node) in expression.nodes() {
            is_column.push(match &node.op {
                NodeOp::Input(input) => site.is_column(*input),
                NodeOp::Constant(_) | NodeOp::RowReduce(..) => true,
                NodeOp::Iota(axis) => *axis != Axis::Lane,
                NodeOp::Join(_) => false,
                NodeOp::Unary(..)
                | NodeOp::Binary(..)
                | NodeOp::Compare(..)
                | NodeOp::Select { .. }
                | NodeOp::Shift { .. }
                | NodeOp::Reverse { .. }
                | NodeOp::LaneGather { .. } => {
                    expression.operands(id).iter().all(|operand| is_column[operand.0])
                }
            });
        }
        Self { expression, is_column, known: Known::default() }
    }

    /// The expression.
    pub fn expression(&self) -> &'a Expression {
        self.expression
    }

    /// Forgets all values: they were of other places, or of another block.
    pub fn forget(&mut self) {
        self.known = Known::default();
    }

    /// The values known so far, to be restored when a block ends.
    pub fn known(&self) -> Known {
        self.known.clone()
    }

    /// Forgets all values but `known`.
    pub fn restore(&mut self, known: Known) {
        self.known = known;
    }

    /// The nodes that are the same in every column and that others under `roots` need, without
    /// going below `known` nodes; not those that a constant or a row reduction gives already.
    pub fn columns_under(&self, roots: &[NodeId], known: &[NodeId]) -> Vec<NodeId> {
        let (mut open, mut found, mut seen) = (roots.to_vec(), Vec::new(), BTreeSet::new());
        while let Some(id) = open.pop() {
            if !seen.insert(id) || known.contains(&id) {
                continue;
            }
            if !self.is_column[id.0] {
                open.extend(self.expression.operands(id));
                continue;
            }
            let op = &self.expression.node(id).op;
            if !matches!(op, NodeOp::Constant(_) | NodeOp::RowReduce(..)) {
                found.push(id);
            }
        }
        found
    }

    /// The divisors that are the same in every column, of divisions under `roots` that are not;
    /// with the type of the quotient.
    pub fn column_divisors(&self, roots: &[NodeId], known: &[NodeId]) -> Vec<(NodeId, Element)> {
        let (mut open, mut found, mut seen) = (roots.to_vec(), Vec::new(), BTreeSet::new());
        while let Some(id) = open.pop() {
            if !seen.insert(id) || known.contains(&id) || self.is_column[id.0] {
                continue;
            }
            open.extend(self.expression.operands(id));
            let node = self.expression.node(id);
            if let NodeOp::Binary(Binary::Divide, _, divisor) = node.op
                && self.is_column[divisor.0]
                && node.element.class() == Class::Float
            {
                found.push((divisor, node.element));
            }
        }
        found
    }

    /// Prepares divisions by `divisor` at the row of `place`, for quotients of type `element`.
    pub fn prepare_divisor(
        &mut self,
        b: &mut Builder,
        site: &mut dyn Site,
        (divisor, element): (NodeId, Element),
        place: Place,
    ) {
        let value = self.emit(b, site, divisor, place).vector();
        let prepared = transcendental::divisor(b, value, element);
        self.known.divisors.insert((divisor, self.key(divisor, place)), prepared);
    }

    /// Sets the value of a node, as the kernel has it from elsewhere.
    pub fn set(&mut self, node: NodeId, place: Place, value: Register) {
        self.known.values.insert((node, self.key(node, place)), value);
    }

    /// The value of `node` at `place`.
    ///
    /// # Panics
    /// If a row reduction is needed whose value was not [set](Self::set).
    pub fn emit(
        &mut self,
        b: &mut Builder,
        site: &mut dyn Site,
        node: NodeId,
        place: Place,
    ) -> Register {
        let key = (node, self.key(node, place));
        if let Some(value) = self.known.values.get(&key) {
            return *value;
        }
        let value = self.emit_node(b, site, node, key.1);
        self.known.values.insert(key, value);
        value
    }

    pub(super) fn key(&self, node: NodeId, place: Place) -> Place {
        if self.is_column[node.0] { Place { column: 0, ..place } } else { place }
    }

    fn emit_node(
        &mut self,
        b: &mut Builder,
        site: &mut dyn Site,
        id: NodeId,
        place: Place,
    ) -> Register {
        let node = self.expression.node(id);
        let element = node.element;
        match &node.op {
            NodeOp::Input(input) => site.input(b, *input, place),
            NodeOp::Constant(bits) => constant(b, *bits, element),
            NodeOp::Iota(axis) => {
                let index = site.index(b, *axis, place);
                let from = Element::S32;
                arithmetic::unary(
                    b,
                    super::Unary::Convert,
                    Register::Vector(index),
                    (from, element),
                )
            }
            NodeOp::Unary(op, x) => {
                let from = self.expression.node(*x).element;
                let x = self.emit(b, site, *x, place);
                arithmetic::unary(b, *op, x, (from, element))
            }
            NodeOp::Binary(Binary::Divide, x, y)
                if let Some(divisor) = self.known.divisors.get(&(*y, self.key(*y, place))) =>
            {
                let divisor = *divisor;
                let x = self.emit(b, site, *x, place).vector();
                let quotient = transcendental::divide(b, x, divisor);
                Register::Vector(arithmetic::narrow(b, quotient, element))
            }
            NodeOp::Binary(op, x, y) => {
                let operands = [self.emit(b, site, *x, place), self.emit(b, site, *y, place)];
                arithmetic::binary(b, *op, operands, element)
            }
            NodeOp::Compare(op, x, y) => {
                let of = self.expression.node(*x).element;
                let operands = [self.emit(b, site, *x, place), self.emit(b, site, *y, place)];
                Register::Mask(arithmetic::compare(b, *op, operands, of))
            }
            NodeOp::Select { predicate, on_true, on_false } => {
                let mask = self.emit(b, site, *predicate, place).mask();
                let on_true = self.emit(b, site, *on_true, place);
                let on_false = self.emit(b, site, *on_false, place);
                select(b, mask, on_true, on_false)
            }
            NodeOp::RowReduce(..) => panic!("the kernel computes row reductions and sets them"),
            NodeOp::Shift { of, by, columns } => self.shift(b, site, (*of, *by, *columns), place),
            NodeOp::Reverse { of, columns } => self.reverse(b, site, (*of, *columns), place),
            NodeOp::LaneGather { of, index, columns } => {
                self.lane_gather(b, site, (*of, *index, *columns), place)
            }
            NodeOp::Join(pieces) => self.join(b, site, pieces, place),
        }
    }
}

pub(super) fn constant(b: &mut Builder, bits: u32, element: Element) -> Register {
    if element == Element::Pred {
        let (value, zero) = (b.bits(bits), b.i32(0));
        Register::Mask(b.vcmp_ne_s32(value, zero))
    } else {
        Register::Vector(b.bits(bits))
    }
}

pub(super) fn select(
    b: &mut Builder,
    mask: crate::llo::M,
    on_true: Register,
    on_false: Register,
) -> Register {
    match (on_true, on_false) {
        (Register::Vector(x), Register::Vector(y)) => Register::Vector(b.vsel(mask, x, y)),
        (Register::Mask(x), Register::Mask(y)) => {
            let x = b.vmand(mask, x);
            let not = b.vmnot(mask);
            let y = b.vmand(not, y);
            Register::Mask(b.vmor(x, y))
        }
        _ => panic!("the arms of a select have one type: expressions are checked when made"),
    }
}
