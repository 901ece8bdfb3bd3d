//! LLO -> text.
//!
//! ```text
//! function sum
//! arguments 1
//! values 4 3 0
//! scratch arguments: smem 0 + 1
//! scratch x: vmem 0 + 64
//! dma 0: hbm -> vmem 64 granules
//! body {
//!   %s0 = smov_imm 0
//!   %s1 = sld %s0, 0 touching arguments
//!   %v0 = vconst 0x00000000
//!   loop %s2 in 0..%s1 carry(%v1 = %v0 -> %v3) -> %v2 {
//!     ...
//!   }
//!   vst %s0, 0, %v2 touching x
//! }
//! ```
//!
//! `values` says how many vectors, scalars and masks there are; a scratch has its first granule and
//! its size. A carried value is written `parameter = initial -> next`; results stand behind. A
//! scratch is named by its name if no other scratch has it, else by its number, as `#1`.

use super::{Block, Carried, Function, LloOp, Loop, Scratch, ScratchId, Statement, Value};
use palmetto_isa::{op::Operand, row::Kind};
use std::fmt::{self, Display, Write};

/// Prints a whole function.
pub fn print_function(function: &Function) -> String {
    function.to_string()
}

impl Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V(v) => write!(f, "{v}"),
            Self::S(s) => write!(f, "{s}"),
            Self::M(m) => write!(f, "{m}"),
        }
    }
}

impl Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (vectors, scalars, masks) = self.n_values;
        writeln!(f, "function {}", Name(&self.name))?;
        writeln!(f, "arguments {}", self.n_arguments)?;
        writeln!(f, "values {vectors} {scalars} {masks}")?;
        for Scratch { name, space, base, granules } in &self.scratches {
            writeln!(f, "scratch {}: {space} {base} + {granules}", Name(name))?;
        }
        for (index, descriptor) in self.descriptors.iter().enumerate() {
            writeln!(f, "dma {index}: {descriptor}")?;
        }
        writeln!(f, "body {{")?;
        write_block(f, self, &self.body, 1)?;
        writeln!(f, "}}")
    }
}

fn write_block(
    f: &mut fmt::Formatter<'_>,
    function: &Function,
    block: &Block,
    depth: usize,
) -> fmt::Result {
    for statement in block {
        write!(f, "{:1$}", "", 2 * depth)?;
        match statement {
            Statement::Op { op, touches } => {
                write_op(f, op)?;
                if let Some(scratch) = touches {
                    f.write_str(" touching ")?;
                    write_scratch(f, function, *scratch)?;
                }
                writeln!(f)?;
            }
            Statement::Loop(l) => {
                write_loop_head(f, l)?;
                write_block(f, function, &l.body, depth + 1)?;
                writeln!(f, "{:1$}}}", "", 2 * depth)?;
            }
        }
    }
    Ok(())
}

fn write_loop_head(f: &mut fmt::Formatter<'_>, l: &Loop) -> fmt::Result {
    write!(f, "loop {} in 0..{}", l.index, l.trip_count)?;
    for (position, Carried { parameter, initial, next, .. }) in l.carried.iter().enumerate() {
        f.write_str(if position == 0 { " carry(" } else { ", " })?;
        write!(f, "{parameter} = {initial} -> {next}")?;
    }
    for (position, carried) in l.carried.iter().enumerate() {
        write!(f, "{}{}", if position == 0 { ") -> " } else { ", " }, carried.result)?;
    }
    writeln!(f, " {{")
}

fn write_op(f: &mut dyn Write, op: &LloOp) -> fmt::Result {
    for (position, (_, result)) in op.result_fields().enumerate() {
        f.write_str(if position == 0 { "" } else { ", " })?;
        write_operand(f, Kind::V, result)?;
    }
    if !op.row().results.is_empty() {
        f.write_str(" = ")?;
    }
    f.write_str(op.name())?;
    for (position, (field, operand)) in op.operand_fields().enumerate() {
        f.write_str(if position == 0 { " " } else { ", " })?;
        let is_bits = field.name == "bits";
        match operand {
            Operand::Immediate(bits) if is_bits => write!(f, "{bits:#010x}")?,
            Operand::Immediate(_) | Operand::V(_) | Operand::S(_) | Operand::M(_) => {
                write_operand(f, field.kind, operand)?;
            }
        }
    }
    Ok(())
}

fn write_operand(
    f: &mut dyn Write,
    kind: Kind,
    operand: Operand<super::V, super::S, super::M>,
) -> fmt::Result {
    match operand {
        Operand::V(v) => write!(f, "{v}"),
        Operand::S(s) => write!(f, "{s}"),
        Operand::M(m) => write!(f, "{m}"),
        Operand::Immediate(bits) if kind == Kind::I32 => write!(f, "{}", bits.cast_signed()),
        Operand::Immediate(bits) => write!(f, "{bits}"),
    }
}

fn write_scratch(f: &mut dyn Write, function: &Function, scratch: ScratchId) -> fmt::Result {
    let name = function.scratches.get(scratch.0 as usize).map(|scratch| scratch.name.as_str());
    let n_called = |name| function.scratches.iter().filter(|other| other.name == name).count();
    match name.filter(|name| n_called(*name) == 1) {
        Some(name) => write!(f, "{}", Name(name)),
        None => write!(f, "#{}", scratch.0),
    }
}

/// A name, in quotes unless it is a word.
struct Name<'a>(&'a str);

/// Whether `name` is a word, and so needs no quotes.
fn is_word(name: &str) -> bool {
    let in_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(in_word)
}

impl Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_word(self.0) {
            return f.write_str(self.0);
        }
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                _ if c.is_control() => write!(f, "\\u{{{:x}}}", u32::from(c))?,
                _ => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}
