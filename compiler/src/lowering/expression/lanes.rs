//! Ops that move lanes: slices, concatenations, pads and reversals along the last dimension.

use palmetto_isa::memory::{LANES, SUBLANES};
use palmetto_kernels::{
    element::Element,
    expression::{Binary, Direction, NodeId, NodeOp},
};

use super::{Mapping, Refusal, Translator};
use crate::hlo::{Instruction, InstructionId, Op, PaddingDimension, SliceDimension};
use crate::lowering::is_lane_gather;

impl Translator<'_> {
    /// A slice, concatenation, pad or reversal along the lanes, and along them only.
    pub(super) fn moved_lanes(
        &mut self,
        id: InstructionId,
        mapping: &Mapping,
    ) -> Result<NodeId, Refusal> {
        let region = self.region;
        let instruction = region.instruction(id);
        let lane_axis = self.space.len().wrapping_sub(1);
        let has_lanes = !self.space.is_empty() && mapping.last() == Some(&lane_axis);
        if let Op::Pad { padding } = instruction.op()
            && has_lanes
            && self.fills_only(id, padding)
        {
            return self.filled(id, mapping);
        }
        if self.space.len() < 2 || !has_lanes {
            return region.refuse(id, "a movement within something that has no lanes");
        }
        match instruction.op() {
            Op::Slice { slice } => self.slice((id, instruction), slice, mapping),
            Op::Concatenate { dimension } if *dimension + 1 == mapping.len() => {
                self.concatenation((id, instruction), mapping)
            }
            Op::Concatenate { .. } => {
                region.refuse(id, "a concatenation along another dimension than the lanes")
            }
            Op::Pad { padding } => self.pad((id, instruction), padding, mapping),
            Op::Reverse { dimensions } => self.reversal((id, instruction), dimensions, mapping),
            op => {
                let element_type = instruction.array_shape().element_type();
                Err(Refusal::Op(op.opcode(), element_type))
            }
        }
    }

    /// A gather of lanes, row by row. Indices are clamped to the lanes that there are.
    pub(super) fn gathered_lanes(
        &mut self,
        id: InstructionId,
        mapping: &Mapping,
    ) -> Result<NodeId, Refusal> {
        let region = self.region;
        let instruction = region.instruction(id);
        let lane_axis = self.space.len().wrapping_sub(1);
        let has_lanes = self.space.len() > 1 && mapping.last() == Some(&lane_axis);
        if !has_lanes || !is_lane_gather(instruction) {
            return region.refuse(id, "a gather within something that has no lanes");
        }
        let lanes = self.lanes_of(instruction.operands()[0]);
        let Some(last) = lanes.checked_sub(1).and_then(offset) else {
            return region.refuse(id, "a gather of an array without elements");
        };
        let (element, of_index) = (region.element(id)?, region.element(instruction.operands()[1])?);
        if !matches!(of_index, Element::S32 | Element::U32) {
            return region.refuse(id, "a gather by indices that have not 32 bits");
        }
        let of = self.operand(id, 0, mapping)?;
        let mut index = self.operand(id, 1, mapping)?;
        let last = self.expression.add(NodeOp::Constant(last.cast_unsigned()), of_index);
        let zero = self.expression.add(NodeOp::Constant(0), of_index);
        for (op, limit) in [(Binary::Minimum, last), (Binary::Maximum, zero)] {
            index = self.expression.add(NodeOp::Binary(op, index, limit), of_index);
        }
        let columns = lanes.div_ceil(LANES);
        Ok(self.expression.add(NodeOp::LaneGather { of, index, columns }, element))
    }

    fn lanes_of(&self, id: InstructionId) -> usize {
        let dimensions = self.region.instruction(id).array_shape().dimensions();
        dimensions.last().copied().unwrap_or(1)
    }

    fn slice(
        &mut self,
        (id, instruction): (InstructionId, &Instruction),
        slice: &[SliceDimension],
        mapping: &Mapping,
    ) -> Result<NodeId, Refusal> {
        let region = self.region;
        let lane = mapping.len() - 1;
        let operand = region.instruction(instruction.operands()[0]).array_shape();
        let is_whole = |d: usize| {
            let all = operand.dimensions()[d];
            slice[d].start == 0 && slice[d].limit == all && slice[d].stride == 1
        };
        if !(0..lane).all(is_whole) {
            return region.refuse(id, "a slice of other dimensions than the lanes");
        }
        if slice[lane].stride != 1 && instruction.array_shape().dimensions()[lane] > 1 {
            return region.refuse(id, "a slice with steps along the lanes");
        }
        let by = offset(slice[lane].start);
        self.shifted((id, 0), by, mapping)
    }

    /// Operand `n`, moved by `by` lanes.
    fn shifted(
        &mut self,
        (id, n): (InstructionId, usize),
        by: Option<i32>,
        mapping: &Mapping,
    ) -> Result<NodeId, Refusal> {
        let operand = self.region.instruction(id).operands()[n];
        let columns = self.lanes_of(operand).div_ceil(LANES);
        let element = self.region.element(id)?;
        let of = self.operand(id, n, mapping)?;
        self.shift(id, (of, by, columns), element)
    }

    fn shift(
        &mut self,
        id: InstructionId,
        (of, by, columns): (NodeId, Option<i32>, usize),
        element: Element,
    ) -> Result<NodeId, Refusal> {
        match by {
            Some(0) => Ok(of),
            Some(by) => Ok(self.expression.add(NodeOp::Shift { of, by, columns }, element)),
            None => self.region.refuse(id, "a movement by more than 2^31 lanes"),
        }
    }

    fn concatenation(
        &mut self,
        (id, instruction): (InstructionId, &Instruction),
        mapping: &Mapping,
    ) -> Result<NodeId, Refusal> {
        let element = self.region.element(id)?;
        let mut pieces = Vec::new();
        let mut start = 0;
        for n in 0..instruction.operands().len() {
            let lanes = self.lanes_of(instruction.operands()[n]);
            if lanes > 0 {
                let by = offset(start).map(|by| -by);
                let piece = self.shifted((id, n), by, mapping)?;
                start += lanes;
                pieces.push((piece, start));
            }
        }
        Ok(self.expression.add(NodeOp::Join(pieces), element))
    }

    fn pad(
        &mut self,
        (id, instruction): (InstructionId, &Instruction),
        padding: &[PaddingDimension],
        mapping: &Mapping,
    ) -> Result<NodeId, Refusal> {
        let region = self.region;
        let lane = mapping.len() - 1;
        let element = region.element(id)?;
        let is_nothing = |p: &PaddingDimension| p.low == 0 && p.high == 0 && p.interior == 0;
        if !padding[..lane].iter().all(is_nothing) {
            return region.refuse(id, "a pad of other dimensions than the lanes");
        }
        let lanes = self.lanes_of(instruction.operands()[0]);
        if padding[lane].interior != 0 && lanes > 1 {
            return region.refuse(id, "a pad between the lanes");
        }
        let result = self.lanes_of(id);
        let value = self.operand(id, 1, &Vec::new())?;
        let low = padding[lane].low;
        let end = i64::try_from(lanes).ok().and_then(|lanes| low.checked_add(lanes));
        let (Ok(by), Some(end)) = (i32::try_from(low), end) else {
            return region.refuse(id, "a movement by more than 2^31 lanes");
        };
        let within = |lane: i64| usize::try_from(lane).unwrap_or(0).min(result);
        let (start, end) = (within(low), within(end));
        let mut pieces = Vec::new();
        if start > 0 {
            pieces.push((value, start));
        }
        if end > start {
            pieces.push((self.shifted((id, 0), by.checked_neg(), mapping)?, end));
        }
        if end < result {
            pieces.push((value, result));
        }
        Ok(self.expression.add(NodeOp::Join(pieces), element))
    }

    /// Whether a pad leaves every element where it is, and fills up the last column, or the last
    /// tile of an array of rank 1.
    fn fills_only(&self, id: InstructionId, padding: &[PaddingDimension]) -> bool {
        let from = self.lanes_of(self.region.instruction(id).operands()[0]);
        let unit = if padding.len() == 1 { SUBLANES * LANES } else { LANES };
        let [others @ .., last] = padding else { return false };
        let is_nothing = |p: &PaddingDimension| p.low == 0 && p.high == 0 && p.interior == 0;
        let stays = last.low == 0 && (last.interior == 0 || from == 1);
        let columns = [from, self.lanes_of(id)].map(|lanes| lanes.div_ceil(unit));
        stays && others.iter().all(is_nothing) && columns[0] == columns[1]
    }

    /// Operand 0 where it has lanes, and operand 1 behind.
    fn filled(&mut self, id: InstructionId, mapping: &Mapping) -> Result<NodeId, Refusal> {
        let operand = self.region.instruction(id).operands()[0];
        let element = self.region.element(id)?;
        let Some(end) = offset(self.lanes_of(operand)) else {
            return self.region.refuse(id, "a movement by more than 2^31 lanes");
        };
        let index = self.iota(Element::S32, self.space.len() - 1)?;
        let end = self.expression.add(NodeOp::Constant(end.cast_unsigned()), Element::S32);
        let is_inside = NodeOp::Compare(Direction::Lt, index, end);
        let predicate = self.expression.add(is_inside, Element::Pred);
        let on_true = self.operand(id, 0, mapping)?;
        let on_false = self.operand(id, 1, &Vec::new())?;
        Ok(self.expression.add(NodeOp::Select { predicate, on_true, on_false }, element))
    }

    fn reversal(
        &mut self,
        (id, instruction): (InstructionId, &Instruction),
        dimensions: &[usize],
        mapping: &Mapping,
    ) -> Result<NodeId, Refusal> {
        let element = self.region.element(id)?;
        if dimensions != [mapping.len() - 1] {
            return self.region.refuse(id, "a reversal of other dimensions than the lanes");
        }
        let lanes = self.lanes_of(instruction.operands()[0]);
        let columns = lanes.div_ceil(LANES);
        let of = self.operand(id, 0, mapping)?;
        let of = self.expression.add(NodeOp::Reverse { of, columns }, element);
        self.shift(id, (of, offset(columns * LANES - lanes), columns), element)
    }
}

fn offset(lanes: usize) -> Option<i32> {
    i32::try_from(lanes).ok()
}
