//! Shapes and layouts from text: `f32[8,128]{1,0:T(8,128)S(3)}`, `(s32[], pred[2])`.

use super::scanner::Scanner;
use crate::diagnostic::{Diagnostic, SourceText};
use crate::hlo::layout::{Layout, MemorySpace};
use crate::hlo::shape::{ArrayShape, ElementType, Shape};

/// How deep tuples may be nested.
const MAX_DEPTH: usize = 64;
/// How many dimensions an array may have in the text.
const MAX_RANK: usize = 64;

/// A shape from its text.
///
/// # Errors
/// Where and why the text is not a shape.
pub fn parse_shape(source: SourceText<'_>) -> Result<Shape, Diagnostic> {
    let mut scanner = Scanner::new(source);
    let shape = shape(&mut scanner)?;
    scanner.expect_end()?;
    Ok(shape)
}

pub(crate) fn shape(scanner: &mut Scanner<'_>) -> Result<Shape, Diagnostic> {
    nested_shape(scanner, 0)
}

/// Does a shape start here, and not a name?
pub(crate) fn starts_shape(scanner: &Scanner<'_>) -> Result<bool, Diagnostic> {
    let mut ahead = scanner.clone();
    if ahead.eat("(")? {
        return Ok(true);
    }
    Ok(ahead.word("a shape").is_ok() && ahead.rest().starts_with('['))
}

fn nested_shape(scanner: &mut Scanner<'_>, depth: usize) -> Result<Shape, Diagnostic> {
    if scanner.peek()? != Some('(') {
        return Ok(Shape::Array(array_shape(scanner)?));
    }
    if depth == MAX_DEPTH {
        let at = scanner.position();
        let message = format!("tuples are nested deeper than {MAX_DEPTH}");
        return Err(scanner.error_at(at..at + 1, message));
    }
    let elements = scanner.list(["(", ")"], |scanner| nested_shape(scanner, depth + 1))?;
    Ok(Shape::Tuple(elements))
}

fn array_shape(scanner: &mut Scanner<'_>) -> Result<ArrayShape, Diagnostic> {
    let (word, span) = scanner.word("a shape")?;
    let element_type = ElementType::from_text(word).ok_or_else(|| {
        let all: Vec<&str> = ElementType::ALL.iter().map(|t| t.text()).collect();
        scanner
            .error_at(span.clone(), format!("`{word}` is no element type"))
            .with_note(format!("element types are {}", all.join(" ")))
    })?;
    let dimensions = scanner.list(["[", "]"], |scanner| scanner.integer("dimension size"))?;
    let span = span.start..scanner.position();
    if dimensions.len() > MAX_RANK {
        let message = format!("{} dimensions; at most {MAX_RANK} are allowed", dimensions.len());
        return Err(scanner.error_at(span, message));
    }
    let shape = ArrayShape::new(element_type, dimensions)
        .map_err(|error| scanner.error_at(span.clone(), error.to_string()))?;
    // Only without a blank: `-> f32[2] {` starts the body of a computation.
    if !scanner.rest().starts_with('{') {
        return Ok(shape);
    }
    let start = scanner.position();
    let layout = layout(scanner)?;
    let span = start..scanner.position();
    shape.with_layout(layout).map_err(|error| scanner.error_at(span, error.to_string()))
}

/// `{1,0:T(8,128)(2,1)S(3)}`.
pub(crate) fn layout(scanner: &mut Scanner<'_>) -> Result<Layout, Diagnostic> {
    scanner.expect("{")?;
    let mut layout = Layout::untiled(Vec::new());
    if !matches!(scanner.peek()?, Some(':' | '}')) {
        layout.minor_to_major.push(scanner.integer("dimension")?);
        while scanner.eat(",")? {
            layout.minor_to_major.push(scanner.integer("dimension")?);
        }
    }
    if scanner.eat(":")? {
        if scanner.eat("T")? {
            while layout.tiles.is_empty() || scanner.peek()? == Some('(') {
                let tile = scanner.list(["(", ")"], |scanner| scanner.integer("tile size"))?;
                layout.tiles.push(tile);
            }
        }
        if scanner.eat("S")? {
            let start = scanner.position();
            scanner.expect("(")?;
            let number = scanner.integer("memory space")?;
            scanner.expect(")")?;
            let span = start..scanner.position();
            layout.memory_space = MemorySpace::from_number(number).ok_or_else(|| {
                scanner
                    .error_at(span, format!("there is no memory space {number}"))
                    .with_note("0 is HBM, 1 VMEM, 2 sync flags, 3 CMEM, 5 host, 6 SMEM")
            })?;
        }
    }
    if !scanner.eat("}")? {
        return Err(scanner.expected("`}`, tiles `T(..)` or a memory space `S(..)`"));
    }
    Ok(layout)
}
