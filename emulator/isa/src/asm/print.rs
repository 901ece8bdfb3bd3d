//! Program -> assembly text.

use super::lexer::is_word;
use crate::{
    Bundle, DmaDescriptor, Op, Program,
    op::Operand,
    row::{Field, Kind},
};
use std::{
    collections::BTreeSet,
    fmt::{self, Display, Write},
};

/// Prints a whole program.
pub fn print_program(program: &Program) -> String {
    program.to_string()
}

impl Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("program ")?;
        print_name(f, &self.name)?;
        writeln!(f, "\narguments {}\nvmem {}", self.n_arguments, self.vmem_granules)?;
        for (index, descriptor) in self.descriptors.iter().enumerate() {
            writeln!(f, "dma {index}: {descriptor}")?;
        }
        let labels = labels(self);
        let mut index = 0;
        while let Some(bundle) = self.bundles.get(index) {
            if labels.contains(&index) {
                writeln!(f, "L{index}:")?;
            }
            let run = empty_run(&self.bundles[index..], index, &labels);
            match run {
                0 => print_bundle(f, bundle, &labels)?,
                1 => writeln!(f, "  nop")?,
                _ => writeln!(f, "  nop {run}")?,
            }
            index += run.max(1);
        }
        if labels.contains(&index) {
            writeln!(f, "L{index}:")?;
        }
        Ok(())
    }
}

impl Display for DmaDescriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {} {} granules", self.source, self.target, self.granules)?;
        for dimension in &self.dimensions {
            let (source, target) = (dimension.source_stride, dimension.target_stride);
            write!(f, " x {} (stride {source} -> {target})", dimension.count)?;
        }
        Ok(())
    }
}

/// Prints one op as it stands in a bundle, branch targets as bundle numbers.
pub fn print_op(op: &Op) -> String {
    let mut text = String::new();
    write_op(&mut text, op, &BTreeSet::new()).expect("writing to a string does not fail");
    text
}

/// The bundles that branches lead to. One past the last bundle is a place too; what lies further
/// off is printed as a number.
fn labels(program: &Program) -> BTreeSet<usize> {
    let ops = program.bundles.iter().flat_map(Bundle::ops);
    ops.flat_map(Op::operand_fields)
        .filter_map(|(field, operand)| match operand {
            Operand::Immediate(target) if field.name == "target" => usize::try_from(target).ok(),
            Operand::Immediate(_) | Operand::V(_) | Operand::S(_) | Operand::M(_) => None,
        })
        .filter(|target| *target <= program.bundles.len())
        .collect()
}

/// How many empty bundles `bundles` begin with, up to the next label.
fn empty_run(bundles: &[Bundle], first: usize, labels: &BTreeSet<usize>) -> usize {
    let empty = bundles.iter().take_while(|bundle| bundle.ops().is_empty()).count();
    let next_label = labels.range(first + 1..).next();
    empty.min(next_label.map_or(usize::MAX, |label| label - first))
}

fn print_bundle(
    f: &mut fmt::Formatter<'_>,
    bundle: &Bundle,
    labels: &BTreeSet<usize>,
) -> fmt::Result {
    for (position, op) in bundle.ops().iter().enumerate() {
        f.write_str(if position == 0 { "  " } else { " ; " })?;
        write_op(f, op, labels)?;
    }
    writeln!(f)
}

fn write_op(f: &mut dyn Write, op: &Op, labels: &BTreeSet<usize>) -> fmt::Result {
    for (position, (field, result)) in op.result_fields().enumerate() {
        f.write_str(if position == 0 { "" } else { ", " })?;
        write_operand(f, field, result, labels)?;
    }
    if !op.row().results.is_empty() {
        f.write_str(" = ")?;
    }
    f.write_str(op.name())?;
    for (position, (field, operand)) in op.operand_fields().enumerate() {
        f.write_str(if position == 0 { " " } else { ", " })?;
        write_operand(f, field, operand, labels)?;
    }
    Ok(())
}

fn write_operand(
    f: &mut dyn Write,
    field: &Field,
    operand: Operand,
    labels: &BTreeSet<usize>,
) -> fmt::Result {
    match operand {
        Operand::V(register) => write!(f, "{register}"),
        Operand::S(register) => write!(f, "{register}"),
        Operand::M(register) => write!(f, "{register}"),
        Operand::Immediate(bits) => match (field.name, field.kind) {
            ("target", _) if labels.contains(&(bits as usize)) => write!(f, "L{bits}"),
            ("bits", _) => write!(f, "{bits:#010x}"),
            (_, Kind::I32) => write!(f, "{}", bits.cast_signed()),
            (_, Kind::U8 | Kind::U32 | Kind::V | Kind::S | Kind::M) => write!(f, "{bits}"),
        },
    }
}

fn print_name(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    if is_word(name) {
        return f.write_str(name);
    }
    f.write_char('"')?;
    for c in name.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            _ if c.is_control() => write!(f, "\\u{{{:x}}}", u32::from(c))?,
            _ => f.write_char(c)?,
        }
    }
    f.write_char('"')
}
