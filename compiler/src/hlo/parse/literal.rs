//! Literals from text: `{ {1, 2}, {3, 4} }`, `-1.5e-3`, `inf`, `nan(0x400001)`, `true`.

use super::scanner::Scanner;
use crate::diagnostic::{Diagnostic, SourceText};
use crate::hlo::literal::{ArrayLiteral, FloatFormat, Literal, bits_from_f64};
use crate::hlo::shape::{ArrayShape, ElementClass, ElementType, Shape};

/// A value of a known shape from its text.
///
/// # Errors
/// Where and why the text is not such a value.
pub fn parse_literal(shape: &Shape, source: SourceText<'_>) -> Result<Literal, Diagnostic> {
    let mut scanner = Scanner::new(source);
    let literal = literal(shape, &mut scanner)?;
    scanner.expect_end()?;
    Ok(literal)
}

/// Tuples recurse as deep as the shape, whose depth the shape parser limits.
pub(crate) fn literal(shape: &Shape, scanner: &mut Scanner<'_>) -> Result<Literal, Diagnostic> {
    match shape {
        Shape::Array(shape) => Ok(Literal::Array(array(shape, scanner)?)),
        Shape::Tuple(shapes) => {
            scanner.expect("(")?;
            let mut elements = Vec::new();
            for (n, shape) in shapes.iter().enumerate() {
                if n > 0 {
                    scanner.expect(",")?;
                }
                elements.push(literal(shape, scanner)?);
            }
            scanner.expect(")")?;
            Ok(Literal::Tuple(elements))
        }
    }
}

fn array(shape: &ArrayShape, scanner: &mut Scanner<'_>) -> Result<ArrayLiteral, Diagnostic> {
    let (count, start) = (shape.element_count(), scanner.position());
    if scanner.rest().trim_start().starts_with("{...}") {
        let message = "the value was left out when this was printed";
        return Err(scanner.error_at(start..start + 5, message));
    }
    let available = scanner.rest().len();
    // Every element takes a character, so this also bounds the memory by the size of the text.
    if count > available {
        let message = format!("the value of {shape} needs {count} elements, the text is shorter");
        return Err(scanner.error_at(start..start + 1, message));
    }
    let mut values = ArrayLiteral::zeros(shape);
    if count == 0 && shape.rank() > 0 {
        skip_empty(scanner)?;
        return Ok(values);
    }
    let element_type = shape.element_type();
    let mut next = 0;
    let mut bytes = Vec::with_capacity(shape.byte_size());
    let part = element_type.part();
    nested(shape.dimensions(), scanner, &mut |scanner| {
        if element_type.is_complex() {
            scanner.expect("(")?;
        }
        let bits = element(part, scanner)?;
        bytes.extend_from_slice(&bits.to_le_bytes()[..part.byte_size()]);
        if element_type.is_complex() {
            scanner.expect(",")?;
            let bits = element(part, scanner)?;
            bytes.extend_from_slice(&bits.to_le_bytes()[..part.byte_size()]);
            scanner.expect(")")?;
        }
        next += 1;
        Ok(())
    })?;
    values.bytes_mut().copy_from_slice(&bytes);
    Ok(values)
}

/// `{ .., .. }` for each dimension; as deep as the rank, which the shape parser limits.
fn nested(
    dimensions: &[usize],
    scanner: &mut Scanner<'_>,
    element: &mut dyn FnMut(&mut Scanner<'_>) -> Result<(), Diagnostic>,
) -> Result<(), Diagnostic> {
    let Some((&size, inner)) = dimensions.split_first() else { return element(scanner) };
    scanner.expect("{")?;
    for n in 0..size {
        if n > 0 && !scanner.eat(",")? {
            return Err(scanner.expected(&format!("`,` and {} more elements", size - n)));
        }
        nested(inner, scanner, element)?;
    }
    if scanner.eat("}")? {
        Ok(())
    } else {
        Err(scanner.expected(&format!("`}}` after {size} elements")))
    }
}

/// Braces, at least a pair, of a value without elements.
fn skip_empty(scanner: &mut Scanner<'_>) -> Result<(), Diagnostic> {
    let mut depth = 0usize;
    loop {
        if scanner.eat("{")? {
            depth += 1;
        } else if depth > 0 && scanner.eat("}")? {
            depth -= 1;
            if depth == 0 {
                return Ok(());
            }
        } else if depth == 0 || !scanner.eat(",")? {
            return Err(scanner.expected("a value without elements, `{}`"));
        }
    }
}

fn element(element_type: ElementType, scanner: &mut Scanner<'_>) -> Result<u64, Diagnostic> {
    scanner.skip_blank()?;
    let start = scanner.position();
    let rest = scanner.rest();
    let ends = |c: char| c.is_whitespace() || matches!(c, ',' | '{' | '}' | ')' | '(');
    let mut length = rest.find(ends).unwrap_or(rest.len());
    if rest[..length].ends_with("nan") && rest[length..].starts_with('(') {
        length += rest[length..].find(')').map_or(0, |close| close + 1);
    }
    let text = &rest[..length];
    let bits = match element_type.class() {
        ElementClass::Pred => pred(text),
        ElementClass::Signed | ElementClass::Unsigned => integer(element_type, text),
        ElementClass::Float | ElementClass::Complex => float(element_type, text),
        ElementClass::Token => None,
    };
    let span = start..start + length.max(1);
    let bits = bits.ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        scanner.error_at(span.clone(), format!("`{shown}` is no value of type {element_type}"))
    })?;
    scanner.eat_here(text);
    Ok(bits)
}

fn pred(text: &str) -> Option<u64> {
    match text {
        "true" | "1" => Some(1),
        "false" | "0" => Some(0),
        _ => None,
    }
}

fn integer(element_type: ElementType, text: &str) -> Option<u64> {
    let value: i128 = text.parse().ok()?;
    let width = element_type.bit_width();
    let range = if element_type.is_signed() {
        -(1i128 << (width - 1))..1i128 << (width - 1)
    } else {
        0..1i128 << width
    };
    let low = value & i128::from(u64::MAX >> (64 - width));
    range.contains(&value).then(|| u64::try_from(low).unwrap_or(0))
}

/// A number of a format of at most 8 bits.
fn narrow_float(format: FloatFormat, negative: bool, magnitude: &str) -> Option<u64> {
    let sign = if negative { -1f64 } else { 1.0 };
    if magnitude == "inf" {
        format.infinity()?;
        return Some(format.encode(f64::INFINITY.copysign(sign)));
    }
    let nan = format.nan(negative);
    if magnitude == "nan" {
        return format.is_nan(nan).then_some(nan);
    }
    if let Some(payload) = magnitude.strip_prefix("nan(0x") {
        let payload = u64::from_str_radix(payload.strip_suffix(')')?, 16).ok()?;
        let infinity = format.encode(f64::INFINITY.copysign(sign));
        let fits = payload != 0 && payload < 1 << format.mantissa_bits;
        return (fits && format.infinity().is_some()).then_some(infinity | payload);
    }
    if !magnitude.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let bits = format.encode(magnitude.parse::<f64>().ok()?.copysign(sign));
    format.decode(bits).is_finite().then_some(bits)
}

fn float(element_type: ElementType, text: &str) -> Option<u64> {
    let (negative, magnitude) = match text.strip_prefix('-') {
        Some(magnitude) => (true, magnitude),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if let Some(format) = element_type.float_format() {
        return narrow_float(format, negative, magnitude);
    }
    let sign = if negative { 1u64 << (element_type.bit_width() - 1) } else { 0 };
    let infinity = bits_from_f64(element_type, f64::INFINITY);
    if magnitude == "inf" {
        return Some(sign | infinity);
    }
    if magnitude == "nan" {
        let quiet = infinity | (infinity >> 1);
        return Some(sign | quiet);
    }
    if let Some(payload) = magnitude.strip_prefix("nan(0x") {
        let payload = u64::from_str_radix(payload.strip_suffix(')')?, 16).ok()?;
        let mantissa = (infinity & infinity.wrapping_neg()) - 1;
        return (payload != 0 && payload <= mantissa).then_some(sign | infinity | payload);
    }
    if !magnitude.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let bits = if element_type == ElementType::F32 {
        // Directly, since a detour over f64 would round twice.
        u64::from(magnitude.parse::<f32>().ok()?.to_bits())
    } else {
        bits_from_f64(element_type, magnitude.parse().ok()?)
    };
    (bits != infinity).then_some(sign | bits)
}
