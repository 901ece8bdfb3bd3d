//! The second reading: from text structure to a module, through the builder.

use std::collections::BTreeMap;

use super::scanner::Scanner;
use super::{ComputationText, Header, InstructionText, Signature, string_map};
use crate::diagnostic::Diagnostic;
use crate::hlo::attribute::AttributeSource;
use crate::hlo::builder::{Extras, ModuleBuilder};
use crate::hlo::computation::{Computation, ComputationId};
use crate::hlo::infer::agree;
use crate::hlo::instruction::{InstructionId, Metadata, ShardingText};
use crate::hlo::module::Module;
use crate::hlo::opcode::Op;
use crate::hlo::shape::{ArrayShape, Shape};

/// The module that the texts describe.
pub(super) fn build(
    scanner: &Scanner<'_>,
    header: Header<'_>,
    texts: &[ComputationText<'_>],
) -> Result<Module, Diagnostic> {
    let mut builder = ModuleBuilder::new(header.name);
    let mut ids = BTreeMap::new();
    for text in texts {
        if ids.contains_key(text.name) {
            let message = format!("there are two computations `{}`", text.name);
            return Err(scanner.error_at(text.span.clone(), message));
        }
        ids.insert(text.name, builder.add_computation_exactly(text.name));
    }
    let mut parsed = Vec::with_capacity(texts.len());
    for text in texts {
        parsed.push(instructions(scanner, text, &ids)?);
    }
    for n in call_order(scanner, texts, &parsed)? {
        let id = ids[texts[n].name];
        let instructions = std::mem::take(&mut parsed[n]);
        build_computation(scanner, &mut builder, id, &texts[n], instructions)?;
    }
    for (key, value) in &header.frontend_attributes {
        builder.set_frontend_attribute(key, value);
    }
    builder.set_aliases(header.aliases);
    let entry = entry(scanner, texts)?;
    let id = ids[entry.name];
    if let Some((signature, span)) = header.entry_layout {
        let computation = builder.module().computation(id);
        require_signature(computation, &signature)
            .map_err(|message| scanner.error_at(span, message))?;
    }
    builder.finish(id).map_err(|error| Diagnostic::new(error.to_string()))
}

/// The entry: the one marked `ENTRY`, or the only one.
fn entry<'t, 'a>(
    scanner: &Scanner<'_>,
    texts: &'t [ComputationText<'a>],
) -> Result<&'t ComputationText<'a>, Diagnostic> {
    let mut marked = texts.iter().filter(|text| text.is_entry);
    match (marked.next(), marked.next(), texts) {
        (Some(_), Some(second), _) => {
            let message = "a module has one ENTRY computation, this is the second";
            Err(scanner.error_at(second.span.clone(), message))
        }
        (Some(entry), None, _) | (None, None, [entry]) => Ok(entry),
        (None, _, _) => {
            let at = scanner.position();
            Err(scanner.error_at(at..at, "no computation is marked ENTRY"))
        }
    }
}

/// An instruction whose attributes have been read.
struct Parsed {
    op: Op,
    extras: Extras,
}

fn instructions(
    scanner: &Scanner<'_>,
    text: &ComputationText<'_>,
    ids: &BTreeMap<&str, ComputationId>,
) -> Result<Vec<Parsed>, Diagnostic> {
    let mut shapes: BTreeMap<&str, &Shape> = BTreeMap::new();
    let mut parsed = Vec::with_capacity(text.instructions.len());
    for instruction in &text.instructions {
        let first = instruction.operands.first();
        let shape = first.and_then(|(name, _)| shapes.get(name)?.as_array());
        let mut source = AttributeSource {
            scanner,
            values: instruction.attributes.clone(),
            argument: instruction.argument.clone(),
            place: instruction.opcode_span.clone(),
            shape: &instruction.shape,
            operand_type: shape.map(ArrayShape::element_type),
            computations: ids,
        };
        let op = Op::parse_attributes(instruction.opcode, &mut source)?;
        let metadata = source.optional("metadata", metadata)?;
        let sharding = source.optional("sharding", |scanner| {
            let text = scanner.rest().trim().strip_prefix('{');
            let text = text.and_then(|text| text.strip_suffix('}'));
            let text = text.ok_or_else(|| scanner.expected("`{`"))?.to_owned();
            scanner.skip_value()?;
            Ok(ShardingText(text))
        })?;
        let frontend_attributes = source.optional("frontend_attributes", string_map)?;
        if let Some((key, (span, _))) = source.values.first_key_value() {
            let message = format!("`{key}` is no attribute of {}", instruction.opcode);
            return Err(scanner.error_at(span.clone(), message));
        }
        let extras = Extras {
            name: Some(instruction.name.to_owned()),
            shape: Some(instruction.shape.clone()),
            metadata,
            sharding,
            frontend_attributes: frontend_attributes.unwrap_or_default(),
        };
        shapes.insert(instruction.name, &instruction.shape);
        parsed.push(Parsed { op, extras });
    }
    Ok(parsed)
}

/// `{op_name="..." source_line=3}`; keys that are not kept are skipped.
fn metadata(scanner: &mut Scanner<'_>) -> Result<Metadata, Diagnostic> {
    let mut metadata = Metadata::default();
    scanner.expect("{")?;
    while !scanner.eat("}")? {
        scanner.eat(",")?;
        let (key, _) = scanner.word("a metadata key or `}`")?;
        scanner.expect("=")?;
        match key {
            "op_name" => metadata.op_name = Some(scanner.string()?),
            "source_file" => metadata.source_file = Some(scanner.string()?),
            "source_line" => metadata.source_line = Some(scanner.integer("line number")?),
            "source_column" => metadata.source_column = Some(scanner.integer("column number")?),
            _ => {
                scanner.skip_value()?;
            }
        }
    }
    Ok(metadata)
}

/// The positions of the computations, called ones before their callers.
fn call_order(
    scanner: &Scanner<'_>,
    texts: &[ComputationText<'_>],
    parsed: &[Vec<Parsed>],
) -> Result<Vec<usize>, Diagnostic> {
    // Ids were given out in the order of the texts.
    let called = |n: usize| -> Vec<usize> {
        let ops = parsed[n].iter().flat_map(|parsed| parsed.op.called_computations());
        ops.map(ComputationId::index).collect()
    };
    let (mut state, mut order) = (vec![Visit::New; texts.len()], Vec::new());
    for start in 0..texts.len() {
        let mut stack = vec![(start, called(start).into_iter())];
        if state[start] != Visit::New {
            continue;
        }
        state[start] = Visit::Open;
        while let Some((n, rest)) = stack.last_mut() {
            let Some(next) = rest.next() else {
                state[*n] = Visit::Done;
                order.push(*n);
                stack.pop();
                continue;
            };
            match state[next] {
                Visit::Done => {}
                Visit::New => {
                    state[next] = Visit::Open;
                    stack.push((next, called(next).into_iter()));
                }
                Visit::Open => {
                    let text = &texts[next];
                    let message = format!("the computation `{}` calls itself", text.name);
                    return Err(scanner.error_at(text.span.clone(), message));
                }
            }
        }
    }
    Ok(order)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Visit {
    New,
    Open,
    Done,
}

fn build_computation(
    scanner: &Scanner<'_>,
    builder: &mut ModuleBuilder,
    id: ComputationId,
    text: &ComputationText<'_>,
    parsed: Vec<Parsed>,
) -> Result<(), Diagnostic> {
    let mut values: BTreeMap<&str, InstructionId> = BTreeMap::new();
    let mut items: Vec<_> = text.instructions.iter().zip(parsed).collect();
    // Parameters may be written in any order; the builder takes them by number.
    let written: Vec<&str> = items.iter().map(|(text, _)| text.name).collect();
    let number = |op: &Op| if let Op::Parameter { number } = op { *number } else { usize::MAX };
    items.sort_by_key(|(_, parsed)| number(&parsed.op));
    for (instruction, Parsed { op, extras }) in items {
        let operands = operands(scanner, instruction, &values)?;
        let added = builder.computation(id).add_exactly(op, &operands, extras);
        let value = added.map_err(|error| {
            scanner
                .error_at(instruction.opcode_span.clone(), error.to_string())
                .with_code("hlo-type")
        })?;
        if values.insert(instruction.name, value).is_some() {
            let message = format!("there are two instructions `{}`", instruction.name);
            return Err(scanner.error_at(instruction.span.clone(), message));
        }
    }
    let order: Vec<InstructionId> = written.iter().map(|name| values[name]).collect();
    let mut roots = text.instructions.iter().filter(|instruction| instruction.is_root);
    let root = roots.next().map(|root| values[root.name]).or(order.last().copied());
    if let Some(second) = roots.next() {
        let message = "a computation has one ROOT, this is the second";
        return Err(scanner.error_at(second.span.clone(), message));
    }
    let Some(root) = root else {
        let message = format!("the computation `{}` has no instructions", text.name);
        return Err(scanner.error_at(text.span.clone(), message));
    };
    builder.computation(id).set_root_and_order(root, order);
    if let Some(signature) = &text.signature {
        require_signature(builder.module().computation(id), signature)
            .map_err(|message| scanner.error_at(text.span.clone(), message))?;
    }
    Ok(())
}

fn operands(
    scanner: &Scanner<'_>,
    instruction: &InstructionText<'_>,
    values: &BTreeMap<&str, InstructionId>,
) -> Result<Vec<InstructionId>, Diagnostic> {
    let operands = instruction.operands.iter().map(|(name, span)| {
        values.get(name).copied().ok_or_else(|| {
            let message = format!("there is no instruction `{name}` before this one");
            scanner.error_at(span.clone(), message)
        })
    });
    operands.collect()
}

/// The stated signature agrees with the instructions?
fn require_signature(computation: &Computation, signature: &Signature) -> Result<(), String> {
    let Some(program) = computation.program_shape() else { return Ok(()) };
    let Signature { parameters, result } = signature;
    let fits = parameters.len() == program.parameters.len()
        && parameters.iter().zip(&program.parameters).all(|(a, b)| agree(a, b).is_some())
        && agree(result, &program.result).is_some();
    if fits { Ok(()) } else { Err(format!("the instructions make this a computation {program}")) }
}
