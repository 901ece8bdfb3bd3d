//! HLO from text, in XLA's syntax.
//!
//! `%` before names and shapes before operands are optional, and so is the list of parameters after
//! a computation's name. A computation may be called before it is written. Instructions are made
//! by the builder, so what parses is also well typed. Metadata keys that Palmetto does not keep are
//! skipped; any other unknown attribute is an error.
//!
//! The text is read twice: once for its structure, then, when all names are known, computation by
//! computation from the called ones to the callers.

mod build;
pub(crate) mod literal;
pub(crate) mod scanner;
mod shape;

use std::collections::BTreeMap;
use std::ops::Range;

use super::alias::AliasConfig;
use super::module::Module;
use super::opcode::Opcode;
use super::shape::Shape;
use crate::diagnostic::{Diagnostic, SourceText};
use scanner::Scanner;

#[cfg(test)]
mod tests;

pub use literal::parse_literal;
pub use shape::parse_shape;

/// A module from its text.
///
/// # Errors
/// Where and why the text is not a module.
pub fn parse_module(source: SourceText<'_>) -> Result<Module, Diagnostic> {
    let mut scanner = Scanner::new(source);
    let header = header(&mut scanner)?;
    let mut computations = Vec::new();
    while scanner.peek()?.is_some() {
        computations.push(computation(&mut scanner)?);
    }
    build::build(&scanner, header, &computations)
}

/// The first line of a module.
struct Header<'a> {
    name: &'a str,
    frontend_attributes: BTreeMap<String, String>,
    aliases: AliasConfig,
    /// The stated shapes of the entry computation and where they are.
    entry_layout: Option<(Signature, Range<usize>)>,
}

/// The stated parameters and result of a computation.
struct Signature {
    parameters: Vec<Shape>,
    result: Shape,
}

/// A computation as written.
struct ComputationText<'a> {
    name: &'a str,
    span: Range<usize>,
    is_entry: bool,
    signature: Option<Signature>,
    instructions: Vec<InstructionText<'a>>,
}

/// An instruction as written.
struct InstructionText<'a> {
    name: &'a str,
    span: Range<usize>,
    is_root: bool,
    shape: Shape,
    opcode: Opcode,
    opcode_span: Range<usize>,
    operands: Vec<(&'a str, Range<usize>)>,
    argument: Range<usize>,
    attributes: BTreeMap<&'a str, (Range<usize>, Range<usize>)>,
}

fn header<'a>(scanner: &mut Scanner<'a>) -> Result<Header<'a>, Diagnostic> {
    scanner.expect("HloModule")?;
    let (name, _) = scanner.word("the name of the module")?;
    let mut header = Header {
        name,
        frontend_attributes: BTreeMap::new(),
        aliases: AliasConfig::default(),
        entry_layout: None,
    };
    while scanner.eat(",")? {
        let (key, span) = scanner.word("an attribute")?;
        scanner.expect("=")?;
        match key {
            "frontend_attributes" => header.frontend_attributes = string_map(scanner)?,
            "input_output_alias" => header.aliases.parse_results(scanner)?,
            "buffer_donor" => header.aliases.parse_donors(scanner)?,
            "entry_computation_layout" => {
                let start = scanner.position();
                scanner.expect("{")?;
                let parameters = scanner.list(["(", ")"], shape::shape)?;
                scanner.expect("->")?;
                let result = shape::shape(scanner)?;
                scanner.expect("}")?;
                let signature = Signature { parameters, result };
                header.entry_layout = Some((signature, start..scanner.position()));
            }
            _ => {
                let message = format!("`{key}` is no attribute of a module that is supported");
                let note = "supported are buffer_donor, entry_computation_layout, \
                            frontend_attributes and input_output_alias";
                return Err(scanner.error_at(span, message).with_note(note));
            }
        }
    }
    Ok(header)
}

/// `{key="value",..}`.
fn string_map(scanner: &mut Scanner<'_>) -> Result<BTreeMap<String, String>, Diagnostic> {
    let items = scanner.list(["{", "}"], |scanner| {
        let quoted = scanner.peek()? == Some('"');
        let key = if quoted { scanner.string()? } else { scanner.word("a key")?.0.to_owned() };
        scanner.expect("=")?;
        Ok((key, scanner.string()?))
    })?;
    Ok(items.into_iter().collect())
}

fn computation<'a>(scanner: &mut Scanner<'a>) -> Result<ComputationText<'a>, Diagnostic> {
    let what = "a computation";
    let (mut name, mut span) = scanner.name(what)?;
    // `ENTRY` is a legal name of a computation, too.
    let is_entry = name == "ENTRY" && !matches!(scanner.peek()?, Some('(' | '{'));
    if is_entry {
        (name, span) = scanner.name("the name of the entry computation")?;
    }
    let mut signature = None;
    if scanner.peek()? == Some('(') {
        let parameters = scanner.list(["(", ")"], |scanner| {
            scanner.name("the name of a parameter")?;
            scanner.expect(":")?;
            shape::shape(scanner)
        })?;
        scanner.expect("->")?;
        signature = Some(Signature { parameters, result: shape::shape(scanner)? });
    }
    scanner.expect("{")?;
    let mut instructions = Vec::new();
    while !scanner.eat("}")? {
        instructions.push(instruction(scanner)?);
    }
    Ok(ComputationText { name, span, is_entry, signature, instructions })
}

fn instruction<'a>(scanner: &mut Scanner<'a>) -> Result<InstructionText<'a>, Diagnostic> {
    let what = "an instruction or `}`";
    let (mut name, mut span) = scanner.name(what)?;
    let is_root = name == "ROOT" && scanner.peek()? != Some('=');
    if is_root {
        (name, span) = scanner.name("the name of an instruction")?;
    }
    scanner.expect("=")?;
    let shape = shape::shape(scanner)?;
    let (word, opcode_span) = scanner.word("an opcode")?;
    let opcode = Opcode::from_text(word).ok_or_else(|| {
        scanner.error_at(opcode_span.clone(), format!("`{word}` is no supported opcode"))
    })?;
    let start = scanner.position();
    let (mut operands, mut argument) = (Vec::new(), start..start);
    if matches!(opcode, Opcode::Constant | Opcode::Parameter) {
        scanner.expect("(")?;
        argument.start = scanner.position();
        while scanner.peek()?.is_some_and(|c| c != ')') {
            scanner.skip_value()?;
            scanner.eat(",")?;
        }
        argument.end = scanner.position();
        scanner.expect(")")?;
    } else {
        operands = scanner.list(["(", ")"], operand)?;
    }
    let attributes = attributes(scanner)?;
    let text = InstructionText {
        name,
        span,
        is_root,
        shape,
        opcode,
        opcode_span,
        operands,
        argument,
        attributes,
    };
    Ok(text)
}

/// An operand's name, possibly after its shape.
fn operand<'a>(scanner: &mut Scanner<'a>) -> Result<(&'a str, Range<usize>), Diagnostic> {
    if shape::starts_shape(scanner)? {
        shape::shape(scanner)?;
    }
    scanner.name("an operand")
}

type Attributes<'a> = BTreeMap<&'a str, (Range<usize>, Range<usize>)>;

fn attributes<'a>(scanner: &mut Scanner<'a>) -> Result<Attributes<'a>, Diagnostic> {
    let mut attributes = BTreeMap::new();
    while scanner.eat(",")? {
        let (key, span) = scanner.word("an attribute")?;
        scanner.expect("=")?;
        let value = scanner.skip_value()?;
        if attributes.insert(key, (span.clone(), value)).is_some() {
            return Err(scanner.error_at(span, format!("the attribute `{key}` is given twice")));
        }
    }
    Ok(attributes)
}
