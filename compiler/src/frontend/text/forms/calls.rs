//! Forms of calls and of what ends a block.

use super::operands::{add, finish, parse_attributes, parse_operands};
use crate::frontend::source::SourceResult;
use crate::frontend::syntax::Attribute;
use crate::frontend::text::lexer::TokenKind;
use crate::frontend::text::operations::Draft;
use crate::frontend::text::parser::Parser;

/// `@f(%a, …) {…} : types`.
pub(super) fn call(parser: &mut Parser<'_>, draft: &mut Draft) -> SourceResult<()> {
    let span = parser.token.span;
    let callee = Attribute::Symbol(parser.expect_symbol()?);
    add(parser, draft, "callee", callee, span)?;
    parse_call(parser, draft)
}

/// `@target(%a, …) {…} : types`.
pub(super) fn custom_call(parser: &mut Parser<'_>, draft: &mut Draft) -> SourceResult<()> {
    let span = parser.token.span;
    let target = Attribute::String(parser.expect_symbol()?);
    add(parser, draft, "call_target_name", target, span)?;
    parse_call(parser, draft)
}

fn parse_call(parser: &mut Parser<'_>, draft: &mut Draft) -> SourceResult<()> {
    parser.expect(b'(')?;
    draft.operands = parser.list_until(b')', Parser::parse_operand)?;
    finish(parser, draft)
}

/// `%a, … : T, …`, or nothing.
pub(super) fn terminator(parser: &mut Parser<'_>, draft: &mut Draft) -> SourceResult<()> {
    parse_attributes(parser, draft)?;
    if parser.at_kind(TokenKind::Value) {
        if parse_operands(parser, draft)? {
            return Err(parser.unexpected("a value such as %0"));
        }
        parser.expect(b':')?;
        draft.operand_types = parser.parse_type_list()?;
    }
    Ok(())
}

/// `"name" %a, … [(region, …)] {…} : types`.
pub(super) fn composite(parser: &mut Parser<'_>, draft: &mut Draft) -> SourceResult<()> {
    let span = parser.token.span;
    let name = Attribute::String(parser.expect_string("the composite's name")?);
    add(parser, draft, "name", name, span)?;
    if parse_operands(parser, draft)? {
        return Err(parser.unexpected("a value such as %0"));
    }
    if parser.eat(b'(')? {
        draft.regions = parser.list_until(b')', |parser| parser.parse_region(false, Vec::new()))?;
    }
    finish(parser, draft)
}
