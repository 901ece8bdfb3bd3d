//! Functions and calls.

use std::collections::BTreeMap;

use super::body::Body;
use super::{Importer, attributes, composite, error, error_at, sharding, types};
use crate::frontend::source::{SourceError, SourceResult, Span, counted};
use crate::frontend::syntax::{
    Block, BlockArgument, FunctionType, NamedAttribute, Operation, Type,
};
use crate::hlo::{ComputationId, Extras, InstructionId, Op, Shape};

/// The body of a function; declarations have none.
pub(super) fn body(function: &Operation) -> Option<&Block> {
    match function.regions.as_slice() {
        [region] => match region.blocks.as_slice() {
            [block] => Some(block),
            _ => None,
        },
        _ => None,
    }
}

impl<'p> Importer<'p> {
    /// The functions that `entry` calls, directly or not, called ones first.
    pub(super) fn in_call_order(&self, entry: &'p Operation) -> SourceResult<Vec<&'p Operation>> {
        // True while a function's callees are being looked at.
        let mut open: BTreeMap<&str, bool> = BTreeMap::new();
        let mut order = Vec::new();
        let name = attributes::string(entry, "sym_name")?;
        open.insert(name, true);
        // A stack of my own: call chains may be longer than the host's stack.
        let mut stack = vec![(name, entry, self.callees(entry)?.into_iter())];
        while let Some((name, function, callees)) = stack.last_mut() {
            let Some((callee_name, call)) = callees.next() else {
                open.insert(name, false);
                order.push(*function);
                stack.pop();
                continue;
            };
            match open.get(callee_name) {
                Some(false) => {}
                Some(true) => {
                    let message = format!("@{callee_name} calls itself; recursion is unsupported");
                    return error(call, message);
                }
                None => {
                    let callee = self.function(callee_name, call)?;
                    open.insert(callee_name, true);
                    stack.push((callee_name, callee, self.callees(callee)?.into_iter()));
                }
            }
        }
        // The entry itself is imported as such.
        order.pop();
        Ok(order)
    }

    fn function(&self, name: &str, call: &Operation) -> SourceResult<&'p Operation> {
        self.functions
            .get(name)
            .copied()
            .ok_or_else(|| SourceError::new(call.span, format!("there is no function @{name}")))
    }

    /// The calls in a function, in the order of the text.
    fn callees(&self, function: &'p Operation) -> SourceResult<Vec<(&'p str, &'p Operation)>> {
        let mut callees = Vec::new();
        let mut blocks: Vec<&Block> = body(function).into_iter().collect();
        while let Some(block) = blocks.pop() {
            for operation in &block.operations {
                callees.extend(composite::callee(operation)?.map(|callee| (callee, operation)));
                blocks.extend(operation.regions.iter().flat_map(|region| &region.blocks));
            }
        }
        callees.sort_by_key(|(_, call)| call.span.start);
        Ok(callees)
    }

    /// Imports a function that others call.
    pub(super) fn import_function(&mut self, function: &'p Operation) -> SourceResult<()> {
        let id = self.import_body(function, false)?;
        self.computations.insert(attributes::string(function, "sym_name")?, id);
        Ok(())
    }

    /// Imports the function that the runtime calls.
    pub(super) fn import_entry(&mut self, function: &'p Operation) -> SourceResult<ComputationId> {
        self.import_body(function, true)
    }

    fn import_body(
        &mut self,
        function: &'p Operation,
        is_entry: bool,
    ) -> SourceResult<ComputationId> {
        let name = attributes::string(function, "sym_name")?;
        let Some(block) = body(function) else {
            let blocks: usize = function.regions.iter().map(|region| region.blocks.len()).sum();
            let found = counted(blocks, "block");
            return error(function, format!("@{name} has {found}; one is needed"));
        };
        let (declared, declared_at) = function_type(function)?;
        let argument_attributes = each_attributes(function, "arg_attrs")?;
        if is_entry {
            sharding::import_result_attributes(self, each_attributes(function, "res_attrs")?);
        }
        let shapes = argument_shapes(block)?;
        let takes = shapes_of(&declared.inputs, declared_at)?;
        if shapes != takes {
            let (takes, has) = (types::describe_list(&takes), types::describe_list(&shapes));
            let message = format!("@{name} takes {takes}, but its block has the arguments {has}");
            return error_at(declared_at, message);
        }
        let mut scope = Body::new(self, name);
        for ((index, argument), shape) in block.arguments.iter().enumerate().zip(shapes) {
            let none: &[NamedAttribute] = &[];
            let attributes = argument_attributes.get(index).copied().unwrap_or(none);
            let extras = Extras {
                name: Some(parameter_name(index, argument)),
                shape: Some(shape),
                ..sharding::extras_of(attributes)
            };
            let metadata = scope.importer.metadata(argument.location);
            let op = Op::Parameter { number: index };
            let id =
                scope.add_at(function, op, &[], Extras { metadata: Some(metadata), ..extras })?;
            scope.values.insert(argument.value, id);
        }
        let results = scope.import_block(block, function, "func.return")?;
        let expected = shapes_of(&declared.results, declared_at)?;
        scope.check_returned(block, &results, &expected, &format!("@{name}"))?;
        scope.set_results(function, &results)?;
        Ok(scope.id)
    }
}

/// The name that a parameter gets: what a person called it, but not what a printer did (`%arg0`).
fn parameter_name(index: usize, argument: &BlockArgument) -> String {
    let is_word = |name: &&str| {
        let rest = name.strip_prefix("arg").unwrap_or(name);
        let is_numbered = rest.bytes().all(|byte| byte.is_ascii_digit());
        let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        is_plain && !is_numbered && !name.starts_with(|first: char| first.is_ascii_digit())
    };
    match argument.name.as_deref().filter(is_word) {
        Some(name) => name.to_owned(),
        None => format!("Arg_{index}"),
    }
}

fn argument_shapes(block: &Block) -> SourceResult<Vec<Shape>> {
    block.arguments.iter().map(|each| types::shape(&each.value_type, each.span)).collect()
}

fn shapes_of(types: &[Type], span: Span) -> SourceResult<Vec<Shape>> {
    types.iter().map(|each| types::shape(each, span)).collect()
}

/// The type of a function, and where it is written.
fn function_type(function: &Operation) -> SourceResult<(&FunctionType, Span)> {
    let attribute = attributes::required(function, "function_type")?;
    let function_type = attribute.value.as_function_type().ok_or_else(|| {
        let message = "the attribute 'function_type' has to be a function type";
        SourceError::new(attribute.span, message)
    })?;
    Ok((function_type, attribute.span))
}

/// The dictionaries of `arg_attrs` or `res_attrs`.
fn each_attributes<'p>(
    function: &'p Operation,
    name: &str,
) -> SourceResult<Vec<&'p [NamedAttribute]>> {
    let Some(attribute) = function.attribute(name) else { return Ok(Vec::new()) };
    let wrong =
        || SourceError::new(attribute.span, format!("'{name}' has to be a list of dictionaries"));
    let each = attribute.value.as_array().ok_or_else(wrong)?;
    each.iter().map(|each| each.as_dictionary().ok_or_else(wrong)).collect()
}

/// `call`.
pub(super) fn call(
    body: &mut Body<'_, '_>,
    operation: &Operation,
) -> SourceResult<Vec<InstructionId>> {
    call_function(body, operation, attributes::string(operation, "callee")?)
}

/// A call of the function `callee` with the operands of an operation.
pub(super) fn call_function(
    body: &mut Body<'_, '_>,
    operation: &Operation,
    callee: &str,
) -> SourceResult<Vec<InstructionId>> {
    let operands = body.operands(operation)?;
    let Some(&to_apply) = body.importer.computations.get(callee) else {
        return error(operation, format!("there is no function @{callee}"));
    };
    let op = Op::Call { to_apply };
    if operation.results.len() == 1 {
        return Ok(vec![body.add_result(operation, op, &operands)?]);
    }
    let tuple = body.add_with(operation, op, &operands, sharding::extras(operation))?;
    body.elements(operation, tuple)
}
