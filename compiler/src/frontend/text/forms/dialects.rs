//! Forms of the sdy and chlo dialects. Shardings are kept as text.

use super::operands::{add, parse_attributes, parse_operands};
use crate::frontend::source::{SourceResult, Span};
use crate::frontend::syntax::Attribute;
use crate::frontend::text::operations::Draft;
use crate::frontend::text::parser::Parser;

/// `@mesh = <["x"=2, "y"=4]> {…}`.
pub(super) fn mesh(parser: &mut Parser<'_>, draft: &mut Draft) -> SourceResult<()> {
    let span = parser.token.span;
    let name = Attribute::String(parser.expect_symbol()?);
    add(parser, draft, "sym_name", name, span)?;
    parser.expect(b'=')?;
    add_brackets(parser, draft, "mesh", "#sdy.mesh")?;
    parse_attributes(parser, draft)
}

/// `%x <@mesh, [{"x"}, {}]> {…} : T`.
pub(super) fn sharding_constraint(parser: &mut Parser<'_>, draft: &mut Draft) -> SourceResult<()> {
    draft.operands.push(parser.parse_operand()?);
    add_brackets(parser, draft, "sharding", "#sdy.sharding")?;
    parse_attributes(parser, draft)?;
    parser.expect(b':')?;
    let only = parser.parse_type()?;
    draft.operand_types.push(only.clone());
    draft.result_types.push(only);
    Ok(())
}

fn add_brackets(
    parser: &mut Parser<'_>,
    draft: &mut Draft,
    name: &str,
    prefix: &str,
) -> SourceResult<()> {
    let span = parser.take_angle_brackets()?;
    let text = format!("{prefix}<{}>", parser.text_of(span));
    add(parser, draft, name, Attribute::Other(text), span)
}

/// `(%a, …) in_shardings=[<…>, …] out_shardings=[…] manual_axes={"x"} (%b: T, …) { … } : types`.
pub(super) fn manual_computation(parser: &mut Parser<'_>, draft: &mut Draft) -> SourceResult<()> {
    parser.expect(b'(')?;
    draft.operands = parser.list_until(b')', Parser::parse_operand)?;
    for name in ["in_shardings", "out_shardings", "manual_axes"] {
        parser.expect_word(name)?;
        parser.expect(b'=')?;
        let span = take_brackets(parser, name == "manual_axes")?;
        let value = Attribute::Other(parser.text_of(span));
        add(parser, draft, name, value, span)?;
    }
    parser.expect(b'(')?;
    let arguments = parser.parse_arguments()?;
    // The region sees only its arguments.
    draft.regions.push(parser.parse_region(true, arguments)?);
    parse_attributes(parser, draft)?;
    parser.expect(b':')?;
    let types = parser.parse_function_type()?;
    draft.operand_types = types.inputs;
    draft.result_types = types.results;
    Ok(())
}

/// `{"x", "y"}`, or `[<…>, <…>]`.
fn take_brackets(parser: &mut Parser<'_>, axes: bool) -> SourceResult<Span> {
    let start = parser.expect(if axes { b'{' } else { b'[' })?;
    parser.list_until(if axes { b'}' } else { b']' }, |parser| {
        if axes {
            parser.expect_string("an axis name").map(|_| ())
        } else {
            parser.take_angle_brackets().map(|_| ())
        }
    })?;
    Ok(parser.span_from(start))
}

/// `%x[, %y][, key = value] {…} : T[, T] -> T`, or `(…)` around what precedes the colon.
pub(super) fn chlo(parser: &mut Parser<'_>, draft: &mut Draft) -> SourceResult<()> {
    let parenthesized = parser.eat(b'(')?;
    let mut more = parse_operands(parser, draft)?;
    while more {
        let name = parser.expect_name("a value such as %0, or a keyword")?.to_owned();
        parser.expect(b'=')?;
        let start = parser.token.span;
        let value = parser.parse_attribute()?;
        let span = parser.span_from(start);
        add(parser, draft, &name, value, span)?;
        more = parser.eat(b',')?;
    }
    if parenthesized {
        parser.expect(b')')?;
    }
    parse_attributes(parser, draft)?;
    parser.expect(b':')?;
    if parser.at(b'(') {
        let types = parser.parse_function_type()?;
        draft.operand_types = types.inputs;
        draft.result_types = types.results;
        return Ok(());
    }
    draft.operand_types = parser.parse_type_list()?;
    parser.expect_kind(crate::frontend::text::lexer::TokenKind::Arrow, "'->'")?;
    draft.result_types = parser.parse_result_types()?;
    Ok(())
}
