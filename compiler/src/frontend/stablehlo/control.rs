//! Loops, branches and barriers.

use std::collections::{BTreeMap, BTreeSet};

use super::body::{Body, only_block, only_blocks};
use super::{error, error_at, sharding, types};
use crate::frontend::source::{SourceResult, Span, counted};
use crate::frontend::syntax::{Block, Operation, ValueId};
use crate::hlo::{ComputationId, ElementType, InstructionId, Literal, Op, Shape};

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
    pub(super) fn tuple_parameter(
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

/// The computation of a region that uses nothing but constants from outside.
pub(super) fn closed_region<'p>(
    body: &mut Body<'_, 'p>,
    operation: &'p Operation,
    block: &'p Block,
    name: &str,
) -> SourceResult<ComputationId> {
    let captures = captures(body, operation, block)?;
    if let Some(&(value, _)) = captures.carried.first() {
        let (what, span) = (&operation.name, first_use(block, value));
        let message = format!("{what}: its region may use only constants from outside, not this");
        return error_at(span.unwrap_or(operation.span), message);
    }
    let mut region = Body::new(body.importer, name);
    region.add_parameters(block)?;
    region.repeat_constants(operation, captures.constants)?;
    let results = region.import_block(block, operation, "stablehlo.return")?;
    region.set_results(operation, &results)?;
    Ok(region.id)
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
    let region = LoopRegion { operation, shapes: &shapes, captured: &captured, n_declared };
    let step_constants = constants.pop().unwrap_or_default();
    let condition_constants = constants.pop().unwrap_or_default();
    let condition = region.import_condition(body, condition, condition_constants)?;
    let step = region.import_body(body, step, step_constants)?;
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
    /// The condition gives a truth value.
    fn import_condition(
        &self,
        outer: &mut Body<'_, 'p>,
        block: &'p Block,
        constants: Vec<(ValueId, Literal)>,
    ) -> SourceResult<ComputationId> {
        let (mut region, _) = self.open(outer, block, "condition", constants)?;
        let results = region.import_block(block, self.operation, "stablehlo.return")?;
        let truth = Shape::scalar(ElementType::Pred);
        region.check_returned(block, &results, &[truth], "the condition")?;
        region.set_results(self.operation, &results)?;
        Ok(region.id)
    }

    /// The body gives the next state.
    fn import_body(
        &self,
        outer: &mut Body<'_, 'p>,
        block: &'p Block,
        constants: Vec<(ValueId, Literal)>,
    ) -> SourceResult<ComputationId> {
        let (mut region, captured) = self.open(outer, block, "body", constants)?;
        let mut results = region.import_block(block, self.operation, "stablehlo.return")?;
        let declared = &self.shapes[..self.n_declared];
        region.check_returned(block, &results, declared, "the body")?;
        results.extend(captured);
        let root = region.add(self.operation, Op::Tuple, &results)?;
        region.builder().set_root(root);
        Ok(region.id)
    }

    /// A computation of the state that sees what the block may use, and the elements of the
    /// state that are captured values.
    fn open<'o>(
        &self,
        outer: &'o mut Body<'_, 'p>,
        block: &Block,
        name: &str,
        constants: Vec<(ValueId, Literal)>,
    ) -> SourceResult<(Body<'o, 'p>, Vec<InstructionId>)> {
        let mut region = Body::new(outer.importer, name);
        let mut declared = region.tuple_parameter(self.operation, self.shapes)?;
        let captured = declared.split_off(self.n_declared);
        if block.arguments.len() != declared.len() {
            let (takes, given) = (counted(declared.len(), "argument"), block.arguments.len());
            return error(self.operation, format!("the {name} takes {takes}, found {given}"));
        }
        for (argument, id) in block.arguments.iter().zip(declared) {
            let shape = types::shape(&argument.value_type, argument.span)?;
            region.check_type(self.operation, &shape, id)?;
            region.values.insert(argument.value, id);
        }
        region.values.extend(self.captured.iter().copied().zip(captured.iter().copied()));
        region.repeat_constants(self.operation, constants)?;
        Ok((region, captured))
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
    let declared = operation.result_types.iter().map(|each| types::shape(each, operation.span));
    let declared = declared.collect::<SourceResult<Vec<Shape>>>()?;
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
        branch.check_returned(block, &results, &declared, "this branch")?;
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
