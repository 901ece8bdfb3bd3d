//! HLO to text, in XLA's syntax.
//!
//! The text is complete: parsing it gives the same module. Computations come before their callers
//! and instructions before their users, otherwise in listing order, so that printing what was
//! parsed changes nothing.

pub(crate) mod literal;

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use super::computation::{Computation, ComputationId};
use super::instruction::{Instruction, InstructionId, Metadata, ShardingText};
use super::module::{Module, legal_name};
use super::opcode::Op;

pub use literal::{element_text, literal_element_text};

/// The text of a module.
pub fn print_module(module: &Module) -> String {
    let mut text = format!("HloModule {}", module.name());
    if !module.frontend_attributes().is_empty() {
        let attributes = frontend_attributes(module.frontend_attributes());
        text.push_str(&format!(", {attributes}"));
    }
    let entry = module.entry.and_then(|entry| module.get(entry));
    let root = entry.and_then(|entry| Some(entry.instruction(entry.root?)));
    let root_is_tuple = root.is_some_and(|root| root.shape().as_array().is_none());
    text.push_str(&module.aliases().text(root_is_tuple));
    text.push('\n');
    for id in module.post_order() {
        text.push('\n');
        text.push_str(&print_computation(module, id));
    }
    text
}

/// The text of one computation.
pub fn print_computation(module: &Module, id: ComputationId) -> String {
    let computation = module.computation(id);
    let entry = if module.entry == Some(id) { "ENTRY " } else { "" };
    let parameters: Vec<String> = computation
        .parameters()
        .iter()
        .map(|&id| computation.instruction(id))
        .map(|parameter| format!("{}: {}", parameter.name(), parameter.shape()))
        .collect();
    let result = computation.root.map(|root| computation.instruction(root).shape().to_string());
    let mut text = format!(
        "{entry}%{} ({}) -> {} {{\n",
        computation.name(),
        parameters.join(", "),
        result.unwrap_or_else(|| "()".to_owned()),
    );
    for id in computation.post_order() {
        let root = if computation.root == Some(id) { "ROOT " } else { "" };
        text.push_str(&format!("  {root}{}\n", instruction_text(module, computation, id)));
    }
    text.push_str("}\n");
    text
}

/// The text of one instruction.
pub fn print_instruction(module: &Module, computation: ComputationId, id: InstructionId) -> String {
    instruction_text(module, module.computation(computation), id)
}

fn instruction_text(module: &Module, computation: &Computation, id: InstructionId) -> String {
    let instruction = computation.instruction(id);
    let Instruction { op, operands, shape, name, .. } = instruction;
    let arguments = if let Op::Parameter { number } = op {
        number.to_string()
    } else if let Op::Constant { literal } = op {
        literal.to_string()
    } else {
        let names = operands.iter().map(|&operand| match computation.get(operand) {
            Some(operand) => format!("%{}", operand.name()),
            None => format!("%removed{operand:?}"),
        });
        names.collect::<Vec<_>>().join(", ")
    };
    let mut printer = AttributePrinter { module, text: String::new() };
    op.print_attributes(&mut printer);
    if let Some(ShardingText(sharding)) = &instruction.sharding {
        printer.write("sharding", format_args!("{{{sharding}}}"));
    }
    let metadata = metadata_text(&instruction.metadata);
    if !metadata.is_empty() {
        printer.write("metadata", format_args!("{{{metadata}}}"));
    }
    if !instruction.frontend_attributes.is_empty() {
        printer.text.push_str(", ");
        printer.text.push_str(&frontend_attributes(&instruction.frontend_attributes));
    }
    format!("%{name} = {shape} {}({arguments}){}", op.opcode(), printer.text)
}

/// Collects `, key=value` texts.
pub(crate) struct AttributePrinter<'m> {
    module: &'m Module,
    text: String,
}

impl AttributePrinter<'_> {
    pub(crate) fn write(&mut self, key: &str, value: impl fmt::Display) {
        // Writing to a string cannot fail.
        let _ = write!(self.text, ", {key}={value}");
    }

    pub(crate) fn write_list<T: fmt::Display>(&mut self, key: &str, items: &[T]) {
        let items: Vec<String> = items.iter().map(ToString::to_string).collect();
        self.write(key, format_args!("{{{}}}", items.join(",")));
    }

    pub(crate) fn computation_name(&self, id: ComputationId) -> String {
        match self.module.get(id) {
            Some(computation) => format!("%{}", computation.name()),
            None => format!("%removed{id:?}"),
        }
    }
}

fn metadata_text(metadata: &Metadata) -> String {
    let Metadata { op_name, source_file, source_line, source_column } = metadata;
    let mut parts = Vec::new();
    parts.extend(op_name.as_ref().map(|name| format!("op_name={}", quoted(name))));
    parts.extend(source_file.as_ref().map(|file| format!("source_file={}", quoted(file))));
    parts.extend(source_line.map(|line| format!("source_line={line}")));
    parts.extend(source_column.map(|column| format!("source_column={column}")));
    parts.join(" ")
}

fn frontend_attributes(attributes: &BTreeMap<String, String>) -> String {
    let items: Vec<String> = attributes
        .iter()
        .map(|(key, value)| {
            let plain = *key == legal_name(key);
            let key = if plain { key.clone() } else { quoted(key) };
            format!("{key}={}", quoted(value))
        })
        .collect();
    format!("frontend_attributes={{{}}}", items.join(","))
}

/// A string in quotes with escapes.
pub(crate) fn quoted(text: &str) -> String {
    let mut result = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => result.push_str("\\\""),
            '\\' => result.push_str("\\\\"),
            '\n' => result.push_str("\\n"),
            '\t' => result.push_str("\\t"),
            '\r' => result.push_str("\\r"),
            c if c.is_ascii_control() => result.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => result.push(c),
        }
    }
    result.push('"');
    result
}

impl fmt::Display for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print_module(self))
    }
}
