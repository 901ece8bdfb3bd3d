//! Forms of constants, slices, tuples and dots.

use super::operands::{add, finish, parse_attributes, parse_operands, parse_precision};
use crate::frontend::source::{SourceError, SourceResult};
use crate::frontend::syntax::{Attribute, NamedAttribute, Scalar, Type};
use crate::frontend::text::operations::Draft;
use crate::frontend::text::parser::Parser;

/// `[{…}] dense<…> : T`.
pub(super) fn constant(parser: &mut Parser<'_>, draft: &mut Draft) -> SourceResult<()> {
    parse_attributes(parser, draft)?;
    let start = parser.token.span;
    let value = parser.parse_attribute()?;
    let span = parser.span_from(start);
    let result_type = match &value {
        Attribute::Dense(dense) => dense.tensor.clone(),
        Attribute::Resource { tensor, .. } => tensor.clone(),
        _ => {
            return Err(SourceError::new(
                span,
                "expected a constant such as dense<0> : tensor<i32>",
            ));
        }
    };
    draft.result_types = vec![Type::Tensor(result_type)];
    add(parser, draft, "value", value, span)
}

/// `dim = n : T`.
pub(super) fn iota(parser: &mut Parser<'_>, draft: &mut Draft) -> SourceResult<()> {
    parser.expect_word("dim")?;
    parser.expect(b'=')?;
    let span = parser.token.span;
    let value = parse_index(parser)?;
    add(parser, draft, "iota_dimension", value, span)?;
    finish(parser, draft)
}

fn parse_index(parser: &mut Parser<'_>) -> SourceResult<Attribute> {
    let value: i64 = parser.expect_integer("an integer")?;
    Ok(Attribute::Integer(value.into(), Scalar::integer(64)))
}

/// `%x [start:limit, start:limit:stride] {…} : types`.
pub(super) fn slice(parser: &mut Parser<'_>, draft: &mut Draft) -> SourceResult<()> {
    draft.operands.push(parser.parse_operand()?);
    let start = parser.expect(b'[')?;
    let ranges = parser.list_until(b']', |parser| {
        let first: i64 = parser.expect_integer("a start index")?;
        parser.expect(b':')?;
        let limit: i64 = parser.expect_integer("a limit index")?;
        let stride = if parser.eat(b':')? { parser.expect_integer("a stride")? } else { 1 };
        Ok((first, limit, stride))
    })?;
    let span = parser.span_from(start);
    let (mut starts, mut limits, mut strides) = (Vec::new(), Vec::new(), Vec::new());
    for (start, limit, stride) in ranges {
        starts.push(start);
        limits.push(limit);
        strides.push(stride);
    }
    for (name, values) in
        [("start_indices", starts), ("limit_indices", limits), ("strides", strides)]
    {
        add(parser, draft, name, Attribute::IntegerArray(values), span)?;
    }
    finish(parser, draft)
}

/// `%t[n] {…} : types`.
pub(super) fn get_tuple_element(parser: &mut Parser<'_>, draft: &mut Draft) -> SourceResult<()> {
    draft.operands.push(parser.parse_operand()?);
    parser.expect(b'[')?;
    let span = parser.token.span;
    let value = parse_index(parser)?;
    add(parser, draft, "index", value, span)?;
    parser.expect(b']')?;
    finish(parser, draft)
}

/// `%a, … {…} : tuple<T, …>`.
pub(super) fn tuple(parser: &mut Parser<'_>, draft: &mut Draft) -> SourceResult<()> {
    if parse_operands(parser, draft)? {
        return Err(parser.unexpected("a value such as %0"));
    }
    finish(parser, draft)?;
    // A single type is the result's.
    if let [Type::Tuple(elements)] = draft.result_types.as_slice() {
        draft.operand_types = elements.clone();
    }
    Ok(())
}

/// `%x, %y, [batching_dims = [..] x [..],] contracting_dims = [..] x [..]
/// [, precision = [..]][, algorithm = <…>] {…} : types`.
pub(super) fn dot_general(parser: &mut Parser<'_>, draft: &mut Draft) -> SourceResult<()> {
    let start = parser.token.span;
    let mut more = parse_operands(parser, draft)?;
    let mut fields: Vec<NamedAttribute> = Vec::new();
    while more {
        let span = parser.token.span;
        let word = parser.lexeme();
        match word {
            "batching_dims" | "contracting_dims" => {
                parser.advance()?;
                parser.expect(b'=')?;
                let lhs = parser.parse_integers()?;
                parser.expect_word("x")?;
                let rhs = parser.parse_integers()?;
                let kind = word.trim_end_matches("_dims");
                for (side, values) in [("lhs", lhs), ("rhs", rhs)] {
                    // The generic form leaves out empty lists.
                    if values.is_empty() {
                        continue;
                    }
                    let name = format!("{side}_{kind}_dimensions");
                    let value = Attribute::IntegerArray(values);
                    fields.push(NamedAttribute { name, value, span: parser.span_from(span) });
                }
            }
            "precision" => {
                parser.advance()?;
                parser.expect(b'=')?;
                let value = parse_precision(parser)?;
                add(parser, draft, "precision_config", value, parser.span_from(span))?;
            }
            "algorithm" => {
                parser.advance()?;
                parser.expect(b'=')?;
                parser.expect(b'<')?;
                let value = struct_attribute("dot_algorithm", parser.parse_fields()?);
                add(parser, draft, "algorithm", value, parser.span_from(span))?;
            }
            _ => {
                return Err(parser.unexpected(
                    "a value such as %0, or 'batching_dims =' or 'contracting_dims =' or \
                     'precision =' or 'algorithm ='",
                ));
            }
        }
        more = parser.eat(b',')?;
    }
    let span = parser.span_from(start);
    add(parser, draft, "dot_dimension_numbers", struct_attribute("dot", fields), span)?;
    finish(parser, draft)
}

fn struct_attribute(name: &str, fields: Vec<NamedAttribute>) -> Attribute {
    Attribute::Struct { dialect: "stablehlo".to_owned(), name: name.to_owned(), fields }
}
