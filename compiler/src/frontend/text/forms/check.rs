//! Forms of the `check` dialect, which StableHLO's own tests compare results with.

use super::operands::{Keyword, KeywordKind, add, parse_attributes, parse_float};
use crate::frontend::source::SourceResult;
use crate::frontend::syntax::{Attribute, Type};
use crate::frontend::text::operations::Draft;
use crate::frontend::text::parser::Parser;

pub(super) const TOLERANCE: &[Keyword] =
    &[Keyword { word: "tolerance", attribute: "tolerance", kind: KeywordKind::Float }];

/// `%x, dense<…>[, tolerance = t] {…} : T`; the dictionary may also follow the type.
pub(super) fn against_constant(parser: &mut Parser<'_>, draft: &mut Draft) -> SourceResult<()> {
    draft.operands.push(parser.parse_operand()?);
    parser.expect(b',')?;
    let start = parser.token.span;
    let literal = parser.skip_dense()?;
    let span = parser.span_from(start);
    if parser.eat(b',')? {
        parse_tolerance(parser, draft)?;
    }
    parse_attributes(parser, draft)?;
    parser.expect(b':')?;
    let tensor = parser.parse_tensor_type("the tensor type of the constant")?;
    let value = Attribute::Dense(parser.read_dense(literal, tensor.clone())?);
    draft.operand_types.push(Type::Tensor(tensor));
    add(parser, draft, "value", value, span)?;
    if parser.eat(b',')? {
        parse_tolerance(parser, draft)?;
    }
    parse_attributes(parser, draft)
}

fn parse_tolerance(parser: &mut Parser<'_>, draft: &mut Draft) -> SourceResult<()> {
    parser.expect_word("tolerance")?;
    parser.expect(b'=')?;
    let span = parser.token.span;
    // No type may follow here: the colon is that of the operation.
    let value = parse_float(parser)?;
    let span = parser.span_from(span);
    add(parser, draft, "tolerance", value, span)
}
