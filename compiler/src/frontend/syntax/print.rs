//! The generic form: what a tree says, with nothing abbreviated.
//!
//! Values are renumbered in the order of their definition and constants are raw data, so the
//! text is for comparing trees rather than for reading. It parses back to the same text.

use std::fmt::{self, Write};

use super::{
    Attribute, Block, Dense, DenseData, FloatValue, LocationId, NamedAttribute, Operation, Program,
    Region, Type, ValueId,
};

/// Prints the program in generic form.
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printer { f, program: self, indent: 0 }.operation(&self.module)?;
        if self.resources.is_empty() {
            return Ok(());
        }
        f.write_str("{-#\n  dialect_resources: {\n    builtin: {\n")?;
        for (index, (key, data)) in self.resources.iter().enumerate() {
            let comma = if index == 0 { "" } else { ",\n" };
            write!(f, "{comma}      {}: \"0x00000000", quote(key))?;
            write_hex(f, data)?;
            f.write_str("\"")?;
        }
        f.write_str("\n    }\n  }\n#-}\n")
    }
}

struct Printer<'a, 'b> {
    f: &'a mut fmt::Formatter<'b>,
    program: &'a Program,
    indent: usize,
}

impl Printer<'_, '_> {
    fn line_start(&mut self) -> fmt::Result {
        for _ in 0..self.indent {
            self.f.write_str("  ")?;
        }
        Ok(())
    }

    fn operation(&mut self, operation: &Operation) -> fmt::Result {
        self.line_start()?;
        if !operation.results.is_empty() {
            self.values(operation.results.iter().copied())?;
            self.f.write_str(" = ")?;
        }
        write!(self.f, "{}(", quote(&operation.name))?;
        self.values(operation.operands.iter().map(|operand| operand.value))?;
        self.f.write_str(")")?;
        if !operation.regions.is_empty() {
            self.f.write_str(" (")?;
            for (index, region) in operation.regions.iter().enumerate() {
                if index > 0 {
                    self.f.write_str(", ")?;
                }
                self.region(region)?;
            }
            self.f.write_str(")")?;
        }
        if !operation.attributes.is_empty() {
            self.f.write_str(" ")?;
            write_dictionary(self.f, &operation.attributes)?;
        }
        self.f.write_str(" : (")?;
        self.types(&operation.operand_types)?;
        self.f.write_str(") -> (")?;
        self.types(&operation.result_types)?;
        self.f.write_str(")")?;
        self.location(operation.location)?;
        self.f.write_str("\n")
    }

    fn values(&mut self, values: impl Iterator<Item = ValueId>) -> fmt::Result {
        for (index, value) in values.enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(self.f, "{comma}%{}", value.0)?;
        }
        Ok(())
    }

    fn types(&mut self, types: &[Type]) -> fmt::Result {
        for (index, each) in types.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(self.f, "{comma}{each}")?;
        }
        Ok(())
    }

    fn region(&mut self, region: &Region) -> fmt::Result {
        self.f.write_str("{\n")?;
        for (index, block) in region.blocks.iter().enumerate() {
            self.block(index, block)?;
        }
        self.line_start()?;
        self.f.write_str("}")
    }

    fn block(&mut self, index: usize, block: &Block) -> fmt::Result {
        if index > 0 || !block.arguments.is_empty() {
            self.line_start()?;
            write!(self.f, "^bb{index}(")?;
            for (index, argument) in block.arguments.iter().enumerate() {
                let comma = if index == 0 { "" } else { ", " };
                write!(self.f, "{comma}%{}: {}", argument.value.0, argument.value_type)?;
                self.location(argument.location)?;
            }
            self.f.write_str("):\n")?;
        }
        self.indent += 1;
        for operation in &block.operations {
            self.operation(operation)?;
        }
        self.indent -= 1;
        Ok(())
    }

    fn location(&mut self, location: Option<LocationId>) -> fmt::Result {
        let Some(location) = location else { return Ok(()) };
        let place = self.program.locations.resolve(location);
        let file =
            place.file.map(|(file, line, column)| format!("{}:{line}:{column}", quote(&file)));
        match (place.op_name, file) {
            (Some(name), Some(file)) => write!(self.f, " loc({}({file}))", quote(&name)),
            (Some(name), None) => write!(self.f, " loc({})", quote(&name)),
            (None, Some(file)) => write!(self.f, " loc({file})"),
            (None, None) => Ok(()),
        }
    }
}

fn write_dictionary(f: &mut fmt::Formatter<'_>, attributes: &[NamedAttribute]) -> fmt::Result {
    // By name: the pretty and the generic form give different orders.
    let mut attributes: Vec<&NamedAttribute> = attributes.iter().collect();
    attributes.sort_by(|a, b| a.name.cmp(&b.name));
    f.write_str("{")?;
    write_separated(f, &attributes, |f, attribute| {
        f.write_str(&quote(&attribute.name))?;
        if matches!(attribute.value, Attribute::Unit) {
            return Ok(());
        }
        write!(f, " = {}", attribute.value)
    })?;
    f.write_str("}")
}

fn write_separated<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    write: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        write(f, item)?;
    }
    Ok(())
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unit => f.write_str("unit"),
            Self::Bool(value) => value.fmt(f),
            Self::Integer(value, scalar) => write!(f, "{value} : {scalar}"),
            Self::Float(FloatValue::Decimal(value), scalar) => write!(f, "{value:?} : {scalar}"),
            Self::Float(FloatValue::Bits(bits), scalar) => write!(f, "0x{bits:X} : {scalar}"),
            Self::String(value) => f.write_str(&quote(value)),
            Self::Symbol(name) => {
                let parts: Vec<String> =
                    name.split("::@").map(|part| format!("@{}", quote(part))).collect();
                f.write_str(&parts.join("::"))
            }
            Self::Type(value) => value.fmt(f),
            Self::Array(values) => {
                f.write_str("[")?;
                write_separated(f, values, |f, value| value.fmt(f))?;
                f.write_str("]")
            }
            Self::Dictionary(attributes) => write_dictionary(f, attributes),
            Self::IntegerArray(values) => write_array(f, "i64", values),
            Self::BoolArray(values) => write_array(f, "i1", values),
            Self::Dense(dense) => dense.fmt(f),
            Self::Resource { key, tensor } => {
                write!(f, "dense_resource<{}> : {tensor}", quote(key))
            }
            Self::Enum { dialect, name, value } => write!(f, "#{dialect}<{name} {value}>"),
            Self::Struct { dialect, name, fields } => {
                write!(f, "#{dialect}.{name}<")?;
                write_separated(f, fields, |f, field| {
                    write!(f, "{} = {}", field.name, field.value)
                })?;
                f.write_str(">")
            }
            Self::Other(text) => f.write_str(text),
        }
    }
}

fn write_array<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    element: &str,
    values: &[T],
) -> fmt::Result {
    write!(f, "array<{element}{}", if values.is_empty() { "" } else { ": " })?;
    write_separated(f, values, |f, value| value.fmt(f))?;
    f.write_str(">")
}

impl fmt::Display for Dense {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dense<")?;
        match &self.data {
            DenseData::Elements(bytes) if bytes.is_empty() => {}
            DenseData::Elements(bytes) | DenseData::Splat(bytes) => {
                f.write_str("\"0x")?;
                write_hex(f, bytes)?;
                f.write_str("\"")?;
            }
            // The elements were not kept.
            DenseData::Undecoded => f.write_str("0")?,
        }
        write!(f, "> : {}", self.tensor)
    }
}

fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
}

/// A string literal.
fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\22"),
            '\\' => quoted.push_str("\\\\"),
            control if control.is_ascii_control() => {
                let _ = write!(quoted, "\\{:02X}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
