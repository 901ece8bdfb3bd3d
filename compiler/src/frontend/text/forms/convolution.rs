//! The form of `convolution`.

use super::operands::{add, finish};
use crate::frontend::source::{SourceError, SourceResult};
use crate::frontend::syntax::{Attribute, Dense, DenseData, Scalar, TensorType};
use crate::frontend::text::lexer::TokenKind;
use crate::frontend::text::operations::Draft;
use crate::frontend::text::parser::Parser;

/// `(%x, %k) dim_numbers = [b, 0, f]x[0, i, o]->[b, 0, f], window = {…} {…} : types`.
///
/// The dimension numbers are kept as text, in the notation that the generic form's attribute
/// uses too.
pub(super) fn convolution(parser: &mut Parser<'_>, draft: &mut Draft) -> SourceResult<()> {
    parser.expect(b'(')?;
    draft.operands = parser.list_until(b')', Parser::parse_operand)?;
    parser.expect_word("dim_numbers")?;
    parser.expect(b'=')?;
    let start = parser.token.span;
    take_dimension_list(parser)?;
    parser.expect_word("x")?;
    take_dimension_list(parser)?;
    parser.expect_kind(TokenKind::Arrow, "'->'")?;
    take_dimension_list(parser)?;
    let span = parser.span_from(start);
    let text = format!("#stablehlo.conv<{}>", parser.text_of(span));
    add(parser, draft, "dimension_numbers", Attribute::Other(text), span)?;
    parser.expect(b',')?;
    parser.expect_word("window")?;
    parser.expect(b'=')?;
    parser.expect(b'{')?;
    let entries = parser.list_until(b'}', |parser| {
        let word = parser.expect_name("a window entry such as 'stride'")?;
        parser.expect(b'=')?;
        let start = parser.token.span;
        Ok((word, parse_window_value(parser, word)?, parser.span_from(start)))
    })?;
    for (word, value, span) in entries {
        let name = match word {
            "stride" => "window_strides",
            "pad" => "padding",
            "lhs_dilate" => "lhs_dilation",
            "rhs_dilate" => "rhs_dilation",
            "reverse" => "window_reversal",
            _ => {
                let message = format!(
                    "found '{word}', expected stride, pad, lhs_dilate, rhs_dilate or reverse"
                );
                return Err(SourceError::new(span, message));
            }
        };
        add(parser, draft, name, value, span)?;
    }
    finish(parser, draft)
}

/// `[b, 0, 1, f]`, with `?` for dimensions that are neither.
fn take_dimension_list(parser: &mut Parser<'_>) -> SourceResult<()> {
    parser.expect(b'[')?;
    parser.list_until(b']', |parser| {
        let known = matches!(parser.token.kind, TokenKind::Word | TokenKind::Integer);
        if known || parser.at(b'?') {
            return parser.advance();
        }
        Err(parser.unexpected("a dimension such as b, f, i, o or 0"))
    })?;
    Ok(())
}

/// `[1, 2]`, `[[0, 0], [1, 1]]` or `[true, false]`.
fn parse_window_value(parser: &mut Parser<'_>, word: &str) -> SourceResult<Attribute> {
    match word {
        "reverse" => {
            parser.expect(b'[')?;
            Ok(Attribute::BoolArray(parser.list_until(b']', Parser::parse_bool)?))
        }
        "pad" => parse_padding(parser),
        _ => Ok(Attribute::IntegerArray(parser.parse_integers()?)),
    }
}

/// `[[low, high], …]`: a tensor of two columns in the generic form.
fn parse_padding(parser: &mut Parser<'_>) -> SourceResult<Attribute> {
    parser.expect(b'[')?;
    let rows = parser.list_until(b']', |parser| {
        let start = parser.token.span;
        let row = parser.parse_integers()?;
        <[i64; 2]>::try_from(row).map_err(|_| {
            SourceError::new(parser.span_from(start), "expected a pair such as [0, 1]")
        })
    })?;
    let tensor = TensorType {
        dimensions: vec![u64::try_from(rows.len()).ok(), Some(2)],
        element: Scalar::integer(64),
        encoding: None,
    };
    let bytes: Vec<u8> = rows.iter().flatten().flat_map(|value| value.to_le_bytes()).collect();
    Ok(Attribute::Dense(Dense { tensor, data: DenseData::Elements(bytes.into()) }))
}
