//! Slices, concatenations and pads of arrays of rank 1, from any element on, of each other too.

use std::collections::BTreeMap;

use palmetto_kernels::splice::{Part, Source, Splice};

use super::{Choice, Kernel, Refusal, Region, copy_element};
use crate::hlo::{Instruction, InstructionId, Op};

/// Whether a region of one result does nothing but move neighbours of arrays of rank 1.
pub(super) fn is_in(region: &Region<'_>) -> bool {
    region.roots().len() == 1 && region.inside().all(|id| is_movement(region, id))
}

fn is_movement(region: &Region<'_>, id: InstructionId) -> bool {
    let instruction = region.instruction(id);
    let moves = match instruction.op() {
        Op::Slice { slice } => slice.iter().all(|slice| slice.stride == 1),
        Op::Pad { padding } => padding.iter().all(|padding| padding.interior == 0),
        Op::Concatenate { .. } => true,
        _ => false,
    };
    moves && instruction.array_shape().rank() == 1
}

/// The splice kernel of a region that [`is_in`] it.
pub(super) fn choose(region: &Region<'_>) -> Result<Choice, Refusal> {
    let root = region.roots()[0];
    let element_type = region.instruction(root).array_shape().element_type();
    let element = copy_element(element_type).ok_or(Refusal::Type(element_type))?;
    let mut splicer = Splicer { region, made: BTreeMap::new(), inputs: Vec::new(), fill: None };
    let parts = splicer.parts(root)?;
    let Splicer { inputs, fill, .. } = splicer;
    let fill = fill.map(|(argument, _)| argument);
    let name = region.name().to_owned();
    let spec = Splice { name, element, n_inputs: inputs.len(), fill, parts };
    spec.check()?;
    Ok(Choice { kernel: Kernel::Splice(spec), inputs })
}

struct Splicer<'r> {
    region: &'r Region<'r>,
    /// What arrays are made of that were asked for.
    made: BTreeMap<InstructionId, Vec<Part>>,
    /// The arrays of the kernel so far.
    inputs: Vec<InstructionId>,
    /// The argument that is padded with.
    fill: Option<(usize, InstructionId)>,
}

impl Splicer<'_> {
    /// What an array is made of.
    fn parts(&mut self, id: InstructionId) -> Result<Vec<Part>, Refusal> {
        if let Some(parts) = self.made.get(&id) {
            return Ok(parts.clone());
        }
        let instruction = self.region.instruction(id);
        let count = instruction.array_shape().element_count();
        let is_inside = self.region.inside().any(|inside| inside == id);
        let parts = if is_inside {
            self.moved(instruction, count)?
        } else {
            let source = Source::Line { argument: self.argument(id)?, first: 0 };
            vec![Part { source, count }]
        };
        if parts.len() > Splice::MOST_PARTS {
            return self.region.refuse(id, "a line of more than 1024 parts");
        }
        self.made.insert(id, parts.clone());
        Ok(parts)
    }

    /// What an instruction of the region makes, of so many elements.
    fn moved(&mut self, instruction: &Instruction, count: usize) -> Result<Vec<Part>, Refusal> {
        let operands = instruction.operands();
        match instruction.op() {
            Op::Slice { slice } => {
                let parts = self.parts(operands[0])?;
                Ok(cut(&parts, slice[0].start, slice[0].limit))
            }
            Op::Pad { padding } => {
                let of_operand = self.parts(operands[0])?;
                self.fill(operands[1])?;
                let [low, high] = [padding[0].low, padding[0].high];
                let filled = |size: i64| {
                    let count = usize::try_from(size).unwrap_or(0);
                    Part { source: Source::Fill, count }
                };
                let all = [&[filled(low)], of_operand.as_slice(), &[filled(high)]].concat();
                let start = usize::try_from(low.unsigned_abs()).expect("it is within an array");
                let start = if low < 0 { start } else { 0 };
                Ok(cut(&all, start, start + count))
            }
            _ => {
                let mut all = Vec::new();
                for operand in operands {
                    all.extend(self.parts(*operand)?);
                }
                Ok(all)
            }
        }
    }

    /// Makes `id` what is filled with.
    fn fill(&mut self, id: InstructionId) -> Result<(), Refusal> {
        if self.fill.is_some_and(|(_, other)| other != id) {
            return self.region.refuse(id, "pads with several values");
        }
        self.fill = Some((self.argument(id)?, id));
        Ok(())
    }

    /// The launch argument that is an array from outside. What is made of nothing becomes a part of
    /// the fusion, where it is no array.
    fn argument(&mut self, id: InstructionId) -> Result<usize, Refusal> {
        if self.region.inside().count() > 1 && self.region.contains(id) {
            return self.region.refuse(id, "values made of nothing in a fusion of movements");
        }
        let found = self.inputs.iter().position(|other| *other == id);
        Ok(found.unwrap_or_else(|| {
            self.inputs.push(id);
            self.inputs.len() - 1
        }))
    }
}

/// The elements of `parts` from `start` up to `limit`.
fn cut(parts: &[Part], start: usize, limit: usize) -> Vec<Part> {
    let mut before = 0;
    let of_part = |part: &Part| {
        let skipped = start.saturating_sub(before).min(part.count);
        let end = limit.saturating_sub(before).clamp(skipped, part.count);
        before += part.count;
        let source = match part.source {
            Source::Line { argument, first } => Source::Line { argument, first: first + skipped },
            Source::Fill => Source::Fill,
        };
        Part { source, count: end - skipped }
    };
    parts.iter().map(of_part).filter(|part| part.count > 0).collect()
}
