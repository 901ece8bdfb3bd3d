//! What is carried through the network, and how elements are compared by it.
//!
//! Most comparators compute something of the one element, the same of the other, and compare the
//! two. What they compute of one element is computed once, and carried as a *key*.

use std::collections::BTreeMap;

use super::{Comparator, Operand};
use crate::{
    element::{Class, Element},
    expression::{Direction, Emitter, Expression, Node, NodeId, NodeOp, Place, Register, Values},
    llo::{Builder, M, V},
    operand::int,
};

/// A register of each column: elements at the same places.
pub(super) type Registers = Vec<V>;

/// What is carried: operands, keys, and the position if no operand is it.
#[derive(Debug)]
pub(super) struct Order {
    /// The types of the columns.
    pub(super) columns: Vec<Element>,
    /// Which column is the position.
    pub(super) position: usize,
    /// What keys are, of input `2 i` for operand `i`; nodes of the comparator.
    keys: Vec<NodeId>,
    comparison: Comparison,
    /// Elements of a series, if that is no power of two.
    length: Option<usize>,
}

/// How two elements are compared.
#[derive(Debug)]
enum Comparison {
    /// By the integers in a column: those that come first are low, or high.
    Column { column: usize, descends: bool },
    /// By an expression: input `2 i` is column `i` of the one, input `2 i + 1` that of the other.
    Expression { expression: Expression, is_before: NodeId },
}

impl Order {
    pub(super) fn new(
        operands: &[Operand],
        comparator: &Comparator,
        length: Option<usize>,
    ) -> Self {
        let mut columns: Vec<Element> = operands.iter().map(|operand| operand.element()).collect();
        let (keys, expression, is_before) = split(comparator, operands.len());
        let elements = keys.iter().map(|key| comparator.expression.node(*key).element);
        columns.extend(elements);
        let is_position = |operand: &Operand| matches!(operand, Operand::Position(_));
        let position = operands.iter().position(is_position).unwrap_or_else(|| {
            columns.push(Element::S32);
            columns.len() - 1
        });
        let comparison = by_column(&expression, is_before, &columns)
            .unwrap_or(Comparison::Expression { expression, is_before });
        Self { columns, position, keys, comparison, length }
    }

    /// The columns of elements with these operands and positions. `operands` has registers for the
    /// position where an operand is it.
    pub(super) fn complete(
        &self,
        b: &mut Builder,
        comparator: &Comparator,
        (operands, position): (&[V], V),
    ) -> Registers {
        let mut registers = operands.to_vec();
        let words = operands.iter().zip(&self.columns);
        let inputs = words.map(|(word, element)| Register::from_word(b, *word, *element));
        let inputs: Vec<Register> = inputs.flat_map(|input| [input, input]).collect();
        let mut site = Values(inputs);
        let mut emitter = Emitter::new(&comparator.expression, &site);
        for key in &self.keys {
            let value = emitter.emit(b, &mut site, *key, Place { row: 0, column: 0 });
            registers.push(value.word(b));
        }
        if registers.len() < self.columns.len() {
            registers.push(position);
        }
        if let (Comparison::Column { column, descends }, Some(length)) =
            (&self.comparison, self.length)
        {
            // What is beyond the end comes after all others, even if they are equal.
            let last = last_of(self.columns[*column], *descends);
            let (last, length) = (b.i32(last), b.i32(int(length)));
            let is_there = b.vcmp_lt_s32(position, length);
            registers[*column] = b.vsel(is_there, registers[*column], last);
        }
        registers
    }

    /// Whether `x` comes before `y`: for each two elements exactly one does.
    pub(super) fn is_before(&self, b: &mut Builder, x: &[V], y: &[V]) -> M {
        let (before, after) = (x[self.position], y[self.position]);
        let was_before = b.vcmp_lt_s32(before, after);
        let (expression, is_before) = match &self.comparison {
            Comparison::Column { column, descends } => {
                let (low, high) =
                    if *descends { (y[*column], x[*column]) } else { (x[*column], y[*column]) };
                let is_less = match self.columns[*column].class() {
                    Class::Unsigned => b.vcmp_lt_u32(low, high),
                    Class::Signed | Class::Float | Class::Mask => b.vcmp_lt_s32(low, high),
                };
                let is_equal = b.vcmp_eq_s32(low, high);
                let is_first = b.vmand(is_equal, was_before);
                return b.vmor(is_less, is_first);
            }
            Comparison::Expression { expression, is_before } => (expression, *is_before),
        };
        let mut one = self.predicate(b, (expression, is_before), x, y);
        let mut other = self.predicate(b, (expression, is_before), y, x);
        if let Some(length) = self.length {
            let length = b.i32(int(length));
            let x_is_there = b.vcmp_lt_s32(before, length);
            let y_is_there = b.vcmp_lt_s32(after, length);
            one = with_end(b, one, [x_is_there, y_is_there]);
            other = with_end(b, other, [y_is_there, x_is_there]);
        }
        // Where both are claimed, or none, they are equal.
        let is_clear = b.vmxor(one, other);
        let is_equal = b.vmnot(is_clear);
        let clearly = b.vmand(is_clear, one);
        let by_position = b.vmand(is_equal, was_before);
        b.vmor(clearly, by_position)
    }

    fn predicate(
        &self,
        b: &mut Builder,
        (expression, node): (&Expression, NodeId),
        x: &[V],
        y: &[V],
    ) -> M {
        let mut inputs = Vec::new();
        for ((x, y), element) in x.iter().zip(y).zip(&self.columns) {
            inputs.extend([
                Register::from_word(b, *x, *element),
                Register::from_word(b, *y, *element),
            ]);
        }
        let mut site = Values(inputs);
        let mut emitter = Emitter::new(expression, &site);
        emitter.emit(b, &mut site, node, Place { row: 0, column: 0 }).mask()
    }
}

/// Whether `x` comes before `y`, given whether each of them is there and what is said of two that
/// are.
fn with_end(b: &mut Builder, is_before: M, [x_is_there, y_is_there]: [M; 2]) -> M {
    let y_is_beyond = b.vmnot(y_is_there);
    let is_before = b.vmor(is_before, y_is_beyond);
    b.vmand(is_before, x_is_there)
}

/// The integer of a type that comes last.
fn last_of(element: Element, descends: bool) -> i32 {
    match (element.class(), descends) {
        (Class::Unsigned, true) => 0,
        (Class::Unsigned, false) => -1,
        (_, true) => i32::MIN,
        (_, false) => i32::MAX,
    }
}

/// The comparison of one column as integers, if the predicate is that.
fn by_column(expression: &Expression, node: NodeId, columns: &[Element]) -> Option<Comparison> {
    let NodeOp::Compare(direction, x, y) = expression.node(node).op else { return None };
    let input = |id: NodeId| match expression.node(id).op {
        NodeOp::Input(input) => Some(input),
        _ => None,
    };
    let (x, y) = (input(x)?, input(y)?);
    let descends = match (direction, x % 2) {
        (Direction::Lt, 0) | (Direction::Gt, 1) => false,
        (Direction::Gt, 0) | (Direction::Lt, 1) => true,
        _ => return None,
    };
    let column = x / 2;
    let is_integer = matches!(columns[column].class(), Class::Signed | Class::Unsigned);
    (x != y && y / 2 == column && is_integer).then_some(Comparison::Column { column, descends })
}

/// The keys of a comparator, as its nodes for the one element, and its predicate as an expression
/// over the operands and, after them, the keys. No keys if the two elements are not treated alike.
fn split(comparator: &Comparator, n_operands: usize) -> (Vec<NodeId>, Expression, NodeId) {
    let Comparator { expression, is_before } = comparator;
    let sides = sides(expression);
    let mut mirror = Mirror { expression: expression.clone(), nodes: BTreeMap::new() };
    let is_key = |id: &NodeId, side| {
        sides[id.0] == side && !matches!(expression.node(*id).op, NodeOp::Input(_))
    };
    // What is computed of one element and used with what is not.
    let mut keys: BTreeMap<NodeId, NodeId> = BTreeMap::new();
    let mut ones: Vec<NodeId> = Vec::new();
    let mut is_symmetric = true;
    for id in expression.reachable(&[*is_before]) {
        if sides[id.0] != Side::Both {
            continue;
        }
        for operand in expression.operands(id) {
            if is_key(&operand, Side::One) {
                keys.insert(operand, mirror.of(operand));
                ones.push(operand);
            }
        }
    }
    ones.sort();
    ones.dedup();
    for id in expression.reachable(&[*is_before]) {
        if sides[id.0] == Side::Both {
            let operands = expression.operands(id);
            let mut others = operands.iter().filter(|operand| is_key(operand, Side::Other));
            is_symmetric &= others.all(|other| keys.values().any(|mirrored| mirrored == other));
        }
    }
    if !is_symmetric {
        return (Vec::new(), expression.clone(), *is_before);
    }
    let mut made = Expression::default();
    let mut nodes: BTreeMap<NodeId, NodeId> = BTreeMap::new();
    for (n, one) in ones.iter().enumerate() {
        let element = expression.node(*one).element;
        let input = 2 * (n_operands + n);
        nodes.insert(*one, made.add(NodeOp::Input(input), element));
        nodes.insert(keys[one], made.add(NodeOp::Input(input + 1), element));
    }
    let root = copy(expression, *is_before, &mut made, &mut nodes);
    (ones, made, root)
}

/// What a node is computed of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Neither,
    One,
    Other,
    Both,
}

fn sides(expression: &Expression) -> Vec<Side> {
    let mut sides: Vec<Side> = Vec::new();
    for (id, node) in expression.nodes() {
        let own = match node.op {
            NodeOp::Input(input) if input % 2 == 0 => Side::One,
            NodeOp::Input(_) => Side::Other,
            _ => Side::Neither,
        };
        let operands = expression.operands(id);
        let side = operands.iter().fold(own, |side, operand| match (side, sides[operand.0]) {
            (Side::Neither, other) | (other, Side::Neither) => other,
            (one, other) if one == other => one,
            _ => Side::Both,
        });
        sides.push(side);
    }
    sides
}

/// Nodes with the two elements exchanged, in an expression that has the original ones too: a node
/// that was there is found again.
struct Mirror {
    expression: Expression,
    nodes: BTreeMap<NodeId, NodeId>,
}

impl Mirror {
    /// The mirror of a node; operands come before their users, so this is a walk from the first.
    fn of(&mut self, id: NodeId) -> NodeId {
        for inner in self.expression.reachable(&[id]) {
            if self.nodes.contains_key(&inner) {
                continue;
            }
            let Node { op, element } = self.expression.node(inner).clone();
            let op = match op {
                NodeOp::Input(input) => NodeOp::Input(input ^ 1),
                op => op.with_operands(|operand| self.nodes[&operand]),
            };
            let mirrored = self.expression.add(op, element);
            self.nodes.insert(inner, mirrored);
        }
        self.nodes[&id]
    }
}

/// Copies what `node` needs, but for what is in `nodes` already.
fn copy(
    from: &Expression,
    node: NodeId,
    to: &mut Expression,
    nodes: &mut BTreeMap<NodeId, NodeId>,
) -> NodeId {
    let (mut open, mut needed) = (vec![node], std::collections::BTreeSet::new());
    while let Some(id) = open.pop() {
        if !nodes.contains_key(&id) && needed.insert(id) {
            open.extend(from.operands(id));
        }
    }
    for id in needed {
        let Node { op, element } = from.node(id).clone();
        let made = to.add(op.with_operands(|operand| nodes[&operand]), element);
        nodes.insert(id, made);
    }
    nodes[&node]
}
