//! One computation under construction.

use std::collections::BTreeMap;

use super::types::{self, describe};
use super::{Importer, error, error_at, sharding, table};
use crate::frontend::source::{SourceError, SourceResult, Span, counted};
use crate::frontend::syntax::{Block, Operation, Region, Type, ValueId};
use crate::hlo::{ArrayShape, ComputationBuilder, ComputationId, Extras, InstructionId, Op, Shape};

/// A computation, and the instructions of the values that it can see.
pub(super) struct Body<'i, 'p> {
    pub(super) importer: &'i mut Importer<'p>,
    pub(super) id: ComputationId,
    pub(super) values: BTreeMap<ValueId, InstructionId>,
}

impl<'i, 'p> Body<'i, 'p> {
    /// A new, empty computation.
    pub(super) fn new(importer: &'i mut Importer<'p>, name: &str) -> Self {
        let id = importer.builder.add_computation(name);
        Self { importer, id, values: BTreeMap::new() }
    }

    pub(super) fn builder(&mut self) -> ComputationBuilder<'_> {
        self.importer.builder.computation(self.id)
    }

    /// The shape of an instruction.
    pub(super) fn shape(&mut self, id: InstructionId) -> Shape {
        self.builder().shape(id).clone()
    }

    /// The shape of an operand that has to be an array.
    pub(super) fn array(
        &mut self,
        operation: &Operation,
        id: InstructionId,
    ) -> SourceResult<ArrayShape> {
        match self.shape(id) {
            Shape::Array(array) => Ok(array),
            tuple @ Shape::Tuple(_) => error(
                operation,
                format!("{} takes tensors, found {}", operation.name, describe(&tuple)),
            ),
        }
    }

    // Operands and results of the operation.

    /// Every operand.
    pub(super) fn operands(&self, operation: &Operation) -> SourceResult<Vec<InstructionId>> {
        operation
            .operands
            .iter()
            .map(|operand| {
                self.values.get(&operand.value).copied().ok_or_else(|| {
                    // Captures are made visible before a region is imported.
                    SourceError::new(operand.span, "this value is not visible here")
                })
            })
            .collect()
    }

    /// The operands of an operation that takes exactly `N`.
    pub(super) fn exactly<const N: usize>(
        &self,
        operation: &Operation,
    ) -> SourceResult<[InstructionId; N]> {
        let given = operation.operands.len();
        <[InstructionId; N]>::try_from(self.operands(operation)?).or_else(|_| {
            let takes = counted(N, "operand");
            let message = format!("{} takes {takes}, found {given}", operation.name);
            error(operation, message)
        })
    }

    /// The declared type of the only result.
    pub(super) fn result_type<'o>(&self, operation: &'o Operation) -> SourceResult<&'o Type> {
        match operation.result_types.as_slice() {
            [only] => Ok(only),
            types => {
                error(operation, format!("{} has 1 result, found {}", operation.name, types.len()))
            }
        }
    }

    /// The declared shape of the only result.
    pub(super) fn result_shape(&self, operation: &Operation) -> SourceResult<Shape> {
        types::shape(self.result_type(operation)?, operation.span)
    }

    /// The declared shape of the only result, an array.
    pub(super) fn result_array(&self, operation: &Operation) -> SourceResult<ArrayShape> {
        let declared = self.result_type(operation)?;
        if let Type::Tensor(tensor) = declared {
            return types::array_shape(tensor, operation.span);
        }
        error(operation, format!("{} gives a tensor, found {declared}", operation.name))
    }

    // Instructions.

    /// Adds a helping instruction, whose shape follows from the operands.
    pub(super) fn add(
        &mut self,
        operation: &Operation,
        op: Op,
        operands: &[InstructionId],
    ) -> SourceResult<InstructionId> {
        self.add_with(operation, op, operands, Extras::default())
    }

    /// Adds a helping instruction of a stated shape.
    pub(super) fn add_shaped(
        &mut self,
        operation: &Operation,
        op: Op,
        operands: &[InstructionId],
        shape: Shape,
    ) -> SourceResult<InstructionId> {
        self.add_with(operation, op, operands, Extras { shape: Some(shape), ..Extras::default() })
    }

    /// Adds the instruction that gives the operation's only result: its shape has to be the
    /// declared one, and it gets the operation's shardings.
    pub(super) fn add_result(
        &mut self,
        operation: &Operation,
        op: Op,
        operands: &[InstructionId],
    ) -> SourceResult<InstructionId> {
        let declared = self.result_shape(operation)?;
        let mut extras = sharding::extras(operation);
        // The element type of sums of products is the program's choice.
        let sums_products = matches!(op, Op::Dot { .. } | Op::Convolution { .. });
        if op.opcode().declares_shape() || sums_products {
            extras.shape = Some(declared.clone());
        }
        let id = self.add_with(operation, op, operands, extras)?;
        self.check_type(operation, &declared, id)?;
        Ok(id)
    }

    pub(super) fn add_with(
        &mut self,
        operation: &Operation,
        op: Op,
        operands: &[InstructionId],
        extras: Extras,
    ) -> SourceResult<InstructionId> {
        let metadata = Some(self.importer.metadata(operation.location));
        self.add_at(operation, op, operands, Extras { metadata, ..extras })
    }

    /// The same with metadata of its own.
    pub(super) fn add_at(
        &mut self,
        operation: &Operation,
        op: Op,
        operands: &[InstructionId],
        extras: Extras,
    ) -> SourceResult<InstructionId> {
        self.builder().add_with(op, operands, extras).map_err(|error| {
            let (message, constraint) = (error.message(), error.constraint());
            let message = format!("{message} [{constraint}]");
            // Some messages name the operation themselves.
            let prefix = if message.starts_with(&operation.name) {
                String::new()
            } else {
                format!("{}: ", operation.name)
            };
            SourceError::new(operation.span, prefix + &message)
        })
    }

    /// An error unless the instruction has the declared shape.
    pub(super) fn check_type(
        &mut self,
        operation: &Operation,
        declared: &Shape,
        id: InstructionId,
    ) -> SourceResult<()> {
        let inferred = self.shape(id);
        if inferred.same_but_layout(declared) {
            return Ok(());
        }
        error(
            operation,
            format!(
                "{} is declared to give {}, but gives {}",
                operation.name,
                describe(declared),
                describe(&inferred),
            ),
        )
    }

    /// The elements of a tuple whose declared types are the operation's results.
    pub(super) fn elements(
        &mut self,
        operation: &Operation,
        tuple: InstructionId,
    ) -> SourceResult<Vec<InstructionId>> {
        let mut elements = Vec::new();
        for (index, declared) in operation.result_types.iter().enumerate() {
            let op = Op::GetTupleElement { index };
            let element = self.add(operation, op, &[tuple])?;
            let declared = types::shape(declared, operation.span)?;
            self.check_type(operation, &declared, element)?;
            elements.push(element);
        }
        Ok(elements)
    }

    // Blocks.

    /// The parameters of a block's arguments, each a parameter of the computation.
    pub(super) fn add_parameters(&mut self, block: &Block) -> SourceResult<()> {
        for argument in &block.arguments {
            let shape = types::shape(&argument.value_type, argument.span)?;
            let id = self.builder().parameter(shape, "Arg");
            self.values.insert(argument.value, id);
        }
        Ok(())
    }

    /// Imports a block up to its terminator and gives what that returns.
    pub(super) fn import_block(
        &mut self,
        block: &'p Block,
        owner: &Operation,
        terminator: &str,
    ) -> SourceResult<Vec<InstructionId>> {
        let Some((last, operations)) = block.operations.split_last() else {
            return error(owner, format!("this block of {} has no {terminator}", owner.name));
        };
        for operation in operations {
            self.import_operation(operation)?;
        }
        if last.name != terminator {
            let message = format!("found {}, expected {terminator} at the end", last.name);
            return error_at(last.span, message);
        }
        self.operands(last)
    }

    /// An error at the end of a block unless it gives values of these shapes.
    pub(super) fn check_returned(
        &mut self,
        block: &Block,
        results: &[InstructionId],
        expected: &[Shape],
        who: &str,
    ) -> SourceResult<()> {
        let given: Vec<Shape> = results.iter().map(|&id| self.shape(id)).collect();
        if given == expected {
            return Ok(());
        }
        let span = block.operations.last().map_or_else(Span::default, |last| last.span);
        let (given, expected) = (types::describe_list(&given), types::describe_list(expected));
        error_at(span, format!("{who} has to give {expected}, but gives {given}"))
    }

    fn import_operation(&mut self, operation: &'p Operation) -> SourceResult<()> {
        let results = table::import(self, operation)
            .map_err(|error| error.with_origin(|| self.importer.origin(operation.location)))?;
        let declared = operation.results.len();
        if results.len() != declared {
            let gives = counted(results.len(), "result");
            let message = format!("{} has {gives}, found {declared}", operation.name);
            return error(operation, message);
        }
        self.values.extend(operation.results.iter().copied().zip(results));
        Ok(())
    }

    /// Makes `results` what the computation gives: a single one as it is, others as a tuple.
    pub(super) fn set_results(
        &mut self,
        owner: &Operation,
        results: &[InstructionId],
    ) -> SourceResult<()> {
        let root = match results {
            [single] => *single,
            several => self.add(owner, Op::Tuple, several)?,
        };
        self.builder().set_root(root);
        Ok(())
    }
}

/// The block of a region that has to have exactly one.
pub(super) fn only_block<'p>(operation: &Operation, region: &'p Region) -> SourceResult<&'p Block> {
    match region.blocks.as_slice() {
        [only] => Ok(only),
        blocks => error_at(
            region.span,
            format!("a region of {} has one block, found {}", operation.name, blocks.len()),
        ),
    }
}

/// The regions of an operation that has exactly `N`.
pub(super) fn only_blocks<const N: usize>(operation: &Operation) -> SourceResult<[&Block; N]> {
    let given = operation.regions.len();
    let blocks = operation.regions.iter().map(|region| only_block(operation, region));
    <[&Block; N]>::try_from(blocks.collect::<SourceResult<Vec<_>>>()?).or_else(|_| {
        let has = counted(N, "region");
        error(operation, format!("{} has {has}, found {given}", operation.name))
    })
}
