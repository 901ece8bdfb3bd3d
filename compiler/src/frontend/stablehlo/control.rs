//! Loops, branches and barriers.

use std::collections::{BTreeMap, BTreeSet};

use super::body::{Body, only_block, only_blocks};
use super::types::{self, describe};
use super::{error, error_at, sharding};
use crate::frontend::source::{SourceResult, Span};
use crate::frontend::syntax::{Block, Operation, ValueId};
use crate::hlo::{ComputationId, InstructionId, Literal, Op, Shape};

/// What a region uses from outside, in the order of definition.
#[derive(Default)]
pub(super) struct Captures {
    /// Constants of one element, which are repeated in the region.
    pub(super) constants: Vec<(ValueId, Literal)>,
    /// Everything else.
    pub(super) carried: Vec<(ValueId, InstructionId)>,
}

/// What a block uses from outside.
pub(super) fn captures(
    body: &mut Body<'_, '_>,
    operation: &Operation,
    block: &Block,
) -> SourceResult<Captures> {
    let mut captures = Captures::default();
    for value in free_values(block) {
        let Some(&id) = body.values.get(&value) else {
            let span = first_use(block, value).unwrap_or(operation.span);
            return error_at(span, "this value is not visible here");
        };
        let builder = body.builder();
        if let Op::Constant { literal } = builder.computation().instruction(id).op()
            && is_single(literal)
        {
            captures.constants.push((value, literal.clone()));
        } else {
            captures.carried.push((value, id));
        }
    }
    Ok(captures)
}

fn is_single(literal: &Literal) -> bool {
    literal.as_array().is_ok_and(|array| array.element_count() == 1)
}

/// The values that are used in a block, or in regions inside, and not defined there.
fn free_values(block: &Block) -> BTreeSet<ValueId> {
    let (mut used, mut defined) = (BTreeSet::new(), BTreeSet::new());
    let mut blocks = vec![block];
    while let Some(block) = blocks.pop() {
        defined.extend(block.arguments.iter().map(|argument| argument.value));
        for operation in &block.operations {
            used.extend(operation.operands.iter().map(|operand| operand.value));
            defined.extend(&operation.results);
            blocks.extend(operation.regions.iter().flat_map(|region| &region.blocks));
        }
    }
    used.difference(&defined).copied().collect()
}

/// The first place in a block where a value is used.
pub(super) fn first_use(block: &Block, value: ValueId) -> Option<Span> {
    let mut found: Option<Span> = None;
    let mut blocks = vec![block];
    while let Some(block) = blocks.pop() {
        for operation in &block.operations {
            let uses = operation.operands.iter().filter(|operand| operand.value == value);
            found = found.into_iter().chain(uses.map(|o| o.span)).min_by_key(|span| span.start);
            blocks.extend(operation.regions.iter().flat_map(|region| &region.blocks));
        }
    }
    found
}

impl Body<'_, '_> {
    /// Defines captured constants in this computation.
    pub(super) fn repeat_constants(
        &mut self,
        operation: &Operation,
        constants: Vec<(ValueId, Literal)>,
    ) -> SourceResult<()> {
        for (value, literal) in constants {
            let id = self.add(operation, Op::Constant { literal }, &[])?;
            self.values.insert(value, id);
        }
        Ok(())
    }

    /// Adds a parameter that is a tuple, and gives its elements.
    fn tuple_parameter(
        &mut self,
        operation: &Operation,
        shapes: &[Shape],
    ) -> SourceResult<Vec<InstructionId>> {
        let tuple = self.builder().parameter(Shape::Tuple(shapes.to_vec()), "Arg");
        (0..shapes.len())
            .map(|index| self.add(operation, Op::GetTupleElement { index }, &[tuple]))
            .collect()
    }
}

/// `while`. The state is a tuple: the operands, then what condition and body capture.
pub(super) fn while_loop<'p>(
    body: &mut Body<'_, 'p>,
    operation: &'p Operation,
) -> SourceResult<Vec<InstructionId>> {
    let mut state = body.operands(operation)?;
    let [condition, step] = only_blocks(operation)?;
    let mut carried = BTreeMap::new();
    let mut constants = Vec::new();
    for block in [condition, step] {
        let captures = captures(body, operation, block)?;
        carried.extend(captures.carried);
        constants.push(captures.constants);
    }
    let n_declared = state.len();
    state.extend(carried.values());
    let shapes: Vec<Shape> = state.iter().map(|&id| body.shape(id)).collect();
    let captured: Vec<ValueId> = carried.into_keys().collect();
    let mut region = LoopRegion { operation, shapes: &shapes, captured: &captured, n_declared };
    let step_constants = constants.pop().unwrap_or_default();
    let condition_constants = constants.pop().unwrap_or_default();
    let condition = region.import(body, condition, "condition", condition_constants)?;
    let step = region.import(body, step, "body", step_constants)?;
    let init = body.add(operation, Op::Tuple, &state)?;
    let extras = sharding::extras(operation);
    let op = Op::While { condition, body: step };
    let tuple = body.add_with(operation, op, &[init], extras)?;
    body.elements(operation, tuple)
}

/// What both regions of a loop have in common.
struct LoopRegion<'a, 'p> {
    operation: &'p Operation,
    /// The shapes of the state.
    shapes: &'a [Shape],
    /// The values behind the declared ones.
    captured: &'a [ValueId],
    /// How many elements of the state are the operation's operands.
    n_declared: usize,
}

impl<'p> LoopRegion<'_, 'p> {
    fn import(
        &mut self,
        outer: &mut Body<'_, 'p>,
        block: &'p Block,
        name: &str,
        constants: Vec<(ValueId, Literal)>,
    ) -> SourceResult<ComputationId> {
        let operation = self.operation;
        let mut region = Body::new(outer.importer, name);
        let state = region.tuple_parameter(operation, self.shapes)?;
        let (declared, captured) = state.split_at(self.n_declared);
        if block.arguments.len() != declared.len() {
            let (given, expected) = (block.arguments.len(), declared.len());
            let message = format!("the {name} takes {expected} arguments, found {given}");
            return error(operation, message);
        }
        for (argument, &id) in block.arguments.iter().zip(declared) {
            let shape = types::shape(&argument.value_type, operation.span)?;
            region.check_type(operation, &shape, id)?;
            region.values.insert(argument.value, id);
        }
        region.values.extend(self.captured.iter().copied().zip(captured.iter().copied()));
        region.repeat_constants(operation, constants)?;
        let mut results = region.import_block(block, operation, "stablehlo.return")?;
        if name == "condition" {
            region.set_results(operation, &results)?;
            return Ok(region.id);
        }
        self.check_results(&mut region, block, &results)?;
        results.extend(captured);
        let root = region.add(operation, Op::Tuple, &results)?;
        region.builder().set_root(root);
        Ok(region.id)
    }

    /// The body has to give the next state.
    fn check_results(
        &self,
        region: &mut Body<'_, 'p>,
        block: &Block,
        results: &[InstructionId],
    ) -> SourceResult<()> {
        let span = block.operations.last().map_or(self.operation.span, |last| last.span);
        let given: Vec<Shape> = results.iter().map(|&id| region.shape(id)).collect();
        let expected = &self.shapes[..self.n_declared];
        if given == expected {
            return Ok(());
        }
        let list = |shapes: &[Shape]| shapes.iter().map(describe).collect::<Vec<_>>().join(", ");
        let (given, expected) = (list(&given), list(expected));
        error_at(span, format!("the body gives ({given}), but its loop carries ({expected})"))
    }
}

/// `if`: a conditional with a predicate, the true branch first.
pub(super) fn if_else<'p>(
    body: &mut Body<'_, 'p>,
    operation: &'p Operation,
) -> SourceResult<Vec<InstructionId>> {
    let [predicate] = body.exactly(operation)?;
    let blocks: [&Block; 2] = only_blocks(operation)?;
    conditional(body, operation, predicate, &blocks)
}

/// `case`: a conditional with an index.
pub(super) fn case<'p>(
    body: &mut Body<'_, 'p>,
    operation: &'p Operation,
) -> SourceResult<Vec<InstructionId>> {
    let [index] = body.exactly(operation)?;
    let blocks = operation.regions.iter().map(|region| only_block(operation, region));
    let blocks = blocks.collect::<SourceResult<Vec<_>>>()?;
    conditional(body, operation, index, &blocks)
}

/// A branch takes a tuple of what it captures.
fn conditional<'p>(
    body: &mut Body<'_, 'p>,
    operation: &'p Operation,
    selector: InstructionId,
    blocks: &[&'p Block],
) -> SourceResult<Vec<InstructionId>> {
    let mut operands = vec![selector];
    let mut branch_computations = Vec::new();
    for (index, block) in blocks.iter().enumerate() {
        if !block.arguments.is_empty() {
            return error(
                operation,
                format!("the regions of {} take no arguments", operation.name),
            );
        }
        let Captures { constants, carried } = captures(body, operation, block)?;
        let (values, ids): (Vec<ValueId>, Vec<InstructionId>) = carried.into_iter().unzip();
        operands.push(body.add(operation, Op::Tuple, &ids)?);
        let shapes: Vec<Shape> = ids.iter().map(|&id| body.shape(id)).collect();
        let mut branch = Body::new(body.importer, &format!("branch_{index}"));
        let elements = branch.tuple_parameter(operation, &shapes)?;
        branch.values.extend(values.into_iter().zip(elements));
        branch.repeat_constants(operation, constants)?;
        let results = branch.import_block(block, operation, "stablehlo.return")?;
        branch.set_results(operation, &results)?;
        branch_computations.push(branch.id);
    }
    let op = Op::Conditional { branch_computations };
    if operation.results.len() == 1 {
        return Ok(vec![body.add_result(operation, op, &operands)?]);
    }
    let tuple = body.add_with(operation, op, &operands, sharding::extras(operation))?;
    body.elements(operation, tuple)
}

/// `optimization_barrier`: one for all operands.
pub(super) fn optimization_barrier(
    body: &mut Body<'_, '_>,
    operation: &Operation,
) -> SourceResult<Vec<InstructionId>> {
    let operands = body.operands(operation)?;
    if operands.len() != operation.results.len() {
        let (given, results) = (operands.len(), operation.results.len());
        let message = format!("{} has {given} operands and {results} results", operation.name);
        return error(operation, message);
    }
    if let [_] = operands[..] {
        return Ok(vec![body.add_result(operation, Op::OptBarrier, &operands)?]);
    }
    let tuple = body.add(operation, Op::Tuple, &operands)?;
    let barrier = body.add(operation, Op::OptBarrier, &[tuple])?;
    body.elements(operation, barrier)
}
