//! HLO instructions as the [`Expression`] of a kernel.
//!
//! Every value is seen through a *mapping*: which axis of the kernel's iteration space each of its
//! dimensions is. The mapping of a root is the identity; a broadcast keeps the mapped dimensions, a
//! reduction over the lanes adds the lane axis. A value that is needed through two mappings becomes
//! two nodes.

mod lanes;

use std::collections::BTreeMap;

use palmetto_kernels::{
    element::{Class, Element},
    expression::{Axis, Binary, Direction, Expression, NodeId, NodeOp, Reducer, Unary},
};

use super::{Refusal, Region, reducer_of};
use crate::hlo::{
    ArrayLiteral, ComparisonDirection, ComparisonType, ComputationId, InstructionId, Literal,
    Module, Op, Opcode,
};

/// The axis of the iteration space that each dimension is.
pub(super) type Mapping = Vec<usize>;

/// Something from outside: its node refers to it as `NodeOp::Input`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leaf {
    /// The instruction.
    pub(super) id: InstructionId,
    /// How it lies in the iteration space.
    pub(super) mapping: Mapping,
}

/// Builds the expression of a region.
pub(super) struct Translator<'r> {
    region: &'r Region<'r>,
    /// Dimensions of the iteration space.
    space: Vec<usize>,
    /// Instructions that are taken as inputs although the region computes them.
    cuts: Vec<InstructionId>,
    pub(super) expression: Expression,
    pub(super) leaves: Vec<Leaf>,
    nodes: BTreeMap<(InstructionId, Mapping), NodeId>,
}

impl<'r> Translator<'r> {
    pub(super) fn new(region: &'r Region<'r>, space: &[usize], cuts: &[InstructionId]) -> Self {
        Self {
            region,
            space: space.to_vec(),
            cuts: cuts.to_vec(),
            expression: Expression::default(),
            leaves: Vec::new(),
            nodes: BTreeMap::new(),
        }
    }

    /// The node of a root, whose dimensions are those of the space.
    pub(super) fn root(&mut self, id: InstructionId) -> Result<NodeId, Refusal> {
        let mapping: Mapping = (0..self.space.len()).collect();
        self.value(id, &mapping)
    }

    /// The node of a scalar.
    pub(super) fn scalar(&mut self, id: InstructionId) -> Result<NodeId, Refusal> {
        self.value(id, &Vec::new())
    }

    /// Makes the dot `id` input 0: f32 sums, rounded to its type.
    pub(super) fn accumulator(&mut self, id: InstructionId) -> Result<(), Refusal> {
        let mapping: Mapping = (0..self.space.len()).collect();
        let element = self.region.element(id)?;
        self.leaves.push(Leaf { id, mapping: mapping.clone() });
        let mut node = self.expression.add(NodeOp::Input(0), Element::F32);
        if element != Element::F32 {
            node = self.expression.add(NodeOp::Unary(Unary::Convert, node), element);
        }
        self.nodes.insert((id, mapping), node);
        Ok(())
    }

    /// Makes the instruction an input, in this order, whether or not it is needed.
    pub(super) fn leaf(&mut self, id: InstructionId, mapping: &[usize]) -> Result<NodeId, Refusal> {
        let leaf = Leaf { id, mapping: mapping.to_vec() };
        let element = self.region.element(id)?;
        let index = self.leaves.iter().position(|other| *other == leaf).unwrap_or_else(|| {
            self.leaves.push(leaf);
            self.leaves.len() - 1
        });
        Ok(self.expression.add(NodeOp::Input(index), element))
    }

    fn value(&mut self, id: InstructionId, mapping: &Mapping) -> Result<NodeId, Refusal> {
        let key = (id, mapping.clone());
        if let Some(node) = self.nodes.get(&key) {
            return Ok(*node);
        }
        let is_leaf = !self.region.contains(id) || self.cuts.contains(&id);
        let node = if is_leaf { self.leaf(id, mapping)? } else { self.instruction(id, mapping)? };
        self.nodes.insert(key, node);
        Ok(node)
    }

    fn operand(
        &mut self,
        id: InstructionId,
        n: usize,
        mapping: &Mapping,
    ) -> Result<NodeId, Refusal> {
        let operand = self.region.instruction(id).operands()[n];
        self.value(operand, mapping)
    }

    /// An operand that has the dimensions of the result, or none.
    fn operand_or_scalar(
        &mut self,
        id: InstructionId,
        n: usize,
        mapping: &Mapping,
    ) -> Result<NodeId, Refusal> {
        let operand = self.region.instruction(id).operands()[n];
        let is_scalar = self.region.instruction(operand).array_shape().is_scalar();
        self.value(operand, &if is_scalar { Vec::new() } else { mapping.clone() })
    }

    fn instruction(&mut self, id: InstructionId, mapping: &Mapping) -> Result<NodeId, Refusal> {
        let region = self.region;
        let instruction = region.instruction(id);
        let element = region.element(id)?;
        let op = match instruction.op() {
            Op::Constant { literal } => NodeOp::Constant(constant_bits(literal, element)),
            Op::Iota { iota_dimension } => return self.iota(element, mapping[*iota_dimension]),
            Op::Broadcast { dimensions } => {
                let inner = dimensions.iter().map(|dimension| mapping[*dimension]).collect();
                return self.operand(id, 0, &inner);
            }
            Op::Copy => return self.operand(id, 0, mapping),
            Op::Compare { direction, comparison_type } => {
                let mut x = self.operand(id, 0, mapping)?;
                let mut y = self.operand(id, 1, mapping)?;
                let is_float = self.expression.node(x).element.class() == Class::Float;
                if *comparison_type == ComparisonType::TotalOrder && is_float {
                    (x, y) = (self.in_total_order(x), self.in_total_order(y));
                }
                NodeOp::Compare(direction_of(*direction), x, y)
            }
            Op::Select => NodeOp::Select {
                predicate: self.operand_or_scalar(id, 0, mapping)?,
                on_true: self.operand(id, 1, mapping)?,
                on_false: self.operand(id, 2, mapping)?,
            },
            Op::Clamp => {
                let low = self.operand_or_scalar(id, 0, mapping)?;
                let x = self.operand(id, 1, mapping)?;
                let high = self.operand_or_scalar(id, 2, mapping)?;
                let above = NodeOp::Binary(Binary::Maximum, x, low);
                let above = self.expression.add(above, element);
                NodeOp::Binary(Binary::Minimum, above, high)
            }
            Op::Reduce { .. } => return self.reduce(id, mapping),
            Op::Slice { .. } | Op::Concatenate { .. } | Op::Pad { .. } | Op::Reverse { .. } => {
                return self.moved_lanes(id, mapping);
            }
            Op::Gather { .. } => return self.gathered_lanes(id, mapping),
            _ => return self.arithmetic(id, mapping),
        };
        Ok(self.expression.add(op, element))
    }

    /// The integer that is as far up among the integers as a float is in the total order: its bits,
    /// with all but the sign inverted if it is negative.
    fn in_total_order(&mut self, float: NodeId) -> NodeId {
        let mut add = |op| self.expression.add(op, Element::S32);
        let bits = add(NodeOp::Unary(Unary::Bitcast, float));
        let (amount, magnitude) = (add(NodeOp::Constant(31)), add(NodeOp::Constant(0x7fff_ffff)));
        let sign = add(NodeOp::Binary(Binary::ShiftRightArithmetic, bits, amount));
        let inverted = add(NodeOp::Binary(Binary::And, sign, magnitude));
        add(NodeOp::Binary(Binary::Xor, bits, inverted))
    }

    fn arithmetic(&mut self, id: InstructionId, mapping: &Mapping) -> Result<NodeId, Refusal> {
        let instruction = self.region.instruction(id);
        let element = self.region.element(id)?;
        let operand_type = match instruction.operands().first() {
            Some(operand) => self.region.instruction(*operand).array_shape().element_type(),
            None => instruction.array_shape().element_type(),
        };
        let refusal = Refusal::Op(instruction.opcode(), operand_type);
        let of = match instruction.operands().first() {
            Some(operand) => self.region.element(*operand)?,
            None => element,
        };
        let op = if let Some(op) = unary_of(instruction.opcode(), of, element) {
            NodeOp::Unary(op, self.operand(id, 0, mapping)?)
        } else if let Some(op) = binary_of(instruction.opcode(), of) {
            NodeOp::Binary(op, self.operand(id, 0, mapping)?, self.operand(id, 1, mapping)?)
        } else {
            return Err(refusal);
        };
        Ok(self.expression.add(op, element))
    }

    /// The index along an axis; a space of one dimension is laid out as rows of 128 lanes.
    fn iota(&mut self, element: Element, axis: usize) -> Result<NodeId, Refusal> {
        let rank = self.space.len();
        if rank > 1 {
            return Ok(self.expression.add(NodeOp::Iota(axis_of(axis, rank)), element));
        }
        let row = self.expression.add(NodeOp::Iota(Axis::Row), Element::S32);
        let lanes = self.expression.add(NodeOp::Constant(128), Element::S32);
        let first = NodeOp::Binary(Binary::Multiply, row, lanes);
        let first = self.expression.add(first, Element::S32);
        let lane = self.expression.add(NodeOp::Iota(Axis::Lane), Element::S32);
        let index = NodeOp::Binary(Binary::Add, first, lane);
        let index = self.expression.add(index, Element::S32);
        if element == Element::S32 {
            return Ok(index);
        }
        Ok(self.expression.add(NodeOp::Unary(Unary::Convert, index), element))
    }

    fn reduce(&mut self, id: InstructionId, mapping: &Mapping) -> Result<NodeId, Refusal> {
        let region = self.region;
        let instruction = region.instruction(id);
        let Op::Reduce { dimensions, to_apply } = instruction.op() else {
            return region.refuse(id, "a reduction of another kind");
        };
        let &[operand, initial] = instruction.operands() else {
            return region.refuse(id, "a reduction of several arrays");
        };
        let lane_axis = self.space.len().wrapping_sub(1);
        let rank = region.instruction(operand).array_shape().rank();
        if self.space.len() < 2 || *dimensions != [rank - 1] || mapping.contains(&lane_axis) {
            return region.refuse(id, "a reduction over other dimensions than the lanes");
        }
        let lanes = region.instruction(operand).array_shape().dimensions()[rank - 1];
        if lanes != self.space[lane_axis] {
            return region.refuse(id, "a reduction over another number of lanes");
        }
        let element = region.element(id)?;
        let Some((reducer, combine)) = reducer_for(region.module(), *to_apply, element) else {
            return region.refuse(id, "a reduction with another computation");
        };
        if element.class() == Class::Mask {
            return region.refuse(id, "a reduction of predicates");
        }
        let mut inner = mapping.clone();
        inner.push(lane_axis);
        let value = self.value(operand, &inner)?;
        let reduced = self.expression.add(NodeOp::RowReduce(reducer, value), element);
        if is_identity(region, initial, reducer) {
            return Ok(reduced);
        }
        let initial = self.value(initial, &Vec::new())?;
        Ok(self.expression.add(NodeOp::Binary(combine, reduced, initial), element))
    }
}

/// The axis with this number in a space of `rank` (at least 2) dimensions.
fn axis_of(axis: usize, rank: usize) -> Axis {
    match rank - axis {
        1 => Axis::Lane,
        2 => Axis::Row,
        _ => Axis::Major(axis),
    }
}

/// What a computation does to two elements, and the same as an op.
pub(super) fn reducer_for(
    module: &Module,
    computation: ComputationId,
    element: Element,
) -> Option<(Reducer, Binary)> {
    let is_mask = element.class() == Class::Mask;
    let is_float = element.class() == Class::Float;
    match reducer_of(module, computation)? {
        // Predicates are numbers below 2, and their sum is at most 1.
        Opcode::Add if is_mask => Some((Reducer::Or, Binary::Or)),
        Opcode::Multiply if is_mask => Some((Reducer::And, Binary::And)),
        Opcode::Add => Some((Reducer::Add, Binary::Add)),
        Opcode::Multiply => Some((Reducer::Multiply, Binary::Multiply)),
        Opcode::Maximum => Some((Reducer::Max, Binary::Maximum)),
        Opcode::Minimum => Some((Reducer::Min, Binary::Minimum)),
        Opcode::And if !is_float => Some((Reducer::And, Binary::And)),
        Opcode::Or if !is_float => Some((Reducer::Or, Binary::Or)),
        Opcode::Xor if !is_float => Some((Reducer::Xor, Binary::Xor)),
        _ => None,
    }
}

/// Whether combining with the constant `id` changes nothing.
#[expect(clippy::float_cmp, reason = "the identities are exact")]
pub(super) fn is_identity(region: &Region<'_>, id: InstructionId, reducer: Reducer) -> bool {
    let Op::Constant { literal: Literal::Array(value) } = region.instruction(id).op() else {
        return false;
    };
    let value = value.get_f64(0);
    let is_float = region.element(id).is_ok_and(|element| element.class() == Class::Float);
    let is_mask = region.element(id).is_ok_and(|element| element.class() == Class::Mask);
    match reducer {
        Reducer::Add | Reducer::Or | Reducer::Xor => value == 0.0,
        Reducer::Multiply => value == 1.0,
        Reducer::And | Reducer::Min if is_mask => value == 1.0,
        Reducer::Max if is_mask => value == 0.0,
        Reducer::And => value == -1.0,
        Reducer::Max => is_float && value == f64::NEG_INFINITY,
        Reducer::Min => is_float && value == f64::INFINITY,
    }
}

/// The bits of a constant as a register holds them.
fn constant_bits(literal: &Literal, element: Element) -> u32 {
    let array: &ArrayLiteral = literal.as_array().expect("a generator is an array");
    match element.class() {
        #[expect(clippy::cast_possible_truncation, reason = "narrow floats are exact in f32")]
        Class::Float => (array.get_f64(0) as f32).to_bits(),
        Class::Mask => u32::from(array.bits(0) != 0),
        Class::Signed | Class::Unsigned => {
            let value = array.get_i64(0).expect("an integer constant");
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "wraps")]
            let bits = value as u32;
            bits
        }
    }
}

fn direction_of(direction: ComparisonDirection) -> Direction {
    match direction {
        ComparisonDirection::Eq => Direction::Eq,
        ComparisonDirection::Ne => Direction::Ne,
        ComparisonDirection::Ge => Direction::Ge,
        ComparisonDirection::Gt => Direction::Gt,
        ComparisonDirection::Le => Direction::Le,
        ComparisonDirection::Lt => Direction::Lt,
    }
}

fn unary_of(opcode: Opcode, of: Element, to: Element) -> Option<Unary> {
    let is_float = of.class() == Class::Float;
    let is_number = of.class() != Class::Mask;
    let (op, is_there) = match opcode {
        Opcode::Abs => (Unary::Abs, is_number),
        Opcode::Cbrt => (Unary::Cbrt, is_float),
        Opcode::Ceil => (Unary::Ceil, is_float),
        Opcode::Cosine => (Unary::Cosine, is_float),
        Opcode::CountLeadingZeros => (Unary::CountLeadingZeros, is_number && !is_float),
        Opcode::Exponential => (Unary::Exponential, is_float),
        Opcode::ExponentialMinusOne => (Unary::ExponentialMinusOne, is_float),
        Opcode::Floor => (Unary::Floor, is_float),
        Opcode::IsFinite => (Unary::IsFinite, is_float),
        Opcode::Log => (Unary::Log, is_float),
        Opcode::LogPlusOne => (Unary::LogPlusOne, is_float),
        Opcode::Logistic => (Unary::Logistic, is_float),
        Opcode::Negate => (Unary::Negate, is_number),
        Opcode::Not => (Unary::Not, !is_float),
        Opcode::Popcnt => (Unary::Popcnt, is_number && !is_float),
        Opcode::RoundNearestAfz => (Unary::RoundNearestAfz, is_float),
        Opcode::RoundNearestEven => (Unary::RoundNearestEven, is_float),
        Opcode::Rsqrt => (Unary::Rsqrt, is_float),
        Opcode::Sign => (Unary::Sign, is_number),
        Opcode::Sine => (Unary::Sine, is_float),
        Opcode::Sqrt => (Unary::Sqrt, is_float),
        Opcode::Tan => (Unary::Tan, is_float),
        Opcode::Tanh => (Unary::Tanh, is_float),
        Opcode::Convert => (Unary::Convert, true),
        Opcode::BitcastConvert => {
            (Unary::Bitcast, is_number && of.packing() == 1 && to.packing() == 1)
        }
        _ => return None,
    };
    is_there.then_some(op)
}

fn binary_of(opcode: Opcode, of: Element) -> Option<Binary> {
    let is_float = of.class() == Class::Float;
    let is_mask = of.class() == Class::Mask;
    let is_integer = !is_float && !is_mask;
    let (op, is_there) = match opcode {
        Opcode::Add => (Binary::Add, true),
        Opcode::And => (Binary::And, !is_float),
        Opcode::Atan2 => (Binary::Atan2, is_float),
        Opcode::Divide => (Binary::Divide, !is_mask),
        Opcode::Maximum => (Binary::Maximum, true),
        Opcode::Minimum => (Binary::Minimum, true),
        Opcode::Multiply => (Binary::Multiply, true),
        Opcode::Or => (Binary::Or, !is_float),
        Opcode::Power => (Binary::Power, !is_mask),
        Opcode::Remainder => (Binary::Remainder, is_integer),
        Opcode::ShiftLeft => (Binary::ShiftLeft, is_integer),
        Opcode::ShiftRightArithmetic => (Binary::ShiftRightArithmetic, is_integer),
        Opcode::ShiftRightLogical => (Binary::ShiftRightLogical, is_integer),
        Opcode::Subtract => (Binary::Subtract, !is_mask),
        Opcode::Xor => (Binary::Xor, !is_float),
        _ => return None,
    };
    is_there.then_some(op)
}
