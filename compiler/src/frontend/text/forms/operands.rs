//! Forms that are operands, keywords and types.

use crate::frontend::source::{SourceError, SourceResult, Span};
use crate::frontend::syntax::{
    Attribute, FloatKind, FloatValue, NamedAttribute, Operand, Scalar, TensorType, Type,
};
use crate::frontend::text::lexer::TokenKind;
use crate::frontend::text::operations::Draft;
use crate::frontend::text::parser::Parser;

/// `word = value`, and the attribute it stands for.
pub(super) struct Keyword {
    pub(super) word: &'static str,
    pub(super) attribute: &'static str,
    pub(super) kind: KeywordKind,
}

/// How the value of a keyword is written.
#[derive(Clone, Copy)]
pub(super) enum KeywordKind {
    /// `[0, 1]`.
    Integers,
    /// `1`.
    Integer,
    /// `1.5`.
    Float,
    /// `true`.
    Bool,
    /// `UNIFORM`.
    Enum,
    /// `[DEFAULT, HIGHEST]`.
    Precision,
}

/// `%a, %b, keyword = value {…} : types`.
pub(super) fn operands(
    parser: &mut Parser<'_>,
    draft: &mut Draft,
    keywords: &[Keyword],
) -> SourceResult<()> {
    let comma = parse_operands(parser, draft)?;
    parse_keywords(parser, draft, keywords, comma)?;
    finish(parser, draft)
}

/// The same for an operation without results. The types are those of the operands, or one that
/// all share.
pub(super) fn effect(
    parser: &mut Parser<'_>,
    draft: &mut Draft,
    keywords: &[Keyword],
) -> SourceResult<()> {
    let comma = parse_operands(parser, draft)?;
    parse_keywords(parser, draft, keywords, comma)?;
    parse_attributes(parser, draft)?;
    parser.expect(b':')?;
    if parser.at(b'(') {
        let types = parser.parse_function_type()?;
        draft.operand_types = types.inputs;
        draft.result_types = types.results;
        return Ok(());
    }
    let types = parser.parse_type_list()?;
    draft.operand_types = match <[Type; 1]>::try_from(types) {
        Ok([single]) => vec![single; draft.operands.len()],
        Err(types) => types,
    };
    Ok(())
}

/// `%a, %b`; true when a comma that no operand follows was taken.
pub(super) fn parse_operands(parser: &mut Parser<'_>, draft: &mut Draft) -> SourceResult<bool> {
    while parser.at_kind(TokenKind::Value) {
        draft.operands.push(parser.parse_operand()?);
        if !parser.eat(b',')? {
            return Ok(false);
        }
    }
    Ok(!draft.operands.is_empty())
}

/// `keyword = value, …`, in any order. An operation without operands needs no comma before.
fn parse_keywords(
    parser: &mut Parser<'_>,
    draft: &mut Draft,
    keywords: &[Keyword],
    mut more: bool,
) -> SourceResult<()> {
    while more {
        let word = parser.lexeme();
        let known = parser.at_kind(TokenKind::Word);
        let Some(keyword) = keywords.iter().find(|keyword| known && keyword.word == word) else {
            return Err(parser.unexpected(&expected_keyword(keywords)));
        };
        parser.advance()?;
        parser.expect(b'=')?;
        let start = parser.token.span;
        let value = parse_keyword_value(parser, keyword)?;
        let span = parser.span_from(start);
        add(parser, draft, keyword.attribute, value, span)?;
        more = parser.eat(b',')?;
    }
    Ok(())
}

fn expected_keyword(keywords: &[Keyword]) -> String {
    let words: Vec<String> =
        keywords.iter().map(|keyword| format!("'{} ='", keyword.word)).collect();
    if words.is_empty() {
        "a value such as %0".to_owned()
    } else {
        format!("a value such as %0, or {}", words.join(" or "))
    }
}

fn parse_keyword_value(parser: &mut Parser<'_>, keyword: &Keyword) -> SourceResult<Attribute> {
    match keyword.kind {
        KeywordKind::Integers => Ok(Attribute::IntegerArray(parser.parse_integers()?)),
        KeywordKind::Integer => {
            let value: i64 = parser.expect_integer("an integer")?;
            Ok(Attribute::Integer(value.into(), Scalar::integer(64)))
        }
        KeywordKind::Float => parse_float(parser),
        KeywordKind::Bool => Ok(Attribute::Bool(parser.parse_bool()?)),
        KeywordKind::Enum => {
            let value = parser.expect_name("a name in capitals")?.to_owned();
            Ok(stablehlo_enum(keyword.attribute, value))
        }
        KeywordKind::Precision => parse_precision(parser),
    }
}

/// A number that may be written without a type.
pub(super) fn parse_float(parser: &mut Parser<'_>) -> SourceResult<Attribute> {
    let start = parser.token.span;
    let negative = parser.eat(b'-')?;
    if !matches!(parser.token.kind, TokenKind::Integer | TokenKind::Float) {
        return Err(parser.unexpected("a number"));
    }
    let digits = parser.lexeme();
    parser.advance()?;
    let span = parser.span_from(start);
    let value: f64 =
        digits.parse().map_err(|_| SourceError::new(span, "expected a decimal number"))?;
    let value = FloatValue::Decimal(if negative { -value } else { value });
    Ok(Attribute::Float(value, Scalar::Float(FloatKind::F64)))
}

/// `[DEFAULT, HIGHEST]`.
pub(super) fn parse_precision(parser: &mut Parser<'_>) -> SourceResult<Attribute> {
    parser.expect(b'[')?;
    let names = parser.list_until(b']', |parser| {
        let value = parser.expect_name("DEFAULT, HIGH or HIGHEST")?.to_owned();
        Ok(stablehlo_enum("precision", value))
    })?;
    Ok(Attribute::Array(names))
}

pub(super) fn stablehlo_enum(name: &str, value: String) -> Attribute {
    Attribute::Enum { dialect: "stablehlo".to_owned(), name: name.to_owned(), value }
}

/// Adds one attribute, which must be new.
pub(super) fn add(
    parser: &Parser<'_>,
    draft: &mut Draft,
    name: &str,
    value: Attribute,
    span: Span,
) -> SourceResult<()> {
    parser.add_attributes(draft, vec![NamedAttribute { name: name.to_owned(), value, span }])
}

/// `{…}`, if there is one.
pub(super) fn parse_attributes(parser: &mut Parser<'_>, draft: &mut Draft) -> SourceResult<()> {
    let attributes = parser.parse_optional_dictionary()?;
    parser.add_attributes(draft, attributes)
}

/// `{…} : T` or `{…} : (T, …) -> T`; a single type is that of every operand and the result.
pub(super) fn finish(parser: &mut Parser<'_>, draft: &mut Draft) -> SourceResult<()> {
    parse_attributes(parser, draft)?;
    parser.expect(b':')?;
    if parser.at(b'(') {
        let types = parser.parse_function_type()?;
        draft.operand_types = types.inputs;
        draft.result_types = types.results;
        return Ok(());
    }
    let only = parser.parse_type()?;
    draft.operand_types = vec![only.clone(); draft.operands.len()];
    draft.result_types = vec![only];
    Ok(())
}

/// `GT, %x, %y, SIGNED {…} : types`.
pub(super) fn compare(parser: &mut Parser<'_>, draft: &mut Draft) -> SourceResult<()> {
    let span = parser.token.span;
    let direction = parser.expect_name("a comparison direction such as LT")?.to_owned();
    let direction = stablehlo_enum("comparison_direction", direction);
    add(parser, draft, "comparison_direction", direction, span)?;
    parser.expect(b',')?;
    if parse_operands(parser, draft)? {
        let span = parser.token.span;
        let kind = parser.expect_name("a comparison type such as SIGNED")?.to_owned();
        let kind = stablehlo_enum("comparison_type", kind);
        add(parser, draft, "compare_type", kind, span)?;
    }
    finish(parser, draft)
}

/// `%p, %a, %b : Tp, T` or with a function type.
pub(super) fn select(parser: &mut Parser<'_>, draft: &mut Draft) -> SourceResult<()> {
    draft.operands = parse_exactly(parser, 3)?;
    parse_attributes(parser, draft)?;
    parser.expect(b':')?;
    if parser.at(b'(') {
        let types = parser.parse_function_type()?;
        draft.operand_types = types.inputs;
        draft.result_types = types.results;
        return Ok(());
    }
    let predicate = parser.parse_type()?;
    // One type: everything is a predicate.
    let value = if parser.eat(b',')? { parser.parse_type()? } else { predicate.clone() };
    draft.operand_types = vec![predicate, value.clone(), value.clone()];
    draft.result_types = vec![value];
    Ok(())
}

fn parse_exactly(parser: &mut Parser<'_>, count: usize) -> SourceResult<Vec<Operand>> {
    let mut operands = Vec::with_capacity(count);
    for index in 0..count {
        if index > 0 {
            parser.expect(b',')?;
        }
        operands.push(parser.parse_operand()?);
    }
    Ok(operands)
}

/// `%re, %im : T`, `T` being the complex type of the result.
pub(super) fn complex(parser: &mut Parser<'_>, draft: &mut Draft) -> SourceResult<()> {
    draft.operands = parse_exactly(parser, 2)?;
    finish(parser, draft)?;
    if let [Type::Tensor(TensorType { dimensions, element: Scalar::Complex(part), encoding })] =
        draft.result_types.as_slice()
        && draft.operand_types.first() == draft.result_types.first()
    {
        let part = TensorType {
            dimensions: dimensions.clone(),
            element: (**part).clone(),
            encoding: encoding.clone(),
        };
        draft.operand_types = vec![Type::Tensor(part); 2];
    }
    Ok(())
}

/// `%a, … : T, …`: as many results as operands.
pub(super) fn barrier(parser: &mut Parser<'_>, draft: &mut Draft) -> SourceResult<()> {
    parse_operands(parser, draft)?;
    parse_attributes(parser, draft)?;
    parser.expect(b':')?;
    if parser.at(b'(') {
        let types = parser.parse_function_type()?;
        draft.operand_types = types.inputs;
        draft.result_types = types.results;
        return Ok(());
    }
    draft.operand_types = parser.parse_type_list()?;
    draft.result_types = draft.operand_types.clone();
    Ok(())
}

/// `%x, format = e5m10 {…} : types`.
pub(super) fn reduce_precision(parser: &mut Parser<'_>, draft: &mut Draft) -> SourceResult<()> {
    draft.operands = parse_exactly(parser, 1)?;
    parser.expect(b',')?;
    parser.expect_word("format")?;
    parser.expect(b'=')?;
    let span = parser.token.span;
    let format = parser.expect_name("a format such as e5m10")?;
    let bits = format
        .strip_prefix('e')
        .and_then(|rest| rest.split_once('m'))
        .and_then(|(exponent, mantissa)| Some((exponent.parse().ok()?, mantissa.parse().ok()?)));
    let Some((exponent, mantissa)): Option<(u16, u16)> = bits else {
        let message = format!("found '{format}', expected a format such as e5m10");
        return Err(SourceError::new(span, message));
    };
    for (name, bits) in [("exponent_bits", exponent), ("mantissa_bits", mantissa)] {
        let value = Attribute::Integer(bits.into(), Scalar::integer(32));
        add(parser, draft, name, value, span)?;
    }
    finish(parser, draft)
}
